/** Finds plugins: the bundled ones beside the server, others by the module that the configuration names. */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Plugin } from '../contract/host.ts';

const bundledFolder = fileURLToPath(new URL('../../plugins/', import.meta.url));

/** Names of the bundled plugins; folders without an index are libraries. */
export function bundledPlugins(): readonly string[] {
  if (!existsSync(bundledFolder)) return [];
  return readdirSync(bundledFolder)
    .filter((name) => existsSync(join(bundledFolder, name, 'index.js')))
    .toSorted();
}

/** @throws Error that names the module and the remedy */
export async function loadPlugin(name: string, module: string | undefined): Promise<Plugin> {
  const url = module === undefined ? pathToFileURL(join(bundledFolder, name, 'index.js')).href : locate(name, module);
  let loaded: { default?: unknown };
  try {
    loaded = (await import(url)) as { default?: unknown };
  } catch (error) {
    throw new Error(`plugin "${name}" cannot be loaded: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  const plugin = loaded.default as Partial<Plugin> | undefined;
  if (typeof plugin?.start !== 'function' || typeof plugin.name !== 'string' || plugin.config === undefined) {
    throw new Error(`plugin "${name}": its module has no default export with name, config and start; see docs/plugins.md`);
  }
  return plugin as Plugin;
}

/** A path, or a package installed where the server runs. */
function locate(name: string, module: string): string {
  if (module.startsWith('.') || module.startsWith('/')) return pathToFileURL(resolve(module)).href;
  try {
    return pathToFileURL(createRequire(join(process.cwd(), 'package.json')).resolve(module)).href;
  } catch {
    throw new Error(`plugin "${name}": the package ${module} is not installed here; run: npm install ${module}`);
  }
}
