/** labeled-response (IRCv3): the lines that a labelled command caused, marked as its answer, in their order between all others. */
import { flag } from './capabilities.ts';
import { render, type OutLine } from './outgoing.ts';

type Part = { readonly line: OutLine } | { readonly bytes: Buffer | string };

export class Capture {
  readonly #label: string;
  readonly #parts: Part[] = [];
  /** Once it is streamed: how its lines are written. */
  #stream: ((line: OutLine, flags: number) => string) | undefined;
  #end = '';

  constructor(label: string) {
    this.#label = label;
  }

  /** Answers with what is to be written now. */
  own(line: OutLine, flags: number): string {
    if (this.#stream !== undefined) return this.#stream(line, flags);
    this.#parts.push({ line });
    return '';
  }

  other(bytes: Buffer | string): Buffer | string {
    if (this.#stream !== undefined) return bytes;
    this.#parts.push({ bytes });
    return '';
  }

  /**
   * The answer may be too long to be collected: from now on its lines, more than one, are written as they come. Before its first line only.
   * Answers with what is to be written now.
   */
  stream(flags: number, server: string, newBatch: () => string): (Buffer | string)[] {
    const before = this.#rest(flags);
    this.#parts.length = 0;
    if ((flags & flag.batch) === 0) {
      let label: string | undefined = this.#label;
      this.#stream = (line, now) => {
        const text = render(line, now, label);
        label = undefined;
        return text;
      };
      return before;
    }
    const batch = newBatch();
    this.#stream = (line, now) => render({ ...line, batch }, now);
    this.#end = render({ text: `:${server} BATCH -${batch}` }, flags);
    return [...before, render({ text: `:${server} BATCH +${batch} labeled-response` }, flags, this.#label)];
  }

  /** Everything in order: nothing is an ACK, one line carries the label, more are a batch. */
  finish(flags: number, server: string, newBatch: () => string): (Buffer | string)[] {
    if (this.#stream !== undefined) return [this.#end];
    const own = this.#parts.flatMap((part) => ('line' in part ? [part.line] : []));
    if (own.length === 0) {
      const ack: OutLine = { text: `:${server} ACK` };
      return [...this.#rest(flags), render(ack, flags, this.#label)];
    }
    const opened = own[0]!.opens;
    const oneBatch = opened !== undefined && own.slice(1).every((line) => line.batch === opened || line.closes === opened);
    if (own.length === 1 || oneBatch || (flags & flag.batch) === 0) return this.#labelFirst(flags);
    return this.#inBatch(flags, server, newBatch());
  }

  #rest(flags: number): (Buffer | string)[] {
    return this.#parts.map((part) => ('bytes' in part ? part.bytes : render(part.line, flags)));
  }

  #labelFirst(flags: number): (Buffer | string)[] {
    let first = true;
    return this.#parts.map((part) => {
      if ('bytes' in part) return part.bytes;
      const text = render(part.line, flags, first ? this.#label : undefined);
      first = false;
      return text;
    });
  }

  #inBatch(flags: number, server: string, batch: string): (Buffer | string)[] {
    const begin: OutLine = { text: `:${server} BATCH +${batch} labeled-response` };
    const end: OutLine = { text: `:${server} BATCH -${batch}` };
    const inner = new Set<string>();
    const wrap = (line: OutLine): OutLine => {
      if (line.opens !== undefined) inner.add(line.opens);
      const nested = (line.batch !== undefined && inner.has(line.batch)) || (line.closes !== undefined && inner.has(line.closes));
      return nested ? line : { ...line, batch };
    };
    const lines = this.#parts.map((part) => ('bytes' in part ? part.bytes : render(wrap(part.line), flags)));
    return [render(begin, flags, this.#label), ...lines, render(end, flags)];
  }
}
