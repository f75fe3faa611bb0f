/** One TCP or TLS connection. */
import { isIPv4 } from 'node:net';
import type { Socket } from 'node:net';
import { connect as tlsConnect, TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import {
  DialError,
  type AcceptedConnection,
  type ConnectionHandlers,
  type ConnectionTap,
  type StartTlsOptions,
  type Tappable,
  type TlsFacts,
} from '../contract/net.ts';
import { Outbox } from './outbox.ts';
import type { TlsStore } from './tls.ts';

const lingerMilliseconds = 2_000;
const handshakeMilliseconds = 15_000;
const keepAliveMilliseconds = 120_000;
let minted = 0;

/**
 * Where a socket keeps its connection: listeners that are the same functions for all sockets find it there. A server holds many
 * thousands of idle connections, and a set of closures for each would be a good part of its memory.
 */
const connection = Symbol('connection');
type Carrier = Socket & { [connection]: SocketConnection };

function onData(this: Carrier, bytes: Buffer): void {
  this[connection].received(bytes);
}
function onError(this: Carrier, error: Error): void {
  this[connection].failed(error);
}
function onEnd(this: Carrier): void {
  this[connection].ended();
}
function onDrain(this: Carrier): void {
  this[connection].drained();
}

export class SocketConnection implements AcceptedConnection, Tappable {
  readonly remoteAddress: string;
  readonly remotePort: number;
  tap: ConnectionTap | undefined;
  #socket: Socket;
  #facts: TlsFacts | undefined;
  #handlers: ConnectionHandlers | undefined;
  /** What came before anybody listened. */
  #early: Buffer[] | undefined;
  #closed = false;
  #closedWith: string | undefined;
  #limit: number;
  readonly #outbox: Outbox;
  readonly #tls: TlsStore;
  readonly #log: Logger;
  readonly #number = ++minted;
  readonly #visitor: { admit(): void } | undefined;

  /** `visitor`: is told when the peer is no stranger any more. */
  constructor(socket: Socket, options: { tls: TlsStore; log: Logger; limit: number; visitor?: { admit(): void } }) {
    this.remoteAddress = plainAddress(socket.remoteAddress ?? '');
    this.remotePort = socket.remotePort ?? 0;
    this.#tls = options.tls;
    this.#log = options.log;
    this.#limit = options.limit;
    this.#visitor = options.visitor;
    this.#socket = socket;
    this.#outbox = new Outbox(socket);
    if (socket instanceof TLSSocket) this.#facts = options.tls.facts(socket);
    socket.setNoDelay(true);
    // A peer that vanished without a word is noticed in the end, also where nobody writes to it.
    socket.setKeepAlive(true, keepAliveMilliseconds);
    this.#listen(socket);
  }

  get id(): string {
    return `c${this.#number.toString(36)}`;
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  get loopback(): boolean {
    return isLoopback(this.remoteAddress);
  }

  get tls(): TlsFacts | undefined {
    return this.#facts;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get queued(): number {
    return this.#outbox.queued;
  }

  #listen(socket: Socket): void {
    (socket as Carrier)[connection] = this;
    socket.on('data', onData);
    socket.on('error', onError);
    socket.on('end', onEnd);
    socket.on('close', onEnd);
    if (this.#handlers?.onDrain !== undefined) socket.on('drain', onDrain);
  }

  /** Called by its socket, like the next three. */
  received(bytes: Buffer): void {
    if (this.#closed) return;
    if (this.#handlers === undefined) {
      // Nobody listens yet; what a peer may send before that is bounded by pausing.
      (this.#early ??= []).push(bytes);
      this.#socket.pause();
      return;
    }
    const handlers = this.#handlers;
    this.tap?.bytes('in', bytes);
    this.#run(() => handlers.onData(bytes));
  }

  failed(error: Error): void {
    this.#close(error.message);
  }

  ended(): void {
    this.#close(undefined);
  }

  drained(): void {
    this.#run(() => this.#handlers?.onDrain?.());
  }

  /** A bug in a handler costs this connection and nothing else. Threat class A24. */
  #run(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#log.error(
        { err: error, connection: this.id, remote: this.remoteAddress },
        'a connection failed on an error of this server and is closed',
      );
      this.destroy('internal error');
    }
  }

  handle(handlers: ConnectionHandlers): void {
    if (handlers.onDrain !== undefined && this.#handlers?.onDrain === undefined) this.#socket.on('drain', onDrain);
    this.#handlers = handlers;
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const bytes of early) this.received(bytes);
    if (this.#closed) handlers.onClose(this.#closedWith);
    else this.#socket.resume();
  }

  write(bytes: Buffer | string): void {
    if (this.#closed) return;
    const length = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length;
    if (this.#outbox.queued + length > this.#limit) {
      this.destroy('send queue exceeded');
      return;
    }
    this.tap?.bytes('out', typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
    this.#outbox.push(bytes, length);
  }

  async startTls(options: StartTlsOptions): Promise<TlsFacts> {
    const plain = this.#socket;
    this.#outbox.flush();
    this.#outbox.held = true;
    plain.removeAllListeners('data');
    plain.removeAllListeners('end');
    plain.removeAllListeners('drain');
    // What came in plain text behind the request is never read as if it had come encrypted.
    this.#early = undefined;
    while (plain.read() !== null);
    const secure = options.side === 'server' ? this.#serverSide(plain, options) : this.#clientSide(plain, options);
    await this.#handshake(secure, options.side);
    this.#facts = this.#tls.facts(secure);
    this.#socket = secure;
    this.#listen(secure);
    this.#outbox.moveTo(secure);
    secure.resume();
    this.tap?.event('tls');
    return this.#facts;
  }

  #serverSide(plain: Socket, options: StartTlsOptions): TLSSocket {
    return new TLSSocket(plain, {
      isServer: true,
      secureContext: this.#tls.context(options.identity),
      requestCert: options.requestCertificate ?? false,
      rejectUnauthorized: false,
      ...(options.alpn === undefined ? {} : { ALPNProtocols: [...options.alpn] }),
    });
  }

  #clientSide(plain: Socket, options: StartTlsOptions): TLSSocket {
    return tlsConnect({
      socket: plain,
      secureContext: this.#tls.context(options.identity),
      rejectUnauthorized: false,
      ...(options.serverName === undefined || isAddress(options.serverName) ? {} : { servername: options.serverName }),
      ...(options.alpn === undefined ? {} : { ALPNProtocols: [...options.alpn] }),
    });
  }

  #handshake(secure: TLSSocket, side: 'server' | 'client'): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => fail(new Error('the TLS handshake took too long')), handshakeMilliseconds);
      const done = (): void => {
        clearTimeout(timer);
        secure.off('error', fail);
        secure.off('close', closed);
        resolve();
      };
      const fail = (error: Error): void => {
        clearTimeout(timer);
        secure.on('error', () => undefined);
        this.destroy(`TLS: ${error.message}`);
        reject(new DialError('tls', error.message));
      };
      const closed = (): void => fail(new Error('the connection was closed during the TLS handshake'));
      secure.once(side === 'server' ? 'secure' : 'secureConnect', done);
      secure.once('error', fail);
      secure.once('close', closed);
    });
  }

  pause(): void {
    this.#socket.pause();
  }
  resume(): void {
    if (!this.#closed) this.#socket.resume();
  }

  end(last?: Buffer | string): void {
    if (this.#closed) return;
    if (last !== undefined) {
      const bytes = typeof last === 'string' ? Buffer.from(last) : last;
      this.tap?.bytes('out', bytes);
      this.#outbox.push(bytes);
    }
    this.#outbox.flush();
    this.#socket.end();
    const socket = this.#socket;
    setTimeout(() => socket.destroy(), lingerMilliseconds).unref();
  }

  destroy(reason: string): void {
    if (this.#closed) return;
    this.#outbox.drop();
    this.#socket.destroy();
    this.#close(reason);
  }

  setOutboxLimit(bytes: number): void {
    this.#limit = bytes;
  }

  admit(): void {
    this.#visitor?.admit();
  }

  #close(error: string | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closedWith = error;
    this.tap?.event(error === undefined ? 'closed' : `closed ${error}`);
    const handlers = this.#handlers;
    if (!this.#socket.destroyed) {
      this.#outbox.flush();
      this.#socket.end();
      const socket = this.#socket;
      setTimeout(() => socket.destroy(), lingerMilliseconds).unref();
    }
    if (handlers === undefined) return;
    try {
      handlers.onClose(error);
    } catch (failure) {
      this.#log.error({ err: failure, connection: this.id }, 'closing a connection failed');
    }
  }
}

/** An IPv4 address mapped into IPv6 is shown as what it is. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return mapped === null ? address : mapped[1]!;
}

export function isLoopback(address: string): boolean {
  return address === '::1' || (isIPv4(address) && address.startsWith('127.'));
}

function isAddress(name: string): boolean {
  return isIPv4(name) || name.includes(':');
}
