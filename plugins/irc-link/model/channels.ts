/** Channels of a network: members, modes and topics, by the rules of their timestamps. */
import { dropped, isUser, nameOf, source, speaker, type Side } from './sides.ts';
import type { Effect } from './effects.ts';
import type { Fact, MemberFact, ModeChange } from './facts.ts';
import { findChannel, findUser, type NetChannel, type NetState, type NetUser } from './state.ts';
import { compareChannels, modeChangeCounts, topicReplaces } from './timestamps.ts';

/** More than any network has: beyond it a peer is filling our memory. */
const mostChannels = 250_000;
const mostListEntries = 2_000;

export function applyMembers(state: NetState, fact: Extract<Fact, { kind: 'members' }>, side: Side): Effect[] {
  if (source(state, side, fact.source) === undefined) return dropped('a channel from a server that is not behind this link');
  let channel = findChannel(state, fact.channel);
  const effects: Effect[] = [];
  let theirModesCount = true;
  if (channel === undefined) {
    if (!fact.members.some(({ user }) => speaker(state, side, user) !== undefined)) return dropped('a channel with nobody in it');
    if (state.channels.size >= mostChannels) return [{ kind: 'violation', why: 'Too many channels' }];
    channel = openChannel(fact.channel, fact.ts ?? 0);
    state.channels.set(state.rules.fold(fact.channel), channel);
  } else {
    const verdict = compareChannels(channel.ts, fact.ts);
    theirModesCount = verdict !== 'keep-ours';
    if (verdict === 'take-theirs') effects.push(...resetChannel(channel, fact.ts!));
  }
  if (theirModesCount) effects.push(...changeModes(state, channel, fact.modes));
  const joined: NetUser[] = [];
  for (const member of fact.members) effects.push(...addMember(state, channel, member, theirModesCount, side, joined));
  if (joined.length > 0) effects.push({ kind: 'joined', channel, users: joined });
  return effects;
}

/** A channel before its members: what is set here already stands. */
export function applyChannel(state: NetState, fact: Extract<Fact, { kind: 'channel' }>, side: Side): Effect[] {
  const by = source(state, side, fact.source);
  if (by === undefined) return dropped('a channel from a server that is not behind this link');
  let channel = findChannel(state, fact.channel);
  if (channel === undefined) {
    if (state.channels.size >= mostChannels) return [{ kind: 'violation', why: 'Too many channels' }];
    channel = openChannel(fact.channel, 0);
    state.channels.set(state.rules.fold(fact.channel), channel);
  }
  const effects = channel.modes.size === 0 ? changeModes(state, channel, fact.modes) : [];
  if (channel.topic.text !== '' || fact.topic === '') return effects;
  channel.topic = { text: fact.topic, by: nameOf(by), at: 0 };
  return [...effects, { kind: 'topic', channel, by: isUser(by) ? by : by.name }];
}

function openChannel(name: string, ts: number): NetChannel {
  return { name, ts, members: new Map(), modes: new Map(), lists: new Map(), topic: { text: '', by: '', at: 0 } };
}

function addMember(state: NetState, channel: NetChannel, fact: MemberFact, withStatus: boolean, side: Side, joined: NetUser[]): Effect[] {
  const user = speaker(state, side, fact.user);
  if (user === undefined) return dropped('a member who is not behind this link');
  const known = channel.members.get(user);
  const status = withStatus ? fact.status.filter((name) => state.rules.modes.byName(name)?.type === 'prefix') : [];
  if (known !== undefined) {
    const more = status.filter((name) => !known.status.has(name));
    for (const name of more) known.status.add(name);
    return more.length > 0 ? [{ kind: 'status', channel, user }] : [];
  }
  channel.members.set(user, { user, status: new Set(status), membership: fact.membership });
  user.channels.add(channel);
  joined.push(user);
  return [];
}

/** Somebody knows the channel for longer: what was set here is void. */
function resetChannel(channel: NetChannel, ts: number): Effect[] {
  channel.ts = ts;
  channel.modes.clear();
  const effects: Effect[] = [];
  if (channel.lists.size > 0) effects.push({ kind: 'lists', channel });
  channel.lists.clear();
  for (const { user, status } of channel.members.values()) {
    if (status.size === 0) continue;
    status.clear();
    effects.push({ kind: 'status', channel, user });
  }
  effects.push({ kind: 'reset', channel });
  return effects;
}

export function applyModes(state: NetState, fact: Extract<Fact, { kind: 'modes' }>, side: Side): Effect[] {
  if (source(state, side, fact.source) === undefined) return dropped('modes from somebody who is not behind this link');
  const channel = findChannel(state, fact.channel);
  if (channel === undefined) return dropped('modes of an unknown channel');
  if (!modeChangeCounts(channel.ts, fact.ts)) return dropped('modes for a newer channel of that name');
  return changeModes(state, channel, fact.changes);
}

function changeModes(state: NetState, channel: NetChannel, changes: readonly ModeChange[]): Effect[] {
  const effects: Effect[] = [];
  for (const change of changes) {
    const listType = state.rules.modes.byName(change.mode)?.type;
    switch (listType) {
      case 'prefix': {
        const user = findUser(state, change.param ?? '');
        const member = user === undefined ? undefined : channel.members.get(user);
        if (member === undefined || member.status.has(change.mode) === change.add) break;
        if (change.add) member.status.add(change.mode);
        else member.status.delete(change.mode);
        effects.push({ kind: 'status', channel, user: member.user });
        break;
      }
      case 'list':
        if (change.param !== undefined && changeList(state, channel, change.mode, change.param, change.add))
          effects.push({ kind: 'lists', channel });
        break;
      case 'param':
      case 'param-set':
      case 'simple':
        if (change.add) channel.modes.set(change.mode, change.param ?? true);
        else channel.modes.delete(change.mode);
        if (!effects.some(({ kind }) => kind === 'modes')) effects.push({ kind: 'modes', channel });
        break;
      case undefined:
        break;
      default:
        listType satisfies never;
    }
  }
  return effects;
}

function changeList(state: NetState, channel: NetChannel, mode: string, mask: string, add: boolean): boolean {
  let list = channel.lists.get(mode);
  if (list === undefined) {
    if (!add) return false;
    list = new Set();
    channel.lists.set(mode, list);
  }
  const { fold } = state.rules;
  const known = [...list].find((entry) => fold(entry) === fold(mask));
  if (add === (known !== undefined) || (add && list.size >= mostListEntries)) return false;
  if (add) list.add(mask);
  else list.delete(known!);
  return true;
}

export function applyTopic(state: NetState, fact: Extract<Fact, { kind: 'topic' }>, side: Side): Effect[] {
  const by = source(state, side, fact.source);
  if (by === undefined) return dropped('a topic from somebody who is not behind this link');
  const channel = findChannel(state, fact.channel);
  if (channel === undefined) return dropped('a topic of an unknown channel');
  if (!modeChangeCounts(channel.ts, fact.ts)) return dropped('a topic for a newer channel of that name');
  if (!topicReplaces(channel.topic, { text: fact.text, at: fact.topicTs })) return [];
  const changed = channel.topic.text !== fact.text;
  channel.topic = { text: fact.text, by: fact.setter ?? nameOf(by), at: fact.topicTs ?? channel.topic.at };
  if (!changed) return [];
  return [{ kind: 'topic', channel, by: isUser(by) ? by : (fact.setter?.split('!')[0] ?? by.name) }];
}

export function applyPart(state: NetState, fact: Extract<Fact, { kind: 'part' }>, side: Side): Effect[] {
  const user = speaker(state, side, fact.user);
  const channel = findChannel(state, fact.channel);
  if (user === undefined || channel === undefined || !channel.members.has(user)) return dropped('a part of somebody who is not inside');
  removeMember(state, channel, user);
  return [{ kind: 'parted', channel, user, reason: fact.reason }];
}

export function applyKick(state: NetState, fact: Extract<Fact, { kind: 'kick' }>, side: Side): Effect[] {
  const by = source(state, side, fact.source);
  if (by === undefined) return dropped('a kick by somebody who is not behind this link');
  const user = findUser(state, fact.user);
  const channel = findChannel(state, fact.channel);
  const member = user === undefined ? undefined : channel?.members.get(user);
  if (user === undefined || channel === undefined || member === undefined) return dropped('a kick of somebody who is not inside');
  if (fact.membership !== undefined && member.membership !== undefined && fact.membership !== member.membership)
    return dropped('a kick from an earlier visit');
  removeMember(state, channel, user);
  return [{ kind: 'kicked', channel, user, by, reason: fact.reason }];
}

function removeMember(state: NetState, channel: NetChannel, user: NetUser): void {
  channel.members.delete(user);
  user.channels.delete(channel);
  if (channel.members.size === 0 && !channel.modes.has('permanent')) state.channels.delete(state.rules.fold(channel.name));
}
