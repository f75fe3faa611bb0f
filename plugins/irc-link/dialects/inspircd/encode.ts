/** From a fact to lines. Everything is written by the serialiser, which refuses what could become a second command. */
import { serialiseLine, UnsafeLineError } from '../../../irc/line.ts';
import type { Fact, MessageTarget } from '../../model/facts.ts';
import { clip, trailing } from '../text.ts';
import type { InspircdContext } from './codec.ts';
import { lineType } from './x-lines.ts';

/** Beyond it ISO 8601 has no form of four digits for the year, and nothing was said then. */
const latest = Date.parse('9999-12-31T23:59:59Z');

/** What a FJOIN may hold of members, so that the line with its head stays within 512 bytes. */
const memberBytes = 350;

export function encodeFact(fact: Fact, context: InspircdContext): readonly string[] {
  try {
    return linesOf(fact, context);
  } catch (error) {
    // A name that cannot be a word of this protocol: nothing is said rather than something else (threat class A2).
    if (error instanceof UnsafeLineError) return [];
    throw error;
  }
}

function linesOf(fact: Fact, context: InspircdContext): readonly string[] {
  const { limits } = context;
  const line = (source: string | undefined, command: string, ...params: string[]): string[] => [serialiseLine({ source, command, params })];
  /** The last parameter is always written as a trailing one. */
  const say = (source: string, command: string, params: readonly string[], text: string): string[] => [
    trailing({ source, command, params, text }),
  ];
  switch (fact.kind) {
    case 'server':
      return say(fact.uplink, 'SERVER', [fact.name, fact.id], clip(fact.description || fact.name, limits.realName));
    case 'burst':
      return line(fact.server, 'BURST', String(fact.clock ?? context.now()));
    case 'end-of-burst':
      return line(fact.server, 'ENDBURST');
    case 'split':
      return say(fact.source, 'SQUIT', [fact.server], clip(fact.reason, limits.quit));
    case 'user':
      return userLines(fact, context);
    case 'nick':
      return line(fact.user, 'NICK', fact.nick, String(fact.ts ?? context.now()));
    case 'save':
      return line(fact.source, 'SAVE', fact.user, String(fact.ts));
    case 'force-nick':
      return line(fact.source, 'SVSNICK', fact.user, fact.nick, String(context.now()));
    case 'network-ban': {
      const type = lineType(fact.name);
      if (type === undefined) return [];
      return say(
        fact.source,
        'ADDLINE',
        [type, fact.mask, fact.source, String(fact.setAt), String(fact.seconds)],
        clip(fact.reason, limits.kick),
      );
    }
    case 'network-unban': {
      const type = lineType(fact.name);
      return type === undefined ? [] : line(fact.source, 'DELLINE', type, fact.mask);
    }
    case 'force-visit':
      if (fact.join) return line(fact.source, 'SVSJOIN', fact.user, fact.channel);
      return say(fact.source, 'SVSPART', [fact.user, fact.channel], clip(fact.reason, limits.quit));
    case 'away':
      return fact.text === null ? line(fact.user, 'AWAY') : say(fact.user, 'AWAY', [String(context.now())], clip(fact.text, limits.away));
    case 'account':
      return say(fact.source, 'METADATA', [fact.user, 'accountname'], clip(fact.account ?? '', limits.host));
    case 'profile':
      return [
        ...(fact.ident === undefined ? [] : line(fact.user, 'FIDENT', fact.ident)),
        ...(fact.host === undefined ? [] : line(fact.user, 'FHOST', fact.host)),
        ...(fact.realName === undefined ? [] : say(fact.user, 'FNAME', [], clip(fact.realName, limits.realName))),
      ];
    case 'quit':
      return say(fact.user, 'QUIT', [], clip(fact.reason, limits.quit));
    case 'kill':
      return say(fact.source, 'KILL', [fact.user], clip(fact.reason, limits.quit));
    case 'collision':
    case 'channel':
      // Facts of networks without times: here a SAVE, and a FJOIN with somebody in it, say it.
      return [];
    case 'members':
      return memberLines(fact, context);
    case 'part':
      return say(fact.user, 'PART', [fact.channel], clip(fact.reason, limits.quit));
    case 'kick': {
      const visit = fact.membership === undefined ? [] : [String(fact.membership)];
      return say(fact.source, 'KICK', [fact.channel, fact.user, ...visit], clip(fact.reason, limits.kick));
    }
    case 'modes':
      return modeLines(fact, context);
    case 'topic': {
      const setter = fact.setter === undefined ? [] : [fact.setter];
      const times = [String(fact.ts ?? context.now()), String(fact.topicTs ?? context.now())];
      return say(fact.source, 'FTOPIC', [fact.channel, ...times, ...setter], clip(fact.text, limits.topic));
    }
    case 'invite':
      return line(fact.source, 'INVITE', fact.user, fact.channel, String(fact.ts ?? context.now()), '0');
    case 'message':
      return [
        trailing({
          tags: messageTags(fact),
          source: fact.source,
          command: fact.notice ? 'NOTICE' : 'PRIVMSG',
          params: [targetWord(fact.target, context)],
          text: clip(fact.text, limits.line),
        }),
      ];
    case 'typing': {
      if (!context.tagMessages) return [];
      const tags = new Map([['+typing', fact.state]]);
      return [serialiseLine({ tags, source: fact.source, command: 'TAGMSG', params: [targetWord(fact.target, context)] })];
    }
    case 'ping':
      return line(fact.source, 'PING', fact.target);
    case 'pong':
      return line(fact.source, 'PONG', fact.target);
    case 'idle-question':
      return line(fact.source, 'IDLE', fact.user);
    case 'idle-answer':
      return line(fact.user, 'IDLE', fact.asker, String(fact.signon), String(fact.idle));
    case 'error':
      return [trailing({ source: undefined, command: 'ERROR', params: [], text: clip(fact.text, 400) })];
    default:
      return fact satisfies never;
  }
}

function targetWord(target: MessageTarget, context: InspircdContext): string {
  if (target.kind === 'user') return target.user;
  const symbol = target.status === undefined ? undefined : context.rules.modes.byName(target.status)?.prefix?.symbol;
  return `${symbol ?? ''}${target.name}`;
}

function messageTags(fact: Extract<Fact, { kind: 'message' }>): ReadonlyMap<string, string> {
  const tags = new Map<string, string>();
  if (fact.time !== undefined && fact.time >= 0 && fact.time <= latest) tags.set('time', new Date(fact.time).toISOString());
  if (fact.id !== undefined) tags.set('msgid', fact.id);
  return tags;
}

function userLines(fact: Extract<Fact, { kind: 'user' }>, context: InspircdContext): readonly string[] {
  const { limits, botMode } = context;
  const { server, id } = fact;
  // Every user of this protocol has an id; without one there is nothing to say.
  if (id === null) return [];
  const words = [id, String(fact.nickTs ?? context.now()), fact.nick, fact.realHost, fact.host, fact.ident, fact.ip, String(fact.signon)];
  const letters = `+i${fact.bot ? (botMode ?? '') : ''}`;
  const lines = [
    trailing({ source: server, command: 'UID', params: [...words, letters], text: clip(fact.realName || fact.nick, limits.realName) }),
  ];
  if (fact.account !== null) lines.push(...encodeFact({ kind: 'account', source: server, user: id, account: fact.account }, context));
  if (fact.away !== null) lines.push(...encodeFact({ kind: 'away', user: id, text: fact.away }, context));
  return lines;
}

/** Long member lists take several lines; the modes go with the first. */
function memberLines(fact: Extract<Fact, { kind: 'members' }>, context: InspircdContext): readonly string[] {
  const { modes } = context.rules;
  const words = fact.members.map(({ user, status, membership }) => {
    const letters = status.flatMap((name) => modes.byName(name)?.letter ?? []).join('');
    return `${letters},${user}${membership === undefined ? '' : `:${membership}`}`;
  });
  const chunks: string[][] = [[]];
  let size = 0;
  for (const word of words) {
    if (size + word.length > memberBytes) {
      chunks.push([]);
      size = 0;
    }
    chunks.at(-1)!.push(word);
    size += word.length + 1;
  }
  const ts = String(fact.ts ?? context.now());
  return chunks.map((chunk, index) => {
    const written = index === 0 ? modes.write(fact.modes, { params: 10, bytes: 100 })[0] : undefined;
    const params = [fact.channel, ts, written?.modes ?? '+', ...(written?.params ?? [])];
    return trailing({ source: fact.source, command: 'FJOIN', params, text: chunk.join(' ') });
  });
}

function modeLines(fact: Extract<Fact, { kind: 'modes' }>, context: InspircdContext): readonly string[] {
  const ts = String(fact.ts ?? context.now());
  return context.rules.modes
    .write(fact.changes, { params: context.limits.modes, bytes: 350 })
    .map(({ modes, params }) => serialiseLine({ source: fact.source, command: 'FMODE', params: [fact.channel, ts, modes, ...params] }));
}
