/** Our people in a room of another server: how they come in, what happens when it cannot be reached, and who of them feeds its copy. */
import { accepted, type Outcome, type Refusal, type User, type UserId } from '../../../server/plugin.ts';
import type { Jid } from '../jid.ts';
import type { Fate } from '../private-messages.ts';
import { element, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import type { Asks } from './asks.ts';
import type { ForeignRoom } from './foreign-room.ts';
import { Occupant } from './occupant.ts';
import { standingOf } from './people-there.ts';
import { away, enterStanza, leaveStanza, readFacts, unreachable } from './stanzas.ts';

export interface VisitorsParts {
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

export class Visitors {
  readonly #room: ForeignRoom;
  readonly #parts: VisitorsParts;
  readonly occupants = new Map<UserId, Occupant>();
  readonly #byJid = new Map<string, Occupant>();
  /** The one who has been inside longest: what it is shown is what counts. */
  feeder: Occupant | undefined;
  #learnt = false;
  #rest = firstRest;
  #retry: { cancel(): void } | undefined;
  /** When the history was last asked for. */
  askedAt = 0;

  constructor(room: ForeignRoom, parts: VisitorsParts) {
    this.#room = room;
    this.#parts = parts;
  }

  at(jid: Jid): Occupant | undefined {
    return this.#byJid.get(jid.full);
  }

  /** Nobody of ours is inside, or is to be: nothing is tried any more. */
  stop(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#learnt = false;
  }

  /** Somebody is inside: who is away may follow. */
  reached(): void {
    this.#rest = firstRest;
    this.tryAgain();
  }

  /** Brings one of ours in; resolves with what the room says to that. */
  async enter(user: User, key: string | undefined): Promise<Outcome<void>> {
    this.#room.attach();
    const known = this.occupants.get(user.id);
    if (known?.phase.kind === 'inside') return accepted(undefined);
    const occupant = known ?? this.#make(user);
    if (occupant === undefined)
      return { ok: false, refusal: { code: 'not-permitted', text: `That room is ${this.#room.address}; enter it there.` } };
    occupant.key = key ?? occupant.key;
    const outcome = occupant.outcome();
    if (known === undefined || !known.isEntering) await this.#ask(occupant);
    const said = await outcome;
    if (said.ok && this.#room.host.users.get(user.id) !== undefined) return said;
    if (!this.#room.room.members.has(user.id) || said.ok) {
      this.leave(occupant, '');
      this.#room.releaseIfEmpty();
    }
    return said.ok ? { ok: false, refusal: away('you have gone') } : said;
  }

  #make(user: User): Occupant | undefined {
    const jid = this.#parts.addressFor(user, (taken) => this.#byJid.has(taken));
    if (jid === undefined) return undefined;
    const occupant = new Occupant(user, jid, this.#room.host.clock, this.#room.host.domain);
    this.occupants.set(user.id, occupant);
    this.#byJid.set(jid.full, occupant);
    return occupant;
  }

  async #ask(occupant: Occupant): Promise<void> {
    const nick = occupant.begin(() => this.unanswered(occupant));
    if (!this.#learnt) {
      const failure = await this.learn(occupant);
      if (failure?.code === 'unavailable') this.unreachable(occupant, failure.text);
      else if (failure !== undefined) occupant.refused(failure);
      if (occupant.nick !== nick || !occupant.isEntering) return;
    }
    this.sendEnter(occupant, nick);
  }

  sendEnter(occupant: Occupant, nick: string): void {
    const { last } = this.#room.feed;
    const feeds = this.feeder === undefined || this.feeder === occupant;
    if (feeds) this.askedAt = this.#room.host.clock.now();
    const asked = !feeds ? { messages: 0 } : last === undefined ? { messages: this.#parts.historyMessages } : { since: last - overlap };
    this.#parts.send(enterStanza(occupant.jid, this.#room.jid, nick, occupant.key, asked), {
      failed: (text) => this.unreachable(occupant, text),
    });
  }

  /** What the room is like. @returns why it cannot be entered */
  async learn(occupant: Occupant): Promise<Refusal | undefined> {
    const said = await this.#parts.asks.ask(occupant.jid, this.#room.jid.bare, 'get', element('query', ns.discoInfo));
    if (said.kind === 'silence' || (said.kind === 'error' && unreachable.has(said.condition)))
      return { code: 'unavailable', text: said.text };
    // A room may not want to tell, or be made by entering it.
    if (said.kind === 'result') {
      const facts = readFacts(said.iq);
      if (!facts.isRoom) return { code: 'no-such-room', text: `${this.#room.address} is no room.` };
      this.#room.givesIds = facts.givesIds;
      this.#room.people.nonAnonymous = facts.nonAnonymous;
      const { moderated } = this.#room.room.config;
      this.#room.copy?.configured({ moderated: facts.moderated, membersOnly: facts.membersOnly, nonAnonymous: facts.nonAnonymous });
      if (moderated !== facts.moderated) {
        this.#room.people.stand();
        for (const each of this.occupants.values()) this.#room.copy?.standing(each.user.id, standingOf(each, facts.moderated));
      }
    }
    if (this.#room.feed.last === undefined) {
      const logged = await this.#room.host.rooms.history(undefined, this.#room.room, { limit: 50, take: 'last' });
      const last = (logged.ok ? logged.value : []).findLast((record) => record.content.kind === 'message');
      if (last !== undefined) this.#room.feed.last = last.born;
    }
    this.#learnt = true;
    return undefined;
  }

  leave(occupant: Occupant, reason: string): void {
    if (this.occupants.get(occupant.user.id) !== occupant) return;
    if (occupant.isInside || occupant.isEntering)
      this.#parts.send(leaveStanza(occupant.jid, this.#room.jid, occupant.nick!, reason), { failed: () => undefined });
    this.forget(occupant);
  }

  forget(occupant: Occupant): void {
    this.occupants.delete(occupant.user.id);
    this.#byJid.delete(occupant.jid.full);
    occupant.lost(away('you have left'));
    occupant.admitted?.();
    this.feederGone(occupant);
  }

  feederGone(occupant: Occupant): void {
    if (this.feeder === occupant) {
      this.feeder = this.eldest();
      if (this.feeder !== undefined) this.#room.feed.handOver();
    }
    this.#room.feed.forgetSecond();
  }

  eldest(except?: Occupant): Occupant | undefined {
    let eldest: Occupant | undefined;
    for (const each of this.occupants.values())
      if (each !== except && each.isInside && (eldest === undefined || each.since < eldest.since)) eldest = each;
    return eldest;
  }

  /** Nobody knows where the room stands, or whether it holds us for occupants: all begins anew. */
  unreachable(occupant: Occupant, why: string): void {
    if (this.occupants.get(occupant.user.id) !== occupant) return;
    if (!this.#room.room.members.has(occupant.user.id)) occupant.refused(away(why));
    for (const each of this.occupants.values()) if (each.isInside || (each === occupant && each.isEntering)) each.lost(away(why));
    this.feeder = undefined;
    this.#room.feed.forgetSecond();
    this.#room.people.lose(this.#room.host.domain);
    this.tryLater();
  }

  unanswered(occupant: Occupant): void {
    this.unreachable(occupant, 'it does not answer');
  }

  tryLater(): void {
    if (this.#retry !== undefined) return;
    this.#retry = this.#room.host.clock.after(this.#rest, () => {
      this.#retry = undefined;
      this.#rest = Math.min(this.#rest * 2, longestRest);
      this.tryAgain();
    });
  }

  /** One of those who are away asks first; the others follow when it is inside. */
  tryAgain(): void {
    const [first] = this.#absent;
    if (first === undefined) return;
    if (this.eldest() === undefined) this.comeBack(first);
    else for (const each of this.#absent) this.comeBack(each);
  }

  get #absent(): Occupant[] {
    return [...this.occupants.values()].filter(({ phase, user }) => phase.kind === 'away' && this.#room.room.members.has(user.id));
  }

  comeBack(occupant: Occupant): void {
    void this.#ask(occupant).catch((error: unknown) =>
      this.#room.host.log.error({ err: error }, 'a room of another server could not be entered'),
    );
  }

  /** The way to or from the room's server broke: what was said meanwhile is asked for, and whether we are inside. */
  resynchronise(): void {
    if (this.feeder?.phase.kind === 'inside') this.comeBack(this.feeder);
    this.check(0);
  }

  /** Asks for those who have heard nothing for so many milliseconds whether they are inside (XEP-0410). */
  check(quiet = silence): void {
    const now = this.#room.host.clock.now();
    for (const occupant of this.occupants.values())
      if (occupant.phase.kind === 'inside' && now - occupant.heardAt >= quiet) void this.#ping(occupant, occupant.phase.nick);
  }

  async #ping(occupant: Occupant, nick: string): Promise<void> {
    occupant.heardAt = this.#room.host.clock.now();
    const said = await this.#parts.asks.ask(occupant.jid, `${this.#room.address}/${nick}`, 'get', element('ping', ns.ping));
    if (occupant.phase.kind !== 'inside' || occupant.phase.nick !== nick) return;
    if (said.kind === 'silence' || (said.kind === 'error' && unreachable.has(said.condition))) this.unreachable(occupant, said.text);
    // The others mean that it is inside, and that its nick is another, or that nobody answers pings.
    else if (said.kind === 'error' && !['item-not-found', 'service-unavailable', 'feature-not-implemented'].includes(said.condition))
      this.lost(occupant);
  }

  /** The room does not hold it for an occupant any more, and has not thrown it out. */
  lost(occupant: Occupant): void {
    occupant.lost(away('you were lost'));
    this.feederGone(occupant);
    if (this.feeder === undefined) this.#room.people.lose(this.#room.host.domain);
    this.tryLater();
  }

  /** The nick is that of one of ours, or about to be. */
  ours(nick: string): Occupant | undefined {
    for (const each of this.occupants.values()) if (each.isInside && each.nick === nick) return each;
    if (this.#room.people.has(nick)) return undefined;
    for (const each of this.occupants.values()) if (each.nick === nick || each.expects === nick) return each;
    return undefined;
  }
}
