/** Who may do what to whom in a room: kicks, bans, status, affiliations, configuration. */
import type { Act } from '../contract/host.ts';
import type { Follower } from '../contract/rooms.ts';
import type { CoreLimits } from '../core.ts';
import { isLasting, type UserAddress } from '../model/address.ts';
import { compareAffiliation, type Affiliation } from '../model/affiliation.ts';
import type { Author, BanMask, RoomConfig } from '../model/event.ts';
import type { UserId } from '../model/ids.ts';
import { accepted, refused, type Outcome } from '../model/outcome.ts';
import { oneLine } from '../model/text.ts';
import type { BornElsewhere } from '../log/logbook.ts';
import type { Context } from './context.ts';
import { homeless } from './homeless.ts';
import type { Membership } from './membership.ts';
import { completeMask } from './names.ts';
import { authorOf, viewMember, type MemberState, type RoomState, type UserState } from './state.ts';
import type { Talk } from './talk.ts';

const mostBans = 500;
const mostAffiliations = 5_000;
const keyBytes = 200;

interface Standing {
  readonly author: Author;
  readonly affiliation: Affiliation;
  readonly moderator: boolean;
}

export class Moderation {
  readonly #context: Context;
  readonly #membership: Membership;
  readonly #talk: Talk;

  constructor(context: Context, membership: Membership, talk: Talk) {
    this.#context = context;
    this.#membership = membership;
    this.#talk = talk;
  }

  /** What the actor is in the room; administrators of the server may act from outside. */
  #standing(
    user: UserState,
    room: RoomState,
  ): Outcome<{ readonly author: Author; readonly affiliation: Affiliation; readonly moderator: boolean }> {
    const member = room.members.get(user.id);
    const affiliation = room.affiliationOf(user);
    if (member === undefined && compareAffiliation(affiliation, 'admin') < 0) return refused('not-a-member', 'You are not in that room.');
    const moderator = member === undefined ? true : member.role === 'moderator';
    return accepted({ author: authorOf(user, member?.nick), affiliation, moderator });
  }

  #moderator(user: UserState, room: RoomState): Outcome<Standing> {
    const standing = this.#standing(user, room);
    if (standing.ok && !standing.value.moderator) return refused('not-permitted', 'Only moderators of the room may do that.');
    return standing;
  }

  /** Asks the filters; an answer means that it is done elsewhere, or not at all. */
  #taken(user: UserState, room: RoomState, act: Act): Promise<Outcome<void>> | undefined {
    const hooked = this.#context.hooks.run('act', { user, room, act });
    if ('elsewhere' in hooked) return hooked.elsewhere;
    if (!hooked.ok) return Promise.resolve(hooked);
    return room.home === undefined ? undefined : Promise.resolve(homeless);
  }

  async kick(user: UserState, room: RoomState, target: UserId, reason: string, ban: boolean, via?: Follower): Promise<Outcome<void>> {
    const who = room.members.get(target)?.who;
    const taken = who === undefined ? undefined : this.#taken(user, room, { kind: 'kick', target: who, reason: oneLine(reason), ban });
    if (taken !== undefined) return taken;
    const actor = this.#moderator(user, room);
    if (!actor.ok) return actor;
    const member = room.members.get(target);
    if (member === undefined) return refused('no-such-user', 'Nobody of that name is in the room.');
    if (
      compareAffiliation(member.affiliation, actor.value.affiliation) > 0 ||
      (member.affiliation === actor.value.affiliation && member.affiliation === 'admin')
    ) {
      return refused('not-permitted', 'You cannot remove somebody of that standing.');
    }
    // A ban takes the affiliation too.
    if (ban && isLastOwner(room, member.address)) return refused('not-permitted', 'A room needs an owner; name another one first.');
    if (ban) this.#banPerson(user, room, member, actor.value, oneLine(reason), via);
    return accepted(await this.kicked(room, member, actor.value.author, reason, ban, via));
  }

  /** Bars a person who is inside: the address, where it is lasting and the actor may change affiliations, else the host. */
  #banPerson(user: UserState, room: RoomState, member: MemberState, actor: Standing, reason: string, via?: Follower): void {
    const { who } = member;
    const { author } = actor;
    const lasting = !who.guest && isLasting(who.address);
    if (lasting && compareAffiliation(actor.affiliation, 'admin') >= 0) {
      void this.#talk.append(user, room, { kind: 'affiliation', author, address: who.address, affiliation: 'outcast', reason }, via);
      return;
    }
    // A foreign host may look like a pattern, which would bar others too. Threat class A9.
    const ban: BanMask = { mask: `*!*@${who.host.replaceAll('*', '?')}`, by: author.nick, at: this.#context.clock.now(), reason };
    void this.#talk.append(user, room, { kind: 'ban', author, add: true, ban }, via);
  }

  /** Logs and carries out a kick without asking for rights. */
  async kicked(
    room: RoomState,
    member: MemberState,
    author: Author,
    reason: string,
    banned: boolean,
    via?: Follower,
    elsewhere: BornElsewhere = {},
  ): Promise<void> {
    const text = oneLine(reason);
    const target = authorOf(member.who, member.nick);
    const logged = this.#talk.append(undefined, room, { kind: 'kick', author, target, reason: text, banned }, via, elsewhere);
    this.#membership.remove(room, [member], { kind: 'kick', by: author, reason: text, banned }, via);
    await logged;
  }

  async grant(
    user: UserState,
    room: RoomState,
    target: UserId,
    change: { readonly operator?: boolean; readonly voice?: boolean },
    via?: Follower,
  ): Promise<Outcome<void>> {
    const who = room.members.get(target)?.who;
    const taken = who === undefined ? undefined : this.#taken(user, room, { kind: 'grant', target: who, ...change });
    if (taken !== undefined) return taken;
    const actor = this.#moderator(user, room);
    if (!actor.ok) return actor;
    const member = room.members.get(target);
    if (member === undefined) return refused('no-such-user', 'Nobody of that name is in the room.');
    if (change.operator === false && member.who !== user && compareAffiliation(member.affiliation, actor.value.affiliation) > 0) {
      return refused('not-permitted', 'You cannot take status from somebody of that standing.');
    }
    this.granted(room, member, change, actor.value.author, via);
    return accepted(undefined);
  }

  /** Changes status without asking for rights. */
  granted(
    room: RoomState,
    member: MemberState,
    change: { readonly operator?: boolean; readonly voice?: boolean },
    by: Author | undefined,
    via?: Follower,
  ): void {
    const before = viewMember(member);
    member.operator = change.operator ?? member.operator;
    member.voice = change.voice ?? member.voice;
    if (before.operator === member.operator && before.voice === member.voice) return;
    this.#context.delivery.change(room, { kind: 'member', before, after: viewMember(member), ...(by === undefined ? {} : { by }) }, via);
  }

  async setAffiliation(
    user: UserState,
    room: RoomState,
    address: UserAddress,
    affiliation: Affiliation,
    reason: string,
    via?: Follower,
  ): Promise<Outcome<void>> {
    const taken = this.#taken(user, room, { kind: 'affiliation', address, affiliation, reason: oneLine(reason) });
    if (taken !== undefined) return taken;
    const actor = this.#standing(user, room);
    if (!actor.ok) return actor;
    const own = actor.value.affiliation;
    const current = room.affiliations.get(address) ?? 'none';
    if (compareAffiliation(own, 'admin') < 0) return refused('not-permitted', 'Only admins and owners of the room may do that.');
    if (compareAffiliation(affiliation, 'none') > 0 && !isLasting(address))
      return refused('not-permitted', 'Nicks of that network are for whoever takes them, so they cannot have lasting rights.');
    if (own === 'admin' && (compareAffiliation(current, 'admin') >= 0 || compareAffiliation(affiliation, 'admin') >= 0)) {
      return refused('not-permitted', 'Only owners may make or unmake admins and owners.');
    }
    if (current === affiliation) return accepted(undefined);
    if (current === 'none' && room.affiliations.size >= mostAffiliations)
      return refused('too-many', `A room may have at most ${mostAffiliations} people with an affiliation.`);
    if (isLastOwner(room, address)) return refused('not-permitted', 'A room needs an owner; name another one first.');
    const { author } = actor.value;
    const member = this.#memberOf(room, address);
    const before = member === undefined ? undefined : viewMember(member);
    const text = oneLine(reason);
    const logged = this.#talk.append(user, room, { kind: 'affiliation', author, address, affiliation, reason: text }, via);
    if (member !== undefined && before !== undefined) this.#affiliated(room, member, before, author, text, via);
    const outcome = await logged;
    return outcome.ok ? accepted(undefined) : outcome;
  }

  #affiliated(
    room: RoomState,
    member: MemberState,
    before: ReturnType<typeof viewMember>,
    author: Author,
    reason: string,
    via?: Follower,
  ): void {
    if (member.affiliation === 'outcast') void this.kicked(room, member, author, reason, true, via);
    else if (room.config.membersOnly && compareAffiliation(member.affiliation, 'member') < 0)
      this.#membership.remove(room, [member], { kind: 'affiliation', by: author, reason }, via);
    else this.#context.delivery.change(room, { kind: 'member', before, after: viewMember(member), by: author }, via);
  }

  #memberOf(room: RoomState, address: UserAddress): MemberState | undefined {
    const user = this.#context.directory.byAddress.get(address);
    return user === undefined ? undefined : room.members.get(user.id);
  }

  async ban(user: UserState, room: RoomState, mask: string, reason: string, via?: Follower): Promise<Outcome<BanMask>> {
    const taken = await this.#taken(user, room, { kind: 'ban', mask, add: true });
    if (taken !== undefined)
      return taken.ok ? accepted({ mask, by: user.nick, at: this.#context.clock.now(), reason: oneLine(reason) }) : taken;
    const actor = this.#moderator(user, room);
    if (!actor.ok) return actor;
    const complete = completeMask(mask);
    if (complete === undefined) return refused('bad-name', 'A ban mask looks like nick!user@host, with * and ? as wildcards.');
    const known = room.bans.find((ban) => ban.mask.toLowerCase() === complete.toLowerCase());
    if (known !== undefined) return accepted(known);
    if (room.bans.length >= mostBans) return refused('too-many', `A room may have at most ${mostBans} bans.`);
    const ban: BanMask = { mask: complete, by: actor.value.author.nick, at: this.#context.clock.now(), reason: oneLine(reason) };
    const logged = await this.#talk.append(user, room, { kind: 'ban', author: actor.value.author, add: true, ban }, via);
    return logged.ok ? accepted(ban) : logged;
  }

  async unban(user: UserState, room: RoomState, mask: string, via?: Follower): Promise<Outcome<BanMask>> {
    const taken = await this.#taken(user, room, { kind: 'ban', mask, add: false });
    if (taken !== undefined) return taken.ok ? accepted({ mask, by: user.nick, at: this.#context.clock.now(), reason: '' }) : taken;
    const actor = this.#moderator(user, room);
    if (!actor.ok) return actor;
    const complete = completeMask(mask)?.toLowerCase();
    const ban = room.bans.find((one) => one.mask.toLowerCase() === complete);
    if (ban === undefined) return refused('no-such-user', 'There is no such ban.');
    const logged = await this.#talk.append(user, room, { kind: 'ban', author: actor.value.author, add: false, ban }, via);
    return logged.ok ? accepted(ban) : logged;
  }

  async configure(user: UserState, room: RoomState, changes: Partial<RoomConfig>, via?: Follower): Promise<Outcome<void>> {
    const taken = this.#taken(user, room, { kind: 'configure', changes });
    if (taken !== undefined) return taken;
    const actor = this.#moderator(user, room);
    if (!actor.ok) return actor;
    const ownersOnly: readonly (keyof RoomConfig)[] = ['persistent', 'nonAnonymous', 'history', 'showJoins', 'title'];
    if (
      ownersOnly.some((key) => changes[key] !== undefined && changes[key] !== room.config[key]) &&
      compareAffiliation(actor.value.affiliation, 'owner') < 0
    ) {
      return refused('not-permitted', 'Only owners of the room may change that.');
    }
    const checked = checkedConfig(changes, this.#context.limits);
    if (!checked.ok) return checked;
    const changed = Object.fromEntries(
      Object.entries(checked.value).filter(([key, value]) => value !== undefined && value !== room.config[key as keyof RoomConfig]),
    ) as Partial<RoomConfig>;
    if (Object.keys(changed).length === 0) return accepted(undefined);
    const logged = this.#talk.append(user, room, { kind: 'config', author: actor.value.author, changes: changed }, via);
    if (changed.history === 'joined') for (const member of room.members.values()) this.#membership.readableFrom(room, member);
    const outcome = await logged;
    return outcome.ok ? accepted(undefined) : outcome;
  }

  async setRoomNick(user: UserState, room: RoomState, nick: string, via?: Follower): Promise<Outcome<void>> {
    const member = room.members.get(user.id);
    if (member === undefined) return refused('not-a-member', 'You are not in that room.');
    const taken = this.#taken(user, room, { kind: 'nick', nick: oneLine(nick) });
    if (taken !== undefined) return taken;
    const wanted = this.#membership.roomNick(room, nick, member);
    if (!wanted.ok) return wanted;
    const before = viewMember(member);
    member.roomNick = wanted.value === user.nick ? undefined : wanted.value;
    if (before.nick === member.nick) return accepted(undefined);
    this.#context.delivery.change(room, { kind: 'member', before, after: viewMember(member), by: authorOf(user, before.nick) }, via);
    if (room.config.showJoins) {
      this.#context.delivery.record(
        room,
        this.#context.logbook.next(room.log, { kind: 'nick', who: authorOf(user, before.nick), nick: member.nick }),
        via,
      );
    }
    return accepted(undefined);
  }

  async close(user: UserState, room: RoomState, reason: string): Promise<Outcome<void>> {
    const actor = this.#standing(user, room);
    if (!actor.ok) return actor;
    if (actor.value.affiliation !== 'owner') return refused('not-permitted', 'Only owners may close a room.');
    if (room.networks.size > 0)
      return refused('not-permitted', 'That room is linked to a network, which would keep its own copy; the host must unlink it first.');
    // In the log, so that the room does not come back with a restart that finds its saved state only.
    const content = { kind: 'config', author: actor.value.author, changes: { persistent: false } } as const;
    const logged = room.config.persistent ? await this.#talk.append(user, room, content) : undefined;
    if (logged?.ok === false) return logged;
    if (room.members.size === 0) this.#membership.closeWhenEmpty(room);
    else this.#membership.remove(room, [...room.members.values()], { kind: 'room-closed', reason: oneLine(reason) });
    await this.#context.delivery.shown(room);
    return accepted(undefined);
  }
}

function isLastOwner(room: RoomState, address: UserAddress): boolean {
  return room.affiliations.get(address) === 'owner' && [...room.affiliations.values()].filter((one) => one === 'owner').length === 1;
}

/** Changes of a configuration that mean something, in the form in which they are kept. */
function checkedConfig(changes: Partial<RoomConfig>, limits: CoreLimits): Outcome<Partial<RoomConfig>> {
  const { key, limit, title } = changes;
  if (typeof key === 'string' && (key === '' || oneLine(key) !== key || Buffer.byteLength(key) > keyBytes))
    return refused('bad-name', `A key is one line of at most ${keyBytes} bytes.`);
  if (typeof limit === 'number' && (!Number.isSafeInteger(limit) || limit < 1))
    return refused('bad-name', 'A limit is a whole number above zero.');
  if (title === undefined) return accepted(changes);
  const shown = oneLine(title);
  return Buffer.byteLength(shown) > limits.topicBytes
    ? refused('too-large', `A title may have at most ${limits.topicBytes} bytes.`)
    : accepted({ ...changes, title: shown });
}
