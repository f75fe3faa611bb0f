/**
 * How far the peer is known to have a room's log, and what else must outlast the link. What was written when a PING left is
 * known to have arrived at its PONG; one PING is outstanding at a time.
 */
import type { Host } from '../../../server/plugin.ts';

export interface Place {
  /** Number of the last record that the peer is known to have. */
  readonly number: number;
  /** Number of the last record that was written to it; null while that grows, so that an unclean stop leaves it unknown. */
  readonly written: number | null;
  /** Creation time of the channel over there, seconds since 1970. */
  readonly channelTs: number | null;
  /** Who removed our service from the channel; null while the room is shared. */
  readonly suspendedBy: string | null;
  /** Bans and modes set there without a right to it that were answered with the room's value. */
  readonly answered: readonly string[];
  /** Modes and bans in which the network had its own will when the link last stood; null while that is not known. */
  readonly apart: readonly string[] | null;
  /** The topic that both had last; null while there was none. */
  readonly topic: string | null;
}

const beginning: Place = { number: 0, written: null, channelTs: null, suspendedBy: null, answered: [], apart: null, topic: null };

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
      const { number, written, channelTs, suspendedBy, answered, apart, topic } = value as Partial<Place>;
      if (typeof number !== 'number') continue;
      this.#places.set(key.slice(this.#prefix.length), {
        number,
        written: typeof written === 'number' ? written : null,
        channelTs: typeof channelTs === 'number' ? channelTs : null,
        suspendedBy: typeof suspendedBy === 'string' ? suspendedBy : null,
        answered: Array.isArray(answered) ? answered : [],
        apart: Array.isArray(apart) ? apart : null,
        topic: typeof topic === 'string' ? topic : null,
      });
    }
  }

  get(room: string): Place | undefined {
    return this.#places.get(room);
  }

  /** Changes what is named of a room's place; a room without one begins at number 0. */
  update(room: string, change: Partial<Place>): void {
    const known = this.#places.get(room) ?? beginning;
    const place = { ...known, ...change };
    if (this.#places.has(room) && JSON.stringify(place) === JSON.stringify(known)) return;
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
