/** The commands of IRC clients, by name, and how a line becomes one of them. */
import type { Session } from '../../../server/plugin.ts';
import type { IrcMessage } from '../../irc/line.ts';
import { flag } from '../capabilities.ts';
import type { Client } from '../client.ts';
import { runCommand } from '../service.ts';
import { kill } from './administration.ts';
import { invite, join, kick, list, names, part, topic } from './channel.ts';
import { chatHistory } from './history.ts';
import { notice, privmsg, tagmsg } from './message.ts';
import { mode } from './mode.ts';
import { ison, userhost, who, whois, whowas } from './people.ts';
import { authenticate, away, cap, nick, pass, ping, pong, quit, setname, user } from './session.ts';
import { admin, info, links, lusers, motd, time, version } from './server.ts';

type Done = Promise<void> | undefined | void;

interface Anytime {
  readonly params: number;
  readonly anytime: (client: Client, params: readonly string[], message: IrcMessage) => Done;
}
interface Online {
  readonly params: number;
  readonly online: (client: Client, session: Session, params: readonly string[], message: IrcMessage) => Done;
}

/** `params`: how many a command needs. */
const commands: ReadonlyMap<string, Anytime | Online> = new Map<string, Anytime | Online>([
  ['CAP', { params: 1, anytime: cap }],
  ['AUTHENTICATE', { params: 1, anytime: authenticate }],
  ['PASS', { params: 1, anytime: pass }],
  ['NICK', { params: 0, anytime: nick }],
  ['USER', { params: 4, anytime: user }],
  ['PING', { params: 1, anytime: ping }],
  ['PONG', { params: 0, anytime: pong }],
  ['QUIT', { params: 0, anytime: quit }],
  ['AWAY', { params: 0, online: away }],
  ['SETNAME', { params: 1, online: setname }],
  ['JOIN', { params: 1, online: join }],
  ['PART', { params: 1, online: part }],
  ['TOPIC', { params: 1, online: topic }],
  ['NAMES', { params: 0, online: names }],
  ['LIST', { params: 0, online: list }],
  ['KICK', { params: 2, online: kick }],
  ['KILL', { params: 1, online: kill }],
  ['INVITE', { params: 0, online: invite }],
  ['MODE', { params: 1, online: mode }],
  ['PRIVMSG', { params: 0, online: privmsg }],
  ['NOTICE', { params: 0, online: notice }],
  ['TAGMSG', { params: 0, online: tagmsg }],
  ['CHATHISTORY', { params: 2, online: chatHistory }],
  ['WHO', { params: 0, online: who }],
  ['WHOIS', { params: 0, online: whois }],
  ['WHOWAS', { params: 0, online: whowas }],
  ['USERHOST', { params: 1, online: userhost }],
  ['ISON', { params: 1, online: ison }],
  ['MOTD', { params: 0, online: motd }],
  ['LUSERS', { params: 0, online: lusers }],
  ['VERSION', { params: 0, online: version }],
  ['TIME', { params: 0, online: time }],
  ['INFO', { params: 0, online: info }],
  ['ADMIN', { params: 0, online: admin }],
  ['LINKS', { params: 0, online: links }],
]);

/** Verbs of HTTP and SMTP: a browser or a mailer was tricked into talking to us. Threat class A4. */
const otherProtocols = new Set(['GET', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'CONNECT', 'DELETE', 'PATCH', 'EHLO', 'HELO']);

/** Runs a line; the answer is a promise when the next line has to wait. */
export function dispatch(client: Client, message: IrcMessage): Promise<void> | undefined {
  const label = client.has(flag.labeledResponse) ? message.tags.get('label') : undefined;
  if (label === undefined || label === '' || label.length > 64) return run(client, message) ?? undefined;
  return labelled(client, message, label);
}

/** The answer to a labelled command is complete when all that it set going has been shown. */
async function labelled(client: Client, message: IrcMessage, label: string): Promise<void> {
  await client.settled();
  await client.shown();
  client.beginLabel(label);
  try {
    await run(client, message);
    await client.settled();
    await client.shown();
  } finally {
    client.endLabel();
  }
}

function run(client: Client, message: IrcMessage): Done {
  const name = message.command.toUpperCase();
  const command = commands.get(name);
  const { session } = client;
  if (command === undefined) {
    if (session !== undefined) return unknown(client, session, message);
    if (otherProtocols.has(name)) client.close('This is an IRC server');
    else client.numeric('ERR_NOTREGISTERED', 'You have not registered');
    return undefined;
  }
  if (message.params.length < command.params) {
    client.numeric('ERR_NEEDMOREPARAMS', name, 'Not enough parameters');
    return undefined;
  }
  if ('anytime' in command) return command.anytime(client, message.params, message);
  if (session === undefined) {
    client.numeric('ERR_NOTREGISTERED', 'You have not registered');
    return undefined;
  }
  return command.online(client, session, message.params, message);
}

async function unknown(client: Client, session: Session, message: IrcMessage): Promise<void> {
  if (await runCommand(client, session, message.command.toLowerCase(), message.params.join(' '))) return;
  client.numeric('ERR_UNKNOWNCOMMAND', message.command.slice(0, 50), 'Unknown command');
}
