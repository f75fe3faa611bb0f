/** From a line to facts. Each command has a decoder; undefined means that the line is malformed and is dropped. */
import type { Fact, MemberFact, MessageTarget, ModeChange } from '../../model/facts.ts';
import { isBanMask, isChannel, isNick, isServerName, isUserWord, longestName } from '../names.ts';
import type { NgircdContext } from './codec.ts';

interface Decoder {
  /** Parameters without which it is malformed. */
  readonly least: number;
  read(source: string, params: readonly string[], context: NgircdContext): readonly Fact[] | undefined;
}

/** Commands that mean nothing to us, but are no surprise: bans of one server, texts for operators, questions to a server. */
export const ignored: ReadonlySet<string> = new Set([
  'KLINE',
  'WALLOPS',
  'SQUERY',
  'ADMIN',
  'INFO',
  'LINKS',
  'LUSERS',
  'MOTD',
  'NAMES',
  'STATS',
  'SUMMON',
  'TIME',
  'TRACE',
  'USERS',
  'VERSION',
  'WHOWAS',
  'CONNECT',
  'DISCONNECT',
  'DIE',
  'REHASH',
  'RESTART',
  'HISTORY',
]);

/** All that others are told of somebody's being away: the text stays on its server. */
const awayText = 'Away';
const mostChannelsALine = 50;

/** `~@nick`: any number of symbols, the nick. */
function member(word: string, { rules }: NgircdContext): MemberFact | undefined {
  const status: string[] = [];
  let at = 0;
  for (let mode = rules.modes.bySymbol(word.charAt(at)); mode !== undefined; mode = rules.modes.bySymbol(word.charAt(++at)))
    if (!status.includes(mode.name)) status.push(mode.name);
  const user = word.slice(at);
  return isNick(user) ? { user, status } : undefined;
}

function statusOf(letters: string, { rules }: NgircdContext): string[] {
  return [...new Set(letters)].flatMap((letter) => {
    const mode = rules.modes.byLetter(letter);
    return mode?.type === 'prefix' ? [mode.name] : [];
  });
}

function message(notice: boolean): Decoder {
  return {
    least: 2,
    read(source, [to = '', text = '']) {
      const target: MessageTarget | undefined = isChannel(to)
        ? { kind: 'channel', name: to }
        : isNick(to)
          ? { kind: 'user', user: to }
          : undefined;
      return target === undefined ? undefined : [{ kind: 'message', source, target, notice, text }];
    },
  };
}

/** Channels that begin with & or + stay on their server; a peer that tells of them tells nothing to us. */
function isForeign(channel: string): boolean {
  return /^[&+!]/.test(channel);
}

export const decoders: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  [
    'SERVER',
    {
      least: 4,
      /** The number by which the peer calls the server in NICK lines is its id here. */
      read(source, [name = '', , token = '', description = '']) {
        if (!isServerName(name) || !/^\d{1,9}$/.test(token)) return undefined;
        return [{ kind: 'server', id: token, name, description, uplink: source }];
      },
    },
  ],
  ['SQUIT', { least: 1, read: (source, [server = '', reason = '']) => [{ kind: 'split', source, server, reason }] }],
  ['NICK', { least: 1, read: nick }],
  ['SERVICE', { least: 6, read: service }],
  ['METADATA', { least: 3, read: metadata }],
  ['QUIT', { least: 0, read: (source, [reason = '']) => [{ kind: 'quit', user: source, reason }] }],
  [
    'KILL',
    {
      least: 1,
      read(source, [killed = '', reason = '']) {
        if (!isNick(killed)) return undefined;
        const collided = isServerName(source) && /^nick(?:name)? collision/i.test(reason);
        return [collided ? { kind: 'collision', source, nick: killed } : { kind: 'kill', source, user: killed, reason }];
      },
    },
  ],
  [
    'SVSNICK',
    {
      least: 2,
      read: (source, [user = '', wanted = '']) =>
        isNick(user) && isNick(wanted) ? [{ kind: 'force-nick', source, user, nick: wanted }] : undefined,
    },
  ],
  ['CHANINFO', { least: 2, read: channelInfo }],
  [
    'NJOIN',
    {
      least: 2,
      read(source, [channel = '', words = ''], context) {
        if (isForeign(channel)) return [];
        if (!isChannel(channel)) return undefined;
        const members: MemberFact[] = [];
        for (const word of words.split(',')) {
          if (word === '') continue;
          const read = member(word, context);
          if (read === undefined) return undefined;
          members.push(read);
        }
        return [{ kind: 'members', source, channel, ts: null, modes: [], members }];
      },
    },
  ],
  [
    'JOIN',
    {
      least: 1,
      /** `JOIN #channel`, or with the statuses of whoever opens it: `JOIN #channel<BEL>o`. */
      read(source, [list = ''], context) {
        const facts: Fact[] = [];
        for (const word of list.split(',').slice(0, mostChannelsALine)) {
          const [channel = '', letters = ''] = word.split('\u0007');
          if (isForeign(channel)) continue;
          if (!isChannel(channel)) return undefined;
          const members = [{ user: source, status: statusOf(letters, context) }];
          facts.push({ kind: 'members', source, channel, ts: null, modes: [], members });
        }
        return facts;
      },
    },
  ],
  [
    'PART',
    {
      least: 1,
      read(source, [list = '', reason = '']) {
        const channels = list.split(',').slice(0, mostChannelsALine);
        if (!channels.every((channel) => isChannel(channel) || isForeign(channel))) return undefined;
        return channels.filter(isChannel).map((channel) => ({ kind: 'part', user: source, channel, reason }));
      },
    },
  ],
  [
    'KICK',
    {
      least: 2,
      read: (source, [channel = '', user = '', reason = '']) =>
        isChannel(channel) && isNick(user) ? [{ kind: 'kick', source, channel, user, reason }] : isForeign(channel) ? [] : undefined,
    },
  ],
  ['MODE', { least: 2, read: mode }],
  [
    'TOPIC',
    {
      least: 2,
      read(source, [channel = '', text = '']) {
        if (!isChannel(channel)) return isForeign(channel) ? [] : undefined;
        return [{ kind: 'topic', source, channel, ts: null, topicTs: null, text }];
      },
    },
  ],
  [
    'INVITE',
    {
      least: 2,
      read: (source, [user = '', channel = '']) =>
        isNick(user) && isChannel(channel) ? [{ kind: 'invite', source, user, channel, ts: null }] : undefined,
    },
  ],
  [
    'GLINE',
    {
      least: 1,
      /** `GLINE nick!ident@host 60 :reason`, seconds from now; the mask alone lifts it. */
      read(source, [mask = '', duration, reason = ''], context) {
        const name = 'G-line';
        if (!isBanMask(mask)) return undefined;
        if (duration === undefined) return [{ kind: 'network-unban', source, name, mask }];
        if (!/^\d{1,12}$/.test(duration)) return undefined;
        return [{ kind: 'network-ban', source, ban: 'bar', name, mask, setAt: context.now(), seconds: Number(duration), reason }];
      },
    },
  ],
  ['PRIVMSG', message(false)],
  ['NOTICE', message(true)],
  [
    'WHOIS',
    {
      least: 1,
      /** `WHOIS server nick`; the server is ours, else it would not have come here. */
      read: (source, params) => (isNick(params.at(-1)!) ? [{ kind: 'idle-question', source, user: params.at(-1)! }] : []),
    },
  ],
  // The first PING after everything is all there is to tell where a burst ends; the answer to ours proves the same.
  [
    'PING',
    {
      least: 0,
      read: (source, [to = '']) => [
        { kind: 'ping', source, target: to },
        { kind: 'end-of-burst', server: source },
      ],
    },
  ],
  [
    'PONG',
    {
      least: 0,
      read: (source, [to = '']) => [
        { kind: 'pong', source, target: to },
        { kind: 'end-of-burst', server: source },
      ],
    },
  ],
  ['ERROR', { least: 0, read: (_, [text = '']) => [{ kind: 'error', text }] }],
]);

/** `NICK nick hops ident host token +modes :real name` introduces somebody, `NICK new` is a change. */
function nick(source: string, params: readonly string[]): readonly Fact[] | undefined {
  const [name = '', , ident = '', host = '', server = '', letters = ''] = params;
  if (!isNick(name)) return undefined;
  if (params.length === 1) return [{ kind: 'nick', user: source, nick: name, ts: null }];
  if (params.length < 7 || !/^\d{1,9}$/.test(server) || !isUserWord(ident) || !isUserWord(host)) return undefined;
  return [
    person({
      server,
      nick: name,
      ident,
      host,
      realName: params[6]!,
      away: letters.includes('a') ? awayText : null,
      bot: letters.includes('B'),
    }),
  ];
}

/** `SERVICE nick!ident@host token distribution +modes hops :info`, or the nick alone (RFC 2813 section 4.1.4). */
function service(_: string, [mask = '', server = '', , , , realName = '']: readonly string[]): readonly Fact[] | undefined {
  const [, nick = '', ident = 'service', host = 'services'] = /^([^!@]+)(?:!([^!@]+)@([^!@]+))?$/.exec(mask) ?? [];
  if (!isNick(nick) || !isUserWord(ident) || !isUserWord(host) || !/^\d{1,9}$/.test(server)) return undefined;
  return [person({ server, nick, ident, host, realName, away: null, bot: true })];
}

interface Person {
  readonly server: string;
  readonly nick: string;
  readonly ident: string;
  readonly host: string;
  readonly realName: string;
  readonly away: string | null;
  readonly bot: boolean;
}

/** The protocol tells no address besides the host, and no times. */
function person(known: Person): Fact {
  return { kind: 'user', id: null, nickTs: null, realHost: known.host, ip: known.host, signon: 0, account: null, ...known };
}

function metadata(source: string, [user = '', key = '', value = '']: readonly string[]): readonly Fact[] | undefined {
  if (!isNick(user)) return undefined;
  switch (key.toLowerCase()) {
    case 'accountname':
      return [{ kind: 'account', source, user, account: value === '' ? null : value.slice(0, longestName) }];
    case 'host':
    case 'cloakhost':
      return isUserWord(value) ? [{ kind: 'profile', user, host: value }] : value === '' ? [] : undefined;
    case 'user':
      return isUserWord(value) ? [{ kind: 'profile', user, ident: value }] : undefined;
    case 'info':
      return [{ kind: 'profile', user, realName: value }];
    default:
      return [];
  }
}

/** `CHANINFO #channel +modes [key limit] [:topic]`, key and limit in their places whatever the modes. */
function channelInfo(source: string, params: readonly string[], { rules }: NgircdContext): readonly Fact[] | undefined {
  const [channel = '', letters = ''] = params;
  if (isForeign(channel)) return [];
  if (!isChannel(channel) || params.length === 4) return undefined;
  const [key, limit] = params.length >= 5 ? [params[2]!, params[3]!] : ['*', '0'];
  const modes: ModeChange[] = [];
  for (const letter of letters.replace(/^\+/, '')) {
    const known = rules.modes.byLetter(letter);
    if (known?.type === 'simple') modes.push({ add: true, mode: known.name });
    else if (known?.name === 'key' && key !== '*') modes.push({ add: true, mode: 'key', param: key });
    else if (known?.name === 'limit' && /^[1-9]\d{0,8}$/.test(limit)) modes.push({ add: true, mode: 'limit', param: limit });
  }
  return [{ kind: 'channel', source, channel, modes, topic: params.length > 2 ? params.at(-1)! : '' }];
}

/** `MODE #channel +o nick`; of `MODE nick +a` only being away has a meaning here. */
function mode(
  source: string,
  [target = '', letters = '', ...params]: readonly string[],
  { rules }: NgircdContext,
): readonly Fact[] | undefined {
  if (isForeign(target)) return [];
  if (isChannel(target)) return [{ kind: 'modes', source, channel: target, ts: null, changes: rules.modes.read(letters, params) }];
  if (!isNick(target)) return undefined;
  let add = true;
  let away: boolean | undefined;
  for (const letter of letters) {
    if (letter === '+' || letter === '-') add = letter === '+';
    else if (letter === 'a') away = add;
  }
  return away === undefined ? [] : [{ kind: 'away', user: target, text: away ? awayText : null }];
}
