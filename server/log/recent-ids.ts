/** The ids of a log's newest records, so that a repeated one is nearly always recognised without asking the storage. */
import { mintedAt, type EventId } from '../model/ids.ts';

const most = 128;

export class RecentIds {
  /** A ring, the oldest at `#next` once it is full. Only ids from elsewhere are looked for, so looking may cost more than adding. */
  readonly #ids: (EventId | undefined)[] = [];
  readonly #logged: number[] = [];
  #next = 0;
  /** Whatever was logged later than this is known. */
  #since: number;

  /** `since`: when the log began, or when remembering did. */
  constructor(since: number) {
    this.#since = since;
  }

  has(id: EventId): boolean {
    return this.#ids.includes(id);
  }

  /** The id is older than what is remembered, so that only the storage can tell whether it was logged. */
  mayBeForgotten(id: EventId): boolean {
    return mintedAt(id) <= this.#since;
  }

  add(id: EventId, logged: number): void {
    const oldest = this.#logged[this.#next];
    if (oldest !== undefined && oldest > this.#since) this.#since = oldest;
    this.#ids[this.#next] = id;
    this.#logged[this.#next] = logged;
    this.#next = (this.#next + 1) % most;
  }

  /** The record was not logged after all. */
  forget(id: EventId): void {
    const at = this.#ids.lastIndexOf(id);
    if (at >= 0) this.#ids[at] = undefined;
  }
}
