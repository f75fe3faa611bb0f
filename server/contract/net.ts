/** Network services for plugins: plugins open no sockets themselves. Implemented in server/net/. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { X509Certificate } from 'node:crypto';

/** What both ends proved in TLS. */
export interface TlsFacts {
  readonly protocol: string;
  /** The peer's certificate, verified or not; absent when it showed none. */
  readonly certificate?: X509Certificate;
  /** SHA-256 of the peer's certificate, lower-case hex without colons. */
  readonly fingerprint?: string;
  /** The chain leads to a trusted root and is in date. A certificate for server use only counts as verified for clients too. */
  readonly chainVerified: boolean;
  /** Why not, in OpenSSL's words. */
  readonly chainError?: string;
  /** RFC 9266 channel binding data. */
  exportKeyingMaterial(length: number, label: string): Buffer;
  /** Whether the certificate is valid for that domain (RFC 9525: SAN dNSName, SRVName, XmppAddr; never the common name). */
  certificateNames(domain: string): boolean;
}

export interface ConnectionHandlers {
  /** Bytes as they come; the buffer may be kept. A throw closes this connection, is logged once, and hurts nobody else. */
  onData(bytes: Buffer): void;
  /** Once, for any reason; no other call follows. `error` is in words, absent after a clean end. */
  onClose(error?: string): void;
  /** The outbox ran empty after it was full enough to pause (see `writable`). */
  onDrain?(): void;
}

/** One TCP or TLS connection with a bounded outbox. Everything written within a tick leaves in one write. */
export interface Connection {
  readonly id: string;
  /** Address without port, IPv4-mapped IPv6 unwrapped. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
  /** Present once TLS is up. */
  readonly tls: TlsFacts | undefined;
  /** The peer is this machine. */
  readonly loopback: boolean;
  /** It is over, for whatever reason. */
  readonly closed: boolean;
  handle(handlers: ConnectionHandlers): void;
  /**
   * Queues bytes for the end of this tick. A Buffer is shared, not copied: do not change it afterwards. When the outbox
   * holds more than its limit the connection is closed with the reason "send queue exceeded" and the rest is dropped.
   */
  write(bytes: Buffer | string): void;
  /** Bytes waiting here and in the socket. */
  readonly queued: number;
  /** Turns plain into TLS in place; bytes already received in plain text and not yet handed over are discarded (STARTTLS injection). */
  startTls(options: StartTlsOptions): Promise<TlsFacts>;
  /** Stops or resumes reading. */
  pause(): void;
  resume(): void;
  /** Writes `last`, flushes, ends; destroyed after a short while whatever the peer does. */
  end(last?: Buffer | string): void;
  /** Closes at once. */
  destroy(reason: string): void;
  /** Changes the limit of the outbox (bytes); a link may hold more than a client. */
  setOutboxLimit(bytes: number): void;
}

/** Is told all that crosses a connection, in the clear, and `tls` and `closed REASON` when they happen. */
export interface ConnectionTap {
  bytes(direction: 'in' | 'out', bytes: Buffer): void;
  event(text: string): void;
}

/** A connection that the host can listen to, for `banyan link trace`. Those of the host and of the kit are. */
export interface Tappable extends Connection {
  tap: ConnectionTap | undefined;
}

export function isTappable(connection: Connection): connection is Tappable {
  return 'tap' in connection;
}

export interface StartTlsOptions {
  readonly side: 'server' | 'client';
  /** Name to show in SNI and to look for in the certificate (client side). */
  readonly serverName?: string;
  /** Ask the client for a certificate without demanding it (server side). */
  readonly requestCertificate?: boolean;
  readonly alpn?: readonly string[];
  /** PEM files instead of the server's own certificate. */
  readonly identity?: TlsIdentityRef;
}

/** Names a certificate the host knows: a domain of ours (the closest match is used) or explicit PEM file paths. */
export type TlsIdentityRef = { readonly domain: string } | { readonly certificateFile: string; readonly keyFile: string };

export interface ListenOptions {
  /** Shown by `link`, in the ready file and in logs, e.g. `irc`, `irc-tls`, `xmpp-server`. */
  readonly name: string;
  /** `host:port`, `[v6]:port`; port 0 is any free one. */
  readonly address: string;
  /** TLS from the first byte. */
  readonly tls?: { readonly requestCertificate?: boolean; readonly alpn?: readonly string[]; readonly identity?: TlsIdentityRef };
  /** Outbox limit per connection, bytes; default 1 MiB. */
  readonly outboxLimit?: number;
  /** Most connections from one address that have not called `admit` yet, and in all; defaults from the configuration's [limits]. */
  readonly maxUnadmittedPerAddress?: number;
  /** Seconds until an unadmitted connection is closed; default from [limits]. */
  readonly admitDeadline?: number;
}

/** An accepted connection that still has to prove itself. */
export interface AcceptedConnection extends Connection {
  /** Registration is complete: the deadline and the caps for strangers no longer count for it. */
  admit(): void;
}

export interface Listener {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  close(): Promise<void>;
}

export interface DialOptions {
  /** Host name or address, and port. */
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte. Absent: plain. */
  readonly tls?: {
    readonly serverName?: string;
    readonly alpn?: readonly string[];
    /** Own certificate to present; default the server's own. `none`: present none. */
    readonly identity?: TlsIdentityRef | 'none';
  };
  readonly outboxLimit?: number;
  /** Milliseconds until giving up; default 10,000. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/** One way to reach a domain's service, best first. */
export interface ServiceTarget {
  readonly host: string;
  readonly port: number;
  readonly directTls: boolean;
}

export interface ServiceQuery {
  readonly domain: string;
  /** SRV service labels: with STARTTLS or plain, and with TLS from the first byte, e.g. `_xmpp-server._tcp`, `_xmpps-server._tcp`. */
  readonly service: string;
  readonly directTlsService?: string;
  /** Port when there is no SRV record at all. */
  readonly fallbackPort: number;
}

export interface HttpRoute {
  /** `/path` exactly, or `/prefix/` and below. */
  readonly path: string;
  handle(request: IncomingMessage, response: ServerResponse): void | Promise<void>;
}

export interface UpgradeRoute {
  readonly path: string;
  /** Called with the raw socket of an HTTP upgrade; the plugin runs the WebSocket handshake (package ws, noServer). */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** The shared HTTP(S) port: all plugins' pages and WebSockets live on the listeners of [http]. */
export interface Http {
  route(route: HttpRoute): void;
  upgrade(route: UpgradeRoute): void;
  /** Base URLs that a browser can open, best first. */
  readonly urls: readonly string[];
  /** The address of the person, honouring X-Forwarded-For only from the proxies in the configuration. */
  remoteAddress(request: IncomingMessage): string;
  /** Whether the person's connection is encrypted: here, or by what such a proxy says in X-Forwarded-Proto. */
  secure(request: IncomingMessage): boolean;
}

/** A token bucket. `take` is false when the bucket is empty; nothing is queued. */
export interface Bucket {
  take(tokens?: number): boolean;
  /** Milliseconds until one token is there. */
  readonly wait: number;
}

export interface Net {
  listen(options: ListenOptions, onConnection: (connection: AcceptedConnection) => void): Promise<Listener>;
  /** @throws DialError with a code: dns, refused, timeout, tls */
  dial(options: DialOptions): Promise<Connection>;
  /** SRV lookup, merged, by priority and weight (RFC 2782, XEP-0368); an IP literal is itself. Answers are checked as names (A23). @throws DialError */
  resolve(query: ServiceQuery): Promise<readonly ServiceTarget[]>;
  bucket(capacity: number, perSecond: number): Bucket;
}

export class DialError extends Error {
  override readonly name = 'DialError';
  readonly code: 'dns' | 'refused' | 'timeout' | 'tls' | 'aborted';
  constructor(code: DialError['code'], message: string) {
    super(message);
    this.code = code;
  }
}
