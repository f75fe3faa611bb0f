/** How much is going on in a room. In a busy one nobody sees a delay of a few milliseconds, and it makes many writes one. */

/** What is said in a busy room is gathered for so long, or until it is so much that waiting gains no more. */
export const windowMilliseconds = 3;
export const fullWindow = 64;
/** The memory of what was shown fades within so long. */
const fadesWithin = 50;
/** So many items not yet faded make a room busy: some 600 a second, or a burst. */
const busyFrom = 16;

export class Bustle {
  #heat = 0;
  #at = 0;

  /** Items were shown. `now`: milliseconds of a clock that never goes back. */
  shown(items: number, now: number): void {
    this.#heat = this.#left(now) + items;
    this.#at = now;
  }

  isBusy(now: number): boolean {
    return this.#left(now) >= busyFrom;
  }

  #left(now: number): number {
    return this.#heat * Math.max(0, 1 - (now - this.#at) / fadesWithin);
  }
}
