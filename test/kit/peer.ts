/** The other end of one connection of the server under test, played by the test. */
import type { StartTlsOptions, TlsFacts } from '../../server/contract/net.ts';
import type { VirtualConnection } from './net/connection.ts';
import { TranscriptWriter } from '../../server/net/transcript.ts';

/** What a peer needs of the server that it talks to. */
export interface PeerSurroundings {
  now(): number;
  settle(): Promise<void>;
}

export interface PeerOptions {
  /** What `send` puts behind a text, and what `lines` cuts at. Default `\r\n`; empty for protocols without lines. */
  readonly lineEnd?: string;
  /** Written as places in the transcript, by name. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Plays the parts that answer by themselves: called with each complete line (without lines: with what came in one piece). */
  readonly answer?: (text: string, peer: Peer) => void;
}

/** What `expect` looks for: a text within, a regular expression, or a predicate over one line. */
export type Expected = string | RegExp | ((line: string) => boolean);

export class Peer {
  readonly connection: VirtualConnection;
  readonly #surroundings: PeerSurroundings;
  readonly #end: string;
  readonly #transcript: TranscriptWriter;
  #received = Buffer.alloc(0);
  #read = 0;
  #answered = 0;
  /** What `answer` threw: the test's own mistake, which must not look like one of the server. */
  #failure: { readonly error: unknown } | undefined;
  #closed: { readonly error: string | undefined } | undefined;

  constructor(connection: VirtualConnection, surroundings: PeerSurroundings, options: PeerOptions = {}) {
    this.connection = connection;
    this.#surroundings = surroundings;
    this.#end = options.lineEnd ?? '\r\n';
    this.#transcript = new TranscriptWriter(surroundings.now(), options.secrets);
    this.#transcript.event(surroundings.now(), 'connected');
    connection.handle({
      onData: (bytes) => {
        this.#received = Buffer.concat([this.#received, bytes]);
        this.#transcript.bytes('out', surroundings.now(), bytes);
        if (options.answer !== undefined && this.#failure === undefined) this.#answer(options.answer);
      },
      onClose: (error) => {
        this.#closed = { error };
        this.#transcript.event(surroundings.now(), error === undefined ? 'closed' : `closed ${error}`);
      },
    });
  }

  #answer(answer: NonNullable<PeerOptions['answer']>): void {
    const end = Buffer.from(this.#end);
    for (;;) {
      const to = end.length === 0 ? this.#received.length : this.#received.indexOf(end, this.#answered);
      if (to < 0 || this.#answered >= this.#received.length) return;
      const text = this.#received.toString('utf8', this.#answered, to);
      this.#answered = to + end.length;
      try {
        answer(text, this);
      } catch (error) {
        this.#failure = { error };
        return;
      }
    }
  }

  async #settle(): Promise<void> {
    await this.#surroundings.settle();
    if (this.#failure !== undefined) throw new Error('the peer of the test failed in its answer', { cause: this.#failure.error });
  }

  /** Present once the connection is over; `error` is absent after a clean end. */
  get closed(): { readonly error: string | undefined } | undefined {
    return this.#closed;
  }

  /** A text goes out as one line, bytes as they are. What it leads to has happened after the next `settle`, `expect` or `take`. */
  send(what: string | Buffer): void {
    if (this.#failure !== undefined) throw new Error('the peer of the test failed in its answer', { cause: this.#failure.error });
    const bytes = typeof what === 'string' ? Buffer.from(`${what}${this.#end}`) : what;
    this.#transcript.bytes('in', this.#surroundings.now(), bytes);
    this.connection.write(bytes);
  }

  /**
   * Waits until all is quiet, then looks for something in what has come and was not looked at yet. What stood before it counts as
   * read. @returns the line, or the match's text. @throws Error that shows what came instead
   */
  async expect(expected: Expected): Promise<string> {
    await this.#settle();
    const unread = this.#received.toString('utf8', this.#read);
    const found = this.#find(unread, expected);
    if (found === undefined) {
      const shown = unread === '' ? 'nothing' : `\n${unread}`;
      const over = this.#closed === undefined ? '' : `\nand the connection was closed: ${this.#closed.error ?? 'cleanly'}`;
      throw new Error(`the peer expected ${describeExpected(expected)}, and got ${shown}${over}`);
    }
    this.#read += Buffer.byteLength(unread.slice(0, found.end));
    return found.text;
  }

  #find(unread: string, expected: Expected): { readonly text: string; readonly end: number } | undefined {
    if (this.#end === '') {
      if (typeof expected === 'function') return expected(unread) ? { text: unread, end: unread.length } : undefined;
      const match = typeof expected === 'string' ? undefined : expected.exec(unread);
      const at = typeof expected === 'string' ? unread.indexOf(expected) : (match?.index ?? -1);
      const text = typeof expected === 'string' ? expected : (match?.[0] ?? '');
      return at < 0 ? undefined : { text, end: at + text.length };
    }
    let from = 0;
    for (let end = unread.indexOf(this.#end); end >= 0; end = unread.indexOf(this.#end, from)) {
      const line = unread.slice(from, end);
      from = end + this.#end.length;
      if (matches(line, expected)) return { text: line, end: from };
    }
    return undefined;
  }

  /** Waits until all is quiet; answers with what has come since the last look, and counts it as read. */
  async take(): Promise<string> {
    await this.#settle();
    return this.takeNow().toString();
  }

  /** The same in lines, without their ends. */
  async takeLines(): Promise<string[]> {
    const lines = (await this.take()).split(this.#end === '' ? '\n' : this.#end);
    return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
  }

  /** What has come since the last look, as it stands now. */
  takeNow(): Buffer {
    const unread = this.#received.subarray(this.#read);
    this.#read = this.#received.length;
    return unread;
  }

  /** The peer's half of turning the connection into TLS; resolves when the server has done its half. */
  async startTls(side: StartTlsOptions['side']): Promise<TlsFacts> {
    const facts = await this.connection.startTls({ side });
    this.#transcript.event(this.#surroundings.now(), 'tls');
    return facts;
  }

  /** Stops reading: the server's outbox fills. */
  pause(): void {
    this.connection.pause();
  }
  resume(): void {
    this.connection.resume();
  }

  /** A clean end. */
  async end(): Promise<void> {
    this.connection.end();
    await this.#surroundings.settle();
  }

  /** The wire is cut: what was on its way is lost. */
  async cut(): Promise<void> {
    this.connection.cut();
    await this.#surroundings.settle();
  }

  /** The conversation so far, in the format of transcripts; may be replayed. */
  transcript(): string {
    return this.#transcript.toString();
  }
}

export function matches(line: string, expected: Expected): boolean {
  if (typeof expected === 'string') return line.includes(expected);
  return expected instanceof RegExp ? expected.test(line) : expected(line);
}

export function describeExpected(expected: Expected): string {
  return typeof expected === 'function'
    ? 'a line of a certain kind'
    : typeof expected === 'string'
      ? JSON.stringify(expected)
      : String(expected);
}
