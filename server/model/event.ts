/**
 * Events. Logged ones are immutable facts that the room's home numbers and appends; state changes are ephemeral and
 * travel to followers in the same order, between the logged ones.
 */
import type { NetworkAddress, RoomAddress, UserAddress, Brand, Domain } from './address.ts';
import type { Affiliation } from './affiliation.ts';
import type { Circle } from './circle.ts';
import type { EventId, UserId } from './ids.ts';
import type { RichText } from './text.ts';

/** Who did something, as known when it happened: readable long after the person left. */
export interface Author {
  readonly address: UserAddress;
  readonly nick: string;
  /** Set for people of foreign networks. */
  readonly network?: NetworkAddress;
}

/**
 * What an event may carry of its own protocol's form, so that two ends of one protocol lose nothing in between.
 * Untrusted: whoever emits it re-parses and allow-lists it; it never sets id, sender, time or visible text.
 */
export interface Original {
  readonly protocol: string;
  /** Size-capped (8 KiB as JSON) by the core. */
  readonly data: unknown;
}

export type MessageStyle = 'normal' | 'action' | 'notice';

export type LoggedContent =
  | {
      readonly kind: 'message';
      readonly author: Author;
      readonly text: RichText;
      readonly style: MessageStyle;
      readonly original?: Original;
    }
  | { readonly kind: 'topic'; readonly author: Author; readonly topic: string }
  | { readonly kind: 'kick'; readonly author: Author; readonly target: Author; readonly reason: string; readonly banned: boolean }
  | { readonly kind: 'config'; readonly author: Author; readonly changes: Partial<RoomConfig> }
  | {
      readonly kind: 'affiliation';
      readonly author: Author;
      readonly address: UserAddress;
      readonly affiliation: Affiliation;
      readonly reason: string;
    }
  | { readonly kind: 'ban'; readonly author: Author; readonly add: boolean; readonly ban: BanMask }
  /** Display lines: for reading, never for keeping a member list (membership is state). */
  | { readonly kind: 'join'; readonly who: Author }
  | { readonly kind: 'leave'; readonly who: Author; readonly reason: string; readonly quit: boolean }
  | { readonly kind: 'nick'; readonly who: Author; readonly nick: string }
  /** A network came (back) or went away; `count` people with it. */
  | {
      readonly kind: 'network';
      readonly network: NetworkAddress;
      readonly present: boolean;
      readonly count: number;
      readonly reason: string;
      /** Messages of this room that waited for it and cross now, and those that do not, being too old or too many. */
      readonly crossing?: number;
      readonly leftOut?: number;
    }
  /** In an inbox or an outbound log only. */
  | {
      readonly kind: 'private';
      readonly author: Author;
      readonly to: Author;
      readonly text: RichText;
      readonly style: MessageStyle;
      readonly room?: RoomAddress;
      /** One of the copies that all of the room with that standing got. */
      readonly circle?: Circle;
      readonly original?: Original;
    }
  | { readonly kind: 'invitation'; readonly author: Author; readonly to: Author; readonly room: RoomAddress; readonly reason: string };

export type LoggedKind = LoggedContent['kind'];

/** The name of a log: a room, an account's inbox, or a network's outbound log. */
export type LogAddress = Brand<string, 'LogAddress'>;

const roomPrefix = 'room ';
const outboundPrefix = 'outbound ';

export function roomLog(room: RoomAddress): LogAddress {
  return `${roomPrefix}${room}` as LogAddress;
}
/** Whether that is the log of a room. */
export function isRoomLog(log: LogAddress): boolean {
  return log.startsWith(roomPrefix);
}
/** The room whose log that is. */
export function roomOfLog(log: LogAddress): RoomAddress | undefined {
  return isRoomLog(log) ? (log.slice(roomPrefix.length) as RoomAddress) : undefined;
}
export function inboxLog(user: UserAddress): LogAddress {
  return `inbox ${user}` as LogAddress;
}
export function outboundLog(network: NetworkAddress): LogAddress {
  return `${outboundPrefix}${network}` as LogAddress;
}
/** The network whose outbound log that is; nothing for any other log. */
export function networkOfOutbound(log: LogAddress): NetworkAddress | undefined {
  return log.startsWith(outboundPrefix) ? (log.slice(outboundPrefix.length) as NetworkAddress) : undefined;
}

/** One appended event. `digest` covers salt and content; `chain` covers the header, the digest and the chain before. */
export interface LogRecord<Content extends LoggedContent = LoggedContent> {
  readonly log: LogAddress;
  readonly epoch: string;
  readonly number: number;
  readonly id: EventId;
  /** Who brought it into being: our domain, or the foreign network. */
  readonly origin: Domain | NetworkAddress;
  /** Milliseconds since 1970, where it was born and when it was logged. */
  readonly born: number;
  readonly logged: number;
  readonly salt: string;
  readonly digest: string;
  readonly chain: string;
  readonly content: Content;
}

/** A follower's place in a log. `chain` is the chain hash of record `number`; number 0 is before the first record. */
export interface Position {
  readonly epoch: string;
  readonly number: number;
  readonly chain: string;
}

/** Which history a member may read. `joined`: from the own first joining on. */
export type HistoryPolicy = 'none' | 'joined' | 'all';

export interface RoomConfig {
  readonly title: string;
  /** Only members with voice may speak (IRC m, MUC moderated). */
  readonly moderated: boolean;
  /** Only members, admins, owners and invited people may enter (IRC i, MUC members-only). */
  readonly membersOnly: boolean;
  /** Not listed (IRC s, MUC hidden). */
  readonly hidden: boolean;
  /** Only moderators may change the topic (IRC t). */
  readonly topicLocked: boolean;
  /** Only members of the room may speak (IRC n). */
  readonly membersSpeak: boolean;
  /** Password (IRC k), or none. */
  readonly key: string | null;
  /** Most members (IRC l), or none. */
  readonly limit: number | null;
  readonly history: HistoryPolicy;
  /** Everybody sees real addresses (MUC non-anonymous). */
  readonly nonAnonymous: boolean;
  /** The room stays when its last member leaves. */
  readonly persistent: boolean;
  /** Whether joins, leaves and nick changes are logged as display lines. */
  readonly showJoins: boolean;
}

/** A ban by pattern `nick!user@host` (`*` and `?` match), judged at the home. Affiliation outcast bans an address. */
export interface BanMask {
  readonly mask: string;
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly reason: string;
}

/** Why members appeared. */
export type JoinCause = { readonly kind: 'join' } | { readonly kind: 'burst'; readonly network: NetworkAddress };

/**
 * Why members went. `split` names the two servers (or networks) between which the link broke; it comes once a room, with
 * all members lost: who was in two rooms comes in both.
 */
export type LeaveCause =
  | { readonly kind: 'leave'; readonly reason: string }
  | { readonly kind: 'quit'; readonly reason: string }
  | { readonly kind: 'kick'; readonly by: Author; readonly reason: string; readonly banned: boolean }
  | { readonly kind: 'split'; readonly network: NetworkAddress; readonly near: string; readonly far: string }
  | { readonly kind: 'affiliation'; readonly by: Author; readonly reason: string }
  | { readonly kind: 'room-closed'; readonly reason: string };

/** A member as it was at the moment of a change; safe to keep. */
export interface MemberView {
  readonly user: UserId;
  readonly address: UserAddress;
  readonly nick: string;
  readonly affiliation: Affiliation;
  readonly operator: boolean;
  readonly voice: boolean;
}

/** Ephemeral changes of a room's state. */
export type RoomChange =
  | { readonly kind: 'joined'; readonly members: readonly MemberView[]; readonly cause: JoinCause }
  | { readonly kind: 'left'; readonly members: readonly MemberView[]; readonly cause: LeaveCause }
  /** Operator status, voice, affiliation, or (MUC) the nick shown in this room changed; `by` is absent for the server's own act. */
  | { readonly kind: 'member'; readonly before: MemberView; readonly after: MemberView; readonly by?: Author }
  | { readonly kind: 'typing'; readonly member: MemberView; readonly state: 'active' | 'paused' | 'done' };

/** What a user is to others, as it was at the moment of a change; safe to keep. */
export interface UserView {
  readonly id: UserId;
  readonly address: UserAddress;
  readonly nick: string;
  readonly ident: string;
  /** Shown host: stable, under the origin's name. */
  readonly host: string;
  readonly realName: string;
  readonly account: string | null;
  readonly away: string | null;
  readonly network: NetworkAddress | null;
  /** A service member or bot. */
  readonly bot: boolean;
}

/** A change of a user, told once to everybody who shares a room with the user (and to the user's own sessions). */
export type UserChange =
  | { readonly kind: 'nick'; readonly before: UserView; readonly after: UserView }
  | { readonly kind: 'away'; readonly before: UserView; readonly after: UserView }
  | { readonly kind: 'account'; readonly before: UserView; readonly after: UserView }
  /** ident, host or real name. */
  | { readonly kind: 'profile'; readonly before: UserView; readonly after: UserView }
  /** The user is gone from live state, thrown out by an administrator when `killed`; the rooms' `left` changes are not sent besides to who gets this. */
  | { readonly kind: 'quit'; readonly before: UserView; readonly reason: string; readonly killed?: boolean };
