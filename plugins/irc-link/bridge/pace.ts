/** The rate at which what waited is said, so that nobody over there is flooded by it. */
import type { Clock } from '../../../server/plugin.ts';

/** Messages that cross at once, and how many a second after them. */
const atOnce = 50;
const perSecond = 100;
/** Milliseconds between two looks whether it goes on. */
const look = 100;

export class Pace {
  readonly #clock: Clock;
  #left = atOnce;
  #at: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#at = clock.now();
  }

  /** Resolves when the next message may cross. */
  async turn(): Promise<void> {
    for (;;) {
      const now = this.#clock.now();
      this.#left = Math.min(atOnce, this.#left + ((now - this.#at) * perSecond) / 1_000);
      this.#at = now;
      if (this.#left >= 1) break;
      await new Promise<void>((resolve) => this.#clock.after(look, resolve));
    }
    this.#left--;
  }
}
