/** One room that both sides have: a mirror. */
import type { Author, Batch, Follower, LogRecord, Mirror, Room, RoomChange, RoomItem, User, UserId } from 'banyan/plugin';
import type { Bridge } from './bridge.ts';
import { oneLineTexts } from './codec.ts';

type Phase =
  | { readonly kind: 'away' }
  /** They tell who is there; nobody of ours is told of yet. */
  | { readonly kind: 'listing'; readonly people: User[] }
  /** What was said while the link was away is read and told; what happens meanwhile waits. */
  | { readonly kind: 'catching-up'; readonly waiting: RoomItem[] }
  | { readonly kind: 'up' };

/** Most messages that are told after a break. */
const mostWaited = 500;

export class SharedRoom implements Follower {
  readonly room: Room;
  /** Our people whom the peer knows to be in the room. */
  readonly there = new Set<UserId>();
  readonly #bridge: Bridge;
  readonly mirror: Mirror;
  #phase: Phase = { kind: 'away' };
  /** The last record that the peer is known to have, and the last that was written. */
  #known: number;
  #written: number;

  private constructor(bridge: Bridge, room: Room, known: number) {
    this.#bridge = bridge;
    this.room = room;
    this.#known = known;
    this.#written = known;
    this.mirror = bridge.network.mirror(room, this);
  }

  /** Where nothing was shared before, the sharing begins now. */
  static async share(bridge: Bridge, room: Room): Promise<SharedRoom> {
    const stored = await bridge.host.store.get(`position ${room.name}`);
    return new SharedRoom(bridge, room, typeof stored === 'number' ? stored : room.last.number);
  }

  opened(): void {
    this.#phase = { kind: 'listing', people: [] };
  }

  lost(): void {
    this.#phase = { kind: 'away' };
    for (const user of [...this.there]) this.#bridge.forget(user);
  }

  // ---- from there to here

  theyJoin(user: User | undefined): void {
    if (user === undefined) return;
    if (this.#phase.kind === 'listing') this.#phase.people.push(user);
    else this.mirror.joined([{ user }], false);
  }

  theyKick(by: User | string, target: UserId, reason: string): void {
    this.there.delete(target);
    this.mirror.kicked(by, target, reason);
    if (this.#bridge.isNowhere(target)) this.#bridge.forget(target);
  }

  /** They have told who is there: these come in as one change, and ours are told. */
  listed(): void {
    if (this.#phase.kind !== 'listing') return;
    this.mirror.joined(
      this.#phase.people.map((user) => ({ user })),
      true,
    );
    const waiting: RoomItem[] = [];
    this.#phase = { kind: 'catching-up', waiting };
    for (const member of this.room.members.values()) this.#join(member.who);
    void this.#catchUp(waiting);
  }

  async #catchUp(waiting: RoomItem[]): Promise<void> {
    const range = { after: this.#known, limit: mostWaited, take: 'last' } as const;
    const found = await this.#bridge.host.rooms.history(undefined, this.room, range);
    if (this.#phase.kind !== 'catching-up' || this.#phase.waiting !== waiting || !found.ok) return;
    this.#phase = { kind: 'up' };
    this.#written = this.#known;
    this.#show(found.value.map((record) => ({ kind: 'record', record, via: undefined })));
    this.#show(waiting);
  }

  // ---- from here to there

  deliver(batch: Batch): void {
    if (this.#phase.kind === 'catching-up') this.#phase.waiting.push(...batch.items);
    else if (this.#phase.kind === 'up') this.#show(batch.items);
  }

  #show(items: readonly RoomItem[]): void {
    for (const item of items) {
      if (item.kind === 'change') this.#change(item.change);
      else if (item.record.number > this.#written) this.#record(item.record);
    }
    if (this.#written > this.#known) this.#bridge.link.send({ verb: 'ping', token: `${this.room.name}:${this.#written}` });
  }

  /** The peer has read everything up to a number. */
  arrived(token: string): void {
    const [room, number] = token.split(':');
    if (room !== this.room.name || !(Number(number) > this.#known)) return;
    this.#known = Number(number);
    void this.#bridge.host.store.set(`position ${room}`, this.#known);
  }

  #record(record: LogRecord): void {
    this.#written = record.number;
    const { content } = record;
    if (record.origin === this.#bridge.network.address) return;
    if (content.kind === 'message') this.#say(content.author, content.text.plain);
    else if (content.kind === 'topic')
      this.#bridge.link.send({ verb: 'topic', room: this.room.name, nick: this.#nickOf(content.author), text: content.topic });
  }

  /** Each line of a message is one of theirs. Who has left meanwhile comes back for it. */
  #say(author: Author, text: string): void {
    const room = this.room.name;
    const nick = this.#nickOf(author);
    const user = this.#bridge.host.users.byAddress(author.address);
    const absent = user === undefined || !this.there.has(user.id);
    if (absent) this.#bridge.link.send({ verb: 'join', room, nick });
    for (const line of oneLineTexts(text)) this.#bridge.link.send({ verb: 'say', room, nick, text: line });
    if (absent) this.#bridge.link.send({ verb: 'leave', room, nick, text: 'said what had waited' });
  }

  #nickOf(author: Author): string {
    const user = this.#bridge.host.users.byAddress(author.address);
    if (user !== undefined) return this.#bridge.nickOf(user);
    const ghost = `gone ${author.address}` as UserId;
    const nick = this.#bridge.nicks.assign(ghost, author.nick, 'gone', (fold) => this.#bridge.taken(fold));
    this.#bridge.nicks.release(ghost);
    return nick;
  }

  #change(change: RoomChange): void {
    if (change.kind === 'joined') {
      for (const { user } of change.members) this.#join(this.#bridge.host.users.get(user));
    } else if (change.kind === 'left') this.#left(change);
  }

  #join(user: User | undefined): void {
    if (user === undefined || user.network === this.#bridge.network.address || this.there.has(user.id)) return;
    this.there.add(user.id);
    this.#bridge.link.send({ verb: 'join', room: this.room.name, nick: this.#bridge.nickOf(user) });
  }

  /** Somebody of ours had to give up the nick, and comes in again under another. */
  comeAgain(user: User): void {
    if (this.there.delete(user.id)) this.#join(user);
  }

  #left({ members, cause }: Extract<RoomChange, { kind: 'left' }>): void {
    const { link, nicks, network } = this.#bridge;
    const room = this.room.name;
    for (const { user, address, nick } of members) {
      const theirs = network.users.get(address)?.nick ?? (address.startsWith(`${network.address}/`) ? nick : undefined);
      const shown = this.there.delete(user) ? nicks.nickOf(user) : theirs;
      if (shown === undefined) continue;
      if (cause.kind === 'kick' || cause.kind === 'affiliation')
        link.send({ verb: 'kick', room, nick: this.#nickOf(cause.by), target: shown, text: cause.reason });
      else if (shown !== theirs) link.send({ verb: 'leave', room, nick: shown, text: 'reason' in cause ? cause.reason : '' });
      if (this.#bridge.isNowhere(user)) this.#bridge.forget(user);
    }
  }
}
