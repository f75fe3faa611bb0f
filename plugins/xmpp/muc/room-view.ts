/** One room as occupants of other servers see it (XEP-0045): everybody under a nick of their own, in step with what has been shown. */
import {
  networkLine,
  NickView,
  roleOf,
  type Author,
  type Batch,
  type Host,
  type LogRecord,
  type MemberView,
  type Room,
  type RoomChange,
  type RoomItem,
  type UserChange,
  type UserId,
} from '../../../server/plugin.ts';
import type { People } from '../people.ts';
import { element, stanza, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import { serialiseAddressable, type Addressable } from '../xml/serialise.ts';
import { nickRules } from './nicks.ts';
import { availablePresence, configured, going, roomMessage, unavailablePresence, type Going, type OccupantFacts } from './stanzas.ts';

/** Something shown to all occupants; real addresses only to those who may see them. */
export interface Piece {
  readonly open: Addressable;
  /** With real addresses; absent where there is no difference. */
  readonly full?: Addressable;
  /** What the person whom it is about gets instead (status 110); `last`: it is out with that. */
  readonly self?: { readonly user: UserId; readonly stanza: Addressable; readonly last: boolean };
  /** A logged record's number: what the history has shown is not shown again. */
  readonly number?: number;
  /** Presence of somebody who came in: own sessions were told on entering. */
  readonly entered?: UserId;
}

interface Shown {
  /** Made once: everybody who enters is shown everybody. */
  readonly occupantId: string;
  standing: MemberView;
  away: string | null;
  /** Real address for the item. */
  readonly jid: string | undefined;
}

export class RoomView {
  readonly room: Room;
  /** `lounge@rooms.DOMAIN` */
  readonly address: string;
  readonly #host: Host;
  readonly #people: People;
  readonly #nicks = new NickView(nickRules);
  readonly #shown = new Map<UserId, Shown>();
  readonly #changes = new WeakMap<UserChange, readonly Piece[]>();
  /** Status codes with which people go for reasons that only XMPP tells apart: 322, 333. */
  readonly #departures = new Map<UserId, number>();

  constructor(host: Host, people: People, room: Room, address: string) {
    this.#host = host;
    this.#people = people;
    this.room = room;
    this.address = address;
    for (const member of room.members.values()) this.#enter(member, member.who.away);
  }

  /** Takes in whoever came since the last delivery: a newcomer is shown itself before the others are told. */
  refresh(): void {
    for (const member of this.room.members.values()) if (!this.#shown.has(member.user)) this.#enter(member, member.who.away);
  }

  nickOf(user: UserId): string | undefined {
    return this.#nicks.nickOf(user);
  }
  userOf(nick: string): UserId | undefined {
    return this.#nicks.userOf(nick);
  }
  /** Somebody is about to be taken out: with that status code. */
  departsWith(user: UserId, code: number): void {
    if (this.#shown.has(user)) this.#departures.set(user, code);
  }
  occupants(): Iterable<UserId> {
    return this.#shown.keys();
  }

  #hint(user: UserId): string {
    const network = this.#host.users.get(user)?.network;
    return network == null ? this.#host.domain : (this.#host.networks.get(network)?.label ?? 'elsewhere');
  }

  #enter(view: MemberView, away: string | null): void {
    const user = this.#host.users.get(view.user);
    const session = user?.network?.startsWith('xmpp:') === true ? [...user.sessions][0]?.address.replace(/^xmpp:/, '') : undefined;
    this.#nicks.assign(view.user, view.nick, this.#hint(view.user));
    this.#shown.set(view.user, {
      occupantId: this.#people.occupantId(this.address, view.address),
      standing: view,
      away,
      jid: session ?? this.#people.jidOf(view.address)?.full,
    });
  }

  #forget(user: UserId): void {
    this.#nicks.release(user);
    this.#shown.delete(user);
    this.#departures.delete(user);
  }

  /** Whether somebody sees real addresses. */
  seesAddresses(user: UserId): boolean {
    const shown = this.#shown.get(user);
    return this.room.config.nonAnonymous || (shown !== undefined && roleOf(shown.standing, false) === 'moderator');
  }

  // ---- stanzas

  #facts(user: UserId, withJid: boolean): OccupantFacts | undefined {
    const shown = this.#shown.get(user);
    const nick = this.nickOf(user);
    if (shown === undefined || nick === undefined) return undefined;
    return {
      from: `${this.address}/${nick}`,
      occupantId: shown.occupantId,
      affiliation: shown.standing.affiliation,
      role: roleOf(shown.standing, this.room.config.moderated),
      jid: withJid ? shown.jid : undefined,
      away: shown.away,
    };
  }

  /** The presence of somebody inside. */
  presence(user: UserId, withJid: boolean, codes: readonly number[] = []): Element | undefined {
    const facts = this.#facts(user, withJid);
    return facts === undefined ? undefined : availablePresence(facts, codes);
  }

  #available(user: UserId, entered: boolean): Piece[] {
    const [open, full, self] = [this.presence(user, false), this.presence(user, true), this.presence(user, true, this.selfCodes())];
    if (open === undefined || full === undefined || self === undefined) return [];
    return [
      {
        open: serialiseAddressable(open),
        full: serialiseAddressable(full),
        self: { user, stanza: serialiseAddressable(self), last: false },
        ...(entered ? { entered: user } : {}),
      },
    ];
  }

  /** Status codes of one's own presence. */
  selfCodes(): number[] {
    return [110, ...(this.room.config.nonAnonymous ? [100] : []), ...(this.room.config.history === 'none' ? [] : [170])];
  }

  #unavailable(user: UserId, why: Going): Piece[] {
    const [open, full] = [this.#facts(user, false), this.#facts(user, true)];
    if (open === undefined || full === undefined) return [];
    const actor = why.by === undefined ? undefined : this.#authorNick(why.by);
    const make = (facts: OccupantFacts, codes: readonly number[]): Addressable =>
      serialiseAddressable(unavailablePresence(facts, why, actor, codes));
    const self = { user, stanza: make(full, [...why.codes, 110]), last: why.nick === undefined };
    return [{ open: make(open, why.codes), full: make(full, why.codes), self }];
  }

  #authorNick(author: Author): string {
    const user = this.#host.users.byAddress(author.address);
    return (user === undefined ? undefined : this.nickOf(user.id)) ?? nickRules.legalise(author.nick);
  }

  /** A logged message or topic as the room sends it; `delayed` as history. */
  message(record: LogRecord, delayed: boolean): Element | undefined {
    const { content } = record;
    if (content.kind !== 'message' && content.kind !== 'topic') return undefined;
    return roomMessage(record, {
      room: this.address,
      from: `${this.address}/${this.#authorNick(content.author)}`,
      occupantId: this.#people.occupantId(this.address, content.author.address),
      delayed,
    });
  }

  // ---- what happens

  /** All of a batch, once for all occupants. */
  pieces(batch: Batch): readonly Piece[] {
    return batch.shared('xmpp pieces', () => batch.items.flatMap((item) => this.#show(item)));
  }

  #show(item: RoomItem): Piece[] {
    if (item.kind === 'change') return this.#change(item.change);
    const { record } = item;
    const made = this.message(record, false) ?? configured(record, this.address) ?? this.#network(record);
    if (made === undefined) return [];
    const said = { open: serialiseAddressable(made), number: record.number };
    const { content } = record;
    return content.kind === 'config' && content.changes.moderated !== undefined ? [said, ...this.#rolesChanged()] : [said];
  }

  /** The room itself tells that a network went away or is back. */
  #network({ id, content }: LogRecord): Element | undefined {
    if (content.kind !== 'network') return undefined;
    const line = networkLine(content, this.#host.networks.get(content.network)?.title);
    return stanza('message', { type: 'groupchat', from: this.address, id }, stanza('body', {}, line), element('no-store', ns.hints));
  }

  /** A room became moderated, or is no longer: whoever has neither rank nor voice has another role now. */
  #rolesChanged(): Piece[] {
    const changed = [...this.#shown].filter(([, { standing }]) => roleOf(standing, true) !== roleOf(standing, false));
    return changed.flatMap(([user]) => this.#available(user, false));
  }

  #change(change: RoomChange): Piece[] {
    switch (change.kind) {
      case 'joined':
        return change.members.flatMap((member) => {
          this.#enter(member, this.#host.users.get(member.user)?.away ?? null);
          return this.#available(member.user, true);
        });
      case 'left':
        return change.members.flatMap((member) => {
          const why = going(change.cause);
          const code = this.#departures.get(member.user);
          const pieces = this.#unavailable(member.user, code === undefined ? why : { ...why, codes: [code] });
          this.#forget(member.user);
          return pieces;
        });
      case 'member':
        return this.#standing(change.before, change.after);
      case 'typing': {
        const nick = this.nickOf(change.member.user);
        if (nick === undefined) return [];
        const state = change.state === 'active' ? 'composing' : change.state === 'paused' ? 'paused' : 'active';
        const made = stanza(
          'message',
          { type: 'groupchat', from: `${this.address}/${nick}` },
          element(state, ns.chatStates),
          element('no-store', ns.hints),
        );
        return [{ open: serialiseAddressable(made) }];
      }
      default:
        return change satisfies never;
    }
  }

  #standing(before: MemberView, after: MemberView): Piece[] {
    const shown = this.#shown.get(after.user);
    if (shown === undefined) return [];
    shown.standing = after;
    return before.nick === after.nick ? this.#available(after.user, false) : this.#renamed(after.user, after.nick);
  }

  #renamed(user: UserId, wanted: string): Piece[] {
    const old = this.nickOf(user);
    if (old === undefined) return [];
    const next = this.#peekNick(user, wanted);
    if (next === old) return this.#available(user, false);
    const gone = this.#unavailable(user, { codes: [303], nick: next });
    this.#nicks.assign(user, wanted, this.#hint(user));
    return [...gone, ...this.#available(user, false)];
  }

  /** The nick that somebody would get. */
  #peekNick(user: UserId, wanted: string): string {
    const old = this.nickOf(user);
    const next = this.#nicks.assign(user, wanted, this.#hint(user));
    if (old !== undefined) this.#nicks.claim(user, old);
    return next;
  }

  /** A change of somebody inside, once for all occupants; nothing when it changes nothing here. */
  userChange(change: UserChange): readonly Piece[] {
    const known = this.#changes.get(change);
    if (known !== undefined) return known;
    const pieces = this.#userChange(change);
    this.#changes.set(change, pieces);
    return pieces;
  }

  #userChange(change: UserChange): Piece[] {
    const { id } = change.before;
    const shown = this.#shown.get(id);
    if (shown === undefined) return [];
    switch (change.kind) {
      case 'nick': {
        // Who is called otherwise in this room stays so.
        const roomNick = this.room.members.get(id)?.nick ?? change.after.nick;
        shown.standing = { ...shown.standing, nick: roomNick, address: change.after.address };
        return this.#renamed(id, roomNick);
      }
      case 'away':
        shown.away = change.after.away;
        return this.#available(id, false);
      case 'quit': {
        const pieces = this.#unavailable(id, { codes: [], status: change.reason });
        this.#forget(id);
        return pieces;
      }
      case 'account':
      case 'profile':
        return [];
      default:
        return change satisfies never;
    }
  }
}
