/** What a fact changed, for the bridge to carry over to the core; what the model refused; what must be answered. */
import type { NetBan } from './bans.ts';
import type { Fact } from './facts.ts';
import type { NetChannel, NetServer, NetUser } from './state.ts';

export type Effect =
  /** A server came behind the peer. */
  | { readonly kind: 'server'; readonly server: NetServer }
  | { readonly kind: 'end-of-burst'; readonly server: NetServer }
  | { readonly kind: 'renamed'; readonly user: NetUser; readonly before: string }
  /** Away, account, ident, host or real name. */
  | { readonly kind: 'changed'; readonly user: NetUser }
  | { readonly kind: 'quit'; readonly user: NetUser; readonly reason: string }
  /** Users behind a broken link of theirs. */
  | { readonly kind: 'lost'; readonly users: readonly NetUser[]; readonly near: string; readonly far: string }
  | { readonly kind: 'joined'; readonly channel: NetChannel; readonly users: readonly NetUser[] }
  | { readonly kind: 'parted'; readonly channel: NetChannel; readonly user: NetUser; readonly reason: string }
  | {
      readonly kind: 'kicked';
      readonly channel: NetChannel;
      readonly user: NetUser;
      readonly by: NetUser | NetServer;
      readonly reason: string;
    }
  /** The statuses of a member changed. */
  | { readonly kind: 'status'; readonly channel: NetChannel; readonly user: NetUser }
  /** Modes of the channel itself changed. */
  | { readonly kind: 'modes'; readonly channel: NetChannel }
  /** Entries of a list mode changed: who was barred may not be any more. */
  | { readonly kind: 'lists'; readonly channel: NetChannel }
  /** The other side knows the channel for longer: modes, lists and statuses that were set here are void. */
  | { readonly kind: 'reset'; readonly channel: NetChannel }
  | { readonly kind: 'topic'; readonly channel: NetChannel; readonly by: NetUser | string }
  | {
      readonly kind: 'message';
      readonly source: NetUser | NetServer;
      readonly target: { readonly channel: NetChannel; readonly status: string | undefined } | { readonly user: NetUser };
      readonly fact: Extract<Fact, { readonly kind: 'message' }>;
    }
  | {
      readonly kind: 'typing';
      readonly source: NetUser;
      readonly channel: NetChannel;
      readonly state: 'active' | 'paused' | 'done';
    }
  | { readonly kind: 'invited'; readonly by: NetUser; readonly user: NetUser; readonly channel: string }
  /** One of ours is thrown out of the network. */
  | {
      readonly kind: 'killed';
      readonly user: NetUser;
      readonly by: string;
      readonly reason: string;
      readonly channels: readonly NetChannel[];
    }
  /** One of ours must have another nick: it lost a collision (and is `gone` where that throws it out), or services want so (`wanted`). */
  | { readonly kind: 'nick-lost'; readonly user: NetUser; readonly wanted?: string }
  /** Services gave one of ours an account over there, or took it. */
  | { readonly kind: 'account-given'; readonly user: NetUser }
  /** Services want one of ours in a channel, or out of it. */
  | {
      readonly kind: 'forced';
      readonly user: NetUser;
      readonly by: NetUser | NetServer;
      readonly channel: string;
      readonly join: boolean;
      readonly reason: string;
    }
  /** The network bans somebody from all its servers, or lets in again. */
  | { readonly kind: 'network-banned' | 'network-unbanned'; readonly ban: NetBan }
  /** The owner of a nick that we answer for is asked how long it is idle. */
  | { readonly kind: 'idle-question'; readonly user: NetUser; readonly asker: NetUser }
  | { readonly kind: 'ping'; readonly source: NetServer }
  | { readonly kind: 'pong' }
  /** The model wants this said on the link. */
  | { readonly kind: 'answer'; readonly fact: Fact }
  /** Not believed, or about somebody unknown: counted. */
  | { readonly kind: 'dropped'; readonly why: string }
  /** The peer ends the link. */
  | { readonly kind: 'ended'; readonly reason: string }
  /** Cannot go on: the link is closed with this as its ERROR. */
  | { readonly kind: 'violation'; readonly why: string };
