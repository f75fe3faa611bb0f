/** `npm start`: installs what is missing, builds what has changed, serves. Arguments go to `banyan serve`. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { ensurePackages, root } from './prepare.mjs';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Banyan needs Node.js 20.19 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

function time(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

function newest(folder) {
  let latest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    latest = Math.max(latest, entry.isDirectory() ? newest(path) : statSync(path).mtimeMs);
  }
  return latest;
}

try {
  await ensurePackages();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

const sources = ['server', 'plugins', 'storage'].map((folder) => join(root, folder));
if (time(join(root, 'dist', 'server', 'main.js')) < Math.max(...sources.map(newest), time(join(root, 'package-lock.json')))) {
  console.log('Building ...');
  try {
    await build();
  } catch (error) {
    console.error(`build: ${error.message}`);
    process.exit(1);
  }
}

// This process supervises: it starts the server as a child, and again when it crashes.
const main = join(root, 'dist', 'server', 'main.js');
process.argv.splice(1, 1, main, 'serve', '--supervise');
await import(main);
