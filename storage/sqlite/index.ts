/**
 * SQLite behind a journal. A tick's records are made durable by one append to a plain file; a worker thread takes the
 * journal into the database in large batches and answers all queries. After a crash the journal is replayed, each frame once.
 *
 * Durable means: survives the death of the process. The journal is flushed to the disk about once a second in the
 * background, so a loss of power may cost the last second.
 */
import { closeSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { roomLog, type LogAddress, type LogRecord, type Position } from '../../server/model/event.ts';
import { OvertakenError, StorageError, type ReadRange, type Storage, type StoredAccount, type StoredRoom } from '../../server/storage.ts';
import type { RoomAddress } from '../../server/model/address.ts';
import { segmentFile, type JournalPoint } from './database.ts';
import { encodeFrame } from './journal.ts';
import type { Opened, WorkerAnswer, WorkerRequest } from './worker.ts';

const nowhere: Position = { epoch: '', number: 0, chain: '' };
/** So much is taken in at once under load: a busy server's rooms then have blocks of many records, which cost less than many small ones. */
const absorbBytes = 4 * 1_048_576;
const absorbMilliseconds = 1_000;
const defaultSegmentBytes = 16 * 1_048_576;

export interface SqliteOptions {
  /** The folder for `banyan.sqlite` and the journal; made when missing. */
  readonly folder: string;
  readonly log: Logger;
  /** A journal file is closed when it has grown beyond this. */
  readonly segmentBytes?: number;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** @throws StorageError */
export async function openSqliteStorage(options: SqliteOptions): Promise<Storage> {
  const { folder } = options;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StorageError(
      `the data folder ${folder} cannot be made: ${words(error)}; choose another with the key data, or mend its permissions`,
    );
  }
  const entry = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);
  const worker = new Worker(entry, { workerData: { folder } });
  const opened = await new Promise<Opened>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (answer: WorkerAnswer) => {
      worker.removeAllListeners('error');
      if ('error' in answer) reject(new StorageError(explain(folder, answer.error)));
      else resolve(answer.value as Opened);
    });
  });
  return new SqliteStorage(options, worker, opened);
}

function explain(folder: string, error: string): string {
  if (/locked|busy/i.test(error))
    return `the data folder ${folder} is in use by another running server; stop that one, or choose another folder with the key data`;
  if (/not a database|malformed/i.test(error))
    return `${folder}/banyan.sqlite is not a usable database (${error}); restore a copy, or move it away to begin anew`;
  if (/disk is full|disk I\/O error/i.test(error)) return `the database in ${folder} cannot be written (${error}); make room on the disk`;
  if (/readonly|read-only|unable to open|permission/i.test(error))
    return `the database in ${folder} cannot be opened for writing (${error}); mend the permissions of the folder and its files`;
  return `the database in ${folder} cannot be used: ${error}`;
}

class SqliteStorage implements Storage {
  readonly #folder: string;
  readonly #log: Logger;
  readonly #segmentBytes: number;
  readonly #worker: Worker;
  readonly #positions: Map<LogAddress, Position>;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  #segment: number;
  #offset = 0;
  #file: number | undefined;
  #announced = 0;
  #timer: NodeJS.Timeout | undefined;
  #failed: StorageError | undefined;
  #absorbing = true;

  constructor(options: SqliteOptions, worker: Worker, { positions, segment }: Opened) {
    this.#folder = options.folder;
    this.#log = options.log;
    this.#segmentBytes = options.segmentBytes ?? defaultSegmentBytes;
    this.#worker = worker;
    this.#positions = new Map(positions);
    this.#segment = segment;
    worker.on('message', (answer: WorkerAnswer) => this.#answered(answer));
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', () => this.#fail(new Error('its thread ended')));
  }

  #answered(answer: WorkerAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (waiting === undefined) return;
    if ('error' in answer) waiting.reject(new StorageError(explain(this.#folder, answer.error)));
    else waiting.resolve(answer.value);
  }

  #fail(error: Error): void {
    this.#failed ??= new StorageError(`the database in ${this.#folder} cannot be used any more: ${error.message}`);
    for (const { reject } of this.#waiting.values()) reject(this.#failed);
    this.#waiting.clear();
  }

  #ask<T>(call: WorkerRequest['call'], ...values: readonly unknown[]): Promise<T> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    const id = ++this.#asked;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#worker.postMessage({ id, upTo: this.#point(), call, values } satisfies WorkerRequest);
    });
  }

  #point(): JournalPoint | undefined {
    return this.#file === undefined && this.#offset === 0 ? undefined : { segment: this.#segment, offset: this.#offset };
  }

  append(records: readonly LogRecord[]): Promise<void> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    const last = new Map<LogAddress, LogRecord>();
    for (const record of records) {
      const before = last.get(record.log) ?? this.#positions.get(record.log);
      const expected = before === undefined ? record.number : before.number + 1;
      if (record.number !== expected)
        return Promise.reject(new OvertakenError(`${record.log} expects number ${expected}, not ${record.number}`));
      last.set(record.log, record);
    }
    try {
      this.#write(encodeFrame(records));
    } catch (error) {
      return Promise.reject(
        new StorageError(
          `the journal in ${this.#folder} cannot be written: ${words(error)}; make room on the disk or mend its permissions`,
        ),
      );
    }
    for (const [log, { epoch, number, chain }] of last) this.#positions.set(log, { epoch, number, chain });
    this.#announce();
    return Promise.resolve();
  }

  #write(frame: Buffer): void {
    if (this.#offset >= this.#segmentBytes && this.#file !== undefined) {
      closeSync(this.#file);
      this.#file = undefined;
      this.#segment++;
      this.#offset = 0;
    }
    this.#file ??= this.#openSegment();
    let written = 0;
    try {
      while (written < frame.length) written += writeSync(this.#file, frame, written, frame.length - written, this.#offset + written);
    } catch (error) {
      // A torn frame must not stand before a good one.
      ftruncateSync(this.#file, this.#offset);
      throw error;
    }
    this.#offset += frame.length;
  }

  #openSegment(): number {
    return openSync(segmentFile(this.#folder, this.#segment), 'wx', 0o600);
  }

  /** Lets the worker take in what was written, in large pieces and not too late. */
  #announce(): void {
    if (this.#offset - this.#announced >= absorbBytes || this.#offset < this.#announced) this.#absorbNow();
    else this.#timer ??= setTimeout(() => this.#absorbNow(), absorbMilliseconds).unref();
  }

  #absorbNow(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#announced = this.#offset;
    this.#ask('absorbed').then(
      () => this.#absorbs(true),
      (error: unknown) => this.#absorbs(false, error),
    );
  }

  /** A full disk is told once, and so is its end; the journal keeps what the database does not take yet. */
  #absorbs(well: boolean, error?: unknown): void {
    if (this.#absorbing === well || this.#failed !== undefined) return;
    this.#absorbing = well;
    if (well) this.#log.info('the database takes in the journal again');
    else
      this.#log.error({ err: error }, 'the journal cannot be taken into the database; what was said is safe, but history cannot be read');
  }

  lastPosition(log: LogAddress): Promise<Position> {
    return Promise.resolve(this.#positions.get(log) ?? nowhere);
  }
  allPositions(): Promise<readonly (readonly [LogAddress, Position])[]> {
    return Promise.resolve([...this.#positions]);
  }
  read(log: LogAddress, range: ReadRange): Promise<readonly LogRecord[]> {
    return this.#ask('read', log, range);
  }
  find(log: LogAddress, id: string): Promise<LogRecord | undefined> {
    return this.#ask('find', log, id);
  }
  account(name: string): Promise<StoredAccount | undefined> {
    return this.#ask('account', name);
  }
  accounts(): Promise<readonly StoredAccount[]> {
    return this.#ask('accounts');
  }
  addAccount(account: StoredAccount): Promise<boolean> {
    return this.#ask('addAccount', account);
  }
  saveAccount(account: StoredAccount): Promise<boolean> {
    return this.#ask('saveAccount', account);
  }
  removeAccount(name: string): Promise<boolean> {
    return this.#ask('removeAccount', name);
  }
  rooms(): Promise<readonly StoredRoom[]> {
    return this.#ask('rooms');
  }
  saveRoom(room: StoredRoom): Promise<void> {
    return this.#ask('saveRoom', room);
  }
  removeRoom(room: RoomAddress): Promise<void> {
    this.#positions.delete(roomLog(room));
    return this.#ask('removeRoom', room);
  }
  get(space: string, key: string): Promise<unknown> {
    return this.#ask('get', space, key);
  }
  set(space: string, key: string, value: unknown): Promise<void> {
    return this.#ask('set', space, key, value);
  }
  delete(space: string, key: string): Promise<void> {
    return this.#ask('delete', space, key);
  }
  entries(space: string, prefix: string): Promise<readonly (readonly [string, unknown])[]> {
    return this.#ask('entries', space, prefix);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#ask('close');
    this.#worker.removeAllListeners('exit');
    await this.#worker.terminate();
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#failed = new StorageError('the storage is closed');
  }
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
