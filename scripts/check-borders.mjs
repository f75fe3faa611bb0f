/**
 * The borders between the parts of the source, and a few house rules, checked from the text of the files:
 * plugins -> server/plugin.ts -> server/*; storage implements an interface that the server owns; the server knows no plugin.
 * Every complaint says what to do instead. Ends with 1 when there is one.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Another folder may be named: the test of this script does. */
const root = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..');
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Which part of the tree a file belongs to, with what it may import from the rest of the repository, and the remedy. */
const areas = [
  {
    at: /^server\/model\//,
    may: [/^server\/model\//],
    remedy: 'server/model is types and pure functions: it imports only itself. Move what needs more into server/directory or server/log',
  },
  {
    at: /^server\//,
    may: [/^server\//],
    remedy: 'the core knows no protocol, no database and no test: plugins and storage drivers are loaded by name',
  },
  {
    at: /^storage\/([^/]+)\//,
    may: [/^storage\//, /^server\/storage\.ts$/, /^server\/model\//],
    remedy: 'a storage driver sees only server/storage.ts and server/model: pass everything else in',
  },
  {
    at: /^plugins\/(irc-[^/]+)\//,
    may: [/^server\/plugin\.ts$/, 'own folder', /^plugins\/irc\//],
    remedy:
      'a plugin sees only server/plugin.ts, its own folder and (for IRC plugins) plugins/irc: have server/plugin.ts export what is missing',
  },
  {
    at: /^plugins\/([^/]+)\//,
    may: [/^server\/plugin\.ts$/, 'own folder'],
    remedy: 'a plugin sees only server/plugin.ts and its own folder: have server/plugin.ts export what is missing',
  },
  {
    at: /^templates\/([^/]+)\//,
    may: ['own folder'],
    remedy: 'a template is a plugin of somebody else: it imports banyan/plugin and banyan/kit, as packages',
  },
  {
    at: /^test\/kit\//,
    may: [/^server\//, /^storage\//, /^test\/kit\//],
    remedy: 'the kit is published, the rest of test is not: it uses the server, the storage drivers and itself',
  },
  { at: /^test\//, may: [/./], remedy: '' },
  { at: /^bench\//, may: [/^(?!.*\.test\.ts$)/], remedy: 'a benchmark uses the product, and what tests are made of, but no test' },
  { at: /^scripts\//, may: [/^scripts\//], remedy: 'scripts run before anything is built: they import only each other and Node' },
];

/** House rules by the text of a line. */
const houseRules = [
  {
    pattern: /\bMath\.random\b/,
    where: /^(?!test\/|bench\/)/,
    remedy: 'guessable: take randomBytes or randomInt of node:crypto, in the page crypto.getRandomValues',
  },
  {
    pattern: /\b(?:describe|it|context|suite|test)\.only\(/,
    where: /^test\//,
    remedy: 'one test alone would run: take the ".only" away',
  },
  {
    pattern: /\b(?:describe|it|context|suite|test|this)\.skip\(|\bx(?:it|describe)\(/,
    where: /^test\//,
    remedy: 'a test that does not run proves nothing: repair it or delete it',
  },
  {
    pattern: /\b(?:es|ox)lint-disable|@ts-(?:ignore|nocheck)\b|\bprettier-ignore\b/,
    where: /./,
    remedy: 'solve what the tool complains about instead of silencing it',
  },
  {
    pattern: /@ts-expect-err[o]r/,
    where: /^(?!test\/)/,
    remedy: 'only a type test (in test/) may expect an error of the compiler',
  },
  {
    pattern: /\bnew EventEmitter\b|\bextends EventEmitter\b/,
    where: /^server\/(?:model|log|directory)\//,
    remedy: 'call the next step directly: an emitter hides who comes next from the reader',
  },
  {
    pattern: /\bnode:(?:net|tls|http|https|dgram)['"]/,
    where: /^(?:plugins\/(?!web\/page\/)|templates\/[^/]+\/src\/)/,
    unless: /^\s*import type\b/,
    remedy: 'plugins open no sockets: use host.net and host.http',
  },
];

const complaints = [];
for (const file of sourceFiles()) {
  const text = readFileSync(join(root, file), 'utf8');
  checkImports(file, text);
  checkLines(file, text);
}
if (complaints.length > 0) {
  console.error(complaints.join('\n'));
  process.exitCode = 1;
}

function sourceFiles() {
  const found = [];
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      const name = relative(root, path).split(sep).join('/');
      if (entry.isDirectory()) {
        if (name !== 'test/fixtures') walk(path);
      } else if (/\.(?:ts|tsx|mts|mjs|js)$/.test(entry.name)) found.push(name);
    }
  };
  for (const folder of ['server', 'storage', 'plugins', 'templates', 'test', 'bench', 'scripts']) {
    if (existsSync(join(root, folder))) walk(join(root, folder));
  }
  return found.toSorted();
}

function checkImports(file, text) {
  const area = areas.find((candidate) => candidate.at.test(file));
  const ownFolder = /^(?:plugins|templates)\/[^/]+\//.exec(file)?.[0];
  const page = file.startsWith('plugins/web/page/');
  // A plugin's build script runs where the source is: development packages are installed there.
  const product = /^(?:server|storage|plugins|test\/kit)\//.test(file) && !page && !/^plugins\/[^/]+\/build\.mjs$/.test(file);
  const imports =
    /(?:^|\n)\s*(?:import|export)(\s+type)?\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s+['"]([^'"]+)['"]/g;
  for (const match of text.matchAll(imports)) {
    const typeOnly = match[1] !== undefined;
    const specifier = match[2] ?? match[3] ?? match[4];
    const line = text.slice(0, match.index).split('\n').length + (match[0].startsWith('\n') ? 1 : 0);
    const complain = (remedy) => complaints.push(`${file}:${line}: imports "${specifier}": ${remedy}`);
    if (specifier.startsWith('node:')) {
      if (page) complain('the page runs in a browser, which has no Node modules');
      continue;
    }
    if (!specifier.startsWith('.')) {
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');
      if (product && !typeOnly && !Object.hasOwn(dependencies, name)) {
        complain('the server runs without development packages: list it under "dependencies", or do without');
      }
      continue;
    }
    const target = posix.normalize(posix.join(posix.dirname(file), specifier));
    if (target.startsWith('..')) {
      complain('it lies outside the repository, which stands alone: copy what is needed into it');
      continue;
    }
    if (area === undefined) continue;
    const allowed = area.may.some((rule) => (rule === 'own folder' ? target.startsWith(ownFolder) : rule.test(target)));
    if (!allowed) complain(area.remedy);
  }
}

function checkLines(file, text) {
  const rules = houseRules.filter((rule) => rule.where.test(file));
  for (const [index, line] of text.split('\n').entries()) {
    for (const rule of rules) {
      const found = rule.pattern.exec(line);
      if (found && !rule.unless?.test(line)) complaints.push(`${file}:${index + 1}: "${found[0]}": ${rule.remedy}`);
    }
  }
}
