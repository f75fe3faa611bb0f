/**
 * The journal's format: frames of length, checksum and content, one frame a batch of records. Pure functions over bytes.
 *
 *   frame   = u32 length of payload, u32 CRC-32 of payload, payload (all little endian)
 *   payload = JSON: [[log, epoch, number, id, origin, born, logged, salt, digest, chain, content], ...]
 */
import { crc32 } from 'node:zlib';
import type { LogRecord } from '../../server/model/event.ts';

const headerBytes = 8;
/** A longer frame cannot have been written by this code. */
const mostBytes = 64 * 1_048_576;

type Row = readonly [string, string, number, string, string, number, number, string, string, string, unknown];

/** @throws RangeError when the records are too many for one frame */
export function encodeFrame(records: readonly LogRecord[]): Buffer {
  const rows = records.map((one): Row => [
    one.log,
    one.epoch,
    one.number,
    one.id,
    one.origin,
    one.born,
    one.logged,
    one.salt,
    one.digest,
    one.chain,
    one.content,
  ]);
  const payload = JSON.stringify(rows);
  const length = Buffer.byteLength(payload);
  if (length > mostBytes) throw new RangeError(`${records.length} records with ${length} bytes are too many at once`);
  const bytes = Buffer.allocUnsafe(headerBytes + length);
  bytes.write(payload, headerBytes);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt32LE(crc32(bytes.subarray(headerBytes)), 4);
  return bytes;
}

export type Decoded =
  | { readonly kind: 'frame'; readonly records: readonly LogRecord[]; readonly next: number }
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
  const records = toRecords(payload);
  return records === undefined ? { kind: 'damaged' } : { kind: 'frame', records, next: end };
}

function toRecords(payload: Buffer): readonly LogRecord[] | undefined {
  let rows: unknown;
  try {
    rows = JSON.parse(payload.toString('utf8'));
  } catch {
    return undefined;
  }
  if (!Array.isArray(rows) || !rows.every((row) => Array.isArray(row) && row.length === 11)) return undefined;
  return (rows as Row[]).map(
    ([log, epoch, number, id, origin, born, logged, salt, digest, chain, content]) =>
      ({ log, epoch, number, id, origin, born, logged, salt, digest, chain, content }) as LogRecord,
  );
}
