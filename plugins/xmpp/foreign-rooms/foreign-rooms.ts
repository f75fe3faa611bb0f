/** Rooms of other servers that people of this one are in: which there are, and what of all that happens concerns them. */
import { createHmac, randomBytes } from 'node:crypto';
import {
  addressParts,
  parseRoomAddress,
  roomAddress,
  xmppRoomAddress,
  type Domain,
  type Host,
  type LogRecord,
  type Outcome,
  type PrivateRecord,
  type Room,
  type RoomAddress,
  type User,
  type UserChange,
} from '../../../server/plugin.ts';
import { jid as makeJid, tryParseJid, unescapeLocal, type Jid } from '../jid.ts';
import type { People } from '../people.ts';
import type { Fate } from '../private-messages.ts';
import { attribute, childOf, elements, stanza, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import { doThere } from './acts.ts';
import { Asks } from './asks.ts';
import { ForeignRoom } from './foreign-room.ts';

export interface ForeignRoomsParts {
  readonly host: Host;
  readonly people: People;
  /** The domain of our own rooms, and all that we answer for. */
  readonly roomsDomain: Domain;
  readonly own: ReadonlySet<Domain>;
  readonly historyMessages: number;
  readonly send: (what: Element, fate?: Fate) => void;
}

const checkMilliseconds = 60_000;

export class ForeignRooms {
  readonly #parts: ForeignRoomsParts;
  readonly #asks: Asks;
  readonly #resources: Buffer;
  /** By bare address. */
  readonly #rooms = new Map<string, ForeignRoom>();
  readonly #byRoom = new Map<Room, ForeignRoom>();
  #lastChange: UserChange | undefined;

  constructor(parts: ForeignRoomsParts) {
    this.#parts = parts;
    this.#asks = new Asks(parts.host.clock, parts.send);
    this.#resources = parts.host.secret('resources in rooms of other servers');
  }

  start(): void {
    const { host, people } = this.#parts;
    host.hooks.filter('join', 100, (subject) => {
      const room = this.#byRoom.get(subject.room);
      if (room === undefined) return { pass: subject };
      return { elsewhere: room.visitors.enter(subject.user, subject.key) };
    });
    host.hooks.filter('content', 100, (subject) => {
      const room = subject.accepted ? undefined : this.#byRoom.get(subject.room);
      if (room === undefined) return { pass: subject };
      const { user, content, via } = subject;
      const elsewhere = ((): Promise<Outcome<LogRecord>> | undefined => {
        if (content.kind === 'topic') return room.say(user, { kind: 'topic', topic: content.topic });
        if (content.kind !== 'message') return undefined;
        return room.say(user, { kind: 'message', body: { text: content.text, style: content.style }, via });
      })();
      return elsewhere === undefined ? { pass: subject } : { elsewhere };
    });
    host.hooks.filter('act', 100, (subject) => {
      const room = this.#byRoom.get(subject.room);
      return room === undefined ? { pass: subject } : { elsewhere: doThere(room, people, this.#asks, subject.user, subject.act) };
    });
    host.networks.homes('xmpp', {
      addressOf: (name) => this.#addressOf(name),
      opened: (room) => this.#opened(room),
      closed: (room) => this.#closed(room, 'that room is no longer shared with this server'),
    });
    host.clock.every(checkMilliseconds, () => {
      for (const room of this.#rooms.values()) room.visitors.check();
    });
  }

  get count(): number {
    let count = 0;
    for (const room of this.#rooms.values()) count += room.visitors.occupants.size;
    return count;
  }

  /** `den@conference.example`, also as a URI (RFC 5122). Rooms of this server are what they are. */
  #addressOf(name: string): RoomAddress | undefined {
    const { host, own, roomsDomain } = this.#parts;
    const text = name.replace(/^xmpp:/i, '').replace(/\?.*$/s, '');
    const address = tryParseJid(text);
    if (address === undefined || address.local === '' || address.resource !== '') return undefined;
    if (!own.has(address.domain)) return xmppRoomAddress(address.local, address.domain);
    if (address.domain !== roomsDomain) return undefined;
    const local = unescapeLocal(address.local);
    return local.includes('@') ? undefined : roomAddress(host.domain, local);
  }

  #opened(room: Room): void {
    const { home } = room;
    if (home === undefined || this.#byRoom.has(room)) return;
    const { scheme, name, domain } = addressParts(home);
    if (scheme !== 'xmpp' || this.#parts.own.has(domain)) return;
    const address = makeJid(name, domain);
    const foreign = new ForeignRoom(
      {
        host: this.#parts.host,
        people: this.#parts.people,
        asks: this.#asks,
        historyMessages: this.#parts.historyMessages,
        addressFor: (user, taken) => this.#addressFor(user, taken),
        send: this.#parts.send,
      },
      room,
      parseRoomAddress(home),
      address,
    );
    this.#rooms.set(address.bare, foreign);
    this.#byRoom.set(room, foreign);
    foreign.open();
  }

  #closed(room: Room, reason: string): void {
    const foreign = this.#byRoom.get(room);
    if (foreign === undefined) return;
    this.#byRoom.delete(room);
    this.#rooms.delete(foreign.address);
    foreign.close(reason);
  }

  /**
   * The address by which one of ours enters: always the same, so that a room knows who comes back after a restart of this server. Undefined for
   * people of other XMPP servers: they have addresses of their own, which we cannot speak for.
   */
  #addressFor(user: User, taken: (jid: string) => boolean): Jid | undefined {
    const { people, own } = this.#parts;
    const bare = people.jidOf(user.address);
    if (bare === undefined || !own.has(bare.domain)) return undefined;
    const usual = makeJid(
      bare.local,
      bare.domain,
      createHmac('sha256', this.#resources).update(user.address).digest('base64url').slice(0, 16),
    );
    return taken(usual.full) ? makeJid(bare.local, bare.domain, randomBytes(12).toString('base64url')) : usual;
  }

  /**
   * A stanza of another server that may be a room's to one of ours there. Only what comes from that very room, to an address that is inside
   * or has asked to be, is. Threat class A10.
   * @returns false when it concerns no room
   */
  receive(what: Element, from: Jid, to: Jid): Promise<void> | boolean {
    const room = this.#rooms.get(from.bare);
    const occupant = room?.visitors.at(to);
    if (room === undefined || occupant === undefined) return false;
    if (what.name !== 'iq') return room.receive(what, from, occupant) ?? true;
    const type = attribute(what, 'type');
    if (type === 'result' || type === 'error') {
      this.#asks.answered(what, from, to);
      return true;
    }
    // A room that does not answer self pings itself asks the occupant (XEP-0410).
    const [payload] = elements(what);
    if (type !== 'get' || payload === undefined || childOf(what, 'ping', ns.ping) === undefined) return false;
    this.#parts.send(stanza('iq', { type: 'result', from: to.full, to: from.full, id: attribute(what, 'id') }));
    return true;
  }

  /** A private message to somebody in such a room. @returns false when its author is not there */
  tellOccupant(content: Extract<PrivateRecord['content'], { readonly kind: 'private' }>, id: string, body: Element, fate: Fate): boolean {
    const { name, domain, nick } = addressParts(content.to.address);
    const room = nick === undefined ? undefined : this.#rooms.get(makeJid(name, domain).bare);
    const author = this.#parts.host.users.byAddress(content.author.address);
    return room?.tellOccupant(author, nick!, id, body, fate) ?? false;
  }

  /** Each network that shares a room with somebody is told: the second time nothing is new. */
  userChanged(change: UserChange): void {
    if (change === this.#lastChange) return;
    this.#lastChange = change;
    for (const room of this.#rooms.values()) room.userChanged(change);
  }

  /** Whether the people of that domain are needed, though nobody is known at the moment. */
  uses(domain: Domain): boolean {
    for (const room of this.#rooms.values()) if (room.jid.domain === domain && room.copy !== undefined) return true;
    return false;
  }

  /** A stream to that domain broke. */
  broken(domain: Domain): void {
    for (const room of this.#rooms.values()) if (room.jid.domain === domain) room.visitors.resynchronise();
  }

  stop(): void {
    for (const room of [...this.#byRoom.keys()]) this.#closed(room, 'the server is stopping');
    this.#asks.stop();
  }
}
