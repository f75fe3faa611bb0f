/** All plugins of the server: which run, which are off and why, and what happens when one of them fails (threat class A24). */
import type { LinkFinding, PluginStatus } from '../contract/host.ts';
import { ListenError } from '../net/listen.ts';
import { blameError } from './blame.ts';
import type { Selected } from './check.ts';
import { forgetOff, readOffNotes } from './off-notes.ts';
import { PluginHost, type HostParts } from './plugin-host.ts';
import type { Trace, TraceHandlers } from './trace.ts';

/** One plugin, with the table that it runs with or would be started with. */
export interface TableEntry {
  readonly host: PluginHost;
  config: unknown;
  /** Why it does not run. */
  off: string | undefined;
}

export interface PluginState {
  readonly name: string;
  readonly state: 'runs' | 'off';
  /** Its own words, or why it is off. */
  readonly summary: string;
}

export interface PluginTableOptions {
  readonly dataFolder: string;
  /** Failures within a minute that end a plugin; 0: none do. */
  readonly failuresPerMinute: number;
}

const minute = 60_000;

export class PluginTable {
  readonly #parts: HostParts;
  readonly #options: PluginTableOptions;
  readonly #selected: readonly Selected[];
  readonly #entries = new Map<string, TableEntry>();
  /** When each failed, within the last minute. */
  readonly #failures = new Map<string, number[]>();

  constructor(parts: HostParts, selected: readonly Selected[], options: PluginTableOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#selected = selected;
  }

  get entries(): ReadonlyMap<string, TableEntry> {
    return this.#entries;
  }

  get running(): readonly PluginHost[] {
    return [...this.#entries.values()].filter(({ off }) => off === undefined).map(({ host }) => host);
  }

  /** Starts all that are not noted as off. @throws ListenError, or what a required plugin throws; what was started runs then */
  async start(): Promise<void> {
    const notes = readOffNotes(this.#options.dataFolder);
    for (const { plugin, config, required } of this.#selected) {
      const entry: TableEntry = { host: new PluginHost(plugin, this.#parts), config, off: 'was not started yet' };
      this.#entries.set(plugin.name, entry);
      const note = notes.get(plugin.name);
      if (note === undefined) await this.#start(entry);
      else entry.off = `${note}; once that is mended: banyan plugin start ${plugin.name}`;
      if (entry.off === undefined) continue;
      if (required) throw new Error(`the plugin ${plugin.name}, which is required, does not run: ${entry.off}`);
      this.#parts.log.error({ plugin: plugin.name, reason: entry.off }, 'a plugin is left off; the others serve');
    }
  }

  /** @returns why it does not run. @throws ListenError: an address that cannot be had is a mistake in the configuration, and ends the start */
  async #start(entry: TableEntry): Promise<string | undefined> {
    const { name } = entry.host.plugin;
    try {
      await entry.host.start(entry.config);
      entry.off = undefined;
    } catch (error) {
      if (error instanceof ListenError) throw new ListenError(`${error.message}, table [plugins.${name}]`);
      entry.off = `could not start: ${error instanceof Error ? error.message : String(error)}`;
      this.#parts.log.error({ err: error, plugin: name }, 'a plugin could not start');
    }
    return entry.off;
  }

  /** The host's wish: forgets why it was off, and tries. @throws Error in words for the person at the terminal */
  async switchOn(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new Error(`there is no plugin "${name}" here; see: banyan plugin list`);
    forgetOff(this.#options.dataFolder, name);
    if (entry.off === undefined) return;
    this.#failures.delete(name);
    const reason = await this.#start(entry);
    if (reason !== undefined) throw new Error(`the plugin ${name} ${reason}`);
    this.#parts.log.info({ plugin: name }, 'the plugin was started');
  }

  /** The plugin whose code threw that. */
  guilty(error: unknown): string | undefined {
    return blameError(
      error,
      this.#selected.map(({ code }) => code),
    );
  }

  /** Counts what a plugin threw; one that keeps failing is stopped. */
  failed(error: unknown): void {
    const { failuresPerMinute } = this.#options;
    const name = failuresPerMinute === 0 ? undefined : this.guilty(error);
    const entry = name === undefined ? undefined : this.#entries.get(name);
    if (name === undefined || entry === undefined || entry.off !== undefined) return;
    const now = performance.now();
    const recent = [...(this.#failures.get(name) ?? []), now].filter((at) => at > now - minute);
    this.#failures.set(name, recent);
    if (recent.length < failuresPerMinute) return;
    entry.off = `was stopped, because it failed ${recent.length} times within a minute; once that is mended: banyan plugin start ${name}`;
    this.#parts.log.fatal({ plugin: name, reason: entry.off }, 'a plugin keeps failing and is stopped; the others serve');
    // Not within the plugin's own call that has just failed.
    setImmediate(() => void entry.host.stop());
  }

  /** What the running ones say of themselves. */
  status(): ReadonlyMap<string, PluginStatus> {
    return new Map(this.running.map((host) => [host.plugin.name, host.status()]));
  }

  /** Those that do not run. */
  get off(): readonly { readonly plugin: string; readonly reason: string }[] {
    return [...this.#entries].flatMap(([plugin, { off }]) => (off === undefined ? [] : [{ plugin, reason: off }]));
  }

  /** Begins a trace. @throws Error in words for the person at the terminal */
  trace(link: string, handlers: TraceHandlers): Trace {
    return this.#hostOf(link).trace(link, handlers);
  }

  /** @throws Error in words for the person at the terminal */
  rehearse(link: string): Promise<readonly LinkFinding[]> {
    return this.#hostOf(link).rehearse(link);
  }

  #hostOf(link: string): PluginHost {
    const host = this.running.find((one) => one.status().links.some(({ name }) => name === link));
    if (host === undefined) throw new Error(`there is no link "${link}"; see: banyan link list`);
    return host;
  }

  list(): readonly PluginState[] {
    return [...this.#entries].map(([name, { host, off }]) =>
      off === undefined ? { name, state: 'runs', summary: host.status().summary } : { name, state: 'off', summary: off },
    );
  }

  /** The last that was started first. */
  async stop(): Promise<void> {
    for (const host of this.running.toReversed()) await host.stop();
  }
}
