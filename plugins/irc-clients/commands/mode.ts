/** MODE: what rooms can express, and the little that people have. */
import {
  accepted,
  parseUserAddress,
  refused,
  userAddress,
  AddressError,
  type Outcome,
  type Room,
  type RoomConfig,
  type Session,
  type UserAddress,
} from '../../../server/plugin.ts';
import { parseModes, type ModeChange } from '../../irc/modes.ts';
import { accountMask, affiliationAfterLoss, channelName, currentModes, isSayableKey, modeLetters, switches } from '../channel.ts';
import type { Client } from '../client.ts';
import { oneWord } from '../encode.ts';
import { channelRefused } from '../refusals.ts';
import { findRoom } from './channel.ts';

const mostChanges = 20;

export function mode(client: Client, session: Session, params: readonly string[]): Promise<void> | undefined {
  const [target, modes, ...rest] = params as [string, ...string[]];
  if (!target.startsWith('#')) {
    userMode(client, target, modes);
    return undefined;
  }
  const room = findRoom(client, session, target);
  if (room === undefined) return undefined;
  if (modes === undefined) {
    showModes(client, session, room);
    return undefined;
  }
  const parsed = parseModes(modes, rest, modeLetters);
  for (const letter of parsed.unknown) client.numeric('ERR_UNKNOWNMODE', letter, 'is no mode that this server knows');
  for (const letter of parsed.missing) client.numeric('ERR_INVALIDMODEPARAM', target, letter, '*', 'This mode needs a parameter');
  if (parsed.queries.includes('b')) showBans(client, session, room);
  return parsed.changes.length === 0 ? undefined : change(client, session, room, parsed.changes.slice(0, mostChanges));
}

function showModes(client: Client, session: Session, room: Room): void {
  const { modes, params } = currentModes(room, room.members.has(session.user.id));
  client.numericWords('RPL_CHANNELMODEIS', channelName(room), modes, ...params);
  client.numericWords('RPL_CREATIONTIME', channelName(room), String(Math.floor(room.created / 1_000)));
}

function showBans(client: Client, session: Session, room: Room): void {
  const channel = channelName(room);
  if (room.members.has(session.user.id) || session.user.administrator) {
    for (const ban of room.bans) client.numericWords('RPL_BANLIST', channel, ban.mask, ban.by, String(Math.floor(ban.at / 1_000)));
    for (const [address, affiliation] of room.affiliations)
      if (affiliation === 'outcast') client.numericWords('RPL_BANLIST', channel, accountMask(address), client.server.name, '0');
  }
  client.numeric('RPL_ENDOFBANLIST', channel, 'End of channel ban list');
}

interface Underway {
  /** The change that stands for it in an answer. */
  readonly one: ModeChange;
  readonly outcome: Promise<Outcome<unknown>> | Outcome<unknown>;
}

/** Begins all changes in their order at once; neighbours that are settings of the room are one change of its configuration. */
function begin(client: Client, session: Session, room: Room, changes: readonly ModeChange[]): Underway[] {
  const { rooms } = client.server.host;
  const under: Underway[] = [];
  let settings: { readonly one: ModeChange; readonly config: Partial<RoomConfig> } | undefined;
  const configure = (): void => {
    if (settings !== undefined) under.push({ one: settings.one, outcome: rooms.configure(session.user, room, settings.config, client) });
    settings = undefined;
  };
  for (const one of changes) {
    const set = setting(one);
    if (set?.ok === true) {
      if (settings !== undefined && Object.keys(set.value).some((key) => key in settings!.config)) configure();
      settings = { one: settings?.one ?? one, config: { ...settings?.config, ...set.value } };
    } else {
      configure();
      under.push({ one, outcome: set ?? apply(client, session, room, one) });
    }
  }
  configure();
  return under;
}

/** The setting of a room that a letter stands for; undefined when it stands for something else. */
function setting({ add, letter, param = '' }: ModeChange): Outcome<Partial<RoomConfig>> | undefined {
  const name = switches.get(letter);
  if (name !== undefined) return accepted({ [name]: add });
  if (letter === 'k') {
    if (add && !isSayableKey(param)) return refused('bad-name', 'A key is one word without commas that does not begin with a colon.');
    return accepted({ key: add ? param : null });
  }
  if (letter !== 'l') return undefined;
  if (add && !/^[1-9]\d{0,8}$/.test(param)) return refused('bad-name', 'A limit is a number above zero.');
  return accepted({ limit: add ? Number(param) : null });
}

/** What was refused is told when all is known, behind what was not. */
async function change(client: Client, session: Session, room: Room, changes: readonly ModeChange[]): Promise<void> {
  const under = begin(client, session, room, changes);
  const results = await Promise.all(under.map(async ({ one, outcome }) => ({ one, result: await outcome })));
  await client.shown();
  const told = new Set<string>();
  for (const { one, result } of results) {
    if (result.ok || told.has(result.refusal.text)) continue;
    told.add(result.refusal.text);
    if (result.refusal.code === 'bad-name') badParameter(client, channelName(room), one, result.refusal.text);
    else channelRefused(client, channelName(room), result.refusal, one.param);
  }
}

function badParameter(client: Client, channel: string, { letter, param = '' }: ModeChange, text: string): void {
  if (letter === 'k') client.numeric('ERR_INVALIDKEY', channel, text);
  else client.numeric('ERR_INVALIDMODEPARAM', channel, letter, param, text);
}

function apply(client: Client, session: Session, room: Room, one: ModeChange): Promise<Outcome<unknown>> | Outcome<unknown> {
  const { rooms } = client.server.host;
  const { user } = session;
  const { add, letter, param = '' } = one;
  switch (letter) {
    case 'b':
      return ban(client, session, room, add, param);
    case 'o':
    case 'v':
    case 'q':
    case 'a': {
      const person = client.server.people.byNick(param);
      if (person === undefined || !room.members.has(person.id)) return refused('no-such-user', 'They are not on that channel');
      if (letter === 'o') return rooms.grant(user, room, person.id, { operator: add }, client);
      if (letter === 'v') return rooms.grant(user, room, person.id, { voice: add }, client);
      const wanted = add ? (letter === 'q' ? 'owner' : 'admin') : affiliationAfterLoss(room);
      return rooms.setAffiliation(user, room, person.address, wanted, '', client);
    }
    default:
      return accepted(undefined);
  }
}

/** A mask, or an account as `~a:name` or `~a:name@server`. */
function ban(client: Client, session: Session, room: Room, add: boolean, mask: string): Promise<Outcome<unknown>> | Outcome<unknown> {
  const { rooms } = client.server.host;
  const { user } = session;
  const account = /^~a:(.+)$/i.exec(mask)?.[1];
  if (account !== undefined) {
    const address = addressOf(client, account);
    if (address === undefined) return refused('bad-name', 'An account ban looks like ~a:name or ~a:name@server.');
    if (!add && room.affiliations.get(address) !== 'outcast') return accepted(undefined);
    return rooms.setAffiliation(user, room, address, add ? 'outcast' : 'none', '', client);
  }
  if (add) return rooms.ban(user, room, mask, '', client);
  return rooms
    .unban(user, room, mask, client)
    .then((lifted) => (lifted.ok || lifted.refusal.code === 'no-such-user' ? accepted(undefined) : lifted));
}

function addressOf(client: Client, account: string): UserAddress | undefined {
  try {
    return account.includes('@') ? parseUserAddress(`xmpp:${account}`) : userAddress(client.server.host.domain, account);
  } catch (error) {
    if (error instanceof AddressError) return undefined;
    throw error;
  }
}

/** People are invisible (`i`) and cannot change it. */
function userMode(client: Client, target: string, modes: string | undefined): void {
  if (target.toLowerCase() !== client.nick.toLowerCase()) {
    client.numeric(
      client.server.people.byNick(target) === undefined ? 'ERR_NOSUCHNICK' : 'ERR_USERSDONTMATCH',
      ...noticeFor(client, target),
    );
    return;
  }
  if (modes !== undefined && /[^+\-iw]/.test(modes)) client.numeric('ERR_UMODEUNKNOWNFLAG', 'Unknown MODE flag');
  else if (modes === undefined) client.numericWords('RPL_UMODEIS', '+i');
}

function noticeFor(client: Client, target: string): string[] {
  return client.server.people.byNick(target) === undefined ? [oneWord(target), 'No such nick'] : ['Cannot change mode for other users'];
}
