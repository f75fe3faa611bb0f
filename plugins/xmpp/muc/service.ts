/** The rooms of this server for people of other XMPP servers (XEP-0045): who is inside, and where their stanzas go. */
import type { Domain, Host, Member, Outcome, Room, User, UserId } from '../../../server/plugin.ts';
import { escapeLocal, jid as makeJid, unescapeLocal, type Jid } from '../jid.ts';
import type { People } from '../people.ts';
import type { Fate } from '../private-messages.ts';
import { bounce, conditionOf, refusalError, type StanzaError } from '../stanza-error.ts';
import { attribute, childOf, childText, element, stanza, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import { serialise } from '../xml/serialise.ts';
import { answerAdmin } from './admin.ts';
import { enter, update } from './entering.ts';
import { fromOutside, toOccupant, toRoom, toRoomItself } from './messages.ts';
import { legalNick } from './nicks.ts';
import { Occupant } from './occupant.ts';
import { answerOwner } from './owner.ts';
import { RoomView } from './room-view.ts';

export interface RoomServiceParts {
  readonly host: Host;
  readonly people: People;
  readonly domain: Domain;
  readonly historyMessages: number;
  /** Milliseconds for which a stanza waits for a server that cannot be reached. */
  readonly patience: number;
  /** With how many clients the people of one domain may be in rooms. */
  readonly mostOccupants: (domain: Domain) => number;
  /** Sends an encoded stanza from our room domain; with `last` it says that the client is out, and is sent although too much waits. */
  readonly send: (to: Jid, xml: string, last: boolean) => void;
  /** Sends an answer. */
  readonly reply: (stanza: Element, fate?: Fate) => void;
}

/** Somebody inside a room, by one client. */
export interface Inside {
  readonly occupant: Occupant;
  readonly user: User;
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

const outside: StanzaError = { condition: 'not-acceptable', type: 'cancel', text: 'You are not in that room.' };

export class RoomService {
  readonly host: Host;
  readonly people: People;
  readonly domain: Domain;
  readonly historyMessages: number;
  readonly #parts: RoomServiceParts;
  readonly #views = new Map<Room, RoomView>();
  /** By full JID. */
  readonly #occupants = new Map<string, Occupant>();
  readonly #inside = new Map<Room, Set<Occupant>>();
  /** How many clients of each domain there are. */
  readonly #perDomain = new Map<Domain, number>();

  constructor(parts: RoomServiceParts) {
    this.#parts = parts;
    this.host = parts.host;
    this.people = parts.people;
    this.domain = parts.domain;
    this.historyMessages = parts.historyMessages;
  }

  get count(): number {
    return this.#occupants.size;
  }

  sendTo(to: Jid, xml: string, last = false): void {
    this.#parts.send(to, xml, last);
  }

  failed(error: unknown, doing: string): void {
    this.host.log.error({ err: error, doing }, 'the room service failed');
  }

  // ---- rooms and their views

  addressOf(room: Room): string {
    return makeJid(escapeLocal(room.name), this.domain).bare;
  }

  /** The name of a room of ours; none for an escaped address: rooms of other servers are entered there. */
  nameOf(address: Jid): string | undefined {
    const name = unescapeLocal(address.local);
    return name === '' || name.includes('@') ? undefined : name;
  }

  roomOf(address: Jid): Room | undefined {
    const name = this.nameOf(address);
    return name === undefined ? undefined : this.host.rooms.byName(name);
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
    this.forgetIdle(room);
    return member;
  }

  /** A view without occupants is not kept in step, so it is not kept. */
  forgetIdle(room: Room): void {
    if (!this.#inside.has(room)) this.#views.delete(room);
  }

  // ---- occupants

  /** Whether that client is in a room. */
  knows(client: Jid): boolean {
    return this.#occupants.has(client.full);
  }

  /** Whether a client may come, or is there: there is an end to how many one domain brings. Threat class A18. */
  mayCome(client: Jid): boolean {
    return this.knows(client) || (this.#perDomain.get(client.domain) ?? 0) < this.#parts.mostOccupants(client.domain);
  }

  /** The client of that address, known from now on. */
  client(from: Jid): Occupant {
    const known = this.#occupants.get(from.full);
    if (known !== undefined) return known;
    const occupant = new Occupant(this, from);
    this.#occupants.set(from.full, occupant);
    this.#perDomain.set(from.domain, (this.#perDomain.get(from.domain) ?? 0) + 1);
    return occupant;
  }

  /** The clients of somebody, by their sessions: these are named by the resource. */
  #clientsOf(user: User): Occupant[] {
    return [...user.sessions].flatMap((session) => this.#occupants.get(session.address.replace(/^xmpp:/, '')) ?? []);
  }

  entered(occupant: Occupant, room: Room): void {
    const known = this.#inside.get(room);
    if (known === undefined) this.#inside.set(room, new Set([occupant]));
    else known.add(occupant);
  }

  /** The client is no longer in that room. */
  out(occupant: Occupant, room: Room): void {
    const inside = this.#inside.get(room);
    inside?.delete(occupant);
    if (inside?.size === 0) this.#inside.delete(room);
    this.forgetIdle(room);
  }

  /** Lets a client go that is in no room. */
  forgetClient(occupant: Occupant): void {
    for (const _ of occupant.rooms) return;
    const { session } = occupant;
    this.over(occupant);
    occupant.session = undefined;
    if (session !== undefined) this.host.users.disconnect(session, '');
  }

  over(occupant: Occupant): void {
    const { full, domain } = occupant.jid;
    if (this.#occupants.get(full) !== occupant) return;
    this.#occupants.delete(full);
    const left = (this.#perDomain.get(domain) ?? 0) - 1;
    if (left > 0) this.#perDomain.set(domain, left);
    else this.#perDomain.delete(domain);
  }

  occupant(from: Jid, room: Room): Inside | undefined {
    const occupant = this.#occupants.get(from.full);
    return occupant?.session !== undefined && room.members.has(occupant.session.user.id) && occupant.isIn(room)
      ? { occupant, user: occupant.session.user }
      : undefined;
  }

  leave(room: Room, { occupant, user }: Inside, reason: string, code?: number): void {
    if (this.#clientsOf(user).some((other) => other !== occupant && other.isIn(room))) {
      occupant.goodbye(this.view(room), code, reason);
      this.host.users.detach(occupant.session!, room);
      return;
    }
    if (code !== undefined) this.view(room).departsWith(user.id, code);
    this.host.rooms.leave(user, room, reason, occupant);
  }

  /** An error came back from a client: if it means that nobody is there, it leaves (status 333). */
  #lost(what: Element, from: Jid, to: Jid): void {
    const room = this.roomOf(to);
    const inside = room === undefined ? undefined : this.occupant(from, room);
    const { condition } = conditionOf(what);
    if (room !== undefined && inside !== undefined && gone.has(condition)) this.leave(room, inside, `lost: ${condition}`, 333);
  }

  /** A client cannot be reached: it is in no room any more. */
  unreachable(to: Jid, reason: string): void {
    const occupant = this.#occupants.get(to.full);
    if (occupant?.session === undefined) return;
    const inside = { occupant, user: occupant.session.user };
    for (const room of [...occupant.rooms]) this.leave(room, inside, reason, 333);
  }

  /**
   * Looks whether the clients of a domain are still there, with a message that no client shows: a server bounces what is
   * for a client that is gone (RFC 6121 section 8.5.3.2.1), and then it leaves.
   */
  probe(domain: Domain): void {
    for (const occupant of [...this.#occupants.values()]) {
      if (occupant.jid.domain !== domain) continue;
      for (const room of occupant.rooms) {
        const from = this.addressOf(room);
        this.sendTo(
          occupant.jid,
          serialise(stanza('message', { type: 'groupchat', from, to: occupant.jid.full }, element('no-store', ns.hints))),
        );
        break;
      }
    }
  }

  // ---- stanzas

  refuse(what: Element, error: StanzaError): void {
    const bounced = bounce(what, error);
    if (bounced !== undefined) this.#parts.reply(bounced);
  }

  outcome(what: Element, outcome: Outcome<unknown>): void {
    if (!outcome.ok) this.refuse(what, refusalError(outcome.refusal));
  }

  /** @returns a promise when the client is entering: what it sent behind that must wait for it */
  presence(what: Element, from: Jid, to: Jid): Promise<void> | undefined {
    const type = attribute(what, 'type');
    const room = this.roomOf(to);
    const inside = room === undefined ? undefined : this.occupant(from, room);
    switch (type) {
      case undefined:
        return this.#available(what, from, to, room, inside);
      case 'unavailable':
        if (room !== undefined && inside !== undefined) this.leave(room, inside, childText(what, 'status', ns.client) ?? '');
        break;
      case 'error':
        this.#lost(what, from, to);
        break;
      case 'subscribe':
        // Rooms have no presence besides that of their occupants.
        this.#parts.reply(stanza('presence', { type: 'unsubscribed', from: to.bare, to: from.bare }));
        break;
      default:
        break;
    }
    return undefined;
  }

  #available(what: Element, from: Jid, to: Jid, room: Room | undefined, inside: Inside | undefined): Promise<void> | undefined {
    const nick = legalNick(to.resource);
    if (to.local === '' || nick === undefined)
      this.refuse(what, { condition: 'jid-malformed', text: 'A nick is needed: room@domain/nick.' });
    else if (from.local === '' || from.resource === '') this.refuse(what, { condition: 'jid-malformed' });
    else if (room !== undefined && inside !== undefined) update(this, what, room, inside, nick);
    else if (childOf(what, 'x', ns.muc) === undefined) this.refuse(what, outside);
    else return enter(this, what, from, to, nick).catch((error: unknown) => this.failed(error, 'entering a room'));
    return undefined;
  }

  /** @returns when what it says is durable */
  message(what: Element, from: Jid, to: Jid): Promise<void> | undefined {
    const type = attribute(what, 'type') ?? 'normal';
    if (type === 'error') {
      this.#lost(what, from, to);
      return undefined;
    }
    const room = this.roomOf(to);
    const inside = room === undefined ? undefined : this.occupant(from, room);
    if (room === undefined) this.refuse(what, { condition: 'item-not-found', text: 'There is no such room.' });
    else if (inside === undefined) {
      if (!fromOutside(this, what, room, from)) this.refuse(what, outside);
    } else if (to.resource !== '') return toOccupant(this, what, type, room, inside, to.resource);
    else if (type === 'groupchat') return toRoom(this, what, room, inside);
    else toRoomItself(this, what, room, inside.user);
    return undefined;
  }

  /** Queries to a room or an occupant. Undefined where the namespace means nothing to us. */
  async iq(what: Element, payload: Element, from: Jid, to: Jid): Promise<Element | StanzaError | undefined> {
    const room = this.roomOf(to);
    const inside = room === undefined ? undefined : this.occupant(from, room);
    if (to.resource !== '') return this.#occupantIq(payload, room, to.resource, inside?.user.id);
    if (room === undefined) return { condition: 'item-not-found', text: 'There is no such room.' };
    const namespace = attribute(payload, 'xmlns');
    if (namespace === ns.mucAdmin) return inside === undefined ? outside : answerAdmin(this, what, payload, room, inside);
    if (namespace === ns.mucOwner) return inside === undefined ? outside : answerOwner(this, what, payload, room, inside);
    if (namespace === ns.ping) return stanza('iq', { type: 'result' });
    return undefined;
  }

  /**
   * XEP-0410: who asks for the own nick learns whether it is still inside. Who is outside is told so, also of a room that
   * is there no more: `item-not-found` would mean that only the nick is another.
   */
  #occupantIq(payload: Element, room: Room | undefined, nick: string, asker: UserId | undefined): Element | StanzaError {
    if (room === undefined || asker === undefined) return outside;
    if (this.memberOf(room, nick) === undefined) return { condition: 'item-not-found', text: 'Nobody of that nick is in the room.' };
    // Nothing is passed on to the other's client: the room answers for everybody, and reveals no real address.
    return attribute(payload, 'xmlns') === ns.ping ? stanza('iq', { type: 'result' }) : { condition: 'service-unavailable' };
  }

  /**
   * A private message of somebody inside to an occupant's clients.
   * @param fate told once: delivered when one client has it, failed when none could be reached
   * @returns false when there is no way through that room
   */
  fromOccupant(room: Room, author: UserId | undefined, to: User, made: (from: string) => Element, fate: Fate): boolean {
    if (!room.members.has(to.id)) return false;
    const nick = author === undefined ? undefined : this.view(room).nickOf(author);
    if (nick === undefined) return false;
    const clients = this.#clientsOf(to).filter((occupant) => occupant.isIn(room));
    let open = clients.length;
    let delivered = false;
    const settle = (why: string): void => {
      open--;
      if (open > 0) return;
      if (delivered) fate.delivered?.();
      else fate.failed(why);
    };
    for (const occupant of clients) {
      const message = made(`${this.addressOf(room)}/${nick}`);
      message.attrs['to'] = occupant.jid.full;
      message.children.push(element('x', ns.mucUser));
      this.#parts.reply(message, {
        ...(fate.patience === undefined ? {} : { patience: Math.min(fate.patience, this.#parts.patience) }),
        delivered: () => {
          delivered = true;
          settle('');
        },
        failed: (why) => {
          settle(why);
          this.unreachable(occupant.jid, why);
        },
      });
    }
    return clients.length > 0;
  }

  stop(): void {
    for (const occupant of [...this.#occupants.values()]) {
      for (const room of [...occupant.rooms]) occupant.goodbye(this.view(room), 332, 'the server is stopping');
      if (occupant.session !== undefined) this.host.users.disconnect(occupant.session, 'the server is stopping');
    }
    this.#occupants.clear();
    this.#inside.clear();
    this.#perDomain.clear();
    this.#views.clear();
  }
}
