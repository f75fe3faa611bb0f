/** What rooms of other servers say to an occupant, read, and what occupants say to them (XEP-0045). Nothing here knows who they are. */
import type { Affiliation, Refusal, RefusalCode } from '../../../server/plugin.ts';
import type { Jid } from '../jid.ts';
import { attribute, childOf, childrenOf, childText, element, elements, namespaceOf, stanza, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';

export type RemoteRole = 'moderator' | 'participant' | 'visitor' | 'none';

/** What a room says about an occupant. */
export interface RemotePresence {
  readonly available: boolean;
  readonly codes: ReadonlySet<number>;
  readonly affiliation: Affiliation;
  readonly role: RemoteRole;
  /** Real address, as the room says. */
  readonly jid: string | undefined;
  /** The new nick (303). */
  readonly nick: string | undefined;
  /** Nick of whoever did it. */
  readonly actor: string | undefined;
  readonly reason: string;
  /** The room is destroyed. */
  readonly destroyed: boolean;
  /** Words of who goes. */
  readonly status: string;
  readonly away: string | null;
}

const affiliations: readonly Affiliation[] = ['owner', 'admin', 'member', 'none', 'outcast'];
const roles: readonly RemoteRole[] = ['moderator', 'participant', 'visitor', 'none'];

export function readPresence(what: Element): RemotePresence {
  const x = childOf(what, 'x', ns.mucUser);
  const item = x === undefined ? undefined : childOf(x, 'item', ns.mucUser);
  const destroy = x === undefined ? undefined : childOf(x, 'destroy', ns.mucUser);
  const actor = item === undefined ? undefined : childOf(item, 'actor', ns.mucUser);
  const show = childText(what, 'show', ns.client);
  const status = childText(what, 'status', ns.client) ?? '';
  const said = (name: string): string | undefined => (item === undefined ? undefined : attribute(item, name));
  return {
    available: attribute(what, 'type') === undefined,
    codes: new Set((x === undefined ? [] : childrenOf(x, 'status', ns.mucUser)).map((one) => Number(attribute(one, 'code')))),
    affiliation: affiliations.find((one) => one === said('affiliation')) ?? 'none',
    role: roles.find((one) => one === said('role')) ?? 'none',
    jid: said('jid'),
    nick: said('nick'),
    actor: actor === undefined ? undefined : attribute(actor, 'nick'),
    reason: childText(destroy ?? item ?? what, 'reason', ns.mucUser) ?? '',
    destroyed: destroy !== undefined,
    status,
    away: show === 'away' || show === 'xa' || show === 'dnd' ? (status === '' ? show : status) : null,
  };
}

/** Ids of a message, as far as they can be believed. */
export interface MessageIds {
  readonly id: string | undefined;
  readonly originId: string | undefined;
  /** Given by the room (XEP-0359); two of them are none: somebody has smuggled one in. Threat class A10. */
  readonly stanzaId: string | undefined;
}

export function messageIds(what: Element, room: string): MessageIds {
  const given = childrenOf(what, 'stanza-id', ns.stanzaId).filter((one) => attribute(one, 'by') === room);
  const origin = childOf(what, 'origin-id', ns.stanzaId);
  return {
    id: attribute(what, 'id'),
    originId: origin === undefined ? undefined : attribute(origin, 'id'),
    stanzaId: given.length === 1 ? attribute(given[0]!, 'id') : undefined,
  };
}

/** When a message of the history was said; nothing for one that is said now. Only the room's own mark counts, where there are several. */
export function delayOf(what: Element, room: string): number | undefined {
  const marks = childrenOf(what, 'delay', ns.delay);
  const mark = marks.find((one) => attribute(one, 'from') === room) ?? marks[0];
  const at = mark === undefined ? Number.NaN : Date.parse(attribute(mark, 'stamp') ?? '');
  return Number.isNaN(at) ? undefined : at;
}

/** What a room is like, from the answer to disco#info (XEP-0045 section 6.4). */
export interface RoomFacts {
  /** It is no room, but something else. */
  readonly isRoom: boolean;
  /** It gives ids to messages and lets nobody else do so in its name. */
  readonly givesIds: boolean;
  readonly moderated: boolean;
  readonly membersOnly: boolean;
  readonly nonAnonymous: boolean;
}

export function readFacts(answer: Element): RoomFacts {
  const query = childOf(answer, 'query', ns.discoInfo);
  const features = new Set((query === undefined ? [] : childrenOf(query, 'feature', ns.discoInfo)).map((one) => attribute(one, 'var')));
  const identities = query === undefined ? [] : childrenOf(query, 'identity', ns.discoInfo);
  return {
    isRoom: features.has(ns.muc) || identities.length === 0 || identities.some((one) => attribute(one, 'category') === 'conference'),
    givesIds: features.has(ns.stanzaId) || features.has('urn:xmpp:mam:2'),
    moderated: features.has('muc_moderated'),
    membersOnly: features.has('muc_membersonly'),
    nonAnonymous: features.has('muc_nonanonymous'),
  };
}

/** A message that only sets the topic (XEP-0045 section 8.1). */
export function isSubject(what: Element): boolean {
  return childOf(what, 'subject', ns.client) !== undefined && childOf(what, 'body', ns.client) === undefined;
}

/** How much of the history somebody who enters asks for. */
export type HistoryAsked = { readonly messages: number } | { readonly since: number };

export function enterStanza(from: Jid, room: Jid, nick: string, key: string | undefined, asked: HistoryAsked): Element {
  const history = 'messages' in asked ? { maxstanzas: String(asked.messages) } : { since: new Date(asked.since).toISOString() };
  return stanza(
    'presence',
    { from: from.full, to: `${room.bare}/${nick}` },
    element('x', ns.muc, {}, element('history', ns.muc, history), key === undefined ? undefined : element('password', ns.muc, {}, key)),
  );
}

/** Presence of somebody inside: another nick, or being away. */
export function presenceStanza(from: Jid, room: Jid, nick: string, away: string | null): Element {
  return stanza(
    'presence',
    { from: from.full, to: `${room.bare}/${nick}` },
    away === null ? undefined : stanza('show', {}, 'away'),
    away === null || away === '' ? undefined : stanza('status', {}, away),
  );
}

export function leaveStanza(from: Jid, room: Jid, nick: string, reason: string): Element {
  return stanza(
    'presence',
    { from: from.full, to: `${room.bare}/${nick}`, type: 'unavailable' },
    reason === '' ? undefined : stanza('status', {}, reason),
  );
}

/** Something for all, with an id by which its echo is known. */
export function groupchat(from: Jid, room: Jid, id: string, ...inside: readonly Element[]): Element {
  return stanza('message', { type: 'groupchat', from: from.full, to: room.bare, id }, ...inside, element('origin-id', ns.stanzaId, { id }));
}

export function chatStateStanza(from: Jid, room: Jid, state: 'active' | 'paused' | 'done'): Element {
  const name = state === 'active' ? 'composing' : state === 'paused' ? 'paused' : 'active';
  return stanza(
    'message',
    { type: 'groupchat', from: from.full, to: room.bare },
    element(name, ns.chatStates),
    element('no-store', ns.hints),
  );
}

export function chatStateOf(what: Element): 'active' | 'paused' | 'done' | undefined {
  const state = elements(what).find((child) => namespaceOf(child) === ns.chatStates)?.name;
  return state === undefined ? undefined : state === 'composing' ? 'active' : state === 'paused' ? 'paused' : 'done';
}

/** Conditions that say nothing about a room: its server cannot be reached. */
export const unreachable: ReadonlySet<string> = new Set(['remote-server-not-found', 'remote-server-timeout']);

const entering: ReadonlyMap<string, { readonly code: RefusalCode; readonly text: string }> = new Map([
  ['not-authorized', { code: 'wrong-key', text: 'That room needs a password, and this is not it.' }],
  ['forbidden', { code: 'banned', text: 'You are banned from that room.' }],
  ['registration-required', { code: 'members-only', text: 'That room is for members.' }],
  ['item-not-found', { code: 'no-such-room', text: 'There is no such room, or it is not open yet.' }],
  ['gone', { code: 'no-such-room', text: 'That room is not there any more.' }],
  ['redirect', { code: 'no-such-room', text: 'That room is somewhere else now.' }],
  ['service-unavailable', { code: 'full', text: 'That room is full, or takes nobody at the moment.' }],
  ['resource-constraint', { code: 'full', text: 'That room is full, or takes nobody at the moment.' }],
  ['not-allowed', { code: 'not-permitted', text: 'There is no such room, and you may not make one there.' }],
  ['conflict', { code: 'nick-in-use', text: 'Your nick is taken in that room.' }],
  ['not-acceptable', { code: 'bad-nick', text: 'That room does not take your nick.' }],
  ['jid-malformed', { code: 'bad-nick', text: 'That room does not take your nick.' }],
]);

const doing: ReadonlyMap<string, { readonly code: RefusalCode; readonly text: string }> = new Map([
  ['forbidden', { code: 'not-permitted', text: 'The room does not let you do that.' }],
  ['not-allowed', { code: 'not-permitted', text: 'The room does not let you do that.' }],
  ['not-acceptable', { code: 'not-a-member', text: 'You are not in that room.' }],
  ['item-not-found', { code: 'no-such-user', text: 'The room knows nobody of that name.' }],
  ['conflict', { code: 'nick-in-use', text: 'That nick is taken in that room.' }],
  ['policy-violation', { code: 'too-large', text: 'The room does not take that message.' }],
  ['resource-constraint', { code: 'too-fast', text: 'The room does not take that much.' }],
]);

/** The room's server cannot be reached. */
export function away(why: string): Refusal {
  return { code: 'unavailable', text: `The room cannot be reached at the moment: ${why}.` };
}

/** An error of a room as a refusal, with the words of the room where it has some. */
export function refusalOf(error: { readonly condition: string; readonly text: string }, when: 'entering' | 'doing'): Refusal {
  const known = (when === 'entering' ? entering : doing).get(error.condition);
  const { code, text } = known ?? { code: 'unavailable', text: `The room cannot be reached (${error.condition}).` };
  return { code, text: error.text === '' ? text : `${text} (${error.text})` };
}
