/** The shared HTTP port: pages and WebSockets of all plugins, and /metrics. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { Http, HttpRoute, Listener, UpgradeRoute } from '../contract/net.ts';
import { plainAddress } from './connection.ts';
import { bind, splitAddress } from './listen.ts';
import type { TlsStore } from './tls.ts';

export interface HttpOptions {
  readonly listen: readonly string[];
  readonly listenTls: readonly string[];
  /** Addresses of reverse proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** Base URL that people use, when a proxy stands before the server. */
  readonly publicUrl: string | undefined;
  readonly domain: string;
}

const mostConnections = 20_000;

export class HttpService implements Http {
  readonly #options: HttpOptions;
  readonly #tls: TlsStore;
  readonly #log: Logger;
  readonly #routes = new Map<string, HttpRoute>();
  readonly #upgrades = new Map<string, UpgradeRoute>();
  readonly #open = new Set<Socket>();
  readonly #secureServers: ReturnType<typeof createSecureServer>[] = [];
  readonly listeners: Listener[] = [];

  constructor(options: HttpOptions, tls: TlsStore, log: Logger) {
    this.#options = options;
    this.#tls = tls;
    this.#log = log;
  }

  async start(): Promise<void> {
    const limits = { headersTimeout: 10_000, requestTimeout: 20_000, keepAliveTimeout: 5_000, maxHeaderSize: 16_384 };
    for (const address of this.#options.listen) await this.#serve(createServer(limits), address, 'web', false);
    for (const address of this.#options.listenTls) {
      const server = createSecureServer({ ...limits, ...this.#tls.pem(), minVersion: 'TLSv1.2' });
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
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => this.#answer(request, response));
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#upgrade(request, socket, head));
    server.on('clientError', (_error: Error, socket: Duplex) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      else socket.destroy();
    });
    const { host, port } = splitAddress(address);
    const bound = await bind(server, host, port, name);
    this.listeners.push({ name, ...bound, tls, close: () => new Promise((resolve) => server.close(() => resolve())) });
  }

  /** New certificate files for new connections. */
  reload(): void {
    for (const server of this.#secureServers) server.setSecureContext({ ...this.#tls.pem(), minVersion: 'TLSv1.2' });
  }

  #find<Route>(routes: ReadonlyMap<string, Route>, request: IncomingMessage): Route | undefined {
    const path = (request.url ?? '/').split('?')[0]!;
    const exact = routes.get(path);
    if (exact !== undefined) return exact;
    for (let end = path.lastIndexOf('/'); end >= 0; end = path.lastIndexOf('/', end - 1)) {
      const prefix = routes.get(path.slice(0, end + 1));
      if (prefix !== undefined) return prefix;
      if (end === 0) break;
    }
    return undefined;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const route = this.#find(this.#routes, request);
    const fail = (error: unknown): void => {
      this.#log.error({ err: error, path: request.url }, 'a request failed');
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { 'content-type': 'text/plain' }).end('This request failed on an error of the server.\n');
    };
    if (route === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain', 'x-content-type-options': 'nosniff' }).end('There is nothing here.\n');
      return;
    }
    try {
      void Promise.resolve(route.handle(request, response)).catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const route = this.#find(this.#upgrades, request);
    if (route === undefined) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
      return;
    }
    try {
      route.handle(request, socket, head);
    } catch (error) {
      this.#log.error({ err: error, path: request.url }, 'an upgrade failed');
      socket.destroy();
    }
  }

  route(route: HttpRoute): void {
    this.#routes.set(route.path, route);
  }
  upgrade(route: UpgradeRoute): void {
    this.#upgrades.set(route.path, route);
  }
  /** Takes routes back. */
  remove(routes: Iterable<HttpRoute | UpgradeRoute>): void {
    for (const route of routes) {
      if (this.#routes.get(route.path) === route) this.#routes.delete(route.path);
      if (this.#upgrades.get(route.path) === route) this.#upgrades.delete(route.path);
    }
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

  remoteAddress(request: IncomingMessage): string {
    const direct = plainAddress(request.socket.remoteAddress ?? '');
    if (!this.#options.trustedProxies.includes(direct)) return direct;
    const forwarded = request.headers['x-forwarded-for'];
    const last = (Array.isArray(forwarded) ? forwarded.join(',') : (forwarded ?? '')).split(',').at(-1)?.trim();
    return last === undefined || last === '' ? direct : plainAddress(last);
  }

  secure(request: IncomingMessage): boolean {
    if (request.socket instanceof TLSSocket) return true;
    const direct = plainAddress(request.socket.remoteAddress ?? '');
    return this.#options.trustedProxies.includes(direct) && request.headers['x-forwarded-proto'] === 'https';
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
