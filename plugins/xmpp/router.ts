/** What becomes of each stanza from another server (RFC 6121 section 8). */
import type { Host, PrivateRecord, User } from '../../server/plugin.ts';
import type { Disco } from './disco.ts';
import { tryParseJid, type Jid } from './jid.ts';
import type { RoomService } from './muc/service.ts';
import type { People } from './people.ts';
import { bounce, conditionOf, refusalError, type StanzaError } from './stanza-error.ts';
import { fromBody, toBody } from './text.ts';
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

export class Router {
  readonly #parts: RouterParts;

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  receive(what: Element): void {
    const from = tryParseJid(attribute(what, 'from'));
    const to = tryParseJid(attribute(what, 'to'));
    if (from === undefined) return;
    if (to === undefined) {
      this.#refuse(what, { condition: 'jid-malformed' });
      return;
    }
    const toRooms = to.domain === this.#parts.rooms.domain;
    switch (what.name) {
      case 'message':
        if (toRooms) this.#parts.rooms.message(what, from, to);
        else this.#message(what, from, to);
        break;
      case 'presence':
        if (toRooms) this.#parts.rooms.presence(what, from, to);
        else this.#presence(what, from, to);
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
  }

  #refuse(what: Element, error: StanzaError): void {
    const bounced = bounce(what, error);
    if (bounced !== undefined) this.#parts.send(bounced);
  }

  // ---- messages to people

  #message(what: Element, from: Jid, to: Jid): void {
    const type = attribute(what, 'type') ?? 'normal';
    if (type === 'error') {
      this.#undelivered(what, from, to);
      return;
    }
    const body = childText(what, 'body', ns.client);
    if (type === 'headline' || from.local === '' || body === undefined || body === '') return;
    const address = this.#parts.people.addressOf(to);
    if (type === 'groupchat' || address === undefined) {
      this.#refuse(what, { condition: 'service-unavailable' });
      return;
    }
    const user = this.#parts.people.user(from);
    const said = fromBody(body, childOf(what, 'unstyled', ns.styling) === undefined);
    const network = this.#parts.people.network(from.domain);
    network
      .privateMessage(user, address, said)
      .then((outcome) =>
        outcome.ok
          ? undefined
          : this.#refuse(
              what,
              outcome.refusal.code === 'no-such-user' ? { condition: 'service-unavailable' } : refusalError(outcome.refusal),
            ),
      )
      .catch((error: unknown) => this.#parts.host.log.error({ err: error }, 'a private message failed'));
  }

  /** One of ours wrote to somebody who cannot be reached: it is told so. */
  #undelivered(what: Element, from: Jid, to: Jid): void {
    const { condition, text } = conditionOf(what);
    const address = this.#parts.people.addressOf(to);
    const user = this.#parts.people.known(from);
    if (address === undefined || user === undefined) return;
    this.#tellSender(user, address, text === '' ? condition : `${condition}: ${text}`);
  }

  #tellSender(to: User, sender: NonNullable<ReturnType<People['addressOf']>>, why: string): void {
    const network = this.#parts.people.network(this.#parts.rooms.domainOf(to));
    const text = { plain: `Your message was not delivered (${why}).`, spans: [] };
    network
      .privateMessage(to, sender, { text, style: 'notice' })
      .catch((error: unknown) => this.#parts.host.log.error({ err: error }, 'a notice failed'));
  }

  /** A private message of the core to somebody of another server. */
  privateMessage(record: PrivateRecord, to: User): void {
    const { people, rooms, send, host } = this.#parts;
    const { content } = record;
    const target = people.jidOf(to.address);
    if (target === undefined) return;
    if (content.kind === 'invitation') {
      this.#invite(record, target);
      return;
    }
    const author = host.users.byAddress(content.author.address)?.id;
    const make = (from: string): Element =>
      stanza(
        'message',
        { type: 'chat', from, to: target.bare, id: record.id },
        stanza('body', {}, toBody(content.text, content.style)),
        element('stanza-id', ns.stanzaId, { by: from, id: record.id }),
      );
    const room = content.room === undefined ? undefined : host.rooms.get(content.room);
    if (room !== undefined && rooms.fromOccupant(room, author, to, make)) return;
    const from = people.jidOf(content.author.address);
    if (from !== undefined) send(make(from.bare), (why) => this.#tellSender(to, content.author.address, why));
  }

  #invite(record: PrivateRecord, target: Jid): void {
    const { content } = record;
    if (content.kind !== 'invitation') return;
    const { people, rooms, host, send } = this.#parts;
    const room = host.rooms.get(content.room);
    if (room === undefined) return;
    const address = rooms.addressOf(room);
    const from = people.jidOf(content.author.address)?.bare;
    send(
      stanza(
        'message',
        { from: address, to: target.bare, id: record.id },
        element(
          'x',
          ns.mucUser,
          {},
          element('invite', ns.mucUser, { from }, content.reason === '' ? undefined : element('reason', ns.mucUser, {}, content.reason)),
        ),
        element('x', ns.conference, { jid: address, reason: content.reason === '' ? undefined : content.reason }),
      ),
    );
  }

  // ---- presence of people

  /** Our people show their presence in rooms; subscriptions are declined in words that every client knows (RFC 6121 section 3.1.4). */
  #presence(what: Element, from: Jid, to: Jid): void {
    if (attribute(what, 'type') === 'subscribe')
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
    if (to.domain === rooms.domain && to.local !== '') {
      if (to.resource === '' && namespace === ns.ping && rooms.roomOf(to) !== undefined) return stanza('iq', { type: 'result' });
      return rooms.iq(what, payload, from, to);
    }
    if (to.local !== '') return undefined;
    if (namespace === ns.ping && type === 'get') return stanza('iq', { type: 'result' });
    if (namespace === ns.version && type === 'get')
      return stanza(
        'iq',
        { type: 'result' },
        element('query', ns.version, {}, element('name', ns.version, {}, 'Banyan'), element('version', ns.version, {}, host.version)),
      );
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
