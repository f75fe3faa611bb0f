/**
 * How far the peer is known to have a room's log. What was written when a PING left is known to have arrived at its PONG; one
 * PING is outstanding at a time.
 */
import type { Host } from '../../../server/plugin.ts';

export interface Place {
  /** Number of the last record that the peer is known to have. */
  readonly number: number;
  /** Creation time of the channel over there, seconds since 1970. */
  readonly channelTs: number | null;
}

export class Positions {
  readonly #host: Host;
  readonly #prefix: string;
  readonly #places = new Map<string, Place>();
  readonly #dirty = new Set<string>();

  constructor(host: Host, label: string) {
    this.#host = host;
    this.#prefix = `position ${label} `;
  }

  async load(): Promise<void> {
    for (const [key, value] of await this.#host.store.entries(this.#prefix)) {
      const { number, channelTs } = value as Partial<Place>;
      if (typeof number === 'number')
        this.#places.set(key.slice(this.#prefix.length), { number, channelTs: typeof channelTs === 'number' ? channelTs : null });
    }
  }

  get(room: string): Place | undefined {
    return this.#places.get(room);
  }

  set(room: string, place: Place): void {
    const known = this.#places.get(room);
    if (known?.number === place.number && known.channelTs === place.channelTs) return;
    this.#places.set(room, place);
    this.#dirty.add(room);
  }

  /** Writes down what changed since the last time. */
  async save(): Promise<void> {
    const rooms = [...this.#dirty];
    this.#dirty.clear();
    for (const room of rooms) await this.#host.store.set(this.#prefix + room, this.#places.get(room));
  }
}
