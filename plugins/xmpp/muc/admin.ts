/** Moderation: roles and affiliations (XEP-0045 sections 8 to 10, muc#admin). */
import { compareAffiliation, type Affiliation, type Outcome, type Room, type User, type UserAddress } from '../../../server/plugin.ts';
import { tryParseJid } from '../jid.ts';
import { refusalError, type StanzaError } from '../stanza-error.ts';
import { attribute, childrenOf, childText, element, stanza, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import type { Inside, RoomService } from './service.ts';

const affiliations: readonly Affiliation[] = ['owner', 'admin', 'member', 'none', 'outcast'];
const roles = ['moderator', 'participant', 'visitor', 'none'];

export async function answerAdmin(
  service: RoomService,
  what: Element,
  query: Element,
  room: Room,
  inside: Inside,
): Promise<Element | StanzaError> {
  const items = childrenOf(query, 'item', ns.mucAdmin);
  if (items.length === 0 || items.length > 50) return { condition: 'bad-request' };
  if (attribute(what, 'type') === 'get') return list(service, items[0]!, room, inside.user);
  // All is checked before anything is done.
  for (const item of items) if (!isSensible(item)) return { condition: 'bad-request' };
  for (const item of items) {
    const error = await change(service, item, room, inside);
    if (error !== undefined) return error;
  }
  return stanza('iq', { type: 'result' });
}

function isSensible(item: Element): boolean {
  const [role, affiliation] = [attribute(item, 'role'), attribute(item, 'affiliation')];
  if (role !== undefined) return roles.includes(role) && attribute(item, 'nick') !== undefined;
  return (
    affiliations.includes(affiliation as Affiliation) && (attribute(item, 'jid') !== undefined || attribute(item, 'nick') !== undefined)
  );
}

function list(service: RoomService, item: Element, room: Room, user: User): Element | StanzaError {
  const member = room.members.get(user.id);
  const own = member?.affiliation ?? 'none';
  const affiliation = attribute(item, 'affiliation') as Affiliation | undefined;
  const role = attribute(item, 'role');
  const view = service.view(room);
  if (role !== undefined) {
    if (member?.role !== 'moderator') return { condition: 'forbidden' };
    const found = [...room.members.values()].filter((one) => one.role === role);
    return answer(
      found.map((one) =>
        element('item', ns.mucAdmin, {
          affiliation: one.affiliation,
          role: one.role,
          nick: view.nickOf(one.user),
          jid: service.people.jidOf(one.address)?.bare,
        }),
      ),
    );
  }
  if (affiliation === undefined || !affiliations.includes(affiliation)) return { condition: 'bad-request' };
  const needed = affiliation === 'owner' || affiliation === 'admin' ? 'owner' : 'admin';
  if (compareAffiliation(own, needed) < 0) return { condition: 'forbidden' };
  const found = [...room.affiliations].filter(([, one]) => one === affiliation);
  return answer(
    found.map(([address]) => element('item', ns.mucAdmin, { affiliation, jid: service.people.jidOf(address)?.bare ?? address })),
  );
}

function answer(items: readonly Element[]): Element {
  return stanza('iq', { type: 'result' }, element('query', ns.mucAdmin, {}, ...items));
}

async function change(service: RoomService, item: Element, room: Room, { occupant, user }: Inside): Promise<StanzaError | undefined> {
  const { rooms } = service.host;
  const reason = childText(item, 'reason', ns.mucAdmin) ?? '';
  const nick = attribute(item, 'nick');
  const role = attribute(item, 'role');
  const member = nick === undefined ? undefined : service.memberOf(room, nick);
  let outcome: Outcome<unknown>;
  if (role !== undefined) {
    if (member === undefined) return { condition: 'item-not-found', text: 'Nobody of that nick is in the room.' };
    if (role === 'none') outcome = await rooms.kick(user, room, member.user, reason, {}, occupant);
    else {
      if (role !== 'moderator' && compareAffiliation(member.affiliation, 'admin') >= 0)
        return { condition: 'not-allowed', text: 'Admins and owners are moderators.' };
      outcome = await rooms.grant(
        user,
        room,
        member.user,
        { operator: role === 'moderator', voice: role === 'participant' && room.config.moderated },
        occupant,
      );
    }
  } else {
    const given = attribute(item, 'jid');
    const address: UserAddress | undefined = given === undefined ? member?.address : addressOf(service, given);
    if (address === undefined) return { condition: 'item-not-found', text: 'That address is nobody’s.' };
    outcome = await rooms.setAffiliation(user, room, address, attribute(item, 'affiliation') as Affiliation, reason, occupant);
  }
  return outcome.ok ? undefined : refusalError(outcome.refusal);
}

function addressOf(service: RoomService, text: string): UserAddress | undefined {
  const parsed = tryParseJid(text);
  return parsed === undefined ? undefined : service.people.addressOf(parsed);
}
