/** One room that is shared with a channel: when it is, and what waits while it is not. */
import type { Batch, Circle, Follower, MessageBody, Mirror, Room, RoomItem, User, UserId } from '../../../server/plugin.ts';
import type { Effect } from '../model/effects.ts';
import type { NetChannel, NetMember, NetServer } from '../model/state.ts';
import { Agreement } from './agreement.ts';
import type { Bridge } from './bridge.ts';
import { Contest } from './contest.ts';
import { FromChannel } from './from-channel.ts';
import { Outward } from './outward.ts';
import { Pace } from './pace.ts';
import { RoomWaiting } from './room-waiting.ts';
import { mostAtOnce } from './slices.ts';
import type { Standing } from './standing.ts';
import { whatWaited, type Waited, type WaitedLimits } from './waited.ts';

type Phase =
  /** No link, or its burst is not over. */
  | { readonly kind: 'away' }
  /** Says what waited; what happens meanwhile waits its turn. */
  | { readonly kind: 'catching-up'; readonly waiting: RoomItem[] }
  | { readonly kind: 'live' }
  /** Our service was thrown out: the room and the channel are not shared until somebody there invites it. */
  | { readonly kind: 'suspended'; readonly by: string };

export class SharedRoom implements Follower {
  readonly room: Room;
  readonly channelName: string;
  readonly #outward: Outward;
  readonly #fromChannel: FromChannel;
  readonly #bridge: Bridge;
  #mirror: Mirror | undefined;
  #phase: Phase = { kind: 'away' };
  /** Bans changed over there since the last beat, or somebody was thrown out of the network by accident. */
  #letsIn = false;
  readonly #contest: Contest;
  readonly #agreement: Agreement;
  /** Bans, modes or topic of the channel or of the room changed since the last beat. */
  #compares = false;
  /** The room was told that the network is here. */
  #announced = false;
  /** The last record of the log when this server started: until there it is not known what an unclean stop left unsaid. */
  readonly #atStart: number;
  /** The last record that was written to the peer. */
  written: number;
  readonly #limits: WaitedLimits;
  readonly #waiting: RoomWaiting;

  constructor(bridge: Bridge, room: Room, channelName: string) {
    this.#bridge = bridge;
    this.room = room;
    this.channelName = channelName;
    this.#outward = new Outward(bridge, room, channelName);
    this.#fromChannel = new FromChannel(bridge, this, this.#outward);
    this.#contest = new Contest(bridge, room);
    this.#agreement = new Agreement(bridge, room);
    this.#limits = { events: bridge.settings.replay_events, minutes: bridge.settings.replay_minutes };
    this.#waiting = new RoomWaiting(this.#limits, () => bridge.host.clock.now());
    this.#atStart = room.last.number;
    this.written = this.#bridge.positions.get(room.address)?.number ?? 0;
    const by = this.#bridge.positions.get(room.address)?.suspendedBy ?? null;
    if (by === null) this.#attach();
    else this.#phase = { kind: 'suspended', by };
  }

  /** Counts what an earlier run left. */
  async start(): Promise<void> {
    const place = this.#bridge.positions.get(this.room.address);
    if (place === undefined || this.#phase.kind === 'suspended') return;
    const waited = await this.#readWaited(place.number);
    if (waited !== undefined) this.#waiting.recall(waited.messages, waited.last);
  }

  #readWaited(after: number): Promise<Waited | undefined> {
    const { host, network, killedHere } = this.#bridge;
    return whatWaited(host, this.room, network.address, after, this.#limits, killedHere);
  }

  get phase(): Phase['kind'] {
    return this.#phase.kind;
  }
  /** For `banyan link show`. */
  get description(): string {
    if (this.#phase.kind === 'suspended') return `${this.channelName} (suspended: removed by ${this.#phase.by})`;
    const { standing } = this.#bridge;
    const channel = standing === undefined ? undefined : this.channel(standing);
    if (standing === undefined || channel === undefined) return this.channelName;
    const { state } = standing.live;
    const alone = [...this.#contest.overridden(state, channel), ...this.#agreement.apart(state, channel)];
    return alone.length === 0 ? this.channelName : `${this.channelName} (there alone: ${alone.slice(0, 10).join(', ')})`;
  }
  /** Records that were written to the peer and that it is not known to have. */
  get unproved(): number {
    return Math.max(0, this.written - (this.#bridge.positions.get(this.room.address)?.number ?? 0));
  }
  /** Messages that the peer has yet to get, or to prove. */
  get waiting(): number {
    if (this.#phase.kind === 'away') this.#waiting.forgetOutdated();
    return this.#waiting.count;
  }

  /** The peer is known to have everything up to that record. */
  proved(number: number): void {
    this.#waiting.proved(number);
    if (number > (this.#bridge.positions.get(this.room.address)?.number ?? 0)) this.#bridge.positions.update(this.room.address, { number });
  }

  #attach(): void {
    this.#mirror = this.#bridge.network.mirror(this.room, this);
  }

  channel(standing: Standing): NetChannel | undefined {
    return this.#outward.channel(standing);
  }

  // ---- the link comes and goes

  /** The network has told everything: its people come in, ours go there. */
  async begin(standing: Standing): Promise<void> {
    const { positions } = this.#bridge;
    if (this.#phase.kind === 'suspended') return;
    const waiting: RoomItem[] = [];
    this.#phase = { kind: 'catching-up', waiting };
    this.#fromChannel.begin();
    await this.#admit(standing, ({ user }) => !user.server.bursting);
    if (this.#phase.kind !== 'catching-up' || this.#bridge.standing !== standing) return;
    const place = positions.get(this.room.address);
    const anew = this.#outward.enter(standing, place?.channelTs ?? null);
    if (!anew) this.#mend(standing);
    const channelTs = this.channel(standing)?.ts ?? null;
    if (place === undefined) {
      this.written = this.room.last.number;
      positions.update(this.room.address, { number: this.written, channelTs });
    }
    this.#reconcileTopic(standing, anew);
    positions.update(this.room.address, { channelTs, written: null });
    // Whoever dies from here on does not know how much it wrote.
    await positions.save();
    if (place === undefined) this.#announce();
    else await standing.ours.withGhosts(() => this.#sayWaited(standing, place.number, place.written ?? this.#atStart));
    if (this.#phase.kind !== 'catching-up' || this.#bridge.standing !== standing) return;
    this.#phase = { kind: 'live' };
    this.#compares = true;
    for (const item of waiting) this.#show(standing, item);
  }

  end(reason: string): void {
    if (this.#phase.kind === 'suspended' || this.#phase.kind === 'away') return;
    this.#phase = { kind: 'away' };
    this.#announceAway(reason);
    this.#bridge.positions.update(this.room.address, { written: this.written });
  }

  /** The room tells that the network is here, and how much waited for it. */
  #announce(waited?: Waited): void {
    this.#announced = true;
    this.#mirror?.announce(true, '', waited === undefined ? undefined : { crossing: waited.messages.length, leftOut: waited.leftOut });
  }

  #announceAway(reason: string): void {
    if (this.#announced) this.#mirror?.announce(false, reason);
    this.#announced = false;
  }

  /** Says what was logged since the peer was last known to have it; up to `doubtful` it may have some of it already. */
  async #sayWaited(standing: Standing, after: number, doubtful: number): Promise<void> {
    const waited = await this.#readWaited(after);
    const goesOn = (): boolean => this.#bridge.standing === standing && this.#phase.kind === 'catching-up';
    if (!goesOn()) return;
    this.#announce(waited);
    if (waited === undefined) return;
    this.#outward.catchUp(standing, waited.config, waited.unbanned);
    this.#contest.changedConfig(waited.config);
    if (waited.leftOut > 0)
      this.#bridge.dropped.add('a message of a room that was too old, or one of too many, after a break', waited.leftOut);
    if (waited.leftOut > 0 || waited.more) {
      const count = `${waited.more ? 'more than ' : ''}${waited.leftOut}`;
      this.#outward.notice(standing, `Left out of what was said while this link was down: ${count} messages.`);
    }
    const pace = new Pace(this.#bridge.host.clock);
    for (const record of waited.messages) {
      await pace.turn();
      if (!goesOn()) return;
      this.#outward.sayRecord(standing, record, record.number <= doubtful);
      this.written = Math.max(this.written, record.number);
    }
    this.#outward.dismiss(standing);
    this.written = Math.max(this.written, waited.last);
  }

  /**
   * Members of the channel who are not in the room yet come in, as one change. Thousands come as several, the next when everybody has been
   * shown the one before: one change of 10,000 people is a tenth of a second in which nobody else is served.
   */
  async #admit(standing: Standing, which: (member: NetMember) => boolean): Promise<void> {
    const channel = this.channel(standing);
    const members = channel === undefined ? [] : [...channel.members.values()].filter((member) => !member.user.ours && which(member));
    for (let at = 0; at < members.length; at += mostAtOnce) {
      if (at > 0) {
        await this.#bridge.network.shown();
        if (this.#bridge.standing !== standing || !this.#isShared) return;
      }
      // Who left meanwhile stays out.
      const still = members.slice(at, at + mostAtOnce).flatMap(({ user }) => channel?.members.get(user) ?? []);
      if (still.length > 0) this.#mirror?.joined(standing.theirs.members(still), true);
    }
  }

  /** A server behind the peer has told everything. */
  async arrived(standing: Standing, server: NetServer): Promise<void> {
    if (this.#isShared) await this.#admit(standing, ({ user }) => user.server === server);
  }

  get #isShared(): boolean {
    return this.#phase.kind === 'live' || this.#phase.kind === 'catching-up';
  }

  /** What was changed there while the link was away gets the room's value. */
  #mend(standing: Standing): void {
    const channel = this.channel(standing);
    if (channel !== undefined) this.#outward.modes(standing, undefined, this.#agreement.mending(standing.live.state, channel));
  }

  #reconcileTopic(standing: Standing, anew: boolean): void {
    const channel = this.channel(standing);
    if (channel === undefined || this.#mirror === undefined) return;
    const { text, by } = this.room.topic;
    const whose = this.#agreement.topicOf(channel.topic, anew);
    if (whose === 'theirs') void this.#fromChannel.topic(standing, this.#mirror, channel.topic.by.split('!')[0]!, channel.topic.text);
    else if (whose === 'ours') this.#outward.topic(standing, standing.live.state.us.id, text, by);
  }

  /** Our service was removed: nobody reads a channel unseen, so our people leave it, and its people leave the room. */
  suspend(standing: Standing, by: string): void {
    if (this.#phase.kind === 'suspended') return;
    this.#phase = { kind: 'suspended', by };
    this.#waiting.clear();
    const own = [...(this.channel(standing)?.members.keys() ?? [])].filter((user) => user.ours);
    for (const user of own)
      standing.live.say({ kind: 'part', user: user.id, channel: this.channelName, reason: 'this channel is not shared any more' });
    this.#announceAway(`our service was removed by ${by}`);
    this.#mirror?.detach(`${this.#bridge.network.title} ended the sharing of this room`);
    this.#mirror = undefined;
    this.#bridge.positions.update(this.room.address, { suspendedBy: by });
    this.#bridge.host.log.warn(
      { network: this.#bridge.config.label, channel: this.channelName, by },
      'our service was removed from a channel; the room is not shared until somebody there invites the service',
    );
  }

  /** Somebody there invited our service: all begins anew, from now on. */
  async resume(standing: Standing): Promise<void> {
    if (this.#phase.kind !== 'suspended') return;
    this.#phase = { kind: 'away' };
    this.written = this.room.last.number;
    this.#bridge.positions.update(this.room.address, { suspendedBy: null, number: this.written, written: this.written });
    this.#attach();
    await this.begin(standing);
  }

  // ---- from here to there

  deliver(batch: Batch): void {
    const { standing } = this.#bridge;
    if (this.#bridge.positions.get(this.room.address) !== undefined) this.#waiting.add(batch);
    if (this.#phase.kind === 'away') this.#waiting.forgetOutdated();
    if (standing === undefined) return;
    if (this.#phase.kind === 'catching-up') this.#phase.waiting.push(...batch.items);
    else if (this.#phase.kind === 'live') for (const item of batch.items) this.#show(standing, item);
  }

  #show(standing: Standing, item: RoomItem): void {
    if (this.#phase.kind !== 'live') return;
    if (item.kind === 'change') {
      this.#outward.change(standing, item.change);
      return;
    }
    // What waited while the history was read may have been in it.
    if (item.record.number <= this.written) return;
    this.#outward.sayRecord(standing, item.record);
    this.#contest.changed(item.record);
    if (['ban', 'config', 'topic'].includes(item.record.content.kind)) this.#compares = true;
    this.written = item.record.number;
  }

  /** Once a second. Bans may come by the hundred; who is let in is found out once for all. */
  beat(standing: Standing): void {
    if (this.#phase.kind !== 'live') return;
    if (this.#compares) this.#compare(standing);
    if (!this.#letsIn) return;
    this.#letsIn = false;
    this.#outward.letIn(standing);
  }

  #compare(standing: Standing): void {
    this.#compares = false;
    const channel = this.channel(standing);
    if (channel === undefined) return;
    this.#outward.modes(standing, undefined, this.#contest.answers(standing.live.state, channel));
    this.#agreement.note(standing.live.state, channel);
  }

  /** With the next beat, room and channel are compared. */
  compareSoon(): void {
    this.#compares = true;
  }

  /** With the next beat, whoever of ours should be in the channel and is not goes there. */
  letInSoon(): void {
    this.#letsIn = true;
  }

  // ---- from there to here

  /** Somebody there said something in the channel. */
  async said(user: User, body: MessageBody): Promise<void> {
    if (!this.#isShared) return;
    const logged = await this.#mirror?.said(user, body);
    // What came from there need not be sent there: the peer has it, and everything that was shown before it was written.
    if (logged?.ok === true && this.#phase.kind === 'live') this.written = Math.max(this.written, logged.value.number);
    const { standing, service } = this.#bridge;
    const author = standing?.theirs.byAddress(user.address);
    if (logged?.ok === false && body.style !== 'notice' && standing !== undefined && author !== undefined)
      service.explain(standing, author, `${this.channelName}: nobody else got your message. ${logged.refusal.text}`);
  }

  /** Somebody there said something to those who hold a status there. */
  async confided(user: User, circle: Circle, body: MessageBody): Promise<void> {
    if (this.#isShared) await this.#mirror?.confided(user, circle, body);
  }

  effect(standing: Standing, effect: Effect): void {
    if (this.#mirror !== undefined && this.#isShared) this.#fromChannel.effect(standing, this.#mirror, effect);
  }

  /** Somebody of ours was thrown out over there, which does not count here: that person does not go back until the next visit or link. */
  keepOut(user: UserId): void {
    this.#outward.keepOut(user);
  }

  /** Services want somebody of ours in the channel, or out of it. */
  forced(standing: Standing, effect: Extract<Effect, { kind: 'forced' }>): void {
    this.#fromChannel.forced(standing, this.#mirror, effect);
  }
}
