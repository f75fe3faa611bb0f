/** The database itself, used by the worker thread: absorbs the journal, answers queries. Synchronous. */
import { closeSync, fdatasyncSync, fstatSync, openSync, readdirSync, readSync, truncateSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase, { type Database, type Statement } from 'better-sqlite3';
import type { RoomAddress } from '../../server/model/address.ts';
import { roomLog, type LogAddress, type LogRecord, type Position } from '../../server/model/event.ts';
import type { ReadRange, StoredAccount, StoredRoom } from '../../server/storage.ts';
import { decodeBlock, decodeFrame, type WrittenRecord } from './journal.ts';
import { migrate } from './migrations.ts';

/** Where in the journal: segment number and byte offset. */
export interface JournalPoint {
  readonly segment: number;
  readonly offset: number;
}

interface BlockRow {
  readonly records: string;
}

const readAtOnce = 4 * 1_048_576;
/** A block holds at most so much, so that reading one record of it stays cheap. */
const mostInBlock = { records: 128, characters: 65_536 };

export function segmentFile(folder: string, segment: number): string {
  return join(folder, `journal-${String(segment).padStart(8, '0')}`);
}

/** Numbers of the segments that lie in the folder, ascending. */
export function segmentsIn(folder: string): readonly number[] {
  return readdirSync(folder)
    .flatMap((name) => /^journal-(\d{8})$/.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => a - b);
}

export class LogDatabase {
  readonly #folder: string;
  readonly #database: Database;
  readonly #statements = new Map<string, Statement>();
  readonly #logIds = new Map<string, number>();
  #point: JournalPoint;
  #open: { readonly segment: number; readonly fd: number } | undefined;

  /** @throws Error in words, without the file's name */
  constructor(folder: string) {
    this.#folder = folder;
    this.#database = new SqliteDatabase(join(folder, 'banyan.sqlite'), { timeout: 500 });
    try {
      // One process owns the database; the operating system lets go of the lock when it dies.
      this.#database.pragma('locking_mode = EXCLUSIVE');
      this.#database.pragma('journal_mode = WAL');
      this.#database.pragma('synchronous = NORMAL');
      this.#database.exec('BEGIN EXCLUSIVE; COMMIT');
      migrate(this.#database);
    } catch (error) {
      this.#database.close();
      throw error;
    }
    const row = this.#statement('SELECT segment, offset FROM absorbed').get() as JournalPoint;
    this.#point = { segment: row.segment, offset: row.offset };
  }

  /** How far the journal is taken in: after `recover`, the segment to write next. */
  get point(): JournalPoint {
    return this.#point;
  }

  #statement(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  /** Takes in everything that earlier runs left in the journal, cuts off a torn end, removes the files. */
  recover(): void {
    for (const segment of segmentsIn(this.#folder)) {
      if (segment < this.#point.segment) {
        unlinkSync(segmentFile(this.#folder, segment));
        continue;
      }
      const size = fstatSync(this.#file(segment)).size;
      const from = segment === this.#point.segment ? this.#point.offset : 0;
      const end = this.#absorbSegment(segment, from, size, true);
      if (end < size) truncateSync(segmentFile(this.#folder, segment), end);
      this.#finish(segment);
    }
  }

  /** Takes in the journal up to `point`, which the writer has passed. */
  absorb(point: JournalPoint): void {
    while (this.#point.segment < point.segment) {
      const segment = this.#point.segment;
      if (segmentsIn(this.#folder).includes(segment)) {
        this.#absorbSegment(segment, this.#point.offset, fstatSync(this.#file(segment)).size, false);
        this.#finish(segment);
      } else this.#save({ segment: segment + 1, offset: 0 });
    }
    if (this.#point.offset < point.offset) this.#absorbSegment(point.segment, this.#point.offset, point.offset, false);
  }

  #file(segment: number): number {
    if (this.#open?.segment === segment) return this.#open.fd;
    if (this.#open !== undefined) closeSync(this.#open.fd);
    this.#open = { segment, fd: openSync(segmentFile(this.#folder, segment), 'r+') };
    return this.#open.fd;
  }

  #finish(segment: number): void {
    if (this.#open?.segment === segment) {
      closeSync(this.#open.fd);
      this.#open = undefined;
    }
    this.#save({ segment: segment + 1, offset: 0 });
    // Before the only safe copy goes: until a checkpoint the database's own log is not flushed to the disk.
    this.#database.pragma('wal_checkpoint(PASSIVE)');
    unlinkSync(segmentFile(this.#folder, segment));
  }

  #save(point: JournalPoint): void {
    this.#statement('UPDATE absorbed SET segment = ?, offset = ?').run(point.segment, point.offset);
    this.#point = point;
  }

  /** Answers where it stopped: at `to`, or before a torn frame at the end of a file (`tail`). */
  #absorbSegment(segment: number, from: number, to: number, tail: boolean): number {
    const fd = this.#file(segment);
    let offset = from;
    while (offset < to) {
      let bytes: Buffer = Buffer.alloc(Math.min(readAtOnce, to - offset));
      bytes = bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, offset));
      let used = this.#absorbBytes(segment, offset, bytes);
      if (used === 0 && bytes.length < to - offset) {
        // One frame larger than a usual read.
        bytes = Buffer.alloc(to - offset);
        readSync(fd, bytes, 0, bytes.length, offset);
        used = this.#absorbBytes(segment, offset, bytes);
      }
      if (used === 0) {
        if (tail && tornEnd(bytes)) return offset;
        throw new Error(
          `the journal ${segmentFile(this.#folder, segment)} is damaged at byte ${offset}; restore a copy, or move that file away and lose what it holds from there on`,
        );
      }
      offset += used;
    }
    return offset;
  }

  /** Takes in whole frames; answers how many bytes they had. */
  #absorbBytes(segment: number, offset: number, bytes: Buffer): number {
    const records: WrittenRecord[] = [];
    let used = 0;
    for (;;) {
      const decoded = decodeFrame(bytes, used);
      if (decoded.kind !== 'frame') break;
      for (const record of decoded.records) records.push(record);
      used = decoded.next;
    }
    if (used === 0) return 0;
    try {
      this.#insert(records, { segment, offset: offset + used });
    } catch (error) {
      // What was rolled back is not known here either, and is taken in again later.
      this.#logIds.clear();
      throw error;
    }
    return used;
  }

  #insert(records: readonly WrittenRecord[], next: JournalPoint): void {
    const byLog = new Map<LogAddress, WrittenRecord[]>();
    for (const record of records) {
      const same = byLog.get(record.log);
      if (same === undefined) byLog.set(record.log, [record]);
      else same.push(record);
    }
    this.#database.transaction(() => {
      for (const [log, same] of byLog) this.#insertBlocks(this.#logId(log), same);
      this.#statement('UPDATE absorbed SET segment = ?, offset = ?').run(next.segment, next.offset);
    })();
    // Only now: a transaction that failed (a full disk) must not let the journal be forgotten.
    this.#point = next;
  }

  #insertBlocks(log: number, records: readonly WrittenRecord[]): void {
    const insert = this.#statement('INSERT INTO blocks (log, first, last, lowest_id, highest_id, records) VALUES (?, ?, ?, ?, ?, ?)');
    for (let at = 0; at < records.length;) {
      const first = records[at]!;
      let last = first;
      let lowest = first.id;
      let highest = first.id;
      let text = '';
      for (const end = at + mostInBlock.records; at < records.length && at < end && text.length < mostInBlock.characters; at++) {
        last = records[at]!;
        if (last.id < lowest) lowest = last.id;
        if (last.id > highest) highest = last.id;
        text += last.lines;
      }
      insert.run(log, first.number, last.number, lowest, highest, text);
    }
  }

  #logId(log: LogAddress): number {
    const known = this.#logIds.get(log);
    if (known !== undefined) return known;
    this.#statement('INSERT OR IGNORE INTO logs (name) VALUES (?)').run(log);
    const { id } = this.#statement('SELECT id FROM logs WHERE name = ?').get(log) as { id: number };
    this.#logIds.set(log, id);
    return id;
  }

  /** Makes the journal safe against a loss of power too. */
  sync(): void {
    if (this.#open !== undefined) fdatasyncSync(this.#open.fd);
  }

  positions(): readonly (readonly [LogAddress, Position])[] {
    const rows = this.#statement(
      `SELECT logs.name, blocks.records FROM logs
       JOIN blocks ON blocks.log = logs.id AND blocks.last = (SELECT max(last) FROM blocks WHERE log = logs.id)`,
    ).all() as (BlockRow & { readonly name: LogAddress })[];
    return rows.map(({ name, records }) => {
      const { number, epoch, chain } = decodeBlock(name, records).at(-1)!;
      return [name, { number, epoch, chain }] as const;
    });
  }

  read(log: LogAddress, range: ReadRange): readonly LogRecord[] {
    const { after = 0, before = Number.MAX_SAFE_INTEGER, limit, take } = range;
    if (limit <= 0) return [];
    const blocks = this.#statement(
      `SELECT records FROM blocks WHERE log = (SELECT id FROM logs WHERE name = ?) AND last > ? AND first < ?
       ORDER BY last ${take === 'first' ? 'ASC' : 'DESC'}`,
    ).iterate(log, after, Math.min(before, Number.MAX_SAFE_INTEGER)) as IterableIterator<BlockRow>;
    const found: LogRecord[] = [];
    for (const block of blocks) {
      const records = decodeBlock(log, block.records).filter(({ number }) => number > after && number < before);
      for (const record of take === 'first' ? records : records.toReversed()) if (found.length < limit) found.push(record);
      if (found.length >= limit) break;
    }
    return take === 'first' ? found : found.toReversed();
  }

  /** Ids mostly ascend with the numbers, so the block with the lowest fitting end nearly always has it. */
  find(log: LogAddress, id: string): LogRecord | undefined {
    const blocks = this.#statement(
      `SELECT records FROM blocks WHERE log = (SELECT id FROM logs WHERE name = ?) AND highest_id >= ? AND lowest_id <= ?
       ORDER BY highest_id`,
    ).iterate(log, id, id) as IterableIterator<BlockRow>;
    for (const block of blocks) {
      const record = decodeBlock(log, block.records).find((one) => one.id === id);
      if (record !== undefined) return record;
    }
    return undefined;
  }

  account(name: string): StoredAccount | undefined {
    const row = this.#statement('SELECT json FROM accounts WHERE name = ?').get(name) as { json: string } | undefined;
    return row === undefined ? undefined : (JSON.parse(row.json) as StoredAccount);
  }
  accounts(): readonly StoredAccount[] {
    return (this.#statement('SELECT json FROM accounts ORDER BY name').all() as { json: string }[]).map(
      (row) => JSON.parse(row.json) as StoredAccount,
    );
  }
  addAccount(account: StoredAccount): boolean {
    return (
      this.#statement('INSERT OR IGNORE INTO accounts (name, json) VALUES (?, ?)').run(account.name, JSON.stringify(account)).changes === 1
    );
  }
  saveAccount(account: StoredAccount): boolean {
    return this.#statement('UPDATE accounts SET json = ? WHERE name = ?').run(JSON.stringify(account), account.name).changes === 1;
  }
  removeAccount(name: string): boolean {
    return this.#statement('DELETE FROM accounts WHERE name = ?').run(name).changes === 1;
  }

  rooms(): readonly StoredRoom[] {
    return (this.#statement('SELECT json FROM rooms ORDER BY address').all() as { json: string }[]).map(
      (row) => JSON.parse(row.json) as StoredRoom,
    );
  }
  saveRoom(room: StoredRoom): void {
    this.#statement('INSERT OR REPLACE INTO rooms (address, json) VALUES (?, ?)').run(room.address, JSON.stringify(room));
  }
  removeRoom(address: RoomAddress): void {
    const log = roomLog(address);
    this.#database.transaction(() => {
      this.#statement('DELETE FROM rooms WHERE address = ?').run(address);
      this.#statement('DELETE FROM blocks WHERE log = (SELECT id FROM logs WHERE name = ?)').run(log);
      this.#statement('DELETE FROM logs WHERE name = ?').run(log);
    })();
    this.#logIds.delete(log);
  }

  get(space: string, key: string): unknown {
    const row = this.#statement('SELECT value FROM keys WHERE space = ? AND key = ?').get(space, key) as { value: string } | undefined;
    return row === undefined ? undefined : (JSON.parse(row.value) as unknown);
  }
  set(space: string, key: string, value: unknown): void {
    // Two such keys would become one on their way to UTF-8.
    if (/\p{Surrogate}/u.test(key)) throw new Error('a key with half a surrogate pair cannot be stored');
    this.#statement('INSERT OR REPLACE INTO keys (space, key, value) VALUES (?, ?, ?)').run(space, key, JSON.stringify(value));
  }
  delete(space: string, key: string): void {
    this.#statement('DELETE FROM keys WHERE space = ? AND key = ?').run(space, key);
  }
  entries(space: string, prefix: string): readonly (readonly [string, unknown])[] {
    const end = afterPrefix(prefix);
    const rows = (
      end === undefined
        ? this.#statement('SELECT key, value FROM keys WHERE space = ? AND key >= ? ORDER BY key').all(space, prefix)
        : this.#statement('SELECT key, value FROM keys WHERE space = ? AND key >= ? AND key < ? ORDER BY key').all(space, prefix, end)
    ) as { key: string; value: string }[];
    return rows.map(({ key, value }) => [key, JSON.parse(value) as unknown] as const);
  }

  close(): void {
    this.sync();
    if (this.#open !== undefined) closeSync(this.#open.fd);
    this.#open = undefined;
    this.#database.pragma('wal_checkpoint(TRUNCATE)');
    this.#database.close();
  }
}

/** The first text, in the order of code points, that comes after all that begin with `prefix`; undefined when there is none. */
function afterPrefix(prefix: string): string | undefined {
  const points = [...prefix].map((character) => character.codePointAt(0)!);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue;
    // Surrogates are no characters.
    const next = last + 1 === 0xd800 ? 0xe000 : last + 1;
    return String.fromCodePoint(...points, next);
  }
  return undefined;
}

/** Nothing readable follows: the writer died in the middle of its last frame. */
function tornEnd(bytes: Buffer): boolean {
  for (let offset = 1; offset < bytes.length; offset++) if (decodeFrame(bytes, offset).kind === 'frame') return false;
  return true;
}
