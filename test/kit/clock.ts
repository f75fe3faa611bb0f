/** Time that stands still until a test moves it. */
import type { Clock, Timer } from '../../server/contract/host.ts';

interface Entry {
  at: number;
  readonly order: number;
  readonly every: number | undefined;
  readonly run: () => void;
}

export class VirtualClock implements Clock {
  #now: number;
  #made = 0;
  readonly #entries = new Set<Entry>();

  /** `start` is milliseconds since 1970; the default is a date of no meaning. */
  constructor(start = 1_700_000_000_000) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, run: () => void): Timer {
    return this.#add(milliseconds, undefined, run);
  }

  every(milliseconds: number, run: () => void): Timer {
    return this.#add(milliseconds, Math.max(1, milliseconds), run);
  }

  #add(milliseconds: number, every: number | undefined, run: () => void): Timer {
    const entry: Entry = { at: this.#now + Math.max(0, milliseconds), order: ++this.#made, every, run };
    this.#entries.add(entry);
    return { cancel: () => void this.#entries.delete(entry) };
  }

  /** Timers that are set and not yet over. */
  get pending(): number {
    return this.#entries.size;
  }

  /** When the next timer is due, milliseconds since 1970. */
  get next(): number | undefined {
    return this.#first()?.at;
  }

  #first(): Entry | undefined {
    let first: Entry | undefined;
    for (const entry of this.#entries)
      if (first === undefined || entry.at < first.at || (entry.at === first.at && entry.order < first.order)) first = entry;
    return first;
  }

  /**
   * Moves to a time and runs what is due on the way, in order of time, then of age: what a timer sets for before that time runs too.
   * `KitServer.advance` is this with everything that follows from each timer in between.
   */
  moveTo(time: number): void {
    for (let first = this.#first(); first !== undefined && first.at <= time; first = this.#first()) {
      this.#now = Math.max(this.#now, first.at);
      if (first.every === undefined) this.#entries.delete(first);
      else first.at += first.every;
      first.run();
    }
    this.#now = Math.max(this.#now, time);
  }
}
