/** A network in memory: listeners, hosts to dial and SRV records, with the contract of the real service. */
import type { Logger } from 'pino';
import {
  DialError,
  type AcceptedConnection,
  type Connection,
  type DialOptions,
  type Listener,
  type ListenOptions,
  type Net,
  type ServiceQuery,
  type ServiceTarget,
} from '../../../server/contract/net.ts';
import type { Clock } from '../../../server/contract/host.ts';
import { TokenBucket } from '../../../server/net/bucket.ts';
import { splitAddress } from '../../../server/net/listen.ts';
import { connectPair, VirtualConnection, type Medium } from './connection.ts';
import type { VirtualCertificate } from './tls.ts';

export interface ConnectOptions {
  /** Address that the server sees; default 192.0.2.10. */
  readonly from?: string;
  /** TLS from the first byte, presenting this certificate or none. */
  readonly tls?: { readonly certificate?: VirtualCertificate };
  /** The certificate to present when the connection becomes TLS later. */
  readonly certificate?: VirtualCertificate;
}

/** A host of the virtual net that the server under test can dial. */
export interface VirtualHost {
  readonly certificate?: VirtualCertificate | undefined;
  /** TLS from the first byte. */
  readonly tls: boolean;
  accept(connection: VirtualConnection): void;
}

export interface SrvRecord {
  readonly host: string;
  readonly port: number;
  /** Lower first; default 0. */
  readonly priority?: number;
}

interface Open {
  readonly options: ListenOptions;
  readonly port: number;
  readonly onConnection: (connection: AcceptedConnection) => void;
}

const outboxLimit = { accepted: 1_048_576, dialled: 8_388_608 };
const defaultAdmitSeconds = 30;
/** Bytes that are kept of what the server read. */
const mostHeard = 65_536;

export class VirtualNet implements Net {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #own: VirtualCertificate;
  readonly #listeners = new Map<number, Open>();
  readonly #hosts = new Map<string, VirtualHost>();
  readonly #services = new Map<string, readonly SrvRecord[]>();
  readonly #connections = new Set<VirtualConnection>();
  #heard = Buffer.alloc(0);
  #queue: (() => void)[] = [];
  #nextPort = 40_000;
  /** Steps made so far: it stands still when nothing is under way. */
  steps = 0;
  /** What arrives at the server is handed over in pieces of so many bytes at most: a codec must not mind. */
  pieceBytes = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, log: Logger, own: VirtualCertificate) {
    this.#clock = clock;
    this.#log = log;
    this.#own = own;
  }

  /** Connections and listeners of the server under test that are open. */
  get open(): { readonly connections: number; readonly listeners: number } {
    return { connections: this.#connections.size, listeners: this.#listeners.size };
  }

  /** The last that the server read on all its connections, at most 64 KiB: what a suite makes nonsense of. */
  get heard(): Buffer {
    return this.#heard;
  }

  readonly #medium: Medium = {
    later: (run) => {
      if (this.#queue.push(run) === 1) setImmediate(() => this.#work());
    },
    after: (milliseconds, run) => this.#clock.after(milliseconds, run),
    failed: (error, end) =>
      this.#log.error(
        { err: error, connection: end.id, remote: end.remoteAddress },
        'a connection failed on an error of this server and is closed',
      ),
    closed: (end) => this.#connections.delete(end),
    read: (end, bytes) => {
      if (this.#connections.has(end)) this.#heard = Buffer.concat([this.#heard, bytes]).subarray(-mostHeard);
    },
  };

  #work(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const run of queue) {
      this.steps++;
      run();
    }
  }

  // ---- the service

  listen(options: ListenOptions, onConnection: (connection: AcceptedConnection) => void): Promise<Listener> {
    const { host, port: wanted } = splitAddress(options.address);
    const port = wanted === 0 ? this.#nextPort++ : wanted;
    if (this.#listeners.has(port)) return Promise.reject(new Error(`${options.name}: another listener has port ${port}`));
    const open: Open = { options, port, onConnection };
    this.#listeners.set(port, open);
    return Promise.resolve({
      name: options.name,
      host,
      port,
      tls: options.tls !== undefined,
      close: () => {
        if (this.#listeners.get(port) === open) this.#listeners.delete(port);
        for (const connection of this.#connections) if (connection.localPort === port) connection.destroy('the listener was closed');
        return Promise.resolve();
      },
    });
  }

  /** Answers in the next step, as a real one does never at once. */
  async dial(options: DialOptions): Promise<Connection> {
    await new Promise<void>((resolve) => this.#medium.later(resolve));
    if (options.signal?.aborted === true) throw new DialError('aborted', 'given up');
    const host = this.#hosts.get(`${options.host}:${options.port}`);
    if (host === undefined) throw new DialError('refused', `${options.host} port ${options.port}: ECONNREFUSED`);
    if (options.tls !== undefined && !host.tls) throw new DialError('tls', 'the peer does not speak TLS');
    const limit = options.outboxLimit ?? outboxLimit.dialled;
    const ports = { near: this.#nextPort++, far: options.port };
    const certificate = options.tls?.identity === 'none' ? undefined : this.#own;
    const near = new VirtualConnection(this.#medium, {
      remoteAddress: addressOf(options.host),
      remotePort: ports.far,
      localPort: ports.near,
      certificate,
      limit,
      piece: () => this.pieceBytes,
    });
    const far = new VirtualConnection(this.#medium, {
      remoteAddress: '192.0.2.1',
      remotePort: ports.near,
      localPort: ports.far,
      certificate: host.certificate,
      limit: Number.POSITIVE_INFINITY,
    });
    this.#join(near, far, options.tls !== undefined);
    host.accept(far);
    return near;
  }

  resolve(query: ServiceQuery): Promise<readonly ServiceTarget[]> {
    const found = [query.service, ...(query.directTlsService === undefined ? [] : [query.directTlsService])].flatMap((service, index) =>
      (this.#services.get(`${service}.${query.domain}`) ?? []).map((record) => ({ ...record, directTls: index === 1 })),
    );
    if (found.length === 0) return Promise.resolve([{ host: query.domain, port: query.fallbackPort, directTls: false }]);
    const ordered = found.toSorted((a, b) => (a.priority ?? 0) - (b.priority ?? 0));
    return Promise.resolve(ordered.map(({ host, port, directTls }) => ({ host, port, directTls })));
  }

  bucket(capacity: number, perSecond: number): ReturnType<Net['bucket']> {
    return new TokenBucket(this.#clock, capacity, perSecond);
  }

  // ---- the world around it

  /** A host that the server can dial, until it is taken away again. @returns takes it away */
  host(name: string, port: number, host: VirtualHost): () => void {
    this.#hosts.set(`${name}:${port}`, host);
    return () => {
      if (this.#hosts.get(`${name}:${port}`) === host) this.#hosts.delete(`${name}:${port}`);
    };
  }

  /** SRV records of `service.domain`, e.g. `_xmpp-server._tcp.remote.example`. */
  srv(name: string, records: readonly SrvRecord[]): void {
    this.#services.set(name, records);
  }

  /** A stranger connects to a listener, by its name or port. @throws Error when nobody listens, or the listener wants TLS and gets none */
  connect(to: string | number, options: ConnectOptions = {}): VirtualConnection {
    const listener = [...this.#listeners.values()].find((open) => open.port === to || open.options.name === to);
    if (listener === undefined) throw new Error(`nobody listens on ${to}; there is ${this.#names()}`);
    const tls = listener.options.tls !== undefined;
    if (tls !== (options.tls !== undefined)) throw new Error(`the listener ${to} ${tls ? 'speaks TLS' : 'does not speak TLS'}`);
    const from = options.from ?? '192.0.2.10';
    const port = this.#nextPort++;
    const near = new VirtualConnection(this.#medium, {
      remoteAddress: from,
      remotePort: port,
      localPort: listener.port,
      certificate: this.#own,
      limit: listener.options.outboxLimit ?? outboxLimit.accepted,
      piece: () => this.pieceBytes,
    });
    const far = new VirtualConnection(this.#medium, {
      remoteAddress: '192.0.2.1',
      remotePort: listener.port,
      localPort: port,
      certificate: options.tls?.certificate ?? options.certificate,
      limit: Number.POSITIVE_INFINITY,
    });
    this.#join(near, far, tls);
    this.#admission(near, listener.options);
    try {
      listener.onConnection(near);
    } catch (error) {
      this.#medium.failed(error, near);
      near.destroy('internal error');
    }
    return far;
  }

  #names(): string {
    const names = [...this.#listeners.values()].map(({ options, port }) => `${options.name} (${port})`);
    return names.length === 0 ? 'no listener at all' : names.join(', ');
  }

  #join(near: VirtualConnection, far: VirtualConnection, tls: boolean): void {
    connectPair(near, far);
    if (tls) for (const end of [near, far]) end.secure();
    this.#connections.add(near);
  }

  /** Who does not prove itself in time is closed, as by the real listener. */
  #admission(near: VirtualConnection, options: ListenOptions): void {
    const seconds = options.admitDeadline ?? defaultAdmitSeconds;
    const timer = this.#clock.after(seconds * 1_000, () => near.destroy('registration took too long'));
    near.admitted = () => timer.cancel();
  }
}

/** Names have addresses that a test can read: `192.0.2.x`. */
function addressOf(host: string): string {
  if (/^[\d.]+$/.test(host)) return host;
  let sum = 0;
  for (const letter of host) sum = (sum + letter.codePointAt(0)!) % 200;
  return `192.0.2.${20 + sum}`;
}
