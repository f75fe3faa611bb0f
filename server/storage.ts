/**
 * What the server needs of a database. It is asynchronous and knows nothing of SQL: a log is deliberately the shape of
 * a replicated stream, so that other engines can carry it. Every driver passes test/unit/storage.contract.test.ts.
 */
import type { LogAddress, LogRecord, Position, RoomConfig, BanMask } from './model/event.ts';
import type { RoomAddress, UserAddress } from './model/address.ts';
import type { Affiliation } from './model/affiliation.ts';

/** `append` found that somebody else appended first, or that a number would be used twice. */
export class OvertakenError extends Error {
  override readonly name = 'OvertakenError';
}

/** The database cannot be used; `message` names the file or server and the remedy. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
}

export interface ReadRange {
  /** Numbers above this. */
  readonly after?: number;
  /** Numbers below this. */
  readonly before?: number;
  /** At most so many records. */
  readonly limit: number;
  /** Which end of the range to take when it holds more than `limit`; the answer is ascending either way. */
  readonly take: 'first' | 'last';
}

export interface StoredAccount {
  /** Prepared name (see prepareName). */
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly administrator: boolean;
  /** The nick last used, as the person writes it. */
  readonly nick: string;
  /** SCRAM keys by mechanism: the credential itself (RFC 5802 section 3). Base64. */
  readonly scram: Readonly<
    Record<
      'SCRAM-SHA-1' | 'SCRAM-SHA-256',
      { readonly salt: string; readonly iterations: number; readonly storedKey: string; readonly serverKey: string } | undefined
    >
  >;
  /** Rooms the user is in even without a session. */
  readonly rooms: readonly RoomAddress[];
}

export interface StoredRoom {
  readonly address: RoomAddress;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Where its home is, when that is not here. */
  readonly home?: RoomAddress;
  /** Number of its first record: earlier ones belong to a closed room of the same name. Absent in rooms saved before this was kept: 1. */
  readonly first?: number;
  readonly config: RoomConfig;
  readonly topic: { readonly text: string; readonly by: string; readonly at: number };
  readonly affiliations: readonly (readonly [UserAddress, Affiliation])[];
  readonly bans: readonly BanMask[];
  /** First number that each address may read under history `joined`. */
  readonly since: readonly (readonly [UserAddress, number])[];
  /** Number of the last record of the room's log that this state includes; a start applies the later ones. */
  readonly applied: number;
}

export interface Storage {
  /**
   * Makes records durable against the death of the process, all or none, in order. Each record's number must be one
   * above its log's last (a log may begin with any), and its epoch the log's newest. Resolves before anybody may see the records.
   * @throws OvertakenError StorageError
   */
  append(records: readonly LogRecord[]): Promise<void>;
  /** The last position of a log; number 0 and an empty epoch and chain when it has none. */
  lastPosition(log: LogAddress): Promise<Position>;
  /** Last positions of all logs, for a start. */
  allPositions(): Promise<readonly (readonly [LogAddress, Position])[]>;
  read(log: LogAddress, range: ReadRange): Promise<readonly LogRecord[]>;
  /** The record with that id in that log. */
  find(log: LogAddress, id: string): Promise<LogRecord | undefined>;

  account(name: string): Promise<StoredAccount | undefined>;
  accounts(): Promise<readonly StoredAccount[]>;
  /** Creates; resolves false when the name is taken. */
  addAccount(account: StoredAccount): Promise<boolean>;
  /** Replaces; resolves false when there is none. */
  saveAccount(account: StoredAccount): Promise<boolean>;
  removeAccount(name: string): Promise<boolean>;

  rooms(): Promise<readonly StoredRoom[]>;
  saveRoom(room: StoredRoom): Promise<void>;
  /** The room and its log. */
  removeRoom(room: RoomAddress): Promise<void>;

  /** A plugin's own small durable keyspace; `space` is the plugin's name. Values are JSON. */
  get(space: string, key: string): Promise<unknown>;
  set(space: string, key: string, value: unknown): Promise<void>;
  delete(space: string, key: string): Promise<void>;
  entries(space: string, prefix: string): Promise<readonly (readonly [string, unknown])[]>;

  /** Writes everything out and lets go of files. Nothing else may be called afterwards. */
  close(): Promise<void>;
}
