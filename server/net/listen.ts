/** Listening sockets, and what strangers may take of them before they have proved themselves (threat class A4). */
import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import type { AcceptedConnection, ListenOptions, Listener } from '../contract/net.ts';
import { addressGroup } from '../directory/names.ts';
import { plainAddress, SocketConnection } from './connection.ts';
import type { TlsStore } from './tls.ts';

/** A listener could not be opened; `message` names the address, the key and the remedy. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

export interface StrangerLimits {
  readonly maxUnadmittedPerAddress: number;
  readonly maxUnadmitted: number;
  readonly maxConnectionsPerAddress: number;
  /** Seconds. */
  readonly admitDeadline: number;
}

const defaultOutboxLimit = 1_048_576;

/** Counts connections per address group over all listeners. */
export class Strangers {
  readonly #limits: StrangerLimits;
  readonly #unadmitted = new Map<string, number>();
  readonly #connections = new Map<string, number>();
  #all = 0;

  constructor(limits: StrangerLimits) {
    this.#limits = limits;
  }

  get deadline(): number {
    return this.#limits.admitDeadline;
  }

  /** Takes one in, or says why not. */
  enter(group: string, most = this.#limits.maxUnadmittedPerAddress): string | undefined {
    if (this.#all >= this.#limits.maxUnadmitted) return 'too many connections wait for registration';
    if ((this.#unadmitted.get(group) ?? 0) >= most) return 'too many unregistered connections from this address';
    const refused = this.connected(group);
    if (refused !== undefined) return refused;
    this.#all++;
    bump(this.#unadmitted, group, 1);
    return undefined;
  }

  /** Counts a connection that need not register, or says why it may not be. */
  connected(group: string): string | undefined {
    if ((this.#connections.get(group) ?? 0) >= this.#limits.maxConnectionsPerAddress) return 'too many connections from this address';
    bump(this.#connections, group, 1);
    return undefined;
  }

  admitted(group: string): void {
    this.#all--;
    bump(this.#unadmitted, group, -1);
  }

  left(group: string): void {
    bump(this.#connections, group, -1);
  }
}

function bump(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}

/** Splits `host:port` or `[v6]:port`. @throws ListenError */
export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address);
  const port = match === null ? NaN : Number(match[3]);
  if (match === null || port > 65_535)
    throw new ListenError(`"${address}" is no address to listen on; write host:port or [v6]:port, for example 127.0.0.1:6667`);
  return { host: match[1] ?? match[2]!, port };
}

export async function listen(
  options: ListenOptions,
  shared: { tls: TlsStore; strangers: Strangers; log: Logger },
  onConnection: (connection: AcceptedConnection) => void,
): Promise<Listener> {
  const { host, port } = splitAddress(options.address);
  const open = new Set<Socket>();
  const limit = options.outboxLimit ?? defaultOutboxLimit;
  const gate = (socket: Socket): { group: string; admit: () => void } | undefined => {
    const group = addressGroup(plainAddress(socket.remoteAddress ?? ''));
    const refused = shared.strangers.enter(group, options.maxUnadmittedPerAddress);
    if (refused !== undefined) {
      shared.log.debug({ listener: options.name, remote: socket.remoteAddress }, refused);
      socket.destroy();
      return undefined;
    }
    open.add(socket);
    let admitted = false;
    const admit = (): void => {
      if (admitted) return;
      admitted = true;
      clearTimeout(timer);
      shared.strangers.admitted(group);
    };
    const timer = setTimeout(
      () => socket.destroy(new Error('registration took too long')),
      (options.admitDeadline ?? shared.strangers.deadline) * 1000,
    );
    socket.once('close', () => {
      open.delete(socket);
      admit();
      shared.strangers.left(group);
    });
    // An error before anybody listens must not bring the process down.
    socket.on('error', () => undefined);
    return { group, admit };
  };
  const accept = (socket: Socket, admit: () => void): void => {
    try {
      onConnection(new SocketConnection(socket, { tls: shared.tls, log: shared.log, limit, admitted: admit }));
    } catch (error) {
      shared.log.error({ err: error, listener: options.name }, 'a new connection could not be served');
      socket.destroy();
    }
  };
  const server = createServer({ noDelay: true }, (socket) => {
    const entered = gate(socket);
    if (entered === undefined) return;
    if (options.tls === undefined) accept(socket, entered.admit);
    else handshake(socket, options.tls, shared.tls, (secure) => accept(secure, entered.admit));
  });
  const bound = await bind(server, host, port, options.name);
  return {
    name: options.name,
    host: bound.host,
    port: bound.port,
    tls: options.tls !== undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroySoon();
        setTimeout(() => {
          for (const socket of open) socket.destroy();
        }, 1_000).unref();
      }),
  };
}

/** The cap on strangers counts from the TCP connection on, so that half a handshake is a stranger too. */
function handshake(socket: Socket, options: NonNullable<ListenOptions['tls']>, store: TlsStore, done: (secure: TLSSocket) => void): void {
  const secure = new TLSSocket(socket, {
    isServer: true,
    secureContext: store.context(options.identity),
    requestCert: options.requestCertificate ?? false,
    rejectUnauthorized: false,
    ...(options.alpn === undefined ? {} : { ALPNProtocols: [...options.alpn] }),
  });
  secure.on('error', () => socket.destroy());
  secure.once('secure', () => done(secure));
}

/** Opens the port; where IPv6 is missing, `::` means all of IPv4. @throws ListenError */
export async function bind(
  server: Server,
  host: string,
  port: number,
  name: string,
): Promise<{ readonly host: string; readonly port: number }> {
  try {
    await once(server, host, port);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (host === '::' && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL' || code === 'EINVAL'))
      return bind(server, '0.0.0.0', port, name);
    throw new ListenError(`${name}: cannot listen on ${host}, port ${port}: ${explain(code)}`);
  }
  const address = server.address();
  return typeof address === 'object' && address !== null ? { host, port: address.port } : { host, port };
}

function explain(code: string | undefined): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'another program has that port; stop it, or set another port (0: any free one) in the configuration';
    case 'EACCES':
      return 'this user may not open that port; choose one above 1023, or give the process the right to bind low ports';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address; check the host part in the configuration';
    default:
      return code ?? 'unknown error';
  }
}

function once(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off('error', reject);
      server.on('error', () => undefined);
      resolve();
    });
  });
}
