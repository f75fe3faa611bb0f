/** The shared HTTP port: pages and WebSockets of all plugins, and /metrics. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import type { Http, HttpRoute, Listener, UpgradeRoute } from '../contract/net.ts';
import { plainAddress } from './connection.ts';
import { addressGroup } from '../directory/names.ts';
import { HttpRoutes } from './http-routes.ts';
import { bind, splitAddress } from './listen.ts';
import type { Strangers } from './strangers.ts';
import { addressMatcher } from './ranges.ts';
import { tlsPolicy, type TlsStore } from './tls.ts';

export interface HttpOptions {
  readonly listen: readonly string[];
  readonly listenTls: readonly string[];
  /** Addresses and ranges of reverse proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** Base URL that people use, when a proxy stands before the server. */
  readonly publicUrl: string | undefined;
  readonly domain: string;
  /** Milliseconds that a client may take for its headers, for a whole request and for the TLS handshake (threat class A4). */
  readonly timeouts?: { readonly headers: number; readonly request: number; readonly handshake: number };
}

const mostConnections = 20_000;
const defaultTimeouts = { headers: 10_000, request: 20_000, handshake: 10_000 };

export class HttpService implements Http {
  readonly #options: HttpOptions;
  readonly #tls: TlsStore;
  readonly #strangers: Strangers;
  readonly #isProxy: (address: string) => boolean;
  readonly #routes: HttpRoutes;
  readonly #open = new Set<Socket>();
  readonly #secureServers: ReturnType<typeof createSecureServer>[] = [];
  readonly listeners: Listener[] = [];

  constructor(options: HttpOptions, shared: { readonly tls: TlsStore; readonly strangers: Strangers; readonly log: Logger }) {
    this.#options = options;
    this.#tls = shared.tls;
    this.#strangers = shared.strangers;
    this.#routes = new HttpRoutes(shared.log);
    this.#isProxy = addressMatcher(options.trustedProxies);
  }

  async start(): Promise<void> {
    const timeouts = this.#options.timeouts ?? defaultTimeouts;
    const limits = {
      headersTimeout: timeouts.headers,
      requestTimeout: timeouts.request,
      connectionsCheckingInterval: Math.ceil(timeouts.headers / 5),
      keepAliveTimeout: 5_000,
      maxHeaderSize: 16_384,
    };
    for (const address of this.#options.listen) await this.#serve(createServer(limits), address, 'web', false);
    for (const address of this.#options.listenTls) {
      const server = createSecureServer({ ...limits, handshakeTimeout: timeouts.handshake, ...this.#tls.pem(), ...tlsPolicy });
      this.#secureServers.push(server);
      await this.#serve(server, address, 'web-tls', true);
    }
  }

  async #serve(server: Server, address: string, name: string, tls: boolean): Promise<void> {
    server.maxHeadersCount = 100;
    server.maxConnections = mostConnections;
    server.on('connection', (socket: Socket) => {
      this.#open.add(socket);
      socket.once('close', () => this.#open.delete(socket));
      this.#admit(socket);
    });
    this.#routes.serve(server);
    // Half a handshake: there is nothing yet that an answer could go over.
    server.on('tlsClientError', (_error: Error, socket: Duplex) => socket.destroy());
    const { host, port } = splitAddress(address);
    const bound = await bind(server, host, port, name);
    this.listeners.push({ name, ...bound, tls, close: () => new Promise((resolve) => server.close(() => resolve())) });
  }

  /** A proxy brings everybody's connections; anybody else has as many as the other listeners allow. */
  #admit(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? '');
    if (this.#isProxy(address)) return;
    const group = addressGroup(address);
    const refused = this.#strangers.connected(group);
    if (refused === undefined) socket.once('close', () => this.#strangers.left(group));
    else socket.destroy();
  }

  /** New certificate files for new connections. */
  reload(): void {
    for (const server of this.#secureServers) server.setSecureContext({ ...this.#tls.pem(), ...tlsPolicy });
  }

  route(route: HttpRoute): void {
    this.#routes.route(route);
  }
  upgrade(route: UpgradeRoute): void {
    this.#routes.upgrade(route);
  }
  /** Takes routes back. */
  remove(routes: Iterable<HttpRoute | UpgradeRoute>): void {
    this.#routes.remove(routes);
  }

  get urls(): readonly string[] {
    const url = (listener: Listener): string => {
      const any = listener.host === '::' || listener.host === '0.0.0.0';
      const host = any ? this.#options.domain : listener.host.includes(':') ? `[${listener.host}]` : listener.host;
      return `${listener.tls ? 'https' : 'http'}://${host}:${listener.port}/`;
    };
    const own = this.listeners.map(url);
    return this.#options.publicUrl === undefined ? own : [this.#options.publicUrl, ...own];
  }

  /** Each trusted proxy names who came to it at the end of the list; the first who is no proxy of ours is the person. */
  remoteAddress(request: IncomingMessage): string {
    let address = plainAddress(request.socket.remoteAddress ?? '');
    const header = request.headers['x-forwarded-for'];
    const named = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',');
    while (this.#isProxy(address)) {
      const next = plainAddress(named.pop()?.trim() ?? '');
      if (isIP(next) === 0) break;
      address = next;
    }
    return address;
  }

  secure(request: IncomingMessage): boolean {
    if (request.socket instanceof TLSSocket) return true;
    return this.#isProxy(plainAddress(request.socket.remoteAddress ?? '')) && request.headers['x-forwarded-proto'] === 'https';
  }

  async close(): Promise<void> {
    const closing = this.listeners.map((listener) => listener.close());
    for (const socket of this.#open) socket.destroySoon();
    setTimeout(() => {
      for (const socket of this.#open) socket.destroy();
    }, 500).unref();
    await Promise.all(closing);
  }
}
