/** Private messages, invitations and CTCP as lines for one client. */
import type { PrivateRecord, Session, Unicast } from '../../server/plugin.ts';
import { buildCtcp, parseCtcpUnicast } from '../irc/ctcp.ts';
import { flag } from './capabilities.ts';
import { channelAt, circleTarget } from './channel.ts';
import type { Client } from './client.ts';
import { readTags } from './client-tags.ts';
import { shownTime } from './encode.ts';
import type { OutLine } from './outgoing.ts';

/** `via`: the session that sent it. Own messages come back with echo-message, from other clients of one's own with znc.in/self-message too. */
export function privateLines(client: Client, session: Session, record: PrivateRecord, via: Session | undefined): readonly OutLine[] {
  const { people, encoder } = client.server;
  const { content } = record;
  const own = session.user.address;
  const from = people.author(content.author);
  if (content.kind === 'invitation') {
    if (content.to.address !== own) return [];
    return [
      {
        text: `:${from.source} INVITE ${client.nick} ${channelAt(content.room)}`,
        time: shownTime(record),
        account: from.account,
        id: record.id,
      },
    ];
  }
  if (content.author.address !== own) return encoder.message(from, circleTarget(content) ?? client.nick, record);
  if (content.to.address === own) return encoder.message(from, client.nick, record);
  const wants = via === session ? client.has(flag.echoMessage) : client.has(flag.echoMessage) || client.has(flag.selfMessage);
  return wants ? encoder.message(from, people.author(content.to).nick, record) : [];
}

export function unicastLines(client: Client, message: Unicast): readonly OutLine[] {
  const from = client.server.people.of(message.from);
  const shared = { time: client.server.now(), account: from.account };
  if (message.protocol === 'ctcp') {
    const ctcp = parseCtcpUnicast(message.data);
    if (ctcp === undefined) return [];
    return [{ text: `:${from.source} ${ctcp.answer ? 'NOTICE' : 'PRIVMSG'} ${client.nick} :${buildCtcp(ctcp)}`, ...shared }];
  }
  if (message.protocol === 'irc-tags') {
    const clientTags = readTags(message.data);
    return clientTags.size === 0 ? [] : [{ text: `:${from.source} TAGMSG ${client.nick}`, ...shared, clientTags, needs: flag.messageTags }];
  }
  return [];
}
