/** What a client sees when it comes into a room: its JOIN, the topic, the names. */
import type { Member, Room, Session } from '../../server/plugin.ts';
import { flag } from './capabilities.ts';
import { channelName, statusSigns } from './channel.ts';
import type { Client } from './client.ts';
import { lineBytes } from './outgoing.ts';

export function showRoom(client: Client, session: Session, room: Room): void {
  const person = client.server.people.of(session.user);
  for (const line of client.server.encoder.joinLines(person, channelName(room), client.server.now())) client.send(line);
  if (room.topic.text !== '') showTopic(client, room);
  showNames(client, room);
}

export function showTopic(client: Client, room: Room): void {
  const channel = channelName(room);
  const { text, by, at } = room.topic;
  if (text === '') {
    client.numeric('RPL_NOTOPIC', channel, 'No topic is set');
    return;
  }
  client.numeric('RPL_TOPIC', channel, text);
  client.numericWords('RPL_TOPICWHOTIME', channel, by, String(Math.floor(at / 1_000)));
}

export function showNames(client: Client, room: Room): void {
  const channel = channelName(room);
  const symbol = room.config.hidden ? '@' : '=';
  const head = `:${client.server.name} 353 ${client.nick} ${symbol} ${channel} :`;
  const most = Math.min(lineBytes - Buffer.byteLength(head), 400);
  let names: string[] = [];
  let bytes = 0;
  for (const member of room.members.values()) {
    const name = shownName(client, room, member);
    const size = Buffer.byteLength(name) + 1;
    if (names.length > 0 && bytes + size > most) {
      client.numeric('RPL_NAMREPLY', symbol, channel, names.join(' '));
      names = [];
      bytes = 0;
    }
    names.push(name);
    bytes += size;
  }
  if (names.length > 0) client.numeric('RPL_NAMREPLY', symbol, channel, names.join(' '));
  client.numeric('RPL_ENDOFNAMES', channel, 'End of /NAMES list');
}

function shownName(client: Client, room: Room, member: Member): string {
  const person = client.server.people.of(member.who);
  const signs = statusSigns(member, room.config.moderated, client.has(flag.multiPrefix));
  return signs + (client.has(flag.userhostInNames) ? person.source : person.nick);
}
