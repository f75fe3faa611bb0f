/** SIGHUP: takes in what can change while the server runs, and says what it did. */
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import type { HttpService } from '../net/http.ts';
import type { TlsStore } from '../net/tls.ts';
import { tlsFiles } from './certificates.ts';
import type { CheckedConfig, Selected } from './check.ts';
import type { PluginTable, TableEntry } from './plugin-table.ts';

interface Parts {
  readonly load: () => Promise<CheckedConfig>;
  readonly plugins: PluginTable;
  readonly tls: TlsStore;
  readonly http: HttpService;
  readonly dataFolder: string;
  readonly log: Logger;
}

export class Reloader {
  readonly #parts: Parts;
  #config: Config;

  constructor(parts: Parts, config: Config) {
    this.#parts = parts;
    this.#config = config;
  }

  get config(): Config {
    return this.#config;
  }

  /** Nothing changes when the file has a mistake. @throws ConfigError CertificateError */
  async reload(): Promise<readonly string[]> {
    const { load, tls, http, dataFolder, log } = this.#parts;
    const { config, selected } = await load();
    const before = this.#config;
    tls.reload(await tlsFiles(config, dataFolder));
    http.reload();
    const said = [`certificate: in use until ${new Date(tls.certificate.validTo).toISOString().slice(0, 10)}`];
    if (config.log.level !== before.log.level) {
      log.level = config.log.level;
      said.push(`log.level: ${config.log.level}`);
    }
    for (const key of Object.keys(config) as (keyof Config)[]) {
      if (key !== 'tls' && key !== 'log' && !isDeepStrictEqual(config[key], before[key])) said.push(`${key}: changed; waits for a restart`);
    }
    this.#config = config;
    said.push(...(await this.#reloadPlugins(selected)));
    return said;
  }

  async #reloadPlugins(selected: readonly Selected[]): Promise<readonly string[]> {
    const { entries } = this.#parts.plugins;
    const said: string[] = [];
    for (const { plugin } of selected)
      if (!entries.has(plugin.name)) said.push(`plugins.${plugin.name}: is switched on; waits for a restart`);
    for (const [name, entry] of entries) {
      const fresh = selected.find(({ plugin }) => plugin.name === name);
      if (fresh === undefined) said.push(`plugins.${name}: is switched off; waits for a restart`);
      else if (!isDeepStrictEqual(fresh.config, entry.config)) said.push(await this.#change(entry, fresh.config));
    }
    return said;
  }

  /** A plugin that does not take its new table as it runs is stopped and started; on a table that does not work, the old one goes on. */
  async #change(entry: TableEntry, table: unknown): Promise<string> {
    const { host } = entry;
    const { name } = host.plugin;
    if (entry.off !== undefined) {
      entry.config = table;
      return `plugins.${name}: is off, and has its new settings when it is started: banyan plugin start ${name}`;
    }
    if (await host.reconfigure(table)) {
      entry.config = table;
      return `plugins.${name}: has its new settings`;
    }
    await host.stop();
    try {
      await host.start(table);
      entry.config = table;
      return `plugins.${name}: stopped, and started with its new settings`;
    } catch (error) {
      this.#parts.log.error({ err: error, plugin: name }, 'the plugin did not start with its new settings');
      return await this.#goOn(entry);
    }
  }

  /** With the settings that it had. */
  async #goOn(entry: TableEntry): Promise<string> {
    const { name } = entry.host.plugin;
    try {
      await entry.host.start(entry.config);
      return `plugins.${name}: goes on with its old settings, because it did not start with the new ones`;
    } catch (error) {
      entry.off = `could not start again after a reload: ${error instanceof Error ? error.message : String(error)}`;
      this.#parts.log.error({ err: error, plugin: name }, 'a plugin could not start again; the others serve');
      return `plugins.${name}: is off, because it starts with neither the new settings nor the old; then: banyan plugin start ${name}`;
    }
  }
}
