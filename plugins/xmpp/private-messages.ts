/** Private messages and invitations of the core as stanzas for people of other servers, and what their senders are told when they do not arrive. */
import { withCircle, type Host, type PrivateRecord, type User, type UserAddress } from '../../server/plugin.ts';
import type { ForeignRooms } from './foreign-rooms/foreign-rooms.ts';
import type { Jid } from './jid.ts';
import { readOriginal } from './muc/stanzas.ts';
import type { RoomService } from './muc/service.ts';
import type { People } from './people.ts';
import { errorElement } from './stanza-error.ts';
import { toBody } from './text.ts';
import { element, stanza, type Element } from './xml/element.ts';
import { ns } from './xml/namespaces.ts';

/** What becomes of a stanza. */
export interface Fate {
  /** The other server has it, as far as one can know. */
  delivered?(): void;
  failed(text: string): void;
  /** Milliseconds for which it may wait; else what the configuration says. */
  readonly patience?: number;
}

export interface PrivateMessagesParts {
  readonly host: Host;
  readonly people: People;
  readonly rooms: RoomService;
  readonly foreignRooms: ForeignRooms;
  readonly send: (stanza: Element, fate?: Fate) => void;
  /** Milliseconds for which a message may wait. */
  readonly patience: number;
}

type PrivateContent = Extract<PrivateRecord['content'], { readonly kind: 'private' }>;

/** Milliseconds after which a message says when it was said, and its bounce which one it was. */
const noticeable = 2_000;
/** Characters of a message that its bounce repeats. */
const quoted = 100;

export class PrivateMessages {
  readonly #parts: PrivateMessagesParts;

  constructor(parts: PrivateMessagesParts) {
    this.#parts = parts;
  }

  /** @param settled called once, when it is delivered or its sender has been told */
  deliver(record: PrivateRecord, settled: () => void): void {
    const { people, host, patience } = this.#parts;
    const { content } = record;
    const target = people.jidOf(content.to.address);
    const to = target === undefined ? undefined : people.resolve(content.to.address);
    if (target === undefined || to === undefined) {
      settled();
      return;
    }
    const left = patience - (host.clock.now() - record.logged);
    const fate: Fate = {
      patience: left,
      delivered: settled,
      failed: (why) => {
        void this.#bounce(record, to, why).then(settled);
      },
    };
    if (left <= 0) fate.failed(`${target.domain} could not be reached`);
    else if (content.kind === 'invitation') this.#invite(content, record.id, target, fate);
    else this.#message(record, content, target, to, fate);
  }

  #message(record: PrivateRecord, content: PrivateContent, target: Jid, to: User, fate: Fate): void {
    const { people, rooms, foreignRooms, send, host } = this.#parts;
    if (target.resource !== '') {
      // To somebody in a room of another server: by that room only, which may not show real addresses.
      const body = stanza('body', {}, toBody(withCircle(content), content.style));
      if (!foreignRooms.tellOccupant(content, record.id, body, fate)) fate.failed('you are not in that room');
      return;
    }
    const sender = content.author.address;
    const make = (from: string): Element =>
      stanza(
        'message',
        { type: 'chat', from, to: target.bare, id: record.id },
        stanza('body', {}, toBody(withCircle(content), content.style)),
        host.clock.now() - record.logged < noticeable
          ? undefined
          : element('delay', ns.delay, { from: host.domain, stamp: new Date(Math.min(record.born, record.logged)).toISOString() }),
      );
    if (content.room !== undefined) {
      const room = host.rooms.get(content.room);
      const author = host.users.byAddress(sender)?.id;
      // Never by another way: who writes through a room may not want to show the real address.
      if (room === undefined || !rooms.fromOccupant(room, author, to, make, fate)) fate.failed('no longer in the room');
      return;
    }
    const from = people.writesFrom(sender, target);
    if (from === undefined) fate.failed('there is no address to write from');
    else send(make(from.bare), fate);
  }

  /** The sender learns that it did not arrive. */
  async #bounce(record: PrivateRecord, to: User, why: string): Promise<void> {
    const { host } = this.#parts;
    const { content } = record;
    const sender = content.author.address;
    if (content.kind === 'private' && content.room !== undefined && sender.startsWith('xmpp:')) {
      this.#bounceInRoom(content, why);
      return;
    }
    const late = host.clock.now() - record.logged >= noticeable;
    const said = content.kind === 'private' && late ? content.text.plain : undefined;
    await this.tellSender(to, sender, why, said);
  }

  /**
   * Tells one of ours, in the name of whom it wrote to, that a message did not arrive.
   * @param said which one, where that is not plain: the first line of it is repeated
   */
  async tellSender(to: User, sender: UserAddress, why: string, said?: string): Promise<void> {
    const { people, host } = this.#parts;
    // What is for people of other XMPP servers is bounced, not told: a notice could be bounced again, without end.
    if (sender.startsWith('xmpp:')) return;
    const line = said?.split('\n')[0] ?? '';
    const quote = line === '' ? '' : ` It was: ${line.length > quoted ? `${line.slice(0, quoted)}...` : line}`;
    const text = { plain: `Your message was not delivered (${why}).${quote}`, spans: [] };
    try {
      await people.networkOf(to).privateMessage(to, sender, { text, style: 'notice' });
    } catch (error) {
      host.log.error({ err: error }, 'a notice failed');
    }
  }

  /** Somebody of another XMPP server wrote, through a room, to one who cannot be reached: the occupant's error, as the room's. */
  #bounceInRoom(content: PrivateContent, why: string): void {
    const { people, rooms, host, send } = this.#parts;
    const room = content.room === undefined ? undefined : host.rooms.get(content.room);
    const to = people.jidOf(content.author.address)?.bare;
    if (room === undefined || to === undefined) return;
    const { id } = readOriginal(content.original?.data);
    const from = `${rooms.addressOf(room)}/${content.to.nick}`;
    send(stanza('message', { type: 'error', from, to, id }, errorElement({ condition: 'recipient-unavailable', text: why })));
  }

  #invite(content: Extract<PrivateRecord['content'], { readonly kind: 'invitation' }>, id: string, target: Jid, fate: Fate): void {
    const { people, rooms, host, send } = this.#parts;
    const room = host.rooms.get(content.room);
    if (room === undefined) {
      fate.failed('the room is gone');
      return;
    }
    if (target.resource !== '') {
      fate.failed('an invitation needs the address of a person, not of an occupant');
      return;
    }
    const reason = content.reason === '' ? undefined : content.reason;
    const from = people.jidOf(content.author.address)?.bare;
    if (room.home !== undefined) {
      // Only that room itself could invite in its name.
      send(
        stanza('message', { from, to: target.bare, id }, element('x', ns.conference, { jid: room.home.replace(/^xmpp:/, ''), reason })),
        fate,
      );
      return;
    }
    const address = rooms.addressOf(room);
    const why = reason === undefined ? undefined : element('reason', ns.mucUser, {}, reason);
    const password = room.config.key === null ? undefined : element('password', ns.mucUser, {}, room.config.key);
    send(
      stanza(
        'message',
        { from: address, to: target.bare, id },
        element('x', ns.mucUser, {}, element('invite', ns.mucUser, { from }, why), password),
        element('x', ns.conference, { jid: address, reason, password: room.config.key ?? undefined }),
      ),
      fate,
    );
  }
}
