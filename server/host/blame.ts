/**
 * Whose code it was: finds the plugin in a stack of calls. Stacks tell it whatever way the code came to run (a handler, a timer of its
 * own, a promise), and cost nothing while all is well.
 */
import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Where a plugin's code lies: its module, and the folder of all that belongs to it. Both as paths without symbolic links. */
export interface PluginCode {
  readonly name: string;
  readonly module: string;
  readonly folder: string;
}

/** A module below `node_modules` belongs to its package, any other to its folder. */
export function pluginCode(name: string, url: string): PluginCode {
  const module = realpathSync(fileURLToPath(url));
  const [inPackage] = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(module) ?? [];
  return { name, module, folder: inPackage ?? dirname(module) };
}

/** The plugin that was called last. `frames` are lines of a stack, or places in files, innermost first. */
export function blame(frames: readonly string[], plugins: readonly PluginCode[]): string | undefined {
  for (const frame of frames) {
    const itself = plugins.find(({ module }) => mentions(frame, module));
    if (itself !== undefined) return itself.name;
    const around = plugins.filter(({ folder }) => mentions(frame, `${folder}/`));
    if (around.length > 0) return around.toSorted((a, b) => b.folder.length - a.folder.length)[0]!.name;
  }
  return undefined;
}

/** The same for what was thrown. The message is not looked at: what is in it may come from outside. */
export function blameError(error: unknown, plugins: readonly PluginCode[]): string | undefined {
  if (!(error instanceof Error) || error.stack === undefined) return undefined;
  const words = error.stack.indexOf(error.message);
  const frames = words < 0 ? error.stack : error.stack.slice(words + error.message.length);
  return blame(frames.split('\n'), plugins);
}

/** ECMAScript modules are named by URL in a stack, CommonJS ones by path. */
function mentions(frame: string, path: string): boolean {
  return frame.includes(path) || frame.includes(pathToFileURL(path).href);
}
