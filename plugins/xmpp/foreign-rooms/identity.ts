/** How a message of a room of another server is known again: when it comes twice, from the history, or after a restart. */
import { createHash } from 'node:crypto';
import { parseEventId, type EventId } from '../../../server/plugin.ts';
import type { MessageIds } from './stanzas.ts';

/** Milliseconds of one stretch of time: clocks, and seconds on the way, differ by less. */
const stretch = 600_000;
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * What stays the same of a message wherever it is met. Without an id of the room, the id that its author's client gave, with the words: who
 * repeats both takes back nothing but the own words.
 */
export function identityOf(ids: MessageIds, nick: string, body: string, trusted: boolean): string | undefined {
  if (trusted && ids.stanzaId !== undefined) return `room ${ids.stanzaId}`;
  const id = ids.originId ?? ids.id;
  return id === undefined ? undefined : `author ${nick}\n${id}\n${body}`;
}

function eventId(room: string, identity: string, slot: number): EventId {
  let id = '';
  for (let i = 0, rest = slot * stretch; i < 10; i++, rest = Math.floor(rest / 32)) id = alphabet[rest % 32]! + id;
  const hash = createHash('sha256').update(`${room}\n${identity}`).digest();
  for (let i = 0; i < 16; i++) id += alphabet[hash[i]! % 32]!;
  return parseEventId(id)!;
}

/** The id under which a message is logged. The time in it is the end of its stretch: what is said now is younger than all that was logged. */
export function logId(room: string, identity: string, at: number): EventId {
  return eventId(room, identity, Math.floor(at / stretch) + 1);
}

/** Ids under which a message of the history may have been logged when it was said. */
export function logIds(room: string, identity: string, at: number): readonly EventId[] {
  const slot = Math.floor(at / stretch) + 1;
  return [slot, slot + 1, slot - 1].map((each) => eventId(room, identity, each));
}

/** The newest of many things, up to a number; the oldest are forgotten. */
export class Recent {
  readonly #most: number;
  readonly #kept = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  has(key: string): boolean {
    return this.#kept.has(key);
  }

  add(key: string): void {
    this.#kept.add(key);
    if (this.#kept.size <= this.#most) return;
    for (const oldest of this.#kept) {
      this.#kept.delete(oldest);
      break;
    }
  }
}
