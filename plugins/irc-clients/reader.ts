/** A client's lines, one after another, at the pace that flood control allows. Threat class A18. */
import type { Bucket, Clock, Connection, Timer } from '../../server/plugin.ts';
import { clientLimits, LineFramer, type FramingHandlers } from '../irc/framing.ts';

/** Lines that may wait while a command is being carried out before reading stops. */
const mostWaiting = 64;

export interface ReaderHandlers {
  /** The next line is read when the promise, if there is one, has resolved; it must not reject. */
  onLine(line: string): Promise<void> | undefined;
  onTooLong(): void;
}

export class LineReader implements FramingHandlers {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #bucket: Bucket;
  readonly #handlers: ReaderHandlers;
  readonly #framer = new LineFramer(clientLimits);
  /** Lines that wait; none at most times, so that an idle client keeps no list. */
  #lines: string[] | undefined;
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
    this.#framer.push(bytes, this);
    if (this.#lines !== undefined && this.#lines.length > mostWaiting) this.#pause();
    this.#work();
  }

  /** Called by the framer, as is `onTooLong`. */
  onLine(line: string): void {
    (this.#lines ??= []).push(line);
  }

  onTooLong(): void {
    this.#handlers.onTooLong();
  }

  /** Nothing more is read. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#lines = undefined;
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#connection.pause();
  }

  #work(): void {
    while (!this.#running && this.#timer === undefined && this.#lines !== undefined && !this.#stopped) {
      if (!this.#bucket.take()) {
        this.#pause();
        this.#timer = this.#clock.after(Math.max(1, Math.ceil(this.#bucket.wait)), () => {
          this.#timer = undefined;
          this.#work();
        });
        return;
      }
      const line = this.#lines.shift()!;
      if (this.#lines.length === 0) this.#lines = undefined;
      const done = this.#handlers.onLine(line);
      if (done !== undefined) void this.#wait(done);
    }
    if (this.#paused && !this.#running && this.#timer === undefined && this.#lines === undefined) {
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
