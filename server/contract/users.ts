/** Users and sessions for plugins. Implemented in server/directory/. */
import type { NetworkAddress, RoomAddress, SessionAddress, UserAddress } from '../model/address.ts';
import type { LogRecord, MessageStyle, Original, UserChange, UserView } from '../model/event.ts';
import type { EventId, UserId } from '../model/ids.ts';
import type { Outcome, Told } from '../model/outcome.ts';
import type { RichText } from '../model/text.ts';
import type { Follower, Room } from './rooms.ts';

/** A person or bot in live state. Read-only for plugins; change it through the services. */
export interface User extends UserView {
  /** `local` users are ours; `foreign` ones were introduced by a bridge. */
  readonly kind: 'local' | 'foreign';
  readonly guest: boolean;
  readonly administrator: boolean;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** When the user last said or did something, milliseconds since 1970. */
  readonly activeAt: number;
  readonly rooms: ReadonlySet<Room>;
  readonly sessions: ReadonlySet<Session>;
}

/** One connected client. */
export interface Session {
  readonly id: string;
  readonly address: SessionAddress;
  readonly user: User;
  /** Name of the plugin and of the client, for whois. */
  readonly via: string;
  readonly client: string;
  readonly remoteAddress: string;
  readonly secure: boolean;
  readonly since: number;
}

/** A private message or invitation as it reaches somebody. Without an account behind it, it lives in memory only. */
export type PrivateRecord = LogRecord & { readonly content: Extract<LogRecord['content'], { readonly kind: 'private' | 'invitation' }> };

/** Something one user or session sends to another that the core does not understand: CTCP queries, XMPP iq, typing. */
export interface Unicast {
  readonly from: UserView;
  readonly fromSession?: SessionAddress;
  readonly to: UserId;
  readonly toSession?: SessionAddress;
  /** e.g. `ctcp`, `xmpp-iq`. Whoever does not know it ignores it. */
  readonly protocol: string;
  readonly data: unknown;
}

/**
 * What a session's plugin does with what concerns the session. As a Follower it gets the rooms that the session is
 * attached to. All methods are called in the order in which things happened, between the writes of one tick.
 */
export interface SessionHandler extends Follower {
  /** Somebody who shares a room with the user changed, or the user itself (`change.after.id === user.id`). */
  userChanged(change: UserChange): void;
  /** Private messages to or from the user (from: another session of the same user, or this one: compare `via`). */
  privateMessage(record: PrivateRecord, via: Session | undefined): void;
  unicast(message: Unicast): void;
  /** The user came into a room (by this session or another); deliveries for that room follow. Send names, topic, history here. */
  attached(room: Room): void;
  /** The user or this session left; the last delivery was the `left` change. */
  detached(room: Room): void;
  /** The core ends the session (server stop, account removed, kill, send queue); the plugin closes its connection. */
  ended(reason: string): void;
}

export interface SessionOptions {
  /** Client name and version as it says, or the plugin's name. */
  readonly client: string;
  /** IP address, for limits and for a guest's host. */
  readonly remoteAddress: string;
  readonly secure: boolean;
  /** Last part of the session address (XMPP resource); minted when absent. */
  readonly name?: string;
  /** Attach to all rooms of the user at once (IRC, web) or one by one (XMPP). Default `all`. */
  readonly attach?: 'all' | 'none';
}

export interface GuestOptions extends SessionOptions {
  readonly nick: string;
  readonly ident?: string;
  readonly realName?: string;
  /** From `Users.guestToken` of an earlier session: the guest keeps its address. */
  readonly token?: string;
  /** Choose a free nick near the wanted one instead of refusing. */
  readonly anyNick?: boolean;
}

export interface AccountOptions extends SessionOptions {
  /** Proved by the accounts service. */
  readonly account: string;
  /** Wanted nick, when the account has no session yet; default the nick it had last. */
  readonly nick?: string;
  readonly ident?: string;
  readonly realName?: string;
}

export interface PrivateBody {
  readonly text: RichText;
  readonly style: MessageStyle;
  /** Milliseconds since 1970 when it was born elsewhere; default now. */
  readonly born?: number;
  readonly id?: EventId;
  /** Sent through a shared room (MUC private message): answers go back the same way. */
  readonly room?: RoomAddress;
  readonly original?: Original;
}

export interface Users {
  get(id: UserId): User | undefined;
  byAddress(address: UserAddress): User | undefined;
  /** A local user by nick (folded), guests too. Foreign people are found by address, or through a plugin's NickView. */
  byNick(nick: string): User | undefined;
  all(): Iterable<User>;
  readonly count: { readonly local: number; readonly foreign: number; readonly sessions: number };

  /** Signs a guest in. Refuses: nick-in-use, bad-nick, name-taken (an account has it), too-many. */
  connectGuest(options: GuestOptions, handler: SessionHandler): Outcome<Session>;
  /** Adds a session to an account's user, introducing the user when it is the first. */
  connectAccount(options: AccountOptions, handler: SessionHandler): Outcome<Session>;
  /** A signed token with which a guest comes back as the same address after a reconnect or a restart. */
  guestToken(session: Session): string;
  /**
   * Ends a session. When it was the user's last one, the user quits with `reason`; with `linger` milliseconds the user
   * stays that long for a reconnect.
   */
  disconnect(session: Session, reason: string, linger?: number): void;
  /** Attach or detach one session (XMPP); attaching needs membership. */
  attach(session: Session, room: Room): void;
  detach(session: Session, room: Room): void;

  rename(user: User, nick: string): Outcome<User>;
  setAway(user: User, text: string | null): void;
  setRealName(user: User, realName: string): void;
  /**
   * A private message. It goes to the recipient's inbox or network and to all sessions of both; `via` is the session
   * that sent it, which sees it with itself as `via`. Resolves when durable. Refuses: no-such-user, too-large, unavailable.
   */
  sendPrivate(from: User, to: UserAddress, body: PrivateBody, via?: Session): Promise<Outcome<PrivateRecord>>;
  /** The same for who passes on much. */
  submitPrivate(from: User, to: UserAddress, body: PrivateBody, via: Session | undefined, told: Told<PrivateRecord>): void;
  /** Hands something opaque to a user's sessions or network; false when nobody could take it. */
  unicast(message: Unicast): boolean;
  /**
   * Private messages with one correspondent or all, ascending: of an account's inbox, or the last few of a guest, from memory. With
   * `after` the first of the range, else the last.
   */
  readPrivate(
    user: User,
    options: { readonly with?: UserAddress; readonly after?: number; readonly before?: number; readonly limit: number },
  ): Promise<readonly PrivateRecord[]>;
  /** Throws a local user out of the server (operators, bridges with the right to KILL). */
  kill(user: User, reason: string): void;
  /** Users and rooms as everybody may see them; called after changes to live state of people who share no room (monitor, statistics). */
  watch(handler: (change: UserChange | { readonly kind: 'introduced'; readonly user: User }) => void): () => void;
}

export type { NetworkAddress };
