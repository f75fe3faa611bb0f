/** Which plugin answers which path of the shared HTTP port, wherever the connections come from. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { HttpRoute, UpgradeRoute } from '../contract/net.ts';

const lingerMilliseconds = 2_000;

export class HttpRoutes {
  readonly #log: Logger;
  readonly #routes = new Map<string, HttpRoute>();
  readonly #upgrades = new Map<string, UpgradeRoute>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Answers what is asked of a server. */
  serve(server: Server): void {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => this.#answer(request, response));
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#upgrade(request, socket, head));
    server.on('clientError', (_error: Error, socket: Duplex) => dismiss(socket, '400 Bad Request'));
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

  get size(): number {
    return this.#routes.size + this.#upgrades.size;
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
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('x-frame-options', 'DENY');
    response.setHeader('referrer-policy', 'no-referrer');
    const fail = (error: unknown): void => {
      this.#log.error({ err: error, path: request.url }, 'a request failed');
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { 'content-type': 'text/plain' }).end('This request failed on an error of the server.\n');
    };
    if (route === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('There is nothing here.\n');
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
      dismiss(socket, '404 Not Found');
      return;
    }
    try {
      route.handle(request, socket, head);
    } catch (error) {
      this.#log.error({ err: error, path: request.url }, 'an upgrade failed');
      socket.destroy();
    }
  }
}

/** Says why, and closes, also on a client that does not. */
function dismiss(socket: Duplex, status: string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
  setTimeout(() => socket.destroy(), lingerMilliseconds).unref();
}
