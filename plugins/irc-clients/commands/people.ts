/** WHO, WHOIS, WHOWAS, USERHOST, ISON. */
import { mayKnowAddress, type Room, type Session, type User } from '../../../server/plugin.ts';
import { globMatches } from '../../irc/mask.ts';
import { flag } from '../capabilities.ts';
import { channelName, roomName, statusSigns } from '../channel.ts';
import type { Client } from '../client.ts';
import { oneWord } from '../encode.ts';
import type { Person } from '../people.ts';
import { maySee } from './channel.ts';

const mostMatches = 100;
const channelBytes = 350;

function userOf(client: Client, person: Person): User | undefined {
  return client.server.host.users.get(person.id);
}

/** Where somebody is from: this server, or the network as people call it. */
function serverOf(client: Client, person: Person): { readonly name: string; readonly info: string } {
  const { host, name } = client.server;
  if (person.network === null) return { name, info: host.title };
  const network = host.networks.get(person.network);
  return { name: oneWord(network?.label ?? person.network), info: network?.title ?? person.network };
}

export function who(client: Client, session: Session, params: readonly string[]): void {
  const [asked = '*', options = ''] = params;
  const mask = asked === '0' ? '*' : asked;
  const fields = /%([a-z]+)(?:,(\d{1,3}))?/.exec(options);
  const show = (person: Person, room: Room | undefined): void => {
    if (fields === null) whoReply(client, person, room);
    else whoxReply(client, person, room, fields[1]!, fields[2] ?? '0');
  };
  if (mask.startsWith('#')) {
    const name = roomName(mask);
    const room = name === undefined ? undefined : client.server.host.rooms.byName(name);
    if (room !== undefined && maySee(room, session))
      for (const member of room.members.values()) show(client.server.people.of(member.who), room);
  } else {
    let shown = 0;
    for (const person of matching(client, session, mask)) {
      show(person, undefined);
      shown++;
      if (shown >= mostMatches) break;
    }
  }
  client.numeric('RPL_ENDOFWHO', asked, 'End of WHO list');
}

/** By exact nick anybody; by mask those with whom one shares a room, and oneself. */
function* matching(client: Client, session: Session, mask: string): Iterable<Person> {
  const { people } = client.server;
  if (!/[*?]/.test(mask)) {
    const person = people.byNick(mask);
    if (person !== undefined) yield person;
    return;
  }
  const glob = mask.toLowerCase();
  const seen = new Set<string>();
  for (const room of session.user.rooms)
    for (const member of room.members.values()) {
      if (seen.has(member.user)) continue;
      seen.add(member.user);
      const person = people.of(member.who);
      if (globMatches(glob, person.nick.toLowerCase()) || globMatches(glob, person.host.toLowerCase())) yield person;
    }
  if (!seen.has(session.user.id)) yield people.of(session.user);
}

function flagsOf(client: Client, person: Person, room: Room | undefined): string {
  const member = room?.members.get(person.id);
  const signs = room === undefined || member === undefined ? '' : statusSigns(member, room.config.moderated, client.has(flag.multiPrefix));
  const star = userOf(client, person)?.administrator === true ? '*' : '';
  return `${person.away === null ? 'H' : 'G'}${star}${signs}${person.bot ? 'B' : ''}`;
}

function whoReply(client: Client, person: Person, room: Room | undefined): void {
  const { name } = serverOf(client, person);
  const hops = person.network === null ? 0 : 1;
  const channel = room === undefined ? '*' : channelName(room);
  client.numeric(
    'RPL_WHOREPLY',
    channel,
    person.ident,
    person.host,
    name,
    person.nick,
    flagsOf(client, person, room),
    `${hops} ${person.realName}`,
  );
}

/** WHOX: the fields that were asked for, always in this order. */
function whoxReply(client: Client, person: Person, room: Room | undefined, fields: string, token: string): void {
  const user = userOf(client, person);
  const idle = user === undefined ? 0 : Math.floor((client.server.now() - user.activeAt) / 1_000);
  const values: readonly (readonly [string, string])[] = [
    ['t', token],
    ['c', room === undefined ? '*' : channelName(room)],
    ['u', person.ident],
    ['i', '255.255.255.255'],
    ['h', person.host],
    ['s', serverOf(client, person).name],
    ['n', person.nick],
    ['f', flagsOf(client, person, room)],
    ['d', person.network === null ? '0' : '1'],
    ['l', person.network === null ? String(idle) : '0'],
    ['a', person.account === null ? '0' : oneWord(person.account)],
    ['o', 'n/a'],
  ];
  const chosen = values.filter(([letter]) => fields.includes(letter)).map(([, value]) => value);
  // letters that nobody knows ask for nothing
  if (chosen.length === 0 && !fields.includes('r')) return;
  if (fields.includes('r')) client.numeric('RPL_WHOSPCRPL', ...chosen, person.realName);
  else client.numericWords('RPL_WHOSPCRPL', ...chosen);
}

export function whois(client: Client, session: Session, params: readonly string[]): void {
  const asked = params.at(-1) ?? '';
  if (asked === '') {
    client.numeric('ERR_NONICKNAMEGIVEN', 'No nickname given');
    return;
  }
  const nick = asked.split(',')[0]!;
  const person = client.server.people.byNick(nick);
  const user = person === undefined ? undefined : userOf(client, person);
  if (person === undefined || user === undefined) client.numeric('ERR_NOSUCHNICK', nick, 'No such nick');
  else describe(client, session, person, user);
  client.numeric('RPL_ENDOFWHOIS', nick, 'End of /WHOIS list');
}

function describe(client: Client, session: Session, person: Person, user: User): void {
  const { nick } = person;
  const server = serverOf(client, person);
  client.numeric('RPL_WHOISUSER', nick, person.ident, person.host, '*', person.realName);
  showChannels(client, session, person, user);
  client.numeric('RPL_WHOISSERVER', nick, server.name, server.info);
  if (user.administrator) client.numeric('RPL_WHOISOPERATOR', nick, 'is an administrator of this server');
  if (person.away !== null) client.numeric('RPL_AWAY', nick, person.away);
  if (person.bot) client.numeric('RPL_WHOISBOT', nick, 'is a bot');
  if (person.account !== null) client.numeric('RPL_WHOISACCOUNT', nick, oneWord(person.account), 'is logged in as');
  if (mayKnowAddress(session.user, user)) client.numeric('RPL_WHOISSPECIAL', nick, `is known as ${person.address}`);
  if (user === session.user) client.numeric('RPL_WHOISACTUALLY', nick, client.connection.remoteAddress, 'is connecting from this address');
  const sessions = [...user.sessions];
  if (sessions.length > 0 && sessions.every((one) => one.secure)) client.numeric('RPL_WHOISSECURE', nick, 'is using a secure connection');
  if (user.kind === 'local') {
    const idle = Math.max(0, Math.floor((client.server.now() - user.activeAt) / 1_000));
    client.numeric('RPL_WHOISIDLE', nick, String(idle), String(Math.floor(user.since / 1_000)), 'seconds idle, signon time');
  }
}

function showChannels(client: Client, session: Session, person: Person, user: User): void {
  let line = '';
  for (const room of user.rooms) {
    const member = room.members.get(person.id);
    if (member === undefined || !maySee(room, session)) continue;
    const name = statusSigns(member, room.config.moderated, client.has(flag.multiPrefix)) + channelName(room);
    if (line !== '' && Buffer.byteLength(line) + Buffer.byteLength(name) > channelBytes) {
      client.numeric('RPL_WHOISCHANNELS', person.nick, line);
      line = '';
    }
    line += line === '' ? name : ` ${name}`;
  }
  if (line !== '') client.numeric('RPL_WHOISCHANNELS', person.nick, line);
}

export function whowas(client: Client, _session: Session, params: readonly string[]): void {
  const [nick = ''] = params;
  if (nick === '') {
    client.numeric('ERR_NONICKNAMEGIVEN', 'No nickname given');
    return;
  }
  const count = Number.parseInt(params[1] ?? '', 10);
  const found = client.server.people.whoWas(nick).slice(0, count > 0 ? count : 10);
  if (found.length === 0) client.numeric('ERR_WASNOSUCHNICK', nick, 'There was no such nickname');
  for (const { person, at } of found) {
    client.numeric('RPL_WHOWASUSER', person.nick, person.ident, person.host, '*', person.realName);
    client.numeric('RPL_WHOISSERVER', person.nick, serverOf(client, person).name, new Date(at).toUTCString());
  }
  client.numeric('RPL_ENDOFWHOWAS', nick, 'End of WHOWAS');
}

export function userhost(client: Client, _session: Session, params: readonly string[]): void {
  const replies = params.slice(0, 5).flatMap((nick) => {
    const person = client.server.people.byNick(nick);
    if (person === undefined) return [];
    const star = userOf(client, person)?.administrator === true ? '*' : '';
    return [`${person.nick}${star}=${person.away === null ? '+' : '-'}${person.ident}@${person.host}`];
  });
  client.numeric('RPL_USERHOST', replies.join(' '));
}

export function ison(client: Client, _session: Session, params: readonly string[]): void {
  const nicks = params.flatMap((param) => param.split(' ')).slice(0, 100);
  const here = nicks.flatMap((nick) => {
    const person = client.server.people.byNick(nick);
    return person === undefined ? [] : [person.nick];
  });
  client.numeric('RPL_ISON', here.join(' '));
}
