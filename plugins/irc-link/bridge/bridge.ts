/** One network and the core: carries facts both ways while the link stands, and what waited when it stands again. */
import {
  ircNetworkAddress,
  parseEventId,
  type Host,
  type LinkStatus,
  type Network,
  type NetworkHandler,
  type PrivateRecord,
  type Unicast,
  type User,
  type UserAddress,
  type UserChange,
} from '../../../server/plugin.ts';
import { buildCtcp, parseCtcp, parseCtcpUnicast } from '../../irc/ctcp.ts';
import type { IrcMessage } from '../../irc/line.ts';
import type { Config, NetworkConfig } from '../config.ts';
import { dialects } from '../dialects/index.ts';
import type { Peer } from '../link/handshaking.ts';
import { applyFact } from '../model/apply.ts';
import type { Effect } from '../model/effects.ts';
import type { Fact } from '../model/facts.ts';
import type { NetChannel, NetUser } from '../model/state.ts';
import { Live } from './live.ts';
import { Ours } from './ours.ts';
import { Positions } from './positions.ts';
import { SharedRoom } from './shared-room.ts';
import { fromLine, toLines } from './text.ts';
import { Theirs } from './theirs.ts';

/** Everything that lasts as long as one link. */
export interface Standing {
  readonly live: Live;
  readonly ours: Ours;
  readonly theirs: Theirs;
  /** Our one visible member. */
  readonly service: NetUser;
  bursting: boolean;
}

/** Milliseconds after which somebody who shares nothing with the network any more leaves it. */
const idleLimit = 600_000;
/** Malformed or unknown lines after which a peer is no longer trusted to make sense. Threat class A9. */
const mostNonsense = 1_000;

export class Bridge implements NetworkHandler {
  readonly host: Host;
  readonly settings: Config;
  readonly config: NetworkConfig;
  readonly network: Network;
  readonly positions: Positions;
  readonly rooms: SharedRoom[] = [];
  standing: Standing | undefined;
  #nonsense = 0;
  /** What a PING that is under way will prove. */
  #outstanding: ReadonlyMap<SharedRoom, number> | undefined;

  constructor(host: Host, settings: Config, config: NetworkConfig) {
    this.host = host;
    this.settings = settings;
    this.config = config;
    this.positions = new Positions(host, config.label);
    this.network = host.networks.declare(
      { address: ircNetworkAddress(config.label, host.domain), title: config.title ?? config.label, label: config.label },
      this,
    );
  }

  /** Makes the rooms, reads how far the peer was. */
  async start(): Promise<void> {
    await this.positions.load();
    for (const { room: name, channel } of this.config.rooms) {
      const room = this.host.rooms.ensure(name, { persistent: true });
      if (!room.ok) throw new Error(`network ${this.config.label}: the room "${name}" cannot be made: ${room.refusal.text}`);
      const shared = new SharedRoom(this, room.value, channel);
      shared.attach(this.network.mirror(room.value, shared));
      this.rooms.push(shared);
    }
  }

  stop(): void {
    this.network.withdraw('the link was ended');
  }

  get phase(): LinkStatus['state'] {
    if (this.standing === undefined) return 'down';
    if (this.standing.bursting) return 'bursting';
    return this.rooms.length > 0 && this.rooms.every((room) => room.phase === 'suspended') ? 'suspended' : 'up';
  }

  details(): Readonly<Record<string, string | number>> {
    const { standing } = this;
    let dropped = 0;
    for (const count of standing?.live.droppedBy.values() ?? []) dropped += count;
    return {
      rooms: this.rooms.map((room) => `${room.channelName}${room.phase === 'suspended' ? ' (suspended)' : ''}`).join(' '),
      servers: standing === undefined ? 0 : standing.live.state.servers.size - 1,
      users: standing === undefined ? 0 : standing.live.state.users.size - standing.ours.count - 1,
      introduced: standing?.ours.count ?? 0,
      dropped,
    };
  }

  // ---- the link

  linked(peer: Peer): void {
    const live = new Live(peer, dialects.get(this.config.dialect)!.userId);
    const { state } = live;
    const ours = new Ours(this.host, this.network, live);
    const now = Math.floor(this.host.clock.now() / 1_000);
    peer.wire.send(peer.established.send);
    live.say({ kind: 'burst', server: state.us.id, clock: now });
    const id = live.freeUserId();
    live.say({
      kind: 'user',
      server: state.us.id,
      id,
      nick: this.config.service_nick,
      nickTs: now,
      ident: 'service',
      realHost: this.config.server_name,
      host: this.config.server_name,
      ip: '0.0.0.0',
      signon: now,
      realName: `Link to ${this.host.title} (${this.host.domain})`,
      account: null,
      away: null,
      bot: true,
    });
    live.say({ kind: 'end-of-burst', server: state.us.id });
    this.#nonsense = 0;
    this.#outstanding = undefined;
    this.standing = { live, ours, theirs: new Theirs(this.network, state), service: state.users.get(id)!, bursting: true };
  }

  /** Everybody who was behind the link is lost at once. */
  unlinked(reason: string): void {
    const { standing } = this;
    this.standing = undefined;
    if (standing === undefined) return;
    const people = standing.theirs.all();
    for (const room of this.rooms) room.end();
    if (!standing.bursting) this.network.announce(false, reason);
    this.network.split(people, this.config.server_name, this.config.peer_name);
    for (const introduced of standing.ours.all()) this.network.unwatch(introduced.id);
    void this.positions.save();
  }

  /** A clean end: the peer has read all that was written before. */
  goodbye(reason: string): void {
    const { standing } = this;
    if (standing === undefined) return;
    standing.live.write({ kind: 'split', source: standing.live.state.us.id, server: standing.live.state.us.id, reason });
  }

  /** Once a second: what is known to have arrived, who is no longer needed, and whether the peer lives. */
  beat(silent: boolean): void {
    const { standing } = this;
    if (standing === undefined) return;
    const waiting = this.rooms.some((room) => room.written > (this.positions.get(room.room.address)?.number ?? 0));
    if (this.#outstanding === undefined && (silent || waiting)) {
      this.#outstanding = new Map(this.rooms.map((room) => [room, room.written]));
      standing.live.write({ kind: 'ping', source: standing.live.state.us.id, target: standing.live.state.peer.id });
    }
    this.#retireIdle(standing);
    void this.positions.save();
  }

  #arrived(): void {
    for (const [room, number] of this.#outstanding ?? []) {
      const place = this.positions.get(room.room.address);
      if (number > (place?.number ?? 0)) this.positions.set(room.room.address, { number, channelTs: place?.channelTs ?? null });
    }
    this.#outstanding = undefined;
  }

  #retireIdle(standing: Standing): void {
    const now = this.host.clock.now();
    for (const introduced of [...standing.ours.all()]) {
      if (introduced.net.channels.size > 0) introduced.neededAt = now;
      else if (now - introduced.neededAt > idleLimit) standing.ours.quit(introduced, 'left the shared rooms');
    }
  }

  // ---- from there to here

  receive(line: IrcMessage): void {
    const { standing } = this;
    if (standing === undefined) return;
    const decoded = standing.live.peer.established.codec.decode(line);
    if (decoded === 'unknown' || decoded === 'malformed') {
      standing.live.drop(`${decoded} ${line.command.slice(0, 20)}`);
      this.#nonsense++;
      if (this.#nonsense > mostNonsense) standing.live.peer.wire.close('Too much that makes no sense');
      return;
    }
    for (const fact of decoded) this.#fact(standing, fact);
  }

  #fact(standing: Standing, fact: Fact): void {
    for (const effect of applyFact(standing.live.state, fact, 'theirs')) {
      if (this.standing !== standing) return;
      this.#effect(standing, effect);
    }
  }

  #sharedOf(channel: NetChannel): SharedRoom | undefined {
    const { fold } = this.standing!.live.state.rules;
    const name = fold(channel.name);
    return this.rooms.find((room) => fold(room.channelName) === name);
  }

  #effect(standing: Standing, effect: Effect): void {
    const { live, ours, theirs } = standing;
    switch (effect.kind) {
      case 'end-of-burst':
        if (effect.server === live.state.peer && standing.bursting) this.#burstEnded(standing);
        break;
      case 'renamed':
        theirs.renamed(effect.user);
        break;
      case 'changed':
        theirs.changed(effect.user);
        break;
      case 'quit':
        theirs.quit(effect.user, effect.reason);
        break;
      case 'lost': {
        const people = effect.users.flatMap((user) => theirs.forget(user) ?? []);
        if (people.length > 0) this.network.split(people, effect.near, effect.far);
        break;
      }
      case 'joined':
      case 'parted':
      case 'kicked':
      case 'status':
      case 'lists':
      case 'topic':
        if (!standing.bursting) this.#sharedOf(effect.channel)?.effect(standing, effect);
        break;
      case 'message':
        this.#message(standing, effect);
        break;
      case 'typing': {
        const shared = this.#sharedOf(effect.channel);
        const user = theirs.known(effect.source);
        if (shared !== undefined && user !== undefined) this.host.rooms.typing(user, shared.room, effect.state, shared);
        break;
      }
      case 'invited':
        this.#invited(standing, effect);
        break;
      case 'killed':
        this.#killed(standing, effect);
        break;
      case 'nick-lost':
        if (effect.user === standing.service) this.#renameService(standing);
        else ours.settle([effect]);
        break;
      case 'idle-question':
        this.#idle(standing, effect.user, effect.asker);
        break;
      case 'ping':
        live.write({ kind: 'pong', source: live.state.us.id, target: effect.source.id });
        break;
      case 'pong':
        this.#arrived();
        break;
      case 'answer':
        live.write(effect.fact);
        break;
      case 'dropped':
        live.drop(effect.why);
        break;
      case 'ended':
        live.peer.wire.close(effect.reason);
        break;
      case 'violation':
        live.peer.wire.close(effect.why);
        break;
      default:
        effect satisfies never;
    }
  }

  #burstEnded(standing: Standing): void {
    standing.bursting = false;
    for (const room of this.rooms)
      room.begin(standing).catch((error: unknown) => {
        this.host.log.error({ err: error, network: this.config.label, room: room.room.address }, 'sharing a room failed');
        standing.live.peer.wire.close('Internal error');
      });
    this.network.announce(true, '');
  }

  #message(standing: Standing, { source, target, fact }: Extract<Effect, { kind: 'message' }>): void {
    if (!('nick' in source)) return;
    const body = fromLine(fact.text, fact.notice);
    const id = fact.id === undefined ? undefined : parseEventId(fact.id);
    const known = { ...(id === undefined ? {} : { id }), ...(fact.time === undefined ? {} : { born: fact.time }) };
    if ('channel' in target) {
      const shared = target.status === undefined && body !== undefined ? this.#sharedOf(target.channel) : undefined;
      if (shared === undefined || body === undefined || standing.bursting) return;
      const [user] = standing.theirs.introduce([source]);
      void shared.mirror.said(user!, { ...body, ...known });
      return;
    }
    if (target.user === standing.service) {
      this.#toService(standing, source, fact.text, fact.notice);
      return;
    }
    const to = standing.ours.byNet(target.user);
    if (to === undefined) return;
    to.neededAt = this.host.clock.now();
    const [user] = standing.theirs.introduce([source]);
    if (body === undefined) {
      const { verb, text } = parseCtcp(fact.text)!;
      this.host.users.unicast({ from: user!, to: to.id, protocol: 'ctcp', data: { answer: fact.notice, verb, text } });
      return;
    }
    void this.network.privateMessage(user!, to.address, { ...body, ...known });
  }

  #toService(standing: Standing, from: NetUser, text: string, notice: boolean): void {
    const ctcp = parseCtcp(text);
    if (notice || (ctcp !== undefined && ctcp.verb !== 'VERSION')) return;
    const answer =
      ctcp === undefined
        ? `I stand for ${this.host.title} (${this.host.domain}) in the channels that are shared with it: ${this.rooms.map((room) => room.channelName).join(', ')}.`
        : buildCtcp({ verb: 'VERSION', text: `Banyan ${this.host.version}` });
    standing.live.say({
      kind: 'message',
      source: standing.service.id,
      target: { kind: 'user', user: from.id },
      notice: true,
      text: answer,
    });
  }

  #invited(standing: Standing, { by, user, channel }: Extract<Effect, { kind: 'invited' }>): void {
    const to = standing.ours.byNet(user);
    const { fold } = standing.live.state.rules;
    const shared = this.rooms.find((room) => fold(room.channelName) === fold(channel));
    if (to === undefined || shared === undefined) return;
    const [from] = standing.theirs.introduce([by]);
    void this.host.rooms.invite(from!, shared.room, to.address, '');
  }

  #killed(standing: Standing, { user, by, reason }: Extract<Effect, { kind: 'killed' }>): void {
    if (user === standing.service) {
      for (const room of this.rooms) room.suspend(standing, by);
      return;
    }
    const introduced = standing.ours.byNet(user);
    if (introduced === undefined) return;
    standing.ours.forget(introduced);
    const target = this.host.users.get(introduced.id);
    if (target !== undefined) this.network.killed(target, by, reason);
  }

  /** Somebody there has our service's nick: it adds a dash until one is free. */
  #renameService(standing: Standing): void {
    const { live, service } = standing;
    let nick = this.config.service_nick;
    while (live.state.nicks.has(live.state.rules.fold(nick))) nick += '-';
    live.say({ kind: 'nick', user: service.id, nick, ts: Math.floor(this.host.clock.now() / 1_000) });
  }

  #idle(standing: Standing, user: NetUser, asker: NetUser): void {
    const introduced = standing.ours.byNet(user);
    const live = introduced === undefined ? undefined : this.host.users.get(introduced.id);
    const idle = live === undefined ? 0 : Math.max(0, Math.floor((this.host.clock.now() - live.activeAt) / 1_000));
    standing.live.write({ kind: 'idle-answer', user: user.id, asker: asker.id, signon: user.signon, idle });
  }

  // ---- from here to there

  privateMessage(record: PrivateRecord, to: User): void {
    const { standing } = this;
    const target = standing?.theirs.byAddress(to.address);
    if (standing === undefined || target === undefined) return;
    const author = this.host.users.byAddress(record.content.author.address);
    if (author === undefined) return;
    const { live } = standing;
    const from = standing.ours.introduce(author);
    const { content } = record;
    if (content.kind === 'invitation') {
      const shared = this.rooms.find((room) => room.room.address === content.room);
      const channel = shared === undefined ? undefined : shared.channel(standing);
      if (channel !== undefined) live.say({ kind: 'invite', source: from.net.id, user: target.id, channel: channel.name, ts: channel.ts });
      return;
    }
    for (const [index, text] of toLines(content, from.net, target.nick, live.peer.established.limits.line).entries())
      live.say({
        kind: 'message',
        source: from.net.id,
        target: { kind: 'user', user: target.id },
        notice: content.style === 'notice',
        text,
        time: record.born,
        id: index === 0 ? record.id : `${record.id}-${index}`,
      });
  }

  unicast(message: Unicast, to: User): void {
    const { standing } = this;
    const target = standing?.theirs.byAddress(to.address);
    const ctcp = message.protocol === 'ctcp' ? parseCtcpUnicast(message.data) : undefined;
    const author = this.host.users.get(message.from.id);
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

  userChanged(change: UserChange): void {
    const { standing } = this;
    const introduced = standing?.ours.get(change.before.id);
    if (standing === undefined || introduced === undefined) return;
    const { live, ours } = standing;
    const user = introduced.net.id;
    switch (change.kind) {
      case 'nick':
        ours.rename(change.after);
        break;
      case 'away':
        live.say({ kind: 'away', user, text: change.after.away });
        break;
      case 'account':
        live.say({ kind: 'account', source: live.state.us.id, user, account: change.after.account });
        break;
      case 'profile':
        if (change.before.realName !== change.after.realName) live.say({ kind: 'profile', user, realName: change.after.realName });
        break;
      case 'quit':
        ours.quit(introduced, change.reason);
        break;
      default:
        change satisfies never;
    }
  }

  killed(target: User, by: string, reason: string): void {
    const { standing } = this;
    const net = standing?.theirs.byAddress(target.address);
    if (standing === undefined || net === undefined) return;
    standing.live.say({ kind: 'kill', source: standing.live.state.us.id, user: net.id, reason: `Killed (${by} (${reason}))` });
    standing.theirs.quit(net, `Killed (${by} (${reason}))`);
  }

  /** Somebody of the network whom nobody here has met yet. */
  resolve(address: UserAddress): User | undefined {
    const net = this.standing?.theirs.find(address);
    return net === undefined ? undefined : this.standing!.theirs.introduce([net])[0];
  }
}
