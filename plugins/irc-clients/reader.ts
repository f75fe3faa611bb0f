/** A client's lines, one after another, at the pace that flood control allows. Threat class A18. */
import type { Bucket, Clock, Connection, Timer } from '../../server/plugin.ts';
import { clientLimits, LineFramer } from '../irc/framing.ts';

/** Lines that may wait while a command is being carried out before reading stops. */
const mostWaiting = 64;

export interface ReaderHandlers {
  /** The next line is read when the promise, if there is one, has resolved; it must not reject. */
  onLine(line: string): Promise<void> | undefined;
  onTooLong(): void;
}

export class LineReader {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #bucket: Bucket;
  readonly #handlers: ReaderHandlers;
  readonly #framer = new LineFramer(clientLimits);
  #lines: string[] = [];
  #running = false;
  #paused = false;
  #stopped = false;
  #timer: Timer | undefined;

  constructor(connection: Connection, clock: Clock, bucket: Bucket, handlers: ReaderHandlers) {
    this.#connection = connection;
    this.#clock = clock;
    this.#bucket = bucket;
    this.#handlers = handlers;
  }

  /** More has come than may be carried out now: it waits at the client. */
  get paused(): boolean {
    return this.#paused;
  }

  push(bytes: Buffer): void {
    this.#framer.push(bytes, {
      onLine: (line) => this.#lines.push(line),
      onTooLong: () => this.#handlers.onTooLong(),
    });
    if (this.#lines.length > mostWaiting) this.#pause();
    this.#work();
  }

  /** Nothing more is read. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#lines = [];
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#connection.pause();
  }

  #work(): void {
    while (!this.#running && this.#timer === undefined && this.#lines.length > 0 && !this.#stopped) {
      if (!this.#bucket.take()) {
        this.#pause();
        this.#timer = this.#clock.after(Math.max(1, Math.ceil(this.#bucket.wait)), () => {
          this.#timer = undefined;
          this.#work();
        });
        return;
      }
      const done = this.#handlers.onLine(this.#lines.shift()!);
      if (done !== undefined) void this.#wait(done);
    }
    if (this.#paused && !this.#running && this.#timer === undefined && this.#lines.length === 0) {
      this.#paused = false;
      if (!this.#stopped) this.#connection.resume();
    }
  }

  async #wait(done: Promise<void>): Promise<void> {
    this.#running = true;
    await done;
    this.#running = false;
    this.#work();
  }
}
