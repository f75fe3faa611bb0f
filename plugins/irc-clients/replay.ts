/**
 * The last messages of a room for a client that comes in and cannot ask for them: it knows server-time, so that old lines do not
 * look new, and has not asked for draft/chathistory. Over one connection nothing is shown twice.
 */
import type { Batch, Room, Session } from '../../server/plugin.ts';
import { flag } from './capabilities.ts';
import type { Client } from './client.ts';
import { latestMessages } from './commands/history.ts';

export class Replay {
  /** Number of the last record when the client left a room. */
  readonly #left = new WeakMap<Room, number>();
  /** Rooms that are being replayed, and the first record that has come live since. */
  readonly #live = new Map<Room, number>();

  /** What belongs behind the names; undefined when nothing does. */
  came(client: Client, session: Session, room: Room): Promise<string> | undefined {
    const limit = client.server.config.replay_lines;
    if (limit === 0 || !client.has(flag.serverTime) || client.has(flag.chathistory)) return undefined;
    if (room.last.number === (this.#left.get(room) ?? 0)) return undefined;
    this.#live.set(room, Infinity);
    return this.#fetch(client, session, room, { after: this.#left.get(room) ?? 0, before: room.last.number + 1, limit });
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

  /** What comes live while old messages are fetched is not shown again with them. */
  saw(batch: Batch): void {
    if (this.#live.get(batch.room) !== Infinity) return;
    const first = batch.items.find((item) => item.kind === 'record');
    if (first !== undefined) this.#live.set(batch.room, first.record.number);
  }

  gone(room: Room): void {
    this.#left.set(room, room.last.number);
  }
}
