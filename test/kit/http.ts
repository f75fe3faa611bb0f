/** The shared HTTP port without a port: the real parser and the real routes, over connections that exist in memory only. */
import { createServer, request as ask, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { WebSocket } from 'ws';
import type { HttpRoute, UpgradeRoute } from '../../server/contract/net.ts';
import type { RemovableHttp } from '../../server/host/plugin-host.ts';
import { HttpRoutes } from '../../server/net/http-routes.ts';
import { WebSocketPeer } from './web-socket.ts';

/** Who comes to the HTTP port, and how. */
export interface HttpClientOptions {
  /** Default `192.0.2.10`. */
  readonly remoteAddress?: string;
  /** What `http.secure` says of it; default true. */
  readonly secure?: boolean;
}

export interface HttpRequestOptions extends HttpClientOptions {
  /** Default `GET`. */
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
}

export interface WebSocketOptions extends HttpClientOptions {
  /** Sub-protocols, the one that is liked most first. */
  readonly protocols?: readonly string[];
  readonly headers?: OutgoingHttpHeaders;
}

/** One end of a connection; what is written at one can be read at the other. */
class End extends Duplex {
  other!: End;
  readonly facts: Required<HttpClientOptions>;
  readonly #step: () => void;
  #taken: (() => void) | undefined;

  constructor(facts: Required<HttpClientOptions>, step: () => void) {
    super();
    this.facts = facts;
    this.#step = step;
  }

  override _read(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#step();
    if (this.other.push(chunk)) done();
    else this.other.#taken = done;
  }
  override _final(done: () => void): void {
    this.#step();
    this.other.push(null);
    done();
  }
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#step();
    setImmediate(() => this.other.destroy());
    done(error);
  }
}

export class VirtualHttp implements RemovableHttp {
  readonly #routes: HttpRoutes;
  readonly #server = createServer();
  readonly #open = new Set<End>();
  readonly urls: readonly string[] = ['http://127.0.0.1:8080/'];
  /** Grows whenever something happens on a connection. */
  steps = 0;

  constructor(log: Logger) {
    this.#routes = new HttpRoutes(log);
    this.#routes.serve(this.#server);
  }

  route(route: HttpRoute): void {
    this.#routes.route(route);
  }
  upgrade(route: UpgradeRoute): void {
    this.#routes.upgrade(route);
  }
  remove(routes: Iterable<HttpRoute | UpgradeRoute>): void {
    this.#routes.remove(routes);
  }
  remoteAddress(request: IncomingMessage): string {
    return factsOf(request).remoteAddress;
  }
  secure(request: IncomingMessage): boolean {
    return factsOf(request).secure;
  }

  get open(): { readonly routes: number; readonly connections: number } {
    return { routes: this.#routes.size, connections: this.#open.size };
  }

  /** A connection to the port, for bytes as they are. */
  connect({ remoteAddress = '192.0.2.10', secure = true }: HttpClientOptions = {}): Duplex {
    const step = (): void => void this.steps++;
    const [near, far] = [new End({ remoteAddress, secure }, step), new End({ remoteAddress, secure }, step)];
    near.other = far;
    far.other = near;
    this.#open.add(far);
    far.once('close', () => this.#open.delete(far));
    this.#server.emit('connection', far);
    return near;
  }

  /** Resolves with what fetch would give. */
  request(path: string, options: HttpRequestOptions = {}): Promise<Response> {
    const { method = 'GET', headers = {}, body } = options;
    return new Promise((resolve, reject) => {
      const request = ask({ path, method, headers: { host: '127.0.0.1:8080', ...headers }, createConnection: () => this.connect(options) });
      request.on('error', reject);
      request.on('response', (response) => {
        response.toArray().then((parts: Buffer[]) => resolve(fetched(response, Buffer.concat(parts))), reject);
      });
      request.end(body);
    });
  }

  /** @throws Error with the status when the server does not want it */
  async webSocket(path: string, options: WebSocketOptions, settle: () => Promise<void>): Promise<WebSocketPeer> {
    const socket = new WebSocket(`ws://127.0.0.1:8080${path}`, [...(options.protocols ?? [])], {
      createConnection: () => this.connect(options),
      perMessageDeflate: false,
      headers: options.headers,
    });
    // Listens from the beginning: the first messages come with the answer to the handshake.
    const peer = new WebSocketPeer(socket, settle);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return peer;
  }
}

function factsOf(request: IncomingMessage): Required<HttpClientOptions> {
  return (request.socket as Duplex as End).facts;
}

/** A `Response` has no body for these (Fetch standard, null body status). */
const withoutBody = new Set([204, 205, 304]);

function fetched(response: IncomingMessage, body: Buffer): Response {
  const status = response.statusCode!;
  const headers = new Headers();
  for (const [name, values] of Object.entries(response.headersDistinct)) for (const value of values ?? []) headers.append(name, value);
  return new Response(withoutBody.has(status) ? null : body, { status, headers });
}
