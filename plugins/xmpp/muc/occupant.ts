/** One client of another server (a full JID), in as many rooms as it entered. */
import type { Batch, PrivateRecord, Room, Session, SessionHandler, UserChange, UserId } from '../../../server/plugin.ts';
import type { Jid } from '../jid.ts';
import { element, stanza } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import { addressed, serialise } from '../xml/serialise.ts';
import type { Piece, RoomView } from './room-view.ts';
import { history, mostHistoryCharacters, type HistoryWanted } from './entering.ts';
import { nickRules } from './nicks.ts';
import type { RoomService } from './service.ts';
import { delay, status } from './stanzas.ts';

type Visit =
  /** Is shown who is there and what was said; live stanzas wait for the subject (XEP-0045 section 7.2.15). */
  { readonly kind: 'entering'; readonly waiting: ToSend[] } | { readonly kind: 'inside' };

/** One stanza; with `last` it says that the client is out, and must not be lost among others. */
interface ToSend {
  readonly xml: string;
  readonly last: boolean;
}

/** How a client asked to enter. */
interface Entering {
  readonly history: HistoryWanted;
  readonly created: boolean;
  readonly nick: string;
}

export class Occupant implements SessionHandler {
  readonly jid: Jid;
  readonly #service: RoomService;
  readonly #visits = new Map<Room, Visit>();
  /** How the next room that is entered begins. */
  readonly entering = new Map<string, Entering>();
  /** Number of the last message that each room has shown. */
  readonly #shownUpTo = new Map<Room, number>();
  /** Rooms where this client has been shown real addresses. */
  readonly #seeing = new Set<Room>();
  session: Session | undefined;

  constructor(service: RoomService, jid: Jid) {
    this.#service = service;
    this.jid = jid;
  }

  get rooms(): Iterable<Room> {
    return this.#visits.keys();
  }
  isIn(room: Room): boolean {
    return this.#visits.has(room);
  }

  #send(room: Room, what: ToSend): void {
    const visit = this.#visits.get(room);
    if (visit?.kind === 'entering') visit.waiting.push(what);
    else this.#service.sendTo(this.jid, what.xml, what.last);
  }

  deliver(batch: Batch): void {
    const { room } = batch;
    const view = this.#service.view(room);
    if (!this.#visits.has(room)) return;
    const user = this.session!.user.id;
    const upTo = this.#shownUpTo.get(room) ?? 0;
    // First, since these bring the view up to date.
    const pieces = view.pieces(batch);
    const sees = view.seesAddresses(user);
    for (const piece of pieces) {
      if (piece.entered === user || (piece.number !== undefined && piece.number <= upTo)) continue;
      this.#send(room, this.#encode(piece, user, sees));
    }
    // Whoever rises to moderator learns the real addresses (XEP-0045 section 9.6).
    if (sees && !this.#seeing.has(room)) for (const xml of this.#everybody(view, true)) this.#send(room, { xml, last: false });
    this.#noteSeeing(room, sees);
  }

  #noteSeeing(room: Room, sees: boolean): void {
    if (sees) this.#seeing.add(room);
    else this.#seeing.delete(room);
  }

  #encode(piece: Piece, user: UserId, sees: boolean): ToSend {
    const self = piece.self?.user === user ? piece.self : undefined;
    const chosen = self?.stanza ?? (sees ? (piece.full ?? piece.open) : piece.open);
    return { xml: addressed(chosen, this.jid.full), last: self?.last ?? false };
  }

  userChanged(change: UserChange): void {
    const user = this.session!.user.id;
    for (const room of this.#visits.keys()) {
      const view = this.#service.view(room);
      const pieces = view.userChange(change);
      const sees = view.seesAddresses(user);
      for (const piece of pieces) this.#send(room, this.#encode(piece, user, sees));
    }
  }

  *#everybody(view: RoomView, withJid: boolean): Iterable<string> {
    const own = this.session!.user.id;
    for (const id of view.occupants()) {
      const presence = id === own ? undefined : view.presence(id, withJid);
      if (presence !== undefined) {
        presence.attrs['to'] = this.jid.full;
        yield serialise(presence);
      }
    }
  }

  /** Everything that a client is told on entering, in the order of XEP-0045 section 7.2. Called again it begins anew. */
  attached(room: Room): void {
    const view = this.#service.view(room);
    const visit: Visit = { kind: 'entering', waiting: [] };
    this.#visits.set(room, visit);
    this.#service.entered(this, room);
    view.refresh();
    const user = this.session!.user.id;
    const wanted = this.entering.get(room.name);
    this.entering.delete(room.name);
    const sees = view.seesAddresses(user);
    this.#noteSeeing(room, sees);
    for (const xml of this.#everybody(view, sees)) this.#service.sendTo(this.jid, xml);
    const renamed = wanted !== undefined && wanted.nick !== view.nickOf(user);
    const own = view.presence(user, true, [
      ...view.selfCodes(),
      ...(wanted?.created === true ? [201] : []),
      // The nick is another than the wanted one: the person is inside under it already.
      ...(renamed ? [210] : []),
    ]);
    if (own !== undefined) {
      own.attrs['to'] = this.jid.full;
      this.#service.sendTo(this.jid, serialise(own));
    }
    const upTo = room.last.number;
    this.#shownUpTo.set(room, upTo);
    const asked = wanted?.history ?? { messages: this.#service.historyMessages, characters: mostHistoryCharacters, since: 0 };
    history(this.#service, this.session!.user, view, asked, upTo)
      .then((messages) => {
        if (this.#visits.get(room) !== visit) return undefined;
        for (const message of messages) {
          message.attrs['to'] = this.jid.full;
          this.#service.sendTo(this.jid, serialise(message));
        }
        this.#subject(view);
        this.#visits.set(room, { kind: 'inside' });
        for (const { xml, last } of visit.waiting) this.#service.sendTo(this.jid, xml, last);
        return undefined;
      })
      .catch((error: unknown) => this.#service.failed(error, 'showing a room'));
  }

  #subject(view: RoomView): void {
    const { text, by, at } = view.room.topic;
    const from = text === '' || by === '' ? view.address : `${view.address}/${nickRules.legalise(by)}`;
    this.#service.sendTo(
      this.jid,
      serialise(
        stanza(
          'message',
          { type: 'groupchat', from, to: this.jid.full },
          stanza('subject', {}, text),
          text === '' ? undefined : delay(view.address, at),
        ),
      ),
    );
  }

  detached(room: Room): void {
    const visit = this.#visits.get(room);
    // Whoever went while it was still being shown the room must at least learn that it is out.
    if (visit?.kind === 'entering') for (const { xml, last } of visit.waiting) this.#service.sendTo(this.jid, xml, last);
    this.#visits.delete(room);
    this.#shownUpTo.delete(room);
    this.#seeing.delete(room);
    this.#service.out(this, room);
    this.#service.forgetClient(this);
  }

  /** Private messages to one of several clients go to the person (People), not to each client. */
  privateMessage(_record: PrivateRecord): void {
    // The network's handler has it.
  }
  unicast(): void {
    // Queries of IRC clients mean nothing here.
  }

  ended(reason: string): void {
    const rooms = [...this.#visits.keys()];
    for (const room of rooms) this.goodbye(this.#service.view(room), 332, reason);
    this.#visits.clear();
    for (const room of rooms) this.#service.out(this, room);
    this.#service.over(this);
  }

  /** Tells the client that it is no longer inside. */
  goodbye(view: RoomView, code: number | undefined, reason: string): void {
    const nick = this.session === undefined ? undefined : view.nickOf(this.session.user.id);
    if (nick === undefined) return;
    const codes = [110, ...(code === undefined ? [] : [code])];
    const presence = stanza(
      'presence',
      { from: `${view.address}/${nick}`, to: this.jid.full, type: 'unavailable' },
      reason === '' ? undefined : stanza('status', {}, reason),
      element('x', ns.mucUser, {}, element('item', ns.mucUser, { affiliation: 'none', role: 'none' }), ...codes.map(status)),
    );
    this.#service.sendTo(this.jid, serialise(presence), true);
  }
}
