/** One room that is shared with a channel: when it is, and what happens over there as facts here. */
import type { Batch, Circle, Follower, LogRecord, MessageBody, Mirror, Room, RoomItem, User, UserId } from '../../../server/plugin.ts';
import type { Effect } from '../model/effects.ts';
import type { NetChannel, NetMember, NetServer, NetUser } from '../model/state.ts';
import type { Bridge } from './bridge.ts';
import { Contest } from './contest.ts';
import type { Introduced } from './ours.ts';
import { Outward } from './outward.ts';
import { Pace } from './pace.ts';
import { mostAtOnce } from './slices.ts';
import type { Standing } from './standing.ts';
import { whatWaited, type Waited } from './waited.ts';

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
  readonly #bridge: Bridge;
  #mirror: Mirror | undefined;
  #phase: Phase = { kind: 'away' };
  /** Bans changed over there since the last beat, or somebody was thrown out of the network by accident. */
  #letInSoon = false;
  readonly #contest: Contest;
  /** Whom services brought in since the link stands. */
  readonly #brought = new Set<UserId>();
  /** Bans or modes of the channel changed since the last beat. */
  #contestSoon = false;
  /** The room was told that the network is here. */
  #announced = false;
  /** What was set here was said once more since the link stands. */
  #asserted = false;
  /** The last record of the log when this server started: until there it is not known what an unclean stop left unsaid. */
  readonly #atStart: number;
  /** The last record that was written to the peer. */
  written: number;
  /** Messages that the peer is not known to have, in order; while the link is away no more than will be said when it is back. */
  #waiting: Pick<LogRecord, 'number' | 'logged'>[] = [];

  constructor(bridge: Bridge, room: Room, channelName: string) {
    this.#bridge = bridge;
    this.room = room;
    this.channelName = channelName;
    this.#outward = new Outward(bridge, room, channelName);
    this.#contest = new Contest(bridge, room);
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
    if (waited !== undefined) this.#waiting = [...waited.messages, ...this.#waiting.filter(({ number }) => number > waited.last)];
  }

  #readWaited(after: number): Promise<Waited | undefined> {
    const { host, network, settings } = this.#bridge;
    const limits = { events: settings.replay_events, minutes: settings.replay_minutes };
    return whatWaited(host, this.room, network.address, after, limits);
  }

  get phase(): Phase['kind'] {
    return this.#phase.kind;
  }
  /** For `banyan link show`. */
  get description(): string {
    if (this.#phase.kind === 'suspended') return `${this.channelName} (suspended: removed by ${this.#phase.by})`;
    const { standing } = this.#bridge;
    const channel = standing === undefined ? undefined : this.channel(standing);
    const overridden = channel === undefined ? [] : this.#contest.overridden(standing!.live.state, channel);
    return overridden.length === 0 ? this.channelName : `${this.channelName} (there alone: ${overridden.slice(0, 10).join(', ')})`;
  }
  /** Records that were written to the peer and that it is not known to have. */
  get unproved(): number {
    return Math.max(0, this.written - (this.#bridge.positions.get(this.room.address)?.number ?? 0));
  }
  /** Messages that the peer has yet to get, or to prove. */
  get waiting(): number {
    this.#forgetOutdated();
    return this.#waiting.length;
  }

  /** The peer is known to have everything up to that record. */
  proved(number: number): void {
    let proved = 0;
    while (proved < this.#waiting.length && this.#waiting[proved]!.number <= number) proved++;
    this.#waiting.splice(0, proved);
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
    this.#asserted = false;
    this.#brought.clear();
    await this.#admit(standing, ({ user }) => !user.server.bursting);
    if (this.#phase.kind !== 'catching-up' || this.#bridge.standing !== standing) return;
    const place = positions.get(this.room.address);
    this.#outward.enter(standing, place?.channelTs ?? null);
    const channelTs = this.channel(standing)?.ts ?? null;
    if (place === undefined) {
      this.written = this.room.last.number;
      positions.update(this.room.address, { number: this.written, channelTs });
    }
    this.#reconcileTopic(standing);
    positions.update(this.room.address, { channelTs, written: null });
    // Whoever dies from here on does not know how much it wrote.
    await positions.save();
    if (place === undefined) this.#announce();
    else await standing.ours.withGhosts(() => this.#sayWaited(standing, place.number, place.written ?? this.#atStart));
    if (this.#phase.kind !== 'catching-up' || this.#bridge.standing !== standing) return;
    this.#phase = { kind: 'live' };
    this.#contestSoon = true;
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

  /** The later topic wins; where theirs is not later but another, ours is said once. */
  #reconcileTopic(standing: Standing): void {
    const channel = this.channel(standing);
    const ours = this.room.topic;
    if (channel === undefined || channel.topic.text === ours.text) return;
    // Where topics have no times, ours stands, when there is one.
    const theirsStands = channel.topic.at > ours.at / 1_000 || (channel.topic.at === 0 && ours.text === '');
    if (theirsStands && channel.topic.text !== '') void this.#mirror?.topic(channel.topic.by.split('!')[0]!, channel.topic.text);
    else if (ours.text !== '') this.#outward.topic(standing, standing.live.state.us.id, ours.text, ours.by);
  }

  /** Our service was removed: nobody reads a channel unseen, so our people leave it, and its people leave the room. */
  suspend(standing: Standing, by: string): void {
    if (this.#phase.kind === 'suspended') return;
    this.#phase = { kind: 'suspended', by };
    this.#waiting = [];
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
    this.#countWaiting(batch);
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
    this.written = item.record.number;
  }

  #countWaiting({ items }: Batch): void {
    if (this.#bridge.positions.get(this.room.address) === undefined) return;
    for (const item of items) {
      if (item.kind !== 'record' || item.record.content.kind !== 'message') continue;
      const { number, logged } = item.record;
      this.#waiting.push({ number, logged });
    }
    this.#forgetOutdated();
  }

  #forgetOutdated(): void {
    if (this.#phase.kind !== 'away') return;
    const { replay_events, replay_minutes } = this.#bridge.settings;
    const oldest = this.#bridge.host.clock.now() - replay_minutes * 60_000;
    const tooMany = this.#waiting.length - replay_events;
    const first = this.#waiting.findIndex(({ logged }, index) => logged >= oldest && index >= tooMany);
    this.#waiting.splice(0, first === -1 ? this.#waiting.length : first);
  }

  /** Once a second. Bans may come by the hundred; who is let in is found out once for all. */
  beat(standing: Standing): void {
    if (this.#phase.kind !== 'live') return;
    if (this.#contestSoon) this.#answer(standing);
    if (!this.#letInSoon) return;
    this.#letInSoon = false;
    this.#outward.letIn(standing);
  }

  #answer(standing: Standing): void {
    this.#contestSoon = false;
    const channel = this.channel(standing);
    if (channel !== undefined) this.#outward.modes(standing, undefined, this.#contest.answers(standing.live.state, channel));
  }

  /** With the next beat, whoever of ours should be in the channel and is not goes there. */
  letInSoon(): void {
    this.#letInSoon = true;
  }

  // ---- from there to here

  /** Somebody there said something in the channel. */
  async said(user: User, body: MessageBody): Promise<void> {
    if (!this.#isShared) return;
    const logged = await this.#mirror?.said(user, body);
    // What came from there need not be sent there: the peer has it, and everything that was shown before it was written.
    if (logged?.ok === true && this.#phase.kind === 'live') this.written = Math.max(this.written, logged.value.number);
  }

  /** Somebody there said something to those who hold a status there. */
  async confided(user: User, circle: Circle, body: MessageBody): Promise<void> {
    if (this.#isShared) await this.#mirror?.confided(user, circle, body);
  }

  effect(standing: Standing, effect: Effect): void {
    const mirror = this.#mirror;
    if (mirror === undefined || !this.#isShared) return;
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
        this.#contestSoon = true;
        break;
      case 'lists':
        this.#contestSoon = true;
        this.#letInSoon = true;
        break;
      case 'reset':
        // Once: a peer whose time for the channel falls and falls gets no more than one answer.
        if (!this.#asserted) this.#outward.assertAll(standing);
        this.#asserted = true;
        this.#bridge.positions.update(this.room.address, { channelTs: effect.channel.ts });
        break;
      case 'topic':
        if (this.#bridge.grants('topic')) void this.#topic(standing, mirror, this.#by(standing, effect.by), effect.channel.topic.text);
        break;
      default:
        break;
    }
  }

  /** A topic that the room does not take, because its home elsewhere does not, is set back over there. */
  async #topic(standing: Standing, mirror: Mirror, by: User | string, topic: string): Promise<void> {
    const { ok } = await mirror.topic(by, topic);
    if (!ok && this.#bridge.standing === standing)
      this.#outward.topic(standing, standing.live.state.us.id, this.room.topic.text, this.room.topic.by);
  }

  #by(standing: Standing, by: NetUser | string): User | string {
    return typeof by === 'string' ? by : (standing.theirs.known(by) ?? by.nick);
  }

  #kicked(standing: Standing, mirror: Mirror, effect: Extract<Effect, { kind: 'kicked' }>): void {
    const by = this.#by(standing, 'nick' in effect.by ? effect.by : effect.by.name);
    if (effect.user === standing.service) {
      this.suspend(standing, typeof by === 'string' ? by : by.nick);
      return;
    }
    if (!effect.user.ours) {
      const target = standing.theirs.known(effect.user)?.id;
      // Who is still in the room comes back.
      if (target !== undefined && !mirror.kicked(by, target, effect.reason)) this.#letInSoon = true;
      return;
    }
    const target = standing.ours.byNet(effect.user)?.id;
    if (target === undefined) return;
    if (!this.#bridge.grants('kick')) this.keepOut(target);
    else if (!mirror.kicked(by, target, effect.reason)) this.#letInSoon = true;
  }

  /** Somebody of ours was thrown out over there, which does not count here: that person does not go back until the next visit or link. */
  keepOut(user: UserId): void {
    this.#outward.keepOut(user);
  }

  /** Services want somebody of ours in the channel, or out of it. */
  forced(standing: Standing, { user, by, join, reason }: Extract<Effect, { kind: 'forced' }>): void {
    const introduced = standing.ours.byNet(user);
    const channel = this.channel(standing);
    if (introduced === undefined) return;
    if (join) void this.#bridge.guard(standing, this.#broughtIn(introduced));
    else if (channel?.members.has(user) === true && this.#mirror !== undefined) {
      standing.live.say({ kind: 'part', user: user.id, channel: channel.name, reason });
      this.#kicked(standing, this.#mirror, { kind: 'kicked', channel, user, by, reason });
    }
  }

  /** As if the person had entered, by all rules of the room, and once while the link stands: who leaves is not dragged back. */
  async #broughtIn({ id, address }: Introduced): Promise<void> {
    const { host, network, serviceHere } = this.#bridge;
    const user = host.users.get(id);
    if (user === undefined || this.room.members.has(id)) return;
    const again = this.#brought.has(id);
    this.#brought.add(id);
    const wanted = `${network.title} wants you in ${this.channelName}, which is the room ${this.room.name} here.`;
    const joined = user.kind === 'local' && !again ? await host.rooms.join(user, this.room.name, { create: false }) : undefined;
    if (joined?.ok === true) await serviceHere.tell(address, `${network.title} brought you into the room ${this.room.name}.`);
    else await serviceHere.tell(address, joined === undefined ? wanted : `${wanted} ${joined.refusal.text}`);
  }
}
