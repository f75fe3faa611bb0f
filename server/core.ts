/** The core, opened on a storage: live state, logs, accounts. It knows no protocol. */
import type { Logger } from 'pino';
import type { Accounts, Account } from './contract/accounts.ts';
import type { Clock, Hooks } from './contract/host.ts';
import type { Networks } from './contract/networks.ts';
import type { Rooms } from './contract/rooms.ts';
import type { Users } from './contract/users.ts';
import type { Domain } from './model/address.ts';
import type { RoomConfig } from './model/event.ts';
import type { Outcome } from './model/outcome.ts';
import type { Storage } from './storage.ts';

export interface CoreLimits {
  /** Bytes of UTF-8 in one message. */
  readonly messageBytes: number;
  readonly topicBytes: number;
  readonly nickCharacters: number;
  readonly roomsPerUser: number;
  readonly sessionsPerUser: number;
  readonly guestsPerAddress: number;
  readonly roomsInAll: number;
  /** Wrong passwords an address may give in ten minutes. */
  readonly failedLogins: number;
  /** Accounts an address may register in an hour. */
  readonly registrations: number;
}

export const defaultCoreLimits: CoreLimits = {
  messageBytes: 16_384,
  topicBytes: 1_024,
  nickCharacters: 32,
  roomsPerUser: 100,
  sessionsPerUser: 20,
  guestsPerAddress: 50,
  roomsInAll: 20_000,
  failedLogins: 20,
  registrations: 10,
};

export interface CoreOptions {
  readonly domain: Domain;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly log: Logger;
  /** 32 random bytes that stay the same over restarts. */
  readonly secret: Buffer;
  /** Rooms that always exist. */
  readonly rooms: readonly { readonly name: string; readonly config?: Partial<RoomConfig>; readonly topic?: string }[];
  readonly limits: CoreLimits;
  /** Whether people may register accounts themselves. */
  readonly registration: 'open' | 'closed';
}

/** What the `banyan account` command does. */
export interface AccountAdministration {
  add(name: string, password: string, administrator: boolean): Promise<Outcome<Account>>;
  list(): Promise<readonly Account[]>;
  remove(name: string): Promise<Outcome<void>>;
  setPassword(name: string, password: string): Promise<Outcome<void>>;
}

export interface Core {
  readonly users: Users;
  readonly rooms: Rooms;
  readonly accounts: Accounts & AccountAdministration;
  readonly networks: Networks;
  readonly hooks: Hooks;
  /** HMAC of the server's secret for one purpose, 32 bytes. */
  secret(purpose: string): Buffer;
  /** Delivers everything that is queued, ends all sessions with `reason`, and saves state. The storage stays open. */
  close(reason: string): Promise<void>;
}

/** Opens the core: reads rooms, positions and accounts; begins a new epoch in every log after an unclean stop. */
export function openCore(_options: CoreOptions): Promise<Core> {
  return Promise.reject(new Error('the core is still being written'));
}
