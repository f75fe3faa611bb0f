/** The other end of a WebSocket of the server under test, played by the test. */
import type { WebSocket } from 'ws';
import { describeExpected, matches, type Expected } from './peer.ts';

export class WebSocketPeer {
  readonly #socket: WebSocket;
  readonly #settle: () => Promise<void>;
  readonly #unread: string[] = [];
  #closed: { readonly code: number; readonly reason: string } | undefined;

  constructor(socket: WebSocket, settle: () => Promise<void>) {
    this.#socket = socket;
    this.#settle = settle;
    // Bytes as Latin-1, so that none are lost.
    socket.on('message', (data: Buffer, binary) => this.#unread.push(data.toString(binary ? 'latin1' : 'utf8')));
    socket.on('close', (code, reason) => (this.#closed = { code, reason: reason.toString() }));
    socket.on('error', () => undefined);
  }

  /** The sub-protocol that the server chose; empty when it chose none. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  /** Present once it is closed; 1006 where no close was said (RFC 6455 section 7.4.1). */
  get closed(): { readonly code: number; readonly reason: string } | undefined {
    return this.#closed;
  }

  /** A text message, or bytes as a binary one. What it leads to has happened after the next `settle`, `expect` or `take`. */
  send(what: string | Buffer): void {
    this.#socket.send(what);
  }

  /**
   * Waits until all is quiet, then looks for a message that has come and was not looked at yet. Those before it count as read.
   * @throws Error that shows what came instead
   */
  async expect(expected: Expected): Promise<string> {
    await this.#settle();
    const at = this.#unread.findIndex((message) => matches(message, expected));
    if (at >= 0) return this.#unread.splice(0, at + 1).at(-1)!;
    const shown = this.#unread.length === 0 ? 'nothing' : `\n${this.#unread.join('\n')}`;
    const over = this.#closed === undefined ? '' : `\nand the WebSocket was closed: ${this.#closed.code} ${this.#closed.reason}`;
    throw new Error(`the peer expected ${describeExpected(expected)}, and got ${shown}${over}`);
  }

  /** Waits until all is quiet; answers with the messages that have come since the last look. */
  async take(): Promise<string[]> {
    await this.#settle();
    return this.#unread.splice(0);
  }

  /** A clean end. */
  async end(code = 1000, reason = ''): Promise<void> {
    this.#socket.close(code, reason);
    await this.#settle();
  }

  /** The wire is cut, without a word. */
  async cut(): Promise<void> {
    this.#socket.terminate();
    await this.#settle();
  }
}
