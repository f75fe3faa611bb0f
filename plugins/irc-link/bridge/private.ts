/** What belongs to no room: private messages, CTCP, invitations, and questions about somebody of ours. */
import { parseEventId, withCircle, type Circle, type PrivateRecord, type Unicast, type User } from '../../../server/plugin.ts';
import { buildCtcp, parseCtcp, parseCtcpUnicast } from '../../irc/ctcp.ts';
import type { Effect } from '../model/effects.ts';
import type { Fact, MessageTarget } from '../model/facts.ts';
import { ranks } from '../model/modes.ts';
import type { NetUser } from '../model/state.ts';
import type { Bridge } from './bridge.ts';
import type { Standing } from './standing.ts';
import { fromLine, toLines } from './text.ts';

/** Private messages that may wait for their proof of arrival; of more, the oldest are taken to have arrived. */
const mostUnproved = 500;
/** Milliseconds that a message may be old and keep its own time. */
const oldest = 7 * 86_400_000;
/** Characters of a message that its bounce repeats. */
const quoted = 100;

type Private = Extract<PrivateRecord['content'], { readonly kind: 'private' }>;

interface Unproved {
  readonly record: PrivateRecord;
  readonly to: string;
}

export class PrivateTraffic {
  readonly #bridge: Bridge;
  #unproved: Unproved[] = [];
  /** Id of the last message that was for some of a channel. */
  #lastToCircle: string | undefined;

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

  send(record: PrivateRecord, to: User): void {
    const { standing, host, service, network } = this.#bridge;
    const { content } = record;
    const { author } = content;
    const target = standing?.theirs.byAddress(to.address);
    const user = host.users.byAddress(author.address);
    if (service.isHere(to) || user === undefined) return;
    if (standing === undefined || target === undefined) {
      this.#bridge.dropped.add('a private message or an invitation to somebody who cannot be reached');
      if (content.kind === 'private')
        service.tell(author.address, `${to.nick} of ${network.title} cannot be reached; not sent: ${quote(content)}`);
      return;
    }
    const { live } = standing;
    const from = standing.ours.introduce(user);
    if (content.kind === 'invitation') {
      const shared = this.#bridge.rooms.find((room) => room.room.address === content.room);
      const channel = shared?.channel(standing);
      if (channel !== undefined) live.say({ kind: 'invite', source: from.net.id, user: target.id, channel: channel.name, ts: channel.ts });
      return;
    }
    const circle = this.#circleThere(standing, content, target);
    // The copies of one message come one after the other, and all get the one line.
    if (circle !== undefined && this.#lastToCircle === record.id) return;
    if (circle !== undefined) this.#lastToCircle = record.id;
    const { target: there, shown } = circle ?? { target: { kind: 'user', user: target.id } as const, shown: target.nick };
    const said = circle === undefined ? { ...content, text: withCircle(content) } : content;
    for (const [index, text] of toLines(said, from.net, shown, live.peer.established.limits.line).entries())
      live.say({
        kind: 'message',
        source: from.net.id,
        target: there,
        notice: content.style === 'notice',
        text,
        time: record.born,
        id: index === 0 ? record.id : `${record.id}-${index}`,
      });
    if (content.style === 'notice') return;
    this.#unproved.push({ record, to: shown });
    if (this.#unproved.length > mostUnproved) this.#unproved.shift();
  }

  /**
   * All who hold a status in the channel, in place of each of them: where the network has such messages, and whoever has that status
   * there has it here (right `status`), so that nobody else reads it.
   */
  #circleThere(standing: Standing, { circle, room }: Private, target: NetUser): { target: MessageTarget; shown: string } | undefined {
    const { modes, statusMessages } = standing.live.state.rules;
    const status = circle === 'operator' ? modes.byName('op') : circle === 'voice' ? modes.byName('voice') : undefined;
    if (status?.prefix === undefined || !statusMessages || !this.#bridge.grants('status')) return undefined;
    const channel = this.#bridge.rooms.find((shared) => shared.room.address === room)?.channel(standing);
    if (channel === undefined || modes.rank(channel.members.get(target)?.status ?? []) < status.prefix.rank) return undefined;
    return {
      target: { kind: 'channel', name: channel.name, status: status.name },
      shown: `${status.prefix.symbol}${channel.name}`,
    };
  }

  unicast(message: Unicast, to: User): void {
    const { standing, host } = this.#bridge;
    const target = standing?.theirs.byAddress(to.address);
    const ctcp = message.protocol === 'ctcp' ? parseCtcpUnicast(message.data) : undefined;
    const author = host.users.get(message.from.id);
    if (standing === undefined || target === undefined || ctcp === undefined || author === undefined) return;
    const from = standing.ours.introduce(author);
    standing.live.say({
      kind: 'message',
      source: from.net.id,
      target: { kind: 'user', user: target.id },
      notice: ctcp.answer,
      text: buildCtcp(ctcp),
    });
  }

  // ---- what has arrived

  /** The last message that a PING which leaves now will prove. */
  get lastWritten(): PrivateRecord | undefined {
    return this.#unproved.at(-1)?.record;
  }

  /** Everything up to that message has arrived. */
  proved(record: PrivateRecord): void {
    const index = this.#unproved.findIndex((one) => one.record === record);
    this.#unproved.splice(0, index + 1);
  }

  /** The link broke: who wrote something that may have been lost with it is told. */
  bounce(): void {
    const lost = this.#unproved;
    this.#unproved = [];
    const { title } = this.#bridge.network;
    if (lost.length > 0) this.#bridge.dropped.add('a private message under way when the link broke', lost.length);
    for (const { record, to } of lost)
      this.#bridge.service.tell(
        record.content.author.address,
        `The link to ${title} broke; this may not have reached ${to}: ${quote(record.content)}`,
      );
  }
}

/** Whom a message to a status over there is for here: never for more than it is there. */
function circleOf(rank: number): Circle {
  if (rank > ranks.admin) return 'owner';
  if (rank > ranks.op) return 'admin';
  return rank > ranks.voice ? 'operator' : 'voice';
}

function quote(content: PrivateRecord['content']): string {
  const text = content.kind === 'private' ? content.text.plain.replace(/\s+/g, ' ') : '';
  return text.length > quoted ? `${[...text].slice(0, quoted).join('')}...` : text;
}
