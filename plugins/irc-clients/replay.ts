/**
 * The last messages of a room for a client that comes in and cannot ask for them: it knows server-time, so that old lines do not
 * look new, and has not asked for draft/chathistory. Over one connection nothing is shown twice.
 */
import type { Batch, Room, Session } from '../../server/plugin.ts';
import { flag } from './capabilities.ts';
import type { Client } from './client.ts';
import { latestMessages } from './commands/history.ts';

export class Replay {
  /** Number of the last record that the client was shown in a room. The room itself may be ahead of what is shown. */
  readonly #shown = new WeakMap<Room, number>();
  /** Rooms that are being replayed, and the first record that has come live since. */
  readonly #live = new Map<Room, number>();

  /** What belongs behind the names; undefined when nothing does. */
  came(client: Client, session: Session, room: Room): Promise<string> | undefined {
    const limit = client.server.config.replay_lines;
    if (limit === 0 || !client.has(flag.serverTime) || client.has(flag.chathistory)) return undefined;
    const after = this.#shown.get(room) ?? 0;
    const { number } = room.last;
    if (number === after) return undefined;
    this.#live.set(room, Infinity);
    this.#shown.set(room, number);
    return this.#fetch(client, session, room, { after, before: number + 1, limit });
  }

  async #fetch(
    client: Client,
    session: Session,
    room: Room,
    range: { readonly after: number; readonly before: number; readonly limit: number },
  ): Promise<string> {
    try {
      return await latestMessages(client, session, room, range, () => this.#live.get(room) ?? Infinity);
    } finally {
      this.#live.delete(room);
    }
  }

  /** What comes live is not shown again, neither now with the old messages nor when the client comes in again. */
  saw(batch: Batch): void {
    const { room } = batch;
    const numbers = batch.shared('irc-clients numbers', () => numbersIn(batch));
    if (numbers === undefined) return;
    this.#shown.set(room, Math.max(numbers.last, this.#shown.get(room) ?? 0));
    if (this.#live.get(room) === Infinity) this.#live.set(room, numbers.first);
  }
}

function numbersIn({ items }: Batch): { readonly first: number; readonly last: number } | undefined {
  let first: number | undefined;
  let last = 0;
  for (const item of items) {
    if (item.kind !== 'record') continue;
    first ??= item.record.number;
    last = item.record.number;
  }
  return first === undefined ? undefined : { first, last };
}
