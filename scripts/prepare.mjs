/** What has to be there before anything runs: npm packages, the compiled program, Debian packages for the tests. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Installs what package-lock.json names and node_modules lacks. @throws Error that names the remedy */
export async function ensurePackages() {
  if (packagesComplete()) return;
  console.log('Installing packages; the database engine is compiled once, which takes a minute or two ...');
  if ((await run('npm', ['install', '--include=dev', '--no-audit', '--no-fund', '--loglevel', 'error'])) !== 0) {
    throw new Error(
      'npm install failed; the message above says why. A C++ compiler, make and Python are needed once (Debian: apt-get install build-essential python3).',
    );
  }
}

function packagesComplete() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const read = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;
  const have = read(installed);
  return Object.entries(read(join(root, 'package-lock.json'))).every(
    ([path, { version, optional }]) => path === '' || optional === true || have[path]?.version === version,
  );
}

/** Compiles into dist/, and forgets there what has no source any more, so that a deleted test is not run. */
export async function buildAnew() {
  // First, because what plugins build for themselves has no source of the same name.
  for (const part of ['server', 'storage', 'plugins', 'templates', 'test', 'bench']) prune(part);
  await build();
}

function prune(folder) {
  const compiled = join(root, 'dist', folder);
  if (folder === 'plugins/web/page' || !existsSync(compiled)) return;
  for (const entry of readdirSync(compiled, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (existsSync(join(root, path))) prune(path);
      else rmSync(join(root, 'dist', path), { recursive: true });
    } else if (/\.(?:js|js\.map|d\.ts)$/.test(entry.name) && !existsSync(join(root, path.replace(/\.(?:js|js\.map|d\.ts)$/, '.ts')))) {
      rmSync(join(root, 'dist', path));
    }
  }
}

/** Debian packages that tests run against: the peers, their name resolution and certificates, a browser and a font for it. */
const debianPackages = [
  'inspircd',
  'ngircd',
  'atheme-services',
  'prosody',
  'lua-sec',
  'lua-event',
  'lua-unbound',
  'dnsmasq-base',
  'openssl',
  'chromium',
  'fonts-dejavu-core',
];

/**
 * Installs missing Debian packages, as root. Answers with those that are still missing: everything when apt-get is not there
 * or the user may not.
 */
export async function ensurePeers() {
  const missing = debianPackages.filter((name) => !debianPackageInstalled(name));
  if (missing.length === 0) return [];
  const byHand = `apt-get install --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid() !== 0) {
    console.log(`Missing for the tests with real peers; as root: ${byHand}`);
    return missing;
  }
  console.log(`Installing Debian packages for the tests: ${missing.join(' ')} ...`);
  const environment = { DEBIAN_FRONTEND: 'noninteractive' };
  const quiet = ['-y', '-q', '-o', 'Dpkg::Use-Pty=0'];
  await run('apt-get', ['update', ...quiet], environment);
  await run('apt-get', ['install', '--no-install-recommends', ...quiet, ...missing], environment);
  const still = missing.filter((name) => !debianPackageInstalled(name));
  if (still.length > 0) console.log(`Could not be installed: ${still.join(' ')}; by hand: ${byHand}`);
  return still;
}

function debianPackageInstalled(name) {
  const { status, stdout } = spawnSync('dpkg-query', ['--show', '--showformat=${db:Status-Status}', name], { encoding: 'utf8' });
  return status === 0 && stdout === 'installed';
}

/** Runs a program with our output; resolves with its exit code. */
export function run(command, args, environment = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...environment } });
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(1);
    });
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/** Runs a program that has to succeed. */
export async function must(command, args, environment) {
  const code = await run(command, args, environment);
  if (code !== 0) throw new Error(`"${[command, ...args].join(' ')}" failed (exit code ${code})`);
}
