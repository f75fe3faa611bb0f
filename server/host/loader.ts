/** Finds plugins: the bundled ones beside the server, others by the module that the configuration names. */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Plugin } from '../contract/host.ts';
import { pluginCode, type PluginCode } from './blame.ts';

const bundledFolder = fileURLToPath(new URL('../../plugins/', import.meta.url));

/** Names of the bundled plugins; folders without an index are libraries. */
export function bundledPlugins(): readonly string[] {
  if (!existsSync(bundledFolder)) return [];
  return readdirSync(bundledFolder)
    .filter((name) => existsSync(join(bundledFolder, name, 'index.js')))
    .toSorted();
}

export interface LoadedPlugin {
  readonly plugin: Plugin;
  readonly code: PluginCode;
}

/** `folder` is where a module's relative path begins. @throws Error that names the module and the remedy */
export async function loadPlugin(name: string, module: string | undefined, folder: string): Promise<LoadedPlugin> {
  const url = module === undefined ? pathToFileURL(join(bundledFolder, name, 'index.js')).href : locate(module, folder);
  let loaded: { default?: unknown };
  try {
    loaded = (await import(url)) as { default?: unknown };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new Error(`the plugin cannot be loaded: ${words.split('\n')[0]}; mend it, or set enabled = false`, { cause: error });
  }
  const plugin = loaded.default as Partial<Plugin> | undefined;
  if (typeof plugin?.start !== 'function' || typeof plugin.name !== 'string' || plugin.config === undefined) {
    throw new Error(`the module has no default export with name, config and start; export one by definePlugin of banyan/plugin`);
  }
  return { plugin: plugin as Plugin, code: pluginCode(plugin.name, url) };
}

/** A path, or a package installed where the server runs. @throws Error with the remedy */
function locate(module: string, folder: string): string {
  if (module.startsWith('.') || module.startsWith('/')) {
    const file = resolve(folder, module);
    if (!existsSync(file)) throw new Error(`there is no file ${file}; a path of a module begins at the folder of the configuration`);
    return pathToFileURL(file).href;
  }
  try {
    return pathToFileURL(createRequire(join(process.cwd(), 'package.json')).resolve(module)).href;
  } catch {
    throw new Error(`the package ${module} is not installed here; run: npm install ${module}`);
  }
}
