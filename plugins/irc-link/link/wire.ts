/** Lines over a connection. What comes in at once is worked off in slices, so that a burst stalls nobody else. */
import type { Connection, Host } from '../../../server/plugin.ts';
import { LineFramer, serverLimits } from '../../irc/framing.ts';
import { parseLine, type IrcMessage } from '../../irc/line.ts';
import { sliceMilliseconds } from '../bridge/slices.ts';

/** Lines of one slice: to be told of somebody's leaving costs those who see it many times what the line cost. */
const mostInSlice = 128;
/** Lines that may wait before reading stops. */
const mostWaiting = 5_000;

export interface WireHandlers {
  onLine(line: IrcMessage): void;
  /** Resolves when what the lines so far have brought about is done with: the next slice waits for it. */
  caughtUp?(): Promise<void>;
  onClose(reason: string): void;
}

export class Wire {
  readonly connection: Connection;
  readonly #host: Host;
  readonly #framer = new LineFramer(serverLimits);
  #handlers: WireHandlers | undefined;
  #lines: string[] = [];
  #next = 0;
  #scheduled = false;
  #paused = false;
  #closed = false;
  linesIn = 0;
  linesOut = 0;
  /** Milliseconds since 1970 when something last came. */
  heardAt: number;

  constructor(host: Host, connection: Connection) {
    this.#host = host;
    this.connection = connection;
    this.heardAt = host.clock.now();
  }

  /** Keeps what comes until the next `handle`: it is for whoever takes over. */
  hold(): void {
    this.#handlers = undefined;
  }

  handle(handlers: WireHandlers): void {
    this.#handlers = handlers;
    if (this.#lines.length > this.#next) this.#schedule();
    this.connection.handle({
      onData: (bytes) => {
        this.heardAt = this.#host.clock.now();
        this.#framer.push(bytes, { onLine: (line) => this.#lines.push(line), onTooLong: () => this.close('Line too long') });
        if (!this.#scheduled) this.#work();
        this.#brake();
      },
      onClose: (error) => this.#ended(error ?? 'the connection was closed'),
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    void this.#nextSlice();
  }

  async #nextSlice(): Promise<void> {
    try {
      await this.#handlers?.caughtUp?.();
      await new Promise(setImmediate);
      this.#scheduled = false;
      this.#work();
    } catch (error) {
      this.#host.log.error({ err: error }, 'a line of an IRC server could not be worked off; its link is closed');
      this.close('Internal error');
    }
  }

  #work(): void {
    const until = performance.now() + sliceMilliseconds;
    const last = this.#next + mostInSlice;
    while (this.#next < this.#lines.length && !this.#closed && this.#handlers !== undefined) {
      const line = parseLine(this.#lines[this.#next]!);
      this.#next++;
      if (line === undefined) continue;
      this.linesIn++;
      this.#handlers.onLine(line);
      if (this.#next >= last || (this.#next % 16 === 0 && performance.now() > until)) break;
    }
    const left = this.#lines.length - this.#next;
    if (left === 0) {
      this.#lines = [];
      this.#next = 0;
      if (this.#paused && !this.#closed) this.connection.resume();
      this.#paused = false;
      return;
    }
    if (this.#handlers !== undefined) this.#schedule();
  }

  /** Stops reading while too much waits. */
  #brake(): void {
    if (this.#paused || this.#closed || this.#lines.length - this.#next <= mostWaiting) return;
    this.#paused = true;
    this.connection.pause();
  }

  send(lines: readonly string[]): void {
    if (this.#closed || lines.length === 0) return;
    this.linesOut += lines.length;
    this.connection.write(`${lines.join('\r\n')}\r\n`);
  }

  /** Says why and ends. */
  close(reason: string): void {
    if (this.#closed) return;
    this.connection.end(`ERROR :${reason.replace(/[\r\n\0]/g, ' ').slice(0, 400)}\r\n`);
    this.#ended(reason);
  }

  #ended(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#lines = [];
    this.#next = 0;
    this.#handlers?.onClose(reason);
  }
}
