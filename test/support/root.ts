import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of package.json, from wherever the compiled tests lie. */
export const repository = findRepository();
/** The folder that this compilation was written to (`dist`). */
export const compiled = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

function findRepository(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

/** A fresh folder under the system's temporary one. */
export async function temporaryFolder(purpose: string): Promise<string> {
  return await mkdtemp(join(tmpdir(), `banyan-${purpose}-`));
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
