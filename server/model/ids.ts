import { randomFillSync } from 'node:crypto';
import type { Brand } from './address.ts';

/** Names a user in live state for as long as the user is known; survives renames, never reused in one process. */
export type UserId = Brand<string, 'UserId'>;
/** 128 bits, minted where an event was born, the same everywhere: 26 characters of Crockford base 32 (48 bits of time, 80 random). */
export type EventId = Brand<string, 'EventId'>;

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const pool = Buffer.alloc(4096);
let used = pool.length;

/** Character codes of the last id: 10 of its time, 16 random. */
const codes = Array.from({ length: 26 }, () => 0);
let codedTime = -1;

/** Mints an event id. `now` is milliseconds since 1970. */
export function mintEventId(now: number): EventId {
  if (used + 10 > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  if (now !== codedTime) {
    codedTime = now;
    for (let i = 9, rest = now; i >= 0; i--, rest = Math.floor(rest / 32)) codes[i] = alphabet.charCodeAt(rest % 32);
  }
  // Twice 5 bytes are twice 8 characters of 5 bits.
  for (let byte = used, i = 10; i < 26; byte += 5, i += 8) {
    const high = pool.readUInt32BE(byte);
    const low = pool[byte + 4]!;
    for (let k = 0, shift = 27; shift >= 2; k++, shift -= 5) codes[i + k] = alphabet.charCodeAt((high >>> shift) & 31);
    codes[i + 6] = alphabet.charCodeAt(((high & 3) << 3) | (low >>> 5));
    codes[i + 7] = alphabet.charCodeAt(low & 31);
  }
  used += 10;
  // In one piece: every message keeps its id for long.
  return String.fromCharCode(...codes) as EventId;
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
