/** What becomes of each stanza from another server (RFC 6121 section 8). */
import type { Host, Outcome, PrivateRecord, User, UserAddress } from '../../server/plugin.ts';
import type { Disco } from './disco.ts';
import { tryParseJid, type Jid } from './jid.ts';
import { encryptedError, readBody } from './message-body.ts';
import { readOriginal } from './muc/stanzas.ts';
import type { RoomService } from './muc/service.ts';
import type { People } from './people.ts';
import { bounce, conditionOf, errorElement, refusalError, type StanzaError } from './stanza-error.ts';
import { toBody, type Said } from './text.ts';
import { attribute, childOf, childText, element, elements, stanza, type Element } from './xml/element.ts';
import { ns } from './xml/namespaces.ts';

export interface RouterParts {
  readonly host: Host;
  readonly people: People;
  readonly rooms: RoomService;
  readonly disco: Disco;
  /** Sends a stanza by its from and to; `failed` is told when it cannot be delivered. */
  readonly send: (stanza: Element, failed?: (text: string) => void) => void;
}

/** An invitation to a room, mediated by the room (XEP-0045 section 7.8.2) or direct (XEP-0249). */
interface Invitation {
  readonly room: Jid;
  readonly reason: string;
}

function invitationIn(what: Element, from: Jid): Invitation | undefined {
  const direct = childOf(what, 'x', ns.conference);
  const named = direct === undefined ? undefined : tryParseJid(attribute(direct, 'jid'));
  if (direct !== undefined && named !== undefined) return { room: named, reason: attribute(direct, 'reason') ?? '' };
  const x = childOf(what, 'x', ns.mucUser);
  const mediated = x === undefined ? undefined : childOf(x, 'invite', ns.mucUser);
  return mediated === undefined ? undefined : { room: from, reason: childText(mediated, 'reason', ns.mucUser) ?? '' };
}

/** Stanzas of one client that may wait while it enters a room. */
const mostBehind = 100;

function pairOf(client: Jid, room: Jid): string {
  return `${client.full} ${room.bare}`;
}

export class Router {
  readonly #parts: RouterParts;
  /** What clients that are entering a room have sent to it behind that: each goes on when it is called. */
  readonly #behind = new Map<string, (() => void)[]>();

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  /** @returns when what a message says is durable */
  receive(what: Element): Promise<void> | undefined {
    const from = tryParseJid(attribute(what, 'from'));
    const to = tryParseJid(attribute(what, 'to'));
    if (from === undefined) return undefined;
    if (to === undefined) {
      this.#refuse(what, { condition: 'jid-malformed' });
      return undefined;
    }
    const behind = this.#behind.get(pairOf(from, to));
    if (behind === undefined) return this.#handle(what, from, to);
    if (behind.length < mostBehind) return new Promise<void>((begin) => behind.push(begin)).then(() => this.receive(what));
    this.#refuse(what, { condition: 'resource-constraint', text: 'Too much was sent before the room could be entered.' });
    return undefined;
  }

  #handle(what: Element, from: Jid, to: Jid): Promise<void> | undefined {
    const toRooms = to.domain === this.#parts.rooms.domain;
    switch (what.name) {
      case 'message':
        if (toRooms) {
          if (attribute(what, 'type') === 'error') this.#undeliveredInRoom(what, from, to);
          return this.#parts.rooms.message(what, from, to);
        }
        return this.#message(what, from, to);
      case 'presence':
        if (toRooms) return this.#wait(from, to, this.#parts.rooms.presence(what, from, to));
        this.#presence(what, from, to);
        break;
      case 'iq':
        this.#iq(what, from, to).catch((error: unknown) => {
          this.#parts.host.log.error({ err: error }, 'a query of another XMPP server failed');
          this.#refuse(what, { condition: 'internal-server-error' });
        });
        break;
      default:
        break;
    }
    return undefined;
  }

  /** Stanzas of one client to one room are handled in order (RFC 6120 section 10.1): behind an entering they wait for its end. */
  #wait(from: Jid, to: Jid, entering: Promise<void> | undefined): Promise<void> | undefined {
    if (entering === undefined) return undefined;
    const pair = pairOf(from, to);
    this.#behind.set(pair, []);
    return entering.then(() => {
      const behind = this.#behind.get(pair);
      this.#behind.delete(pair);
      for (const begin of behind ?? []) begin();
      return undefined;
    });
  }

  #refuse(what: Element, error: StanzaError): void {
    const bounced = bounce(what, error);
    if (bounced !== undefined) this.#parts.send(bounced);
  }

  // ---- messages to people

  #message(what: Element, from: Jid, to: Jid): Promise<void> | undefined {
    const { people } = this.#parts;
    const type = attribute(what, 'type') ?? 'normal';
    const address = people.addressOf(to);
    if (type === 'error') {
      if (address !== undefined) this.#undelivered(what, from, address);
      return undefined;
    }
    if (type === 'headline' || from.local === '') return undefined;
    const body = readBody(what);
    const invitation = invitationIn(what, from);
    if (type === 'groupchat' || (address === undefined && body.kind !== 'none')) this.#refuse(what, { condition: 'service-unavailable' });
    else if (address === undefined) return undefined;
    else if (invitation !== undefined) return this.#invited(what, from, address, invitation);
    else if (body.kind === 'encrypted') this.#refuse(what, encryptedError);
    // Chat states, receipts and markers without a body concern nobody here.
    else if (body.kind === 'said') {
      people.wroteTo(from, address, to);
      return this.#deliver(what, from, address, body.said);
    }
    return undefined;
  }

  #deliver(what: Element, from: Jid, address: UserAddress, said: Said): Promise<void> {
    const { people, host } = this.#parts;
    return people
      .network(from.domain)
      .privateMessage(people.user(from), address, said)
      .then((outcome) => this.#settle(what, outcome))
      .catch((error: unknown) => host.log.error({ err: error }, 'a private message failed'));
  }

  #settle(what: Element, outcome: Outcome<unknown>): void {
    if (outcome.ok) return;
    const { refusal } = outcome;
    // RFC 6121 section 8.5.1: the same for everybody who cannot be written to.
    this.#refuse(what, refusal.code === 'no-such-user' ? { condition: 'service-unavailable' } : refusalError(refusal));
  }

  /** An invitation to one of our rooms is one; to a room elsewhere it is told in words, since our people cannot go there. */
  #invited(what: Element, from: Jid, address: UserAddress, { room: to, reason }: Invitation): Promise<void> {
    const { people, rooms, host } = this.#parts;
    const room = to.domain === rooms.domain ? rooms.roomOf(to) : undefined;
    if (room === undefined) {
      const plain = `Invitation to the room ${to.bare}${reason === '' ? '' : `: ${reason}`}`;
      return this.#deliver(what, from, address, { text: { plain, spans: [] }, style: 'normal' });
    }
    return host.rooms
      .invite(people.user(from), room, address, reason)
      .then((outcome) => this.#settle(what, outcome))
      .catch((error: unknown) => host.log.error({ err: error }, 'an invitation failed'));
  }

  /** One of ours wrote to somebody who cannot be reached: it is told so. */
  #undelivered(what: Element, from: Jid, sender: UserAddress): void {
    const { condition, text } = conditionOf(what);
    const user = this.#parts.people.known(from);
    if (user !== undefined) this.#tellSender(user, sender, text === '' ? condition : `${condition}: ${text}`);
  }

  /** A private message through a room came back from the client that it was for. */
  #undeliveredInRoom(what: Element, from: Jid, to: Jid): void {
    const room = this.#parts.rooms.roomOf(to);
    const sender = room === undefined || to.resource === '' ? undefined : this.#parts.rooms.memberOf(room, to.resource)?.address;
    if (sender !== undefined) this.#undelivered(what, from, sender);
  }

  #tellSender(to: User, sender: UserAddress, why: string): void {
    const { people, host } = this.#parts;
    // What is for people of other XMPP servers is bounced, not told: a notice could be bounced again, without end.
    if (sender.startsWith('xmpp:')) return;
    const text = { plain: `Your message was not delivered (${why}).`, spans: [] };
    people
      .networkOf(to)
      .privateMessage(to, sender, { text, style: 'notice' })
      .catch((error: unknown) => host.log.error({ err: error }, 'a notice failed'));
  }

  /** A private message of the core to somebody of another server. */
  privateMessage(record: PrivateRecord, to: User): void {
    const { people, rooms, send, host } = this.#parts;
    const { content } = record;
    const target = people.jidOf(to.address);
    if (target === undefined) return;
    if (content.kind === 'invitation') {
      this.#invite(content, record.id, target);
      return;
    }
    const sender = content.author.address;
    const failed = (why: string): void => {
      if (content.room === undefined || !sender.startsWith('xmpp:')) this.#tellSender(to, sender, why);
      else this.#bounceInRoom(content, why);
    };
    const make = (from: string): Element =>
      stanza('message', { type: 'chat', from, to: target.bare, id: record.id }, stanza('body', {}, toBody(content.text, content.style)));
    if (content.room !== undefined) {
      const room = host.rooms.get(content.room);
      const author = host.users.byAddress(sender)?.id;
      // Never by another way: who writes through a room may not want to show the real address.
      if (room === undefined || !rooms.fromOccupant(room, author, to, make, failed)) failed('no longer in the room');
      return;
    }
    const from = people.writesFrom(sender, target);
    if (from === undefined) failed('there is no address to write from');
    else send(make(from.bare), failed);
  }

  /** Somebody of another XMPP server wrote, through a room, to one who cannot be reached: the occupant's error, as the room's. */
  #bounceInRoom(content: Extract<PrivateRecord['content'], { readonly kind: 'private' }>, why: string): void {
    const { people, rooms, host, send } = this.#parts;
    const room = content.room === undefined ? undefined : host.rooms.get(content.room);
    const to = people.jidOf(content.author.address)?.bare;
    if (room === undefined || to === undefined) return;
    const { id } = readOriginal(content.original?.data);
    const from = `${rooms.addressOf(room)}/${content.to.nick}`;
    send(stanza('message', { type: 'error', from, to, id }, errorElement({ condition: 'recipient-unavailable', text: why })));
  }

  #invite(content: Extract<PrivateRecord['content'], { readonly kind: 'invitation' }>, id: string, target: Jid): void {
    const { people, rooms, host, send } = this.#parts;
    const room = host.rooms.get(content.room);
    if (room === undefined) return;
    const address = rooms.addressOf(room);
    const reason = content.reason === '' ? undefined : content.reason;
    const from = people.jidOf(content.author.address)?.bare;
    const why = reason === undefined ? undefined : element('reason', ns.mucUser, {}, reason);
    const password = room.config.key === null ? undefined : element('password', ns.mucUser, {}, room.config.key);
    send(
      stanza(
        'message',
        { from: address, to: target.bare, id },
        element('x', ns.mucUser, {}, element('invite', ns.mucUser, { from }, why), password),
        element('x', ns.conference, { jid: address, reason, password: room.config.key ?? undefined }),
      ),
    );
  }

  // ---- presence of people

  /** Our people show their presence in rooms only; who asks for more is told no in words that every client knows (RFC 6121 sections 3.1.4, 4.3.2). */
  #presence(what: Element, from: Jid, to: Jid): void {
    const type = attribute(what, 'type');
    if (type === 'subscribe' || type === 'probe')
      this.#parts.send(stanza('presence', { type: 'unsubscribed', from: to.bare, to: from.bare }));
  }

  // ---- queries

  async #iq(what: Element, from: Jid, to: Jid): Promise<void> {
    const type = attribute(what, 'type');
    if (type === 'result' || type === 'error') return;
    const [payload, ...more] = elements(what);
    if ((type !== 'get' && type !== 'set') || payload === undefined || more.length > 0 || attribute(what, 'id') === undefined) {
      this.#refuse(what, { condition: 'bad-request' });
      return;
    }
    const answer = (await this.#answer(what, payload, type, from, to)) ?? { condition: 'service-unavailable' };
    if ('condition' in answer) this.#refuse(what, answer);
    else {
      answer.attrs['from'] = to.full;
      answer.attrs['to'] = from.full;
      answer.attrs['id'] = attribute(what, 'id')!;
      this.#parts.send(answer);
    }
  }

  async #answer(what: Element, payload: Element, type: 'get' | 'set', from: Jid, to: Jid): Promise<Element | StanzaError | undefined> {
    const { rooms, disco, host, people } = this.#parts;
    const namespace = attribute(payload, 'xmlns');
    const asker = people.known(from);
    if (type === 'get' && to.resource === '') {
      if (namespace === ns.discoInfo) return disco.info(payload, to, asker);
      if (namespace === ns.discoItems) return disco.items(payload, to, asker);
    }
    if (to.domain === rooms.domain && to.local !== '') return rooms.iq(what, payload, from, to);
    if (to.local !== '') return undefined;
    if (namespace === ns.ping && type === 'get') return stanza('iq', { type: 'result' });
    if (namespace === ns.version && type === 'get')
      return stanza(
        'iq',
        { type: 'result' },
        element('query', ns.version, {}, element('name', ns.version, {}, 'Banyan'), element('version', ns.version, {}, host.version)),
      );
    if (namespace === ns.last && type === 'get') {
      const seconds = String(Math.max(0, Math.floor((host.clock.now() - host.startedAt) / 1_000)));
      return stanza('iq', { type: 'result' }, element('query', ns.last, { seconds }));
    }
    if (namespace === ns.time && type === 'get')
      return stanza(
        'iq',
        { type: 'result' },
        element(
          'time',
          ns.time,
          {},
          element('tzo', ns.time, {}, '+00:00'),
          element('utc', ns.time, {}, new Date(host.clock.now()).toISOString()),
        ),
      );
    return undefined;
  }
}
