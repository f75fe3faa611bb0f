/** From here to there: what happens in a room, said in the channel that it is shared with. */
import {
  networkLine,
  roleOf,
  type Author,
  type LogRecord,
  type Member,
  type MemberView,
  type Room,
  type RoomChange,
  type RoomConfig,
  type User,
  type UserId,
} from '../../../server/plugin.ts';
import type { ModeChange } from '../model/facts.ts';
import { ranks } from '../model/modes.ts';
import { findChannel, listMatches, type NetChannel, type NetUser } from '../model/state.ts';
import type { Bridge } from './bridge.ts';
import { banKey, foreignBans, missingBans, modeDifferences } from './differences.ts';
import { channelThere } from './hearers.ts';
import type { Introduced } from './ours.ts';
import { configModes } from './room-modes.ts';
import { speak } from './speech.ts';
import type { Standing } from './standing.ts';

export class Outward {
  readonly room: Room;
  readonly channelName: string;
  readonly #bridge: Bridge;
  /** Thrown out over there and not here: they do not go back by themselves. */
  readonly #keptOut = new Set<UserId>();

  constructor(bridge: Bridge, room: Room, channelName: string) {
    this.#bridge = bridge;
    this.room = room;
    this.channelName = channelName;
  }

  channel(standing: Standing): NetChannel | undefined {
    return findChannel(standing.live.state, this.channelName);
  }

  get #seconds(): number {
    return Math.floor(this.#bridge.host.clock.now() / 1_000);
  }

  /**
   * The service first, then everybody of ours, in one go; a channel that is there keeps its time, one that is not gets ours.
   * @returns whether the channel began anew since: then it has nothing of what was set here, and is told all
   */
  enter(standing: Standing, knownTs: number | null): boolean {
    const { live, service } = standing;
    this.#keptOut.clear();
    const channel = this.channel(standing);
    const ts = channel?.ts ?? knownTs ?? Math.min(this.#seconds, Math.floor(this.room.created / 1_000));
    const members = service === undefined ? [] : [{ user: service.id, status: this.#serviceStatus, membership: live.nextVisit() }];
    for (const member of this.#people()) {
      const introduced = this.#admitted(standing, member.who);
      if (introduced === undefined) continue;
      members.push({ user: introduced.net.id, status: this.#statusOf(member), membership: live.nextVisit() });
    }
    live.say({ kind: 'members', source: live.state.us.id, channel: this.channelName, ts, modes: [], members });
    const anew = channel === undefined || (knownTs !== null && channel.ts > knownTs);
    if (anew) this.modes(standing, undefined, configModes(this.room.config));
    if (anew || knownTs === null) this.#assertBans(standing);
    return anew;
  }

  get #serviceStatus(): string[] {
    return this.#bridge.config.operators ? ['op'] : [];
  }

  /** Members who are not of the network. */
  *#people(): Iterable<Member> {
    for (const member of this.room.members.values()) if (member.who.network !== this.#bridge.network.address) yield member;
  }

  #assertBans(standing: Standing): void {
    const channel = this.channel(standing);
    if (channel !== undefined) this.modes(standing, undefined, [...missingBans(this.room, channel).values()]);
  }

  /** Somebody there knew the channel for longer, and what was set here became void: it is said once more. */
  assertAll(standing: Standing): void {
    const channel = this.channel(standing);
    if (channel === undefined) return;
    const changes: ModeChange[] = [];
    const wants = (net: NetUser, status: readonly string[]): void => {
      const has = channel.members.get(net)?.status;
      if (has !== undefined) for (const mode of status) if (!has.has(mode)) changes.push({ add: true, mode, param: net.id });
    };
    if (standing.service !== undefined) wants(standing.service, this.#serviceStatus);
    for (const member of this.#people()) {
      const introduced = standing.ours.get(member.user);
      if (introduced !== undefined) wants(introduced.net, this.#statusOf(member));
    }
    this.modes(standing, undefined, [...changes, ...configModes(this.room.config)]);
    this.#assertBans(standing);
  }

  /** What was changed here while the link was down, in its last form, where the channel has not got it yet. */
  catchUp(standing: Standing, config: Partial<RoomConfig>, unbanned: ReadonlySet<string>): void {
    const channel = this.channel(standing);
    if (channel === undefined) return;
    const changed = new Set(configModes(config).map(({ mode }) => mode));
    const lifted = new Set([...unbanned].map(banKey));
    const set = [...modeDifferences(this.room, standing.live.state, channel)].filter(([mode]) => changed.has(mode));
    const unset = [...foreignBans(this.room, channel)].filter(([key]) => lifted.has(key));
    this.modes(
      standing,
      undefined,
      [...set, ...unset].map(([, change]) => change),
    );
  }

  /** A line of the bridge's own, by its service. */
  notice(standing: Standing, text: string): void {
    const { live, service } = standing;
    if (service === undefined || service.gone) return;
    live.say({ kind: 'message', source: service.id, target: { kind: 'channel', name: this.channelName }, notice: true, text });
  }

  sayRecord(standing: Standing, record: LogRecord, again = false): void {
    const { live, ours } = standing;
    const { content } = record;
    switch (content.kind) {
      case 'message': {
        const from = this.#authorThere(standing, content.author);
        if (from === undefined) {
          live.drop('a message of somebody who may not speak there');
          return;
        }
        speak(live, from.net, channelThere(this.channelName), { ...record, content }, { again, now: this.#bridge.host.clock.now() });
        break;
      }
      case 'topic':
        this.topic(standing, ours.byAddress(content.author.address)?.net.id ?? live.state.us.id, content.topic, content.author.nick);
        break;
      case 'network':
        this.notice(standing, networkLine(content, this.#bridge.host.networks.get(content.network)?.title));
        break;
      case 'ban':
        this.modes(standing, content.author, [{ add: content.add, mode: 'ban', param: content.ban.mask }]);
        break;
      case 'config':
        this.modes(standing, content.author, configModes(content.changes));
        break;
      case 'affiliation':
      case 'kick':
      case 'join':
      case 'leave':
      case 'nick':
      case 'private':
      case 'invitation':
        break;
      default:
        content satisfies never;
    }
  }

  /** The author over there, in the channel; who has gone comes back for it, without status. */
  #authorThere(standing: Standing, author: Author): Introduced | undefined {
    const user = this.#bridge.host.users.byAddress(author.address);
    if (user !== undefined && this.#keptOut.has(user.id)) return undefined;
    const introduced = standing.ours.author(author);
    if (introduced === undefined) return undefined;
    const channel = this.channel(standing);
    if (channel === undefined) return undefined;
    if (!channel.members.has(introduced.net)) {
      if (this.#isBarred(standing, introduced.net)) return undefined;
      this.#join(standing, introduced.net, []);
    }
    const silent = this.#bridge.barred.isSilenced(standing.live, introduced.net, introduced.address);
    return !silent && this.#maySpeak(standing, channel, introduced.net) ? introduced : undefined;
  }

  /** Servers of an IRC network each hold their own people to a channel's modes; so do we with ours. */
  #maySpeak(standing: Standing, channel: NetChannel, net: NetUser): boolean {
    if (standing.live.state.rules.modes.rank(channel.members.get(net)?.status ?? []) >= ranks.voice) return true;
    const moderated = channel.modes.has('moderated') && this.#bridge.grants('mode');
    return !moderated && !this.#isBarred(standing, net);
  }

  /** Who came only to say what had waited leaves the channel again. */
  dismiss(standing: Standing): void {
    const channel = this.channel(standing);
    for (const introduced of standing.ours.all()) {
      if (!introduced.ghost && channel?.members.has(introduced.net) === true && !this.room.members.has(introduced.id))
        standing.live.say({ kind: 'part', user: introduced.net.id, channel: channel.name, reason: 'said what had waited' });
    }
  }

  topic(standing: Standing, source: string, text: string, setter: string): void {
    const { live } = standing;
    const channel = this.channel(standing);
    if (channel === undefined) return;
    const fromServer = source === live.state.us.id;
    live.say({
      kind: 'topic',
      source,
      channel: channel.name,
      ts: channel.ts,
      topicTs: Math.max(this.#seconds, channel.topic.at + 1),
      text,
      ...(fromServer ? { setter: setter.replace(/\s/g, '_') || live.state.us.name } : {}),
    });
  }

  modes(standing: Standing, by: Author | undefined, changes: readonly ModeChange[]): void {
    const channel = this.channel(standing);
    if (channel === undefined || changes.length === 0) return;
    const source = (by === undefined ? undefined : standing.ours.byAddress(by.address)?.net.id) ?? standing.live.state.us.id;
    standing.live.say({ kind: 'modes', source, channel: channel.name, ts: channel.ts, changes });
  }

  /** Moderators are operators over there; where the link shows none, they have voice, so that they can speak when that is asked for. */
  #statusOf(member: Pick<Member, 'affiliation' | 'operator' | 'voice'>): string[] {
    const moderator = roleOf(member, false) === 'moderator';
    const op = moderator && this.#bridge.config.operators;
    return [...(op ? ['op'] : []), ...(member.voice || (moderator && !op) ? ['voice'] : [])];
  }

  change(standing: Standing, change: RoomChange): void {
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
      const introduced = this.#admitted(standing, user);
      if (introduced !== undefined) this.#join(standing, introduced.net, this.#statusOf(view));
    }
  }

  #join(standing: Standing, net: NetUser, status: readonly string[]): void {
    const { live } = standing;
    const channel = this.channel(standing);
    if (net.gone || channel?.members.has(net) === true) return;
    const member = { user: net.id, status, membership: live.nextVisit() };
    const ts = channel?.ts ?? this.#seconds;
    live.say({ kind: 'members', source: live.state.us.id, channel: this.channelName, ts, modes: [], members: [member] });
  }

  keepOut(user: UserId): void {
    this.#keptOut.add(user);
  }

  /** Somebody of ours as a user over there, whom the channel takes. */
  #admitted(standing: Standing, user: User): Introduced | undefined {
    if (this.#keptOut.has(user.id)) return undefined;
    const introduced = standing.ours.introduce(user);
    return introduced === undefined || this.#isBarred(standing, introduced.net) ? undefined : introduced;
  }

  /** A ban over there bars those of ours whom it meets, there alone. */
  #isBarred(standing: Standing, user: NetUser): boolean {
    const channel = this.channel(standing);
    if (channel === undefined || !this.#bridge.grants('ban')) return false;
    const { state } = standing.live;
    return listMatches(state, channel, 'ban', user) && !listMatches(state, channel, 'banexception', user);
  }

  /** Bans may have been lifted there, or nicks collided: who of ours is missing goes in. */
  letIn(standing: Standing): void {
    if (standing.service !== undefined) this.#join(standing, standing.service, this.#serviceStatus);
    for (const member of this.#people()) {
      const introduced = this.#admitted(standing, member.who);
      if (introduced !== undefined) this.#join(standing, introduced.net, this.#statusOf(member));
    }
  }

  #left(standing: Standing, change: Extract<RoomChange, { kind: 'left' }>): void {
    const { live, ours, theirs } = standing;
    const channel = this.channel(standing);
    if (channel === undefined) return;
    const { cause } = change;
    for (const view of change.members) {
      this.#keptOut.delete(view.user);
      const introduced = ours.get(view.user);
      const net = introduced?.net ?? theirs.byAddress(view.address);
      if (net === undefined || !channel.members.has(net)) continue;
      switch (cause.kind) {
        case 'leave':
        case 'room-closed':
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
    this.modes(standing, change.by, changes);
  }
}
