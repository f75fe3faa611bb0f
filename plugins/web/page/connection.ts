/** The WebSocket to the server: opens it, opens it again, and pairs replies with what was asked. */
import { signal } from '@preact/signals';
import type { ClientFrame, ServerFrame } from '../protocol.ts';

export type LinkState =
  | { readonly name: 'connecting' }
  | { readonly name: 'open' }
  /** Broken; tries again at that time, milliseconds since 1970. */
  | { readonly name: 'waiting'; readonly until: number }
  /** Given up on purpose: the server said that the session is over for good. */
  | { readonly name: 'closed'; readonly reason: string };

export type Reply =
  | { readonly ok: true; readonly result: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly code: string; readonly text: string };

/** What is asked; ids are added here, defaults are the server's. */
export type Question = { readonly type: ClientFrame['type'] } & Readonly<Record<string, unknown>>;

const firstDelay = 500;
const longestDelay = 15_000;
const pingEvery = 20_000;
const silenceLimit = 45_000;

/** From 0 to 1: not all pages come back at the same moment after a restart of the server. */
function fraction(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32;
}

const lost: Reply = { ok: false, code: 'disconnected', text: 'The connection was lost.' };

export class Connection {
  readonly link = signal<LinkState>({ name: 'connecting' });
  #receive: (frame: ServerFrame) => void = () => undefined;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #socket: WebSocket | undefined;
  #nextId = 1;
  #delay = firstDelay;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heard = 0;

  /** `receive` gets every frame but replies. */
  start(receive: (frame: ServerFrame) => void): void {
    this.#receive = receive;
    addEventListener('online', () => this.retry());
    addEventListener('offline', () => this.#socket?.close());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.retry();
    });
    setInterval(() => this.#beat(), pingEvery);
    this.#open();
  }

  /** Tries at once instead of waiting. */
  retry(): void {
    if (this.link.value.name === 'waiting') this.#open();
  }

  ask(question: Question): Promise<Reply> {
    const socket = this.#socket;
    if (socket === undefined || socket.readyState !== WebSocket.OPEN) return Promise.resolve(lost);
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      socket.send(JSON.stringify({ ...question, id }));
    });
  }

  #open(): void {
    clearTimeout(this.#timer);
    this.link.value = { name: 'connecting' };
    const url = new URL('/socket', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url, 'banyan.v1');
    this.#socket = socket;
    socket.addEventListener('open', () => {
      this.#heard = Date.now();
      this.#delay = firstDelay;
      this.link.value = { name: 'open' };
    });
    socket.addEventListener('message', ({ data }) => {
      this.#heard = Date.now();
      const frame = JSON.parse(String(data)) as ServerFrame;
      if (frame.type === 'reply') this.#answer(frame);
      else this.#receive(frame);
    });
    socket.addEventListener('close', () => {
      if (this.#socket === socket) this.#broken();
    });
  }

  #answer(frame: Extract<ServerFrame, { type: 'reply' }>): void {
    const resolve = this.#waiting.get(frame.id ?? 0);
    this.#waiting.delete(frame.id ?? 0);
    resolve?.(
      frame.ok
        ? { ok: true, result: frame.result ?? {} }
        : { ok: false, code: frame.code ?? 'failed', text: frame.text ?? 'That did not work.' },
    );
  }

  #broken(): void {
    this.#socket = undefined;
    for (const resolve of this.#waiting.values()) resolve(lost);
    this.#waiting.clear();
    const wait = this.#delay * (0.5 + fraction());
    this.#delay = Math.min(this.#delay * 2, longestDelay);
    this.link.value = { name: 'waiting', until: Date.now() + wait };
    this.#timer = setTimeout(() => this.#open(), wait);
  }

  /** A connection that died without a word is noticed by its silence. */
  #beat(): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    if (Date.now() - this.#heard > silenceLimit) {
      const silent = this.#socket;
      this.#broken();
      silent.close();
    } else void this.ask({ type: 'ping' });
  }
}
