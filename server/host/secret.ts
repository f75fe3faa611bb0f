/** The server's secret: 32 random bytes, made at the first start. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** @throws Error that names the file when it is damaged */
export function serverSecret(dataFolder: string): Buffer {
  const file = join(dataFolder, 'secret');
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  if (!existsSync(file)) writeFileSync(file, randomBytes(32), { mode: 0o600, flag: 'wx' });
  const secret = readFileSync(file);
  if (secret.length !== 32)
    throw new Error(`${file} is damaged: it must hold 32 bytes; put back a copy, or remove it (guests and shown hosts change then)`);
  return secret;
}
