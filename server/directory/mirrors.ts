/** Rooms shared with a network: mirrors, of which it has its own copy, and copies of rooms that have their home there. */
import type { ForeignMember, HomeCopy, Mirror } from '../contract/networks.ts';
import type { Follower, Member, MessageBody } from '../contract/rooms.ts';
import type { User } from '../contract/users.ts';
import type { NetworkAddress } from '../model/address.ts';
import type { Affiliation } from '../model/affiliation.ts';
import type { Circle } from '../model/circle.ts';
import type { Author, LeaveCause, LogRecord, RoomConfig } from '../model/event.ts';
import type { UserId } from '../model/ids.ts';
import type { Outcome } from '../model/outcome.ts';
import { oneLine } from '../model/text.ts';
import { homeless } from './homeless.ts';
import type { ForeignNetwork } from './networks.ts';
import { authorOf, viewMember, type MemberState, type RoomState, type UserState } from './state.ts';

export class RoomMirror implements Mirror {
  readonly room: RoomState;
  readonly network: ForeignNetwork;
  protected readonly follower: Follower;

  constructor(network: ForeignNetwork, room: RoomState, follower: Follower) {
    this.network = network;
    this.room = room;
    this.follower = follower;
    network.state.mirrors.set(room, follower);
    room.networks.add(network.address);
    network.parts.context.delivery.step(room, () => {
      if (network.state.mirrors.get(room) === follower) room.followers.set(follower, 'mirror');
    });
  }

  protected get elsewhere(): { readonly origin: NetworkAddress } {
    return { origin: this.network.address };
  }

  *members(): Iterable<Member> {
    for (const member of this.room.members.values()) if (member.who.network === this.network.address) yield member;
  }

  joined(members: readonly ForeignMember[], burst: boolean): void {
    const { membership } = this.network.parts;
    const fresh: MemberState[] = [];
    for (const { user, operator, voice, affiliation } of members) {
      const state = this.network.own(user);
      if (state.gone) continue;
      const member = membership.foreignMember(state, this.room);
      if (member === undefined) continue;
      member.operator = operator ?? false;
      member.voice = voice ?? false;
      if (this.room.home !== undefined) member.affiliationThere = affiliation;
      fresh.push(member);
    }
    membership.admit(this.room, fresh, burst ? { kind: 'burst', network: this.network.address } : { kind: 'join' }, this.follower);
  }

  left(user: User, cause: Extract<LeaveCause, { readonly kind: 'leave' }>): void {
    const member = this.room.members.get(this.network.own(user).id);
    if (member !== undefined)
      this.network.parts.membership.remove(this.room, [member], { kind: 'leave', reason: oneLine(cause.reason) }, this.follower);
  }

  said(user: User, body: MessageBody): Promise<Outcome<LogRecord>> {
    return this.network.parts.talk.said(this.network.own(user), this.room, body, this.follower, this.elsewhere);
  }

  confided(user: User, circle: Circle, body: MessageBody): Promise<Outcome<number>> {
    return this.network.parts.privateMessages.confide(this.network.own(user), this.room, circle, body, this.network.address);
  }

  /** In a room that has its home elsewhere the topic is set there, by somebody. */
  topic(by: User | string, topic: string): Promise<Outcome<LogRecord>> {
    const { parts } = this.network;
    const user = typeof by === 'string' || this.room.home === undefined ? undefined : this.network.own(by);
    if (user === undefined && this.room.home !== undefined) return Promise.resolve(homeless);
    return parts.talk.topic(user, this.room, this.cutTopic(topic), this.network.author(by), this.follower, this.elsewhere);
  }

  protected cutTopic(topic: string): string {
    const limit = this.network.parts.context.limits.topicBytes;
    if (Buffer.byteLength(topic) <= limit) return topic;
    return Buffer.from(topic)
      .subarray(0, limit)
      .toString()
      .replace(/\ufffd+$/, '');
  }

  kicked(by: User | string, target: UserId, reason: string): boolean {
    const member = this.room.members.get(target);
    if (member === undefined) return false;
    const { home } = this.room;
    // Nobody is thrown out of a room that has its home elsewhere but by that home; who is of another network than it can be taken out of the copy.
    if (home !== undefined && member.who.network !== null && this.network.parts.context.homes.isOf(home, member.who.network)) {
      if (typeof by !== 'string')
        void this.network.parts.moderation.kick(this.network.own(by), this.room, target, reason, false, this.follower);
      return false;
    }
    void this.network.parts.moderation.kicked(this.room, member, this.network.author(by), reason, false, this.follower, this.elsewhere);
    return true;
  }

  status(user: User, change: { readonly operator?: boolean; readonly voice?: boolean }): void {
    const member = this.room.members.get(this.network.own(user).id);
    if (member !== undefined) this.network.parts.moderation.granted(this.room, member, change, undefined, this.follower);
  }

  announce(present: boolean, reason: string, waited?: { readonly crossing: number; readonly leftOut: number }): void {
    this.network.announceIn(this.room, present, reason, waited);
  }

  detach(reason: string): void {
    const own = [...this.members()] as MemberState[];
    if (own.length > 0) this.network.parts.membership.remove(this.room, own, { kind: 'leave', reason: oneLine(reason) }, this.follower);
    this.network.unmirror(this.room);
  }
}

export class RoomHome extends RoomMirror implements HomeCopy {
  get #accepted(): { readonly origin: NetworkAddress; readonly accepted: boolean } {
    return { ...this.elsewhere, accepted: true };
  }

  override said(user: User, body: MessageBody): Promise<Outcome<LogRecord>> {
    return this.network.parts.talk.said(this.network.own(user), this.room, body, this.follower, this.#accepted);
  }

  accepted(user: User, body: MessageBody, via: Follower | undefined): Promise<Outcome<LogRecord>> {
    return this.network.parts.talk.said(user as UserState, this.room, body, via, this.#accepted);
  }

  topicOf(by: User | string, topic: string): Promise<Outcome<LogRecord>> {
    return this.network.parts.talk.topic(undefined, this.room, this.cutTopic(topic), this.#author(by), this.follower, this.#accepted);
  }

  #author(by: User | string): Author {
    if (typeof by === 'string') return this.network.author(by);
    const user = by as UserState;
    return authorOf(user, this.room.members.get(user.id)?.nick);
  }

  removed(by: User | string, target: UserId, reason: string, banned: boolean): boolean {
    const member = this.room.members.get(target);
    if (member === undefined) return false;
    void this.network.parts.moderation.kicked(this.room, member, this.#author(by), reason, banned, this.follower, this.elsewhere);
    return true;
  }

  standing(target: UserId, standing: { readonly operator: boolean; readonly voice: boolean; readonly affiliation: Affiliation }): void {
    const member = this.room.members.get(target);
    if (member === undefined) return;
    const before = viewMember(member);
    member.operator = standing.operator;
    member.voice = standing.voice;
    member.affiliationThere = standing.affiliation;
    const after = viewMember(member);
    if (before.operator === after.operator && before.voice === after.voice && before.affiliation === after.affiliation) return;
    this.network.parts.context.delivery.change(this.room, { kind: 'member', before, after }, this.follower);
  }

  configured(changes: Partial<Pick<RoomConfig, 'moderated' | 'membersOnly' | 'nonAnonymous'>>): void {
    const { config } = this.room;
    const changed = Object.fromEntries(Object.entries(changes).filter(([key, value]) => config[key as keyof RoomConfig] !== value));
    if (Object.keys(changed).length === 0) return;
    const content = { kind: 'config', author: this.network.author(this.network.title), changes: changed } as const;
    void this.network.parts.talk.append(undefined, this.room, content, this.follower, this.#accepted);
  }
}
