/** What belongs to no room and comes from there, or is kept in no log: private messages, CTCP, invitations, and questions about somebody of ours. */
import { parseEventId, type Circle, type Unicast, type User } from '../../../server/plugin.ts';
import { buildCtcp, parseCtcp, parseCtcpUnicast } from '../../irc/ctcp.ts';
import type { Effect } from '../model/effects.ts';
import type { Fact } from '../model/facts.ts';
import { ranks } from '../model/modes.ts';
import type { NetUser } from '../model/state.ts';
import type { Bridge } from './bridge.ts';
import type { Standing } from './standing.ts';
import { fromLine } from './text.ts';

/** Milliseconds that a message may be old and keep its own time. */
const oldest = 7 * 86_400_000;

export class PrivateTraffic {
  readonly #bridge: Bridge;

  constructor(bridge: Bridge) {
    this.#bridge = bridge;
  }

  // ---- from there to here

  message(standing: Standing, { source, target, fact }: Extract<Effect, { kind: 'message' }>): void {
    if (!('nick' in source)) return;
    if ('channel' in target) {
      this.#toChannel(standing, source, target, fact);
      return;
    }
    if (target.user === standing.service) {
      this.#bridge.service.answer(standing, source, fact.text, fact.notice);
      return;
    }
    const to = standing.ours.byNet(target.user);
    if (to === undefined) return;
    to.neededAt = this.#bridge.host.clock.now();
    const [user] = standing.theirs.introduce([source]);
    const body = fromLine(fact.text, fact.notice);
    if (body === undefined) {
      const { verb, text } = parseCtcp(fact.text)!;
      this.#bridge.host.users.unicast({ from: user!, to: to.id, protocol: 'ctcp', data: { answer: fact.notice, verb, text } });
      return;
    }
    void this.#bridge.network.privateMessage(user!, to.address, { ...body, ...this.#birth(fact) });
  }

  #toChannel(
    standing: Standing,
    source: NetUser,
    target: Extract<Extract<Effect, { kind: 'message' }>['target'], { readonly channel: unknown }>,
    fact: Extract<Fact, { kind: 'message' }>,
  ): void {
    const body = fromLine(fact.text, fact.notice);
    const shared = body === undefined ? undefined : this.#bridge.sharedOf(target.channel.name);
    if (shared === undefined || body === undefined) return;
    const [user] = standing.theirs.introduce([source]);
    const message = { ...body, ...this.#birth(fact) };
    if (target.status === undefined) void shared.said(user!, message);
    else void shared.confided(user!, circleOf(standing.live.state.rules.modes.rank([target.status])), message);
  }

  /** Id and time that a message brought along. A clock that is wrong, or lies, moves nothing into the future or a far past (A21). */
  #birth(fact: Extract<Fact, { kind: 'message' }>): { readonly id?: ReturnType<typeof parseEventId> & string; readonly born?: number } {
    const id = fact.id === undefined ? undefined : parseEventId(fact.id);
    const now = this.#bridge.host.clock.now();
    const known = fact.time !== undefined && fact.time <= now && fact.time >= now - oldest;
    return { ...(id === undefined ? {} : { id }), ...(known ? { born: fact.time } : {}) };
  }

  invited(standing: Standing, { by, user, channel }: Extract<Effect, { kind: 'invited' }>): void {
    const { host } = this.#bridge;
    const shared = this.#bridge.sharedOf(channel);
    if (shared === undefined) return;
    if (user === standing.service) {
      void this.#bridge.guard(standing, shared.resume(standing));
      return;
    }
    const to = standing.ours.byNet(user);
    if (to === undefined) return;
    const [from] = standing.theirs.introduce([by]);
    void host.rooms.invite(from!, shared.room, to.address, '');
  }

  idle({ live, ours }: Standing, { user, asker }: Extract<Effect, { kind: 'idle-question' }>): void {
    const { users, clock } = this.#bridge.host;
    const introduced = ours.byNet(user);
    const person = introduced === undefined ? undefined : users.get(introduced.id);
    const idle = person === undefined ? 0 : Math.max(0, Math.floor((clock.now() - person.activeAt) / 1_000));
    live.write({ kind: 'idle-answer', user: user.id, asker: asker.id, signon: user.signon, idle });
  }

  // ---- from here to there

  unicast(message: Unicast, to: User): void {
    const { standing, host } = this.#bridge;
    const target = standing?.theirs.byAddress(to.address);
    const ctcp = message.protocol === 'ctcp' ? parseCtcpUnicast(message.data) : undefined;
    const author = host.users.get(message.from.id);
    if (standing === undefined || target === undefined || ctcp === undefined || author === undefined) return;
    const from = standing.ours.introduce(author);
    if (from === undefined || this.#bridge.barred.isSilenced(standing.live, from.net, author.address)) return;
    standing.live.say({
      kind: 'message',
      source: from.net.id,
      target: { kind: 'user', user: target.id },
      notice: ctcp.answer,
      text: buildCtcp(ctcp),
    });
  }
}

/** Whom a message to a status over there is for here: never for more than it is there. */
function circleOf(rank: number): Circle {
  if (rank > ranks.admin) return 'owner';
  if (rank > ranks.op) return 'admin';
  return rank > ranks.voice ? 'operator' : 'voice';
}
