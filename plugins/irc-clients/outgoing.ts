/** Lines on their way out: one text for everybody, and the tags that each capability set adds to it. */
import { breaksLine, escapeTag, serialiseTags } from '../irc/line.ts';
import { flag } from './capabilities.ts';

/** Bytes of a line without tags and line end (RFC 1459 section 2.3). */
export const lineBytes = 510;

export interface OutLine {
  /** `:source COMMAND params`, without tags and line end. */
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly time?: number;
  readonly id?: string;
  /** Account of the source. */
  readonly account?: string | null;
  readonly clientTags?: ReadonlyMap<string, string> | undefined;
  /** The batch that the line is in. */
  readonly batch?: string;
  /** The line opens or closes that batch. */
  readonly opens?: string;
  readonly closes?: string;
  /** Shown only with all of these capabilities, or only without any of those. */
  readonly needs?: number;
  readonly without?: number;
}

/** Whether a line is for a client with these capabilities. */
export function isShown(line: OutLine, flags: number): boolean {
  const { needs = 0, without = 0 } = line;
  return (flags & needs) === needs && (flags & without) === 0;
}

/** The line as sent to a client with these capabilities, line end included. */
export function render(line: OutLine, flags: number, label?: string): string {
  let tags = label === undefined ? '' : `;label=${escapeTag(label)}`;
  if (line.batch !== undefined && (flags & flag.batch) !== 0) tags += `;batch=${line.batch}`;
  if (line.time !== undefined && (flags & flag.serverTime) !== 0) tags += `;time=${isoTime(line.time)}`;
  if (line.id !== undefined && (flags & flag.messageTags) !== 0) tags += `;msgid=${line.id}`;
  if (line.account != null && (flags & flag.accountTag) !== 0) tags += `;account=${escapeTag(line.account)}`;
  if (line.clientTags !== undefined && line.clientTags.size > 0 && (flags & flag.messageTags) !== 0)
    tags += `;${serialiseTags(line.clientTags)}`;
  const text = oneLineOf(line.text);
  return tags === '' ? `${text}\r\n` : `@${tags.slice(1)} ${text}\r\n`;
}

/**
 * Whatever was put into a line, one line leaves: without CR, LF and NUL, and no longer than clients take. Those who build lines see to
 * that where it matters what is lost; this is the lock on the door. Threat class A1.
 */
export function oneLineOf(text: string): string {
  const safe = breaksLine(text) ? text.replace(/[\r\n\0]+/g, ' ') : text;
  // a UTF-16 unit takes at most three bytes
  return safe.length * 3 > lineBytes ? cutBytes(safe, lineBytes) : safe;
}

/** Cuts at a character, and shows by an ellipsis that something was cut. */
export function cutBytes(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const cut = Buffer.from(text)
    .subarray(0, Math.max(0, bytes - 3))
    .toString('utf8');
  return `${cut.replace(/\ufffd+$/, '')}…`;
}

export function renderAll(lines: Iterable<OutLine>, flags: number): string {
  let result = '';
  for (const line of lines) if (isShown(line, flags)) result += render(line, flags);
  return result;
}

let lastTime = -1;
let lastIso = '';

/** `2026-11-24T09:00:00.000Z` for any number: what no calendar can say becomes the nearest it can (threat class A21). */
export function isoTime(time: number): string {
  if (time !== lastTime) {
    lastTime = time;
    lastIso = new Date(Number.isFinite(time) ? Math.min(Math.max(time, 0), 253_402_300_799_999) : 0).toISOString();
  }
  return lastIso;
}
