/** A token bucket over a clock. */
import type { Bucket } from '../contract/net.ts';
import type { Clock } from '../contract/host.ts';

/** A class rather than closures over variables: every connection has one, and it is a sixth of the size. */
export class TokenBucket implements Bucket {
  readonly #clock: Clock;
  readonly #capacity: number;
  readonly #perSecond: number;
  #tokens: number;
  #filled: number;

  constructor(clock: Clock, capacity: number, perSecond: number) {
    this.#clock = clock;
    this.#capacity = capacity;
    this.#perSecond = perSecond;
    this.#tokens = capacity;
    this.#filled = clock.now();
  }

  take(count = 1): boolean {
    this.#fill();
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }

  get wait(): number {
    this.#fill();
    return this.#tokens >= 1 ? 0 : Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1_000);
  }

  #fill(): void {
    const now = this.#clock.now();
    // A clock that stepped back must not take tokens away.
    if (now > this.#filled) this.#tokens = Math.min(this.#capacity, this.#tokens + ((now - this.#filled) / 1_000) * this.#perSecond);
    this.#filled = now;
  }
}
