/** Tells the host what is probably set wrong in front of the server; each thing once, so that nobody can fill the log. */
import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';

const mostHints = 20;

export class Hints {
  readonly #log: Logger;
  readonly #told = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  #tell(key: string, fields: object, text: string): void {
    if (this.#told.has(key) || this.#told.size >= mostHints) return;
    this.#told.add(key);
    this.#log.warn(fields, text);
  }

  /** A page of another origin was refused: an attack, or the own page by a name that the server does not know. */
  refusedOrigin(request: IncomingMessage): void {
    const origin = (request.headers.origin ?? '').slice(0, 200);
    this.#tell(
      `origin ${origin}`,
      { origin, host: request.headers.host },
      'a page of another origin was refused; if it is this server by the name people use, set [http] public_url, if it is a friend, [plugins.web] origins',
    );
  }

  /** Something before us forwards for people, and is not believed: all of them count as one address. */
  forwarded(request: IncomingMessage, remoteAddress: string): void {
    const direct = request.socket.remoteAddress ?? '';
    if (request.headers['x-forwarded-for'] === undefined || !direct.endsWith(remoteAddress)) return;
    this.#tell(
      `proxy ${direct}`,
      { proxy: remoteAddress },
      'connections come with X-Forwarded-For from an address that is not trusted; if that is your reverse proxy, name it in [http] trusted_proxies',
    );
  }
}
