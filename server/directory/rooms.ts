/** The rooms service: one door to membership, talk and moderation. */
import type { Follower, HistoryRange, JoinOptions, Member, MessageBody, Room, Rooms, Subscription } from '../contract/rooms.ts';
import type { User } from '../contract/users.ts';
import type { RoomAddress, UserAddress } from '../model/address.ts';
import type { Affiliation } from '../model/affiliation.ts';
import type { Circle } from '../model/circle.ts';
import type { BanMask, LogRecord, RoomConfig } from '../model/event.ts';
import type { EventId, UserId } from '../model/ids.ts';
import { accepted, refused, type Outcome, type Told } from '../model/outcome.ts';
import { oneLine } from '../model/text.ts';
import type { Context } from './context.ts';
import type { Membership } from './membership.ts';
import type { Moderation } from './moderation.ts';
import type { PrivateMessages } from './private-messages.ts';
import { authorOf, type RoomState, type UserState } from './state.ts';
import type { Talk } from './talk.ts';

/** Whoever was invited first and did not come has to be invited again. */
const mostInvited = 1_000;

export class RoomDirectory implements Rooms {
  readonly #context: Context;
  readonly #membership: Membership;
  readonly #talk: Talk;
  readonly #moderation: Moderation;
  readonly #private: PrivateMessages;

  constructor(context: Context, parts: { membership: Membership; talk: Talk; moderation: Moderation; privateMessages: PrivateMessages }) {
    this.#context = context;
    this.#membership = parts.membership;
    this.#talk = parts.talk;
    this.#moderation = parts.moderation;
    this.#private = parts.privateMessages;
  }

  get(address: RoomAddress): Room | undefined {
    return this.#context.directory.roomAt(address);
  }

  byName(name: string): Room | undefined {
    const address = this.#membership.addressOf(name);
    return address.ok ? this.get(address.value) : undefined;
  }

  all(): Iterable<Room> {
    return this.#context.directory.rooms.values();
  }

  ensure(name: string, config: Partial<RoomConfig> = {}): Outcome<Room> {
    const address = this.#membership.addressOf(name);
    if (!address.ok) return address;
    const room = this.#context.directory.roomAt(address.value);
    return room === undefined ? this.#membership.create(address.value, config) : accepted(room);
  }

  async join(user: User, name: string, options: JoinOptions = {}, via?: Follower): Promise<Outcome<Member>> {
    const entering = this.#membership.join(user as UserState, name, options, via);
    const outcome = entering instanceof Promise ? await entering : entering;
    if (outcome.ok) {
      this.#context.remember(user as UserState);
      await this.#context.delivery.shown(outcome.value.room);
    }
    return outcome;
  }

  leave(user: User, room: Room, reason: string, via?: Follower): Outcome<void> {
    return this.#membership.leave(user as UserState, room as RoomState, reason, via);
  }

  say(user: User, room: Room, body: MessageBody, via?: Follower): Promise<Outcome<LogRecord>> {
    return new Promise((told) => this.#talk.say(user as UserState, room as RoomState, body, via, told));
  }

  submit(user: User, room: Room, body: MessageBody, via: Follower | undefined, told: Told<LogRecord>): void {
    this.#talk.say(user as UserState, room as RoomState, body, via, told);
  }

  async confide(user: User, room: Room, circle: Circle, body: MessageBody): Promise<Outcome<number>> {
    const allowed = this.#talk.maySpeak(user as UserState, room as RoomState);
    return allowed.ok ? this.#private.confide(user as UserState, room as RoomState, circle, body) : allowed;
  }

  setTopic(user: User, room: Room, topic: string, via?: Follower): Promise<Outcome<LogRecord>> {
    return this.#talk.setTopic(user as UserState, room as RoomState, topic, via);
  }

  kick(
    user: User,
    room: Room,
    target: UserId,
    reason: string,
    options: { readonly ban?: boolean } = {},
    via?: Follower,
  ): Promise<Outcome<void>> {
    return this.#moderation.kick(user as UserState, room as RoomState, target, reason, options.ban === true, via);
  }

  grant(
    user: User,
    room: Room,
    target: UserId,
    change: { readonly operator?: boolean; readonly voice?: boolean },
    via?: Follower,
  ): Promise<Outcome<void>> {
    return this.#moderation.grant(user as UserState, room as RoomState, target, change, via);
  }

  setAffiliation(
    user: User,
    room: Room,
    address: UserAddress,
    affiliation: Affiliation,
    reason: string,
    via?: Follower,
  ): Promise<Outcome<void>> {
    return this.#moderation.setAffiliation(user as UserState, room as RoomState, address, affiliation, reason, via);
  }

  ban(user: User, room: Room, mask: string, reason: string, via?: Follower): Promise<Outcome<BanMask>> {
    return this.#moderation.ban(user as UserState, room as RoomState, mask, reason, via);
  }

  unban(user: User, room: Room, mask: string, via?: Follower): Promise<Outcome<BanMask>> {
    return this.#moderation.unban(user as UserState, room as RoomState, mask, via);
  }

  configure(user: User, room: Room, changes: Partial<RoomConfig>, via?: Follower): Promise<Outcome<void>> {
    return this.#moderation.configure(user as UserState, room as RoomState, changes, via);
  }

  async invite(from: User, target: Room, to: UserAddress, reason: string): Promise<Outcome<void>> {
    const user = from as UserState;
    const room = target as RoomState;
    const member = room.members.get(user.id);
    if (member === undefined) return refused('not-a-member', 'You are not in that room.');
    if (room.config.membersOnly && member.role !== 'moderator')
      return refused('not-permitted', 'Only moderators may invite to a room for members.');
    const recipient = this.#private.recipient(to);
    if (!recipient.ok) return recipient;
    const { user: invited, as } = recipient.value;
    if (invited !== undefined && room.members.has(invited.id)) return refused('already-a-member', 'That person is in the room already.');
    room.invited.add(to);
    if (room.invited.size > mostInvited) {
      const [oldest] = room.invited;
      room.invited.delete(oldest!);
    }
    const content = {
      kind: 'invitation',
      author: authorOf(user, member.nick),
      to: as,
      room: room.address,
      reason: oneLine(reason),
    } as const;
    const sent = await new Promise<Outcome<unknown>>((told) => this.#private.deliver(user, invited, content, {}, undefined, told));
    return sent.ok ? accepted(undefined) : sent;
  }

  setRoomNick(user: User, room: Room, nick: string, via?: Follower): Promise<Outcome<void>> {
    return this.#moderation.setRoomNick(user as UserState, room as RoomState, nick, via);
  }

  typing(user: User, room: Room, state: 'active' | 'paused' | 'done', via?: Follower): void {
    this.#talk.typing(user as UserState, room as RoomState, state, via);
  }

  close(user: User, room: Room, reason: string): Promise<Outcome<void>> {
    return this.#moderation.close(user as UserState, room as RoomState, reason);
  }

  history(user: User | undefined, room: Room, range: HistoryRange): Promise<Outcome<readonly LogRecord[]>> {
    return this.#talk.history(user as UserState | undefined, room as RoomState, range);
  }

  find(user: User | undefined, room: Room, id: EventId): Promise<LogRecord | undefined> {
    return this.#talk.find(user as UserState | undefined, room as RoomState, id);
  }

  follow(target: Room, follower: Follower): Subscription {
    const room = target as RoomState;
    const { delivery } = this.#context;
    let stopped = false;
    delivery.step(room, () => {
      if (!stopped) room.followers.set(follower, 'other');
    });
    return {
      room,
      follower,
      stop: () => {
        stopped = true;
        room.followers.delete(follower);
      },
    };
  }

  readPosition(user: User, room: Room): number {
    return (user as UserState).readPositions?.get(room.address) ?? 0;
  }

  setReadPosition(target: User, room: Room, number: number): void {
    const user = target as UserState;
    if (!Number.isSafeInteger(number) || number <= this.readPosition(user, room) || number > room.last.number) return;
    (user.readPositions ??= new Map()).set(room.address, number);
    if (user.account === null) return;
    this.#context.storage.set('core/read', `${user.account} ${room.address}`, number).catch((error: unknown) => {
      this.#context.log.warn({ err: error }, 'a read position could not be saved');
    });
  }
}
