import { randomFillSync } from 'node:crypto';
import type { Brand } from './address.ts';

/** Names a user in live state for as long as the user is known; survives renames, never reused in one process. */
export type UserId = Brand<string, 'UserId'>;
/** 128 bits, minted where an event was born, the same everywhere: 26 characters of Crockford base 32 (48 bits of time, 80 random). */
export type EventId = Brand<string, 'EventId'>;

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const pool = Buffer.alloc(4096);
let used = pool.length;

/** Mints an event id. `now` is milliseconds since 1970. */
export function mintEventId(now: number): EventId {
  if (used + 10 > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  let time = '';
  let rest = now;
  for (let i = 0; i < 10; i++) {
    time = alphabet[rest % 32]! + time;
    rest = Math.floor(rest / 32);
  }
  let random = '';
  for (let i = 0; i < 10; i += 5) {
    const high = pool.readUInt32BE(used + i);
    const low = pool[used + i + 4]!;
    for (let shift = 27; shift >= 2; shift -= 5) random += alphabet[(high >>> shift) & 31]!;
    random += alphabet[((high & 3) << 3) | (low >>> 5)]! + alphabet[low & 31]!;
  }
  used += 10;
  return (time + random) as EventId;
}

/** When an id was minted, by the clock of whoever minted it; milliseconds since 1970. */
export function mintedAt(id: EventId): number {
  let time = 0;
  for (let i = 0; i < 10; i++) time = time * 32 + alphabet.indexOf(id[i]!);
  return time;
}

/** The id in text from storage or a peer, or undefined when it is none. */
export function parseEventId(text: string): EventId | undefined {
  return /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(text) ? (text as EventId) : undefined;
}
