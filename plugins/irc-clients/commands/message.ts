/** PRIVMSG, NOTICE, TAGMSG. */
import type { Circle, MessageStyle, Outcome, RichText, Room, Session } from '../../../server/plugin.ts';
import { plainText } from '../../../server/plugin.ts';
import { buildCtcp, parseCtcp } from '../../irc/ctcp.ts';
import { fromIrcText } from '../../irc/formatting.ts';
import type { IrcMessage } from '../../irc/line.ts';
import { flag } from '../capabilities.ts';
import { roomName, statusTarget } from '../channel.ts';
import type { Client } from '../client.ts';
import { clientTagsIn, withTags } from '../client-tags.ts';
import { cutBytes, lineBytes } from '../outgoing.ts';
import { speechRefused } from '../refusals.ts';
import { runCommand, serviceNick } from '../service.ts';
import { maySee } from './channel.ts';

const mostTargets = 4;

interface Body {
  readonly text: RichText;
  readonly style: MessageStyle;
}

export function privmsg(client: Client, session: Session, params: readonly string[], message: IrcMessage): void {
  send(client, session, params, message, false);
}

/** Never answered, not even by an error (RFC 2812 section 3.3.2). */
export function notice(client: Client, session: Session, params: readonly string[], message: IrcMessage): void {
  send(client, session, params, message, true);
}

function send(client: Client, session: Session, params: readonly string[], message: IrcMessage, quiet: boolean): void {
  const [targets = '', text = ''] = params;
  if (targets === '') {
    if (!quiet) client.numeric('ERR_NORECIPIENT', `No recipient given (${message.command.toUpperCase()})`);
    return;
  }
  if (text === '') {
    if (!quiet) client.numeric('ERR_NOTEXTTOSEND', 'No text to send');
    return;
  }
  const list = targetsIn(targets);
  if (list.length > mostTargets) {
    if (!quiet) client.numeric('ERR_TOOMANYTARGETS', targets, 'Too many recipients');
    return;
  }
  for (const target of list) {
    const status = statusTarget(target);
    if (status !== undefined) toStatus(client, session, target, status, text, message, quiet);
    else if (target.startsWith('#')) toChannel(client, session, target, text, message, quiet);
    else toPerson(client, session, target, text, message, quiet);
  }
}

function targetsIn(targets: string): readonly string[] {
  if (!targets.includes(',')) return [targets];
  return [...new Set(targets.split(','))].filter((target) => target !== '');
}

function bodyOf(text: string, quiet: boolean): Body | undefined {
  const ctcp = parseCtcp(text);
  if (ctcp === undefined) return { text: fromIrcText(text.replaceAll('\u0001', '')), style: quiet ? 'notice' : 'normal' };
  return ctcp.verb === 'ACTION' ? { text: ctcp.text === '' ? plainText(' ') : fromIrcText(ctcp.text), style: 'action' } : undefined;
}

interface Speech extends Body {
  readonly room: Room;
}

/** What is to be said in which room; undefined when the client was told why it cannot be. */
function speech(client: Client, session: Session, channel: string, text: string, quiet: boolean): Speech | undefined {
  const name = roomName(channel);
  const room = name === undefined ? undefined : client.server.host.rooms.byName(name);
  // who may speak from outside knows of the room; for others one that is hidden is none (threat class A13)
  if (room === undefined || (room.config.membersSpeak && !maySee(room, session))) {
    if (!quiet) client.numeric('ERR_NOSUCHCHANNEL', channel, 'No such channel');
    return undefined;
  }
  const body = bodyOf(text, quiet);
  if (body === undefined) {
    if (!quiet) client.numeric('ERR_CANNOTSENDTOCHAN', channel, 'CTCP goes to people, not to channels');
    return undefined;
  }
  return { room, ...body };
}

function toChannel(client: Client, session: Session, channel: string, text: string, message: IrcMessage, quiet: boolean): void {
  const said = speech(client, session, channel, text, quiet);
  if (said === undefined) return;
  const { room, ...body } = said;
  const told = client.expect<Outcome<unknown>>((outcome) => {
    if (!outcome.ok && !quiet) speechRefused(client, channel, outcome.refusal);
  });
  client.server.host.rooms.submit(session.user, room, withTags(body, message.tags), client, told);
}

/** To those who hold a status in the channel. */
function toStatus(
  client: Client,
  session: Session,
  target: string,
  { circle, channel }: { readonly circle: Circle; readonly channel: string },
  text: string,
  message: IrcMessage,
  quiet: boolean,
): void {
  const said = speech(client, session, channel, text, quiet);
  if (said === undefined) return;
  const { room, ...body } = said;
  client.underWay(client.server.host.rooms.confide(session.user, room, circle, withTags(body, message.tags)), (outcome) => {
    if (outcome.ok) echo(client, session, `${quiet ? 'NOTICE' : 'PRIVMSG'} ${target} :${text}`);
    else if (!quiet) speechRefused(client, channel, outcome.refusal);
  });
}

function toPerson(client: Client, session: Session, nick: string, text: string, message: IrcMessage, quiet: boolean): void {
  const { people, host } = client.server;
  if (nick.toLowerCase() === serviceNick && !quiet) {
    client.underWay(toService(client, session, text), () => undefined);
    return;
  }
  const body = bodyOf(text, quiet);
  // What is said to somebody whose network is away may wait there; CTCP is for who is here.
  const person = people.byNick(nick) ?? (body === undefined ? undefined : people.lostByNick(nick));
  if (person === undefined) {
    if (!quiet) client.numeric('ERR_NOSUCHNICK', nick, 'No such nick');
    return;
  }
  if (body === undefined) {
    const { verb, text: argument } = parseCtcp(text)!;
    const data = { answer: quiet, verb, text: argument };
    const taken = host.users.unicast({ from: session.user, fromSession: session.address, to: person.id, protocol: 'ctcp', data });
    if (taken) echo(client, session, `${quiet ? 'NOTICE' : 'PRIVMSG'} ${person.nick} :${buildCtcp({ verb, text: argument })}`);
    else if (!quiet) client.numeric('ERR_NOSUCHNICK', nick, 'Nobody there understands CTCP');
    return;
  }
  const told = client.expect<Outcome<unknown>>((sent) => {
    if (quiet) return;
    if (!sent.ok) client.numeric('ERR_NOSUCHNICK', nick, sent.refusal.text);
    else if (person.away !== null) client.numeric('RPL_AWAY', person.nick, person.away);
  });
  host.users.submitPrivate(session.user, person.address, withTags(body, message.tags), session, told);
}

/** What the core does not log comes back by nobody else. */
function echo(client: Client, session: Session, text: string, clientTags?: ReadonlyMap<string, string>): void {
  const { source, account } = client.server.people.of(session.user);
  const needs = flag.echoMessage | (clientTags === undefined ? 0 : flag.messageTags);
  client.send({
    text: cutBytes(`:${source} ${text}`, lineBytes),
    time: client.server.now(),
    account,
    needs,
    ...(clientTags === undefined ? {} : { clientTags }),
  });
}

async function toService(client: Client, session: Session, text: string): Promise<void> {
  const [, name = '', args = ''] = /^\/?(\S*)\s*(.*)$/s.exec(text) ?? [];
  if (await runCommand(client, session, name, args)) return;
  client.send({ text: `:${serviceNick}!service@${client.server.name} NOTICE ${client.nick} :I know no such command; try: help` });
}

/** Tags alone: typing in channels; between people all client tags. */
export function tagmsg(client: Client, session: Session, params: readonly string[], message: IrcMessage): void {
  const { people, host } = client.server;
  for (const target of (params[0] ?? '').split(',').slice(0, mostTargets)) {
    const tags = clientTagsIn(message.tags);
    if (target === '' || tags.size === 0) continue;
    if (!target.startsWith('#')) {
      const person = people.byNick(target);
      const data = { tags: [...tags] };
      if (person === undefined) continue;
      const taken = host.users.unicast({ from: session.user, fromSession: session.address, to: person.id, protocol: 'irc-tags', data });
      if (taken) echo(client, session, `TAGMSG ${person.nick}`, tags);
      continue;
    }
    const name = roomName(target);
    const room = name === undefined ? undefined : host.rooms.byName(name);
    const state = tags.get('+typing');
    if (room?.members.has(session.user.id) === true && (state === 'active' || state === 'paused' || state === 'done'))
      host.rooms.typing(session.user, room, state, client);
  }
}
