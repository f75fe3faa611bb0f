/** Compiles everything: TypeScript into dist/, then what a plugin builds for itself (`plugins/<name>/build.mjs`). */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @throws Error when the sources do not compile */
export async function build() {
  const compiler = spawnSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', root], {
    cwd: root,
    stdio: 'inherit',
  });
  if (compiler.status !== 0) throw new Error('the sources do not compile');
  for (const plugin of readdirSync(join(root, 'plugins'))) {
    const own = join(root, 'plugins', plugin, 'build.mjs');
    if (!existsSync(own)) continue;
    const { build: buildPlugin } = await import(pathToFileURL(own).href);
    await buildPlugin(join(root, 'dist', 'plugins', plugin));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await build();
  } catch (error) {
    console.error(`build: ${error.message}`);
    process.exitCode = 1;
  }
}
