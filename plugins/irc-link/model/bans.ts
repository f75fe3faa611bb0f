/** Bans of a whole network: whom it does not want on any of its servers, nicks that it keeps free, whom it does not hear. */
import { globMatches } from '../../irc/mask.ts';
import type { Effect } from './effects.ts';
import type { Fact, NetBanKind } from './facts.ts';
import { dropped, source, type Side } from './sides.ts';
import type { NetState, NetUser } from './state.ts';

/** More than any network has; each costs something whenever one of ours is introduced. */
const mostBans = 5_000;

export interface NetBan {
  readonly kind: NetBanKind;
  /** What its network calls it: `G-line`. */
  readonly name: string;
  readonly mask: string;
  readonly reason: string;
  /** Seconds since 1970; Infinity when it does not end. */
  readonly until: number;
  /** Folded, for comparing. */
  readonly folded: string;
}

/** What a ban can be compared with. */
export type Bannable = Pick<NetUser, 'nick' | 'ident' | 'host' | 'ip'>;

export function applyNetworkBan(state: NetState, fact: Extract<Fact, { kind: 'network-ban' | 'network-unban' }>, side: Side): Effect[] {
  if (side === 'ours' || source(state, side, fact.source) === undefined)
    return dropped('a network ban of somebody who is not behind this link');
  const key = `${fact.name} ${state.rules.fold(fact.mask)}`;
  if (fact.kind === 'network-unban') {
    const ban = state.bans.get(key);
    state.bans.delete(key);
    return ban === undefined ? [] : [{ kind: 'network-unbanned', ban }];
  }
  if (!state.bans.has(key) && state.bans.size >= mostBans) return dropped('a network ban beyond those that are kept');
  const { ban: kind, name, mask, reason } = fact;
  const until = fact.seconds === 0 ? Infinity : fact.setAt + fact.seconds;
  const ban = { kind, name, mask, reason, until, folded: state.rules.fold(mask) };
  state.bans.set(key, ban);
  return [{ kind: 'network-banned', ban }];
}

/** Forgets bans that have ended, and answers with them. */
export function endedBans(state: NetState, now: number): readonly NetBan[] {
  const ended: NetBan[] = [];
  for (const [key, ban] of state.bans) {
    if (ban.until > now) continue;
    state.bans.delete(key);
    ended.push(ban);
  }
  return ended;
}

/** The ban by which the network does not want somebody; undefined too for whom it has excepted. */
export function barringBan(state: NetState, who: Bannable): NetBan | undefined {
  const ban = findBan(state, who, 'bar');
  return ban === undefined || findBan(state, who, 'exempt') !== undefined ? undefined : ban;
}

export function silencingBan(state: NetState, who: Bannable): NetBan | undefined {
  return findBan(state, who, 'silence');
}

/** The ban that keeps a nick free. */
export function reservation(state: NetState, foldedNick: string): NetBan | undefined {
  for (const ban of state.bans.values()) if (ban.kind === 'reserve' && globMatches(ban.folded, foldedNick)) return ban;
  return undefined;
}

function findBan(state: NetState, who: Bannable, kind: NetBanKind): NetBan | undefined {
  if (state.bans.size === 0) return undefined;
  const { fold } = state.rules;
  const [nick, ident, host] = [fold(who.nick), fold(who.ident), fold(who.host)];
  const at = [`${ident}@${host}`, `${ident}@${who.ip}`];
  for (const ban of state.bans.values()) {
    if (ban.kind === kind && meets(ban.folded, nick, at, host, who.ip)) return ban;
  }
  return undefined;
}

/** `nick!ident@host`, `ident@host`, a host, an address, or a range of addresses. */
function meets(mask: string, nick: string, at: readonly string[], host: string, ip: string): boolean {
  if (mask.includes('!')) return at.some((one) => globMatches(mask, `${nick}!${one}`));
  if (mask.includes('@')) return at.some((one) => globMatches(mask, one));
  return globMatches(mask, host) || globMatches(mask, ip) || isInRange(mask, ip);
}

/** `192.0.2.0/24`; the people of whom it is asked have addresses of that kind. */
function isInRange(mask: string, ip: string): boolean {
  const [net = '', bits = ''] = mask.split('/');
  const [first, address] = [addressNumber(net), addressNumber(ip)];
  if (first === undefined || address === undefined || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) return false;
  const size = 2 ** (32 - Number(bits));
  return Math.floor(first / size) === Math.floor(address / size);
}

function addressNumber(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  return parts === undefined || parts.some((part) => part > 255) ? undefined : parts.reduce((sum, part) => sum * 256 + part, 0);
}
