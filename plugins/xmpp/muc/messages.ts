/** What people inside a room write: to all, to one, to the room itself (XEP-0045 sections 7.4, 7.5, 7.8, 8.1). */
import type { Outcome, Room, User, UserAddress } from '../../../server/plugin.ts';
import { originalIds } from './stanzas.ts';
import { tryParseJid, type Jid } from '../jid.ts';
import { encryptedError, readBody } from '../message-body.ts';
import { attribute, childOf, childText, elements, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import type { Inside, RoomService } from './service.ts';

/** @returns when what it says is durable */
export function toRoom(service: RoomService, what: Element, room: Room, { occupant, user }: Inside): Promise<void> | undefined {
  const { rooms } = service.host;
  const body = readBody(what);
  const subject = childText(what, 'subject', ns.client);
  if (body.kind === 'encrypted') service.refuse(what, encryptedError);
  else if (body.kind === 'said') {
    const originId = childOf(what, 'origin-id', ns.stanzaId);
    const ids = originalIds(attribute(what, 'id'), originId === undefined ? undefined : attribute(originId, 'id'));
    const original = ids === undefined ? {} : { original: { protocol: 'xmpp', data: ids } };
    return settle(service, what, rooms.say(user, room, { ...body.said, ...original }, occupant));
  } else if (subject !== undefined) return settle(service, what, rooms.setTopic(user, room, subject, occupant));
  else chatState(service, what, room, { occupant, user });
  return undefined;
}

async function settle(service: RoomService, what: Element, outcome: Promise<Outcome<unknown>>): Promise<void> {
  try {
    service.outcome(what, await outcome);
  } catch (error) {
    service.failed(error, 'a message');
  }
}

function chatState(service: RoomService, what: Element, room: Room, { occupant, user }: Inside): void {
  for (const child of elements(what)) {
    if (attribute(child, 'xmlns') !== ns.chatStates) continue;
    const state = child.name === 'composing' ? 'active' : child.name === 'paused' ? 'paused' : 'done';
    service.host.rooms.typing(user, room, state, occupant);
    return;
  }
}

/** @returns when what it says is durable */
export function toOccupant(
  service: RoomService,
  what: Element,
  type: string,
  room: Room,
  { occupant, user }: Inside,
  nick: string,
): Promise<void> | undefined {
  if (type === 'groupchat') {
    service.refuse(what, { condition: 'bad-request', text: 'Messages to all go to the room.' });
    return undefined;
  }
  const member = service.memberOf(room, nick);
  const body = readBody(what);
  if (member === undefined) service.refuse(what, { condition: 'item-not-found', text: 'Nobody of that nick is in the room.' });
  else if (body.kind === 'encrypted') service.refuse(what, encryptedError);
  else if (body.kind === 'said') {
    const ids = originalIds(attribute(what, 'id'), undefined);
    const original = ids === undefined ? {} : { original: { protocol: 'xmpp', data: ids } };
    const options = { ...body.said, ...original, room: room.address };
    return settle(service, what, service.host.users.sendPrivate(user, member.address, options, occupant.session));
  }
  return undefined;
}

/** Mediated invitations (XEP-0045 section 7.8.2). */
export function toRoomItself(service: RoomService, what: Element, room: Room, user: User): void {
  const x = childOf(what, 'x', ns.mucUser);
  const invitations = x === undefined ? [] : elements(x).filter((child) => child.name === 'invite');
  if (invitations.length === 0) {
    service.refuse(what, { condition: 'bad-request', text: 'Messages to a room are of type groupchat.' });
    return;
  }
  for (const invite of invitations) {
    const address = addressed(service, room, attribute(invite, 'to'));
    if (address === undefined) service.refuse(what, { condition: 'item-not-found', text: 'Nobody of that address can be invited.' });
    else
      service.host.rooms
        .invite(user, room, address, childText(invite, 'reason', ns.mucUser) ?? '')
        .then((outcome) => service.outcome(what, outcome))
        .catch((error: unknown) => service.failed(error, 'an invitation'));
  }
}

/** Whom an address means: an occupant's, or a person's. */
function addressed(service: RoomService, room: Room, text: string | undefined): UserAddress | undefined {
  const to = tryParseJid(text);
  if (to === undefined) return undefined;
  return to.domain === service.domain ? service.memberOf(room, to.resource)?.address : service.people.addressOf(to);
}

/**
 * From somebody who is not inside, only the answer to an invitation means something: the one who invited is told that it
 * was declined (XEP-0045 section 7.8.2).
 */
export function fromOutside(service: RoomService, what: Element, room: Room, from: Jid): boolean {
  const x = childOf(what, 'x', ns.mucUser);
  const decline = x === undefined ? undefined : childOf(x, 'decline', ns.mucUser);
  const address = decline === undefined ? undefined : addressed(service, room, attribute(decline, 'to'));
  if (decline === undefined || address === undefined || from.local === '' || !service.people.mayCome(from)) return false;
  const reason = childText(decline, 'reason', ns.mucUser) ?? '';
  const plain = `I decline the invitation to ${room.name}${reason === '' ? '.' : `: ${reason}`}`;
  service.people
    .network(from.domain)
    .privateMessage(service.people.user(from), address, { text: { plain, spans: [] }, style: 'notice' })
    .then((outcome) => service.outcome(what, outcome))
    .catch((error: unknown) => service.failed(error, 'a declined invitation'));
  return true;
}
