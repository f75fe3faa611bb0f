/** `npm start`: installs what is missing, builds what has changed, serves. Arguments go to `banyan serve`. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
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

if (time(join(root, 'node_modules', '.package-lock.json')) < time(join(root, 'package-lock.json'))) {
  console.log('Installing packages; the database engine is compiled once, which takes a minute or two ...');
  const install = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel', 'error'], { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  if (install.status !== 0) {
    console.error('npm ci failed; the message above says why. A C++ compiler, make and Python are needed once (Debian: apt-get install build-essential python3).');
    process.exit(1);
  }
}

const sources = ['server', 'plugins', 'storage'].map((folder) => join(root, folder));
if (time(join(root, 'dist', 'server', 'main.js')) < Math.max(...sources.map(newest), time(join(root, 'package-lock.json')))) {
  console.log('Building ...');
  const { build } = await import('./build.mjs');
  try {
    await build();
  } catch (error) {
    console.error(`build: ${error.message}`);
    process.exit(1);
  }
}

const server = spawn(process.execPath, [join(root, 'dist', 'server', 'main.js'), 'serve', ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => server.kill(signal));
server.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
