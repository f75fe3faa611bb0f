/** The whole server: storage, core, network and plugins, started and stopped together. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { readFileSync } from 'node:fs';
import { pino, type Logger } from 'pino';
import { defaultConfig, ConfigError, loadConfig, type LoadedConfig, type Mistake } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Announcement, Plugin, PluginStatus } from '../contract/host.ts';
import { openCore, type Core, type CoreLimits } from '../core.ts';
import { createNet } from '../net/index.ts';
import { HttpService } from '../net/http.ts';
import { Strangers } from '../net/listen.ts';
import { TlsStore, type TlsFiles } from '../net/tls.ts';
import type { Storage } from '../storage.ts';
import { bundledPlugins, loadPlugin } from './loader.ts';
import { PluginHost, type HostParts } from './plugin-host.ts';
import { selfSigned } from './self-signed.ts';
import { serverSecret } from './secret.ts';
import { CommandTable, MetricTable, systemClock } from './services.ts';

export interface ServerOptions {
  /** A TOML file; absent: all defaults. */
  readonly configFile?: string | undefined;
  /** A configuration already loaded (tests). */
  readonly loaded?: LoadedConfig;
  /** Overrides the data folder of the configuration. */
  readonly dataFolder?: string | undefined;
  /** Gets one JSON object with all real addresses when everything is up. */
  readonly readyFile?: string | undefined;
  /** Opens the storage in the data folder. */
  readonly openStorage: (folder: string, log: Logger) => Promise<Storage>;
  readonly log?: Logger;
}

/** One listening address, as announced. */
export interface Service {
  readonly service: string;
  readonly address: string;
  readonly port: number;
  readonly tls: boolean;
}

export interface RunningServer {
  readonly core: Core;
  readonly config: Config;
  readonly services: readonly (Service & { readonly hint: string })[];
  readonly dataFolder: string;
  readonly startedAt: number;
  readonly log: Logger;
  status(): ReadonlyMap<string, PluginStatus>;
  /** Certificates, and the configuration of plugins that can take it. Answers what was reloaded and what needs a restart. @throws ConfigError */
  reload(): Promise<readonly string[]>;
  stop(reason: string): Promise<void>;
}

interface Selected {
  readonly plugin: Plugin;
  readonly config: unknown;
}

export const version = (JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }).version;

/** Loads and checks everything a configuration names, plugins' tables included. @throws ConfigError with all mistakes */
export async function checkConfig(loaded: LoadedConfig): Promise<readonly Selected[]> {
  const { config, source } = loaded;
  const mistakes: Mistake[] = [];
  const selected: Selected[] = [];
  const bundled = bundledPlugins();
  const names = [...new Set([...bundled, ...Object.keys(config.plugins)])];
  for (const name of names) {
    const { enabled, module, ...table } = config.plugins[name] ?? {};
    if (enabled === false) continue;
    if (module === undefined && !bundled.includes(name)) {
      mistakes.push(
        source.mistake(
          ['plugins', name],
          `there is no bundled plugin of that name (there are: ${bundled.join(', ')}); for another one set module`,
        ),
      );
      continue;
    }
    let plugin: Plugin;
    try {
      plugin = await loadPlugin(name, module);
    } catch (error) {
      mistakes.push(
        source.mistake(
          ['plugins', name, ...(module === undefined ? [] : ['module'])],
          error instanceof Error ? error.message : String(error),
        ),
      );
      continue;
    }
    if (!plugin.enabledByDefault && config.plugins[name] === undefined) continue;
    const checked = source.check(plugin.config, table, ['plugins', name]);
    if ('mistakes' in checked) mistakes.push(...checked.mistakes);
    else selected.push({ plugin, config: checked.value });
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return selected;
}

/** @throws ConfigError StorageError ListenError CertificateError, or what a plugin throws; nothing is left running then */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const load = (): LoadedConfig => options.loaded ?? (options.configFile === undefined ? defaultConfig() : loadConfig(options.configFile));
  const loaded = load();
  const { config } = loaded;
  const log = options.log ?? pino({ level: config.log.level });
  const selected = await checkConfig(loaded);
  const dataFolder = options.dataFolder ?? config.data;
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const startedAt = Date.now();
  const undo: (() => Promise<unknown> | void)[] = [];
  try {
    const tls = new TlsStore(await tlsFiles(config, dataFolder));
    const secret = serverSecret(dataFolder);
    const storage = await options.openStorage(dataFolder, log);
    undo.push(() => storage.close());
    const core = await openCore({
      domain: config.domain,
      storage,
      clock: systemClock,
      log,
      secret,
      rooms: config.rooms.map(({ name, title, topic, history, show_joins: showJoins }) => ({
        name,
        topic,
        config: { title, history, showJoins },
      })),
      limits: coreLimits(config),
      registration: config.accounts.registration,
    });
    let reason = 'the server could not start';
    undo.push(() => core.close(reason));
    const net = createNet({
      tls,
      strangers: new Strangers(strangerLimits(config)),
      clock: systemClock,
      log,
      dnsServers: config.dns.servers,
    });
    const http = new HttpService(httpOptions(config), tls, log);
    undo.push(() => http.close());
    await http.start();
    const metrics = new MetricTable();
    const parts: HostParts = {
      core,
      net,
      http,
      storage,
      commands: new CommandTable(),
      metrics,
      log,
      domain: config.domain,
      title: config.title,
      motd: config.motd,
      version,
      startedAt,
      defaultRooms: config.rooms.map((room) => room.name),
      registration: config.accounts.registration === 'open',
    };
    offerMetrics(parts, config);
    const hosts: PluginHost[] = [];
    for (const { plugin, config: table } of selected) {
      const host = new PluginHost(plugin, parts);
      undo.push(() => host.stop());
      await host.start(table);
      hosts.push(host);
    }
    const services = (): readonly (Service & { readonly hint: string })[] => hosts.flatMap((host) => host.announcements.map(publicService));
    if (options.readyFile !== undefined) writeReadyFile(options.readyFile, config, services());
    return {
      core,
      config,
      dataFolder,
      startedAt,
      log,
      get services() {
        return services();
      },
      status: () => new Map(hosts.map((host) => [host.plugin.name, host.status()])),
      reload: () => reload(load, hosts, tls, http),
      async stop(why) {
        reason = why;
        await unwind(undo, log);
      },
    };
  } catch (error) {
    await unwind(undo, log);
    throw error;
  }
}

async function unwind(undo: (() => Promise<unknown> | void)[], log: Logger): Promise<void> {
  for (const step of undo.splice(0).toReversed()) {
    try {
      await step();
    } catch (error) {
      log.error({ err: error }, 'a part of the server did not stop cleanly');
    }
  }
}

async function reload(
  load: () => LoadedConfig,
  hosts: readonly PluginHost[],
  tls: TlsStore,
  http: HttpService,
): Promise<readonly string[]> {
  const selected = await checkConfig(load());
  tls.reload();
  http.reload();
  const said = ['certificates: reloaded'];
  for (const host of hosts) {
    const fresh = selected.find(({ plugin }) => plugin.name === host.plugin.name);
    if (fresh === undefined) said.push(`${host.plugin.name}: is switched off in the file; takes effect at a restart`);
    else if (await host.reconfigure(fresh.config)) said.push(`${host.plugin.name}: reloaded`);
  }
  return said;
}

async function tlsFiles(config: Config, dataFolder: string): Promise<TlsFiles> {
  const { certificate, key, authorities } = config.tls;
  const files =
    certificate === undefined || key === undefined
      ? await selfSigned(dataFolder, config.domain)
      : { certificateFile: certificate, keyFile: key };
  return { ...files, authorityFile: authorities };
}

function coreLimits({ limits }: Config): CoreLimits {
  return {
    messageBytes: limits.message_bytes,
    topicBytes: limits.topic_bytes,
    nickCharacters: limits.nick_characters,
    roomsPerUser: limits.rooms_per_user,
    sessionsPerUser: limits.sessions_per_user,
    guestsPerAddress: limits.guests_per_address,
    roomsInAll: limits.rooms,
    failedLogins: limits.failed_logins,
    registrations: limits.registrations,
  };
}

function strangerLimits({ limits }: Config): ConstructorParameters<typeof Strangers>[0] {
  return {
    maxUnadmittedPerAddress: limits.strangers_per_address,
    maxUnadmitted: limits.strangers,
    maxConnectionsPerAddress: limits.connections_per_address,
    admitDeadline: limits.stranger_seconds,
  };
}

function httpOptions({ http, domain }: Config): ConstructorParameters<typeof HttpService>[0] {
  return { listen: http.listen, listenTls: http.listen_tls, trustedProxies: http.trusted_proxies, publicUrl: http.public_url, domain };
}

function offerMetrics({ core, http, metrics }: HostParts, config: Config): void {
  metrics.gauge('banyan_users', 'People in live state', () => core.users.count.local, { kind: 'local' });
  metrics.gauge('banyan_users', 'People in live state', () => core.users.count.foreign, { kind: 'foreign' });
  metrics.gauge('banyan_sessions', 'Connected clients', () => core.users.count.sessions);
  metrics.gauge('banyan_rooms', 'Rooms', () => [...core.rooms.all()].length);
  metrics.gauge('banyan_resident_bytes', 'Resident memory', () => process.memoryUsage.rss());
  http.route({
    path: '/metrics',
    handle: (request, response) => {
      if (!config.http.metrics_from.includes(http.remoteAddress(request))) {
        response.writeHead(404, { 'content-type': 'text/plain' }).end('There is nothing here.\n');
        return;
      }
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(metrics.text());
    },
  });
}

function publicService({ service, address, port, tls, hint }: Announcement): Service & { readonly hint: string } {
  return { service, address, port, tls, hint };
}

/** Written beside and renamed, so that a reader never sees half of it. */
function writeReadyFile(file: string, config: Config, services: readonly (Service & { readonly hint: string })[]): void {
  const ready = {
    pid: process.pid,
    domain: config.domain,
    version,
    services: services.map(({ service, address, port, tls }) => ({ service, address, port, tls })),
  };
  writeFileSync(`${file}.new`, `${JSON.stringify(ready, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}
