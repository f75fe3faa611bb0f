/** What does not cross and never will, counted by reason. */

/** Reasons that are counted apart: some are made of what the peer sent. */
const mostReasons = 100;

export class Dropped {
  readonly #counts = new Map<string, number>();

  add(why: string, count = 1): void {
    const known = this.#counts.has(why) || this.#counts.size < mostReasons ? why : 'other reasons';
    this.#counts.set(known, (this.#counts.get(known) ?? 0) + count);
  }

  get byReason(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
