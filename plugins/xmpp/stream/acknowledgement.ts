/** Stream management (XEP-0198) without resumption: what each end counts. Pure; both directions of server streams use it. */
import { attribute, element, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';

/** Counters are 32 bits wide and begin again at zero. */
const modulus = 2 ** 32;

export function enableElement(): Element {
  return element('enable', ns.streamManagement);
}

export function requestElement(): Element {
  return element('r', ns.streamManagement);
}

export function answerElement(handled: number): Element {
  return element('a', ns.streamManagement, { h: String(handled % modulus) });
}

/** The count in `<a/>`; nothing when it is none. */
export function handledCount(answer: Element): number | undefined {
  const h = attribute(answer, 'h') ?? '';
  if (!/^\d{1,10}$/.test(h)) return undefined;
  const count = Number(h);
  return count < modulus ? count : undefined;
}

/** What was sent and not yet acknowledged, oldest first. */
export class Unacknowledged<Item> {
  #acknowledged: number;
  readonly #kept: Item[] = [];

  /** @param acknowledged where the counter stands, for tests */
  constructor(acknowledged = 0) {
    this.#acknowledged = acknowledged;
  }

  get size(): number {
    return this.#kept.length;
  }

  push(item: Item): void {
    this.#kept.push(item);
  }

  /**
   * The other side has handled `count` stanzas in all.
   * @returns what is acknowledged by that; nothing when so many were never sent, or fewer than it had handled already
   */
  acknowledge(count: number): readonly Item[] | undefined {
    const more = (count - this.#acknowledged + modulus) % modulus;
    if (more > this.#kept.length) return undefined;
    this.#acknowledged = count;
    return this.#kept.splice(0, more);
  }

  /** What nobody will acknowledge any more. */
  clear(): readonly Item[] {
    return this.#kept.splice(0);
  }
}

/**
 * Counts what came in. A stanza counts when it has been dealt with (what it said is durable), and only after all before
 * it: whoever reads the count may forget them.
 */
export class Handled {
  /** In order of arrival: those under way, and those done behind one under way. */
  readonly #open: { done: boolean }[] = [];
  #count = 0;
  readonly #waiting: { readonly upTo: number; readonly answer: (count: number) => void }[] = [];

  /** A stanza came; `done` resolves when it has been dealt with, whatever became of it. */
  received(done: Promise<void> | undefined): void {
    const entry = { done: done === undefined };
    this.#open.push(entry);
    if (done === undefined) this.#advance();
    else void this.#finish(entry, done);
  }

  async #finish(entry: { done: boolean }, done: Promise<void>): Promise<void> {
    await done;
    entry.done = true;
    this.#advance();
  }

  #advance(): void {
    let ready = 0;
    while (this.#open[ready]?.done === true) ready++;
    if (ready === 0) return;
    this.#open.splice(0, ready);
    this.#count = (this.#count + ready) % modulus;
    for (let next = this.#waiting[0]; next !== undefined && this.#reached(next.upTo); next = this.#waiting[0]) {
      this.#waiting.shift();
      next.answer(this.#count);
    }
  }

  #reached(upTo: number): boolean {
    return (this.#count - upTo + modulus) % modulus < modulus / 2;
  }

  /** `answer` is told the count when everything has been dealt with that has come so far. */
  asked(answer: (count: number) => void): void {
    if (this.#open.length === 0) answer(this.#count);
    else this.#waiting.push({ upTo: (this.#count + this.#open.length) % modulus, answer });
  }
}
