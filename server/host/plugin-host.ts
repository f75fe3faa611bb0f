/** Runs one plugin: what it takes from the host is noted here and taken back at its stop. */
import type { Logger } from 'pino';
import type { Announcement, Clock, Command, Host, LinkFinding, Plugin, PluginStatus, RunningPlugin, Timer } from '../contract/host.ts';
import type { Connection, Http, HttpRoute, Listener, UpgradeRoute } from '../contract/net.ts';
import type { Network } from '../contract/networks.ts';
import type { Core } from '../core.ts';
import type { Net } from '../contract/net.ts';
import type { Domain } from '../model/address.ts';
import type { Storage } from '../storage.ts';
import { Trace, type Traced, type TraceHandlers } from './trace.ts';
import { pluginStore, type CommandTable, type MetricTable } from './services.ts';

/** The shared HTTP port, which can take routes back. */
export interface RemovableHttp extends Http {
  remove(routes: Iterable<HttpRoute | UpgradeRoute>): void;
}

/** What all plugins' hosts share. */
export interface HostParts {
  readonly core: Core;
  readonly net: Net;
  readonly http: RemovableHttp;
  readonly storage: Storage;
  /** Virtual where plugins are tested. */
  readonly clock: Clock;
  readonly commands: CommandTable;
  readonly metrics: MetricTable;
  readonly log: Logger;
  readonly domain: Domain;
  readonly title: string;
  readonly motd: readonly string[];
  readonly version: string;
  readonly startedAt: number;
  readonly defaultRooms: readonly string[];
  readonly registration: boolean;
}

/** A plugin that has not started by then is given up: the others wait for it. */
const startMilliseconds = 20_000;
/** A plugin that has not stopped by then is taken down. */
export const stopMilliseconds = 5_000;

export class PluginHost {
  readonly plugin: Plugin;
  readonly announcements: Announcement[] = [];
  /** What the plugin listens on now. */
  readonly listeners: Listener[] = [];
  readonly #parts: HostParts;
  readonly #log: Logger;
  #running: RunningPlugin | undefined;
  /** Takes back what was given, last first. */
  readonly #undo = new Set<() => void | Promise<void>>();
  /** How often that was done: whoever still holds the host of an earlier time is given nothing. */
  #takenBack = 0;
  /** Dialled; those that are over are forgotten at the next dial, since a plugin dials for ever. */
  readonly #connections = new Set<Connection>();

  /** Traces that wait for a link's next connection. */
  readonly #observers = new Set<(connection: Connection) => void>();

  constructor(plugin: Plugin, parts: HostParts) {
    this.plugin = plugin;
    this.#parts = parts;
    this.#log = parts.log.child({ plugin: plugin.name });
  }

  /** @throws whatever the plugin throws, or Error when it takes too long; everything is taken back then */
  async start(config: unknown): Promise<void> {
    try {
      this.#running = await this.#inTime(this.plugin.start(this.#host(), config));
    } catch (error) {
      await this.#takeBack();
      throw error;
    }
  }

  /** Should the plugin start after all when it was given up, it is stopped at once. Threat class A24. */
  async #inTime(starting: Promise<RunningPlugin>): Promise<RunningPlugin> {
    let giveUp: (error: Error) => void = () => undefined;
    const late = new Promise<never>((_, reject) => (giveUp = reject));
    const seconds = startMilliseconds / 1_000;
    const timer = this.#parts.clock.after(startMilliseconds, () => {
      giveUp(new Error(`did not start within ${seconds} seconds`));
      void this.#stopLate(starting);
    });
    try {
      return await Promise.race([starting, late]);
    } finally {
      timer.cancel();
    }
  }

  async #stopLate(starting: Promise<RunningPlugin>): Promise<void> {
    try {
      await (await starting).stop();
    } catch (error) {
      this.#log.error({ err: error }, 'the plugin failed after its start was given up');
    }
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (running !== undefined) {
      const timeout = new Promise<void>((resolve) => setTimeout(resolve, stopMilliseconds).unref());
      try {
        await Promise.race([running.stop(), timeout]);
      } catch (error) {
        this.#log.error({ err: error }, 'the plugin failed at its stop');
      }
    }
    await this.#takeBack();
  }

  /** True when the plugin took the new configuration without a stop. */
  async reconfigure(config: unknown): Promise<boolean> {
    return (await this.#running?.reconfigure?.(config)) ?? false;
  }

  status(): PluginStatus {
    if (this.#running === undefined) return { summary: 'stopped', links: [] };
    try {
      return this.#running.status();
    } catch (error) {
      this.#log.error({ err: error }, 'the plugin failed on its status');
      return { summary: 'failed', links: [] };
    }
  }

  /** Rehearses one of its links. @throws Error in words for the person at the terminal */
  async rehearse(link: string): Promise<readonly LinkFinding[]> {
    const findings = await this.#running?.rehearse?.(link);
    if (findings === undefined) throw new Error('the plugin does not offer to rehearse that link');
    return findings;
  }

  /** Rehearses a link of a plugin that is not started. Undefined when it has none of that name. */
  async rehearseAlone(config: unknown, link: string): Promise<readonly LinkFinding[] | undefined> {
    try {
      return await this.plugin.rehearse?.(this.#host(), config, link);
    } finally {
      await this.#takeBack();
    }
  }

  /** Begins a trace of one of its links. @throws Error in words for the person at the terminal */
  trace(link: string, handlers: TraceHandlers): Trace {
    const traced: Traced = {
      wire: () => this.#running?.wire?.(link),
      observe: (run) => {
        this.#observers.add(run);
        return () => this.#observers.delete(run);
      },
    };
    return new Trace(this.#parts.clock, traced, handlers);
  }

  async #takeBack(): Promise<void> {
    this.#takenBack++;
    for (const connection of this.#connections) connection.destroy('the plugin was stopped');
    this.#connections.clear();
    const undo = [...this.#undo];
    this.#undo.clear();
    this.announcements.length = 0;
    this.listeners.length = 0;
    for (const take of undo.toReversed()) {
      try {
        await take();
      } catch (error) {
        this.#log.error({ err: error }, 'something of the plugin could not be taken back');
      }
    }
  }

  #host(): Host {
    const { core, net, http, storage, clock, commands, metrics, log: _log, ...facts } = this.#parts;
    const times = this.#takenBack;
    const keep = <T>(thing: T, take: (thing: T) => void | Promise<void>): T => {
      if (this.#takenBack !== times) {
        void take(thing);
        throw new Error('the plugin was stopped, and can be given nothing more');
      }
      this.#undo.add(() => take(thing));
      return thing;
    };
    return {
      ...facts,
      net: {
        resolve: (query) => net.resolve(query),
        bucket: (capacity, perSecond) => net.bucket(capacity, perSecond),
        listen: async (options, onConnection) => {
          const listener = await net.listen(options, (connection) => {
            this.#opened(connection);
            onConnection(connection);
          });
          keep(listener, (one) => one.close());
          this.listeners.push(listener);
          return listener;
        },
        dial: async (options) => this.#dialled(await net.dial(options)),
      },
      http: {
        route: (route: HttpRoute) => http.route(keep(route, (one) => http.remove([one]))),
        upgrade: (route: UpgradeRoute) => http.upgrade(keep(route, (one) => http.remove([one]))),
        get urls() {
          return http.urls;
        },
        remoteAddress: (request) => http.remoteAddress(request),
        secure: (request) => http.secure(request),
      },
      users: core.users,
      rooms: core.rooms,
      accounts: core.accounts,
      networks: {
        declare: (options, handler) =>
          keep(core.networks.declare(options, handler), (network: Network) => network.withdraw('the plugin was stopped')),
        resolver: (scheme, introduce) => keep(core.networks.resolver(scheme, introduce), (remove) => remove()),
        homes: (scheme, homes) => keep(core.networks.homes(scheme, homes), (remove) => remove()),
        get: (address) => core.networks.get(address),
        byLabel: (label) => core.networks.byLabel(label),
        all: () => core.networks.all(),
        outbound: () => core.networks.outbound(),
      },
      hooks: { filter: (point, order, run) => keep<() => void>(core.hooks.filter(point, order, run), (remove) => remove()) },
      commands: {
        offer: (command: Command) => {
          commands.offer(command);
          keep(command, (one) => commands.remove(one));
        },
        all: () => commands.all(),
        run: (name, context) => commands.run(name, context),
      },
      store: pluginStore(storage, this.plugin.name),
      metrics,
      log: this.#log,
      clock: {
        now: () => clock.now(),
        after: (milliseconds, run) => this.#timer((done) => clock.after(milliseconds, () => done(run))),
        every: (milliseconds, run) => this.#timer(() => clock.every(milliseconds, () => this.#guard(run))),
      },
      secret: (purpose) => core.secret(`${this.plugin.name}/${purpose}`),
      announce: (announcement) => void this.announcements.push(announcement),
    };
  }

  #dialled(connection: Connection): Connection {
    for (const one of this.#connections) if (one.closed) this.#connections.delete(one);
    this.#connections.add(connection);
    this.#opened(connection);
    return connection;
  }

  #opened(connection: Connection): void {
    for (const observer of this.#observers) observer(connection);
  }

  /** A timer that is forgotten once it is over: a plugin makes very many in its life. */
  #timer(make: (done: (run: () => void) => void) => Timer): Timer {
    const timer = make((run) => {
      this.#undo.delete(cancel);
      this.#guard(run);
    });
    const cancel = (): void => {
      this.#undo.delete(cancel);
      timer.cancel();
    };
    this.#undo.add(cancel);
    return { cancel };
  }

  /** A throw in a plugin's timer is reported, and hurts nobody. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#log.error({ err: error }, 'a timer of the plugin failed');
    }
  }
}
