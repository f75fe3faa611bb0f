/** Everything that can be wrong with a configuration, found before anything is started. */
import { isLoopback } from '../net/connection.ts';
import { splitAddress } from '../net/listen.ts';
import { tlsFileMistakes } from '../net/tls.ts';
import { ConfigError, type LoadedConfig, type Mistake } from '../config/load.ts';
import { didYouMean } from '../config/explain.ts';
import type { Config } from '../config/schema.ts';
import type { Plugin } from '../contract/host.ts';
import type { PluginCode } from './blame.ts';
import { certificateDoubts } from './certificates.ts';
import { bundledPlugins, loadPlugin } from './loader.ts';

export interface Selected {
  readonly plugin: Plugin;
  readonly config: unknown;
  readonly code: PluginCode;
  /** The server does not run without it. */
  readonly required: boolean;
}

export interface CheckedConfig {
  readonly config: Config;
  readonly selected: readonly Selected[];
  /** What works, and is probably not meant. */
  readonly warnings: readonly Mistake[];
}

/** Loads and checks everything a configuration names, the plugins' tables included. @throws ConfigError with all mistakes */
export async function checkConfig(loaded: LoadedConfig): Promise<CheckedConfig> {
  const { core, sound, plugins, source } = loaded;
  const { selected, mistakes: ofPlugins } = await selectPlugins(loaded);
  // A mistake in one table hides none in another.
  const mistakes = [
    ...('mistakes' in core ? core.mistakes : []),
    ...certificateMistakes(sound, loaded),
    ...doubleAddresses(sound, selected, loaded),
    ...('mistakes' in plugins ? plugins.mistakes : []),
    ...ofPlugins,
  ];
  if (mistakes.length > 0 || 'mistakes' in core) throw new ConfigError(mistakes.toSorted((a, b) => a.line - b.line));
  const config = core.value;
  const warnings = [
    ...certificateDoubts(config, namesOf(config, selected)).map((doubt) => source.mistake(['tls', 'certificate'], doubt)),
    ...openAddresses(config, selected, loaded),
  ];
  return { config, selected, warnings };
}

async function selectPlugins({
  plugins,
  source,
}: LoadedConfig): Promise<{ readonly selected: readonly Selected[]; readonly mistakes: readonly Mistake[] }> {
  const tables = 'value' in plugins ? plugins.value : {};
  const bundled = bundledPlugins();
  const selected: Selected[] = [];
  const mistakes: Mistake[] = [];
  for (const name of new Set([...bundled, ...Object.keys(tables)])) {
    const { enabled, module, required = false, ...table } = tables[name] ?? {};
    if (enabled === false) continue;
    if (module === undefined && !bundled.includes(name)) {
      const meant = didYouMean(name, bundled);
      const remedy = meant === undefined ? `there are: ${bundled.join(', ')}` : `did you mean ${meant}?`;
      mistakes.push(
        source.mistake(['plugins', name], `is no plugin that comes with the server; ${remedy} For one of your own, set its key module`),
      );
      continue;
    }
    try {
      const { plugin, code } = await loadPlugin(name, module, source.folder);
      if (!plugin.enabledByDefault && tables[name] === undefined) continue;
      const checked = source.check(plugin.config, table, ['plugins', name]);
      if ('mistakes' in checked) mistakes.push(...checked.mistakes);
      else selected.push({ plugin, config: checked.value, code, required });
    } catch (error) {
      const path = ['plugins', name, ...(module === undefined ? [] : ['module'])];
      mistakes.push(source.mistake(path, error instanceof Error ? error.message : String(error)));
    }
  }
  return { selected, mistakes };
}

/** What the certificate has to name: XMPP servers ask for the names of rooms and of foreign people too. */
function namesOf({ domain }: Config, selected: readonly Selected[]): readonly string[] {
  return selected.some(({ plugin }) => plugin.name === 'xmpp') ? [domain, `rooms.${domain}`, `users.${domain}`] : [domain];
}

function certificateMistakes({ tls }: Partial<Config>, { source }: LoadedConfig): readonly Mistake[] {
  return tlsFileMistakes({ certificateFile: tls?.certificate, keyFile: tls?.key, authorityFile: tls?.authorities }).map(
    ({ about, message }) => source.mistake(['tls', about], message),
  );
}

interface ConfiguredAddress {
  readonly path: readonly string[];
  readonly address: string;
  readonly tls: boolean;
}

/** Listeners by the names that the server and its plugins share for them. */
function addresses({ http }: Partial<Config>, selected: readonly Selected[]): readonly ConfiguredAddress[] {
  const tables = [
    { path: ['http'], table: (http ?? {}) as unknown },
    ...selected.map(({ plugin, config: table }) => ({ path: ['plugins', plugin.name], table })),
  ];
  return tables.flatMap(({ path, table }) => {
    const lists = table as Readonly<Record<string, unknown>>;
    return ['listen', 'listen_tls'].flatMap((key) => {
      const list = lists[key];
      if (!Array.isArray(list)) return [];
      return list
        .filter((address) => typeof address === 'string')
        .map((address) => ({ path: [...path, key], address, tls: key === 'listen_tls' }));
    });
  });
}

function doubleAddresses(config: Partial<Config>, selected: readonly Selected[], { source }: LoadedConfig): readonly Mistake[] {
  const taken = new Map<string, string>();
  return addresses(config, selected).flatMap(({ path, address }) => {
    const other = taken.get(address);
    taken.set(address, path.join('.'));
    if (other === undefined || splitAddress(address).port === 0) return [];
    return [source.mistake(path, `"${address}" is taken by ${other}; two listeners cannot share one address, so choose another port`)];
  });
}

/** Unencrypted ports that others can reach: right behind a proxy, wrong otherwise. */
function openAddresses(config: Config, selected: readonly Selected[], { source }: LoadedConfig): readonly Mistake[] {
  return addresses(config, selected)
    .filter(({ path }) => path.at(-1) === 'listen' && path[1] !== 'xmpp')
    .filter(({ address }) => !isLoopback(splitAddress(address).host) && splitAddress(address).host !== 'localhost')
    .map(({ path, address }) =>
      source.mistake(
        path,
        `"${address}" is open to the network without encryption, passwords included; prefer listen_tls, or 127.0.0.1 behind a proxy`,
      ),
    );
}
