/** One room of another server and its copy here: what ours do goes there, what is said there is heard and fed. */
import type {
  Batch,
  Follower,
  HomeCopy,
  Host,
  LogRecord,
  Outcome,
  Room,
  RoomAddress,
  RoomChange,
  User,
  UserChange,
} from '../../../server/plugin.ts';
import type { Jid } from '../jid.ts';
import type { People } from '../people.ts';
import type { Fate } from '../private-messages.ts';
import { element, stanza, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import { Feed, type FeedOwner } from './feed.ts';
import { Hearing } from './hearing.ts';
import type { Occupant } from './occupant.ts';
import { PeopleThere, standingOf } from './people-there.ts';
import { away, chatStateStanza, groupchat, presenceStanza } from './stanzas.ts';
import { Submissions, type Saying } from './submissions.ts';
import { Visitors, type VisitorsParts } from './visitors.ts';

export interface ForeignRoomParts extends VisitorsParts {
  readonly host: Host;
  readonly people: People;
}

/** Milliseconds after which somebody who was refused is tried again, when he says something. */
const refusedFor = 30_000;

export class ForeignRoom implements Follower, FeedOwner {
  readonly host: Host;
  readonly room: Room;
  readonly jid: Jid;
  readonly address: string;
  readonly submissions: Submissions;
  readonly people: PeopleThere;
  readonly feed: Feed;
  readonly visitors: Visitors;
  readonly #hearing: Hearing;
  readonly #parts: ForeignRoomParts;
  readonly #home: RoomAddress;
  copy: HomeCopy | undefined;
  givesIds = false;
  /** Who of ours is doing something to somebody there, by the nick of that one: rooms need not say who it was. */
  readonly #acting = new Map<string, User>();

  constructor(parts: ForeignRoomParts, room: Room, home: RoomAddress, jid: Jid) {
    this.#parts = parts;
    this.host = parts.host;
    this.room = room;
    this.#home = home;
    this.jid = jid;
    this.address = jid.bare;
    this.submissions = new Submissions({
      clock: parts.host.clock,
      send: ({ id, occupant }, content) =>
        parts.send(groupchat(occupant.jid, jid, id, content), {
          failed: (text) => this.submissions.refusedBy(occupant, id, away(text)),
        }),
      doubt: () => this.visitors.resynchronise(),
    });
    this.people = new PeopleThere(parts.people, jid, home, () => this.copy);
    this.feed = new Feed(this);
    this.visitors = new Visitors(this, parts);
    this.#hearing = new Hearing(this, this.visitors, parts);
    this.attach();
  }

  occupantOf(user: User): Occupant | undefined {
    return this.visitors.occupants.get(user.id);
  }
  ours(nick: string): Occupant | undefined {
    return this.visitors.ours(nick);
  }
  /** Who of ours is doing something to whoever has that nick. */
  actingOn(nick: string): User | undefined {
    return this.#acting.get(nick);
  }

  /** People of ours who are in the room while it becomes a copy. */
  open(): void {
    for (const member of [...this.room.members.values()]) this.came(member.who);
  }

  attach(): void {
    this.copy ??= this.#parts.people.network(this.jid.domain).home(this.room, this);
  }

  #detach(reason: string): void {
    const { copy } = this;
    this.copy = undefined;
    copy?.detach(reason);
  }

  /** A name here keeps its copy; what was entered by its address goes with the last of ours. */
  releaseIfEmpty(): void {
    if (this.visitors.occupants.size > 0) return;
    this.visitors.stop();
    this.people.lose(this.host.domain);
    if (this.room.home === this.room.address) this.#detach('nobody of this server is inside any more');
  }

  /** The room is no copy any more, or the plugin stops. */
  close(reason: string): void {
    this.submissions.clear(away(reason));
    for (const occupant of [...this.visitors.occupants.values()]) this.visitors.leave(occupant, reason);
    this.visitors.stop();
    this.people.lose(this.host.domain);
    this.#detach(reason);
  }

  /** A stanza of the room to one of ours in it. @returns when what it says is durable */
  receive(what: Element, from: Jid, occupant: Occupant): Promise<void> | undefined {
    return this.#hearing.receive(what, from, occupant);
  }

  /** A member came by another way than by asking for it: with the IRC network that shares the room, or before it was a copy. */
  came(user: User): void {
    if (user.network === this.copy?.network.address) return;
    if (user.network?.startsWith('xmpp:') === true) {
      this.copy?.removed(this.address, user.id, `this room is ${this.address} now; enter it there`, false);
      return;
    }
    if (this.visitors.occupants.has(user.id)) return;
    void this.visitors.enter(user, undefined).then((said) => {
      if (!said.ok && said.refusal.code !== 'unavailable') this.tell(user, said.refusal.text);
      else if (!said.ok) this.visitors.tryLater();
      return undefined;
    });
  }

  /** Tells one of ours something about the room, in the room's name. */
  tell(user: User, text: string): void {
    if (this.host.users.get(user.id) === undefined) return;
    const { people } = this.#parts;
    void people
      .network(this.jid.domain)
      .privateMessage(people.user(this.jid), user.address, { text: { plain: `${this.address}: ${text}`, spans: [] }, style: 'notice' })
      .catch((error: unknown) => this.host.log.error({ err: error }, 'a notice failed'));
  }

  author(nick: string): User | undefined {
    return this.people.userOf(nick) ?? this.#parts.people.occupant(`${this.#home}/${nick}` as User['address'], this.jid.domain, nick);
  }

  /** @returns false when the author is not inside */
  tellOccupant(author: User | undefined, nick: string, id: string, body: Element, fate: Fate): boolean {
    const occupant = author === undefined ? undefined : this.visitors.occupants.get(author.id);
    if (occupant?.isInside !== true) return false;
    this.#parts.send(
      stanza('message', { type: 'chat', from: occupant.jid.full, to: `${this.address}/${nick}`, id }, body, element('x', ns.mucUser)),
      fate,
    );
    return true;
  }

  say(user: User, saying: Saying): Promise<Outcome<LogRecord>> {
    const occupant = this.visitors.occupants.get(user.id);
    if (occupant === undefined) {
      if (this.room.members.has(user.id)) this.came(user);
      return Promise.resolve({ ok: false, refusal: { code: 'not-a-member', text: 'You are not in that room.' } });
    }
    const { phase } = occupant;
    if (phase.kind === 'refused') {
      if (this.host.clock.now() - phase.at > refusedFor) this.visitors.comeBack(occupant);
      return Promise.resolve({ ok: false, refusal: phase.refusal });
    }
    if (phase.kind === 'away') return Promise.resolve({ ok: false, refusal: away('its server does not answer') });
    return this.submissions.add(occupant, saying);
  }

  /** For as long as the room takes to do it. */
  async acting(user: User, nick: string, work: Promise<Outcome<void>>): Promise<Outcome<void>> {
    this.#acting.set(nick, user);
    const outcome = await work;
    this.#acting.delete(nick);
    return outcome;
  }

  rename(user: User, nick: string): boolean {
    const occupant = this.visitors.occupants.get(user.id);
    if (occupant?.phase.kind !== 'inside' || occupant.phase.nick === nick) return false;
    occupant.expects = nick;
    this.#parts.send(presenceStanza(occupant.jid, this.jid, nick, user.away), {
      failed: (text) => this.visitors.unreachable(occupant, text),
    });
    return true;
  }

  userChanged(change: UserChange): void {
    const occupant = this.visitors.occupants.get(change.before.id);
    if (occupant === undefined) return;
    if (change.kind === 'nick') this.rename(occupant.user, occupant.wantedNick);
    else if (change.kind === 'quit') this.#left(occupant, change.reason);
    else if (change.kind === 'away' && occupant.phase.kind === 'inside')
      this.#parts.send(presenceStanza(occupant.jid, this.jid, occupant.phase.nick, change.after.away), { failed: () => undefined });
  }

  #left(occupant: Occupant, reason: string): void {
    this.visitors.leave(occupant, reason);
    this.releaseIfEmpty();
  }

  deliver(batch: Batch): void {
    for (const item of batch.items) if (item.kind === 'change') this.#change(item.change);
  }

  #change(change: RoomChange): void {
    switch (change.kind) {
      case 'joined':
        for (const view of change.members) {
          const occupant = this.visitors.occupants.get(view.user);
          const user = this.host.users.get(view.user);
          if (occupant !== undefined) {
            occupant.admitted?.();
            this.copy?.standing(view.user, standingOf(occupant, this.room.config.moderated));
          } else if (user !== undefined) this.came(user);
        }
        break;
      case 'left':
        for (const view of change.members) {
          const occupant = this.visitors.occupants.get(view.user);
          const { cause } = change;
          if (occupant !== undefined && !this.room.members.has(view.user)) this.#left(occupant, 'reason' in cause ? cause.reason : '');
        }
        break;
      case 'typing': {
        const occupant = this.visitors.occupants.get(change.member.user);
        if (occupant?.phase.kind === 'inside')
          this.#parts.send(chatStateStanza(occupant.jid, this.jid, change.state), { failed: () => undefined });
        break;
      }
      case 'member':
        break;
      default:
        change satisfies never;
    }
  }
}
