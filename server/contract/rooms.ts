/** Rooms for plugins. Implemented in server/directory/ and server/log/. */
import type { RoomAddress, UserAddress, NetworkAddress } from '../model/address.ts';
import type { Affiliation, Role } from '../model/affiliation.ts';
import type { Circle } from '../model/circle.ts';
import type { BanMask, LogRecord, MemberView, MessageStyle, Original, Position, RoomChange, RoomConfig } from '../model/event.ts';
import type { EventId, UserId } from '../model/ids.ts';
import type { Outcome, Told } from '../model/outcome.ts';
import type { RichText } from '../model/text.ts';
import type { Session, User } from './users.ts';

/** A user's presence in a room. Read-only for plugins. */
export interface Member extends MemberView {
  readonly room: Room;
  readonly who: User;
  readonly role: Role;
  /** Milliseconds since 1970. */
  readonly joined: number;
}

export interface Room {
  readonly address: RoomAddress;
  /** The name without scheme and domain: `lounge`. */
  readonly name: string;
  readonly created: number;
  readonly config: RoomConfig;
  readonly topic: { readonly text: string; readonly by: string; readonly at: number };
  readonly members: ReadonlyMap<UserId, Member>;
  readonly affiliations: ReadonlyMap<UserAddress, Affiliation>;
  readonly bans: readonly BanMask[];
  /** Last logged record. */
  readonly last: Position;
  /** Networks that mirror this room, and the one where it has its home. */
  readonly networks: ReadonlySet<NetworkAddress>;
  /** Where its home is, when that is not here: what happens in it happens there, and this log is a copy. */
  readonly home: RoomAddress | undefined;
  memberByNick(nick: string): Member | undefined;
}

/** One thing that happened in a room, in order. `via` is the follower by which it came: it may need to leave it out. */
export type RoomItem =
  | { readonly kind: 'record'; readonly record: LogRecord; readonly via: Follower | undefined }
  | { readonly kind: 'change'; readonly change: RoomChange; readonly via: Follower | undefined };

/**
 * What happened in one room since the last delivery, for all its followers alike. Encode once per dialect and share:
 * `batch.shared('irc:time,id', () => encode(batch.items))` runs `make` once for all followers that ask for that key.
 */
export interface Batch {
  readonly room: Room;
  readonly items: readonly RoomItem[];
  shared<T>(key: string, make: () => T): T;
  /** Some item came by that follower, so the shared buffer is not for it if it must not see its own. */
  cameBy(follower: Follower): boolean;
}

/** Whatever receives a room's log at this node: a session, a bridge, a child link. */
export interface Follower {
  /** Called at most once a room and tick. Must not throw (a throw ends the follower's connection). */
  deliver(batch: Batch): void;
}

export interface Subscription {
  readonly room: Room;
  readonly follower: Follower;
  stop(): void;
}

export interface MessageBody {
  readonly text: RichText;
  readonly style: MessageStyle;
  readonly original?: Original;
  /** Keep an id that the message already has elsewhere. A room logs one id once; the second is answered with the first record. */
  readonly id?: EventId;
  /** Milliseconds since 1970 when it was born elsewhere; default now. */
  readonly born?: number;
}

export interface JoinOptions {
  readonly key?: string;
  /** Nick to show in this room (MUC); default the user's nick. */
  readonly nick?: string;
  /** Create the room when it does not exist; the creator becomes owner (accounts) or operator (guests). Default true. */
  readonly create?: boolean;
  /** The session that asked: attached at once; others of the user with attach `all` are attached too. */
  readonly session?: Session;
}

export type HistoryRange = { readonly after?: number; readonly before?: number; readonly limit: number; readonly take: 'first' | 'last' };

/** Verbs take the acting user, check rights, run hooks, and answer with an Outcome; what happened comes back by delivery. */
export interface Rooms {
  get(address: RoomAddress): Room | undefined;
  /** A room by name, or one elsewhere by its address; undefined too for names that no room can have. */
  byName(name: string): Room | undefined;
  all(): Iterable<Room>;
  /** The room of that name, made (with default configuration, persistent as given) when there is none. Refuses: bad-name. */
  ensure(name: string, config?: Partial<RoomConfig>): Outcome<Room>;

  /** Refuses: no-such-room, banned, members-only, wrong-key, full, nick-in-use (wanted room nick), already-a-member, bad-name, too-many. */
  join(user: User, name: string, options?: JoinOptions, via?: Follower): Promise<Outcome<Member>>;
  leave(user: User, room: Room, reason: string, via?: Follower): Outcome<void>;
  /** Resolves when the record is durable. Refuses: not-a-member, moderated, banned, too-large, refused-by-hook. */
  say(user: User, room: Room, body: MessageBody, via?: Follower): Promise<Outcome<LogRecord>>;
  /** The same for who passes on much. */
  submit(user: User, room: Room, body: MessageBody, via: Follower | undefined, told: Told<LogRecord>): void;
  /**
   * Says something to those in a room who hold a standing, the author left out: a private message to each, in nobody's log but theirs.
   * Resolves with how many there were, once it is durable. Refuses like `say`, too-many, and not-permitted where the
   * room has its home elsewhere.
   */
  confide(user: User, room: Room, circle: Circle, body: MessageBody): Promise<Outcome<number>>;
  setTopic(user: User, room: Room, topic: string, via?: Follower): Promise<Outcome<LogRecord>>;
  /** Refuses: not-permitted, no-such-user. With `ban` the target's address becomes an outcast (or its host is banned, without an account). */
  kick(
    user: User,
    room: Room,
    target: UserId,
    reason: string,
    options?: { readonly ban?: boolean },
    via?: Follower,
  ): Promise<Outcome<void>>;
  /** Operator status and voice. */
  grant(
    user: User,
    room: Room,
    target: UserId,
    change: { readonly operator?: boolean; readonly voice?: boolean },
    via?: Follower,
  ): Promise<Outcome<void>>;
  setAffiliation(
    user: User,
    room: Room,
    address: UserAddress,
    affiliation: Affiliation,
    reason: string,
    via?: Follower,
  ): Promise<Outcome<void>>;
  ban(user: User, room: Room, mask: string, reason: string, via?: Follower): Promise<Outcome<BanMask>>;
  unban(user: User, room: Room, mask: string, via?: Follower): Promise<Outcome<BanMask>>;
  configure(user: User, room: Room, changes: Partial<RoomConfig>, via?: Follower): Promise<Outcome<void>>;
  /** Invites; lets the invited in once even when members-only. */
  invite(user: User, room: Room, target: UserAddress, reason: string): Promise<Outcome<void>>;
  /** Changes the nick shown in one room (MUC). */
  setRoomNick(user: User, room: Room, nick: string, via?: Follower): Promise<Outcome<void>>;
  typing(user: User, room: Room, state: 'active' | 'paused' | 'done', via?: Follower): void;
  /** Closes a room: everybody leaves, it is no longer found; its log stays in storage. */
  close(user: User, room: Room, reason: string): Promise<Outcome<void>>;

  /**
   * Logged records that `user` may read by the room's history policy, ascending. Refuses: not-a-member (policy `joined`
   * or `none` and not inside), no-such-room. The server itself reads with `user` undefined.
   */
  history(user: User | undefined, room: Room, range: HistoryRange): Promise<Outcome<readonly LogRecord[]>>;
  /** The record with that id, if `user` may read it. */
  find(user: User | undefined, room: Room, id: EventId): Promise<LogRecord | undefined>;
  /** Follows a room as something that is no session: a bridge, an occupant elsewhere. Starts behind everything queued now. */
  follow(room: Room, follower: Follower): Subscription;
  /** What an account has read, kept in its inbox: unread counts are `room.last.number` minus this, counted by kind message. */
  readPosition(user: User, room: Room): number;
  setReadPosition(user: User, room: Room, number: number): void;
}
