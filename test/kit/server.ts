/** A whole server in memory: the real core and the real host of plugins, with virtual time, network and HTTP. */
import type { Duplex } from 'node:stream';
import type { Plugin, PluginStatus, Announcement } from '../../server/contract/host.ts';
import type { Room } from '../../server/contract/rooms.ts';
import { defaultCoreLimits, openCore, type Core, type CoreLimits } from '../../server/core.ts';
import { PluginHost, stopMilliseconds, type HostParts } from '../../server/host/plugin-host.ts';
import type { Trace, TraceHandlers } from '../../server/host/trace.ts';
import { CommandTable, MetricTable } from '../../server/host/services.ts';
import { parseDomain } from '../../server/model/address.ts';
import type { Storage } from '../../server/storage.ts';
import { openMemoryStorage } from '../../storage/memory/index.ts';
import { VirtualClock } from './clock.ts';
import { countEverything, type Footprint } from './footprint.ts';
import { VirtualHttp, type HttpClientOptions, type HttpRequestOptions, type WebSocketOptions } from './http.ts';
import { captureLog, type CapturedLog } from './log.ts';
import { VirtualNet, type ConnectOptions } from './net/net.ts';
import type { VirtualCertificate } from './net/tls.ts';
import { Peer, type PeerOptions } from './peer.ts';
import { Person, value } from './person.ts';
import type { WebSocketPeer } from './web-socket.ts';

export interface KitOptions {
  /** Default `chat.example`. */
  readonly domain?: string;
  /** Rooms that are always there; default `lounge`. */
  readonly rooms?: readonly string[];
  readonly limits?: Partial<CoreLimits>;
  /** A storage of an earlier server, to come back on its data. */
  readonly storage?: Storage;
  readonly clock?: VirtualClock;
}

/** A plugin that runs in the server. */
export interface StartedPlugin {
  readonly announcements: readonly Announcement[];
  status(): PluginStatus;
  /** What `banyan link trace` does. @throws Error when there is no such link */
  trace(link: string, handlers: TraceHandlers): Trace;
  /** Stops it as the server would, and waits until all is quiet. Time moves only if the plugin waits for something that does not come. */
  stop(): Promise<void>;
}

/** A host of the virtual net that a test plays: every connection that the server dials to it becomes a peer. */
export interface PeerHost {
  /** Waits until all is quiet; answers with the next connection that was not taken yet. @throws Error when there is none */
  accepted(): Promise<Peer>;
  /** Nobody answers any more; connections that stand stay. */
  close(): void;
}

export interface KitServer {
  readonly core: Core;
  readonly clock: VirtualClock;
  readonly net: VirtualNet;
  readonly log: CapturedLog;
  readonly storage: Storage;
  /** Starts a plugin with its table of the configuration, checked by its schema. @throws what its schema or its start throws */
  start<Config>(plugin: Plugin<Config>, table?: unknown): Promise<StartedPlugin>;
  /** A guest, in those rooms, with nothing seen yet. */
  guest(nick: string, ...rooms: string[]): Promise<Person>;
  /** The same with an account, made when there is none. An administrator may kick, and set topics, everywhere. */
  member(name: string, options: { readonly administrator?: boolean }, ...rooms: string[]): Promise<Person>;
  room(name: string): Room;
  /** Nicks of a room's members as the room shows them, sorted. */
  nicks(room: string): string[];
  /** Connects a peer to a listener of the server, by its name or port. */
  connect(to: string | number, options?: ConnectOptions & PeerOptions): Peer;
  /** Asks the shared HTTP port, as a browser would: what comes back is what `fetch` gives. Time does not move. */
  request(path: string, options?: HttpRequestOptions): Promise<Response>;
  /** Opens a WebSocket at the shared HTTP port. @throws Error with the status when the server refuses */
  webSocket(path: string, options?: WebSocketOptions): Promise<WebSocketPeer>;
  /** A connection to the shared HTTP port, for bytes as they are. */
  connectHttp(options?: HttpClientOptions): Duplex;
  /** Plays a host that the server can dial. */
  host(name: string, port: number, options?: PeerOptions & { readonly tls?: boolean; readonly certificate?: VirtualCertificate }): PeerHost;
  /** Runs until nothing is under way. Time does not move. */
  settle(): Promise<void>;
  /** Moves time on, and lets everything happen that every timer leads to before the next one. Milliseconds. */
  advance(milliseconds: number): Promise<void>;
  footprint(): Footprint;
  /** Stops all plugins and the core. The storage and the clock may be given to another server. */
  stop(): Promise<void>;
}

/** Rounds of the event loop without anything new, after which nothing is under way. */
const quietRounds = 12;
const password = 'a password of the kit';

/** Opens a server in memory. Several may run side by side; nothing is shared. */
export async function openServer(options: KitOptions = {}): Promise<KitServer> {
  const domain = parseDomain(options.domain ?? 'chat.example');
  const clock = options.clock ?? new VirtualClock();
  const storage = options.storage ?? openMemoryStorage();
  const log = captureLog();
  const core = await openCore({
    domain,
    storage,
    clock,
    log: log.logger,
    secret: Buffer.alloc(32, 7),
    rooms: (options.rooms ?? ['lounge']).map((name) => ({ name })),
    limits: { ...defaultCoreLimits, ...options.limits },
    registration: 'open',
  });
  const net = new VirtualNet(clock, log.logger, { names: [domain, `rooms.${domain}`, `users.${domain}`] });
  const http = new VirtualHttp(log.logger);
  const commands = new CommandTable();
  const parts: HostParts = {
    core,
    net,
    http,
    storage,
    clock,
    commands,
    metrics: new MetricTable(),
    log: log.logger,
    domain,
    title: 'Kit',
    motd: [],
    version: '0.0.0',
    startedAt: clock.now(),
    defaultRooms: options.rooms ?? ['lounge'],
    registration: true,
  };
  const running = new Set<PluginHost>();

  const room = (name: string): Room => {
    const found = core.rooms.byName(name);
    if (found === undefined) throw new Error(`there is no room ${name}`);
    return found;
  };
  const settle = async (): Promise<void> => {
    let steps = -1;
    for (let quiet = 0; quiet < quietRounds; quiet++) {
      const now = net.steps + http.steps;
      if (steps !== now) quiet = 0;
      steps = now;
      await core.shown();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const surroundings = { now: () => clock.now(), settle };
  const enter = async (person: Person, rooms: readonly string[]): Promise<Person> => {
    for (const name of rooms) if (!room(name).members.has(person.user.id)) await person.join(name);
    await settle();
    person.take();
    return person;
  };
  const stopPlugin = async (host: PluginHost): Promise<void> => {
    running.delete(host);
    let over = false;
    const stopped = host.stop().finally(() => (over = true));
    await settle();
    // A plugin may wait for a goodbye that the peer of the test does not say.
    const latest = clock.now() + stopMilliseconds;
    for (let next = clock.next; !over && next !== undefined && next <= latest; next = clock.next) {
      clock.moveTo(next);
      await settle();
    }
    await stopped;
    await settle();
  };

  return {
    core,
    clock,
    net,
    log,
    storage,
    async start(plugin, table = {}) {
      const config = plugin.config.parse(table);
      const host = new PluginHost(plugin, parts);
      await host.start(config);
      running.add(host);
      await settle();
      return {
        announcements: host.announcements,
        status: () => host.status(),
        trace: (link, handlers) => host.trace(link, handlers),
        stop: () => stopPlugin(host),
      };
    },
    guest: async (nick, ...rooms) => enter(Person.guest(core, nick, '198.51.100.1'), rooms),
    async member(name, { administrator = false }, ...rooms) {
      if ((await core.accounts.get(name)) === undefined) value(await core.accounts.add(name, password, administrator));
      return enter(Person.account(core, name, '198.51.100.1'), rooms);
    },
    room,
    nicks: (name) => [...room(name).members.values()].map((member) => member.nick).toSorted((a, b) => (a < b ? -1 : 1)),
    connect: (to, how = {}) => new Peer(net.connect(to, how), surroundings, how),
    request: (path, how) => http.request(path, how),
    webSocket: (path, how = {}) => http.webSocket(path, how, settle),
    connectHttp: (how) => http.connect(how),
    host(name, port, how = {}) {
      const waiting: Peer[] = [];
      const close = net.host(name, port, {
        tls: how.tls ?? false,
        certificate: how.certificate,
        accept: (connection) => void waiting.push(new Peer(connection, surroundings, how)),
      });
      return {
        close,
        async accepted() {
          await settle();
          const peer = waiting.shift();
          if (peer === undefined) throw new Error(`the server has not dialled ${name}:${port}`);
          return peer;
        },
      };
    },
    settle,
    async advance(milliseconds) {
      const until = clock.now() + milliseconds;
      await settle();
      for (let next = clock.next; next !== undefined && next <= until; next = clock.next) {
        clock.moveTo(next);
        await settle();
      }
      clock.moveTo(until);
    },
    footprint: () => countEverything({ core, clock, net, http: http.open, commands: [...commands.all()].length }),
    async stop() {
      for (const host of [...running]) await stopPlugin(host);
      await core.close('the server is stopping');
      await settle();
    },
  };
}
