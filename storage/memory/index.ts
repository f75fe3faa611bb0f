/** A storage that lives in memory: for tests, and for the kit of plugin authors. Keeps every promise but durability. */
import { roomLog, type LogAddress, type LogRecord, type Position } from '../../server/model/event.ts';
import type { RoomAddress } from '../../server/model/address.ts';
import { OvertakenError, StorageError, type ReadRange, type Storage, type StoredAccount, type StoredRoom } from '../../server/storage.ts';

const nowhere: Position = { epoch: '', number: 0, chain: '' };

class MemoryStorage implements Storage {
  readonly #logs = new Map<LogAddress, LogRecord[]>();
  readonly #accounts = new Map<string, StoredAccount>();
  readonly #rooms = new Map<RoomAddress, StoredRoom>();
  readonly #spaces = new Map<string, Map<string, string>>();

  append(records: readonly LogRecord[]): Promise<void> {
    const last = new Map<LogAddress, number>();
    for (const { log, number } of records) {
      const before = last.get(log) ?? this.#logs.get(log)?.at(-1)?.number;
      const expected = before === undefined ? number : before + 1;
      if (number !== expected) return Promise.reject(new OvertakenError(`${log} expects number ${expected}, not ${number}`));
      last.set(log, number);
    }
    for (const record of records) {
      const log = this.#logs.get(record.log);
      if (log === undefined) this.#logs.set(record.log, [record]);
      else log.push(record);
    }
    return Promise.resolve();
  }

  lastPosition(log: LogAddress): Promise<Position> {
    const last = this.#logs.get(log)?.at(-1);
    return Promise.resolve(last === undefined ? nowhere : { epoch: last.epoch, number: last.number, chain: last.chain });
  }

  async allPositions(): Promise<readonly (readonly [LogAddress, Position])[]> {
    return Promise.all([...this.#logs.keys()].map(async (log) => [log, await this.lastPosition(log)] as const));
  }

  read(log: LogAddress, range: ReadRange): Promise<readonly LogRecord[]> {
    const records = this.#logs.get(log) ?? [];
    const before = (records[0]?.number ?? 1) - 1;
    const from = Math.max(0, (range.after ?? 0) - before);
    const to = Math.max(from, Math.min(records.length, (range.before ?? Infinity) - 1 - before));
    const limit = Math.max(0, range.limit);
    return Promise.resolve(
      range.take === 'first' ? records.slice(from, Math.min(to, from + limit)) : records.slice(Math.max(from, to - limit), to),
    );
  }

  find(log: LogAddress, id: string): Promise<LogRecord | undefined> {
    return Promise.resolve(this.#logs.get(log)?.find((record) => record.id === id));
  }

  account(name: string): Promise<StoredAccount | undefined> {
    return Promise.resolve(this.#accounts.get(name));
  }
  accounts(): Promise<readonly StoredAccount[]> {
    return Promise.resolve([...this.#accounts.values()]);
  }
  addAccount(account: StoredAccount): Promise<boolean> {
    if (this.#accounts.has(account.name)) return Promise.resolve(false);
    this.#accounts.set(account.name, structuredClone(account));
    return Promise.resolve(true);
  }
  saveAccount(account: StoredAccount): Promise<boolean> {
    if (!this.#accounts.has(account.name)) return Promise.resolve(false);
    this.#accounts.set(account.name, structuredClone(account));
    return Promise.resolve(true);
  }
  removeAccount(name: string): Promise<boolean> {
    return Promise.resolve(this.#accounts.delete(name));
  }

  rooms(): Promise<readonly StoredRoom[]> {
    return Promise.resolve([...this.#rooms.values()]);
  }
  saveRoom(room: StoredRoom): Promise<void> {
    this.#rooms.set(room.address, structuredClone(room));
    return Promise.resolve();
  }
  removeRoom(room: RoomAddress): Promise<void> {
    this.#rooms.delete(room);
    this.#logs.delete(roomLog(room));
    return Promise.resolve();
  }

  get(space: string, key: string): Promise<unknown> {
    const json = this.#spaces.get(space)?.get(key);
    return Promise.resolve(json === undefined ? undefined : (JSON.parse(json) as unknown));
  }
  set(space: string, key: string, value: unknown): Promise<void> {
    if (/\p{Surrogate}/u.test(key)) return Promise.reject(new StorageError('a key with half a surrogate pair cannot be stored'));
    const keys = this.#spaces.get(space) ?? new Map<string, string>();
    this.#spaces.set(space, keys);
    keys.set(key, JSON.stringify(value));
    return Promise.resolve();
  }
  delete(space: string, key: string): Promise<void> {
    this.#spaces.get(space)?.delete(key);
    return Promise.resolve();
  }
  entries(space: string, prefix: string): Promise<readonly (readonly [string, unknown])[]> {
    const found = [...(this.#spaces.get(space) ?? [])].filter(([key]) => key.startsWith(prefix));
    return Promise.resolve(
      found.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, json]) => [key, JSON.parse(json) as unknown] as const),
    );
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export function openMemoryStorage(): Storage {
  return new MemoryStorage();
}
