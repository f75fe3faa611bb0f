/**
 * Which storage the command uses. Drivers are named, not imported: the core knows the interface only, and the driver is
 * found beside it.
 */
import { join } from 'node:path';
import { pathToFileURL, fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import type { Storage } from '../storage.ts';

const driverFolder = fileURLToPath(new URL('../../storage/', import.meta.url));

/** @throws StorageError */
export async function openStorage(dataFolder: string, log: Logger): Promise<Storage> {
  const driver = (await import(pathToFileURL(join(driverFolder, 'sqlite', 'index.js')).href)) as {
    openSqliteStorage: (options: { folder: string; log: Logger }) => Promise<Storage>;
  };
  return driver.openSqliteStorage({ folder: dataFolder, log });
}
