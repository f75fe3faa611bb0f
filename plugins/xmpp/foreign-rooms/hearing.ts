/** What a room of another server tells our people in it (XEP-0045). */
import type { User } from '../../../server/plugin.ts';
import type { Jid } from '../jid.ts';
import { encryptedError, readBody } from '../message-body.ts';
import type { People } from '../people.ts';
import { bounce, conditionOf } from '../stanza-error.ts';
import { attribute, childOf, childText, element, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import type { ForeignRoom } from './foreign-room.ts';
import type { Occupant } from './occupant.ts';
import { standingOf } from './people-there.ts';
import { chatStateOf, delayOf, isSubject, readPresence, refusalOf, unreachable, type RemotePresence } from './stanzas.ts';
import type { Visitors, VisitorsParts } from './visitors.ts';

export interface HearingParts extends Pick<VisitorsParts, 'asks' | 'send'> {
  readonly people: People;
}

export class Hearing {
  readonly #room: ForeignRoom;
  readonly #visitors: Visitors;
  readonly #parts: HearingParts;

  constructor(room: ForeignRoom, visitors: Visitors, parts: HearingParts) {
    this.#room = room;
    this.#visitors = visitors;
    this.#parts = parts;
  }

  /** @returns when what it says is durable */
  receive(what: Element, from: Jid, occupant: Occupant): Promise<void> | undefined {
    occupant.heardAt = this.#room.host.clock.now();
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
      this.#room.tell(occupant.user, `${refusalOf(error, 'doing').text} You are still called "${occupant.phase.nick}" there.`);
      return;
    }
    const { phase } = occupant;
    if (phase.kind !== 'entering' || (from.resource !== '' && from.resource !== phase.nick)) return;
    if (unreachable.has(error.condition)) {
      this.#visitors.unreachable(occupant, error.text === '' ? error.condition : error.text);
      return;
    }
    const next = error.condition === 'conflict' && !phase.again ? occupant.another(() => this.#visitors.unanswered(occupant)) : undefined;
    if (next !== undefined) {
      // Somebody who came with that nick in this moment was taken for this one.
      if (!this.#room.people.has(phase.nick) && this.#visitors.feeder?.phase.kind === 'inside')
        this.#visitors.comeBack(this.#visitors.feeder);
      this.#visitors.sendEnter(occupant, next);
      return;
    }
    const refusal = refusalOf(error, 'entering');
    occupant.refused(refusal);
    this.#visitors.feederGone(occupant);
    if (this.#visitors.feeder === undefined) this.#room.people.lose(this.#room.host.domain);
    if (this.#room.room.members.has(occupant.user.id)) this.#room.tell(occupant.user, refusal.text);
  }

  #presence(occupant: Occupant, nick: string, presence: RemotePresence): void {
    const { phase } = occupant;
    const isSelf = presence.codes.has(110);
    if (!presence.available) {
      if (phase.kind === 'entering' && !phase.again) occupant.collected.delete(nick);
      else if (occupant.isInside && nick === occupant.nick) this.#selfGone(occupant, nick, presence);
      else if (occupant === this.#visitors.feeder && !isSelf) this.#gone(nick, presence);
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
    else if (occupant === this.#visitors.feeder) this.#present(nick, presence);
  }

  #present(nick: string, presence: RemotePresence): void {
    if (this.#visitors.ours(nick) === undefined) this.#room.people.present(nick, presence);
  }

  #gone(nick: string, presence: RemotePresence): void {
    const ours = this.#visitors.ours(nick);
    if (presence.codes.has(303) && presence.nick !== undefined) {
      if (ours !== undefined) ours.expects = presence.nick;
      else this.#room.people.renamed(nick, presence.nick);
    } else if (ours === undefined) this.#room.people.gone(nick, presence, this.#actor(nick, presence));
  }

  /** Who threw somebody out, as far as one can know. */
  #actor(nick: string, { actor }: RemotePresence): User | string | undefined {
    if (actor === undefined) return this.#room.actingOn(nick);
    return this.#visitors.ours(actor)?.user ?? this.#room.people.userOf(actor) ?? actor;
  }

  #entered(occupant: Occupant, nick: string, presence: RemotePresence): void {
    const { again } = occupant.phase as Extract<Occupant['phase'], { kind: 'entering' }>;
    const { collected, user } = occupant;
    // What was said before is logged when this one may read it.
    if (!this.#room.room.members.has(user.id)) this.#room.feed.gate = new Promise((open) => (occupant.admitted = open));
    this.#room.people.forget(nick);
    occupant.entered(nick);
    this.#visitors.feeder ??= occupant;
    if (this.#visitors.feeder === occupant) {
      for (const each of [...collected.keys()]) if (this.#visitors.ours(each) !== undefined) collected.delete(each);
      if (this.#room.people.nonAnonymous !== presence.codes.has(100) && presence.codes.has(100)) this.#room.people.nonAnonymous = true;
      this.#room.people.replace(collected);
    } else occupant.catchingUp = false;
    occupant.collected = new Map();
    this.#stands(occupant, presence);
    if (again) return;
    // A room that was made by entering it is open when its owner says so (XEP-0045 section 10.1.2).
    if (presence.codes.has(201))
      void this.#parts.asks.ask(
        occupant.jid,
        this.#room.address,
        'set',
        element('query', ns.mucOwner, {}, element('x', ns.dataForm, { type: 'submit' })),
      );
    const wanted = occupant.wantedNick;
    if (nick !== wanted) this.#room.tell(occupant.user, `you are called "${nick}" there, because "${wanted}" is taken.`);
    this.#room.submissions.entered(occupant);
    this.#visitors.reached();
  }

  #stands(occupant: Occupant, presence: RemotePresence): void {
    occupant.role = presence.role;
    occupant.affiliation = presence.affiliation;
    this.#room.copy?.standing(occupant.user.id, standingOf(presence, this.#room.room.config.moderated));
  }

  #selfGone(occupant: Occupant, nick: string, presence: RemotePresence): void {
    if (presence.codes.has(303) && presence.nick !== undefined) {
      occupant.expects = presence.nick;
      return;
    }
    const thrown = presence.destroyed || [301, 307, 321, 322].some((code) => presence.codes.has(code));
    if (!thrown || presence.codes.has(333) || presence.codes.has(332)) {
      this.#visitors.lost(occupant);
      return;
    }
    const { user } = occupant;
    const by = this.#actor(nick, presence) ?? this.#room.address;
    this.#visitors.forget(occupant);
    this.#room.submissions.clear({ code: 'not-a-member', text: 'You are not in that room any more.' }, occupant);
    const reason = presence.destroyed ? `the room is closed${presence.reason === '' ? '' : `: ${presence.reason}`}` : presence.reason;
    this.#room.copy?.removed(
      by,
      user.id,
      presence.codes.has(321) || presence.codes.has(322) ? reason || 'the room is for members' : reason,
      presence.codes.has(301),
    );
    this.#room.releaseIfEmpty();
  }

  #message(occupant: Occupant, what: Element, from: Jid): Promise<void> | undefined {
    const nick = from.resource;
    if (attribute(what, 'type') !== 'groupchat') return nick === '' ? undefined : this.#private(occupant, what, nick);
    if (nick === '') return this.#fromRoom(occupant, what);
    if (occupant !== this.#visitors.feeder) {
      if (occupant === this.#visitors.eldest(this.#visitors.feeder)) this.#room.feed.saidToSecond(what, nick);
      this.#endOfHistory(occupant, what);
      return undefined;
    }
    const state = chatStateOf(what);
    const typist = state === undefined ? undefined : this.#room.people.userOf(nick);
    if (typist !== undefined) this.#room.host.rooms.typing(typist, this.#room.room, state!, this.#room);
    const subject = isSubject(what) ? childText(what, 'subject', ns.client) : undefined;
    const catchingUp = occupant.catchingUp;
    const known = subject !== undefined && (subject === this.#room.room.topic.text || (catchingUp && subject === ''));
    const logged = known ? undefined : this.#room.feed.said(what, nick, catchingUp && delayOf(what, this.#room.address) !== undefined);
    this.#endOfHistory(occupant, what);
    return logged;
  }

  /** The subject is the last that somebody is told who enters. */
  #endOfHistory(occupant: Occupant, what: Element): void {
    if (!occupant.catchingUp || !isSubject(what)) return;
    occupant.catchingUp = false;
    if (occupant === this.#visitors.feeder) this.#room.submissions.caughtUp(this.#visitors.askedAt);
  }

  /** What the room itself says: to everybody a topic; words only to the one who got them. Threat class A13. */
  #fromRoom(occupant: Occupant, what: Element): Promise<void> | undefined {
    const x = childOf(what, 'x', ns.mucUser);
    if (x !== undefined && occupant === this.#visitors.feeder) void this.#visitors.learn(occupant);
    const subject = isSubject(what) ? childText(what, 'subject', ns.client) : undefined;
    const set =
      subject === undefined || occupant !== this.#visitors.feeder || subject === this.#room.room.topic.text || subject === ''
        ? undefined
        : this.#room.copy?.topicOf(this.#room.address, subject).then(() => undefined);
    this.#endOfHistory(occupant, what);
    const body = readBody(what);
    if (body.kind === 'said' && !occupant.catchingUp) this.#room.tell(occupant.user, body.said.text.plain);
    return set;
  }

  // ---- between two

  #private(occupant: Occupant, what: Element, nick: string): Promise<void> | undefined {
    const body = readBody(what);
    const author = this.#room.author(nick);
    if (body.kind === 'encrypted') {
      const refused = bounce(what, encryptedError);
      if (refused !== undefined) this.#parts.send(refused);
    }
    if (body.kind !== 'said' || author === undefined || this.#visitors.ours(nick) !== undefined) return undefined;
    return this.#parts.people
      .network(this.#room.jid.domain)
      .privateMessage(author, occupant.user.address, body.said)
      .then(() => undefined)
      .catch((error: unknown) => this.#room.host.log.error({ err: error }, 'a private message failed'));
  }

  #messageError(occupant: Occupant, what: Element, from: Jid): void {
    const error = conditionOf(what);
    const id = attribute(what, 'id') ?? '';
    if (from.resource === '') {
      this.#room.submissions.refusedBy(occupant, id, refusalOf(error, 'doing'));
      // It thinks that it is inside, and is not (XEP-0045 section 7.4).
      if (error.condition === 'not-acceptable' && occupant.phase.kind === 'inside') this.#visitors.check(0);
      return;
    }
    this.#room.tell(
      occupant.user,
      `your message to ${from.resource} was not delivered (${error.text === '' ? error.condition : error.text}).`,
    );
  }
}
