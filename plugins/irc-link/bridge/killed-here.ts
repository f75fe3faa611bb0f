/** Whom an administrator here threw out: what they had said and what waited is not said for them. */
import type { Clock, LogRecord, UserAddress } from '../../../server/plugin.ts';

const mostKept = 1_000;

export class KilledHere {
  readonly #clock: Clock;
  /** When, milliseconds since 1970; the oldest first. */
  readonly #at = new Map<UserAddress, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(address: UserAddress): void {
    this.#at.delete(address);
    this.#at.set(address, this.#clock.now());
    if (this.#at.size <= mostKept) return;
    for (const oldest of this.#at.keys()) {
      this.#at.delete(oldest);
      break;
    }
  }

  /** Whether somebody was thrown out after that was logged. */
  since(record: Pick<LogRecord, 'logged'>, author: UserAddress): boolean {
    return (this.#at.get(author) ?? -1) >= record.logged;
  }
}
