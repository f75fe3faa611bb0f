/** The whole server: storage, core, network and plugins, started and stopped together. */
import type { X509Certificate } from 'node:crypto';
import { accessSync, constants, mkdirSync } from 'node:fs';
import type { Logger } from 'pino';
import { defaultConfig, describeMistake, loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Announcement, LinkFinding, PluginStatus } from '../contract/host.ts';
import type { Listener } from '../contract/net.ts';
import type { Core } from '../core.ts';
import { ListenError } from '../net/listen.ts';
import { addressMatcher } from '../net/ranges.ts';
import { TlsStore } from '../net/tls.ts';
import type { Storage } from '../storage.ts';
import { hostParts, openConfiguredCore, openNetwork } from './assembly.ts';
import { tlsFiles, watchCertificate } from './certificates.ts';
import { checkConfig, type CheckedConfig } from './check.ts';
import type { Failures } from './failures.ts';
import { linksOf, offerLinkMetrics } from './links.ts';
import type { HostParts } from './plugin-host.ts';
import { PluginTable, type PluginState } from './plugin-table.ts';
import { Reloader } from './reload.ts';
import { serverSecret } from './secret.ts';
import { systemClock } from './services.ts';
import type { Trace, TraceHandlers } from './trace.ts';
import { startWatchdog } from './watchdog.ts';

export interface ServerOptions {
  /** A TOML file; absent: all defaults. */
  readonly configFile?: string | undefined;
  /** Overrides the data folder of the configuration. */
  readonly dataFolder?: string | undefined;
  /** Opens the storage in the data folder. */
  readonly openStorage: (folder: string, log: Logger) => Promise<Storage>;
  readonly log: Logger;
  /** What the log is told of. */
  readonly failures: Failures;
}

/** One open port. */
interface Listening {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

export interface RunningServer {
  readonly core: Core;
  readonly config: Config;
  /** Where people and servers connect. */
  readonly services: readonly Announcement[];
  /** All open ports, under the names that the log uses. */
  readonly listeners: readonly Listening[];
  readonly dataFolder: string;
  readonly startedAt: number;
  readonly log: Logger;
  /** Of the plugins that run. */
  status(): ReadonlyMap<string, PluginStatus>;
  plugins(): readonly PluginState[];
  /** Plugins that should run and do not. */
  readonly off: PluginTable['off'];
  /** Starts a plugin that is off. @throws Error in words for the person at the terminal */
  startPlugin(name: string): Promise<void>;
  /** Begins a trace of a link. @throws Error in words for the person at the terminal */
  trace(link: string, handlers: TraceHandlers): Trace;
  /** Rehearses a link. @throws Error in words for the person at the terminal */
  rehearse(link: string): Promise<readonly LinkFinding[]>;
  /** The plugin whose code threw that. */
  guilty(error: unknown): string | undefined;
  certificate(): X509Certificate;
  /** Certificates, log level, plugins' tables. Answers what was done and what waits for a restart. @throws ConfigError CertificateError */
  reload(): Promise<readonly string[]>;
  stop(reason: string): Promise<void>;
}

/** @throws ConfigError StorageError ListenError CertificateError, or what a required plugin throws; nothing is left running then */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { log, failures } = options;
  const load = (): Promise<CheckedConfig> =>
    checkConfig(options.configFile === undefined ? defaultConfig() : loadConfig(options.configFile));
  const { config, selected, warnings } = await load();
  log.level = config.log.level;
  for (const warning of warnings) log.warn(describeMistake(warning));
  const dataFolder = options.dataFolder ?? config.data;
  prepareDataFolder(dataFolder);
  const startedAt = Date.now();
  const undo: (() => Promise<unknown> | void)[] = [];
  try {
    const tls = new TlsStore(await tlsFiles(config, dataFolder));
    const storage = await options.openStorage(dataFolder, log);
    undo.push(() => storage.close());
    const core = await openConfiguredCore(config, { storage, secret: serverSecret(dataFolder), log });
    let reason = 'the server could not start';
    undo.push(() => core.close(reason));
    const { net, http } = openNetwork(config, tls, log);
    undo.push(() => http.close());
    await http.start().catch((error: unknown) => {
      throw error instanceof ListenError ? inTable(error, 'http') : error;
    });
    const parts = hostParts(config, { core, net, http, storage, log, startedAt });
    offerMetrics(parts, config);
    const plugins = new PluginTable(parts, selected, { dataFolder, failuresPerMinute: config.watchdog.failures_per_minute });
    undo.push(startWatchdog({ seconds: config.watchdog.stuck_seconds, dataFolder, plugins: selected.map(({ code }) => code), log }), () =>
      plugins.stop(),
    );
    offerLinkMetrics(parts.metrics, () => linksOf(plugins.status()));
    failures.told = (error) => plugins.failed(error);
    await plugins.start();
    const listeners = (): readonly Listening[] => [...http.listeners, ...plugins.running.flatMap((host) => host.listeners)].map(listening);
    const services = (): readonly Announcement[] => plugins.running.flatMap((host) => host.announcements);
    const reloader = new Reloader({ load, plugins, tls, http, dataFolder, log }, config);
    undo.push(watchCertificate({ config: () => reloader.config, dataFolder, tls, clock: systemClock, log, renewed: () => http.reload() }));
    return {
      core,
      config,
      dataFolder,
      startedAt,
      log,
      get services() {
        return services();
      },
      get listeners() {
        return listeners();
      },
      status: () => plugins.status(),
      plugins: () => plugins.list(),
      get off() {
        return plugins.off;
      },
      startPlugin: (name) => plugins.switchOn(name),
      trace: (link, handlers) => plugins.trace(link, handlers),
      rehearse: (link) => plugins.rehearse(link),
      guilty: (error) => plugins.guilty(error),
      certificate: () => tls.certificate,
      reload: () => reloader.reload(),
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

/** The same, with the table of the configuration that it is about. */
function inTable(error: ListenError, table: string): ListenError {
  return new ListenError(`${error.message}, table [${table}]`);
}

/** @throws Error with the remedy when the folder cannot be used */
function prepareDataFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    throw new Error(
      `the data folder ${folder} cannot be made or written (${code}); mend its permissions, or choose another with the key data`,
      {
        cause: error,
      },
    );
  }
}

function offerMetrics({ core, http, metrics }: HostParts, config: Config): void {
  metrics.gauge('banyan_users', 'People in live state', () => core.users.count.local, { kind: 'local' });
  metrics.gauge('banyan_users', 'People in live state', () => core.users.count.foreign, { kind: 'foreign' });
  metrics.gauge('banyan_sessions', 'Connected clients', () => core.users.count.sessions);
  metrics.gauge('banyan_rooms', 'Rooms', () => [...core.rooms.all()].length);
  metrics.gauge('banyan_resident_bytes', 'Resident memory', () => process.memoryUsage.rss());
  const mayRead = addressMatcher(config.http.metrics_from);
  http.route({
    path: '/metrics',
    handle: (request, response) => {
      if (!mayRead(http.remoteAddress(request))) {
        response.writeHead(404, { 'content-type': 'text/plain' }).end('There is nothing here.\n');
        return;
      }
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(metrics.text());
    },
  });
}

function listening({ name, host, port, tls }: Listener): Listening {
  return { name, host, port, tls };
}
