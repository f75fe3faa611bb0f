/** From the core's things to what goes over the wire. */
import {
  networkLine,
  networkName,
  withCircle,
  type Author,
  type Host,
  type LogRecord,
  type Member,
  type MemberView,
  type PrivateRecord,
  type Room,
  type RoomItem,
  type Session,
  type User,
  type UserAddress,
  type UserChange,
  type UserView,
} from '../../server/plugin.ts';
import { Addresses } from './addresses.ts';
import { textFrame } from './frame.ts';
import type { ServerFrame, WireEvent, WireMember, WirePerson } from './protocol.ts';

/** Who did something or had it done to them, as it goes over the wire. */
interface WireAuthor {
  readonly address: string;
  readonly nick: string;
  readonly from: string | null;
}

export class Express {
  /** What stands for addresses that not everybody may know; whatever goes out to everybody passes here. */
  readonly addresses: Addresses;
  readonly #host: Host;
  /** The last change of a person, as bytes: all who share a room with that person are told at once. */
  #told: { readonly change: UserChange; readonly frame: Buffer } | undefined;

  constructor(host: Host) {
    this.#host = host;
    this.addresses = new Addresses(host.secret('native addresses'));
  }

  #title(network: UserView['network'] | undefined): string | null {
    return network == null ? null : (this.#host.networks.get(network)?.title ?? networkName(network));
  }

  person(user: UserView): WirePerson {
    const kind = user.network !== null ? 'foreign' : user.account === null ? 'guest' : 'account';
    return {
      address: this.addresses.shown(user.address),
      nick: user.nick,
      kind,
      from: this.#title(user.network),
      away: user.away,
      bot: user.bot,
    };
  }

  member(member: Member): WireMember {
    return {
      ...this.person(member.who),
      nick: member.nick,
      affiliation: member.affiliation,
      operator: member.operator,
      voice: member.voice,
    };
  }

  #memberView(room: Room, view: MemberView): WireMember {
    const live = room.members.get(view.user)?.who ?? this.#host.users.get(view.user);
    const address = this.addresses.shown(view.address);
    const person: WirePerson =
      live === undefined ? { address, nick: view.nick, kind: 'guest', from: null, away: null, bot: false } : this.person(live);
    return { ...person, address, nick: view.nick, affiliation: view.affiliation, operator: view.operator, voice: view.voice };
  }

  author(author: Author): WireAuthor {
    return { address: this.addresses.shown(author.address), nick: author.nick, from: this.#title(author.network) };
  }

  /** Somebody of whom only the address was written down; the nick is empty when the person is not here. */
  #addressed(address: UserAddress): WireAuthor {
    const user = this.#host.users.byAddress(address);
    const from = user === undefined ? (/^xmpp:.*@(.+)$/.exec(address)?.[1] ?? null) : this.#title(user.network);
    return { address: this.addresses.shown(address), nick: user?.nick ?? '', from };
  }

  room(room: Room, user: User): ServerFrame {
    return {
      type: 'room',
      room: room.address,
      name: room.name,
      topic: room.topic,
      config: { ...room.config, key: room.config.key === null ? null : '' },
      last: room.last.number,
      read: this.#host.rooms.readPosition(user, room),
      members: Array.from(room.members.values(), (member) => this.member(member)),
    };
  }

  item(room: Room, item: RoomItem): object {
    if (item.kind === 'record') return this.event(item.record);
    const { change } = item;
    switch (change.kind) {
      case 'joined':
        return {
          kind: 'joined',
          members: change.members.map((view) => this.#memberView(room, view)),
          burst: change.cause.kind === 'burst',
        };
      case 'left': {
        const { cause } = change;
        const addresses = change.members.map((view) => this.addresses.shown(view.address));
        const by = cause.kind === 'kick' || cause.kind === 'affiliation' ? this.author(cause.by) : null;
        return {
          kind: 'left',
          addresses,
          cause: cause.kind,
          by,
          reason: cause.kind === 'split' ? `${cause.near} ${cause.far}` : cause.reason,
        };
      }
      case 'member':
        return {
          kind: 'member',
          member: this.#memberView(room, change.after),
          by: change.by === undefined ? null : this.author(change.by),
        };
      case 'typing':
        return { kind: 'typing', address: this.addresses.shown(change.member.address), nick: change.member.nick, state: change.state };
      default:
        return change satisfies never;
    }
  }

  event(record: LogRecord): WireEvent {
    const { content } = record;
    const head = { number: record.number, id: record.id, at: record.born, kind: content.kind };
    switch (content.kind) {
      case 'message':
        return { ...head, author: this.author(content.author), text: content.text.plain, spans: content.text.spans, style: content.style };
      case 'topic':
        return { ...head, author: this.author(content.author), topic: content.topic };
      case 'kick':
        return {
          ...head,
          author: this.author(content.author),
          target: this.author(content.target),
          reason: content.reason,
          banned: content.banned,
        };
      case 'config':
        return {
          ...head,
          author: this.author(content.author),
          changes: { ...content.changes, ...(content.changes.key == null ? {} : { key: '' }) },
        };
      case 'affiliation':
        return {
          ...head,
          author: this.author(content.author),
          address: this.addresses.shown(content.address),
          target: this.#addressed(content.address),
          affiliation: content.affiliation,
          reason: content.reason,
        };
      case 'ban':
        return { ...head, author: this.author(content.author), add: content.add, mask: content.ban.mask };
      case 'join':
        return { ...head, author: this.author(content.who) };
      case 'leave':
        return { ...head, author: this.author(content.who), reason: content.reason, quit: content.quit };
      case 'nick':
        return { ...head, author: this.author(content.who), nick: content.nick };
      case 'network':
        return {
          ...head,
          title: this.#title(content.network),
          present: content.present,
          count: content.count,
          reason: content.reason,
          crossing: content.crossing ?? 0,
          leftOut: content.leftOut ?? 0,
          text: networkLine(content, this.#host.networks.get(content.network)?.title),
        };
      case 'private':
      case 'invitation':
        return { ...head, author: this.author(content.author) };
      default:
        return content satisfies never;
    }
  }

  userChange(change: UserChange): ServerFrame {
    const { nick } = change.before;
    const address = this.addresses.shown(change.before.address);
    if (change.kind === 'quit') return { type: 'user', kind: 'quit', address, nick, reason: change.reason };
    return { type: 'user', kind: change.kind, address, nick, now: this.person(change.after) };
  }

  /** The same for everybody, made once. */
  userChangeFrame(change: UserChange): Buffer {
    if (this.#told?.change !== change) this.#told = { change, frame: textFrame(JSON.stringify(this.userChange(change))) };
    return this.#told.frame;
  }

  private(record: PrivateRecord, own: boolean): ServerFrame {
    const { content } = record;
    const text = content.kind === 'private' ? withCircle(content) : { plain: content.reason, spans: [] };
    return {
      type: 'private',
      number: record.number,
      id: record.id,
      at: record.born,
      kind: content.kind,
      author: this.author(content.author),
      to: this.author(content.to),
      text: text.plain,
      spans: [...text.spans],
      style: content.kind === 'private' ? content.style : 'normal',
      room: content.room ?? null,
      own,
    };
  }

  signedIn(session: Session, tokens: { readonly token?: string; readonly guestToken?: string }): ServerFrame {
    const { user } = session;
    return { type: 'signed-in', you: { ...this.person(user), account: user.account, administrator: user.administrator }, ...tokens };
  }
}
