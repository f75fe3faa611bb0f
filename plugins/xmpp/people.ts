/** People of other XMPP servers as users of the core, and everybody else as XMPP addresses. */
import { createHmac } from 'node:crypto';
import {
  addressParts,
  AddressError,
  ircNetworkAddress,
  ircUserAddress,
  parseUserAddress,
  userAddress,
  xmppNetworkAddress,
  xmppUserAddress,
  type Domain,
  type Host,
  type Network,
  type NetworkHandler,
  type User,
  type UserAddress,
} from '../../server/plugin.ts';
import { escapeLocal, jid, unescapeLocal, type Jid } from './jid.ts';

/** Milliseconds after which somebody who is in no room and has written nothing is forgotten. */
const idleLimit = 600_000;
/** Pairs of people whose last address is remembered. */
const mostPairs = 10_000;

/** How many people of other servers are known at once. Threat class A18. */
export interface PeopleLimits {
  readonly perDomain: (domain: Domain) => number;
  readonly inAll: number;
}

export class People {
  readonly #host: Host;
  readonly #handler: NetworkHandler;
  readonly #networks = new Map<Domain, Network>();
  readonly #secret: Buffer;
  readonly #hosts: Buffer;
  /** Which of several addresses of one of ours a correspondent used last, by correspondent and address of ours; the oldest first. */
  readonly #used = new Map<string, Jid>();
  readonly usersDomain: Domain;
  readonly #limits: PeopleLimits;

  constructor(host: Host, usersDomain: Domain, handler: NetworkHandler, limits: PeopleLimits) {
    this.#host = host;
    this.#handler = handler;
    this.usersDomain = usersDomain;
    this.#limits = limits;
    this.#secret = host.secret('occupant ids');
    this.#hosts = host.secret('hosts of XMPP people');
  }

  /** Everybody of one other domain is a network of its own. */
  network(domain: Domain): Network {
    const known = this.#networks.get(domain);
    if (known !== undefined) return known;
    const network = this.#host.networks.declare({ address: xmppNetworkAddress(domain), title: domain, label: domain }, this.#handler);
    this.#networks.set(domain, network);
    return network;
  }

  /** The network of one of its people. */
  networkOf(user: User): Network {
    return this.network(addressParts(user.address).domain);
  }

  /** The user behind a bare address of another server, made known to the core. */
  user(address: Jid, nick = address.local): User {
    const wanted = xmppUserAddress(address.local, address.domain);
    const known = this.#host.users.byAddress(wanted);
    if (known !== undefined) return known;
    const [user] = this.network(address.domain).introduce([
      { address: wanted, nick, ident: 'xmpp', host: this.#shownHost(wanted, address.domain), realName: nick },
    ]);
    return user!;
  }

  /** Somebody in a room of another server, by the nick there; undefined when too many are known already. */
  occupant(address: UserAddress, domain: Domain, nick: string): User | undefined {
    const known = this.#host.users.byAddress(address);
    if (known !== undefined) return known;
    if (!this.#hasPlace(domain)) return undefined;
    const host = this.#shownHost(address, domain);
    return this.network(domain).introduce([{ address, nick, ident: 'xmpp', host, realName: nick }])[0];
  }

  /** What IRC shows instead of an address, which is the moderators' to see: a name that is always the same and can be banned. */
  #shownHost(address: UserAddress, domain: string): string {
    return `${createHmac('sha256', this.#hosts).update(address).digest('hex').slice(0, 12)}.${domain}`;
  }

  known(address: Jid): User | undefined {
    return address.local === '' ? undefined : this.#host.users.byAddress(xmppUserAddress(address.local, address.domain));
  }

  /** Whether somebody of another server may make itself known here, or is known. */
  mayCome(from: Jid): boolean {
    return this.known(from) !== undefined || this.#hasPlace(from.domain);
  }

  #hasPlace(domain: Domain): boolean {
    let all = 0;
    for (const { users } of this.#networks.values()) all += users.size;
    return all < this.#limits.inAll && (this.#networks.get(domain)?.users.size ?? 0) < this.#limits.perDomain(domain);
  }

  rename(user: User, nick: string): void {
    this.networkOf(user).rename(user, nick);
  }

  /** For the core's resolver: anybody with an XMPP address can be written to. */
  resolve(address: UserAddress): User | undefined {
    const { scheme, domain, name, nick } = addressParts(address);
    // Who is in a room of another server is known while he is in it.
    if (nick !== undefined) return this.#host.users.byAddress(address);
    if (scheme !== 'xmpp' || domain === this.#host.domain || domain.endsWith(`.${this.#host.domain}`)) return undefined;
    return this.user(jid(name, domain));
  }

  /** Forgets people who share nothing with us any more, and domains without people that nothing else uses. */
  sweep(isUsed: (domain: Domain) => boolean): void {
    const now = this.#host.clock.now();
    for (const [domain, network] of this.#networks) {
      for (const user of [...network.users.values()])
        if (user.rooms.size === 0 && user.sessions.size === 0 && now - user.activeAt > idleLimit) network.retire(user, 'no longer here');
      if (network.users.size > 0 || isUsed(domain)) continue;
      network.withdraw('nobody is left');
      this.#networks.delete(domain);
    }
  }

  withdraw(reason: string): void {
    for (const network of this.#networks.values()) network.withdraw(reason);
    this.#networks.clear();
  }

  /** The address under which XMPP people reach somebody: their own, `account@DOMAIN`, or `name%network@users.DOMAIN` (XEP-0106). */
  jidOf(address: UserAddress): Jid | undefined {
    try {
      const { scheme, domain, name, label, nick } = addressParts(address);
      if (scheme === 'xmpp') return jid(name, domain, nick);
      if (scheme === 'banyan') return domain === this.#host.domain ? jid(escapeLocal(name), domain) : undefined;
      return jid(`${escapeLocal(name)}%${label ?? ''}`, this.usersDomain);
    } catch (error) {
      if (error instanceof AddressError) return undefined;
      throw error;
    }
  }

  /** Whom an address means: one of ours, of an IRC network, or of another server. */
  addressOf(of: Jid): UserAddress | undefined {
    if (of.local === '') return undefined;
    try {
      if (of.domain === this.#host.domain) {
        const name = unescapeLocal(of.local);
        if (name.startsWith('guest-')) return parseUserAddress(`banyan://${of.domain}/~${name}`);
        // No guest can have the nick of an account, so a nick here is never in an account's way.
        const guest = this.#host.users.byNick(name);
        return guest?.guest === true ? guest.address : userAddress(of.domain, name);
      }
      if (of.domain !== this.usersDomain) return xmppUserAddress(of.local, of.domain);
      const percent = of.local.lastIndexOf('%');
      if (percent < 1) return undefined;
      return ircUserAddress(ircNetworkAddress(of.local.slice(percent + 1), this.#host.domain), unescapeLocal(of.local.slice(0, percent)));
    } catch (error) {
      if (error instanceof AddressError) return undefined;
      throw error;
    }
  }

  /** Somebody wrote to one of ours by that address. */
  wroteTo(correspondent: Jid, address: UserAddress, by: Jid): void {
    const key = `${correspondent.bare}\n${address}`;
    this.#used.delete(key);
    this.#used.set(key, by);
    if (this.#used.size <= mostPairs) return;
    for (const [oldest] of this.#used) {
      this.#used.delete(oldest);
      break;
    }
  }

  /** From which address one of ours writes to somebody: the one by which it was written to, while that still means it. */
  writesFrom(address: UserAddress, correspondent: Jid): Jid | undefined {
    const used = this.#used.get(`${correspondent.bare}\n${address}`);
    return used !== undefined && this.addressOf(used) === address ? used : this.jidOf(address);
  }

  /** XEP-0421: the same for a person in a room whatever the nick, and another in another room. */
  occupantId(room: string, address: UserAddress): string {
    return createHmac('sha256', this.#secret).update(`${room}\n${address}`).digest('base64url');
  }
}
