/** People of a network: introduced, renamed, gone; and who keeps a nick that two have. */
import { dropped, source, speaker, type Side } from './sides.ts';
import type { Effect } from './effects.ts';
import type { Fact } from './facts.ts';
import { findServer, findUser, type NetState, type NetUser } from './state.ts';
import { judgeCollision, savedNickTs } from './timestamps.ts';

/** More than any network has: beyond it a peer is filling our memory. */
const mostUsers = 250_000;

export function applyUser(state: NetState, fact: Extract<Fact, { kind: 'user' }>, side: Side): Effect[] {
  const server = findServer(state, fact.server);
  if (server === undefined || server.ours !== (side === 'ours')) return dropped('a user of a server that is not behind this link');
  // Begins like no nick, so that nobody on the wire can mean it.
  const id = fact.id ?? `!${state.minted++}`;
  if (state.users.has(id)) return dropped('a user whose id is taken');
  if (state.users.size >= mostUsers) return [{ kind: 'violation', why: 'Too many users' }];
  const ts = fact.nickTs ?? 0;
  const user: NetUser = {
    id,
    server,
    ours: server.ours,
    ip: fact.ip,
    signon: fact.signon,
    bot: fact.bot,
    nick: fact.nick,
    nickTs: ts,
    renamedFrom: null,
    ident: fact.ident,
    realHost: fact.realHost,
    host: fact.host,
    realName: fact.realName,
    account: fact.account,
    accountGiven: false,
    away: fact.away,
    channels: new Set(),
    gone: false,
  };
  const effects = claimNick(state, user, fact.nick, ts);
  state.users.set(user.id, user);
  return effects;
}

export function applyNick(state: NetState, fact: Extract<Fact, { kind: 'nick' }>, side: Side): Effect[] {
  const user = speaker(state, side, fact.user);
  if (user === undefined) return dropped('a nick of somebody who is not there');
  const before = user.nick;
  forgetNick(state, user);
  const effects = claimNick(state, user, fact.nick, fact.ts ?? 0);
  user.renamedFrom = before;
  if (user.nick !== before) effects.unshift({ kind: 'renamed', user, before });
  return effects;
}

export function applySave(state: NetState, fact: Extract<Fact, { kind: 'save' }>, side: Side): Effect[] {
  const user = findUser(state, fact.user);
  if (source(state, side, fact.source) === undefined || user === undefined) return dropped('a collision of somebody unknown');
  if (user.nickTs !== fact.ts || user.nick === user.id) return [];
  return lose(state, user);
}

/** A server that saw two people with one nick has thrown both out. */
export function applyCollision(state: NetState, fact: Extract<Fact, { kind: 'collision' }>, side: Side): Effect[] {
  const user = findUser(state, fact.nick);
  if (source(state, side, fact.source) === undefined || user === undefined) return dropped('a collision of somebody unknown');
  removeUser(state, user);
  return [user.ours ? { kind: 'nick-lost', user } : { kind: 'quit', user, reason: 'Nick collision' }];
}

/** Takes a user out of everything. */
export function removeUser(state: NetState, user: NetUser): void {
  user.gone = true;
  state.users.delete(user.id);
  forgetNick(state, user);
  for (const channel of user.channels) {
    channel.members.delete(user);
    if (channel.members.size === 0 && !channel.modes.has('permanent')) state.channels.delete(state.rules.fold(channel.name));
  }
}

function forgetNick(state: NetState, user: NetUser): void {
  const fold = state.rules.fold(user.nick);
  if (state.nicks.get(fold) === user) state.nicks.delete(fold);
}

function setNick(state: NetState, user: NetUser, nick: string, ts: number): void {
  user.nick = nick;
  user.nickTs = ts;
  state.nicks.set(state.rules.fold(nick), user);
}

/** Gives a user a nick, after judging between it and whoever has the nick already. */
function claimNick(state: NetState, user: NetUser, nick: string, ts: number): Effect[] {
  const existing = state.nicks.get(state.rules.fold(nick));
  if (existing === undefined || existing === user) {
    setNick(state, user, nick, ts);
    return [];
  }
  if (state.rules.collisions === 'kill') {
    const effects = yieldNick(state, existing);
    setNick(state, user, nick, ts);
    return effects;
  }
  const verdict = judgeCollision(existing, { nickTs: ts, ident: user.ident, ip: user.ip });
  const effects: Effect[] = [];
  const between = existing.ours !== user.ours;
  if (verdict.existingLoses) {
    if (between && !existing.ours) effects.push(saved(state, existing));
    effects.push(...lose(state, existing));
  }
  if (verdict.incomingLoses) {
    if (between && !user.ours) effects.push({ kind: 'answer', fact: { kind: 'save', source: state.us.id, user: user.id, ts } });
    setNick(state, user, user.id, savedNickTs);
    if (user.ours) effects.push({ kind: 'nick-lost', user });
  } else setNick(state, user, nick, ts);
  return effects;
}

/**
 * Where nicks have no times, a nick that two have was taken on both sides at once. The peer sees the same: somebody of ours
 * who was introduced with it, it throws out together with its own, and says so; a change of nick it refuses, so ours
 * is still there under the nick before, and leaves.
 */
function yieldNick(state: NetState, existing: NetUser): Effect[] {
  removeUser(state, existing);
  if (!existing.ours) return [{ kind: 'quit', user: existing, reason: 'Nick collision' }];
  const effects: Effect[] = [{ kind: 'nick-lost', user: existing }];
  if (existing.renamedFrom !== null)
    effects.push({ kind: 'answer', fact: { kind: 'quit', user: existing.renamedFrom, reason: 'Nick collision' } });
  return effects;
}

function saved(state: NetState, user: NetUser): Effect {
  return { kind: 'answer', fact: { kind: 'save', source: state.us.id, user: user.id, ts: user.nickTs } };
}

/** The user is called by its id until it takes another nick. */
function lose(state: NetState, user: NetUser): Effect[] {
  const before = user.nick;
  forgetNick(state, user);
  setNick(state, user, user.id, savedNickTs);
  return user.ours ? [{ kind: 'nick-lost', user }] : [{ kind: 'renamed', user, before }];
}
