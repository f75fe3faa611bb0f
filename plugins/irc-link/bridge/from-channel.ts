/** From there to here: what happens in a channel, as facts of the room that is shared with it. */
import type { Mirror, User, UserId } from '../../../server/plugin.ts';
import type { Effect } from '../model/effects.ts';
import type { NetUser } from '../model/state.ts';
import type { Bridge } from './bridge.ts';
import type { Introduced } from './ours.ts';
import type { Outward } from './outward.ts';
import type { SharedRoom } from './shared-room.ts';
import type { Standing } from './standing.ts';

export class FromChannel {
  readonly #bridge: Bridge;
  readonly #shared: SharedRoom;
  readonly #outward: Outward;
  /** What was set here was said once more since the link stands. */
  #asserted = false;
  /** Whom services brought in since the link stands. */
  readonly #brought = new Set<UserId>();

  constructor(bridge: Bridge, shared: SharedRoom, outward: Outward) {
    this.#bridge = bridge;
    this.#shared = shared;
    this.#outward = outward;
  }

  /** A new link. */
  begin(): void {
    this.#asserted = false;
    this.#brought.clear();
  }

  effect(standing: Standing, mirror: Mirror, effect: Effect): void {
    switch (effect.kind) {
      case 'joined': {
        // Who is behind a server that is still telling comes with all the others of it.
        const members = effect.users.flatMap((user) => (user.ours || user.server.bursting ? [] : effect.channel.members.get(user)!));
        if (members.length > 0) mirror.joined(standing.theirs.members(members), false);
        break;
      }
      case 'parted': {
        const user = standing.theirs.known(effect.user);
        if (user !== undefined) mirror.left(user, { kind: 'leave', reason: effect.reason });
        break;
      }
      case 'kicked':
        this.#kicked(standing, mirror, effect);
        break;
      case 'status': {
        const user = standing.theirs.known(effect.user);
        const member = effect.channel.members.get(effect.user);
        if (user !== undefined && member !== undefined) mirror.status(user, standing.theirs.standing(member));
        break;
      }
      case 'modes':
        this.#shared.compareSoon();
        break;
      case 'lists':
        this.#shared.compareSoon();
        this.#shared.letInSoon();
        break;
      case 'reset':
        // Once: a peer whose time for the channel falls and falls gets no more than one answer.
        if (!this.#asserted) this.#outward.assertAll(standing);
        this.#asserted = true;
        this.#shared.compareSoon();
        this.#bridge.positions.update(this.#shared.room.address, { channelTs: effect.channel.ts });
        break;
      case 'topic':
        this.#shared.compareSoon();
        if (this.#bridge.grants('topic')) void this.topic(standing, mirror, this.#by(standing, effect.by), effect.channel.topic.text);
        break;
      default:
        break;
    }
  }

  /** A topic that the room does not take, because its home elsewhere does not, is set back over there. */
  async topic(standing: Standing, mirror: Mirror, by: User | string, topic: string): Promise<void> {
    const { ok } = await mirror.topic(by, topic);
    const { text, by: setter } = this.#shared.room.topic;
    if (!ok && this.#bridge.standing === standing) this.#outward.topic(standing, standing.live.state.us.id, text, setter);
  }

  #by(standing: Standing, by: NetUser | string): User | string {
    return typeof by === 'string' ? by : (standing.theirs.known(by) ?? by.nick);
  }

  #kicked(standing: Standing, mirror: Mirror, effect: Extract<Effect, { kind: 'kicked' }>): void {
    const by = this.#by(standing, 'nick' in effect.by ? effect.by : effect.by.name);
    if (effect.user === standing.service) {
      this.#shared.suspend(standing, typeof by === 'string' ? by : by.nick);
      return;
    }
    if (!effect.user.ours) {
      const target = standing.theirs.known(effect.user)?.id;
      // Who is still in the room comes back.
      if (target !== undefined && !mirror.kicked(by, target, effect.reason)) this.#shared.letInSoon();
      return;
    }
    const target = standing.ours.byNet(effect.user)?.id;
    if (target === undefined) return;
    if (!this.#bridge.grants('kick')) this.#outward.keepOut(target);
    else if (!mirror.kicked(by, target, effect.reason)) this.#shared.letInSoon();
  }

  /** Services want somebody of ours in the channel, or out of it. */
  forced(standing: Standing, mirror: Mirror | undefined, { user, by, join, reason }: Extract<Effect, { kind: 'forced' }>): void {
    const introduced = standing.ours.byNet(user);
    const channel = this.#outward.channel(standing);
    if (introduced === undefined) return;
    if (join) void this.#bridge.guard(standing, this.#broughtIn(introduced));
    else if (channel?.members.has(user) === true && mirror !== undefined) {
      standing.live.say({ kind: 'part', user: user.id, channel: channel.name, reason });
      this.#kicked(standing, mirror, { kind: 'kicked', channel, user, by, reason });
    }
  }

  /** As if the person had entered, by all rules of the room, and once while the link stands: who leaves is not dragged back. */
  async #broughtIn({ id, address }: Introduced): Promise<void> {
    const { host, network, serviceHere } = this.#bridge;
    const { room, channelName } = this.#shared;
    const user = host.users.get(id);
    if (user === undefined || room.members.has(id)) return;
    const again = this.#brought.has(id);
    this.#brought.add(id);
    const wanted = `${network.title} wants you in ${channelName}, which is the room ${room.name} here.`;
    const joined = user.kind === 'local' && !again ? await host.rooms.join(user, room.name, { create: false }) : undefined;
    if (joined?.ok === true) await serviceHere.tell(address, `${network.title} brought you into the room ${room.name}.`);
    else await serviceHere.tell(address, joined === undefined ? wanted : `${wanted} ${joined.refusal.text}`);
  }
}
