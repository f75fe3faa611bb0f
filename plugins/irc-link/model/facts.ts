/**
 * Facts of an IRC network, in the same words for every dialect. A dialect's codec turns lines into facts and facts into
 * lines; the model applies facts whoever reported them. References are what the wire says: an id, or a name where the
 * dialect has no ids.
 */

/** A user's id or nick, a server's id or name. */
export type Ref = string;

/**
 * One change of a channel's modes, named by meaning and not by letter, since letters differ between networks. The names
 * are InspIRCd's: `ban`, `op`, `voice`, `key`, `limit`, `inviteonly`, `moderated`, `noextmsg`, `secret`, `topiclock`, ...
 */
export interface ModeChange {
  readonly add: boolean;
  readonly mode: string;
  readonly param?: string;
}

export interface MemberFact {
  readonly user: Ref;
  /** Names of prefix modes: `op`, `voice`, ... */
  readonly status: readonly string[];
  /** Counts the visits, so that a kick that crosses a return does not hit the new visit (InspIRCd). */
  readonly membership?: number;
}

export interface UserFact {
  readonly kind: 'user';
  readonly server: Ref;
  /** Null where the dialect has none: the model then makes one, which no nick can be. */
  readonly id: string | null;
  readonly nick: string;
  /** Seconds since 1970 when the nick was taken; null where the dialect does not tell. */
  readonly nickTs: number | null;
  readonly ident: string;
  readonly realHost: string;
  readonly host: string;
  readonly ip: string;
  readonly signon: number;
  readonly realName: string;
  readonly account: string | null;
  readonly away: string | null;
  readonly bot: boolean;
}

/** What a ban of the whole network means: not to be there; an exception from that; a nick that nobody may have; not to be heard. */
export type NetBanKind = 'bar' | 'exempt' | 'reserve' | 'silence';

export type MessageTarget =
  /** `status`: only members with that prefix mode or a higher one. */
  { readonly kind: 'channel'; readonly name: string; readonly status?: string } | { readonly kind: 'user'; readonly user: Ref };

/** Times of channels and topics are seconds since 1970; `null` where the dialect or the line has none. */
export type Fact =
  | {
      readonly kind: 'server';
      readonly id: string;
      readonly name: string;
      readonly description: string;
      readonly uplink: Ref;
    }
  /** `clock`: what time it is there, seconds since 1970. */
  | { readonly kind: 'burst'; readonly server: Ref; readonly clock?: number }
  | { readonly kind: 'end-of-burst'; readonly server: Ref }
  | { readonly kind: 'split'; readonly source: Ref; readonly server: Ref; readonly reason: string }
  | UserFact
  | { readonly kind: 'nick'; readonly user: Ref; readonly nick: string; readonly ts: number | null }
  /** The loser of a nick collision is renamed to its id. Ignored when its nick is not of that time any more. */
  | { readonly kind: 'save'; readonly source: Ref; readonly user: Ref; readonly ts: number }
  /** Two had one nick: whoever is known by it is thrown out of the network (dialects without times). */
  | { readonly kind: 'collision'; readonly source: Ref; readonly nick: string }
  /** Services want one of our people to have another nick. */
  | { readonly kind: 'force-nick'; readonly source: Ref; readonly user: Ref; readonly nick: string }
  /** Services want one of our people to be in a channel, or not to be. */
  | {
      readonly kind: 'force-visit';
      readonly source: Ref;
      readonly user: Ref;
      readonly channel: string;
      readonly join: boolean;
      readonly reason: string;
    }
  | { readonly kind: 'away'; readonly user: Ref; readonly text: string | null }
  | { readonly kind: 'account'; readonly source: Ref; readonly user: Ref; readonly account: string | null }
  | { readonly kind: 'profile'; readonly user: Ref; readonly ident?: string; readonly host?: string; readonly realName?: string }
  | {
      readonly kind: 'network-ban';
      readonly source: Ref;
      readonly ban: NetBanKind;
      /** What the network calls it, for people, and to tell its bans apart: `G-line`. */
      readonly name: string;
      readonly mask: string;
      /** Seconds since 1970, and for how long; 0 has no end. */
      readonly setAt: number;
      readonly seconds: number;
      readonly reason: string;
    }
  | { readonly kind: 'network-unban'; readonly source: Ref; readonly name: string; readonly mask: string }
  | { readonly kind: 'quit'; readonly user: Ref; readonly reason: string }
  | { readonly kind: 'kill'; readonly source: Ref; readonly user: Ref; readonly reason: string }
  /** What a channel is like, said before anybody is in it. What is set there already stands (dialects without times). */
  | {
      readonly kind: 'channel';
      readonly source: Ref;
      readonly channel: string;
      readonly modes: readonly ModeChange[];
      readonly topic: string;
    }
  /** People in a channel: a burst, or a join. */
  | {
      readonly kind: 'members';
      readonly source: Ref;
      readonly channel: string;
      readonly ts: number | null;
      readonly modes: readonly ModeChange[];
      readonly members: readonly MemberFact[];
    }
  | { readonly kind: 'part'; readonly user: Ref; readonly channel: string; readonly reason: string }
  | {
      readonly kind: 'kick';
      readonly source: Ref;
      readonly channel: string;
      readonly user: Ref;
      readonly membership?: number;
      readonly reason: string;
    }
  | {
      readonly kind: 'modes';
      readonly source: Ref;
      readonly channel: string;
      readonly ts: number | null;
      readonly changes: readonly ModeChange[];
    }
  | {
      readonly kind: 'topic';
      readonly source: Ref;
      readonly channel: string;
      readonly ts: number | null;
      readonly topicTs: number | null;
      /** Who set it, when the source only repeats it (a burst). */
      readonly setter?: string;
      readonly text: string;
    }
  | { readonly kind: 'invite'; readonly source: Ref; readonly user: Ref; readonly channel: string; readonly ts: number | null }
  | {
      readonly kind: 'message';
      readonly source: Ref;
      readonly target: MessageTarget;
      readonly notice: boolean;
      /** As on the wire: formatting codes, CTCP. */
      readonly text: string;
      /** Milliseconds since 1970. */
      readonly time?: number;
      readonly id?: string;
    }
  | { readonly kind: 'typing'; readonly source: Ref; readonly target: MessageTarget; readonly state: 'active' | 'paused' | 'done' }
  | { readonly kind: 'ping'; readonly source: Ref; readonly target: Ref }
  | { readonly kind: 'pong'; readonly source: Ref; readonly target: Ref }
  /** Somebody's WHOIS asks the server of `user` how long it has been idle. */
  | { readonly kind: 'idle-question'; readonly source: Ref; readonly user: Ref }
  | {
      readonly kind: 'idle-answer';
      readonly user: Ref;
      readonly asker: Ref;
      readonly signon: number;
      readonly idle: number;
    }
  | { readonly kind: 'error'; readonly text: string };
