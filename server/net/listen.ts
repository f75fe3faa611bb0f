/** Listening sockets. */
import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import type { AcceptedConnection, ListenOptions, Listener } from '../contract/net.ts';
import { SocketConnection } from './connection.ts';
import { Door, type Strangers, type Visitor } from './strangers.ts';
import type { TlsStore } from './tls.ts';

/** A listener could not be opened; `message` names the address, the key and the remedy. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

const defaultOutboxLimit = 1_048_576;

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
  const door = new Door(shared.strangers, options.maxUnadmittedPerAddress, options.admitDeadline);
  const limit = options.outboxLimit ?? defaultOutboxLimit;
  const accept = (socket: Socket, visitor: Visitor): void => {
    try {
      onConnection(new SocketConnection(socket, { tls: shared.tls, log: shared.log, limit, visitor }));
    } catch (error) {
      shared.log.error({ err: error, listener: options.name }, 'a new connection could not be served');
      socket.destroy();
    }
  };
  const server = createServer({ noDelay: true }, (socket) => {
    const entered = door.enter(socket);
    if (typeof entered === 'string') {
      shared.log.info({ listener: options.name, remote: socket.remoteAddress }, entered);
      socket.destroy();
    } else if (options.tls === undefined) accept(socket, entered);
    else handshake(socket, options.tls, shared.tls, (secure) => accept(secure, entered));
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
        for (const socket of door.sockets) socket.destroySoon();
        setTimeout(() => {
          for (const socket of door.sockets) socket.destroy();
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
  const failed = (): void => void socket.destroy();
  socket.on('error', ignored);
  secure.on('error', failed);
  secure.once('secure', () => {
    done(secure);
    // Afterwards the connection listens for itself.
    secure.off('error', failed);
  });
}

/** An error before anybody listens must not bring the process down. */
function ignored(): void {
  // The socket is closed with it, and that is seen.
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
