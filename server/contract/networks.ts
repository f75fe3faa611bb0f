/**
 * Foreign networks for bridge plugins. What a network reports has happened: these verbs take facts and check only that the
 * bridge speaks for its own network's people. Implemented in server/directory/networks.ts.
 */
import type { NetworkAddress, RoomAddress, UserAddress } from '../model/address.ts';
import type { Affiliation } from '../model/affiliation.ts';
import type { Circle } from '../model/circle.ts';
import type { BanMask, LeaveCause, LogRecord, RoomConfig, UserChange } from '../model/event.ts';
import type { UserId } from '../model/ids.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Follower, Member, MessageBody, Room } from './rooms.ts';
import type { PrivateBody, PrivateRecord, Session, SessionHandler, SessionOptions, Unicast, User } from './users.ts';

/** A foreign user as its network describes it. */
export interface ForeignUser {
  readonly address: UserAddress;
  readonly nick: string;
  readonly ident: string;
  readonly host: string;
  readonly realName: string;
  readonly account?: string | null;
  readonly away?: string | null;
  readonly bot?: boolean;
}

export interface ForeignMember {
  readonly user: User;
  readonly operator?: boolean;
  readonly voice?: boolean;
  /** In a room that has its home there. */
  readonly affiliation?: Affiliation;
}

/** What a bridge is told about its network as a whole. */
export interface NetworkHandler {
  /** A private message or invitation to one of the network's people; already in the network's outbound log. */
  privateMessage(record: PrivateRecord, to: User): void;
  /** The same for somebody out of reach, whom the plugin's resolver answered with: the record's `content.to` tells who. */
  privateMessageWaits?(record: PrivateRecord): void;
  unicast(message: Unicast, to: User): void;
  /** Somebody changed (or quit) who is not of this network and shares a room mirrored by it, or whom `watch` named. */
  userChanged(change: UserChange): void;
  /** One of the network's people is thrown out of this server by an operator here. */
  killed(user: User, by: string, reason: string): void;
}

/** Somebody of a network that is out of reach, and who is expected back: what is written to that person waits in the outbound log. */
export interface ExpectedPerson {
  readonly expectedBy: NetworkAddress;
  readonly nick: string;
}

export interface NetworkOptions {
  readonly address: NetworkAddress;
  /** For people: `Libera`, `prosody.example`. */
  readonly title: string;
  /** Short name for suffixes of nicks and for `name%label@users.DOMAIN`; unique on this server. */
  readonly label: string;
}

/**
 * What must cross to a network and belongs to no room: private messages and invitations to its people. A bridge keeps the
 * number that has crossed and asks for what comes after it, so that nothing is forgotten when this server is killed.
 */
export interface OutboundLog {
  /** Number of the last record; 0 when there was never any. */
  readonly last: number;
  /** Records after a number, at most `limit` of them, ascending; only what is durable. */
  read(after: number, limit: number): Promise<readonly PrivateRecord[]>;
}

export interface Network {
  readonly address: NetworkAddress;
  readonly title: string;
  readonly label: string;
  readonly users: ReadonlyMap<UserAddress, User>;
  readonly outbound: OutboundLog;
  /**
   * Resolves when everything that the network has reported so far has been shown to everybody. A bridge that works off a burst waits for
   * it between two slices: what it reports is quickly said, and a burst that runs ahead of those who are told keeps everybody else waiting.
   */
  shown(): Promise<void>;

  /** Introduces people (a burst is one call). Who is already known by that address is updated. */
  introduce(users: readonly ForeignUser[]): readonly User[];
  /** A rename keeps the user; `address` changes with it where the address is made of the nick. */
  rename(user: User, nick: string, address?: UserAddress): void;
  update(
    user: User,
    change: {
      readonly ident?: string;
      readonly host?: string;
      readonly realName?: string;
      readonly account?: string | null;
      readonly away?: string | null;
    },
  ): void;
  /** People who quit (or were killed there): leave all rooms and live state. */
  retire(user: User, reason: string): void;
  /** People lost by a split of servers: one change a room, not one a person. */
  split(users: readonly User[], near: string, far: string): void;

  /** For protocols where foreign people have sessions that act one by one (XMPP full JIDs). */
  connect(user: User, options: SessionOptions, handler: SessionHandler): Session;

  mirror(room: Room, follower: Follower): Mirror;
  /** Copies a room that has its home in this network. */
  home(room: Room, follower: Follower): HomeCopy;
  /** Also tell `userChanged` about this user of ours although no mirrored room is shared (it was introduced for a private message). */
  watch(user: UserId): void;
  unwatch(user: UserId): void;

  /** A private message from one of the network's people. `to` is anybody but its own people. */
  privateMessage(from: User, to: UserAddress, body: PrivateBody): Promise<Outcome<PrivateRecord>>;
  /** The network's operators removed one of our people from their network: it leaves the rooms that the network mirrors. */
  killed(target: User, by: string, reason: string): void;
  /** Shown in all mirrored rooms as one quiet line, with the number of people. */
  announce(present: boolean, reason: string): void;
  /** Everything of this network leaves: people, mirrors. */
  withdraw(reason: string): void;
}

/**
 * A room shared with a network that has its own copy of it. Facts come in by these verbs and are not returned to the
 * mirror's follower; whatever else happens in the room reaches the follower, with `via` never itself.
 */
export interface Mirror {
  readonly room: Room;
  readonly network: Network;
  /** Members that belong to the network. */
  members(): Iterable<Member>;
  /** One change for all. `burst` marks the members of a link's start. */
  joined(members: readonly ForeignMember[], burst: boolean): void;
  left(user: User, cause: Extract<LeaveCause, { readonly kind: 'leave' }>): void;
  /** Resolves with the record; a repeated id is answered with the first record. A hook may refuse. */
  said(user: User, body: MessageBody): Promise<Outcome<LogRecord>>;
  /** What was said to those over there who hold a standing, for those of other networks and of ours who hold it here. Resolves with how many. */
  confided(user: User, circle: Circle, body: MessageBody): Promise<Outcome<number>>;
  topic(by: User | string, topic: string): Promise<Outcome<LogRecord>>;
  /** Removes whoever it names, of any network: sharing the room is that trust. False when the link has not that right or the target is not inside. */
  kicked(by: User | string, target: UserId, reason: string): boolean;
  /** Status of the network's own people. Status of ours over there is recorded for the network alone (see the plugin). */
  status(user: User, change: { readonly operator?: boolean; readonly voice?: boolean }): void;
  /** The same in this room alone, with the number of messages that waited for the network. */
  announce(present: boolean, reason: string, waited?: { readonly crossing: number; readonly leftOut: number }): void;
  detach(reason: string): void;
}

/**
 * The copy of a room that has its home over there. What that reports is so, also of people who are not of its network. Its follower
 * is told of what happens here, so that it happens there.
 */
export interface HomeCopy extends Mirror {
  /** One of ours said that, and it was accepted there. `via` is how it came, as the filter was told. */
  accepted(user: User, body: MessageBody, via: Follower | undefined): Promise<Outcome<LogRecord>>;
  /** The author may be anybody. Longer topics than this server allows are cut. */
  topicOf(by: User | string, topic: string): Promise<Outcome<LogRecord>>;
  /** Removes somebody of whatever network, by somebody of whatever network. */
  removed(by: User | string, target: UserId, reason: string, banned: boolean): boolean;
  /** What somebody, of whatever network, is there. */
  standing(target: UserId, standing: { readonly operator: boolean; readonly voice: boolean; readonly affiliation: Affiliation }): void;
  /** What the room is like there, as far as it is shown here. */
  configured(changes: Partial<Pick<RoomConfig, 'moderated' | 'membersOnly' | 'nonAnonymous'>>): void;
}

/** What a plugin knows of rooms that have their home elsewhere. */
export interface RoomHomes {
  /**
   * The address of the room that somebody means by a name that no room of ours can have: `den@conference.example`. It may turn out to be
   * one of ours. Undefined: that name means nothing.
   */
  addressOf(name: string): RoomAddress | undefined;
  /** There is a room here whose home is there: it is, or somebody is about to enter it, or the host gave a name to it. */
  opened(room: Room): void;
  /** It is closed, or has that home no more. */
  closed(room: Room): void;
}

export interface Networks {
  /** Declares a network. One plugin, one network at a time; a second declaration of the same address is an error. */
  declare(options: NetworkOptions, handler: NetworkHandler): Network;
  /**
   * Names who can introduce a foreign user that nobody has heard of yet, by the scheme of the address (`xmpp`), so that a
   * private message can be written to any address; or who can let a message wait for somebody out of reach. The answer removes the
   * resolver again.
   */
  resolver(scheme: 'xmpp' | 'irc', find: (address: UserAddress) => User | ExpectedPerson | undefined): () => void;
  /**
   * Names who knows rooms elsewhere whose addresses have that scheme; it is told at once of those that are there. What is done in such a
   * room is taken to its home by filters; what none takes is refused. The answer removes it again.
   */
  homes(scheme: 'xmpp', homes: RoomHomes): () => void;
  get(address: NetworkAddress): Network | undefined;
  byLabel(label: string): Network | undefined;
  all(): Iterable<Network>;
  /** Networks with an outbound log, declared or not, and the number of its last record: for a bridge that starts. */
  outbound(): Iterable<readonly [NetworkAddress, number]>;
}

export type { Affiliation, BanMask, RoomAddress };
