/** Foreign networks: their people, their mirrors, and the facts that they report. */
import type {
  ExpectedPerson,
  ForeignUser,
  HomeCopy,
  Mirror,
  Network,
  NetworkHandler,
  NetworkOptions,
  Networks,
  OutboundLog,
  RoomHomes,
} from '../contract/networks.ts';
import type { Follower, Room } from '../contract/rooms.ts';
import type { PrivateBody, PrivateRecord, Session, SessionHandler, SessionOptions, User } from '../contract/users.ts';
import type { NetworkAddress, UserAddress } from '../model/address.ts';
import { networkOfOutbound, outboundLog, type Author, type LogAddress } from '../model/event.ts';
import type { UserId } from '../model/ids.ts';
import { refused, type Outcome } from '../model/outcome.ts';
import { oneLine } from '../model/text.ts';
import type { Context } from './context.ts';
import type { Membership } from './membership.ts';
import { RoomHome, RoomMirror } from './mirrors.ts';
import type { Moderation } from './moderation.ts';
import type { PrivateMessages, Resolver } from './private-messages.ts';
import { authorOf, UserState, viewUser, type MemberState, type NetworkState, type RoomState } from './state.ts';
import type { Talk } from './talk.ts';
import type { UserDirectory } from './users.ts';

interface Parts {
  readonly context: Context;
  readonly membership: Membership;
  readonly talk: Talk;
  readonly moderation: Moderation;
  readonly users: UserDirectory;
  readonly privateMessages: PrivateMessages;
}

export class NetworkDirectory implements Networks {
  readonly #parts: Parts;
  readonly #declared = new Map<NetworkAddress, ForeignNetwork>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @throws Error when the address or the label is declared already */
  declare(options: NetworkOptions, handler: NetworkHandler): Network {
    if (this.#declared.has(options.address)) throw new Error(`the network ${options.address} is declared already`);
    if (this.byLabel(options.label) !== undefined)
      throw new Error(`a network labelled "${options.label}" is declared already; labels are unique on a server`);
    const network = new ForeignNetwork(this.#parts, options, handler, () => this.#declared.delete(options.address));
    this.#declared.set(options.address, network);
    return network;
  }

  resolver(scheme: 'xmpp' | 'irc', find: (address: UserAddress) => User | ExpectedPerson | undefined): () => void {
    const { resolvers } = this.#parts.privateMessages;
    const resolve = find as Resolver;
    resolvers.set(scheme, resolve);
    return () => {
      if (resolvers.get(scheme) === resolve) resolvers.delete(scheme);
    };
  }

  homes(scheme: 'xmpp', homes: RoomHomes): () => void {
    return this.#parts.context.homes.offer(scheme, homes);
  }

  get(address: NetworkAddress): Network | undefined {
    return this.#declared.get(address);
  }
  byLabel(label: string): Network | undefined {
    for (const network of this.#declared.values()) if (network.label === label) return network;
    return undefined;
  }
  all(): Iterable<Network> {
    return this.#declared.values();
  }

  *outbound(): Iterable<readonly [NetworkAddress, number]> {
    for (const [log, { number }] of this.#parts.context.logbook.all()) {
      const network = networkOfOutbound(log);
      if (network !== undefined) yield [network, number];
    }
  }
}

class Outbound implements OutboundLog {
  readonly #context: Context;
  readonly #log: LogAddress;

  constructor(context: Context, log: LogAddress) {
    this.#context = context;
    this.#log = log;
  }

  get last(): number {
    return this.#context.logbook.last(this.#log).number;
  }

  async read(after: number, limit: number): Promise<readonly PrivateRecord[]> {
    await this.#context.delivery.shown();
    // Nothing else is ever appended to such a log.
    return (await this.#context.storage.read(this.#log, { after, limit, take: 'first' })) as readonly PrivateRecord[];
  }
}

export class ForeignNetwork implements Network {
  readonly address: NetworkAddress;
  readonly title: string;
  readonly label: string;
  readonly outbound: OutboundLog;
  readonly state: NetworkState;
  readonly parts: Parts;
  readonly #forget: () => void;

  constructor(parts: Parts, options: NetworkOptions, handler: NetworkHandler, forget: () => void) {
    this.parts = parts;
    this.address = options.address;
    this.title = oneLine(options.title);
    this.label = options.label;
    this.#forget = forget;
    this.outbound = new Outbound(parts.context, outboundLog(options.address));
    this.state = { address: options.address, handler, watched: new Set(), people: new Map(), mirrors: new Map() };
    parts.context.directory.networks.set(options.address, this.state);
  }

  get users(): ReadonlyMap<UserAddress, User> {
    return this.state.people;
  }

  shown(): Promise<void> {
    return this.parts.context.delivery.shown();
  }

  introduce(users: readonly ForeignUser[]): readonly User[] {
    return users.map((facts) => {
      const known = this.state.people.get(facts.address);
      if (known !== undefined) {
        this.update(known, facts);
        if (known.nick !== facts.nick) this.rename(known, facts.nick);
        return known;
      }
      this.#mayTake(facts.address);
      const user = new UserState({
        id: this.parts.users.mintId(),
        kind: 'foreign',
        guest: false,
        since: this.parts.context.clock.now(),
        network: this.address,
        address: facts.address,
        nick: oneLine(facts.nick),
        ident: oneLine(facts.ident),
        host: oneLine(facts.host),
        realName: oneLine(facts.realName),
        account: facts.account ?? null,
      });
      user.away = facts.away == null ? null : oneLine(facts.away);
      user.bot = facts.bot ?? false;
      this.state.people.set(facts.address, user);
      this.parts.users.introduce(user);
      return user;
    });
  }

  /** @throws Error when somebody who is not of this network has that address. Threat class A9. */
  #mayTake(address: UserAddress): void {
    const holder = this.parts.context.directory.byAddress.get(address);
    if (holder !== undefined && holder.network !== this.address) throw new Error(`${address} belongs to somebody of another network`);
  }

  /** Only this network's people may be spoken for. Threat classes A9, A10. */
  own(user: User): UserState {
    const state = user as UserState;
    if (state.network !== this.address) throw new Error(`${this.address} speaks for ${state.address}, who is not of that network`);
    return state;
  }

  rename(target: User, nick: string, address?: UserAddress): void {
    const user = this.own(target);
    if (user.gone) return;
    if (address !== undefined && address !== user.address) {
      this.#mayTake(address);
      if (this.state.people.get(user.address) === user) this.state.people.delete(user.address);
      this.state.people.set(address, user);
    }
    this.parts.users.renamed(user, oneLine(nick), address ?? user.address);
  }

  update(target: User, change: Parameters<Network['update']>[1]): void {
    const user = this.own(target);
    if (user.gone) return;
    const { audience } = this.parts.context;
    const before = viewUser(user);
    if (change.account !== undefined && change.account !== user.account) {
      user.account = change.account;
      audience.tell(user, { kind: 'account', before, after: viewUser(user) });
    }
    if (change.away !== undefined) this.parts.users.setAway(user, change.away);
    const profile = { ident: change.ident ?? user.ident, host: change.host ?? user.host, realName: change.realName ?? user.realName };
    if (profile.ident === user.ident && profile.host === user.host && profile.realName === user.realName) return;
    const view = viewUser(user);
    user.ident = oneLine(profile.ident);
    user.host = oneLine(profile.host);
    user.realName = oneLine(profile.realName);
    audience.tell(user, { kind: 'profile', before: view, after: viewUser(user) });
  }

  retire(user: User, reason: string): void {
    this.parts.users.quit(this.own(user), reason);
  }

  split(users: readonly User[], near: string, far: string): void {
    const lost = new Map<RoomState, MemberState[]>();
    for (const target of users) {
      const user = this.own(target);
      if (user.gone) continue;
      for (const room of user.rooms) {
        const member = room.members.get(user.id)!;
        const members = lost.get(room);
        if (members === undefined) lost.set(room, [member]);
        else members.push(member);
      }
    }
    for (const [room, members] of lost) {
      this.parts.membership.remove(
        room,
        members,
        { kind: 'split', network: this.address, near: oneLine(near), far: oneLine(far) },
        this.state.mirrors.get(room),
      );
    }
    for (const target of users) {
      const user = target as UserState;
      for (const session of user.sessions) this.parts.users.end(session, 'the link to your network broke');
      if (!user.gone) this.parts.context.audience.lost(user, `${oneLine(near)} ${oneLine(far)}`);
      this.parts.users.forget(user);
    }
  }

  connect(user: User, options: SessionOptions, handler: SessionHandler): Session {
    return this.parts.users.openSession(this.own(user), { attach: 'none', ...options }, handler);
  }

  mirror(target: Room, follower: Follower): Mirror {
    const room = target as RoomState;
    if (this.state.mirrors.has(room)) throw new Error(`${this.address} mirrors ${room.address} already`);
    return new RoomMirror(this, room, follower);
  }

  home(target: Room, follower: Follower): HomeCopy {
    const room = target as RoomState;
    if (this.state.mirrors.has(room)) throw new Error(`${this.address} has ${room.address} already`);
    return new RoomHome(this, room, follower);
  }

  watch(user: UserId): void {
    this.state.watched.add(user);
  }
  unwatch(user: UserId): void {
    this.state.watched.delete(user);
  }

  privateMessage(from: User, to: UserAddress, body: PrivateBody): Promise<Outcome<PrivateRecord>> {
    const sender = this.own(from);
    if (this.state.people.has(to)) return Promise.resolve(refused('no-such-user', 'The network delivers to its own people itself.'));
    return new Promise((told) => this.parts.privateMessages.send(sender, to, body, undefined, told));
  }

  killed(target: User, by: string, reason: string): void {
    const user = target as UserState;
    const author = this.author(by);
    for (const room of [...this.state.mirrors.keys()]) {
      const member = room.members.get(user.id);
      if (member !== undefined)
        void this.parts.moderation.kicked(room, member, author, reason, false, this.state.mirrors.get(room), { origin: this.address });
    }
  }

  announce(present: boolean, reason: string): void {
    for (const room of this.state.mirrors.keys()) this.announceIn(room, present, reason);
  }

  announceIn(
    room: RoomState,
    present: boolean,
    reason: string,
    waited: { readonly crossing?: number; readonly leftOut?: number } = {},
  ): void {
    const { delivery, logbook } = this.parts.context;
    let count = 0;
    for (const member of room.members.values()) if (member.who.network === this.address) count++;
    const content = { kind: 'network', network: this.address, present, count, reason: oneLine(reason), ...waited } as const;
    delivery.record(room, logbook.next(room.log, content, { origin: this.address }), this.state.mirrors.get(room));
  }

  withdraw(reason: string): void {
    this.split([...this.state.people.values()], this.parts.context.domain, this.title);
    for (const room of [...this.state.mirrors.keys()]) this.unmirror(room);
    this.parts.context.directory.networks.delete(this.address);
    this.parts.context.log.info({ network: this.address, reason }, 'a network is withdrawn');
    this.#forget();
  }

  unmirror(room: RoomState): void {
    const follower = this.state.mirrors.get(room);
    if (follower === undefined) return;
    this.state.mirrors.delete(room);
    room.followers.delete(follower);
    room.networks.delete(this.address);
    this.parts.membership.closeWhenEmpty(room);
  }

  /** A person of the network, or one of its servers by name. */
  author(by: User | string): Author {
    if (typeof by !== 'string') return authorOf(this.own(by));
    const nick = oneLine(by);
    return { address: `${this.address}/${nick}` as UserAddress, nick, network: this.address };
  }
}
