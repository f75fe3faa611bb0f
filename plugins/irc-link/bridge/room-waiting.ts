/** Messages of a room that the peer is not known to have, counted. */
import type { Batch, LogRecord } from '../../../server/plugin.ts';
import type { WaitedLimits } from './waited.ts';

type Waiting = Pick<LogRecord, 'number' | 'logged'>;

export class RoomWaiting {
  readonly #limits: WaitedLimits;
  readonly #now: () => number;
  /** In order. */
  #messages: Waiting[] = [];

  /** @param now milliseconds since 1970 */
  constructor(limits: WaitedLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  get count(): number {
    return this.#messages.length;
  }

  /** What an earlier run left comes before what was said since. */
  recall(messages: readonly Waiting[], last: number): void {
    this.#messages = [...messages, ...this.#messages.filter(({ number }) => number > last)];
  }

  add({ items }: Batch): void {
    for (const item of items) {
      if (item.kind !== 'record' || item.record.content.kind !== 'message') continue;
      const { number, logged } = item.record;
      this.#messages.push({ number, logged });
    }
  }

  /** The peer has everything up to that record. */
  proved(last: number): void {
    let proved = 0;
    while (proved < this.#messages.length && this.#messages[proved]!.number <= last) proved++;
    this.#messages.splice(0, proved);
  }

  /** The link is away: what is too old, or too much, will not be said when it is back. */
  forgetOutdated(): void {
    const oldest = this.#now() - this.#limits.minutes * 60_000;
    const tooMany = this.#messages.length - this.#limits.events;
    const first = this.#messages.findIndex(({ logged }, index) => logged >= oldest && index >= tooMany);
    this.#messages.splice(0, first === -1 ? this.#messages.length : first);
  }

  clear(): void {
    this.#messages = [];
  }
}
