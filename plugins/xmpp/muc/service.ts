/** The rooms of this server for people of other XMPP servers (XEP-0045): entering, leaving, speaking. */
import {
  type Domain,
  type Host,
  type LogRecord,
  type Member,
  type Outcome,
  type Room,
  type User,
  type UserId,
} from '../../../server/plugin.ts';
import { parseJid, tryParseJid, unescapeLocal, escapeLocal, jid as makeJid, type Jid } from '../jid.ts';
import type { People } from '../people.ts';
import { bounce, conditionOf, refusalError, type StanzaError } from '../stanza-error.ts';
import { fromBody } from '../text.ts';
import { attribute, childOf, childText, element, elements, stanza, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import { answerAdmin } from './admin.ts';
import { Occupant, type HistoryWanted } from './occupant.ts';
import { answerOwner } from './owner.ts';
import { legalNick, RoomView } from './room-view.ts';

export interface RoomServiceParts {
  readonly host: Host;
  readonly people: People;
  readonly domain: Domain;
  readonly historyMessages: number;
  /** Sends an encoded stanza from our room domain. */
  readonly send: (to: Jid, xml: string) => void;
  /** Sends an answer. */
  readonly reply: (stanza: Element) => void;
}

/** Conditions of an error from an occupant that mean: it is not there any more (XEP-0045 section 18.1.2). */
const gone = new Set([
  'gone',
  'item-not-found',
  'recipient-unavailable',
  'redirect',
  'remote-server-not-found',
  'remote-server-timeout',
  'jid-malformed',
  'service-unavailable',
]);

const mostHistory = 100;

export class RoomService {
  readonly host: Host;
  readonly people: People;
  readonly domain: Domain;
  readonly #parts: RoomServiceParts;
  readonly #views = new Map<Room, RoomView>();
  /** By full JID. */
  readonly #occupants = new Map<string, Occupant>();

  constructor(parts: RoomServiceParts) {
    this.#parts = parts;
    this.host = parts.host;
    this.people = parts.people;
    this.domain = parts.domain;
  }

  get count(): number {
    return this.#occupants.size;
  }

  sendTo(to: Jid, xml: string): void {
    this.#parts.send(to, xml);
  }

  failed(error: unknown, doing: string): void {
    this.host.log.error({ err: error, doing }, 'the room service failed');
  }

  // ---- rooms and their views

  addressOf(room: Room): string {
    return makeJid(escapeLocal(room.name), this.domain).bare;
  }

  roomOf(address: Jid): Room | undefined {
    return address.local === '' ? undefined : this.host.rooms.byName(unescapeLocal(address.local));
  }

  view(room: Room): RoomView {
    const known = this.#views.get(room);
    if (known !== undefined) return known;
    const view = new RoomView(this.host, this.people, room, this.addressOf(room));
    this.#views.set(room, view);
    return view;
  }

  /** Which member an occupant address means. */
  memberOf(room: Room, nick: string): Member | undefined {
    const user = this.view(room).userOf(nick);
    const member = user === undefined ? undefined : room.members.get(user);
    this.#forgetIdle(room);
    return member;
  }

  /** A view without occupants is not kept in step, so it is not kept. */
  #forgetIdle(room: Room): void {
    for (const occupant of this.#occupants.values()) if (occupant.isIn(room)) return;
    this.#views.delete(room);
  }

  left(occupant: Occupant, room: Room): void {
    this.#forgetIdle(room);
    for (const _ of occupant.rooms) return;
    const { session } = occupant;
    this.#occupants.delete(occupant.jid.full);
    occupant.session = undefined;
    if (session !== undefined) this.host.users.disconnect(session, '');
  }

  over(occupant: Occupant): void {
    this.#occupants.delete(occupant.jid.full);
  }

  occupant(from: Jid, room: Room): { readonly occupant: Occupant; readonly user: User } | undefined {
    const occupant = this.#occupants.get(from.full);
    return occupant?.session !== undefined && room.members.has(occupant.session.user.id) && occupant.isIn(room)
      ? { occupant, user: occupant.session.user }
      : undefined;
  }

  // ---- stanzas

  #refuse(what: Element, error: StanzaError): void {
    const bounced = bounce(what, error);
    if (bounced !== undefined) this.#parts.reply(bounced);
  }

  #outcome(what: Element, outcome: Outcome<unknown>): void {
    if (!outcome.ok) this.#refuse(what, refusalError(outcome.refusal));
  }

  presence(what: Element, from: Jid, to: Jid): void {
    const type = attribute(what, 'type');
    if (type === 'error') {
      this.#lost(what, from, to);
      return;
    }
    if (type !== undefined && type !== 'unavailable') return;
    const room = this.roomOf(to);
    const inside = room === undefined ? undefined : this.occupant(from, room);
    if (type === 'unavailable') {
      if (room !== undefined && inside !== undefined)
        this.#leave(room, inside.occupant, inside.user, childText(what, 'status', ns.client) ?? '');
      return;
    }
    const nick = legalNick(to.resource);
    if (to.local === '' || nick === undefined)
      this.#refuse(what, { condition: 'jid-malformed', text: 'A nick is needed: room@domain/nick.' });
    else if (from.local === '' || from.resource === '') this.#refuse(what, { condition: 'jid-malformed' });
    else if (room !== undefined && inside !== undefined) this.#update(what, room, inside, nick);
    else if (childOf(what, 'x', ns.muc) === undefined)
      this.#refuse(what, { condition: 'not-acceptable', type: 'cancel', text: 'You are not in that room.' });
    else void this.#enter(what, from, to, nick).catch((error: unknown) => this.failed(error, 'entering a room'));
  }

  async #enter(what: Element, from: Jid, to: Jid, nick: string): Promise<void> {
    const name = unescapeLocal(to.local);
    const known = this.host.rooms.byName(name);
    const x = childOf(what, 'x', ns.muc)!;
    const user = this.people.user(from, nick);
    const holder = known === undefined ? undefined : this.view(known).userOf(nick);
    if (holder !== undefined && holder !== user.id && known!.members.has(holder)) {
      this.#refuse(what, { condition: 'conflict', text: 'That nick is in use.' });
      this.#forgetIdle(known!);
      return;
    }
    if (user.nick !== nick && user.rooms.size === 0) this.people.rename(user, nick);
    const occupant = this.#session(from, user, what);
    occupant.entering.set(known?.name ?? name.toLowerCase(), {
      history: historyWanted(x, this.#parts.historyMessages, this.host.clock.now()),
      created: known === undefined,
    });
    const key = childText(x, 'password', ns.muc);
    const joined = await this.host.rooms.join(
      user,
      name,
      { session: occupant.session!, ...(user.nick === nick ? {} : { nick }), ...(key === undefined ? {} : { key }) },
      occupant,
    );
    if (joined.ok) return;
    this.#outcome(what, joined);
    occupant.entering.clear();
    let elsewhere = false;
    for (const _ of occupant.rooms) elsewhere = true;
    if (elsewhere || occupant.session === undefined) return;
    this.#occupants.delete(from.full);
    this.host.users.disconnect(occupant.session, '');
  }

  #session(from: Jid, user: User, what: Element): Occupant {
    const known = this.#occupants.get(from.full);
    if (known?.session !== undefined) return known;
    const occupant = new Occupant(this, from);
    occupant.session = this.people
      .network(from.domain)
      .connect(user, { client: 'xmpp', remoteAddress: from.domain, secure: true, name: from.resource, attach: 'none' }, occupant);
    this.#occupants.set(from.full, occupant);
    this.#away(what, user);
    return occupant;
  }

  /** Presence of somebody inside: another nick, being away, or a client that lost its state and enters again. */
  #update(what: Element, room: Room, { occupant, user }: { readonly occupant: Occupant; readonly user: User }, nick: string): void {
    const view = this.view(room);
    const current = view.nickOf(user.id);
    const x = childOf(what, 'x', ns.muc);
    if (nick !== current) {
      const holder = view.userOf(nick);
      if (holder !== undefined && holder !== user.id) this.#refuse(what, { condition: 'conflict', text: 'That nick is in use.' });
      else if (user.rooms.size === 1) this.people.rename(user, nick);
      else this.#outcome(what, this.host.rooms.setRoomNick(user, room, nick, occupant));
      return;
    }
    if (x !== undefined) {
      occupant.entering.set(room.name, { history: historyWanted(x, this.#parts.historyMessages, this.host.clock.now()), created: false });
      occupant.attached(room);
    }
    this.#away(what, user);
  }

  #away(what: Element, user: User): void {
    const show = childText(what, 'show', ns.client);
    const text = childText(what, 'status', ns.client) ?? '';
    const away = show === 'away' || show === 'xa' || show === 'dnd' ? (text === '' ? show : text) : null;
    if (away !== user.away) this.people.network(tryParseJid(user.realName)?.domain ?? this.domainOf(user)).update(user, { away });
  }

  domainOf(user: User): Domain {
    return parseJid(user.address.replace(/^xmpp:/, '')).domain;
  }

  #leave(room: Room, occupant: Occupant, user: User, reason: string): void {
    const others = [...this.#occupants.values()].some((other) => other !== occupant && other.session?.user === user && other.isIn(room));
    if (others) {
      occupant.goodbye(this.view(room), undefined, reason);
      this.host.users.detach(occupant.session!, room);
    } else this.host.rooms.leave(user, room, reason, occupant);
  }

  /** An error came back from a client: if it means that nobody is there, it leaves (status 333). */
  #lost(what: Element, from: Jid, to: Jid): void {
    const room = this.roomOf(to);
    const inside = room === undefined ? undefined : this.occupant(from, room);
    if (room !== undefined && inside !== undefined && gone.has(conditionOf(what).condition))
      this.#leave(room, inside.occupant, inside.user, `lost: ${conditionOf(what).condition}`);
  }

  /** A server cannot be reached: its people are not there any more. */
  unreachable(to: Jid, reason: string): void {
    const occupant = this.#occupants.get(to.full);
    if (occupant?.session === undefined) return;
    const { user } = occupant.session;
    for (const room of [...occupant.rooms]) this.#leave(room, occupant, user, reason);
  }

  message(what: Element, from: Jid, to: Jid): void {
    const type = attribute(what, 'type') ?? 'normal';
    if (type === 'error') {
      this.#lost(what, from, to);
      return;
    }
    const room = this.roomOf(to);
    if (room === undefined) {
      this.#refuse(what, { condition: 'item-not-found', text: 'There is no such room.' });
      return;
    }
    const inside = this.occupant(from, room);
    if (inside === undefined) this.#refuse(what, { condition: 'not-acceptable', type: 'cancel', text: 'You are not in that room.' });
    else if (to.resource !== '') this.#toOccupant(what, type, room, inside, to.resource);
    else if (type === 'groupchat') this.#toRoom(what, room, inside);
    else this.#invitations(what, room, inside.user);
  }

  #toRoom(what: Element, room: Room, { occupant, user }: { readonly occupant: Occupant; readonly user: User }): void {
    const { rooms } = this.host;
    const body = childText(what, 'body', ns.client);
    const subject = childText(what, 'subject', ns.client);
    if (body === undefined || body === '') {
      if (subject !== undefined) void this.#settle(what, rooms.setTopic(user, room, subject, occupant));
      else this.#chatState(what, room, user, occupant);
      return;
    }
    const id = attribute(what, 'id');
    const said = fromBody(body, childOf(what, 'unstyled', ns.styling) === undefined);
    const original = id === undefined || id.length > 256 ? {} : { original: { protocol: 'xmpp', data: { id } } };
    void this.#settle(what, rooms.say(user, room, { ...said, ...original }, occupant));
  }

  async #settle(what: Element, outcome: Promise<Outcome<LogRecord>>): Promise<void> {
    try {
      this.#outcome(what, await outcome);
    } catch (error) {
      this.failed(error, 'a message to a room');
    }
  }

  #chatState(what: Element, room: Room, user: User, occupant: Occupant): void {
    for (const child of elements(what)) {
      if (attribute(child, 'xmlns') !== ns.chatStates) continue;
      const state = child.name === 'composing' ? 'active' : child.name === 'paused' ? 'paused' : 'done';
      this.host.rooms.typing(user, room, state, occupant);
      return;
    }
  }

  #toOccupant(
    what: Element,
    type: string,
    room: Room,
    { occupant, user }: { readonly occupant: Occupant; readonly user: User },
    nick: string,
  ): void {
    const member = this.memberOf(room, nick);
    if (type === 'groupchat') this.#refuse(what, { condition: 'bad-request', text: 'Messages to all go to the room.' });
    else if (member === undefined) this.#refuse(what, { condition: 'item-not-found', text: 'Nobody of that nick is in the room.' });
    else {
      const body = childText(what, 'body', ns.client);
      if (body === undefined || body === '') return;
      const said = fromBody(body, childOf(what, 'unstyled', ns.styling) === undefined);
      const sent = this.host.users.sendPrivate(user, member.address, { ...said, room: room.address }, occupant.session);
      sent.then((outcome) => this.#outcome(what, outcome)).catch((error: unknown) => this.failed(error, 'a private message'));
    }
  }

  /** Mediated invitations (XEP-0045 section 7.8.2). */
  #invitations(what: Element, room: Room, user: User): void {
    const x = childOf(what, 'x', ns.mucUser);
    if (x === undefined) {
      this.#refuse(what, { condition: 'bad-request', text: 'Messages to a room are of type groupchat.' });
      return;
    }
    for (const invite of elements(x)) {
      if (invite.name !== 'invite') continue;
      const to = tryParseJid(attribute(invite, 'to'));
      const address =
        to === undefined ? undefined : to.domain === this.domain ? this.memberOf(room, to.resource)?.address : this.people.addressOf(to);
      if (address === undefined) this.#refuse(what, { condition: 'item-not-found', text: 'Nobody of that address can be invited.' });
      else
        this.host.rooms
          .invite(user, room, address, childText(invite, 'reason', ns.mucUser) ?? '')
          .then((outcome) => this.#outcome(what, outcome))
          .catch((error: unknown) => this.failed(error, 'an invitation'));
    }
  }

  /** Queries to a room or an occupant. Undefined where the namespace means nothing to us. */
  async iq(what: Element, payload: Element, from: Jid, to: Jid): Promise<Element | StanzaError | undefined> {
    const room = this.roomOf(to);
    if (room === undefined) return { condition: 'item-not-found', text: 'There is no such room.' };
    const inside = this.occupant(from, room);
    if (to.resource !== '') return this.#occupantIq(payload, room, to.resource, inside?.user.id);
    const namespace = attribute(payload, 'xmlns');
    if (namespace === ns.mucAdmin) return answerAdmin(this, what, payload, room, inside);
    if (namespace === ns.mucOwner) return answerOwner(this, what, payload, room, inside);
    return undefined;
  }

  /** XEP-0410: who asks for the own nick learns whether it is still inside. */
  #occupantIq(payload: Element, room: Room, nick: string, asker: UserId | undefined): Element | StanzaError {
    if (asker === undefined) return { condition: 'not-acceptable', type: 'cancel', text: 'You are not in that room.' };
    const member = this.memberOf(room, nick);
    if (member === undefined) return { condition: 'item-not-found', text: 'Nobody of that nick is in the room.' };
    if (attribute(payload, 'xmlns') === ns.ping && member.user === asker) return stanza('iq', { type: 'result' });
    if (attribute(payload, 'xmlns') === ns.ping) return stanza('iq', { type: 'result' });
    return { condition: 'service-unavailable' };
  }

  /** The last messages that a newcomer may read. */
  async history(user: User, view: RoomView, wanted: HistoryWanted | undefined, upTo: number): Promise<readonly Element[]> {
    const most = wanted?.messages ?? this.#parts.historyMessages;
    if (most === 0) return [];
    const found: LogRecord[] = [];
    for (let before = upTo + 1; found.length < most && before > 1;) {
      const page = await this.host.rooms.history(user, view.room, { before, limit: 200, take: 'last' });
      if (!page.ok) break;
      found.unshift(...page.value.filter((record) => record.content.kind === 'message' && record.logged >= (wanted?.since ?? 0)));
      const first = page.value[0];
      if (first === undefined || page.value.length < 200 || first.logged < (wanted?.since ?? 0)) break;
      before = first.number;
    }
    return found.slice(-most).flatMap((record) => view.message(record, true) ?? []);
  }

  /** Invitation or private message of the core to somebody of another server, through a room that both are in. */
  fromOccupant(room: Room, author: UserId | undefined, to: User, made: (from: string) => Element): boolean {
    if (!room.members.has(to.id)) return false;
    const nick = author === undefined ? undefined : this.view(room).nickOf(author);
    if (nick === undefined) return false;
    let sent = false;
    for (const occupant of this.#occupants.values()) {
      if (occupant.session?.user !== to || !occupant.isIn(room)) continue;
      const message = made(`${this.addressOf(room)}/${nick}`);
      message.attrs['to'] = occupant.jid.full;
      message.children.push(element('x', ns.mucUser));
      this.#parts.reply(message);
      sent = true;
    }
    return sent;
  }

  stop(): void {
    for (const occupant of [...this.#occupants.values()]) {
      for (const room of [...occupant.rooms]) occupant.goodbye(this.view(room), 332, 'the server is stopping');
      if (occupant.session !== undefined) this.host.users.disconnect(occupant.session, 'the server is stopping');
    }
    this.#occupants.clear();
    this.#views.clear();
  }
}

/** `<history/>` of XEP-0045 section 7.2.14: the smallest of what is asked. */
function historyWanted(x: Element, usual: number, now: number): HistoryWanted {
  const history = childOf(x, 'history', ns.muc);
  const number = (name: string): number | undefined => {
    const text = history === undefined ? undefined : attribute(history, name);
    return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
  };
  if (number('maxchars') === 0) return { messages: 0, since: 0 };
  const since = history === undefined ? Number.NaN : Date.parse(attribute(history, 'since') ?? '');
  const seconds = number('seconds');
  return {
    messages: Math.min(number('maxstanzas') ?? (seconds !== undefined || !Number.isNaN(since) ? mostHistory : usual), mostHistory * 10),
    since: Math.max(Number.isNaN(since) ? 0 : since, seconds === undefined ? 0 : now - seconds * 1_000),
  };
}
