/** The live state: mutable here, read-only for everybody outside server/directory. */
import type { Member, Room, Follower } from '../contract/rooms.ts';
import type { Session, SessionHandler, User } from '../contract/users.ts';
import type { NetworkHandler } from '../contract/networks.ts';
import type { Timer } from '../contract/host.ts';
import { roomName, type NetworkAddress, type RoomAddress, type SessionAddress, type UserAddress } from '../model/address.ts';
import { compareAffiliation, roleOf, type Affiliation, type Role } from '../model/affiliation.ts';
import {
  roomLog,
  type Author,
  type BanMask,
  type LogAddress,
  type MemberView,
  type Position,
  type RoomConfig,
  type UserView,
} from '../model/event.ts';
import type { UserId } from '../model/ids.ts';
import { SmallSet } from '../model/small-set.ts';
import type { GuestMemory } from './guest-memory.ts';
import type { Bustle } from '../log/bustle.ts';
import { RecentIds } from '../log/recent-ids.ts';
import type { FollowedRoom, FollowerKind } from '../log/delivery.ts';
import type { Logbook } from '../log/logbook.ts';
import type { StoredRoom } from '../storage.ts';

export class UserState implements User {
  readonly id: UserId;
  readonly kind: 'local' | 'foreign';
  readonly guest: boolean;
  readonly since: number;
  readonly rooms = new SmallSet<RoomState>();
  readonly sessions = new SmallSet<SessionState>();
  readonly network: NetworkAddress | null;
  address: UserAddress;
  nick: string;
  ident: string;
  host: string;
  realName: string;
  account: string | null;
  away: string | null = null;
  bot = false;
  administrator = false;
  activeAt: number;
  /** What `authorOf` answered last. */
  author: Author | undefined = undefined;
  /** Runs while the user has no session but may come back. */
  lingering: Timer | undefined;
  /** Which guests of one group of addresses it counts as; undefined for people with accounts. */
  guestGroup: string | undefined;
  /** Private messages of somebody without an account; absent before the first. */
  memory: GuestMemory | undefined = undefined;
  /** Number up to which each room has been read; an account's outlive the user. */
  readPositions: Map<RoomAddress, number> | undefined;
  gone = false;

  constructor(
    facts: Pick<UserState, 'id' | 'kind' | 'guest' | 'since' | 'network' | 'address' | 'nick' | 'ident' | 'host' | 'realName' | 'account'>,
    readPositions?: Map<RoomAddress, number>,
  ) {
    this.readPositions = readPositions;
    this.id = facts.id;
    this.kind = facts.kind;
    this.guest = facts.guest;
    this.since = facts.since;
    this.activeAt = facts.since;
    this.network = facts.network;
    this.address = facts.address;
    this.nick = facts.nick;
    this.ident = facts.ident;
    this.host = facts.host;
    this.realName = facts.realName;
    this.account = facts.account;
  }
}

/** What others see of a user, frozen in time. */
export function viewUser(user: UserState): UserView {
  const { id, address, nick, ident, host, realName, account, away, network, bot } = user;
  return { id, address, nick, ident, host, realName, account, away, network, bot };
}

/** The user as author of what happens now. Made once, and anew when it has changed: safe to keep. */
export function authorOf(user: UserState, nick = user.nick): Author {
  const { address, network, author } = user;
  if (author !== undefined && author.nick === nick && author.address === address) return author;
  user.author = network === null ? { address, nick } : { address, nick, network };
  return user.author;
}

/** One stay of a session in a room; leaving and coming back is another one. */
export interface Visit {
  readonly room: RoomState;
  /** The session is shown the room: everything queued before it came has been shown. */
  followed: boolean;
}

export class SessionState implements Session {
  readonly id: string;
  readonly address: SessionAddress;
  readonly user: UserState;
  readonly via: string;
  readonly client: string;
  readonly remoteAddress: string;
  readonly secure: boolean;
  readonly since: number;
  readonly handler: SessionHandler;
  readonly attach: 'all' | 'none';
  /** Its stays in the rooms that it is to see. */
  readonly visits = new SmallSet<Visit>();
  closed = false;

  constructor(
    facts: Pick<SessionState, 'id' | 'address' | 'user' | 'via' | 'client' | 'remoteAddress' | 'secure' | 'since' | 'handler' | 'attach'>,
  ) {
    this.id = facts.id;
    this.address = facts.address;
    this.user = facts.user;
    this.via = facts.via;
    this.client = facts.client;
    this.remoteAddress = facts.remoteAddress;
    this.secure = facts.secure;
    this.since = facts.since;
    this.handler = facts.handler;
    this.attach = facts.attach;
  }

  visitOf(room: RoomState): Visit | undefined {
    for (const visit of this.visits) if (visit.room === room) return visit;
    return undefined;
  }
}

export class MemberState implements Member {
  readonly who: UserState;
  readonly room: RoomState;
  readonly joined: number;
  operator = false;
  voice = false;
  /** Nick shown in this room only (MUC). */
  roomNick: string | undefined;
  /** In a room that has its home elsewhere: what the home says. */
  affiliationThere: Affiliation | undefined;
  /** The first record logged after the member came in. */
  readonly firstNumber: number;

  constructor(who: UserState, room: RoomState, joined: number, firstNumber: number) {
    this.who = who;
    this.room = room;
    this.joined = joined;
    this.firstNumber = firstNumber;
  }

  get user(): UserId {
    return this.who.id;
  }
  get address(): UserAddress {
    return this.who.address;
  }
  get nick(): string {
    return this.roomNick ?? this.who.nick;
  }
  get affiliation(): Affiliation {
    return this.affiliationThere ?? this.room.affiliationOf(this.who);
  }
  get role(): Role {
    return roleOf(this, this.room.config.moderated);
  }
}

/** A member as it is now, frozen in time. */
export function viewMember(member: MemberState): MemberView {
  const { user, address, nick, affiliation, operator, voice } = member;
  return { user, address, nick, affiliation, operator, voice };
}

export class RoomState implements Room, FollowedRoom {
  readonly address: RoomAddress;
  readonly name: string;
  readonly log: LogAddress;
  readonly created: number;
  /** Number of its first record. Earlier ones belong to a closed room of the same name, whose people were others. */
  readonly first: number;
  config: RoomConfig;
  topic: { readonly text: string; readonly by: string; readonly at: number };
  readonly members = new Map<UserId, MemberState>();
  readonly affiliations = new Map<UserAddress, Affiliation>();
  bans: readonly BanMask[] = [];
  readonly networks = new Set<NetworkAddress>();
  home: RoomAddress | undefined;
  /** How many wait until its home lets them in. */
  entering = 0;
  readonly followers = new Map<Follower, FollowerKind>();
  bustle: Bustle | undefined = undefined;
  unsaved: Promise<void> | undefined = undefined;
  /** Addresses that may enter once although the room is for members only. */
  readonly invited = new Set<UserAddress>();
  /** First number that each address may read under history `joined`. */
  readonly readableFrom = new Map<UserAddress, number>();
  readonly recent: RecentIds;
  closed = false;
  readonly #logbook: Logbook;

  /** `first`: as it was stored; absent for a room that is new. */
  constructor(facts: Pick<RoomState, 'address' | 'created' | 'config'> & { readonly first?: number }, logbook: Logbook, now: number) {
    this.address = facts.address;
    this.name = roomName(facts.address);
    this.log = roomLog(facts.address);
    this.created = facts.created;
    this.config = facts.config;
    this.topic = { text: '', by: '', at: facts.created };
    this.#logbook = logbook;
    this.first = facts.first ?? this.last.number + 1;
    this.recent = new RecentIds(now);
  }

  get last(): Position {
    return this.#logbook.last(this.log);
  }

  memberByNick(nick: string): MemberState | undefined {
    const folded = foldNick(nick);
    for (const member of this.members.values()) if (foldNick(member.nick) === folded) return member;
    return undefined;
  }

  /** Administrators of the server act as owners everywhere. */
  affiliationOf(user: UserState): Affiliation {
    const kept = this.affiliations.get(user.address) ?? 'none';
    return user.administrator && compareAffiliation(kept, 'owner') < 0 ? 'owner' : kept;
  }

  stored(): StoredRoom {
    return {
      address: this.address,
      created: this.created,
      ...(this.home === undefined ? {} : { home: this.home }),
      first: this.first,
      config: this.config,
      topic: this.topic,
      affiliations: [...this.affiliations],
      bans: this.bans,
      since: [...this.readableFrom],
      applied: this.last.number,
    };
  }
}

/** Two nicks with the same fold are one nick (PRECIS NicknameCaseMapped, RFC 8266 section 2). */
export function foldNick(nick: string): string {
  return nick.normalize('NFKC').toLowerCase();
}

export interface NetworkState {
  readonly address: NetworkAddress;
  readonly handler: NetworkHandler;
  readonly watched: Set<UserId>;
  readonly people: Map<UserAddress, UserState>;
  readonly mirrors: Map<RoomState, Follower>;
}

/** Everything that is known, by its keys. */
export class Directory {
  /** What each account has read. */
  readonly readPositions = new Map<string, Map<RoomAddress, number>>();
  readonly users = new Map<UserId, UserState>();
  readonly byAddress = new Map<UserAddress, UserState>();
  /** Local users by folded nick. */
  readonly byNick = new Map<string, UserState>();
  readonly rooms = new Map<RoomAddress, RoomState>();
  /** Rooms that have their home elsewhere, by the address there. */
  readonly homes = new Map<RoomAddress, RoomState>();
  readonly networks = new Map<NetworkAddress, NetworkState>();
  sessions = 0;

  /** The room of that address, or the copy of the one that has its home there. */
  roomAt(address: RoomAddress): RoomState | undefined {
    return this.rooms.get(address) ?? this.homes.get(address);
  }
}
