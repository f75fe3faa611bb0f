/** JOIN, PART, TOPIC, NAMES, LIST, KICK, INVITE. */
import type { Outcome, Room, Session } from '../../../server/plugin.ts';
import { channelName, nameToJoin, roomName } from '../channel.ts';
import type { Client } from '../client.ts';
import { channelRefused, joinRefused } from '../refusals.ts';
import { showNames, showTopic } from '../show-room.ts';

/** The room of a channel's name, or an answer that there is none: the same for one that is hidden from this person. Threat class A13. */
export function findRoom(client: Client, session: Session, channel: string): Room | undefined {
  const name = roomName(channel);
  const room = name === undefined ? undefined : client.server.host.rooms.byName(name);
  if (room !== undefined && maySee(room, session)) return room;
  client.numeric('ERR_NOSUCHCHANNEL', channel, 'No such channel');
  return undefined;
}

/** The room, if the client is in it. */
function ownRoom(client: Client, session: Session, channel: string): Room | undefined {
  const room = findRoom(client, session, channel);
  if (room === undefined || room.members.has(session.user.id)) return room;
  client.numeric('ERR_NOTONCHANNEL', channel, 'You are not on that channel');
  return undefined;
}

/** Whether somebody may know of a room at all. */
export function maySee(room: Room, session: Session): boolean {
  return !room.config.hidden || room.members.has(session.user.id) || session.user.administrator;
}

export async function join(client: Client, session: Session, params: readonly string[]): Promise<void> {
  const { rooms } = client.server.host;
  if (params[0] === '0') {
    for (const room of session.user.rooms) rooms.leave(session.user, room, '', client);
    return;
  }
  const keys = (params[1] ?? '').split(',');
  for (const [index, channel] of params[0]!.split(',').entries()) {
    if (channel === '') continue;
    const name = nameToJoin(channel);
    if (name === undefined) {
      client.numeric('ERR_NOSUCHCHANNEL', channel, 'No such channel');
      continue;
    }
    const known = rooms.byName(name);
    if (known !== undefined && client.isIn(known)) continue;
    // A room elsewhere may have another name here.
    if (known !== undefined && channelName(known).toLowerCase() !== channel.toLowerCase())
      client.numeric('ERR_LINKCHANNEL', channel, channelName(known), 'is known here by that name');
    const key = keys[index] ?? '';
    const joining = rooms.join(session.user, name, { session, ...(key === '' ? {} : { key }) }, client);
    const told = (joined: Outcome<unknown>): void => {
      if (!joined.ok) joinRefused(client, channel, joined.refusal);
    };
    // Nobody waits with all else for a room that is asked elsewhere.
    if (name.includes('@') || known?.home !== undefined) client.underWay(joining, told);
    else told(await joining);
  }
}

export function part(client: Client, session: Session, params: readonly string[]): Promise<void> {
  const reason = params[1] ?? '';
  for (const channel of params[0]!.split(',')) {
    const room = channel === '' ? undefined : ownRoom(client, session, channel);
    if (room !== undefined) client.server.host.rooms.leave(session.user, room, reason, client);
  }
  return client.shown();
}

export function topic(client: Client, session: Session, params: readonly string[]): Promise<void> | undefined {
  const [channel, text] = params as [string, string | undefined];
  const room = findRoom(client, session, channel);
  if (room === undefined) return undefined;
  if (text === undefined) {
    showTopic(client, room);
    return undefined;
  }
  return client.server.host.rooms.setTopic(session.user, room, text, client).then((set) => {
    if (!set.ok) channelRefused(client, channel, set.refusal);
    return undefined;
  });
}

export function names(client: Client, session: Session, params: readonly string[]): void {
  const [channels = ''] = params;
  if (channels === '') {
    client.numeric('RPL_ENDOFNAMES', '*', 'End of /NAMES list');
    return;
  }
  for (const channel of channels.split(',')) {
    const name = roomName(channel);
    const room = name === undefined ? undefined : client.server.host.rooms.byName(name);
    if (room !== undefined && maySee(room, session)) showNames(client, room);
    else client.numeric('RPL_ENDOFNAMES', channel, 'End of /NAMES list');
  }
}

/** `LIST`, `LIST #a,#b`, `LIST >10`, `LIST <100` (ELIST=U). Of any length: it goes at the pace of the client (SAFELIST). */
export async function list(client: Client, session: Session, params: readonly string[]): Promise<void> {
  const conditions = (params[0] ?? '').split(',').filter((word) => word !== '');
  const wanted = new Set(conditions.filter((word) => word.startsWith('#')).map((word) => word.toLowerCase()));
  const bound = (sign: string): number | undefined => {
    const word = conditions.find((condition) => condition.startsWith(sign));
    return word === undefined ? undefined : Number.parseInt(word.slice(1), 10);
  };
  const [more, fewer] = [bound('>') ?? -1, bound('<') ?? Infinity];
  client.beginStream();
  client.numeric('RPL_LISTSTART', 'Channel', 'Users  Name');
  for (const room of client.server.host.rooms.all()) {
    const channel = channelName(room);
    const { size } = room.members;
    if (!maySee(room, session) || size <= more || size >= fewer) continue;
    if (wanted.size > 0 && !wanted.has(channel.toLowerCase())) continue;
    client.numeric('RPL_LIST', channel, String(size), room.topic.text);
    await client.paced();
    if (client.session !== session) return;
  }
  client.numeric('RPL_LISTEND', 'End of /LIST');
}

export async function kick(client: Client, session: Session, params: readonly string[]): Promise<void> {
  const channels = params[0]!.split(',');
  const reason = params[2] ?? '';
  for (const [index, nick] of params[1]!.split(',').entries()) {
    const channel = channels[Math.min(index, channels.length - 1)]!;
    const room = ownRoom(client, session, channel);
    if (room === undefined) continue;
    const person = client.server.people.byNick(nick);
    if (person === undefined) {
      client.numeric('ERR_NOSUCHNICK', nick, 'No such nick');
      continue;
    }
    const kicked = await client.server.host.rooms.kick(session.user, room, person.id, reason, {}, client);
    if (!kicked.ok) channelRefused(client, channel, kicked.refusal, nick);
  }
}

export async function invite(client: Client, session: Session, params: readonly string[]): Promise<void> {
  const [nick, channel] = params;
  if (nick === undefined || channel === undefined) {
    client.numeric('ERR_NEEDMOREPARAMS', 'INVITE', 'Not enough parameters');
    return;
  }
  const room = ownRoom(client, session, channel);
  if (room === undefined) return;
  const person = client.server.people.byNick(nick);
  if (person === undefined) {
    client.numeric('ERR_NOSUCHNICK', nick, 'No such nick');
    return;
  }
  if (room.members.has(person.id)) {
    client.numeric('ERR_USERONCHANNEL', person.nick, channel, 'is already on that channel');
    return;
  }
  const invited = await client.server.host.rooms.invite(session.user, room, person.address, '');
  if (invited.ok) client.numericWords('RPL_INVITING', person.nick, channelName(room));
  else channelRefused(client, channel, invited.refusal, nick);
}
