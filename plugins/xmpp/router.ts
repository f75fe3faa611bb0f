/** What becomes of each stanza from another server (RFC 6121 section 8). */
import type { Host, Outcome, UserAddress } from '../../server/plugin.ts';
import type { Disco } from './disco.ts';
import type { ForeignRooms } from './foreign-rooms/foreign-rooms.ts';
import { tryParseJid, type Jid } from './jid.ts';
import { encryptedError, readBody } from './message-body.ts';
import type { RoomService } from './muc/service.ts';
import type { People } from './people.ts';
import type { PrivateMessages } from './private-messages.ts';
import { bounce, conditionOf, refusalError, type StanzaError } from './stanza-error.ts';
import type { Said } from './text.ts';
import { attribute, childOf, childText, element, elements, stanza, type Element } from './xml/element.ts';
import { ns } from './xml/namespaces.ts';

export interface RouterParts {
  readonly host: Host;
  readonly people: People;
  readonly rooms: RoomService;
  readonly foreignRooms: ForeignRooms;
  readonly disco: Disco;
  readonly privateMessages: PrivateMessages;
  /** Sends a stanza by its from and to. */
  readonly send: (stanza: Element) => void;
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
    const ofRoom = this.#parts.foreignRooms.receive(what, from, to);
    if (ofRoom !== false) return ofRoom === true ? undefined : ofRoom;
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
    if (address !== undefined && !people.mayCome(from)) {
      this.#refuse(what, { condition: 'resource-constraint', text: `Too many people of ${from.domain} are here already.` });
      return undefined;
    }
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
    if (user !== undefined) void this.#parts.privateMessages.tellSender(user, sender, text === '' ? condition : `${condition}: ${text}`);
  }

  /** A private message through a room came back from the client that it was for. */
  #undeliveredInRoom(what: Element, from: Jid, to: Jid): void {
    const room = this.#parts.rooms.roomOf(to);
    const sender = room === undefined || to.resource === '' ? undefined : this.#parts.rooms.memberOf(room, to.resource)?.address;
    if (sender !== undefined) this.#undelivered(what, from, sender);
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
