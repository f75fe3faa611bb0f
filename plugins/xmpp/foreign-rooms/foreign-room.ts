/** One room of another server: who of ours is in it, and its copy here. */
import type {
  Batch,
  Follower,
  HomeCopy,
  Host,
  LogRecord,
  Outcome,
  Refusal,
  Room,
  RoomAddress,
  RoomChange,
  User,
  UserChange,
  UserId,
} from '../../../server/plugin.ts';
import { accepted } from '../../../server/plugin.ts';
import type { Jid } from '../jid.ts';
import { encryptedError, readBody } from '../message-body.ts';
import type { People } from '../people.ts';
import type { Fate } from '../private-messages.ts';
import { bounce, conditionOf } from '../stanza-error.ts';
import { attribute, childOf, childText, element, stanza, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import type { Asks } from './asks.ts';
import { Feed, type FeedOwner } from './feed.ts';
import { Occupant } from './occupant.ts';
import { PeopleThere, standingOf } from './people-there.ts';
import {
  chatStateOf,
  chatStateStanza,
  delayOf,
  enterStanza,
  groupchat,
  leaveStanza,
  presenceStanza,
  readFacts,
  readPresence,
  refusalOf,
  unreachable,
  type RemotePresence,
} from './stanzas.ts';
import { Submissions, type Saying } from './submissions.ts';

export interface ForeignRoomParts {
  readonly host: Host;
  readonly people: People;
  readonly asks: Asks;
  readonly historyMessages: number;
  /** An address for one of ours in this room, which nobody else has there. */
  readonly addressFor: (user: User, taken: (jid: string) => boolean) => Jid | undefined;
  readonly send: (what: Element, fate?: Fate) => void;
}

/** Milliseconds between two attempts to come back: at first, and at most. */
const firstRest = 5_000;
const longestRest = 120_000;
/** Milliseconds of silence after which a room is asked whether an occupant is still inside (XEP-0410). */
const silence = 900_000;
/** What the history overlaps with what was seen, in milliseconds: the clocks differ. */
const overlap = 60_000;
/** Milliseconds after which somebody who was refused is tried again, when he says something. */
const refusedFor = 30_000;

const away = (why: string): Refusal => ({ code: 'unavailable', text: `The room cannot be reached at the moment: ${why}.` });

export class ForeignRoom implements Follower, FeedOwner {
  readonly host: Host;
  readonly room: Room;
  readonly jid: Jid;
  readonly address: string;
  readonly submissions: Submissions;
  readonly people: PeopleThere;
  readonly feed: Feed;
  readonly #parts: ForeignRoomParts;
  readonly #home: RoomAddress;
  readonly #occupants = new Map<UserId, Occupant>();
  readonly #byJid = new Map<string, Occupant>();
  /** The one who has been inside longest: what it is shown is what counts. */
  #feeder: Occupant | undefined;
  copy: HomeCopy | undefined;
  givesIds = false;
  #learnt = false;
  #rest = firstRest;
  #retry: { cancel(): void } | undefined;
  /** Who of ours is doing something to somebody there, by the nick of that one: rooms need not say who it was. */
  readonly #acting = new Map<string, User>();
  /** When the history was last asked for. */
  #askedAt = 0;

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
      doubt: () => this.resynchronise(),
    });
    this.people = new PeopleThere(parts.people, jid, home, () => this.copy);
    this.feed = new Feed(this);
    this.#attach();
  }

  get count(): number {
    return this.#occupants.size;
  }
  occupantOf(user: User): Occupant | undefined {
    return this.#occupants.get(user.id);
  }
  occupantAt(jid: Jid): Occupant | undefined {
    return this.#byJid.get(jid.full);
  }

  /** People of ours who are in the room while it becomes a copy. */
  open(): void {
    for (const member of [...this.room.members.values()]) this.#came(member.who);
  }

  #attach(): void {
    this.copy ??= this.#parts.people.network(this.jid.domain).home(this.room, this);
  }

  /** A name here keeps its copy; what was entered by its address goes with the last of ours. */
  #releaseIfEmpty(): void {
    if (this.#occupants.size > 0) return;
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#learnt = false;
    this.people.lose(this.host.domain);
    if (this.room.home !== this.room.address) return;
    const { copy } = this;
    this.copy = undefined;
    copy?.detach('nobody of this server is inside any more');
  }

  /** The room is no copy any more, or the plugin stops. */
  close(reason: string): void {
    this.submissions.clear(away(reason));
    for (const occupant of [...this.#occupants.values()]) this.#leave(occupant, reason);
    this.people.lose(this.host.domain);
    this.#retry?.cancel();
    const { copy } = this;
    this.copy = undefined;
    copy?.detach(reason);
  }

  // ---- ours come and go

  /** Brings one of ours in; resolves with what the room says to that. */
  async enter(user: User, key: string | undefined): Promise<Outcome<void>> {
    this.#attach();
    const known = this.#occupants.get(user.id);
    if (known?.phase.kind === 'inside') return accepted(undefined);
    const occupant = known ?? this.#make(user);
    if (occupant === undefined)
      return { ok: false, refusal: { code: 'not-permitted', text: `That room is ${this.address}; enter it there.` } };
    occupant.key = key ?? occupant.key;
    const outcome = occupant.outcome();
    if (known === undefined || !known.isEntering) await this.#ask(occupant);
    const said = await outcome;
    if (said.ok && this.host.users.get(user.id) !== undefined) return said;
    if (!this.room.members.has(user.id) || said.ok) {
      this.#leave(occupant, '');
      this.#releaseIfEmpty();
    }
    return said.ok ? { ok: false, refusal: away('you have gone') } : said;
  }

  #make(user: User): Occupant | undefined {
    const jid = this.#parts.addressFor(user, (taken) => this.#byJid.has(taken));
    if (jid === undefined) return undefined;
    const occupant = new Occupant(user, jid, this.host.clock, this.host.domain);
    this.#occupants.set(user.id, occupant);
    this.#byJid.set(jid.full, occupant);
    return occupant;
  }

  async #ask(occupant: Occupant): Promise<void> {
    const nick = occupant.begin(() => this.#unanswered(occupant));
    if (!this.#learnt) {
      const failure = await this.#learn(occupant);
      if (failure?.code === 'unavailable') this.#unreachable(occupant, failure.text);
      else if (failure !== undefined) occupant.refused(failure);
      if (occupant.nick !== nick || !occupant.isEntering) return;
    }
    this.#sendEnter(occupant, nick);
  }

  #sendEnter(occupant: Occupant, nick: string): void {
    const { last } = this.feed;
    const feeds = this.#feeder === undefined || this.#feeder === occupant;
    if (feeds) this.#askedAt = this.host.clock.now();
    const asked = !feeds ? { messages: 0 } : last === undefined ? { messages: this.#parts.historyMessages } : { since: last - overlap };
    this.#parts.send(enterStanza(occupant.jid, this.jid, nick, occupant.key, asked), {
      failed: (text) => this.#unreachable(occupant, text),
    });
  }

  /** What the room is like. @returns why it cannot be entered */
  async #learn(occupant: Occupant): Promise<Refusal | undefined> {
    const said = await this.#parts.asks.ask(occupant.jid, this.jid.bare, 'get', element('query', ns.discoInfo));
    if (said.kind === 'silence' || (said.kind === 'error' && unreachable.has(said.condition)))
      return { code: 'unavailable', text: said.text };
    // A room may not want to tell, or be made by entering it.
    if (said.kind === 'result') {
      const facts = readFacts(said.iq);
      if (!facts.isRoom) return { code: 'no-such-room', text: `${this.address} is no room.` };
      this.givesIds = facts.givesIds;
      this.people.nonAnonymous = facts.nonAnonymous;
      this.copy?.configured({ moderated: facts.moderated, membersOnly: facts.membersOnly, nonAnonymous: facts.nonAnonymous });
    }
    if (this.feed.last === undefined) {
      const logged = await this.host.rooms.history(undefined, this.room, { limit: 50, take: 'last' });
      const last = (logged.ok ? logged.value : []).findLast((record) => record.content.kind === 'message');
      if (last !== undefined) this.feed.last = last.born;
    }
    this.#learnt = true;
    return undefined;
  }

  /** A member came by another way than by asking for it: with the IRC network that shares the room, or before it was a copy. */
  #came(user: User): void {
    if (user.network === this.copy?.network.address) return;
    if (user.network?.startsWith('xmpp:') === true) {
      this.copy?.removed(this.address, user.id, `this room is ${this.address} now; enter it there`, false);
      return;
    }
    if (this.#occupants.has(user.id)) return;
    void this.enter(user, undefined).then((said) => {
      if (!said.ok && said.refusal.code !== 'unavailable') this.#tell(user, said.refusal.text);
      else if (!said.ok) this.#tryLater();
      return undefined;
    });
  }

  /** Tells one of ours something about the room, in the room's name. */
  #tell(user: User, text: string): void {
    if (this.host.users.get(user.id) === undefined) return;
    const { people } = this.#parts;
    void people
      .network(this.jid.domain)
      .privateMessage(people.user(this.jid), user.address, { text: { plain: `${this.address}: ${text}`, spans: [] }, style: 'notice' })
      .catch((error: unknown) => this.host.log.error({ err: error }, 'a notice failed'));
  }

  #leave(occupant: Occupant, reason: string): void {
    if (this.#occupants.get(occupant.user.id) !== occupant) return;
    if (occupant.isInside || occupant.isEntering)
      this.#parts.send(leaveStanza(occupant.jid, this.jid, occupant.nick!, reason), { failed: () => undefined });
    this.#forget(occupant);
  }

  #forget(occupant: Occupant): void {
    this.#occupants.delete(occupant.user.id);
    this.#byJid.delete(occupant.jid.full);
    occupant.lost(away('you have left'));
    occupant.admitted?.();
    this.#feederGone(occupant);
  }

  #feederGone(occupant: Occupant): void {
    this.feed.forgetSecond();
    if (this.#feeder !== occupant) return;
    this.#feeder = this.#eldest();
    if (this.#feeder !== undefined) this.feed.handOver();
  }

  #eldest(except?: Occupant): Occupant | undefined {
    let eldest: Occupant | undefined;
    for (const each of this.#occupants.values())
      if (each !== except && each.isInside && (eldest === undefined || each.since < eldest.since)) eldest = each;
    return eldest;
  }

  /** Nobody knows where the room stands, or whether it holds us for occupants: all begins anew. */
  #unreachable(occupant: Occupant, why: string): void {
    if (this.#occupants.get(occupant.user.id) !== occupant) return;
    if (!this.room.members.has(occupant.user.id)) occupant.refused(away(why));
    for (const each of this.#occupants.values()) if (each.isInside || (each === occupant && each.isEntering)) each.lost(away(why));
    this.#feeder = undefined;
    this.feed.forgetSecond();
    this.people.lose(this.host.domain);
    this.#tryLater();
  }

  #unanswered(occupant: Occupant): void {
    this.#unreachable(occupant, 'it does not answer');
  }

  #tryLater(): void {
    if (this.#retry !== undefined) return;
    this.#retry = this.host.clock.after(this.#rest, () => {
      this.#retry = undefined;
      this.#rest = Math.min(this.#rest * 2, longestRest);
      this.tryAgain();
    });
  }

  /** One of those who are away asks first; the others follow when it is inside. */
  tryAgain(): void {
    const [first] = this.#absent;
    if (first === undefined) return;
    if (this.#eldest() === undefined) this.#comeBack(first);
    else for (const each of this.#absent) this.#comeBack(each);
  }

  get #absent(): Occupant[] {
    return [...this.#occupants.values()].filter(({ phase, user }) => phase.kind === 'away' && this.room.members.has(user.id));
  }

  #comeBack(occupant: Occupant): void {
    void this.#ask(occupant).catch((error: unknown) =>
      this.host.log.error({ err: error }, 'a room of another server could not be entered'),
    );
  }

  /** The way to or from the room's server broke: what was said meanwhile is asked for, and whether we are inside. */
  resynchronise(): void {
    if (this.#feeder?.phase.kind === 'inside') this.#comeBack(this.#feeder);
    this.check(0);
  }

  /** Asks for those who have heard nothing for so many milliseconds whether they are inside (XEP-0410). */
  check(quiet = silence): void {
    const now = this.host.clock.now();
    for (const occupant of this.#occupants.values())
      if (occupant.phase.kind === 'inside' && now - occupant.heardAt >= quiet) void this.#ping(occupant, occupant.phase.nick);
  }

  async #ping(occupant: Occupant, nick: string): Promise<void> {
    occupant.heardAt = this.host.clock.now();
    const said = await this.#parts.asks.ask(occupant.jid, `${this.address}/${nick}`, 'get', element('ping', ns.ping));
    if (occupant.phase.kind !== 'inside' || occupant.phase.nick !== nick) return;
    if (said.kind === 'silence' || (said.kind === 'error' && unreachable.has(said.condition))) this.#unreachable(occupant, said.text);
    // The others mean that it is inside, and that its nick is another, or that nobody answers pings.
    else if (said.kind === 'error' && !['item-not-found', 'service-unavailable', 'feature-not-implemented'].includes(said.condition))
      this.#lost(occupant);
  }

  /** The room does not hold it for an occupant any more, and has not thrown it out. */
  #lost(occupant: Occupant): void {
    occupant.lost(away('you were lost'));
    this.#feederGone(occupant);
    if (this.#feeder === undefined) this.people.lose(this.host.domain);
    this.#tryLater();
  }

  // ---- what the room says

  /** @returns when what it says is durable */
  receive(what: Element, from: Jid, occupant: Occupant): Promise<void> | undefined {
    occupant.heardAt = this.host.clock.now();
    const isError = attribute(what, 'type') === 'error';
    switch (what.name) {
      case 'presence':
        if (isError) this.#presenceError(occupant, from, conditionOf(what));
        else if (from.resource !== '') this.#presence(occupant, from.resource, readPresence(what));
        return undefined;
      case 'message':
        if (isError) this.#messageError(occupant, what, from);
        else return this.#message(occupant, what, from);
        return undefined;
      default:
        return undefined;
    }
  }

  #presenceError(occupant: Occupant, from: Jid, error: { readonly condition: string; readonly text: string }): void {
    if (from.resource === occupant.expects && occupant.phase.kind === 'inside') {
      occupant.expects = undefined;
      this.#tell(occupant.user, `${refusalOf(error, 'doing').text} You are still called "${occupant.phase.nick}" there.`);
      return;
    }
    const { phase } = occupant;
    if (phase.kind !== 'entering' || (from.resource !== '' && from.resource !== phase.nick)) return;
    if (unreachable.has(error.condition)) {
      this.#unreachable(occupant, error.text === '' ? error.condition : error.text);
      return;
    }
    const next = error.condition === 'conflict' && !phase.again ? occupant.another(() => this.#unanswered(occupant)) : undefined;
    if (next !== undefined) {
      // Somebody who came with that nick in this moment was taken for this one.
      if (!this.people.has(phase.nick) && this.#feeder?.phase.kind === 'inside') this.#comeBack(this.#feeder);
      this.#sendEnter(occupant, next);
      return;
    }
    const refusal = refusalOf(error, 'entering');
    occupant.refused(refusal);
    this.#feederGone(occupant);
    if (this.#feeder === undefined) this.people.lose(this.host.domain);
    if (this.room.members.has(occupant.user.id)) this.#tell(occupant.user, refusal.text);
  }

  #presence(occupant: Occupant, nick: string, presence: RemotePresence): void {
    const { phase } = occupant;
    const isSelf = presence.codes.has(110);
    if (!presence.available) {
      if (phase.kind === 'entering' && !phase.again) occupant.collected.delete(nick);
      else if (occupant.isInside && nick === occupant.nick) this.#selfGone(occupant, nick, presence);
      else if (occupant === this.#feeder && !isSelf) this.#gone(nick, presence);
      return;
    }
    if (isSelf) {
      // A room tells one occupant about itself, by the nick that was asked for or that the room has given it. Threat class A10.
      if (phase.kind === 'entering' && (!phase.again || nick === phase.nick)) this.#entered(occupant, nick, presence);
      else if (phase.kind === 'inside' && nick === occupant.expects) {
        occupant.renamed(nick);
        this.#stands(occupant, presence);
      } else if (phase.kind === 'inside' && nick === phase.nick) this.#stands(occupant, presence);
      return;
    }
    if (phase.kind === 'entering') occupant.collected.set(nick, presence);
    else if (occupant === this.#feeder) this.#present(nick, presence);
  }

  /** The nick is that of one of ours, or about to be. */
  ours(nick: string): Occupant | undefined {
    for (const each of this.#occupants.values()) if (each.isInside && each.nick === nick) return each;
    if (this.people.has(nick)) return undefined;
    for (const each of this.#occupants.values()) if (each.nick === nick || each.expects === nick) return each;
    return undefined;
  }

  #present(nick: string, presence: RemotePresence): void {
    if (this.ours(nick) === undefined) this.people.present(nick, presence);
  }

  #gone(nick: string, presence: RemotePresence): void {
    const ours = this.ours(nick);
    if (presence.codes.has(303) && presence.nick !== undefined) {
      if (ours !== undefined) ours.expects = presence.nick;
      else this.people.renamed(nick, presence.nick);
    } else if (ours === undefined) this.people.gone(nick, presence, this.#actor(nick, presence));
  }

  /** Who threw somebody out, as far as one can know. */
  #actor(nick: string, { actor }: RemotePresence): User | string | undefined {
    if (actor === undefined) return this.#acting.get(nick);
    return this.ours(actor)?.user ?? this.people.userOf(actor) ?? actor;
  }

  #entered(occupant: Occupant, nick: string, presence: RemotePresence): void {
    const { again } = occupant.phase as Extract<Occupant['phase'], { kind: 'entering' }>;
    const { collected, user } = occupant;
    // What was said before is logged when this one may read it.
    if (!this.room.members.has(user.id)) this.feed.gate = new Promise((open) => (occupant.admitted = open));
    this.people.forget(nick);
    occupant.entered(nick);
    this.#feeder ??= occupant;
    if (this.#feeder === occupant) {
      for (const each of [...collected.keys()]) if (this.ours(each) !== undefined) collected.delete(each);
      if (this.people.nonAnonymous !== presence.codes.has(100) && presence.codes.has(100)) this.people.nonAnonymous = true;
      this.people.replace(collected);
    } else occupant.catchingUp = false;
    occupant.collected = new Map();
    this.#stands(occupant, presence);
    if (again) return;
    this.#rest = firstRest;
    // A room that was made by entering it is open when its owner says so (XEP-0045 section 10.1.2).
    if (presence.codes.has(201))
      void this.#parts.asks.ask(
        occupant.jid,
        this.address,
        'set',
        element('query', ns.mucOwner, {}, element('x', ns.dataForm, { type: 'submit' })),
      );
    const wanted = occupant.wantedNick;
    if (nick !== wanted) this.#tell(occupant.user, `you are called "${nick}" there, because "${wanted}" is taken.`);
    this.submissions.entered(occupant);
    this.tryAgain();
  }

  #stands(occupant: Occupant, presence: RemotePresence): void {
    occupant.role = presence.role;
    occupant.affiliation = presence.affiliation;
    this.copy?.standing(occupant.user.id, standingOf(presence));
  }

  #selfGone(occupant: Occupant, nick: string, presence: RemotePresence): void {
    if (presence.codes.has(303) && presence.nick !== undefined) {
      occupant.expects = presence.nick;
      return;
    }
    const thrown = presence.destroyed || [301, 307, 321, 322].some((code) => presence.codes.has(code));
    if (!thrown || presence.codes.has(333) || presence.codes.has(332)) {
      this.#lost(occupant);
      return;
    }
    const { user } = occupant;
    const by = this.#actor(nick, presence) ?? this.address;
    this.#forget(occupant);
    this.submissions.clear({ code: 'not-a-member', text: 'You are not in that room any more.' }, occupant);
    const reason = presence.destroyed ? `the room is closed${presence.reason === '' ? '' : `: ${presence.reason}`}` : presence.reason;
    this.copy?.removed(
      by,
      user.id,
      presence.codes.has(321) || presence.codes.has(322) ? reason || 'the room is for members' : reason,
      presence.codes.has(301),
    );
    this.#releaseIfEmpty();
  }

  #message(occupant: Occupant, what: Element, from: Jid): Promise<void> | undefined {
    const nick = from.resource;
    if (attribute(what, 'type') !== 'groupchat') return nick === '' ? undefined : this.#private(occupant, what, nick);
    if (nick === '') return this.#fromRoom(occupant, what);
    if (occupant !== this.#feeder) {
      if (occupant === this.#eldest(this.#feeder)) this.feed.saidToSecond(what, nick);
      this.#endOfHistory(occupant, what);
      return undefined;
    }
    const state = chatStateOf(what);
    const typist = state === undefined ? undefined : this.people.userOf(nick);
    if (typist !== undefined) this.host.rooms.typing(typist, this.room, state!, this);
    const subject = isSubject(what) ? childText(what, 'subject', ns.client) : undefined;
    const catchingUp = occupant.catchingUp;
    const known = subject !== undefined && (subject === this.room.topic.text || (catchingUp && subject === ''));
    const logged = known ? undefined : this.feed.said(what, nick, catchingUp && delayOf(what, this.address) !== undefined);
    this.#endOfHistory(occupant, what);
    return logged;
  }

  /** The subject is the last that somebody is told who enters. */
  #endOfHistory(occupant: Occupant, what: Element): void {
    if (!occupant.catchingUp || !isSubject(what)) return;
    occupant.catchingUp = false;
    if (occupant === this.#feeder) this.submissions.caughtUp(this.#askedAt);
  }

  /** What the room itself says: to everybody a topic; words only to the one who got them. Threat class A13. */
  #fromRoom(occupant: Occupant, what: Element): Promise<void> | undefined {
    const x = childOf(what, 'x', ns.mucUser);
    if (x !== undefined && occupant === this.#feeder) void this.#learn(occupant);
    const subject = isSubject(what) ? childText(what, 'subject', ns.client) : undefined;
    const set =
      subject === undefined || occupant !== this.#feeder || subject === this.room.topic.text || subject === ''
        ? undefined
        : this.copy?.topicOf(this.address, subject).then(() => undefined);
    this.#endOfHistory(occupant, what);
    const body = readBody(what);
    if (body.kind === 'said' && !occupant.catchingUp) this.#tell(occupant.user, body.said.text.plain);
    return set;
  }

  // ---- between two

  #private(occupant: Occupant, what: Element, nick: string): Promise<void> | undefined {
    const body = readBody(what);
    const author = this.author(nick);
    if (body.kind === 'encrypted') {
      const refused = bounce(what, encryptedError);
      if (refused !== undefined) this.#parts.send(refused);
    }
    if (body.kind !== 'said' || author === undefined || this.ours(nick) !== undefined) return undefined;
    return this.#parts.people
      .network(this.jid.domain)
      .privateMessage(author, occupant.user.address, body.said)
      .then(() => undefined)
      .catch((error: unknown) => this.host.log.error({ err: error }, 'a private message failed'));
  }

  author(nick: string): User | undefined {
    return this.people.userOf(nick) ?? this.#parts.people.occupant(`${this.#home}/${nick}` as User['address'], this.jid.domain, nick);
  }

  /** @returns false when the author is not inside */
  tellOccupant(author: User | undefined, nick: string, id: string, body: Element, fate: Fate): boolean {
    const occupant = author === undefined ? undefined : this.#occupants.get(author.id);
    if (occupant?.isInside !== true) return false;
    this.#parts.send(
      stanza('message', { type: 'chat', from: occupant.jid.full, to: `${this.address}/${nick}`, id }, body, element('x', ns.mucUser)),
      fate,
    );
    return true;
  }

  #messageError(occupant: Occupant, what: Element, from: Jid): void {
    const error = conditionOf(what);
    const id = attribute(what, 'id') ?? '';
    if (from.resource === '') {
      this.submissions.refusedBy(occupant, id, refusalOf(error, 'doing'));
      // It thinks that it is inside, and is not (XEP-0045 section 7.4).
      if (error.condition === 'not-acceptable' && occupant.phase.kind === 'inside') this.check(0);
      return;
    }
    this.#tell(occupant.user, `your message to ${from.resource} was not delivered (${error.text === '' ? error.condition : error.text}).`);
  }

  // ---- what ours do

  say(user: User, saying: Saying): Promise<Outcome<LogRecord>> {
    const occupant = this.#occupants.get(user.id);
    if (occupant === undefined) {
      if (this.room.members.has(user.id)) this.#came(user);
      return Promise.resolve({ ok: false, refusal: { code: 'not-a-member', text: 'You are not in that room.' } });
    }
    const { phase } = occupant;
    if (phase.kind === 'refused') {
      if (this.host.clock.now() - phase.at > refusedFor) this.#comeBack(occupant);
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
    const occupant = this.#occupants.get(user.id);
    if (occupant?.phase.kind !== 'inside' || occupant.phase.nick === nick) return false;
    occupant.expects = nick;
    this.#parts.send(presenceStanza(occupant.jid, this.jid, nick, user.away), { failed: (text) => this.#unreachable(occupant, text) });
    return true;
  }

  userChanged(change: UserChange): void {
    const occupant = this.#occupants.get(change.before.id);
    if (occupant === undefined) return;
    if (change.kind === 'nick') this.rename(occupant.user, occupant.wantedNick);
    else if (change.kind === 'quit') this.#left(occupant, change.reason);
    else if (change.kind === 'away' && occupant.phase.kind === 'inside')
      this.#parts.send(presenceStanza(occupant.jid, this.jid, occupant.phase.nick, change.after.away), { failed: () => undefined });
  }

  #left(occupant: Occupant, reason: string): void {
    this.#leave(occupant, reason);
    this.#releaseIfEmpty();
  }

  deliver(batch: Batch): void {
    for (const item of batch.items) if (item.kind === 'change') this.#change(item.change);
  }

  #change(change: RoomChange): void {
    switch (change.kind) {
      case 'joined':
        for (const view of change.members) {
          const occupant = this.#occupants.get(view.user);
          const user = this.host.users.get(view.user);
          if (occupant !== undefined) {
            occupant.admitted?.();
            this.copy?.standing(view.user, standingOf(occupant));
          } else if (user !== undefined) this.#came(user);
        }
        break;
      case 'left':
        for (const view of change.members) {
          const occupant = this.#occupants.get(view.user);
          const { cause } = change;
          if (occupant !== undefined && !this.room.members.has(view.user)) this.#left(occupant, 'reason' in cause ? cause.reason : '');
        }
        break;
      case 'typing': {
        const occupant = this.#occupants.get(change.member.user);
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

function isSubject(what: Element): boolean {
  return childOf(what, 'subject', ns.client) !== undefined && childOf(what, 'body', ns.client) === undefined;
}
