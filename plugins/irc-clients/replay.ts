/**
 * The last messages of a room for a client that comes in and cannot ask for them: it knows server-time, so that old lines do not
 * look new, and has not asked for draft/chathistory. Over one connection nothing is shown twice.
 */
import type { Batch, Room, Session } from '../../server/plugin.ts';
import { flag } from './capabilities.ts';
import type { Client } from './client.ts';
import { latestMessages } from './commands/history.ts';

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
    }
  }

  /** What comes live is not shown again, neither now with the old messages nor when the client comes in again. */
  saw(batch: Batch): void {
    const { room } = batch;
    const numbers = batch.shared('irc-clients numbers', () => numbersIn(batch));
    if (numbers === undefined) return;
    if (this.#live?.get(room) === Infinity) this.#live.set(room, numbers.first);
  }

  /** The client is in the room no more. */
  left(room: Room): void {
    const shown = Math.max(shownLive.get(room) ?? 0, this.#shown?.get(room) ?? 0);
    if (shown > 0) (this.#shown ??= new WeakMap()).set(room, shown);
  }
}

function numbersIn({ room, items }: Batch): { readonly first: number; readonly last: number } | undefined {
  let first: number | undefined;
  let last = 0;
  for (const item of items) {
    if (item.kind !== 'record') continue;
    first ??= item.record.number;
    last = item.record.number;
  }
  if (first === undefined) return undefined;
  shownLive.set(room, last);
  return { first, last };
}
