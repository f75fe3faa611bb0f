/** Entering a room, changing the nick there, and what was said before (XEP-0045 sections 7.2 and 7.6). */
import type { LogRecord, Room, User } from '../../../server/plugin.ts';
import type { Jid } from '../jid.ts';
import { refusalError } from '../stanza-error.ts';
import { attribute, childOf, childText, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import { serialise } from '../xml/serialise.ts';
import type { Occupant } from './occupant.ts';
import type { RoomView } from './room-view.ts';
import type { Inside, RoomService } from './service.ts';

/** How much of the history a client wants. */
export interface HistoryWanted {
  readonly messages: number;
  /** Characters of the stanzas that make it up. */
  readonly characters: number;
  /** Milliseconds since 1970. */
  readonly since: number;
}

const mostHistory = 1_000;
/** Characters that a history sends at most, whatever a client asks for: one who enters must not fill the queue of a whole domain. */
export const mostHistoryCharacters = 1_048_576;
const historyPage = 200;
/** Clients with which one person may be in rooms. */
const mostClients = 20;

export async function enter(service: RoomService, what: Element, from: Jid, to: Jid, nick: string): Promise<void> {
  const { host, people } = service;
  const name = service.nameOf(to);
  if (name === undefined) {
    service.refuse(what, { condition: 'jid-malformed', text: 'No room can be called that.' });
    return;
  }
  const known = host.rooms.byName(name);
  const x = childOf(what, 'x', ns.muc)!;
  if (known?.home !== undefined) {
    service.refuse(what, { condition: 'gone', address: known.home, text: 'That room is at another address.' });
    return;
  }
  if (!people.mayCome(from) || !service.mayCome(from)) {
    service.refuse(what, { condition: 'resource-constraint', text: `Too many people of ${from.domain} are here already.` });
    return;
  }
  const user = people.user(from, nick);
  const view = known === undefined ? undefined : service.view(known);
  const holder = view?.userOf(nick);
  if (known !== undefined && holder !== undefined && holder !== user.id && known.members.has(holder)) {
    service.refuse(what, { condition: 'conflict', text: 'That nick is in use.' });
    service.forgetIdle(known);
    return;
  }
  if (!service.knows(from) && user.sessions.size >= mostClients) {
    service.refuse(what, { condition: 'resource-constraint', text: `One person may enter with ${mostClients} clients.` });
    return;
  }
  if (user.nick !== nick && user.rooms.size === 0) people.rename(user, nick);
  const occupant = connected(service, from, user, what);
  occupant.entering.set(known?.name ?? name.toLowerCase(), {
    history: historyWanted(x, service.historyMessages, host.clock.now()),
    created: known === undefined,
    nick,
  });
  const key = childText(x, 'password', ns.muc);
  const joined = await host.rooms.join(
    user,
    name,
    { session: occupant.session!, ...(user.nick === nick ? {} : { nick }), ...(key === undefined ? {} : { key }) },
    occupant,
  );
  if (joined.ok) return;
  service.refuse(what, refusalError(joined.refusal));
  occupant.entering.clear();
  if (known !== undefined) service.forgetIdle(known);
  service.forgetClient(occupant);
}

/** The client with a session at the core. */
function connected(service: RoomService, from: Jid, user: User, what: Element): Occupant {
  const occupant = service.client(from);
  if (occupant.session !== undefined) return occupant;
  occupant.session = service.people
    .network(from.domain)
    .connect(user, { client: 'xmpp', remoteAddress: from.domain, secure: true, name: from.resource, attach: 'none' }, occupant);
  away(service, what, from, user);
  return occupant;
}

/** Presence of somebody inside: another nick, being away, or a client that lost its state and enters again. */
export function update(service: RoomService, what: Element, room: Room, { occupant, user }: Inside, nick: string): void {
  const { host, people } = service;
  const view = service.view(room);
  const x = childOf(what, 'x', ns.muc);
  if (nick !== view.nickOf(user.id)) {
    const holder = view.userOf(nick);
    if (holder !== undefined && holder !== user.id) service.refuse(what, { condition: 'conflict', text: 'That nick is in use.' });
    else if (user.rooms.size === 1) people.rename(user, nick);
    else {
      host.rooms
        .setRoomNick(user, room, nick, occupant)
        .then((outcome) => service.outcome(what, outcome))
        .catch((error: unknown) => service.failed(error, 'a nick'));
    }
    return;
  }
  if (x !== undefined) {
    occupant.entering.set(room.name, { history: historyWanted(x, service.historyMessages, host.clock.now()), created: false, nick });
    occupant.attached(room);
  }
  away(service, what, occupant.jid, user);
}

function away(service: RoomService, what: Element, from: Jid, user: User): void {
  const show = childText(what, 'show', ns.client);
  const text = childText(what, 'status', ns.client) ?? '';
  const isAway = show === 'away' || show === 'xa' || show === 'dnd';
  const said = isAway ? (text === '' ? show : text) : null;
  if (said !== user.away) service.people.network(from.domain).update(user, { away: said });
}

/** `<history/>` of XEP-0045 section 7.2.14: the smallest of what is asked. */
export function historyWanted(x: Element, usual: number, now: number): HistoryWanted {
  const history = childOf(x, 'history', ns.muc);
  const number = (name: string): number | undefined => {
    const text = history === undefined ? undefined : attribute(history, name);
    return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
  };
  const seconds = number('seconds');
  const since = Date.parse(history === undefined ? '' : (attribute(history, 'since') ?? ''));
  const bounded = seconds !== undefined || !Number.isNaN(since);
  return {
    messages: Math.min(number('maxstanzas') ?? (bounded ? mostHistory : usual), mostHistory),
    characters: Math.min(number('maxchars') ?? mostHistoryCharacters, mostHistoryCharacters),
    since: Math.max(Number.isNaN(since) ? 0 : since, seconds === undefined ? 0 : now - seconds * 1_000),
  };
}

/** The last messages up to a number that somebody may read, oldest first. */
export async function history(
  service: RoomService,
  user: User,
  view: RoomView,
  wanted: HistoryWanted,
  upTo: number,
): Promise<readonly Element[]> {
  if (wanted.messages === 0 || wanted.characters === 0) return [];
  const found: LogRecord[] = [];
  for (let before = upTo + 1; found.length < wanted.messages && before > 1;) {
    const page = await service.host.rooms.history(user, view.room, { before, limit: historyPage, take: 'last' });
    if (!page.ok) break;
    found.unshift(...page.value.filter((record) => record.content.kind === 'message' && record.logged >= wanted.since));
    const first = page.value[0];
    if (first === undefined || page.value.length < historyPage || first.logged < wanted.since) break;
    before = first.number;
  }
  const messages = found.slice(-wanted.messages).flatMap((record) => view.message(record, true) ?? []);
  let characters = 0;
  const last = messages.findLastIndex((message) => (characters += serialise(message).length) > wanted.characters);
  return messages.slice(last + 1);
}
