/**
 * Private messages and invitations to the network's people, out of its outbound log: in order, each until the peer is known to have
 * it or its sender was told why not. What is written while the link is away waits there, and crosses when it is back.
 */
import {
  withCircle,
  type Author,
  type ExpectedPerson,
  type PrivateRecord,
  type Timer,
  type User,
  type UserAddress,
} from '../../../server/plugin.ts';
import { dialects } from '../dialects/index.ts';
import type { NetState, NetUser } from '../model/state.ts';
import type { Bridge } from './bridge.ts';
import { circleThere, personThere } from './hearers.ts';
import { Pace } from './pace.ts';
import { undelivered } from './service-here.ts';
import { speak } from './speech.ts';
import type { Standing } from './standing.ts';

/** Its place among the positions; no room has such an address. */
export const outboundPlace = 'outbound';

/** Pairs of people of whom it is remembered that one was told that its messages to the other wait. */
const mostTold = 1_000;
const pageSize = 100;
/** Milliseconds that a timer may have. */
const longest = 3_600_000;

type Phase =
  /** No link, or it is not known yet who is there. `expiry` is for the oldest that waits. */
  | { readonly kind: 'away'; readonly expiry?: Timer }
  /** Says what waited: what was logged up to that number did. */
  | { readonly kind: 'catching-up'; readonly until: number }
  | { readonly kind: 'live' }
  | { readonly kind: 'stopped' };

export class Outbound {
  readonly #bridge: Bridge;
  #phase: Phase = { kind: 'away' };
  /** The last record that was written to the peer, or needs not be. */
  #written = 0;
  /** Up to here it is not known what the peer has got. */
  #doubtful = 0;
  /** Records behind the position about which nothing more needs to be done. */
  readonly #settled = new Set<number>();
  #expiring: Promise<void> | undefined;
  #expireAgain = false;
  readonly #told = new Set<string>();
  /** The network as it was when the link broke. */
  #before: NetState | undefined;
  /** Id of the last message that was for some of a channel. */
  #lastToCircle: string | undefined;

  constructor(bridge: Bridge) {
    this.#bridge = bridge;
  }

  /** Takes up what the last run left. */
  async start(): Promise<void> {
    const { positions, network } = this.#bridge;
    const place = positions.get(outboundPlace);
    const { last } = network.outbound;
    this.#doubtful = place?.written ?? last;
    if (place === undefined) {
      positions.update(outboundPlace, { number: last, written: last });
      await positions.save();
    }
    this.#written = this.#position;
    this.#expire();
  }

  async stop(): Promise<void> {
    this.#become({ kind: 'stopped' });
    await this.#expiring;
  }

  #become(phase: Phase): void {
    if (this.#phase.kind === 'away') this.#phase.expiry?.cancel();
    this.#phase = phase;
  }

  get #position(): number {
    return this.#bridge.positions.get(outboundPlace)?.number ?? 0;
  }

  /** What is still to cross, or to be proved. */
  get waiting(): number {
    return Math.max(0, this.#bridge.network.outbound.last - this.#position - this.#settled.size);
  }

  /** The last record that a PING which leaves now will prove. */
  get written(): number {
    return this.#written;
  }
  get unproved(): boolean {
    return this.#written > this.#position;
  }

  /** The peer is known to have everything up to that record. */
  proved(number: number): void {
    if (number > this.#position) this.#advance(number);
  }

  #advance(position: number): void {
    let number = position;
    for (const settled of this.#settled) if (settled <= number) this.#settled.delete(settled);
    while (this.#settled.delete(number + 1)) number++;
    this.#bridge.positions.update(outboundPlace, { number });
  }

  #settle(number: number): void {
    this.#settled.add(number);
    this.#advance(this.#position);
  }

  // ---- the link comes and goes

  /** It is known who is there: what waited crosses. */
  async begin(standing: Standing): Promise<void> {
    const { positions, network } = this.#bridge;
    this.#become({ kind: 'catching-up', until: network.outbound.last });
    await this.#expiring;
    this.#written = this.#position;
    positions.update(outboundPlace, { written: null });
    // Whoever dies from here on does not know how much it wrote.
    await positions.save();
    await standing.ours.withGhosts(() => this.#catchUp(standing));
  }

  async #catchUp(standing: Standing): Promise<void> {
    const { outbound } = this.#bridge.network;
    const pace = new Pace(this.#bridge.host.clock);
    const stands = (): boolean => this.#bridge.standing === standing;
    while (stands() && this.#written < outbound.last) {
      const page = await outbound.read(this.#written, pageSize);
      if (page.length === 0) break;
      for (const record of page) {
        if (!this.#settled.has(record.number)) await pace.turn();
        if (!stands()) return;
        this.#cross(standing, record, record.content.to.address);
      }
    }
    if (!stands()) return;
    this.#become({ kind: 'live' });
    this.#told.clear();
    this.#before = undefined;
  }

  /** The link broke; `before` is the network as it was, when it was known. */
  end(before: NetState | undefined): void {
    if (this.#phase.kind === 'away' || this.#phase.kind === 'stopped') return;
    this.#before = before ?? this.#before;
    this.#doubtful = Math.max(this.#doubtful, this.#written);
    this.#bridge.positions.update(outboundPlace, { written: this.#doubtful });
    this.#become({ kind: 'away' });
    this.#expire();
  }

  // ---- what is written here

  /** Somebody of the network who is out of reach now, and for whom messages can wait. */
  expected(address: UserAddress): ExpectedPerson | undefined {
    const { network, settings } = this.#bridge;
    const name = this.#nameOf(address);
    if (name === undefined || settings.replay_events === 0 || settings.replay_minutes === 0) return undefined;
    // Without a memory of who was there (a start while the link is away) everybody may have been.
    const known = this.#before?.nicks.get(name);
    if (this.#before === undefined)
      return /^[^\s!@:,#&*?%+~\p{Cc}]{1,64}$/u.test(name) ? { expectedBy: network.address, nick: name } : undefined;
    return known === undefined || known.ours ? undefined : { expectedBy: network.address, nick: known.nick };
  }

  /** The folded nick in an address of the network. */
  #nameOf(address: UserAddress): string | undefined {
    const head = `${this.#bridge.network.address}/`;
    return address.startsWith(head) ? address.slice(head.length) : undefined;
  }

  /** A record that the core has just shown; `to` while that person is known here. */
  shown(record: PrivateRecord, to: User | undefined): void {
    const { standing } = this.#bridge;
    switch (this.#phase.kind) {
      case 'live':
        if (standing === undefined || record.number !== this.#written + 1) return;
        this.#cross(standing, record, (to ?? record.content.to).address);
        standing.ours.dismissGhosts();
        break;
      case 'catching-up':
        // It is found in the log, in its order.
        break;
      case 'away':
        this.#tellThatItWaits(record);
        this.#expire();
        break;
      case 'stopped':
        break;
      default:
        this.#phase satisfies never;
    }
  }

  #tellThatItWaits({ content }: PrivateRecord): void {
    const { author, to } = content;
    const { network, host } = this.#bridge;
    // It is to be known if an administrator throws the author out meanwhile.
    const user = host.users.byAddress(author.address);
    if (user !== undefined) network.watch(user.id);
    const pair = `${author.address} ${to.address}`;
    // Nobody is answered to a notice: two services could go on for ever.
    if ((content.kind === 'private' && content.style === 'notice') || this.#bridge.serviceHere.isAt(to.address) || this.#told.has(pair))
      return;
    if (this.#told.size >= mostTold) this.#told.clear();
    this.#told.add(pair);
    const { serviceHere, settings } = this.#bridge;
    void serviceHere.tell(
      author.address,
      `The link to ${network.title} is away: what you write to ${to.nick} waits, for at most ${settings.replay_minutes} minutes.`,
    );
  }

  // ---- out of the log, and over

  #cross(standing: Standing, record: PrivateRecord, to: UserAddress): void {
    this.#written = record.number;
    if (this.#settled.has(record.number)) return;
    if (this.#bridge.serviceHere.isAt(to)) {
      this.#settle(record.number);
      return;
    }
    const why = this.#outdated(record) ?? this.#write(standing, record, to);
    if (why !== undefined) this.#bounce(record, why);
  }

  /** @returns why it cannot be said */
  #write(standing: Standing, record: PrivateRecord, to: UserAddress): string | undefined {
    const { live, theirs, ours } = standing;
    const { content, number } = record;
    const { rooms, host } = this.#bridge;
    const waited = this.#phase.kind === 'catching-up' && number <= this.#phase.until;
    const target = waited ? this.#whoCameBack(live.state, content.to) : theirs.byAddress(to);
    if (target === undefined) return waited ? 'that person did not come back with the network' : 'that person cannot be reached';
    if (this.#bridge.killedHere.since(record, content.author.address)) return 'an administrator threw you out';
    if (waited && ours.wasKilled(content.author.address)) return 'that network threw you out';
    const from = ours.author(content.author);
    if (from === undefined || this.#bridge.barred.isSilenced(live, from.net, content.author.address)) return 'that network has banned you';
    if (content.kind === 'private') {
      const circle = circleThere(this.#bridge, standing, content, target);
      // The copies of one message come one after the other, and all get the one line.
      if (circle !== undefined && this.#lastToCircle === record.id) return undefined;
      if (circle !== undefined) this.#lastToCircle = record.id;
      const said = circle === undefined ? { ...content, text: withCircle(content) } : content;
      const occasion = { again: number <= this.#doubtful, now: host.clock.now() };
      speak(live, from.net, circle ?? personThere(target), { ...record, content: said }, occasion);
      return undefined;
    }
    const channel = rooms.find((room) => room.room.address === content.room)?.channel(standing);
    if (channel === undefined) return 'that room is not shared with that network';
    live.say({ kind: 'invite', source: from.net.id, user: target.id, channel: channel.name, ts: channel.ts });
    return undefined;
  }

  /** Who was meant before the link broke, and is there now: not somebody else who has that nick meanwhile. */
  #whoCameBack(state: NetState, to: Author): NetUser | undefined {
    const name = this.#nameOf(to.address);
    if (name === undefined) return undefined;
    const holder = state.nicks.get(state.rules.fold(name));
    const now = holder?.ours === false ? holder : undefined;
    const before = this.#before?.nicks.get(name);
    if (before === undefined || before.ours) return now;
    if (dialects.get(this.#bridge.config.dialect)!.serverId !== null) {
      const same = state.users.get(before.id);
      if (same?.ours === false && same.signon === before.signon) return same;
    }
    return now !== undefined && isLike(before, now) ? now : undefined;
  }

  // ---- what will not cross

  #outdated(record: PrivateRecord): string | undefined {
    const { host, settings, network } = this.#bridge;
    if (host.clock.now() - record.logged > settings.replay_minutes * 60_000)
      return `${network.title} was out of reach for more than ${settings.replay_minutes} minutes`;
    const last = this.#phase.kind === 'catching-up' ? this.#phase.until : network.outbound.last;
    const tooMany = this.#phase.kind !== 'live' && last - record.number >= settings.replay_events;
    return tooMany ? `more than ${settings.replay_events} messages wait for ${network.title}` : undefined;
  }

  #bounce(record: PrivateRecord, why: string): void {
    const { dropped, serviceHere } = this.#bridge;
    dropped.add('a private message or an invitation that could not be delivered');
    this.#settle(record.number);
    void serviceHere.tell(record.content.author.address, undelivered(record.content, why, record.number <= this.#doubtful));
  }

  /** Bounces what has waited too long while the link is away, and looks again when the next one will have. */
  #expire(): void {
    if (this.#expiring !== undefined) {
      this.#expireAgain = true;
      return;
    }
    const work = async (): Promise<void> => {
      do {
        this.#expireAgain = false;
        await this.#expireNow();
      } while (this.#expireAgain);
      await this.#bridge.positions.save();
    };
    this.#expiring = work()
      .catch((error: unknown) => this.#bridge.host.log.error({ err: error }, 'the outbound log could not be worked off'))
      .finally(() => (this.#expiring = undefined));
  }

  async #expireNow(): Promise<void> {
    const { network, host, settings } = this.#bridge;
    while (this.#phase.kind === 'away' && this.waiting > 0) {
      const [oldest] = await network.outbound.read(this.#position, 1);
      if (this.#phase.kind !== 'away') return;
      if (oldest === undefined) return;
      const why = this.#outdated(oldest);
      if (why === undefined) {
        const left = oldest.logged + settings.replay_minutes * 60_000 - host.clock.now();
        this.#become({ kind: 'away', expiry: host.clock.after(Math.min(left + 1, longest), () => this.#expire()) });
        return;
      }
      this.#bounce(oldest, why);
    }
  }
}

function isLike(one: NetUser, other: NetUser): boolean {
  if (one.account !== null && one.account === other.account) return true;
  return one.ident === other.ident && one.realHost === other.realHost;
}
