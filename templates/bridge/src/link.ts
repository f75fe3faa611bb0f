/** The connection to the other server: dials, says hello, dials again. What is said on it is the bridge's affair. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { DialError, type Connection, type Host, type LinkStatus, type Timer } from 'banyan/plugin';
import { decode, encode, LineCutter, type Line } from './codec.ts';
import type { Config } from './config.ts';

export interface LinkHandlers {
  /** The peer has proved itself: from now on lines cross. */
  opened(): void;
  line(line: Line): void;
  /** Once after each `opened`. */
  lost(reason: string): void;
}

type State =
  | { readonly kind: 'down'; readonly retry: Timer }
  | { readonly kind: 'dialling'; readonly abort: AbortController }
  /** Our hello is on its way, theirs is awaited. */
  | { readonly kind: 'handshake'; readonly connection: Connection; readonly deadline: Timer }
  | { readonly kind: 'up'; readonly connection: Connection; readonly watch: Timer }
  | { readonly kind: 'closing' };

const deadlineMilliseconds = 10_000;
const pingMilliseconds = 30_000;
const silenceMilliseconds = 90_000;
const longestWait = 60_000;

export class Link {
  readonly #host: Host;
  readonly #config: Config;
  readonly #handlers: LinkHandlers;
  #state: State = { kind: 'closing' };
  #since: number;
  #wait: number;
  #heardAt = 0;
  #in = 0;
  #out = 0;
  #lastError: string | undefined;

  constructor(host: Host, config: Config, handlers: LinkHandlers) {
    this.#host = host;
    this.#config = config;
    this.#handlers = handlers;
    this.#since = host.clock.now();
    this.#wait = config.retry_seconds * 1_000;
  }

  start(): void {
    void this.#dial();
  }

  async #dial(): Promise<void> {
    const [host = '', port = ''] = this.#config.address.split(':');
    const abort = new AbortController();
    this.#become({ kind: 'dialling', abort });
    try {
      const tls = this.#config.tls ? { tls: { serverName: host } } : {};
      const connection = await this.#host.net.dial({ host, port: Number(port), signal: abort.signal, ...tls });
      if (this.#state.kind !== 'dialling') connection.destroy('no longer wanted');
      else this.#greet(connection, host);
    } catch (error) {
      if (!(error instanceof DialError)) throw error;
      this.#failed(error.message);
    }
  }

  #greet(connection: Connection, host: string): void {
    const { tls } = connection;
    if (this.#config.tls && !(tls?.chainVerified === true && tls.certificateNames(host))) {
      connection.destroy('not trusted');
      this.#failed(`the certificate of ${host} proves nothing: ${tls?.chainError ?? 'it is for another name'}`);
      return;
    }
    const deadline = this.#host.clock.after(deadlineMilliseconds, () => this.#close('the handshake took too long'));
    this.#become({ kind: 'handshake', connection, deadline });
    const cutter = new LineCutter();
    // A connection that we have given up may still speak, and ends when its peer likes.
    const ifCurrent = (run: () => void): void => {
      if ('connection' in this.#state && this.#state.connection === connection) run();
    };
    connection.handle({
      onData: (bytes) => {
        const lines = cutter.push(bytes);
        this.#heardAt = this.#host.clock.now();
        if (lines === undefined) ifCurrent(() => this.#close('a line is too long'));
        for (const text of lines ?? []) ifCurrent(() => this.#receive(text));
      },
      onClose: (error) => ifCurrent(() => this.#failed(error ?? 'the peer closed the connection')),
    });
    this.send({ verb: 'hello', name: this.#host.domain, secret: this.#config.secret });
  }

  #receive(text: string): void {
    this.#in++;
    const line = decode(text);
    const state = this.#state;
    if (state.kind !== 'handshake' && state.kind !== 'up') return;
    if (line === undefined) this.#close('that is no line of this protocol');
    else if (line.verb === 'bye') this.#failed(`the peer said: ${line.text}`);
    else if (line.verb === 'ping') this.send({ verb: 'pong', token: line.token });
    else if (state.kind === 'up') this.#handlers.line(line);
    else if (line.verb === 'hello' && sameSecret(line.secret, this.#config.secret)) this.#opened(state);
    else this.#close('the secret is another');
  }

  #opened({ connection, deadline }: Extract<State, { kind: 'handshake' }>): void {
    deadline.cancel();
    const watch = this.#host.clock.every(pingMilliseconds, () => {
      if (this.#host.clock.now() - this.#heardAt >= silenceMilliseconds) this.#close('nothing was heard for too long');
      else this.send({ verb: 'ping', token: 'alive' });
    });
    this.#become({ kind: 'up', connection, watch });
    this.#wait = this.#config.retry_seconds * 1_000;
    this.#lastError = undefined;
    this.#host.log.info({ peer: this.#config.address }, 'linked');
    this.#handlers.opened();
  }

  send(line: Line): void {
    if (this.#state.kind !== 'handshake' && this.#state.kind !== 'up') return;
    this.#out++;
    this.#state.connection.write(encode(line));
  }

  /** We end it: the peer is told why. */
  #close(reason: string): void {
    this.send({ verb: 'bye', text: reason });
    this.#failed(reason);
  }

  /** The link is over, whoever ended it; another is tried after a while. */
  #failed(reason: string): void {
    const state = this.#state;
    if (state.kind === 'down' || state.kind === 'closing') return;
    if (reason !== this.#lastError) this.#host.log.warn({ peer: this.#config.address, reason }, 'no link');
    this.#lastError = reason;
    const retry = this.#host.clock.after(this.#wait, () => void this.#dial());
    this.#wait = Math.min(this.#wait * 2, longestWait);
    this.#become({ kind: 'down', retry });
    this.#leave(state, reason);
  }

  /** Takes down what a state had. */
  #leave(state: State, reason: string): void {
    switch (state.kind) {
      case 'down':
        state.retry.cancel();
        break;
      case 'dialling':
        state.abort.abort();
        break;
      case 'handshake':
        state.deadline.cancel();
        state.connection.end();
        break;
      case 'up':
        state.watch.cancel();
        state.connection.end();
        this.#handlers.lost(reason);
        break;
      case 'closing':
        break;
      default:
        state satisfies never;
    }
  }

  stop(): void {
    this.send({ verb: 'bye', text: 'the server is stopping' });
    const state = this.#state;
    this.#become({ kind: 'closing' });
    this.#leave(state, 'the server is stopping');
  }

  #become(state: State): void {
    this.#state = state;
    this.#since = this.#host.clock.now();
  }

  status(): LinkStatus {
    const state = this.#state;
    return {
      name: this.#config.label,
      kind: 'parley',
      state: state.kind,
      since: this.#since,
      peer: this.#config.address,
      tls: state.kind === 'up' && state.connection.tls !== undefined,
      in: this.#in,
      out: this.#out,
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
    };
  }
}

/** In a time that tells nothing of how much was right. */
function sameSecret(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
