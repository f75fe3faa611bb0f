/** Entering and leaving rooms, and which sessions see them. */
import type { JoinOptions, Follower } from '../contract/rooms.ts';
import { addressParts, AddressError, roomAddress, type RoomAddress } from '../model/address.ts';
import { compareAffiliation } from '../model/affiliation.ts';
import type { JoinCause, LeaveCause, RoomConfig } from '../model/event.ts';
import { accepted, refused, type Outcome } from '../model/outcome.ts';
import { oneLine } from '../model/text.ts';
import { copyConfig, defaultRoomConfig, type Context } from './context.ts';
import { maskMatches } from './names.ts';
import { sameSecret } from './scram.ts';
import { homeless } from './homeless.ts';
import { authorOf, foldNick, MemberState, RoomState, viewMember, type SessionState, type UserState, type Visit } from './state.ts';

const mostAddresses = 4_096;

export class Membership {
  readonly #context: Context;
  /** Addresses by names as they were asked for: every message of some protocols names its room. */
  readonly #addresses = new Map<string, Outcome<RoomAddress>>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** The address of a room of ours by name. */
  addressOf(name: string): Outcome<RoomAddress> {
    const known = this.#addresses.get(name);
    if (known !== undefined) return known;
    try {
      const address = accepted(roomAddress(this.#context.domain, name));
      if (this.#addresses.size >= mostAddresses) this.#addresses.clear();
      this.#addresses.set(name, address);
      return address;
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      const elsewhere = this.#context.homes.addressOf(name);
      return elsewhere === undefined ? refused('bad-name', `No room can be called that: ${error.message}.`) : accepted(elsewhere);
    }
  }

  create(address: RoomAddress, config: Partial<RoomConfig>): Outcome<RoomState> {
    const { directory, limits, clock, logbook, saver, homes } = this.#context;
    if (directory.rooms.size >= limits.roomsInAll) return refused('too-many', 'This server has as many rooms as it allows.');
    const isElsewhere = addressParts(address).scheme !== 'banyan';
    const history = config.history ?? (config.membersOnly === true ? 'joined' : defaultRoomConfig.history);
    const wanted = isElsewhere ? copyConfig : { ...config, history };
    const now = clock.now();
    const room = new RoomState({ address, created: now, config: { ...defaultRoomConfig, ...wanted } }, logbook, now);
    directory.rooms.set(address, room);
    saver.fresh(room);
    if (isElsewhere) homes.settle(room, address);
    return accepted(room);
  }

  /** A promise where the home of the room is elsewhere, and is asked. */
  join(user: UserState, name: string, options: JoinOptions, via?: Follower): Outcome<MemberState> | Promise<Outcome<MemberState>> {
    const { directory, limits, hooks } = this.#context;
    const address = this.addressOf(name);
    if (!address.ok) return address;
    let room = directory.roomAt(address.value);
    if (room?.members.has(user.id) === true) {
      const member = room.members.get(user.id)!;
      if (options.session === undefined) return refused('already-a-member', 'You are in that room already.');
      this.attach(options.session as SessionState, room);
      return accepted(member);
    }
    if (user.rooms.size >= limits.roomsPerUser)
      return refused('too-many', `You are in ${limits.roomsPerUser} rooms, which is the most allowed.`);
    const fresh = room === undefined;
    if (fresh && options.create === false) return refused('no-such-room', 'There is no such room.');
    // Who may enter a room that has its home elsewhere is known there.
    const admitted = room === undefined || room.home !== undefined ? accepted(undefined) : this.#mayEnter(user, room, options);
    if (!admitted.ok) return admitted;
    const nick = options.nick === undefined ? accepted(user.nick) : this.roomNick(room, options.nick);
    if (!nick.ok) return nick;
    if (room === undefined) {
      const created = this.create(address.value, { persistent: user.account !== null });
      if (!created.ok) return created;
      room = created.value;
    }
    const hooked = hooks.run('join', { user, room, key: options.key, nick: nick.value });
    if ('elsewhere' in hooked) return this.#letIn(user, room, hooked.elsewhere, options, via);
    if (!hooked.ok || room.home !== undefined) {
      // Nobody came to be in it, so it does not stay, not even if it would have been a lasting one.
      if (fresh) this.#forget(room);
      return hooked.ok ? homeless : hooked;
    }
    return accepted(this.#enter(user, room, fresh, nick.value, options, via));
  }

  /** Waits for the word of the room's home. */
  async #letIn(
    user: UserState,
    room: RoomState,
    word: Promise<Outcome<void>>,
    options: JoinOptions,
    via?: Follower,
  ): Promise<Outcome<MemberState>> {
    room.entering++;
    const outcome = await word.catch((error: unknown): Outcome<void> => {
      this.#context.log.error({ err: error, room: room.address }, 'the home of a room could not be asked');
      return homeless;
    });
    room.entering--;
    const inside = room.members.get(user.id);
    if (outcome.ok && !user.gone && !room.closed) {
      // By another session, meanwhile.
      if (inside !== undefined && options.session !== undefined) this.attach(options.session as SessionState, room);
      return accepted(inside ?? this.#enter(user, room, false, user.nick, options, via));
    }
    this.closeWhenEmpty(room);
    return outcome.ok ? refused('no-such-room', 'You or the room have gone meanwhile.') : outcome;
  }

  #enter(user: UserState, room: RoomState, fresh: boolean, nick: string, options: JoinOptions, via?: Follower): MemberState {
    const member = this.#prepare(user, room);
    if (foldNick(nick) !== foldNick(user.nick)) member.roomNick = nick;
    if (fresh) {
      if (user.account !== null || user.kind === 'foreign') room.affiliations.set(user.address, 'owner');
      else member.operator = true;
    }
    room.invited.delete(user.address);
    this.admit(room, [member], { kind: 'join' }, via, options.session as SessionState | undefined);
    return member;
  }

  #mayEnter(user: UserState, room: RoomState, options: JoinOptions): Outcome<void> {
    const affiliation = room.affiliationOf(user);
    if (affiliation === 'outcast' || (compareAffiliation(affiliation, 'admin') < 0 && this.banned(user, room))) {
      return refused('banned', 'You are banned from that room.');
    }
    if (compareAffiliation(affiliation, 'admin') >= 0) return accepted(undefined);
    const invited = room.invited.has(user.address);
    const { config } = room;
    if (config.membersOnly && affiliation !== 'member' && !invited)
      return refused('members-only', 'That room is for members; ask to be invited.');
    if (config.key !== null && !invited && !sameSecret(config.key, options.key ?? ''))
      return refused('wrong-key', 'That room needs a key, and this is not it.');
    if (config.limit !== null && room.members.size >= config.limit && !invited) return refused('full', 'That room is full.');
    return accepted(undefined);
  }

  /** The nick that somebody may have in a room: one line, not too long, and nobody else's there. */
  roomNick(room: RoomState | undefined, wanted: string, member?: MemberState): Outcome<string> {
    const nick = oneLine(wanted);
    if (nick === '' || [...nick].length > this.#context.limits.nickCharacters * 2)
      return refused('bad-nick', 'That nick is empty or too long.');
    const folded = foldNick(nick);
    for (const other of room?.members.values() ?? [])
      if (other !== member && foldNick(other.nick) === folded) return refused('nick-in-use', 'Somebody in that room has that nick.');
    return accepted(nick);
  }

  /** A ban mask meets this person. */
  banned(user: UserState, room: RoomState): boolean {
    return room.bans.some((ban) => maskMatches(ban.mask, user));
  }

  #prepare(user: UserState, room: RoomState): MemberState {
    const member = new MemberState(user, room, this.#context.clock.now(), room.last.number + 1);
    if (room.config.history === 'joined') this.readableFrom(room, member);
    return member;
  }

  /** Remembers from which number on the member may read, under history `joined`; the oldest of very many is forgotten. */
  readableFrom(room: RoomState, member: MemberState): void {
    if (room.readableFrom.has(member.address)) return;
    if (room.readableFrom.size >= 10_000)
      for (const [first] of room.readableFrom) {
        room.readableFrom.delete(first);
        break;
      }
    room.readableFrom.set(member.address, member.firstNumber);
    this.#context.saver.room(room);
  }

  /** Makes members without asking: after checks, or because a network says so. One change for all. */
  admit(room: RoomState, members: readonly MemberState[], cause: JoinCause, via?: Follower, session?: SessionState): void {
    const { delivery, logbook } = this.#context;
    if (members.length === 0) return;
    for (const member of members) {
      room.members.set(member.user, member);
      member.who.rooms.add(room);
      for (const own of member.who.sessions) {
        if (own === session || own.attach === 'all') this.#follow(own, room);
      }
    }
    delivery.change(room, { kind: 'joined', members: members.map(viewMember), cause }, via);
    if (cause.kind === 'join' && room.config.showJoins) {
      for (const member of members)
        delivery.record(room, logbook.next(room.log, { kind: 'join', who: authorOf(member.who, member.nick) }), via);
    }
  }

  /** A foreign person enters as its network says: nothing is asked. Undefined when it is inside already. */
  foreignMember(user: UserState, room: RoomState): MemberState | undefined {
    return room.members.has(user.id) ? undefined : this.#prepare(user, room);
  }

  leave(user: UserState, room: RoomState, reason: string, via?: Follower): Outcome<void> {
    const member = room.members.get(user.id);
    if (member === undefined) return refused('not-a-member', 'You are not in that room.');
    this.remove(room, [member], { kind: 'leave', reason: oneLine(reason) }, via);
    return accepted(undefined);
  }

  /** Takes members out, tells the room once, and lets their sessions go. */
  remove(room: RoomState, members: readonly MemberState[], cause: LeaveCause, via?: Follower): void {
    const { delivery, logbook } = this.#context;
    const views = members.map(viewMember);
    for (const member of members) {
      room.members.delete(member.user);
      member.who.rooms.delete(room);
    }
    // Whoever shares the room hears of a quit by userChanged; only followers that are no persons and no networks get the change.
    delivery.change(room, { kind: 'left', members: views, cause }, via, cause.kind === 'quit' ? 'other' : 'all');
    if (room.config.showJoins && (cause.kind === 'leave' || cause.kind === 'quit')) {
      for (const member of members) {
        const who = authorOf(member.who, member.nick);
        delivery.record(room, logbook.next(room.log, { kind: 'leave', who, reason: cause.reason, quit: cause.kind === 'quit' }), via);
      }
    }
    for (const member of members) {
      for (const session of member.who.sessions) this.detach(session, room);
      if (cause.kind !== 'quit') this.#context.remember(member.who);
    }
    this.closeWhenEmpty(room);
  }

  attach(session: SessionState, room: RoomState): void {
    if (!session.closed && room.members.has(session.user.id)) this.#follow(session, room);
  }

  #follow(session: SessionState, room: RoomState): void {
    if (session.visitOf(room) !== undefined) return;
    const visit: Visit = { room, followed: false };
    session.visits.add(visit);
    this.#context.delivery.step(room, () => {
      if (session.closed || !session.visits.has(visit)) return;
      visit.followed = true;
      room.followers.set(session.handler, 'session');
      session.handler.attached(room);
    });
  }

  /** The session sees nothing of the room any more, after what is queued now. */
  detach(session: SessionState, room: RoomState): void {
    const visit = session.visitOf(room);
    if (visit === undefined) return;
    session.visits.delete(visit);
    this.#context.delivery.step(room, () => {
      if (!visit.followed) return;
      const following = room.followers.delete(session.handler);
      if (following && !session.closed) session.handler.detached(room);
    });
  }

  /** Forgets a room that nothing keeps. */
  closeWhenEmpty(room: RoomState): void {
    if (room.members.size === 0 && room.entering === 0 && !room.config.persistent && room.networks.size === 0 && !room.closed)
      this.#forget(room);
  }

  #forget(room: RoomState): void {
    const { directory, delivery, homes, saver } = this.#context;
    room.closed = true;
    directory.rooms.delete(room.address);
    homes.leave(room);
    // Behind what is queued for its log; whoever took the name meanwhile goes on with that log.
    delivery.step(room, () => {
      if (!directory.rooms.has(room.address)) saver.remove(room.address);
    });
  }
}
