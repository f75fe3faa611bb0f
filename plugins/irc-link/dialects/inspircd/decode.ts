/** From a line to facts. Each command has a decoder; undefined means that the line is malformed and is dropped. */
import type { IrcMessage } from '../../../irc/line.ts';
import type { Fact, MemberFact, MessageTarget, ModeChange } from '../../model/facts.ts';
import { isChannel, isNick, isServerName, isUserWord, longestName } from '../names.ts';
import type { InspircdContext } from './codec.ts';
import { addLine, delLine } from './x-lines.ts';

interface Decoder {
  /** Parameters without which it is malformed. */
  readonly least: number;
  read(source: string, params: readonly string[], line: IrcMessage, context: InspircdContext): readonly Fact[] | undefined;
}

/** Commands that mean nothing to us, but are no surprise. */
export const ignored: ReadonlySet<string> = new Set([
  'OPERTYPE',
  'SINFO',
  'VERSION',
  'SNONOTICE',
  'WALLOPS',
  'GLOBOPS',
  'NUM',
  'LMODE',
  'MODE',
  'RESYNC',
  'PUSH',
  'CAPAB',
  'SWHOIS',
  'TIME',
  'ADMIN',
  'MOTD',
  'UNINVITE',
]);

const uuid = /^[0-9][0-9A-Z]{2}[A-Z][0-9A-Z]{5}$/;
const serverId = /^[0-9][0-9A-Z]{2}$/;
function timestamp(text: string | undefined): number | undefined {
  if (text === undefined || !/^[1-9]\d{0,11}$/.test(text)) return undefined;
  return Number(text);
}

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function channelTarget(text: string, context: InspircdContext): MessageTarget | undefined {
  if (isChannel(text)) return { kind: 'channel', name: text };
  const status = context.rules.modes.bySymbol(text.slice(0, 1));
  return status !== undefined && isChannel(text.slice(1)) ? { kind: 'channel', name: text.slice(1), status: status.name } : undefined;
}

function target(text: string, context: InspircdContext): MessageTarget | undefined {
  if (uuid.test(text)) return { kind: 'user', user: text };
  return channelTarget(text, context) ?? (isNick(text) ? { kind: 'user', user: text } : undefined);
}

/** `o,0AAAAAAAB:3`: letters of prefix modes, user, membership id. */
function member(word: string, context: InspircdContext): MemberFact | undefined {
  const match = /^([A-Za-z]*),([0-9A-Z]{9})(?::(\d{1,15}))?$/.exec(word);
  if (match === null) return undefined;
  const [, letters = '', user = '', membership] = match;
  const status = [...letters].flatMap((letter) => context.rules.modes.byLetter(letter)?.name ?? []);
  return { user, status, ...(membership === undefined ? {} : { membership: Number(membership) }) };
}

function modes(letters: string, params: readonly string[], context: InspircdContext): readonly ModeChange[] {
  return context.rules.modes.read(letters, params);
}

function message(notice: boolean): Decoder {
  return {
    least: 2,
    read(source, params, line, context) {
      const to = target(params[0]!, context);
      if (to === undefined) return undefined;
      const time = Date.parse(line.tags.get('time') ?? '');
      const id = line.tags.get('msgid');
      return [
        {
          kind: 'message',
          source,
          target: to,
          notice,
          text: params[1]!,
          ...(Number.isNaN(time) ? {} : { time }),
          ...(id === undefined || id === '' || id.length > 200 ? {} : { id }),
        },
      ];
    },
  };
}

function forcedNick(source: string, [user = '', nick = '']: readonly string[]): readonly Fact[] | undefined {
  return isNick(nick) ? [{ kind: 'force-nick', source, user, nick }] : undefined;
}

function forcedVisit(join: boolean): Decoder {
  return {
    least: 2,
    read: (source, [user = '', channel = '', reason = '']) =>
      isChannel(channel) ? [{ kind: 'force-visit', source, user, channel, join, reason: join ? '' : reason }] : undefined,
  };
}

/** What may also come within ENCAP. */
const forced: ReadonlySet<string> = new Set(['SVSNICK', 'SANICK', 'SVSJOIN', 'SAJOIN', 'SVSPART', 'SAPART']);

function profile(key: 'ident' | 'host' | 'realName'): Decoder {
  return {
    least: 1,
    read: (source, [value = '']) => {
      if (key !== 'realName' && !isUserWord(value)) return undefined;
      return [{ kind: 'profile', user: source, [key]: value }];
    },
  };
}

export const decoders: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  [
    'SERVER',
    {
      least: 3,
      read(source, params) {
        const [name = '', id = ''] = params;
        if (!serverId.test(id) || !isServerName(name)) return undefined;
        return [{ kind: 'server', id, name, description: params.at(-1)!, uplink: source }];
      },
    },
  ],
  [
    'BURST',
    {
      least: 0,
      read: (source, [clock]) => {
        const time = timestamp(clock);
        return [{ kind: 'burst', server: source, ...(time === undefined ? {} : { clock: time }) }];
      },
    },
  ],
  ['ENDBURST', { least: 0, read: (source) => [{ kind: 'end-of-burst', server: source }] }],
  ['SQUIT', { least: 1, read: (source, [server = '', reason = '']) => [{ kind: 'split', source, server, reason }] }],
  // An operator over there wants a server of ours off the network: that is this link.
  ['RSQUIT', { least: 1, read: (source, [server = '', reason = '']) => [{ kind: 'split', source, server, reason }] }],
  ['UID', { least: 10, read: user }],
  [
    'NICK',
    {
      least: 2,
      read(source, [nick = '', time]) {
        const ts = timestamp(time);
        return ts === undefined || !isNick(nick) ? undefined : [{ kind: 'nick', user: source, nick, ts }];
      },
    },
  ],
  [
    'SAVE',
    {
      least: 2,
      read(source, [saved = '', time]) {
        const ts = timestamp(time);
        return ts === undefined ? undefined : [{ kind: 'save', source, user: saved, ts }];
      },
    },
  ],
  ['ADDLINE', { least: 6, read: addLine }],
  ['DELLINE', { least: 2, read: delLine }],
  ['SVSNICK', { least: 2, read: forcedNick }],
  ['SANICK', { least: 2, read: forcedNick }],
  ['SVSJOIN', forcedVisit(true)],
  ['SAJOIN', forcedVisit(true)],
  ['SVSPART', forcedVisit(false)],
  ['SAPART', forcedVisit(false)],
  [
    'AWAY',
    { least: 0, read: (source, params) => [{ kind: 'away', user: source, text: params.length === 0 ? null : params.at(-1)! || null }] },
  ],
  [
    'METADATA',
    {
      least: 2,
      read(source, params) {
        const [of = '', key = ''] = params;
        if (!uuid.test(of) || key !== 'accountname') return [];
        const account = params[2] ?? '';
        return [{ kind: 'account', source, user: of, account: account === '' ? null : account.slice(0, longestName) }];
      },
    },
  ],
  ['FHOST', profile('host')],
  ['FIDENT', profile('ident')],
  ['FNAME', profile('realName')],
  ['QUIT', { least: 0, read: (source, [reason = '']) => [{ kind: 'quit', user: source, reason }] }],
  ['KILL', { least: 1, read: (source, [killed = '', reason = '']) => [{ kind: 'kill', source, user: killed, reason }] }],
  ['FJOIN', { least: 3, read: fjoin }],
  [
    'IJOIN',
    {
      least: 2,
      read(source, [channel = '', id, time, letters = ''], _, context) {
        const membership = count(id);
        if (!isChannel(channel) || membership === undefined) return undefined;
        const status = [...letters.replace(/^\+/, '')].flatMap((letter) => context.rules.modes.byLetter(letter)?.name ?? []);
        const ts = timestamp(time) ?? null;
        return [{ kind: 'members', source, channel, ts, modes: [], members: [{ user: source, status, membership }] }];
      },
    },
  ],
  [
    'PART',
    {
      least: 1,
      read: (source, [channel = '', reason = '']) => (isChannel(channel) ? [{ kind: 'part', user: source, channel, reason }] : undefined),
    },
  ],
  [
    'KICK',
    {
      least: 2,
      read(source, params) {
        const [channel = '', kicked = '', third = '', fourth] = params;
        if (!isChannel(channel)) return undefined;
        const membership = fourth === undefined ? undefined : count(third);
        const reason = fourth ?? third;
        return [{ kind: 'kick', source, channel, user: kicked, reason, ...(membership === undefined ? {} : { membership }) }];
      },
    },
  ],
  [
    'FMODE',
    {
      least: 3,
      read(source, [channel = '', time, letters = '', ...params], _, context) {
        const ts = timestamp(time);
        if (ts === undefined || !isChannel(channel)) return undefined;
        return [{ kind: 'modes', source, channel, ts, changes: modes(letters, params, context) }];
      },
    },
  ],
  [
    'FTOPIC',
    {
      least: 4,
      read(source, params) {
        const [channel = '', time, topicTime, setter = ''] = params;
        const [ts, topicTs] = [timestamp(time), count(topicTime)];
        if (ts === undefined || topicTs === undefined || !isChannel(channel)) return undefined;
        const repeated = params.length > 4 && setter !== '' ? { setter } : {};
        return [{ kind: 'topic', source, channel, ts, topicTs, text: params.at(-1)!, ...repeated }];
      },
    },
  ],
  [
    'INVITE',
    {
      least: 2,
      read: (source, [invited = '', channel = '', time]) =>
        isChannel(channel) ? [{ kind: 'invite', source, user: invited, channel, ts: timestamp(time) ?? null }] : undefined,
    },
  ],
  ['PRIVMSG', message(false)],
  ['NOTICE', message(true)],
  [
    'TAGMSG',
    {
      least: 1,
      read(source, params, line, context) {
        const to = target(params[0]!, context);
        const state = line.tags.get('+typing');
        if (to === undefined) return undefined;
        return state === 'active' || state === 'paused' || state === 'done' ? [{ kind: 'typing', source, target: to, state }] : [];
      },
    },
  ],
  ['PING', { least: 0, read: (source, [to = '']) => [{ kind: 'ping', source, target: to }] }],
  ['PONG', { least: 0, read: (source, [to = '']) => [{ kind: 'pong', source, target: to }] }],
  [
    'IDLE',
    {
      least: 1,
      read(source, [of = '', signonTime, idleTime]) {
        if (signonTime === undefined) return [{ kind: 'idle-question', source, user: of }];
        const [signon, idle] = [count(signonTime), count(idleTime)];
        return signon === undefined || idle === undefined ? undefined : [{ kind: 'idle-answer', user: source, asker: of, signon, idle }];
      },
    },
  ],
  ['ERROR', { least: 0, read: (_, [text = '']) => [{ kind: 'error', text }] }],
  [
    'ENCAP',
    {
      least: 2,
      /** What is addressed to our server within ENCAP means what it means outside. */
      read(source, [, command = '', ...params], line, context) {
        const inner = decoders.get(command);
        return forced.has(command) && inner !== undefined && params.length >= inner.least ? inner.read(source, params, line, context) : [];
      },
    },
  ],
]);

/** `UID uuid ts nick host shown-host ident ip signon +modes [mode parameters] :real name` */
function user(source: string, params: readonly string[], _: IrcMessage, context: InspircdContext): readonly Fact[] | undefined {
  const [id = '', time, nick = '', realHost = '', host = '', ident = '', ip = '', signonTime, letters = ''] = params;
  const [nickTs, signon] = [timestamp(time), timestamp(signonTime)];
  if (nickTs === undefined || signon === undefined || !uuid.test(id) || !id.startsWith(source) || !isNick(nick)) return undefined;
  if ([realHost, host, ident, ip].some((word) => word === '' || word.length > longestName || /[!@]/.test(word))) return undefined;
  const bot = context.botMode !== undefined && letters.includes(context.botMode);
  const realName = params.at(-1)!;
  return [{ kind: 'user', server: source, id, nick, nickTs, ident, realHost, host, ip, signon, realName, account: null, away: null, bot }];
}

/** `FJOIN #channel ts +modes [parameters] :members` */
function fjoin(source: string, params: readonly string[], _: IrcMessage, context: InspircdContext): readonly Fact[] | undefined {
  const [channel = '', time, letters = ''] = params;
  const ts = timestamp(time);
  if (ts === undefined || !isChannel(channel)) return undefined;
  const words = params.length > 3 ? params.at(-1)!.split(' ') : [];
  const members: MemberFact[] = [];
  for (const word of words) {
    if (word === '') continue;
    const read = member(word, context);
    if (read === undefined) return undefined;
    members.push(read);
  }
  return [{ kind: 'members', source, channel, ts, modes: modes(letters, params.slice(3, -1), context), members }];
}
