/** Who a client is: CAP, AUTHENTICATE, PASS, NICK, USER, PING, QUIT, AWAY, SETNAME. */
import type { Session } from '../../../server/plugin.ts';
import { capabilitiesIn, capabilityFlag, capabilityNames, flag } from '../capabilities.ts';
import type { Client } from '../client.ts';
import { nickRefused } from '../refusals.ts';
import { checkNick } from '../registration.ts';

/** Bytes of names in one CAP line. */
const capBytes = 400;

/** CAP 302 (IRCv3 capability negotiation). */
export function cap(client: Client, params: readonly string[]): Promise<void> | undefined {
  const [subcommand = '', argument = ''] = params;
  const { registration } = client;
  switch (subcommand.toUpperCase()) {
    case 'LS': {
      if (registration !== undefined) registration.negotiating = true;
      const version = Number.parseInt(argument, 10) || 301;
      client.capVersion = Math.max(client.capVersion, version);
      if (client.capVersion >= 302) client.flags |= flag.capNotify;
      listCapabilities(client, 'LS', capabilityNames(version >= 302 ? client.server.host.accounts : undefined), version);
      return undefined;
    }
    case 'LIST':
      listCapabilities(client, 'LIST', capabilitiesIn(client.flags), client.capVersion);
      return undefined;
    case 'REQ':
      if (registration !== undefined) registration.negotiating = true;
      request(client, argument);
      return undefined;
    case 'END':
      if (registration === undefined) return undefined;
      registration.negotiating = false;
      registration.sasl.abort();
      return registration.advance();
    default:
      client.numeric('ERR_INVALIDCAPCMD', subcommand, 'Invalid CAP command');
      return undefined;
  }
}

function listCapabilities(client: Client, subcommand: string, names: readonly string[], version: number): void {
  const lines: string[][] = [[]];
  let bytes = 0;
  for (const name of names) {
    if (bytes + name.length + 1 > capBytes) {
      lines.push([]);
      bytes = 0;
    }
    lines.at(-1)!.push(name);
    bytes += name.length + 1;
  }
  // before 302 there are no continuation lines: all goes into one
  const shown = version >= 302 ? lines : [lines.flat()];
  for (const [index, line] of shown.entries()) {
    const more = index < shown.length - 1 ? '* ' : '';
    client.fromServer(`CAP ${client.nick} ${subcommand} ${more}:${line.join(' ')}`);
  }
}

/** All or nothing. */
function request(client: Client, argument: string): void {
  let flags = client.flags;
  const wanted = argument.split(' ').filter((word) => word !== '');
  for (const word of wanted) {
    const off = word.startsWith('-');
    const bit = capabilityFlag(off ? word.slice(1) : word);
    if (bit === undefined || (off && bit === flag.capNotify && client.capVersion >= 302)) {
      client.fromServer(`CAP ${client.nick} NAK :${argument}`);
      return;
    }
    flags = off ? flags & ~bit : flags | bit;
  }
  client.fromServer(`CAP ${client.nick} ACK :${argument}`);
  client.flags = flags;
}

export function authenticate(client: Client, params: readonly string[]): Promise<void> | undefined {
  const { registration } = client;
  if (registration === undefined || registration.account !== undefined) {
    client.numeric('ERR_SASLALREADY', 'You have already authenticated');
    return undefined;
  }
  if (!client.has(flag.sasl)) {
    client.numeric('ERR_SASLFAIL', 'Ask for the capability sasl first');
    return undefined;
  }
  return registration.sasl.receive(params[0]!);
}

export function pass(client: Client, params: readonly string[]): void {
  if (client.registration === undefined) client.numeric('ERR_ALREADYREGISTRED', 'You may not register again');
  else client.registration.setPassword(params[0]!);
}

export function nick(client: Client, params: readonly string[]): Promise<void> | undefined {
  const [wanted = ''] = params;
  if (wanted === '') {
    client.numeric('ERR_NONICKNAMEGIVEN', 'No nickname given');
    return undefined;
  }
  const { registration, session } = client;
  if (registration !== undefined) {
    const illegal = checkNick(client, wanted);
    // a nick that an account of ours holds may be one's own: SASL will tell
    if (illegal !== undefined && (illegal.refusal.code === 'bad-nick' || !registration.proving)) {
      nickRefused(client, wanted, illegal.refusal);
      return undefined;
    }
    registration.nick = wanted;
    return registration.advance();
  }
  if (session === undefined || wanted === client.nick) return undefined;
  const renamed = checkNick(client, wanted) ?? client.server.host.users.rename(session.user, wanted);
  // the next command may speak of the new nick, which is known when the change has been shown
  if (renamed.ok) return client.shown();
  nickRefused(client, wanted, renamed.refusal);
  return undefined;
}

export function user(client: Client, params: readonly string[]): Promise<void> | undefined {
  const { registration } = client;
  if (registration === undefined) {
    client.numeric('ERR_ALREADYREGISTRED', 'You may not register again');
    return undefined;
  }
  registration.setUser(params[0]!, params[3]!);
  return registration.advance();
}

/** Answered when everything before it has been: that is what clients use it for. */
export function ping(client: Client, params: readonly string[]): Promise<void> | undefined {
  const answer = (): void =>
    client.send({ text: `:${client.server.name} PONG ${client.server.name} :${params[0]!}`, time: client.server.now() });
  if (client.isSettled) {
    answer();
    return undefined;
  }
  return client.settled().then(answer);
}

export function pong(): void {
  // That something came is noted where bytes are read.
}

export function quit(client: Client, params: readonly string[]): Promise<void> | undefined {
  const reason = params[0] ?? '';
  const end = (): void => client.close(`Quit: ${reason === '' ? client.nick : reason}`, `Quit: ${reason}`.replace(/: $/, ''));
  if (client.isSettled) {
    end();
    return undefined;
  }
  return client.settled().then(end);
}

/** What changes is told to all clients of the person, this one too, when it has changed. */
export function away(client: Client, session: Session, params: readonly string[]): void {
  const { user } = session;
  const before = user.away;
  const text = params[0] ?? '';
  client.server.host.users.setAway(user, text === '' ? null : text);
  if (user.away === before) client.tellAway(before);
  else client.underWay(client.shown(), () => undefined);
}

export function setname(client: Client, session: Session, params: readonly string[]): void {
  client.server.host.users.setRealName(session.user, params[0]!);
}
