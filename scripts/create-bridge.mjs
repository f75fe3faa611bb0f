/**
 * `npm run create-bridge -- NAME FOLDER`: a new bridge that works, for the line protocol of docs/plugins.md, under the name of
 * the protocol that it will speak. It is a copy of templates/bridge with that name in it.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const template = join(root, 'templates', 'bridge');

const [name = '', folder = ''] = process.argv.slice(2);
const mistake = check();
if (mistake === undefined) {
  copy(template, resolve(folder));
  console.log(`${name} is in ${folder}. Go on there with: npm install && npm test`);
} else {
  console.error(`create-bridge: ${mistake}\nusage: npm run create-bridge -- NAME FOLDER`);
  process.exitCode = 1;
}

function check() {
  if (!/^[a-z][a-z0-9]{0,31}$/.test(name)) return 'the name must be 1 to 32 of a-z and 0-9, a letter first';
  if (folder === '') return 'the folder is missing';
  if (existsSync(folder) && readdirSync(folder).length > 0) return `${folder} is not empty`;
  return undefined;
}

function copy(from, to) {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, rename(entry.name));
    if (entry.isDirectory()) copy(source, target);
    else writeFileSync(target, fill(readFileSync(source, 'utf8')));
  }
}

/** Files that would mean something in this repository lie in it under another name. */
function rename(file) {
  return file === 'gitignore.template' ? '.gitignore' : file.replace(/\.template$/, '').replace('parley', name);
}

function fill(text) {
  const { version, dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  // The bridge is built against the Banyan that made it, a checkout or an installed package.
  const values = { ...dependencies, ...devDependencies, banyan: version, 'banyan location': `file:${root}` };
  return text
    .replaceAll(/\{\{([^{}]+)\}\}/g, (_, key) => values[key])
    .replaceAll('parley', name)
    .replaceAll('Parley', `${name[0].toUpperCase()}${name.slice(1)}`);
}
