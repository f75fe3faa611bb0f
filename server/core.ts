/** The core, opened on a storage: live state, logs, accounts. It knows no protocol. */
import { createHmac, randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Accounts, Account } from './contract/accounts.ts';
import type { Clock, Hooks } from './contract/host.ts';
import type { Networks } from './contract/networks.ts';
import type { Room, Rooms } from './contract/rooms.ts';
import type { Users } from './contract/users.ts';
import { AccountDirectory } from './directory/accounts.ts';
import { Audience } from './directory/audience.ts';
import type { Context } from './directory/context.ts';
import { Homes } from './directory/homes.ts';
import { HookChain } from './directory/hooks.ts';
import { Membership } from './directory/membership.ts';
import { Moderation } from './directory/moderation.ts';
import { NetworkDirectory } from './directory/networks.ts';
import { PrivateMessages } from './directory/private-messages.ts';
import { restoreReadPositions, restoreRooms } from './directory/restore.ts';
import { RoomDirectory } from './directory/rooms.ts';
import { Saver } from './directory/saver.ts';
import { Directory, type RoomState, type UserState } from './directory/state.ts';
import { Talk } from './directory/talk.ts';
import { UserDirectory } from './directory/users.ts';
import { Delivery } from './log/delivery.ts';
import { beginEpoch, endEpoch, forgottenNumber, Logbook } from './log/logbook.ts';
import { userAddress, type Domain, type RoomAddress } from './model/address.ts';
import type { RoomConfig } from './model/event.ts';
import { refused, type Outcome } from './model/outcome.ts';
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
  /** Days without use after which a browser is signed out. */
  readonly tokenDays: number;
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
  tokenDays: 90,
};

export interface CoreOptions {
  readonly domain: Domain;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly log: Logger;
  /** 32 random bytes that stay the same over restarts. */
  readonly secret: Buffer;
  /** Rooms that always exist. */
  readonly rooms: readonly {
    readonly name: string;
    readonly config?: Partial<RoomConfig>;
    readonly topic?: string;
    /** Where the room has its home, when that is not here. */
    readonly home?: RoomAddress;
  }[];
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

/** What the `banyan room` command does. */
export interface RoomAdministration {
  /** Gives a room elsewhere, by its address, a name here. Refuses: bad-name, name-taken, too-many. */
  alias(name: string, address: string): Outcome<Room>;
  /** Takes the name from it again; the room of that name stays, with its log. Refuses: no-such-room. */
  unalias(name: string): Outcome<void>;
}

export interface Core {
  readonly users: Users;
  readonly rooms: Rooms;
  readonly aliases: RoomAdministration;
  readonly accounts: Accounts & AccountAdministration;
  readonly networks: Networks;
  readonly hooks: Hooks;
  /** HMAC of the server's secret for one purpose, 32 bytes. */
  secret(purpose: string): Buffer;
  /** Resolves when everything that has happened so far has been shown, also what would have waited in a busy room. */
  shown(): Promise<void>;
  /** Delivers everything that is queued, ends all sessions with `reason`, and saves state. The storage stays open. */
  close(reason: string): Promise<void>;
}

/** Opens the core: reads rooms, positions and accounts; begins a new epoch after an unclean stop. @throws StorageError */
export async function openCore(options: CoreOptions): Promise<Core> {
  const { storage, clock, log, domain, limits } = options;
  const epoch = await beginEpoch(storage, randomBytes(6).toString('base64url'));
  const logbook = new Logbook({ positions: await storage.allPositions(), forgotten: await forgottenNumber(storage), epoch, domain, clock });
  const delivery = new Delivery(storage, log, {
    recover: (logs) => logbook.reset(logs, storage),
    failed: (room, follower) => users.followerFailed(room, follower),
  });
  const directory = new Directory();
  const saver = new Saver(storage, logbook, log);
  const secret = (purpose: string): Buffer => createHmac('sha256', options.secret).update(purpose).digest();
  const audience = new Audience(directory, delivery, log);
  const table = new Map((await storage.accounts()).map((account) => [account.name, account]));
  const remember = (user: UserState): void => {
    // The account that somebody of a foreign network has there is none of ours. Threat class A9.
    const account = user.kind === 'foreign' || user.account === null ? undefined : table.get(user.account);
    if (account !== undefined) accounts.save({ ...account, rooms: [...user.rooms].map((room) => room.address) });
  };
  const hooks = new HookChain();
  const homes = new Homes(directory, saver);
  const context: Context = {
    directory,
    delivery,
    logbook,
    audience,
    hooks,
    homes,
    saver,
    storage,
    clock,
    limits,
    domain,
    log,
    secret,
    remember,
  };
  const membership = new Membership(context);
  const talk = new Talk(context, membership);
  const moderation = new Moderation(context, membership, talk);
  const privateMessages = new PrivateMessages(context, (name) => table.has(name));
  const accounts = new AccountDirectory(context, table, options.registration, (name) => {
    const user = directory.byAddress.get(userAddress(domain, name));
    if (user !== undefined) users.quit(user, 'the account was removed');
  });
  const users = new UserDirectory(context, membership, privateMessages, table, (account) => accounts.save(account));
  const rooms = new RoomDirectory(context, {
    membership,
    talk,
    moderation,
    privateMessages,
  });
  const networks = new NetworkDirectory({ context, membership, talk, moderation, users, privateMessages });
  await restoreRooms(context, options.rooms);
  await restoreReadPositions(context);

  return {
    users,
    rooms,
    aliases: {
      alias(name, address) {
        const home = homes.namable(address, rooms.byName(name) as RoomState | undefined);
        if (!home.ok) return home;
        const room = rooms.ensure(name, { persistent: true, history: 'joined' });
        return room.ok ? homes.alias(room.value as RoomState, home.value) : room;
      },
      unalias(name) {
        const room = rooms.byName(name);
        return room === undefined ? refused('no-such-room', `There is no room "${name}".`) : homes.unalias(room as RoomState);
      },
    },
    accounts,
    networks,
    hooks,
    secret,
    shown: () => delivery.shown(),
    async close(reason) {
      for (const user of [...directory.users.values()]) {
        for (const session of [...user.sessions]) users.end(session, reason);
        user.lingering?.cancel();
      }
      await delivery.drained();
      await saver.drained();
      await endEpoch(storage);
    },
  };
}
