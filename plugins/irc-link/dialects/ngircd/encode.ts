/** From a fact to lines, in which everybody is a nick: the state of the network says which. */
import { serialiseLine, UnsafeLineError } from '../../../irc/line.ts';
import type { Fact, Ref } from '../../model/facts.ts';
import type { NetState } from '../../model/state.ts';
import { clip, trailing } from '../text.ts';
import type { NgircdContext } from './codec.ts';

/** The number by which each side of a link calls itself in its NICK lines. */
export const ownToken = '1';

/** What an NJOIN may hold of members, so that the line with its head stays within 512 bytes. */
const memberBytes = 350;

export function encodeFact(fact: Fact, state: NetState, context: NgircdContext): readonly string[] {
  try {
    return linesOf(fact, state, context);
  } catch (error) {
    // A name that cannot be a word of this protocol: nothing is said rather than something else (threat class A2).
    if (error instanceof UnsafeLineError) return [];
    throw error;
  }
}

/** How the network calls a user or a server. */
function nameOf(state: NetState, ref: Ref): string {
  const name = state.users.get(ref)?.nick ?? state.servers.get(ref)?.name ?? ref;
  if (name.startsWith('!')) throw new UnsafeLineError('parameter', 'somebody who is not there any more has no name');
  return name;
}

function linesOf(fact: Fact, state: NetState, context: NgircdContext): readonly string[] {
  const { limits, us } = context;
  const name = (ref: Ref): string => nameOf(state, ref);
  const say = (source: Ref, command: string, params: readonly string[], text: string): string[] => [
    trailing({ source: name(source), command, params, text }),
  ];
  switch (fact.kind) {
    case 'end-of-burst':
      // Answered when everything before it is taken in.
      return say(fact.server, 'PING', [], name(fact.server));
    case 'split':
      return say(fact.source, 'SQUIT', [name(fact.server)], clip(fact.reason, limits.quit));
    case 'user':
      return userLines(fact, state, context);
    case 'nick':
      return [serialiseLine({ source: name(fact.user), command: 'NICK', params: [fact.nick] })];
    case 'away':
      return [serialiseLine({ source: name(fact.user), command: 'MODE', params: [name(fact.user), fact.text === null ? '-a' : '+a'] })];
    case 'account':
      return say(fact.source, 'METADATA', [name(fact.user), 'accountname'], clip(fact.account ?? '', limits.host));
    case 'profile':
      return [
        ...(fact.ident === undefined ? [] : say(us, 'METADATA', [name(fact.user), 'user'], clip(fact.ident, limits.ident))),
        ...(fact.host === undefined ? [] : say(us, 'METADATA', [name(fact.user), 'host'], clip(fact.host, limits.host))),
        ...(fact.realName === undefined ? [] : say(us, 'METADATA', [name(fact.user), 'info'], clip(fact.realName, limits.realName))),
      ];
    case 'quit':
      return say(fact.user, 'QUIT', [], clip(fact.reason, limits.quit));
    case 'kill':
      return say(fact.source, 'KILL', [name(fact.user)], clip(fact.reason, limits.quit));
    case 'members':
      return memberLines(fact, state, context);
    case 'part':
      return say(fact.user, 'PART', [fact.channel], clip(fact.reason, limits.quit));
    case 'kick':
      return say(fact.source, 'KICK', [fact.channel, name(fact.user)], clip(fact.reason, limits.kick));
    case 'modes':
      return modeLines(fact, state, context);
    case 'topic':
      return say(fact.source, 'TOPIC', [fact.channel], clip(fact.text, limits.topic));
    case 'invite':
      return [serialiseLine({ source: name(fact.source), command: 'INVITE', params: [name(fact.user), fact.channel] })];
    case 'message': {
      const to = fact.target.kind === 'user' ? name(fact.target.user) : fact.target.name;
      // There are no messages to some of a channel; to say it to all would be another thing.
      if (fact.target.kind === 'channel' && fact.target.status !== undefined) return [];
      return say(fact.source, fact.notice ? 'NOTICE' : 'PRIVMSG', [to], clip(fact.text, limits.line));
    }
    case 'ping':
      return say(fact.source, 'PING', [], name(fact.source));
    case 'pong':
      return say(fact.source, 'PONG', [name(fact.target)], name(fact.target));
    case 'idle-answer':
      return whoisLines(fact, state, context);
    case 'error':
      return [trailing({ source: undefined, command: 'ERROR', params: [], text: clip(fact.text, 400) })];
    case 'server':
    case 'burst':
    case 'save':
    case 'collision':
    case 'force-nick':
    case 'force-visit':
    case 'network-ban':
    case 'network-unban':
    case 'channel':
    case 'typing':
    case 'idle-question':
      // This protocol has no words for it, or we have no reason to say it: we have no servers behind us, and force nobody.
      return [];
    default:
      return fact satisfies never;
  }
}

function userLines(fact: Extract<Fact, { kind: 'user' }>, state: NetState, { us, limits }: NgircdContext): readonly string[] {
  const { nick, ident, host, bot, away, account } = fact;
  const letters = `+i${away === null ? '' : 'a'}${bot ? 'B' : ''}`;
  const server = nameOf(state, fact.server);
  const realName = clip(fact.realName || nick, limits.realName);
  const lines = [trailing({ source: server, command: 'NICK', params: [nick, '1', ident, host, ownToken, letters], text: realName })];
  if (account !== null)
    lines.push(trailing({ source: us, command: 'METADATA', params: [nick, 'accountname'], text: clip(account, limits.host) }));
  return lines;
}

/** Modes of a channel that begins go in a line of their own. */
function memberLines(fact: Extract<Fact, { kind: 'members' }>, state: NetState, context: NgircdContext): readonly string[] {
  const { modes } = context.rules;
  const chunks: string[] = [];
  for (const { user, status } of fact.members) {
    const word = status.flatMap((one) => modes.byName(one)?.prefix?.symbol ?? []).join('') + nameOf(state, user);
    const last = chunks.at(-1);
    if (last === undefined || last.length + word.length > memberBytes) chunks.push(word);
    else chunks[chunks.length - 1] = `${last},${word}`;
  }
  const source = nameOf(state, fact.source);
  const lines = chunks.map((text) => trailing({ source, command: 'NJOIN', params: [fact.channel], text }));
  return [
    ...lines,
    ...modeLines({ kind: 'modes', source: fact.source, channel: fact.channel, ts: null, changes: fact.modes }, state, context),
  ];
}

function modeLines(fact: Extract<Fact, { kind: 'modes' }>, state: NetState, { rules, limits }: NgircdContext): readonly string[] {
  const changes = fact.changes.map((change) =>
    change.param !== undefined && rules.modes.byName(change.mode)?.type === 'prefix'
      ? { ...change, param: nameOf(state, change.param) }
      : change,
  );
  const source = nameOf(state, fact.source);
  return rules.modes
    .write(changes, { params: limits.modes, bytes: 350 })
    .map(({ modes, params }) => serialiseLine({ source, command: 'MODE', params: [fact.channel, modes, ...params] }));
}

/** A WHOIS from over there is answered by the server of whom it asks for. */
function whoisLines(fact: Extract<Fact, { kind: 'idle-answer' }>, state: NetState, { us, limits }: NgircdContext): readonly string[] {
  const user = state.users.get(fact.user);
  if (user === undefined) return [];
  const asker = nameOf(state, fact.asker);
  const answer = (numeric: string, params: readonly string[], text: string): string =>
    trailing({ source: us, command: numeric, params: [asker, user.nick, ...params], text: clip(text, limits.quit) });
  const channels = [...user.channels].map((channel) => {
    const status = channel.members.get(user)?.status ?? [];
    const best = [...status].flatMap((one) => state.rules.modes.byName(one)?.prefix ?? []).toSorted((a, b) => b.rank - a.rank)[0];
    return `${best?.symbol ?? ''}${channel.name}`;
  });
  return [
    answer('311', [user.ident, user.host, '*'], user.realName || user.nick),
    answer('312', [us], state.us.description || us),
    ...(channels.length === 0 ? [] : [answer('319', [], channels.join(' '))]),
    ...(user.away === null ? [] : [answer('301', [], user.away)]),
    ...(user.account === null ? [] : [answer('330', [user.account], 'is logged in as')]),
    answer('317', [String(fact.idle), String(fact.signon)], 'seconds idle, signon time'),
    answer('318', [], 'End of WHOIS list'),
  ];
}
