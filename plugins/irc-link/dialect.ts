/**
 * What a dialect of server-to-server IRC is to the link: a handshake, and a codec between lines and facts. Both are free of
 * I/O. To add one: a folder under dialects/, and a line in dialects/index.ts.
 */
import type { IrcMessage } from '../irc/line.ts';
import type { Fact } from './model/facts.ts';
import type { NetRules, NetState, ServerIdentity } from './model/state.ts';

/** What the peer's software can carry, in bytes unless said otherwise. */
export interface NetLimits {
  readonly nick: number;
  readonly ident: number;
  readonly host: number;
  readonly realName: number;
  readonly channel: number;
  readonly topic: number;
  readonly kick: number;
  readonly quit: number;
  readonly away: number;
  /** Mode changes a line. */
  readonly modes: number;
  /** One line with its end, without tags. */
  readonly line: number;
}

/** Who the peer says it is. Nothing of it is believed before the link has compared it with its configuration. */
export interface Claims extends ServerIdentity {
  readonly password: string;
}

/** Who we are to this peer. */
export interface OwnIdentity extends ServerIdentity {
  readonly password: string;
}

export type HandshakeStep =
  | { readonly kind: 'more'; readonly send: readonly string[] }
  | { readonly kind: 'claims'; readonly claims: Claims }
  | { readonly kind: 'established'; readonly established: Established }
  /** The peer does not want us: its words. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'violation'; readonly why: string };

export interface Handshake {
  /** What to send as soon as the connection stands. */
  begin(): readonly string[];
  receive(line: IrcMessage): HandshakeStep;
  /** The claims were right: what is left to say, and, at once or by a later step, the language from here on. */
  accept(us: OwnIdentity, peer: ServerIdentity): HandshakeStep;
}

export interface Established {
  readonly send: readonly string[];
  readonly codec: Codec;
  readonly rules: NetRules;
  readonly limits: NetLimits;
  /** What the peer says of its software, for people. */
  readonly software: string;
  /** What does not cross because of the protocol, or of what the peer lacks, in a few words each. */
  readonly losses: readonly string[];
}

/** `unknown`: a command that this dialect does not know; `malformed`: one that it knows, but not like this. */
export type Decoded = readonly Fact[] | 'unknown' | 'malformed';

export interface Codec {
  /** Facts of one line; none for what has no meaning here. Never throws. */
  decode(line: IrcMessage): Decoded;
  /**
   * Lines without their ends. What the dialect cannot say is left out; what would not fit is cut at a character.
   * @param state the network as it was before the fact: who is meant, where the dialect knows no ids
   */
  encode(fact: Fact, state: NetState): readonly string[];
}

/** Who connected: it decides who speaks first. */
export type LinkSide = 'dialled' | 'accepted';

export interface Dialect {
  readonly name: string;
  /** Form of a server's id; null where a server is known by its name alone. */
  readonly serverId: RegExp | null;
  /** Whether a peer that dials and begins with this line speaks this dialect. */
  recognises(first: IrcMessage): boolean;
  /** `us` is known from the start only to the side that dialled. Seconds since 1970 come from `now`. */
  handshake(side: LinkSide, us: OwnIdentity | undefined, now: () => number): Handshake;
  /** The n-th (from 0) user id of a server; the whole range is used before one comes back. */
  readonly userId: (serverId: string, n: number) => string;
}
