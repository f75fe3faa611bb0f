/**
 * Log records. `digest` covers salt and content; `chain` covers the header, the digest and the chain before. So content
 * and salt can be forgotten (retracted, expired, erased) and the chain still holds.
 */
import { hash, randomFillSync } from 'node:crypto';
import type { LogRecord, Position } from '../model/event.ts';
import { contentJson, MadeRecord, type NewRecord } from '../model/record.ts';

/** Where a log begins. */
export const origin: Position = Object.freeze({ epoch: '', number: 0, chain: '' });

const pool = Buffer.alloc(4096);
let used = pool.length;

/** 96 random bits: enough that equal contents have different digests. */
function mintSalt(): string {
  if (used + 12 > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 12;
  return pool.toString('base64url', used - 12, used);
}

/** Makes the record that follows `last`. */
export function nextRecord(last: Position, fresh: NewRecord): LogRecord {
  const number = last.number + 1;
  const salt = fresh.salt ?? mintSalt();
  const text = contentJson(fresh.content);
  const digest = hash('sha256', salt + text, 'base64url');
  const chain = hash(
    'sha256',
    `${last.chain}\n${fresh.log}\n${fresh.epoch}\n${number}\n${fresh.id}\n${fresh.origin}\n${fresh.born}\n${fresh.logged}\n${fresh.content.kind}\n${digest}`,
    'base64url',
  );
  return new MadeRecord(fresh, number, salt, digest, chain, text);
}

/** The position of a record in its log. */
export function positionOf(record: LogRecord): Position {
  return { epoch: record.epoch, number: record.number, chain: record.chain };
}
