/** The occupants of a room of another server who are not ours, as members of its copy here. */
import { xmppOccupantAddress, type ForeignMember, type HomeCopy, type RoomAddress, type User } from '../../../server/plugin.ts';
import type { People } from '../people.ts';
import type { RemotePresence } from './stanzas.ts';
import type { Jid } from '../jid.ts';

interface Person {
  readonly user: User;
  presence: RemotePresence;
}

/** Voice is something in a moderated room only. */
export function standingOf(
  { role, affiliation }: Pick<RemotePresence, 'role' | 'affiliation'>,
  moderated: boolean,
): {
  readonly operator: boolean;
  readonly voice: boolean;
  readonly affiliation: RemotePresence['affiliation'];
} {
  return { operator: role === 'moderator', voice: moderated && (role === 'moderator' || role === 'participant'), affiliation };
}

export class PeopleThere {
  readonly #people: People;
  readonly #room: Jid;
  readonly #address: RoomAddress;
  readonly #copy: () => HomeCopy | undefined;
  readonly #byNick = new Map<string, Person>();
  /** Everybody in the room is shown real addresses. */
  nonAnonymous = false;

  constructor(people: People, room: Jid, address: RoomAddress, copy: () => HomeCopy | undefined) {
    this.#people = people;
    this.#room = room;
    this.#address = address;
    this.#copy = copy;
  }

  has(nick: string): boolean {
    return this.#byNick.has(nick);
  }
  userOf(nick: string): User | undefined {
    return this.#byNick.get(nick)?.user;
  }
  nickOf(user: User): string | undefined {
    for (const [nick, person] of this.#byNick) if (person.user.id === user.id) return nick;
    return undefined;
  }
  get users(): User[] {
    return [...this.#byNick.values()].map(({ user }) => user);
  }

  /** Somebody is there who has that nick. */
  present(nick: string, presence: RemotePresence): void {
    const person = this.#byNick.get(nick);
    if (person === undefined) {
      const member = this.#enter(nick, presence);
      if (member !== undefined) this.#copy()?.joined([member], false);
      return;
    }
    person.presence = presence;
    this.#copy()?.standing(person.user.id, standingOf(presence, this.#moderated));
    this.#people.network(this.#room.domain).update(person.user, { away: presence.away, realName: this.#realName(nick, presence) });
  }

  get #moderated(): boolean {
    return this.#copy()?.room.config.moderated === true;
  }

  /** The room became moderated, or is no longer. */
  stand(): void {
    for (const { user, presence } of this.#byNick.values()) this.#copy()?.standing(user.id, standingOf(presence, this.#moderated));
  }

  /** Who is there beyond what the server allows is not shown. Threat class A18. */
  #enter(nick: string, presence: RemotePresence): ForeignMember | undefined {
    const user = this.#people.occupant(xmppOccupantAddress(this.#address, nick), this.#room.domain, nick);
    if (user === undefined) return undefined;
    this.#people.network(this.#room.domain).update(user, { away: presence.away, realName: this.#realName(nick, presence) });
    this.#byNick.set(nick, { user, presence });
    return { user, ...standingOf(presence, this.#moderated) };
  }

  /** The real address is the room's word, and no proof: it is told, and identifies nobody. What only moderators see is not told. */
  #realName(nick: string, { jid }: RemotePresence): string {
    return this.nonAnonymous && jid !== undefined ? jid.replace(/\/.*$/s, '') : nick;
  }

  /** Everybody who is there, as a room shows them to somebody who enters: others are not. */
  replace(all: ReadonlyMap<string, RemotePresence>): void {
    const network = this.#people.network(this.#room.domain);
    for (const [nick, { user }] of [...this.#byNick]) {
      if (all.has(nick)) continue;
      this.#byNick.delete(nick);
      this.#copy()?.left(user, { kind: 'leave', reason: '' });
      network.retire(user, '');
    }
    const fresh: ForeignMember[] = [];
    for (const [nick, presence] of all) {
      if (this.#byNick.has(nick)) this.present(nick, presence);
      else {
        const member = this.#enter(nick, presence);
        if (member !== undefined) fresh.push(member);
      }
    }
    if (fresh.length > 0) this.#copy()?.joined(fresh, true);
  }

  renamed(nick: string, next: string): void {
    const person = this.#byNick.get(nick);
    if (person === undefined || this.#byNick.has(next)) return;
    this.#byNick.delete(nick);
    this.#byNick.set(next, person);
    this.#people.network(this.#room.domain).rename(person.user, next, xmppOccupantAddress(this.#address, next));
  }

  /** @param by who threw the person out, if anybody did */
  gone(nick: string, presence: RemotePresence, by: User | string | undefined): void {
    const person = this.#byNick.get(nick);
    if (person === undefined) return;
    this.#byNick.delete(nick);
    const { user } = person;
    const banned = presence.codes.has(301);
    if (banned || presence.codes.has(307)) this.#copy()?.removed(by ?? this.#room.bare, user.id, presence.reason, banned);
    else this.#copy()?.left(user, { kind: 'leave', reason: presence.status });
    this.#people.network(this.#room.domain).retire(user, presence.status);
  }

  /** The nick turned out to be that of one of ours. */
  forget(nick: string): void {
    const person = this.#byNick.get(nick);
    if (person === undefined) return;
    this.#byNick.delete(nick);
    this.#copy()?.left(person.user, { kind: 'leave', reason: '' });
    this.#people.network(this.#room.domain).retire(person.user, '');
  }

  /** The room cannot be seen any more: all are gone at once. */
  lose(near: string): void {
    const { users } = this;
    this.#byNick.clear();
    if (users.length > 0) this.#people.network(this.#room.domain).split(users, near, this.#room.domain);
  }
}
