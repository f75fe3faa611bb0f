/** Plugins that are left off until the host says otherwise: a small file in the data folder, which outlives the process. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const notes = z.record(z.string(), z.string());

function path(dataFolder: string): string {
  return join(dataFolder, 'plugins-off.json');
}

/** Why each of them is off, by name. @throws Error when the file is not what this server writes */
export function readOffNotes(dataFolder: string): ReadonlyMap<string, string> {
  const file = path(dataFolder);
  if (!existsSync(file)) return new Map();
  try {
    return new Map(Object.entries(notes.parse(JSON.parse(readFileSync(file, 'utf8')))));
  } catch (error) {
    throw new Error(`${file} cannot be understood; remove it, and all plugins are tried again`, { cause: error });
  }
}

export function noteOff(dataFolder: string, plugin: string, reason: string): void {
  write(dataFolder, new Map(readOffNotes(dataFolder)).set(plugin, reason));
}

/** True when it was noted. */
export function forgetOff(dataFolder: string, plugin: string): boolean {
  const rest = new Map(readOffNotes(dataFolder));
  if (!rest.delete(plugin)) return false;
  write(dataFolder, rest);
  return true;
}

/** Written beside and renamed, so that an end in between leaves the old or the new. */
function write(dataFolder: string, all: ReadonlyMap<string, string>): void {
  const file = path(dataFolder);
  if (all.size === 0) {
    rmSync(file, { force: true });
    return;
  }
  writeFileSync(`${file}.new`, `${JSON.stringify(Object.fromEntries(all), null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
