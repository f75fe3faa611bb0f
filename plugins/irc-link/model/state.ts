/** An IRC network as one of its servers knows it: plain state, changed by model/apply.ts alone. */
import { globMatches } from '../../irc/mask.ts';
import type { NetBan } from './bans.ts';
import type { Ref } from './facts.ts';
import type { ModeTable } from './modes.ts';

export interface NetServer {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** Undefined for ourselves. */
  readonly uplink: NetServer | undefined;
  readonly ours: boolean;
  bursting: boolean;
}

export interface NetUser {
  readonly id: string;
  readonly server: NetServer;
  /** Introduced by us. */
  readonly ours: boolean;
  readonly ip: string;
  readonly signon: number;
  readonly bot: boolean;
  nick: string;
  nickTs: number;
  /** The nick that it had before this one; null while it has the one that it was introduced with. */
  renamedFrom: string | null;
  ident: string;
  readonly realHost: string;
  host: string;
  realName: string;
  account: string | null;
  /** It is the other side that said which account: services over there, for one of ours. */
  accountGiven: boolean;
  away: string | null;
  readonly channels: Set<NetChannel>;
  /** Quit, killed or lost: kept by nobody but whoever still holds the object. */
  gone: boolean;
}

export interface NetMember {
  readonly user: NetUser;
  /** Names of prefix modes. */
  readonly status: Set<string>;
  readonly membership: number | undefined;
}

export interface NetTopic {
  readonly text: string;
  readonly by: string;
  readonly at: number;
}

export interface NetChannel {
  /** As its network spells it. */
  readonly name: string;
  ts: number;
  readonly members: Map<NetUser, NetMember>;
  /** Modes that are set, with their parameter. */
  readonly modes: Map<string, string | true>;
  /** List modes: entries by mode name. */
  readonly lists: Map<string, Set<string>>;
  topic: NetTopic;
}

/** How a network compares names and what it can carry: read in the handshake. */
export interface NetRules {
  /** Two names with the same fold are one name. */
  readonly fold: (name: string) => string;
  readonly modes: ModeTable;
  /** What becomes of two users with one nick: the loser is called by its id (SAVE), or both are thrown out (KILL). */
  readonly collisions: 'save' | 'kill';
  /** A message may be for those alone who have a status in a channel (STATUSMSG). */
  readonly statusMessages: boolean;
}

export interface NetState {
  readonly rules: NetRules;
  readonly us: NetServer;
  /** The server at the other end of the link. */
  readonly peer: NetServer;
  readonly servers: Map<string, NetServer>;
  readonly users: Map<string, NetUser>;
  readonly nicks: Map<string, NetUser>;
  readonly channels: Map<string, NetChannel>;
  /** Bans of the whole network, by name and folded mask. */
  readonly bans: Map<string, NetBan>;
  /** Ids made here so far, for a dialect that has none. */
  minted: number;
}

export interface ServerIdentity {
  readonly id: string;
  readonly name: string;
  readonly description: string;
}

export function openNetState(rules: NetRules, us: ServerIdentity, peer: ServerIdentity): NetState {
  const own: NetServer = { ...us, uplink: undefined, ours: true, bursting: false };
  const other: NetServer = { ...peer, uplink: own, ours: false, bursting: true };
  return {
    rules,
    us: own,
    peer: other,
    servers: new Map([
      [own.id, own],
      [other.id, other],
    ]),
    users: new Map(),
    nicks: new Map(),
    channels: new Map(),
    bans: new Map(),
    minted: 0,
  };
}

/** A user by id, else by nick. */
export function findUser(state: NetState, ref: Ref): NetUser | undefined {
  return state.users.get(ref) ?? state.nicks.get(state.rules.fold(ref));
}

/** A server by id, else by name (names of hosts fold by ASCII, whatever the network does with nicks). */
export function findServer(state: NetState, ref: Ref): NetServer | undefined {
  const byId = state.servers.get(ref);
  if (byId !== undefined || !ref.includes('.')) return byId;
  const name = ref.toLowerCase();
  for (const server of state.servers.values()) if (server.name.toLowerCase() === name) return server;
  return undefined;
}

export function findChannel(state: NetState, name: string): NetChannel | undefined {
  return state.channels.get(state.rules.fold(name));
}

/** The server itself and every server behind it. */
export function subtree(state: NetState, root: NetServer): ReadonlySet<NetServer> {
  const found = new Set([root]);
  // A Map keeps the order of introduction, and an uplink is always introduced before what is behind it.
  for (const server of state.servers.values()) if (server.uplink !== undefined && found.has(server.uplink)) found.add(server);
  return found;
}

/** Whether the bans of a channel's list meet a user; `*` and `?` match, case by the network's folding. */
export function listMatches(
  state: NetState,
  channel: NetChannel,
  mode: string,
  user: Pick<NetUser, 'nick' | 'ident' | 'host' | 'ip'>,
): boolean {
  const list = channel.lists.get(mode);
  if (list === undefined || list.size === 0) return false;
  const { fold } = state.rules;
  const shown = fold(`${user.nick}!${user.ident}@${user.host}`);
  const byAddress = fold(`${user.nick}!${user.ident}@${user.ip}`);
  for (const mask of list) {
    const folded = fold(mask);
    if (globMatches(folded, shown) || globMatches(folded, byAddress)) return true;
  }
  return false;
}
