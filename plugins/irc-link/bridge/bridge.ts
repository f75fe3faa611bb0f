/** One network and the core: carries facts both ways while the link stands, and what waited when it stands again. */
import {
  ircNetworkAddress,
  type ExpectedPerson,
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
import type { IrcMessage } from '../../irc/line.ts';
import type { Config, NetworkConfig } from '../config.ts';
import { dialects } from '../dialects/index.ts';
import type { Peer } from '../link/handshaking.ts';
import { Barred } from './barred.ts';
import { Dropped } from './dropped.ts';
import { Inward } from './inward.ts';
import { KilledHere } from './killed-here.ts';
import { Live } from './live.ts';
import { Outbound } from './outbound.ts';
import { Ours } from './ours.ts';
import { Positions } from './positions.ts';
import { PrivateTraffic } from './private.ts';
import { Service } from './service.ts';
import { ServiceHere } from './service-here.ts';
import { SharedRoom } from './shared-room.ts';
import type { Standing } from './standing.ts';
import { Theirs } from './theirs.ts';

/** Milliseconds after which somebody who shares nothing with the network any more leaves it. */
const idleLimit = 600_000;

/** What a PING that is under way will prove. */
interface Outstanding {
  readonly rooms: ReadonlyMap<SharedRoom, number>;
  readonly outbound: number;
}

export class Bridge implements NetworkHandler {
  readonly host: Host;
  readonly settings: Config;
  readonly config: NetworkConfig;
  readonly network: Network;
  readonly positions: Positions;
  /** Our member over there, and the same as a user here. */
  readonly service: Service;
  readonly serviceHere: ServiceHere;
  readonly barred: Barred;
  readonly killedHere: KilledHere;
  readonly rooms: SharedRoom[] = [];
  readonly privateTraffic: PrivateTraffic;
  readonly outbound: Outbound;
  readonly #inward: Inward;
  /** What was not believed, or could not be delivered, over all links to this network. */
  readonly dropped = new Dropped();
  standing: Standing | undefined;
  #outstanding: Outstanding | undefined;
  #whenProved: (() => void) | undefined;

  /** @param isElsewhere whether another link leads to a server of that name */
  constructor(host: Host, settings: Config, config: NetworkConfig, isElsewhere: (server: string) => boolean) {
    this.host = host;
    this.settings = settings;
    this.config = config;
    this.positions = new Positions(host, config.label);
    this.network = host.networks.declare(
      { address: ircNetworkAddress(config.label, host.domain), title: config.title ?? config.label, label: config.label },
      this,
    );
    this.service = new Service(this);
    this.serviceHere = new ServiceHere(host, this.network, config.service_nick);
    this.killedHere = new KilledHere(host.clock);
    this.barred = new Barred(host, this.network, this.serviceHere);
    this.privateTraffic = new PrivateTraffic(this);
    this.outbound = new Outbound(this);
    this.#inward = new Inward(this, isElsewhere);
  }

  /** Makes the rooms, reads how far the peer was. */
  async start(): Promise<void> {
    await this.positions.load();
    await this.outbound.start();
    for (const { room: name, channel } of this.config.rooms) {
      const room = this.host.rooms.ensure(name, { persistent: true });
      if (!room.ok) throw new Error(`network ${this.config.label}: the room "${name}" cannot be made: ${room.refusal.text}`);
      const shared = new SharedRoom(this, room.value, channel);
      this.rooms.push(shared);
      await shared.start();
    }
  }

  async stop(): Promise<void> {
    await this.outbound.stop();
    this.network.withdraw('the link was ended');
  }

  get phase(): LinkStatus['state'] {
    if (this.standing === undefined) return 'down';
    if (this.standing.bursting) return 'bursting';
    return this.rooms.length > 0 && this.rooms.every((room) => room.phase === 'suspended') ? 'suspended' : 'up';
  }

  details(): Readonly<Record<string, string | number>> {
    const { standing } = this;
    return {
      rooms: this.rooms.map((room) => room.description).join(', '),
      servers: standing === undefined ? 0 : standing.live.state.servers.size - 1,
      users: standing === undefined ? 0 : standing.live.state.users.size - standing.ours.count - (standing.service?.gone === false ? 1 : 0),
      introduced: standing?.ours.count ?? 0,
    };
  }

  /** Messages that the network has not got yet, or has not confirmed. */
  get waiting(): number {
    return this.outbound.waiting + this.rooms.reduce((sum, room) => sum + room.waiting, 0);
  }

  // ---- the link

  linked(peer: Peer): void {
    const { userId } = dialects.get(this.config.dialect)!;
    const live = new Live(peer, userId, this.dropped);
    const { us } = live.state;
    const ours = new Ours(this.host, this.network, live, this.serviceHere, this.barred);
    peer.wire.send(peer.established.send);
    live.say({ kind: 'burst', server: us.id, clock: Math.floor(this.host.clock.now() / 1_000) });
    const service = live.state.rules.collisions === 'save' ? this.service.enter(live) : undefined;
    live.say({ kind: 'end-of-burst', server: us.id });
    this.#outstanding = undefined;
    this.#inward.begin();
    this.standing = { live, ours, theirs: new Theirs(this.network, live.state, this.grants('status')), service, bursting: true };
  }

  /** Everybody who was behind the link is lost at once. */
  unlinked(reason: string): void {
    const { standing } = this;
    this.standing = undefined;
    if (standing === undefined) return;
    const people = standing.theirs.all();
    for (const room of this.rooms) room.end(reason);
    this.outbound.end(standing.bursting ? undefined : standing.live.state);
    this.network.split(people, this.config.server_name, this.config.peer_name);
    for (const introduced of standing.ours.all()) this.network.unwatch(introduced.id);
    void this.positions.save();
  }

  /** A clean end: resolves when the peer has answered for all that was written, or after a second. */
  async goodbye(reason: string): Promise<void> {
    const { standing } = this;
    if (standing === undefined) return;
    await new Promise<void>((resolve) => {
      const timer = this.host.clock.after(1_000, resolve);
      this.#whenProved = () => {
        timer.cancel();
        resolve();
      };
      if (this.#outstanding === undefined) this.#ping(standing);
    });
    if (this.standing !== standing) return;
    standing.live.write({ kind: 'split', source: standing.live.state.us.id, server: standing.live.state.us.id, reason });
  }

  /** Once a second: what is known to have arrived, who is no longer needed, and whether the peer lives. */
  beat(silent: boolean): void {
    const { standing } = this;
    if (standing === undefined) return;
    this.#inward.forgive();
    if (this.barred.beat(standing)) for (const room of this.rooms) room.letInSoon();
    const waiting = this.outbound.unproved || this.rooms.some((room) => room.unproved > 0);
    if (this.#outstanding === undefined && (silent || waiting)) this.#ping(standing);
    for (const room of this.rooms) room.beat(standing);
    this.#retireIdle(standing);
    void this.positions.save();
  }

  #ping({ live }: Standing): void {
    this.#outstanding = { rooms: new Map(this.rooms.map((room) => [room, room.written])), outbound: this.outbound.written };
    live.write({ kind: 'ping', source: live.state.us.id, target: live.state.peer.id });
  }

  /** The peer answered a PING. */
  proved(): void {
    const { rooms, outbound } = this.#outstanding ?? { rooms: [], outbound: 0 };
    for (const [room, number] of rooms) room.proved(number);
    this.outbound.proved(outbound);
    this.#outstanding = undefined;
    void this.positions.save();
    this.#whenProved?.();
    this.#whenProved = undefined;
  }

  #retireIdle({ ours }: Standing): void {
    const now = this.host.clock.now();
    for (const introduced of [...ours.all()]) {
      if (introduced.net.channels.size > 0) introduced.neededAt = now;
      else if (now - introduced.neededAt > idleLimit) ours.quit(introduced, 'left the shared rooms');
    }
  }

  /** A failure of ours ends the link, so that it begins anew with everything right, and nothing else. */
  async guard(standing: Standing, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.host.log.error({ err: error, network: this.config.label }, 'sharing a room failed');
      standing.live.peer.wire.close('Internal error');
    }
  }

  receive(line: IrcMessage): void {
    if (this.standing !== undefined) this.#inward.receive(this.standing, line);
  }

  /** Whether what that network does in this respect counts here. */
  grants(right: NetworkConfig['rights'][number]): boolean {
    return this.config.rights.includes(right);
  }

  sharedOf(channel: string): SharedRoom | undefined {
    if (this.standing === undefined) return undefined;
    const { fold } = this.standing.live.state.rules;
    return this.rooms.find((room) => fold(room.channelName) === fold(channel));
  }

  /** A server of that name is in this network. */
  hasServer(name: string): boolean {
    for (const server of this.standing?.live.state.servers.values() ?? []) if (!server.ours && server.name === name) return true;
    return false;
  }

  // ---- from here to there

  privateMessage(record: PrivateRecord, to: User): void {
    this.outbound.shown(record, to);
  }

  privateMessageWaits(record: PrivateRecord): void {
    this.outbound.shown(record, undefined);
  }

  unicast(message: Unicast, to: User): void {
    this.privateTraffic.unicast(message, to);
  }

  userChanged(change: UserChange): void {
    const { standing } = this;
    if (change.kind === 'quit' && change.killed === true) this.killedHere.add(change.before.address);
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
        // What services over there said stands over there.
        if (!introduced.net.accountGiven || !this.grants('account')) ours.sayAccount(introduced);
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
    const text = `Killed (${by} (${reason}))`;
    standing.live.say({ kind: 'kill', source: standing.live.state.us.id, user: net.id, reason: text });
    standing.theirs.quit(net, text);
  }

  /** Somebody of the network whom nobody here has met yet, or who is expected back. */
  resolve(address: UserAddress): User | ExpectedPerson | undefined {
    const { standing } = this;
    if (standing === undefined || standing.bursting) return this.outbound.expected(address);
    const net = standing.theirs.find(address);
    return net === undefined ? undefined : standing.theirs.introduce([net])[0];
  }
}
