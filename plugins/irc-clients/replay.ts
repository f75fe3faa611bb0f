/**
 * The last messages of a room for a client that comes in and cannot ask for them: it knows server-time, so that old lines do not
 * look new, and has not asked for draft/chathistory. Over one connection nothing is shown twice.
 */
import type { Batch, Room, Session } from '../../server/plugin.ts';
import { flag } from './capabilities.ts';
import type { Client } from './client.ts';
import { latestMessages } from './history.ts';

/**
 * Number of the last record that clients were shown live in a room; the room itself may be ahead. Whoever is in the room has seen it,
 * so that a client keeps a number of its own only for what else it has seen, and for rooms that it left.
 */
const shownLive = new WeakMap<Room, number>();

export class Replay {
  #shown: WeakMap<Room, number> | undefined;
  /** Rooms that are being replayed, and the first record that has come live since. */
  #live: Map<Room, number> | undefined;

  /** What belongs behind the names; undefined when nothing does. */
  came(client: Client, session: Session, room: Room): Promise<string> | undefined {
    const limit = client.server.config.replay_lines;
    if (limit === 0 || !client.has(flag.serverTime) || client.has(flag.chathistory)) return undefined;
    const after = this.#shown?.get(room) ?? 0;
    const { number } = room.last;
    if (number === after) return undefined;
    (this.#live ??= new Map()).set(room, Infinity);
    (this.#shown ??= new WeakMap()).set(room, number);
    return this.#fetch(client, session, room, { after, before: number + 1, limit });
  }

  async #fetch(
    client: Client,
    session: Session,
    room: Room,
    range: { readonly after: number; readonly before: number; readonly limit: number },
  ): Promise<string> {
    try {
      return await latestMessages(client, session, room, range, () => this.#live?.get(room) ?? Infinity);
    } finally {
      this.#live?.delete(room);
      if (this.#live?.size === 0) this.#live = undefined;
    }
  }

  /** What comes live while the old messages are read is not shown with them again. */
  saw({ room, items }: Batch): void {
    if (this.#live?.get(room) !== Infinity) return;
    const first = items.find((item) => item.kind === 'record');
    if (first !== undefined) this.#live.set(room, first.record.number);
  }

  /** The client is in the room no more. */
  left(room: Room): void {
    const shown = Math.max(shownLive.get(room) ?? 0, this.#shown?.get(room) ?? 0);
    if (shown > 0) (this.#shown ??= new WeakMap()).set(room, shown);
  }
}

/** Clients are being shown a batch: once for all of them. None of it is replayed to who comes in again. */
export function showsLive({ room, items }: Batch): void {
  const last = items.findLast((item) => item.kind === 'record');
  if (last !== undefined) shownLive.set(room, last.record.number);
}
