/** One room that is shared with a channel: what happens here is said there, what happens there is a fact here. */
import {
  roleOf,
  type Author,
  type Batch,
  type Follower,
  type LogRecord,
  type Member,
  type MemberView,
  type Mirror,
  type Room,
  type RoomChange,
  type RoomConfig,
  type RoomItem,
  type User,
  type UserView,
} from '../../../server/plugin.ts';
import type { Effect } from '../model/effects.ts';
import type { ModeChange } from '../model/facts.ts';
import { findChannel, listMatches, type NetChannel, type NetUser } from '../model/state.ts';
import type { Bridge, Standing } from './bridge.ts';
import type { Introduced } from './ours.ts';
import { toLines } from './text.ts';

type Phase =
  /** No link, or its burst is not over. */
  | { readonly kind: 'away' }
  /** Says what waited; what happens meanwhile waits its turn. */
  | { readonly kind: 'catching-up'; readonly waiting: RoomItem[] }
  | { readonly kind: 'live' }
  /** Our service was thrown out: nothing of ours goes there. */
  | { readonly kind: 'suspended'; readonly by: string };

const switches: readonly (readonly [keyof RoomConfig, string])[] = [
  ['moderated', 'moderated'],
  ['membersOnly', 'inviteonly'],
  ['hidden', 'secret'],
  ['topicLocked', 'topiclock'],
  ['membersSpeak', 'noextmsg'],
];

export class SharedRoom implements Follower {
  readonly room: Room;
  readonly channelName: string;
  readonly #bridge: Bridge;
  #mirror: Mirror | undefined;
  #phase: Phase = { kind: 'away' };
  /** The last record that was written to the peer. */
  written = 0;

  constructor(bridge: Bridge, room: Room, channelName: string) {
    this.#bridge = bridge;
    this.room = room;
    this.channelName = channelName;
  }

  get mirror(): Mirror {
    return this.#mirror!;
  }
  get phase(): Phase['kind'] {
    return this.#phase.kind;
  }

  attach(mirror: Mirror): void {
    this.#mirror = mirror;
  }

  channel(standing: Standing): NetChannel | undefined {
    return findChannel(standing.live.state, this.channelName);
  }

  // ---- the link comes and goes

  /** The network has told everything: its people come in as one, ours go there. */
  async begin(standing: Standing): Promise<void> {
    const { theirs } = standing;
    const channel = this.channel(standing);
    const members = channel === undefined ? [] : [...channel.members.values()].filter((member) => !member.user.ours);
    const waiting: RoomItem[] = [];
    this.#phase = { kind: 'catching-up', waiting };
    if (members.length > 0) this.mirror.joined(theirs.members(members), true);
    this.#enter(standing);
    this.#reconcileTopic(standing);
    await this.#replay(standing);
    if (this.#phase.kind !== 'catching-up' || this.#bridge.standing !== standing) return;
    this.#phase = { kind: 'live' };
    for (const item of waiting) this.#show(standing, item, true);
  }

  end(): void {
    this.#phase = { kind: 'away' };
  }

  /** The service first, then everybody of ours, in one go. */
  #enter(standing: Standing): void {
    const { live, ours, service } = standing;
    const channel = this.channel(standing);
    const place = this.#bridge.positions.get(this.room.address);
    const now = Math.floor(this.#bridge.host.clock.now() / 1_000);
    const ts = channel?.ts ?? place?.channelTs ?? Math.min(now, Math.floor(this.room.created / 1_000));
    const members = [{ user: service.id, status: this.#bridge.config.operators ? ['op'] : [], membership: live.nextVisit() }];
    for (const member of this.room.members.values()) {
      if (member.who.network === this.#bridge.network.address) continue;
      const introduced = ours.introduce(member.who);
      if (this.#isBarred(standing, introduced.net)) continue;
      members.push({ user: introduced.net.id, status: this.#statusOf(member), membership: live.nextVisit() });
    }
    const modes = channel === undefined ? this.#configModes(this.room.config).filter(({ add }) => add) : [];
    live.say({ kind: 'members', source: live.state.us.id, channel: this.channelName, ts, modes, members });
    this.#bridge.positions.set(this.room.address, { number: place?.number ?? this.room.last.number, channelTs: ts });
  }

  /** The later topic wins; where theirs is not later but another, ours is said once. */
  #reconcileTopic(standing: Standing): void {
    const channel = this.channel(standing);
    if (channel === undefined) return;
    const ours = this.room.topic;
    if (channel.topic.text === ours.text) return;
    if (channel.topic.at > ours.at / 1_000 && channel.topic.text !== '') {
      void this.mirror.topic(channel.topic.by.split('!')[0]!, channel.topic.text);
      return;
    }
    if (ours.text !== '') this.#sayTopic(standing, standing.live.state.us.id, ours.text, ours.by);
  }

  /** What was logged since the peer was last known to have it. Foreign to the network only: its own it has. */
  async #replay(standing: Standing): Promise<void> {
    const place = this.#bridge.positions.get(this.room.address);
    if (place === undefined) return;
    const { replay_events: most, replay_minutes: minutes } = this.#bridge.settings;
    const certain = Math.max(this.written, place.number);
    const known = this.written > 0;
    const found = await this.#bridge.host.rooms.history(undefined, this.room, {
      after: place.number,
      limit: Math.max(1, most),
      take: 'last',
    });
    if (!found.ok || this.#bridge.standing !== standing) return;
    const oldest = this.#bridge.host.clock.now() - minutes * 60_000;
    const waited = found.value.filter((record) => record.origin !== this.#bridge.network.address && record.content.kind === 'message');
    const told = most === 0 ? [] : waited.filter((record) => record.logged >= oldest);
    const { last } = this.room;
    if (last.number - place.number > found.value.length || told.length < waited.length)
      this.#notice(standing, 'Some of what was said while this link was down is left out.');
    for (const record of told) this.#sayRecord(standing, record, record.number <= certain || !known);
    for (const introduced of [...standing.ours.all()]) if (introduced.ghost) standing.ours.quit(introduced, 'said what had waited');
    this.written = Math.max(this.written, found.value.at(-1)?.number ?? 0);
  }

  #notice(standing: Standing, text: string): void {
    const { live, service } = standing;
    live.say({ kind: 'message', source: service.id, target: { kind: 'channel', name: this.channelName }, notice: true, text });
  }

  /** Our service was kicked: we stay out. */
  suspend(standing: Standing, by: string): void {
    if (this.#phase.kind === 'suspended') return;
    this.#phase = { kind: 'suspended', by };
    const channel = this.channel(standing);
    const own = channel === undefined ? [] : [...channel.members.keys()].filter((user) => user.ours);
    for (const user of own)
      standing.live.say({ kind: 'part', user: user.id, channel: this.channelName, reason: 'the link to this channel was ended here' });
    this.#bridge.host.log.warn(
      { network: this.#bridge.config.label, channel: this.channelName, by },
      'our service was removed from a channel; the room is no longer shared until the link comes anew',
    );
  }

  // ---- from here to there

  deliver(batch: Batch): void {
    const standing = this.#bridge.standing;
    if (standing === undefined || this.#phase.kind === 'away') return;
    if (this.#phase.kind === 'catching-up') this.#phase.waiting.push(...batch.items);
    else for (const item of batch.items) this.#show(standing, item, false);
  }

  #show(standing: Standing, item: RoomItem, late: boolean): void {
    if (item.kind === 'change') {
      if (this.#phase.kind === 'live') this.#change(standing, item.change);
      return;
    }
    const { record } = item;
    // What waited while the history was read may have been in it.
    if (late && record.number <= this.written) return;
    if (this.#phase.kind === 'live') this.#sayRecord(standing, record, false);
    this.written = Math.max(this.written, record.number);
  }

  #sayRecord(standing: Standing, record: LogRecord, again: boolean): void {
    const { live } = standing;
    const { content } = record;
    switch (content.kind) {
      case 'message': {
        const from = this.#authorThere(standing, content.author);
        if (from === undefined) return;
        const said = again ? { ...content, text: { plain: `(again) ${content.text.plain}`, spans: [] } } : content;
        const lines = toLines(said, from.net, this.channelName, live.peer.established.limits.line);
        for (const [index, text] of lines.entries())
          live.say({
            kind: 'message',
            source: from.net.id,
            target: { kind: 'channel', name: this.channelName },
            notice: content.style === 'notice',
            text,
            time: record.born,
            id: index === 0 ? record.id : `${record.id}-${index}`,
          });
        break;
      }
      case 'topic':
        this.#sayTopic(
          standing,
          standing.ours.byAddress(content.author.address)?.net.id ?? live.state.us.id,
          content.topic,
          content.author.nick,
        );
        break;
      case 'ban':
        this.#modes(standing, content.author, [{ add: content.add, mode: 'ban', param: content.ban.mask }]);
        break;
      case 'config':
        this.#modes(standing, content.author, this.#configModes(content.changes));
        break;
      case 'affiliation':
      case 'kick':
      case 'join':
      case 'leave':
      case 'nick':
      case 'network':
      case 'private':
      case 'invitation':
        break;
      default:
        content satisfies never;
    }
  }

  /** The author over there; who has gone comes back for it, without status, and leaves when all is said. */
  #authorThere(standing: Standing, author: Author): Introduced | undefined {
    const known = standing.ours.byAddress(author.address);
    const { users, domain } = this.#bridge.host;
    const user = users.byAddress(author.address);
    const introduced =
      known ??
      standing.ours.introduce(
        user ?? {
          id: `ghost ${author.address}` as UserView['id'],
          address: author.address,
          nick: author.nick,
          ident: 'gone',
          host: domain,
          realName: author.nick,
          account: null,
          away: null,
          network: author.network ?? null,
          bot: false,
        },
        user === undefined,
      );
    const channel = this.channel(standing);
    if (channel === undefined) return undefined;
    if (!channel.members.has(introduced.net)) {
      if (this.#isBarred(standing, introduced.net)) return undefined;
      if (user === undefined) this.#join(standing, introduced, []);
    }
    introduced.neededAt = this.#bridge.host.clock.now();
    return introduced;
  }

  #sayTopic(standing: Standing, source: string, text: string, setter: string): void {
    const { live } = standing;
    const channel = this.channel(standing);
    if (channel === undefined) return;
    const at = Math.max(Math.floor(this.#bridge.host.clock.now() / 1_000), channel.topic.at + 1);
    const fromServer = source === live.state.us.id;
    live.say({
      kind: 'topic',
      source,
      channel: channel.name,
      ts: channel.ts,
      topicTs: at,
      text,
      ...(fromServer ? { setter: setter.replace(/\s/g, '_') || live.state.us.name } : {}),
    });
  }

  #modes(standing: Standing, by: Author | undefined, changes: readonly ModeChange[]): void {
    const channel = this.channel(standing);
    if (channel === undefined || changes.length === 0) return;
    const source = (by === undefined ? undefined : standing.ours.byAddress(by.address)?.net.id) ?? standing.live.state.us.id;
    standing.live.say({ kind: 'modes', source, channel: channel.name, ts: channel.ts, changes });
  }

  #configModes(config: Partial<RoomConfig>): ModeChange[] {
    const changes: ModeChange[] = [];
    for (const [key, mode] of switches) {
      const value = config[key];
      if (typeof value === 'boolean') changes.push({ add: value, mode });
    }
    const { key, limit } = config;
    if (key !== undefined) changes.push(key === null ? { add: false, mode: 'key', param: '*' } : { add: true, mode: 'key', param: key });
    if (limit !== undefined)
      changes.push(limit === null ? { add: false, mode: 'limit' } : { add: true, mode: 'limit', param: String(limit) });
    return changes;
  }

  #statusOf(member: Pick<Member, 'affiliation' | 'operator' | 'voice'>): string[] {
    const { operators } = this.#bridge.config;
    const moderator = roleOf(member, false) === 'moderator';
    return [...(operators && moderator ? ['op'] : []), ...(member.voice ? ['voice'] : [])];
  }

  #change(standing: Standing, change: RoomChange): void {
    switch (change.kind) {
      case 'joined':
        this.#joined(standing, change.members);
        break;
      case 'left':
        this.#left(standing, change);
        break;
      case 'member':
        this.#member(standing, change);
        break;
      case 'typing': {
        const from = standing.ours.get(change.member.user);
        if (from !== undefined && this.channel(standing)?.members.has(from.net) === true)
          standing.live.say({
            kind: 'typing',
            source: from.net.id,
            target: { kind: 'channel', name: this.channelName },
            state: change.state,
          });
        break;
      }
      default:
        change satisfies never;
    }
  }

  #joined(standing: Standing, views: readonly MemberView[]): void {
    for (const view of views) {
      const user = this.#bridge.host.users.get(view.user);
      if (user === undefined || user.network === this.#bridge.network.address) continue;
      const introduced = standing.ours.introduce(user);
      if (!this.#isBarred(standing, introduced.net)) this.#join(standing, introduced, this.#statusOf(view));
    }
  }

  #join(standing: Standing, introduced: Introduced, status: readonly string[]): void {
    const { live } = standing;
    const channel = this.channel(standing);
    if (channel?.members.has(introduced.net) === true) return;
    const ts = channel?.ts ?? Math.floor(this.#bridge.host.clock.now() / 1_000);
    const member = { user: introduced.net.id, status, membership: live.nextVisit() };
    live.say({ kind: 'members', source: live.state.us.id, channel: this.channelName, ts, modes: [], members: [member] });
  }

  /** A ban over there bars those of ours whom it meets, there alone. */
  #isBarred(standing: Standing, user: NetUser): boolean {
    const channel = this.channel(standing);
    if (channel === undefined) return false;
    const { state } = standing.live;
    return listMatches(state, channel, 'ban', user) && !listMatches(state, channel, 'banexception', user);
  }

  #left(standing: Standing, change: Extract<RoomChange, { kind: 'left' }>): void {
    const { live, ours, theirs } = standing;
    const channel = this.channel(standing);
    if (channel === undefined) return;
    const { cause } = change;
    for (const view of change.members) {
      const introduced = ours.get(view.user);
      const net = introduced?.net ?? theirs.byAddress(view.address);
      if (net === undefined || !channel.members.has(net)) continue;
      switch (cause.kind) {
        case 'leave':
          if (net.ours) live.say({ kind: 'part', user: net.id, channel: channel.name, reason: cause.reason });
          break;
        case 'split':
          if (introduced !== undefined) ours.quit(introduced, `${cause.near} ${cause.far}`);
          break;
        case 'kick':
        case 'affiliation': {
          const membership = channel.members.get(net)?.membership;
          const source = ours.byAddress(cause.by.address)?.net.id ?? live.state.us.id;
          const reason = cause.reason === '' ? cause.by.nick : cause.reason;
          live.say({
            kind: 'kick',
            source,
            channel: channel.name,
            user: net.id,
            reason,
            ...(membership === undefined ? {} : { membership }),
          });
          break;
        }
        case 'quit':
          // Told by userChanged, once for all rooms.
          break;
        case 'room-closed':
          if (net.ours) live.say({ kind: 'part', user: net.id, channel: channel.name, reason: cause.reason });
          break;
        default:
          cause satisfies never;
      }
    }
  }

  #member(standing: Standing, change: Extract<RoomChange, { kind: 'member' }>): void {
    const net = standing.ours.get(change.after.user)?.net ?? standing.theirs.byAddress(change.after.address);
    if (net === undefined || this.channel(standing)?.members.has(net) !== true) return;
    const before = this.#statusOf(change.before);
    const after = this.#statusOf(change.after);
    const changes = ['op', 'voice']
      .filter((mode) => before.includes(mode) !== after.includes(mode))
      .map((mode) => ({ add: after.includes(mode), mode, param: net.id }));
    this.#modes(standing, change.by, changes);
  }

  // ---- from there to here

  effect(standing: Standing, effect: Effect): void {
    switch (effect.kind) {
      case 'joined': {
        const members = effect.users.flatMap((user) => (user.ours ? [] : [effect.channel.members.get(user)!]));
        if (members.length > 0)
          this.mirror.joined(
            standing.theirs.members(members),
            members.some((member) => member.user.server.bursting),
          );
        break;
      }
      case 'parted': {
        const user = standing.theirs.known(effect.user);
        if (user !== undefined) this.mirror.left(user, { kind: 'leave', reason: effect.reason });
        break;
      }
      case 'kicked':
        this.#kicked(standing, effect);
        break;
      case 'status': {
        const user = standing.theirs.known(effect.user);
        const member = effect.channel.members.get(effect.user);
        if (user !== undefined && member !== undefined) this.mirror.status(user, standing.theirs.standing(member));
        break;
      }
      case 'lists':
        this.#letIn(standing);
        break;
      case 'topic':
        void this.mirror.topic(this.#by(standing, effect.by), effect.channel.topic.text);
        break;
      default:
        break;
    }
  }

  #by(standing: Standing, by: NetUser | string): User | string {
    if (typeof by === 'string') return by;
    return standing.theirs.known(by) ?? by.nick;
  }

  #kicked(standing: Standing, effect: Extract<Effect, { kind: 'kicked' }>): void {
    const by = this.#by(standing, 'nick' in effect.by ? effect.by : effect.by.name);
    if (effect.user === standing.service) {
      this.suspend(standing, typeof by === 'string' ? by : by.nick);
      return;
    }
    const target = effect.user.ours ? standing.ours.byNet(effect.user)?.id : standing.theirs.known(effect.user)?.id;
    if (target !== undefined) this.mirror.kicked(by, target, effect.reason);
  }

  /** A ban was lifted there: who of ours was barred goes in. */
  #letIn(standing: Standing): void {
    if (this.#phase.kind !== 'live') return;
    for (const member of this.room.members.values()) {
      if (member.who.network === this.#bridge.network.address) continue;
      const introduced = standing.ours.introduce(member.who);
      if (!this.#isBarred(standing, introduced.net)) this.#join(standing, introduced, this.#statusOf(member));
    }
  }
}
