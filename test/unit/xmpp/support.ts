/** The plugin on a core in memory, with connections in memory: other XMPP servers are scripts. */
import { parse, type Element } from 'ltx';
import pino from 'pino';
import type { Host } from '../../../server/contract/host.ts';
import {
  DialError,
  type AcceptedConnection,
  type ConnectionHandlers,
  type DialOptions,
  type TlsFacts,
} from '../../../server/contract/net.ts';
import type { Core } from '../../../server/core.ts';
import { TokenBucket } from '../../../server/net/bucket.ts';
import type { Room } from '../../../server/contract/rooms.ts';
import { parseDomain, roomAddress } from '../../../server/model/address.ts';
import { configSchema } from '../../../plugins/xmpp/config.ts';
import plugin from '../../../plugins/xmpp/index.ts';
import { guest, quiet, testCore, value, type Recorder, type VirtualClock } from '../core/support.ts';

export const own = 'chat.example';
export const rooms = `rooms.${own}`;
export const lounge = `lounge@${rooms}`;
export const far = 'far.example';
export const mucNamespace = 'http://jabber.org/protocol/muc';
export const mucUser = `${mucNamespace}#user`;

/** TLS with a certificate that a trusted authority issued for these names, or one that proves nothing. */
export function certificate(names: readonly string[], chainVerified = true): TlsFacts {
  return {
    protocol: 'TLSv1.3',
    certificate: {} as NonNullable<TlsFacts['certificate']>,
    fingerprint: '00',
    chainVerified,
    ...(chainVerified ? {} : { chainError: 'self-signed certificate' }),
    exportKeyingMaterial: (length) => Buffer.alloc(length),
    certificateNames: (domain) => names.includes(domain),
  };
}

let minted = 0;

/** A connection as the plugin has it; the test reads what the plugin wrote and writes what it shall read. */
export class Line implements AcceptedConnection {
  readonly id = `line-${(minted += 1)}`;
  readonly remoteAddress = '192.0.2.7';
  readonly remotePort = 40_000;
  readonly localPort = 5269;
  readonly loopback = false;
  /** Bytes that the network has not taken. */
  queued = 0;
  tls: TlsFacts | undefined;
  /** What STARTTLS on this line will have proved. */
  readonly #afterTls: TlsFacts | undefined;
  admitted = false;
  paused = false;
  closed = false;
  closedWith: string | undefined;
  /** All that the plugin wrote. */
  out = '';
  /** Told of each write. */
  listener: ((text: string) => void) | undefined;
  #handlers: ConnectionHandlers | undefined;

  constructor(tls?: TlsFacts, afterTls: TlsFacts = certificate([], false)) {
    this.tls = tls;
    this.#afterTls = afterTls;
  }

  handle(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
  }
  write(bytes: Buffer | string): void {
    if (this.closed) return;
    const text = bytes.toString();
    this.out += text;
    this.listener?.(text);
  }
  startTls(): Promise<TlsFacts> {
    this.tls = this.#afterTls;
    return Promise.resolve(this.tls!);
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  end(): void {
    this.closed = true;
  }
  destroy(reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.closedWith = reason;
    this.#handlers?.onClose(reason);
  }
  setOutboxLimit(): void {
    // Nothing waits here.
  }
  admit(): void {
    this.admitted = true;
  }

  // ---- the test's end

  receive(bytes: Buffer | string): void {
    if (!this.closed) this.#handlers?.onData(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  }
  /** The network takes again what had piled up. */
  drain(): void {
    this.queued = 0;
    this.#handlers?.onDrain?.();
  }
  /** The peer is gone without a word. */
  break(): void {
    if (this.closed) return;
    this.closed = true;
    this.#handlers?.onClose();
  }
  /** Top-level elements that the plugin wrote, over all restarts. */
  get elements(): Element[] {
    const inner = this.out
      .replace(/<\?xml[^>]*\?>/g, '')
      .replace(/<stream:stream[^>]*>/g, '')
      .replaceAll('</stream:stream>', '');
    return parse(
      `<all xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback'>${inner}</all>`,
    ).getChildElements();
  }
  /** Condition of the stream error that the plugin sent. */
  get streamError(): string | undefined {
    return this.elements.find((element) => element.name === 'stream:error')?.getChildElements()[0]?.name;
  }
  /** The id in the plugin's last stream header. */
  get streamId(): string {
    return /.*<stream:stream[^>]* id='([^']*)'/s.exec(this.out)?.[1] ?? '';
  }
}

export function header(to: string, from = far, more = " version='1.0'"): string {
  return `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' from='${from}' to='${to}'${more}>`;
}

const sm = 'urn:xmpp:sm:3';

/** Another XMPP server: what it is sent when it is dialled, and how it answers. */
export class FarServer {
  readonly domain: string;
  /** Stanzas of all streams, oldest first. */
  readonly stanzas: Element[] = [];
  readonly lines: Line[] = [];
  /** Keys that it says it made: by default every one. */
  verdict: (key: string) => 'valid' | 'invalid' | 'silence' = () => 'valid';
  /** Whether it believes the plugin. */
  believes = true;
  up = true;
  /** XEP-0198: whether it offers to acknowledge, and whether it then does. */
  acknowledges: 'never' | 'always' | 'not now' = 'never';
  /** Whether it answers pings, on the stream that it opened. */
  answersPings = true;
  incoming: Line | undefined;

  constructor(domain: string) {
    this.domain = domain;
  }

  dialled(): Line {
    if (!this.up) throw new DialError('refused', `${this.domain} port 5269: ECONNREFUSED`);
    const line = new Line();
    this.lines.push(line);
    const count = { managed: false, stanzas: 0 };
    let read = 0;
    line.listener = () => {
      const text = line.out.slice(read);
      read = line.out.length;
      queueMicrotask(() => this.#answer(line, text, count));
    };
    return line;
  }

  #answer(line: Line, text: string, count: { managed: boolean; stanzas: number }): void {
    if (text.includes('<stream:stream')) {
      const to = /<stream:stream[^>]* from='([^']*)'/.exec(text)![1]!;
      line.receive(
        `${header(to, this.domain, ` id='far-${(minted += 1)}' version='1.0'`)}<stream:features><dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>` +
          `${this.acknowledges === 'never' ? '' : `<sm xmlns='${sm}'/>`}</stream:features>`,
      );
    }
    for (const element of fragments(text)) {
      const { from, to, id } = element.attrs as Record<string, string>;
      if (element.is('result', 'jabber:server:dialback'))
        line.receive(`<db:result from='${to}' to='${from}' type='${this.believes ? 'valid' : 'invalid'}'/>`);
      else if (element.is('verify', 'jabber:server:dialback')) {
        const verdict = this.verdict(element.text());
        if (verdict !== 'silence') line.receive(`<db:verify from='${to}' to='${from}' id='${id}' type='${verdict}'/>`);
      } else if (element.is('enable', sm)) {
        count.managed = true;
        line.receive(`<enabled xmlns='${sm}'/>`);
      } else if (element.is('r', sm)) {
        if (this.acknowledges === 'always') line.receive(`<a xmlns='${sm}' h='${count.stanzas}'/>`);
      } else if (element.getChild('ping') !== undefined && element.attrs['type'] === 'get') {
        if (this.answersPings) this.incoming?.receive(`<iq type='result' from='${to}' to='${from}' id='${id}'/>`);
      } else if (['message', 'presence', 'iq'].includes(element.name)) {
        count.stanzas++;
        this.stanzas.push(element);
      }
    }
  }

  /** Stanzas since the last call. */
  take(): Element[] {
    return this.stanzas.splice(0);
  }
}

function fragments(text: string): Element[] {
  const line = new Line();
  line.out = text;
  return line.elements;
}

export interface World {
  readonly core: Core;
  readonly clock: VirtualClock;
  /** Lines of the log, as objects. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  readonly dialled: readonly DialOptions[];
  /** Hosts of a domain, where DNS would name others than the domain itself. */
  readonly hosts: Map<string, readonly string[]>;
  server(domain: string): FarServer;
  /** Somebody connects. */
  accept(tls?: TlsFacts, afterTls?: TlsFacts): Line;
  /** A stream from `from` to `to` that dialback has proved. */
  proved(from?: string, to?: string): Promise<Line>;
  stop(): Promise<void>;
}

export async function xmppWorld(config: Record<string, unknown> = {}, directory: Parameters<typeof testCore>[0] = {}): Promise<World> {
  const { core, clock, storage } = await testCore(directory);
  const servers = new Map<string, FarServer>();
  const log: Record<string, unknown>[] = [];
  const dialled: DialOptions[] = [];
  const hosts = new Map<string, readonly string[]>();
  const accepting: ((connection: AcceptedConnection) => void)[] = [];
  const host: Host = {
    domain: parseDomain(own),
    title: 'Test',
    motd: [],
    version: '0',
    startedAt: clock.now(),
    net: {
      listen: ({ name, address }, onConnection) => {
        accepting.push(onConnection);
        return Promise.resolve({ name, host: address, port: 1, tls: false, close: () => Promise.resolve() });
      },
      dial: (options) => {
        dialled.push(options);
        const server = servers.get(options.host);
        if (server === undefined) return Promise.reject(new DialError('dns', `the host ${options.host} has no address`));
        return Promise.resolve().then(() => server.dialled());
      },
      resolve: ({ domain }) =>
        Promise.resolve((hosts.get(domain) ?? [domain]).map((name) => ({ host: name, port: 5269, directTls: false }))),
      bucket: (capacity, perSecond) => new TokenBucket(clock, capacity, perSecond),
    },
    http: { route: () => undefined, upgrade: () => undefined, urls: [], secure: () => false, remoteAddress: () => '' },
    users: core.users,
    rooms: core.rooms,
    accounts: core.accounts,
    networks: core.networks,
    hooks: core.hooks,
    commands: { offer: () => undefined, all: () => [], run: () => Promise.resolve(undefined) },
    store: {
      get: (key) => storage.get('xmpp', key),
      set: (key, stored) => storage.set('xmpp', key, stored),
      delete: (key) => storage.delete('xmpp', key),
      entries: (prefix) => storage.entries('xmpp', prefix),
    },
    metrics: { counter: () => ({ add: () => undefined }), gauge: () => undefined },
    log: pino({ level: 'debug' }, { write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) }),
    clock,
    secret: (purpose) => core.secret(purpose),
    announce: () => undefined,
    registration: true,
    defaultRooms: ['lounge'],
  };
  const running = await plugin.start(host, configSchema.parse({ require_tls: false, ...config }));
  const world: World = {
    core,
    clock,
    log,
    dialled,
    hosts,
    server(domain) {
      const server = servers.get(domain) ?? new FarServer(domain);
      servers.set(domain, server);
      return server;
    },
    accept(tls, afterTls) {
      const line = new Line(tls, afterTls);
      accepting[0]!(line);
      return line;
    },
    async proved(from = far, to = rooms) {
      world.server(from);
      const line = world.accept();
      line.receive(header(to, from));
      line.receive(`<db:result from='${from}' to='${to}'>key</db:result>`);
      await quiet();
      servers.get(from)!.incoming = line;
      if (!line.out.includes("type='valid'")) throw new Error(`not proved: ${line.out}`);
      return line;
    },
    async stop() {
      await running.stop();
      await core.close('the test is over');
    },
  };
  return world;
}

/** The stanza that somebody of far.example sends to enter a room. */
export function enterStanza(from: string, to: string, inside = ''): string {
  return `<presence from='${from}' to='${to}'><x xmlns='${mucNamespace}'>${inside}</x></presence>`;
}

export function codes(presence: Element): string[] {
  const x = presence.getChild('x', mucUser);
  return (x?.getChildren('status') ?? []).map((status) => String(status.attrs['code']));
}

/** Condition of an error stanza. */
export function condition(stanza: Element | undefined): string | undefined {
  return stanza
    ?.getChild('error')
    ?.getChildElements()
    .find((child) => child.name !== 'text')?.name;
}

/** A world in which wanda is in the lounge and far.example has proved itself. */
export interface RoomWorld {
  readonly world: World;
  readonly line: Line;
  readonly wanda: Recorder;
  /** Sends as people of far.example; answers with what came back since. */
  readonly send: (...stanzas: readonly string[]) => Promise<Element[]>;
  readonly room: (name?: string) => Room;
}

export async function roomWorld(): Promise<RoomWorld> {
  const world = await xmppWorld();
  const line = await world.proved();
  const wanda = guest(world.core, 'wanda');
  value(await world.core.rooms.join(wanda.session.user, 'lounge', { session: wanda.session }, wanda));
  await quiet();
  return {
    world,
    line,
    wanda,
    send: (...stanzas) => exchange(world, line, ...stanzas),
    room: (name = 'lounge') => world.core.rooms.get(roomAddress(parseDomain(own), name))!,
  };
}

/** Sends over a stream of far.example; answers with what came back since. */
export async function exchange(world: World, line: Line, ...stanzas: readonly string[]): Promise<Element[]> {
  await quiet();
  world.server(far).take();
  for (const stanza of stanzas) line.receive(stanza);
  await quiet();
  await quiet();
  return world.server(far).take();
}

export const mucAdmin = `${mucNamespace}#admin`;
export const mucOwner = `${mucNamespace}#owner`;

export function sentTo(stanzas: readonly Element[], jid: string): Element[] {
  return stanzas.filter((stanza) => stanza.attrs['to'] === jid);
}

/** An iq to a room. */
export function query(from: string, type: 'get' | 'set', inside: string, room = lounge): string {
  return `<iq from='${from}' to='${room}' type='${type}' id='q'>${inside}</iq>`;
}
