/** One room as occupants of other servers see it (XEP-0045): everybody under a nick of their own, in step with what has been shown. */
import {
  NickView,
  roleOf,
  type Author,
  type Batch,
  type Host,
  type LeaveCause,
  type LogRecord,
  type MemberView,
  type NickRules,
  type Room,
  type RoomChange,
  type RoomItem,
  type UserAddress,
  type UserChange,
  type UserId,
} from '../../../server/plugin.ts';
import { hidden, prepareResource } from '../jid.ts';
import type { People } from '../people.ts';
import { toBody } from '../text.ts';
import { append, element, stanza, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import { serialiseAddressable, type Addressable } from '../xml/serialise.ts';

/** Something shown to all occupants; real addresses only to those who may see them. */
export interface Piece {
  readonly open: Addressable;
  /** With real addresses; absent where there is no difference. */
  readonly full?: Addressable;
  /** What the person whom it is about gets instead (status 110). */
  readonly self?: { readonly user: UserId; readonly stanza: Addressable };
  /** A logged record's number: what the history has shown is not shown again. */
  readonly number?: number;
  /** Presence of somebody who came in: own sessions were told on entering. */
  readonly entered?: UserId;
}

interface Shown {
  readonly address: UserAddress;
  standing: MemberView;
  away: string | null;
  /** Real address for the item. */
  readonly jid: string | undefined;
}

const mostNickBytes = 256;

const nickRules: NickRules = {
  fold: (nick) => nick,
  legalise(nick) {
    try {
      return prepareResource(nick.trim()).slice(0, mostNickBytes);
    } catch {
      const legal = nick
        .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '')
        .replace(new RegExp(hidden, 'gu'), '')
        .normalize('NFC')
        .trim()
        .slice(0, mostNickBytes);
      return legal === '' ? 'somebody' : legal;
    }
  },
  variant: (legal, hint, attempt) => `${legal} (${hint}${attempt === 1 ? '' : ` ${attempt}`})`,
};

/** A nick as it would be shown, or undefined when it is none (RFC 7622 resource). */
export function legalNick(nick: string): string | undefined {
  try {
    const prepared = prepareResource(nick);
    return prepared.trim() === '' || prepared.length > mostNickBytes ? undefined : prepared;
  } catch {
    return undefined;
  }
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

  #hint(user: UserId): string {
    const network = this.#host.users.get(user)?.network;
    return network == null ? this.#host.domain : (this.#host.networks.get(network)?.label ?? 'elsewhere');
  }

  #enter(view: MemberView, away: string | null): void {
    const user = this.#host.users.get(view.user);
    const session = user?.network?.startsWith('xmpp:') === true ? [...user.sessions][0]?.address.replace(/^xmpp:/, '') : undefined;
    this.#nicks.assign(view.user, view.nick, this.#hint(view.user));
    this.#shown.set(view.user, { address: view.address, standing: view, away, jid: session ?? this.#people.jidOf(view.address)?.full });
  }

  #forget(user: UserId): void {
    this.#nicks.release(user);
    this.#shown.delete(user);
  }

  /** Whether somebody sees real addresses. */
  seesAddresses(user: UserId): boolean {
    const shown = this.#shown.get(user);
    return this.room.config.nonAnonymous || (shown !== undefined && roleOf(shown.standing, false) === 'moderator');
  }

  // ---- stanzas

  #occupantId(address: UserAddress): Element {
    return element('occupant-id', ns.occupantId, { id: this.#people.occupantId(this.address, address) });
  }

  #item(shown: Shown, withJid: boolean, more: Readonly<Record<string, string>> = {}, ...children: (Element | undefined)[]): Element {
    const { affiliation } = shown.standing;
    const role = roleOf(shown.standing, this.room.config.moderated);
    return element('item', ns.mucUser, { affiliation, role, jid: withJid ? shown.jid : undefined, ...more }, ...children);
  }

  /** The presence of somebody inside. */
  presence(user: UserId, withJid: boolean, codes: readonly number[] = []): Element | undefined {
    const shown = this.#shown.get(user);
    const nick = this.nickOf(user);
    if (shown === undefined || nick === undefined) return undefined;
    return stanza(
      'presence',
      { from: `${this.address}/${nick}` },
      shown.away === null ? undefined : stanza('show', {}, 'away'),
      shown.away === null || shown.away === '' ? undefined : stanza('status', {}, shown.away),
      this.#occupantId(shown.address),
      element('x', ns.mucUser, {}, this.#item(shown, withJid), ...codes.map(status)),
    );
  }

  *occupants(): Iterable<UserId> {
    yield* this.#shown.keys();
  }

  #available(user: UserId, entered: boolean): Piece[] {
    const [open, full, self] = [this.presence(user, false), this.presence(user, true), this.presence(user, true, this.selfCodes())];
    if (open === undefined || full === undefined || self === undefined) return [];
    return [
      {
        open: serialiseAddressable(open),
        full: serialiseAddressable(full),
        self: { user, stanza: serialiseAddressable(self) },
        ...(entered ? { entered: user } : {}),
      },
    ];
  }

  /** Status codes of one's own presence. */
  selfCodes(): number[] {
    return [110, ...(this.room.config.nonAnonymous ? [100] : []), ...(this.room.config.history === 'none' ? [] : [170])];
  }

  #unavailable(
    user: UserId,
    about: {
      readonly codes: readonly number[];
      readonly status?: string;
      readonly by?: Author;
      readonly reason?: string;
      readonly nick?: string;
      readonly destroyed?: string;
    },
  ): Piece[] {
    const shown = this.#shown.get(user);
    const from = this.nickOf(user);
    if (shown === undefined || from === undefined) return [];
    const make = (withJid: boolean, codes: readonly number[]): Addressable => {
      const actor = about.by === undefined ? undefined : element('actor', ns.mucUser, { nick: this.#authorNick(about.by) });
      const reason = about.reason === undefined || about.reason === '' ? undefined : element('reason', ns.mucUser, {}, about.reason);
      const { affiliation } = shown.standing;
      const nick = about.nick;
      const role = nick === undefined ? 'none' : roleOf(shown.standing, this.room.config.moderated);
      const item = element(
        'item',
        ns.mucUser,
        { affiliation: codes.includes(301) ? 'outcast' : affiliation, role, nick, jid: withJid ? shown.jid : undefined },
        actor,
        reason,
      );
      const destroy =
        about.destroyed === undefined ? undefined : element('destroy', ns.mucUser, {}, element('reason', ns.mucUser, {}, about.destroyed));
      return serialiseAddressable(
        stanza(
          'presence',
          { from: `${this.address}/${from}`, type: 'unavailable' },
          about.status === undefined || about.status === '' ? undefined : stanza('status', {}, about.status),
          this.#occupantId(shown.address),
          element('x', ns.mucUser, {}, item, destroy, ...codes.map(status)),
        ),
      );
    };
    return [{ open: make(false, about.codes), full: make(true, about.codes), self: { user, stanza: make(true, [...about.codes, 110]) } }];
  }

  #authorNick(author: Author): string {
    const user = this.#host.users.byAddress(author.address);
    return (user === undefined ? undefined : this.nickOf(user.id)) ?? nickRules.legalise(author.nick);
  }

  /** A logged record as a message of the room; with `delay`, as history. */
  message(record: LogRecord, delay: boolean): Element | undefined {
    const { content } = record;
    if (content.kind !== 'message' && content.kind !== 'topic') return undefined;
    const { author } = content;
    const own = content.kind === 'message' && content.original?.protocol === 'xmpp' ? readOriginalId(content.original.data) : undefined;
    const made = stanza('message', { type: 'groupchat', from: `${this.address}/${this.#authorNick(author)}`, id: own ?? record.id });
    if (content.kind === 'topic') append(made, stanza('subject', {}, content.topic));
    else append(made, stanza('body', {}, toBody(content.text, content.style)));
    append(made, element('stanza-id', ns.stanzaId, { by: this.address, id: record.id }));
    append(made, this.#occupantId(author.address));
    if (delay)
      append(made, element('delay', ns.delay, { from: this.address, stamp: new Date(Math.min(record.born, record.logged)).toISOString() }));
    return made;
  }

  // ---- what happens

  /** All of a batch, once for all occupants. */
  pieces(batch: Batch): readonly Piece[] {
    return batch.shared('xmpp pieces', () => batch.items.flatMap((item) => this.#show(item)));
  }

  #show(item: RoomItem): Piece[] {
    if (item.kind === 'change') return this.#change(item.change);
    const { record } = item;
    const made = this.message(record, false) ?? this.#configured(record);
    return made === undefined ? [] : [{ open: serialiseAddressable(made), number: record.number }];
  }

  #configured(record: LogRecord): Element | undefined {
    const { content } = record;
    if (content.kind !== 'config') return undefined;
    const { nonAnonymous } = content.changes;
    const codes = [104, ...(nonAnonymous === undefined ? [] : [nonAnonymous ? 172 : 173])];
    return stanza('message', { type: 'groupchat', from: this.address, id: record.id }, element('x', ns.mucUser, {}, ...codes.map(status)));
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
          const pieces = this.#unavailable(member.user, leaving(change.cause));
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

export function status(code: number): Element {
  return element('status', ns.mucUser, { code: String(code) });
}

function leaving(cause: LeaveCause): { codes: number[]; status?: string; by?: Author; reason?: string; destroyed?: string } {
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

/** The id that the sender's client gave: it comes back unchanged (muc#stable_id). Untrusted. */
function readOriginalId(data: unknown): string | undefined {
  const { id } = (typeof data === 'object' && data !== null ? data : {}) as { readonly id?: unknown };
  return typeof id === 'string' && id !== '' && id.length <= 256 ? id : undefined;
}
