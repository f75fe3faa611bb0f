/** Builds the page: one script, one style sheet, an icon, named by what is in them so that browsers may keep them for ever. */
import { build as bundle } from 'esbuild';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const page = join(dirname(fileURLToPath(import.meta.url)), 'page');

export async function build(outDir) {
  const folder = join(outDir, 'public');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const result = await bundle({
    entryPoints: {
      page: join(page, 'main.tsx'),
      style: join(page, 'style.css'),
      icon: join(page, 'icon.svg'),
      unread: join(page, 'icon-unread.svg'),
    },
    outdir: folder,
    entryNames: '[name]-[hash]',
    bundle: true,
    format: 'esm',
    target: ['chrome111', 'firefox113', 'safari16.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    loader: { '.svg': 'copy' },
    minify: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  const made = Object.keys(result.metafile.outputs).map((path) => basename(path));
  const named = (kind) => made.find((name) => new RegExp(`^${kind}-\\w+\\.`).test(name));
  const html = readFileSync(join(page, 'index.html'), 'utf8').replaceAll(/%(page|style|icon|unread)%/g, (_, kind) => `/${named(kind)}`);
  writeFileSync(join(folder, 'index.html'), html);
}
