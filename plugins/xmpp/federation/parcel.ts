/** What waits for another server: how much of it, for how long, and in which order it leaves. */
import type { Clock } from '../../../server/plugin.ts';
import type { Condition } from '../stanza-error.ts';
import { element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import { serialise } from '../xml/serialise.ts';

/** One stanza to send, and what to do when it cannot be. */
export interface Parcel {
  readonly xml: string;
  /** Milliseconds for which it may wait; else what the configuration says. */
  readonly patience?: number;
  /** It is taken although too much waits already: what tells somebody that it was thrown out for that very reason. */
  readonly beyondLimits?: boolean;
  /** The other server has it, as far as one can know. */
  delivered?(): void;
  failed(condition: Condition, text: string): void;
}

/** A parcel on its way. */
export interface Waiting {
  readonly parcel: Parcel;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly until: number;
  /** Streams that broke before it was acknowledged. */
  readonly tries: number;
}

export interface QueueLimits {
  readonly stanzas: number;
  readonly bytes: number;
  /** Milliseconds for which a parcel waits that says nothing else. */
  readonly patience: number;
}

/** Memory of a parcel besides its text. */
const overhead = 200;
/** Streams that may break on a stanza before it is given up: it may be what breaks them. */
const mostTries = 3;
/** Milliseconds of waiting after which a message says when it was sent. */
const noticeableDelay = 2_000;

export class ParcelQueue {
  readonly #limits: QueueLimits;
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  /** Where the oldest is in the list: taking it must not move all the others. */
  #head = 0;
  #bytes = 0;

  constructor(limits: QueueLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiting.length - this.#head;
  }

  /** False when no more may wait. */
  add(parcel: Parcel): boolean {
    const bytes = cost(parcel);
    if (parcel.beyondLimits !== true && (this.size >= this.#limits.stanzas || this.#bytes + bytes > this.#limits.bytes)) return false;
    const since = this.#clock.now();
    this.#waiting.push({ parcel, since, until: since + (parcel.patience ?? this.#limits.patience), tries: 0 });
    this.#bytes += bytes;
    return true;
  }

  take(): Waiting | undefined {
    const next = this.#waiting[this.#head];
    if (next === undefined) return undefined;
    this.#head++;
    this.#bytes -= cost(next.parcel);
    if (this.#head === this.#waiting.length || this.#head > 1_000) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return next;
  }

  /** The tail of a stream that broke goes first again. @returns what has been tried often enough */
  giveBack(tail: readonly Waiting[]): readonly Waiting[] {
    const again = tail.map((each) => ({ ...each, tries: each.tries + 1 }));
    // What the other side stumbles over is the first that it did not acknowledge.
    const hopeless = (again[0]?.tries ?? 0) >= mostTries ? again.splice(0, 1) : [];
    this.#waiting = [...again, ...this.#waiting.slice(this.#head)];
    this.#head = 0;
    for (const { parcel } of again) this.#bytes += cost(parcel);
    return hopeless;
  }

  /** Takes out what has waited long enough. */
  expired(): readonly Waiting[] {
    const now = this.#clock.now();
    // Looked at every second, when there is nothing to do nearly always.
    if (!this.#waiting.some(({ until }, index) => index >= this.#head && until <= now)) return [];
    return this.#remove(({ until }) => until <= now);
  }

  clear(): readonly Waiting[] {
    return this.#remove(() => true);
  }

  #remove(matches: (waiting: Waiting) => boolean): readonly Waiting[] {
    const all = this.#waiting.slice(this.#head);
    const removed = all.filter(matches);
    if (removed.length === 0) return removed;
    this.#waiting = all.filter((each) => !matches(each));
    this.#head = 0;
    for (const { parcel } of removed) this.#bytes -= cost(parcel);
    return removed;
  }
}

function cost({ xml }: Parcel): number {
  return xml.length + overhead;
}

const messageEnd = '</message>';

/** The stanza as it is sent: a message that waited, or that is sent once more, says when it was said (XEP-0203). */
export function wireText({ parcel, since, tries }: Waiting, from: string, now: number): string {
  const { xml } = parcel;
  if ((tries === 0 && now - since < noticeableDelay) || !xml.endsWith(messageEnd) || xml.includes(`<delay xmlns='${ns.delay}'`)) return xml;
  const why = tries === 0 ? undefined : 'sent again';
  const mark = element('delay', ns.delay, { from, stamp: new Date(since).toISOString() }, why);
  return `${xml.slice(0, -messageEnd.length)}${serialise(mark)}${messageEnd}`;
}
