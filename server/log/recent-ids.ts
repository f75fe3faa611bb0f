/** The ids of a log's newest records, so that a repeated one is recognised without asking the storage. */
import { mintedAt, type EventId } from '../model/ids.ts';

const most = 512;

export class RecentIds {
  readonly #known = new Set<EventId>();
  /** The known ids, the oldest at `#next`. */
  readonly #ring: { readonly id: EventId; readonly logged: number }[] = [];
  #next = 0;
  /** Whatever was logged later than this is known. */
  #since: number;

  /** `since`: when the log began, or when remembering did. */
  constructor(since: number) {
    this.#since = since;
  }

  has(id: EventId): boolean {
    return this.#known.has(id);
  }

  /** The id is older than what is remembered, so that only the storage can tell whether it was logged. */
  mayBeForgotten(id: EventId): boolean {
    return mintedAt(id) <= this.#since;
  }

  add(id: EventId, logged: number): void {
    const oldest = this.#ring[this.#next];
    if (oldest !== undefined) {
      this.#known.delete(oldest.id);
      this.#since = Math.max(this.#since, oldest.logged);
    }
    this.#ring[this.#next] = { id, logged };
    this.#next = (this.#next + 1) % most;
    this.#known.add(id);
  }

  /** The record was not logged after all. */
  forget(id: EventId): void {
    this.#known.delete(id);
  }
}
