/** `npm run bench [name ...]`: builds and runs bench/*.ts, or those named, one after the other. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildAnew, ensurePackages, must, root } from './prepare.mjs';

await ensurePackages();
await buildAnew();
const folder = join(root, 'dist', 'bench');
const all = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.js')) : [];
const names = process.argv.slice(2);
const chosen = names.length === 0 ? all : names.map((name) => `${name}.js`);
for (const file of chosen) {
  console.log(`\n${file.replace('.js', '')}`);
  await must(process.execPath, [join(folder, file)]);
}
