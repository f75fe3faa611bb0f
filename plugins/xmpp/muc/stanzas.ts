/** What a room sends about its occupants (XEP-0045), built from facts; nothing here knows where they come from. */
import type { Affiliation, Author, LeaveCause, LogRecord, Role } from '../../../server/plugin.ts';
import { toBody } from '../text.ts';
import { append, element, stanza, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';

/** Somebody inside, as a room shows it. */
export interface OccupantFacts {
  /** `room@domain/nick` */
  readonly from: string;
  readonly occupantId: string;
  readonly affiliation: Affiliation;
  readonly role: Role;
  /** The real address, for those who may see it. */
  readonly jid: string | undefined;
  readonly away: string | null;
}

/** Why and how somebody goes. */
export interface Going {
  readonly codes: readonly number[];
  readonly status?: string;
  readonly by?: Author;
  readonly reason?: string;
  /** The new nick (303). */
  readonly nick?: string;
  /** The room is closed, for this reason. */
  readonly destroyed?: string;
}

export function status(code: number): Element {
  return element('status', ns.mucUser, { code: String(code) });
}

function occupantId(id: string): Element {
  return element('occupant-id', ns.occupantId, { id });
}

function reasonElement(reason: string | undefined): Element | undefined {
  return reason === undefined || reason === '' ? undefined : element('reason', ns.mucUser, {}, reason);
}

export function availablePresence(who: OccupantFacts, codes: readonly number[]): Element {
  const { affiliation, role, jid, away } = who;
  return stanza(
    'presence',
    { from: who.from },
    away === null ? undefined : stanza('show', {}, 'away'),
    away === null || away === '' ? undefined : stanza('status', {}, away),
    occupantId(who.occupantId),
    element('x', ns.mucUser, {}, element('item', ns.mucUser, { affiliation, role, jid }), ...codes.map(status)),
  );
}

/** @param actor the nick under which `going.by` is known in the room */
export function unavailablePresence(who: OccupantFacts, going: Going, actor: string | undefined, codes: readonly number[]): Element {
  const item = element(
    'item',
    ns.mucUser,
    {
      affiliation: codes.includes(301) ? 'outcast' : who.affiliation,
      role: going.nick === undefined ? 'none' : who.role,
      nick: going.nick,
      jid: who.jid,
    },
    actor === undefined ? undefined : element('actor', ns.mucUser, { nick: actor }),
    reasonElement(going.reason),
  );
  const { destroyed } = going;
  return stanza(
    'presence',
    { from: who.from, type: 'unavailable' },
    going.status === undefined || going.status === '' ? undefined : stanza('status', {}, going.status),
    occupantId(who.occupantId),
    element(
      'x',
      ns.mucUser,
      {},
      item,
      destroyed === undefined ? undefined : element('destroy', ns.mucUser, {}, reasonElement(destroyed)),
      ...codes.map(status),
    ),
  );
}

/** What the cause of a leave is called in a room of XMPP. */
export function going(cause: LeaveCause): Going {
  switch (cause.kind) {
    case 'leave':
    case 'quit':
      return { codes: [], status: cause.reason };
    case 'kick':
      return { codes: [cause.banned ? 301 : 307], by: cause.by, reason: cause.reason };
    case 'split':
      return { codes: [], status: `${cause.near} ${cause.far}` };
    case 'affiliation':
      return { codes: [321], by: cause.by, reason: cause.reason };
    case 'room-closed':
      return { codes: [], destroyed: cause.reason };
    default:
      return cause satisfies never;
  }
}

export interface RoomMessageFacts {
  /** `room@domain` */
  readonly room: string;
  /** `room@domain/nick` */
  readonly from: string;
  readonly occupantId: string;
  /** As history: with the time (XEP-0203). */
  readonly delayed: boolean;
}

/** A logged message or topic; undefined for any other record. */
export function roomMessage(record: LogRecord, facts: RoomMessageFacts): Element | undefined {
  const { content } = record;
  if (content.kind !== 'message' && content.kind !== 'topic') return undefined;
  const own = content.kind === 'message' && content.original?.protocol === 'xmpp' ? readOriginal(content.original.data) : {};
  const made = stanza('message', { type: 'groupchat', from: facts.from, id: own.id ?? record.id });
  if (content.kind === 'topic') append(made, stanza('subject', {}, content.topic));
  else append(made, stanza('body', {}, toBody(content.text, content.style)));
  if (own.originId !== undefined) append(made, element('origin-id', ns.stanzaId, { id: own.originId }));
  append(made, element('stanza-id', ns.stanzaId, { by: facts.room, id: record.id }));
  append(made, occupantId(facts.occupantId));
  if (facts.delayed) append(made, delay(facts.room, Math.min(record.born, record.logged)));
  return made;
}

export function delay(room: string, at: number): Element {
  return element('delay', ns.delay, { from: room, stamp: new Date(at).toISOString() });
}

/** What changed in the configuration, as far as everybody inside is told (XEP-0045 section 10.2.1). */
export function configured(record: LogRecord, room: string): Element | undefined {
  const { content } = record;
  if (content.kind !== 'config') return undefined;
  const { nonAnonymous, history } = content.changes;
  const codes = [
    ...(nonAnonymous === undefined ? [] : [nonAnonymous ? 172 : 173]),
    ...(history === undefined ? [] : [history === 'none' ? 171 : 170]),
  ];
  return stanza(
    'message',
    { type: 'groupchat', from: room, id: record.id },
    element('x', ns.mucUser, {}, ...(codes.length === 0 ? [104] : codes).map(status)),
  );
}

/** Ids that the sender's client gave, kept in the log so that they come back unchanged (muc#stable_id, XEP-0359). */
export interface OriginalIds {
  readonly id?: string;
  readonly originId?: string;
}

const mostIdLength = 256;

/** Reads them from a log: untrusted, since whoever wrote the log may be another plugin or an older version. */
export function readOriginal(data: unknown): OriginalIds {
  const { id, originId } = (typeof data === 'object' && data !== null ? data : {}) as Readonly<Record<string, unknown>>;
  return { ...(isId(id) ? { id } : {}), ...(isId(originId) ? { originId } : {}) };
}

export function originalIds(id: string | undefined, originId: string | undefined): OriginalIds | undefined {
  const ids = { ...(isId(id) ? { id } : {}), ...(isId(originId) ? { originId } : {}) };
  return ids.id === undefined && ids.originId === undefined ? undefined : ids;
}

function isId(text: unknown): text is string {
  return typeof text === 'string' && text !== '' && text.length <= mostIdLength;
}
