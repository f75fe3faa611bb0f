/**
 * How records are written, in the journal and in the database's blocks. Pure functions over bytes and text.
 *
 *   frame  = u32 length of payload, u32 CRC-32 of payload, payload (all little endian); one frame a batch of records
 *   payload = for each record three lines: its log, its head, its content
 *   block  = for each record two lines: its head, its content; all of one log
 *   head   = JSON: [number, id, epoch, origin, born, logged, salt, digest, chain]
 *
 * The content is JSON that is never parsed on its way from the core to the disk.
 */
import { crc32 } from 'node:zlib';
import type { LogAddress, LogRecord } from '../../server/model/event.ts';
import { MadeRecord } from '../../server/model/record.ts';

const headerBytes = 8;
/** A longer frame is never written. */
const mostBytes = 64 * 1_048_576;

type Head = readonly [number, string, string, string, number, number, string, string, string];

/** One record as it stands in a frame or a block. */
export interface WrittenRecord {
  readonly log: LogAddress;
  readonly number: number;
  readonly id: string;
  /** Head and content, each ended by a line feed. */
  readonly lines: string;
}

/** @throws Error when the name of a log is no single line, or when this is more than a frame may hold */
export function encodeFrame(records: readonly LogRecord[]): Buffer {
  let payload = '';
  for (const one of records) {
    if (one.log.includes('\n')) throw new Error('the name of a log cannot have a line feed');
    payload += `${one.log}\n${headOf(one)}\n${MadeRecord.contentText(one)}\n`;
  }
  const length = Buffer.byteLength(payload);
  // What was written could never be read again.
  if (length > mostBytes) throw new Error(`${length} bytes are too much for one frame`);
  const bytes = Buffer.allocUnsafe(headerBytes + length);
  bytes.write(payload, headerBytes);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt32LE(crc32(bytes.subarray(headerBytes)), 4);
  return bytes;
}

/** Written by hand, since it is the larger part of many records: ids, epochs and hashes are of characters that JSON leaves as they are. */
function headOf({ number, id, epoch, origin, born, logged, salt, digest, chain }: LogRecord): string {
  return `[${number},"${id}","${epoch}",${JSON.stringify(origin)},${born},${logged},"${salt}","${digest}","${chain}"]`;
}

export type Decoded =
  | { readonly kind: 'frame'; readonly records: readonly WrittenRecord[]; readonly next: number }
  /** The bytes end before the frame does: the writer died, or has not finished. */
  | { readonly kind: 'incomplete' }
  /** These bytes were never written by us, or have changed since. */
  | { readonly kind: 'damaged' };

/** Reads the frame that begins at `offset`. */
export function decodeFrame(bytes: Buffer, offset: number): Decoded {
  if (bytes.length - offset < headerBytes) return { kind: 'incomplete' };
  const length = bytes.readUInt32LE(offset);
  if (length < 2 || length > mostBytes) return { kind: 'damaged' };
  const end = offset + headerBytes + length;
  if (end > bytes.length) return { kind: 'incomplete' };
  const payload = bytes.subarray(offset + headerBytes, end);
  if (crc32(payload) !== bytes.readUInt32LE(offset + 4)) return { kind: 'damaged' };
  const records = written(payload.toString('utf8'));
  return records === undefined ? { kind: 'damaged' } : { kind: 'frame', records, next: end };
}

function written(payload: string): readonly WrittenRecord[] | undefined {
  const records: WrittenRecord[] = [];
  for (let at = 0; at < payload.length;) {
    const head = payload.indexOf('\n', at) + 1;
    const content = head === 0 ? 0 : payload.indexOf('\n', head) + 1;
    const end = content === 0 ? 0 : payload.indexOf('\n', content) + 1;
    if (end === 0) return undefined;
    const place = placeIn(payload.slice(head, content - 1));
    if (place === undefined) return undefined;
    records.push({ log: payload.slice(at, head - 1) as LogAddress, ...place, lines: payload.slice(head, end) });
    at = end;
  }
  return records.length === 0 ? undefined : records;
}

/** Number and id, which a head begins with; the rest is not needed before somebody reads the record. */
function placeIn(head: string): { readonly number: number; readonly id: string } | undefined {
  const comma = head.indexOf(',');
  const end = head.indexOf('"', comma + 2);
  if (!head.startsWith('[') || !head.endsWith(']') || head[comma + 1] !== '"' || end < 0) return undefined;
  const number = Number(head.slice(1, comma));
  return Number.isSafeInteger(number) ? { number, id: head.slice(comma + 2, end) } : undefined;
}

function parseHead(text: string): Head | undefined {
  try {
    const head: unknown = JSON.parse(text);
    return Array.isArray(head) && head.length === 9 ? (head as unknown as Head) : undefined;
  } catch {
    return undefined;
  }
}

/** The records of a block, in order. @throws Error when the block is none */
export function decodeBlock(log: LogAddress, block: string): readonly LogRecord[] {
  const lines = block.split('\n');
  const records: LogRecord[] = [];
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const head = parseHead(lines[at]!);
    if (head === undefined) throw new Error(`a block of ${log} is damaged`);
    const [number, id, epoch, origin, born, logged, salt, digest, chain] = head;
    const content: unknown = JSON.parse(lines[at + 1]!);
    records.push({ log, epoch, number, id, origin, born, logged, salt, digest, chain, content } as LogRecord);
  }
  return records;
}
