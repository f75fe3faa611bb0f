/**
 * Applies a fact to the state of a network and tells what changed. Facts of both sides go through here: `theirs` came over
 * the link, `ours` are about to be sent. Nothing is believed whose source is not on the side that it came from (threat
 * class A9): a server cannot speak for what is not behind it.
 */
import { applyNetworkBan } from './bans.ts';
import type { Effect } from './effects.ts';
import type { Fact } from './facts.ts';
import { applyChannel, applyKick, applyMembers, applyModes, applyPart, applyTopic } from './channels.ts';
import { dropped, nameOf, source, speaker, type Side } from './sides.ts';
import { findChannel, findServer, findUser, subtree, type NetState, type NetUser } from './state.ts';
import { applyCollision, applyNick, applySave, applyUser, removeUser } from './users.ts';

/** More than any network has: beyond it a peer is filling our memory. */
const mostServers = 2_000;

export function applyFact(state: NetState, fact: Fact, side: Side): readonly Effect[] {
  switch (fact.kind) {
    case 'server':
      return applyServer(state, fact, side);
    case 'burst':
    case 'end-of-burst':
      return applyBurst(state, fact, side);
    case 'split':
      return applySplit(state, fact, side);
    case 'user':
      return applyUser(state, fact, side);
    case 'nick':
      return applyNick(state, fact, side);
    case 'save':
      return applySave(state, fact, side);
    case 'collision':
      return applyCollision(state, fact, side);
    case 'force-nick': {
      const user = findUser(state, fact.user);
      if (source(state, side, fact.source) === undefined || user === undefined || user.ours === (side === 'ours'))
        return dropped('a forced nick for somebody unknown');
      return [{ kind: 'nick-lost', user, wanted: fact.nick }];
    }
    case 'force-visit': {
      const by = source(state, side, fact.source);
      const user = findUser(state, fact.user);
      if (by === undefined || user === undefined || user.ours === (side === 'ours')) return dropped('a forced visit of somebody unknown');
      const { channel, join, reason } = fact;
      return [{ kind: 'forced', user, by, channel, join, reason }];
    }
    case 'away':
    case 'profile':
    case 'account':
      return applyChange(state, fact, side);
    case 'network-ban':
    case 'network-unban':
      return applyNetworkBan(state, fact, side);
    case 'quit': {
      const user = speaker(state, side, fact.user);
      if (user === undefined) return dropped('a quit of somebody who is not there');
      removeUser(state, user);
      return [{ kind: 'quit', user, reason: fact.reason }];
    }
    case 'kill':
      return applyKill(state, fact, side);
    case 'channel':
      return applyChannel(state, fact, side);
    case 'members':
      return applyMembers(state, fact, side);
    case 'part':
      return applyPart(state, fact, side);
    case 'kick':
      return applyKick(state, fact, side);
    case 'modes':
      return applyModes(state, fact, side);
    case 'topic':
      return applyTopic(state, fact, side);
    case 'invite': {
      const by = speaker(state, side, fact.source);
      const user = findUser(state, fact.user);
      if (by === undefined || user === undefined) return dropped('an invitation of or by somebody unknown');
      return [{ kind: 'invited', by, user, channel: fact.channel }];
    }
    case 'message':
      return applyMessage(state, fact, side);
    case 'typing': {
      const who = speaker(state, side, fact.source);
      const channel = fact.target.kind === 'channel' ? findChannel(state, fact.target.name) : undefined;
      return who === undefined || channel === undefined ? [] : [{ kind: 'typing', source: who, channel, state: fact.state }];
    }
    case 'ping': {
      const server = findServer(state, fact.source);
      if (server === undefined || server.ours === (side === 'theirs')) return dropped('a ping of an unknown server');
      return [{ kind: 'ping', source: server }];
    }
    case 'pong':
      return [{ kind: 'pong' }];
    case 'idle-question': {
      const asker = speaker(state, side, fact.source);
      const user = findUser(state, fact.user);
      if (asker === undefined || user === undefined || user.ours === (side === 'ours')) return dropped('a whois of or by somebody unknown');
      return [{ kind: 'idle-question', user, asker }];
    }
    case 'idle-answer':
      return [];
    case 'error':
      return [{ kind: 'ended', reason: fact.text }];
    default:
      return fact satisfies never;
  }
}

function applyServer(state: NetState, fact: Extract<Fact, { kind: 'server' }>, side: Side): Effect[] {
  const uplink = findServer(state, fact.uplink);
  if (uplink === undefined || uplink.ours !== (side === 'ours')) return dropped('a server behind an unknown one');
  if (findServer(state, fact.id) !== undefined || findServer(state, fact.name) !== undefined)
    return [{ kind: 'violation', why: `Server ${fact.name} (${fact.id}) already exists here: there is a loop` }];
  if (state.servers.size >= mostServers) return [{ kind: 'violation', why: 'Too many servers' }];
  const { id, name, description } = fact;
  const server = { id, name, description, uplink, ours: uplink.ours, bursting: false };
  state.servers.set(id, server);
  return [{ kind: 'server', server }];
}

function applyBurst(state: NetState, fact: Extract<Fact, { kind: 'burst' | 'end-of-burst' }>, side: Side): Effect[] {
  const server = findServer(state, fact.server);
  if (server === undefined || server.ours !== (side === 'ours')) return dropped('a burst of an unknown server');
  const ended = fact.kind === 'end-of-burst' && server.bursting;
  server.bursting = fact.kind === 'burst';
  return ended ? [{ kind: 'end-of-burst', server }] : [];
}

function applySplit(state: NetState, fact: Extract<Fact, { kind: 'split' }>, side: Side): Effect[] {
  const server = findServer(state, fact.server);
  if (server === undefined) return dropped('a split of an unknown server');
  if (server === state.us || server === state.peer) return [{ kind: 'ended', reason: fact.reason === '' ? 'SQUIT' : fact.reason }];
  if (source(state, side, fact.source) === undefined || server.ours !== (side === 'ours'))
    return dropped('a split of somebody else’s server');
  const gone = subtree(state, server);
  const users: NetUser[] = [];
  for (const user of state.users.values()) if (gone.has(user.server)) users.push(user);
  for (const user of users) removeUser(state, user);
  for (const one of gone) state.servers.delete(one.id);
  return [{ kind: 'lost', users, near: server.uplink?.name ?? state.peer.name, far: server.name }];
}

function applyChange(state: NetState, fact: Extract<Fact, { kind: 'away' | 'profile' | 'account' }>, side: Side): Effect[] {
  const user = fact.kind === 'account' ? findUser(state, fact.user) : speaker(state, side, fact.user);
  if (user === undefined) return dropped('a change of somebody who is not there');
  switch (fact.kind) {
    case 'away':
      user.away = fact.text;
      break;
    case 'account':
      // Services of a network say who somebody is over there, also of ours; we say it of ours alone.
      if (source(state, side, fact.source) === undefined || (side === 'ours' && !user.ours)) return dropped('an account of somebody else');
      user.account = fact.account;
      user.accountGiven = user.ours && side === 'theirs' && fact.account !== null;
      if (user.ours) return side === 'theirs' ? [{ kind: 'account-given', user }] : [];
      break;
    case 'profile':
      user.ident = fact.ident ?? user.ident;
      user.host = fact.host ?? user.host;
      user.realName = fact.realName ?? user.realName;
      break;
    default:
      fact satisfies never;
  }
  return [{ kind: 'changed', user }];
}

function applyKill(state: NetState, fact: Extract<Fact, { kind: 'kill' }>, side: Side): Effect[] {
  const by = source(state, side, fact.source);
  const user = findUser(state, fact.user);
  if (by === undefined || user === undefined) return dropped('a kill of or by somebody unknown');
  const channels = [...user.channels];
  removeUser(state, user);
  if (user.ours === (side === 'ours')) return [{ kind: 'quit', user, reason: fact.reason }];
  return [{ kind: 'killed', user, by: nameOf(by), reason: fact.reason, channels }];
}

function applyMessage(state: NetState, fact: Extract<Fact, { kind: 'message' }>, side: Side): Effect[] {
  const from = source(state, side, fact.source);
  if (from === undefined) return dropped('a message from somebody who is not behind this link');
  if (fact.target.kind === 'channel') {
    const channel = findChannel(state, fact.target.name);
    if (channel === undefined) return dropped('a message to an unknown channel');
    return [{ kind: 'message', source: from, target: { channel, status: fact.target.status }, fact }];
  }
  const user = findUser(state, fact.target.user);
  if (user === undefined || user.ours === (side === 'ours')) return dropped('a message to somebody unknown');
  return [{ kind: 'message', source: from, target: { user }, fact }];
}
