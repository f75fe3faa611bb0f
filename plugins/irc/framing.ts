/** Bytes to lines: bounded, and in UTF-8 where a line is that, else in Latin-1. */
import { isAscii, isUtf8 } from 'node:buffer';

export interface FramingLimits {
  /** Bytes of a line without its tags, line end included. */
  readonly body: number;
  /** Bytes of the tags, `@` and the blank behind them included. */
  readonly tags: number;
}

/** What an IRC client may send (RFC 1459 section 2.3, IRCv3 message tags). */
export const clientLimits: FramingLimits = { body: 512, tags: 4_096 };
/** What a server may send to another. */
export const serverLimits: FramingLimits = { body: 512, tags: 8_191 };

export interface FramingHandlers {
  /** One line without its end; never empty. */
  onLine(line: string): void;
  /** A line grew over the limit; told once, the rest of it is skipped. */
  onTooLong(): void;
}

/** A line that is kept keeps the text that it was cut from, so this is not long. */
const mostAtOnce = 2_048;
const roomForEnd = 2;
const lineFeed = 10;
const carriageReturn = 13;
const at = 64;
const blank = 32;

/** Cuts a stream into lines at CR LF or a bare LF. Holds at most one unfinished line. */
export class LineFramer {
  readonly #limits: FramingLimits;
  /** The unfinished line; nothing is kept between lines, since most connections are idle. */
  #parts: Buffer[] | undefined;
  #held = 0;
  #skipping = false;

  constructor(limits: FramingLimits) {
    this.#limits = limits;
  }

  /** Bytes of the unfinished line. */
  get pending(): number {
    return this.#held;
  }

  push(bytes: Buffer, handlers: FramingHandlers): void {
    const whole = this.#held === 0 && !this.#skipping && bytes[bytes.length - 1] === lineFeed;
    if (whole && bytes.length <= mostAtOnce && isAscii(bytes)) this.#cut(bytes.toString('latin1'), handlers);
    else this.#collect(bytes, handlers);
  }

  /** What most reads bring: some whole lines of ASCII. */
  #cut(text: string, handlers: FramingHandlers): void {
    for (let start = 0; start < text.length;) {
      const end = text.indexOf('\n', start);
      let last = end;
      while (last > start && text.charCodeAt(last - 1) === carriageReturn) last--;
      if (last - start + roomForEnd > this.#limits.body || text.charCodeAt(start) === at)
        this.#finish(Buffer.from(text.slice(start, last)), handlers);
      else if (last > start) handlers.onLine(text.slice(start, last));
      start = end + 1;
    }
  }

  #collect(bytes: Buffer, handlers: FramingHandlers): void {
    let start = 0;
    while (start < bytes.length) {
      const end = bytes.indexOf(lineFeed, start);
      if (end < 0) {
        this.#hold(bytes.subarray(start), handlers);
        return;
      }
      const piece = bytes.subarray(start, end);
      start = end + 1;
      if (this.#skipping) {
        this.#skipping = false;
        continue;
      }
      const line = this.#held === 0 ? piece : Buffer.concat([...(this.#parts ?? []), piece]);
      this.#drop();
      this.#finish(line, handlers);
    }
  }

  #hold(piece: Buffer, handlers: FramingHandlers): void {
    if (this.#skipping) return;
    let parts = (this.#parts ??= []);
    parts.push(piece);
    this.#held += piece.length;
    if (parts.length > 64) parts = this.#parts = [Buffer.concat(parts)];
    const { body, tags } = this.#limits;
    const first = parts[0]![0];
    if (this.#held < body && this.#held < tags) return;
    const most = first === at ? tags + body : body;
    if (this.#held < most && !(first === at && tooLong(Buffer.concat(parts), this.#limits))) return;
    this.#drop();
    this.#skipping = true;
    handlers.onTooLong();
  }

  #drop(): void {
    this.#parts = undefined;
    this.#held = 0;
  }

  #finish(line: Buffer, handlers: FramingHandlers): void {
    let length = line.length;
    while (length > 0 && line[length - 1] === carriageReturn) length--;
    if (length === 0) return;
    const content = line.subarray(0, length);
    if (tooLong(content, this.#limits)) handlers.onTooLong();
    else handlers.onLine(decodeLine(content));
  }
}

function tooLong(line: Buffer, limits: FramingLimits): boolean {
  if (line[0] !== at) return line.length + roomForEnd > limits.body;
  const end = line.indexOf(blank);
  if (end < 0) return line.length > limits.tags;
  return end + 1 > limits.tags || line.length - end - 1 + roomForEnd > limits.body;
}

/** Reads a line as UTF-8 when it is valid UTF-8, else byte by byte as Latin-1: old clients are read, nothing is lost. */
export function decodeLine(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString('utf8') : bytes.toString('latin1');
}
