/** Our people as users of the network: introduced when somebody there needs them, under a nick that is free there. */
import { NickView, type Author, type Host, type Network, type UserAddress, type UserId, type UserView } from '../../../server/plugin.ts';
import { safeHost, safeIdent } from '../../irc/mask.ts';
import { ircNickRules } from '../../irc/nick.ts';
import { reservation } from '../model/bans.ts';
import type { Effect } from '../model/effects.ts';
import type { NetUser } from '../model/state.ts';
import type { Barred } from './barred.ts';
import type { Live } from './live.ts';
import type { ServiceHere } from './service-here.ts';

/** One of our people over there. */
export interface Introduced {
  readonly id: UserId;
  readonly net: NetUser;
  address: UserAddress;
  nick: string;
  /** Milliseconds since 1970 when it was last needed. */
  neededAt: number;
  /** Gone from here; introduced to say what it had said. */
  readonly ghost: boolean;
}

/** An address that nobody routes: our people's own is nobody's business over there. */
const noAddress = '0.0.0.0';
/** Nicks that are tried for somebody although the network reserves them. */
const mostReserved = 20;
/** A peer that throws out more of ours over their nicks is at play, and may. */
const mostContested = 1_000;

export class Ours {
  readonly #host: Host;
  readonly #network: Network;
  readonly #live: Live;
  readonly #service: ServiceHere;
  readonly #barred: Barred;
  readonly #nicks: NickView;
  readonly #byId = new Map<UserId, Introduced>();
  readonly #byNet = new Map<NetUser, Introduced>();
  readonly #byAddress = new Map<UserAddress, Introduced>();
  /** Folded nicks over which two were thrown out: whoever of ours had one takes another while this link lasts. */
  readonly #contested = new Set<string>();
  /** Whom the network threw out while this link lasts. */
  readonly #killed = new Set<UserAddress>();
  /** How much is being said for which people who are gone may be needed. */
  #needs = 0;

  constructor(host: Host, network: Network, live: Live, service: ServiceHere, barred: Barred) {
    this.#host = host;
    this.#network = network;
    this.#live = live;
    this.#service = service;
    this.#barred = barred;
    const rules = ircNickRules({ caseMapping: 'rfc1459', maxBytes: live.peer.established.limits.nick });
    this.#nicks = new NickView({ ...rules, fold: live.state.rules.fold });
  }

  get(id: UserId): Introduced | undefined {
    return this.#byId.get(id);
  }
  byNet(user: NetUser): Introduced | undefined {
    return this.#byNet.get(user);
  }
  byAddress(address: UserAddress): Introduced | undefined {
    return this.#byAddress.get(address);
  }
  all(): Iterable<Introduced> {
    return this.#byId.values();
  }
  get count(): number {
    return this.#byId.size;
  }

  /** Undefined for somebody whom the network has banned. */
  introduce(user: UserView & { readonly since?: number }, ghost = false): Introduced | undefined {
    const known = this.#byId.get(user.id);
    const now = this.#host.clock.now();
    if (known !== undefined) {
      known.neededAt = now;
      return known;
    }
    const { state } = this.#live;
    const seconds = Math.floor(now / 1_000);
    const { limits } = this.#live.peer.established;
    const host = safeHost(user.host).slice(0, limits.host);
    const ident = safeIdent(user.ident).slice(0, limits.ident);
    if (this.#barred.isBarred(this.#live, { nick: user.nick, ident, host, ip: noAddress }, user.address)) return undefined;
    const id = this.#live.freeUserId();
    const effects = this.#live.say({
      kind: 'user',
      server: state.us.id,
      id,
      nick: this.#freeNick(user),
      nickTs: seconds,
      ident,
      realHost: host,
      host,
      ip: noAddress,
      signon: Math.min(seconds, Math.floor((user.since ?? now) / 1_000)),
      realName: user.realName,
      account: user.account,
      away: user.away,
      bot: user.bot,
    });
    const net = state.users.get(id)!;
    const introduced: Introduced = { id: user.id, net, address: user.address, nick: user.nick, neededAt: now, ghost };
    this.#byId.set(user.id, introduced);
    this.#byNet.set(net, introduced);
    this.#byAddress.set(user.address, introduced);
    if (!ghost) this.#network.watch(user.id);
    this.settle(effects);
    return introduced;
  }

  /** The author of something over there; who has gone from here comes back for it. Undefined for whom the network has banned. */
  author(author: Author): Introduced | undefined {
    const { users, domain, clock } = this.#host;
    const user = users.byAddress(author.address);
    const introduced =
      this.#byAddress.get(author.address) ??
      this.introduce(
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
    if (introduced !== undefined) introduced.neededAt = clock.now();
    return introduced;
  }

  /** Says what waited; when nobody does that any more, those leave who came back for it. */
  async withGhosts(work: () => Promise<void>): Promise<void> {
    this.#needs++;
    try {
      await work();
    } finally {
      this.#needs--;
      this.dismissGhosts();
    }
  }

  /** Who came back only to have said something leaves again, unless there may be more to say. */
  dismissGhosts(): void {
    if (this.#needs > 0) return;
    for (const introduced of [...this.#byId.values()]) if (introduced.ghost) this.quit(introduced, 'said what had waited');
  }

  /** The nick that is nearest to the wanted one and free over there; whoever cannot have the wanted one is told. */
  #freeNick(user: Pick<UserView, 'id' | 'nick' | 'network' | 'address'>): string {
    const { state } = this.#live;
    const own = this.#byId.get(user.id)?.net;
    const hint = user.network === null ? this.#host.domain : (this.#host.networks.get(user.network)?.label ?? 'elsewhere');
    let refused: string | undefined;
    let tries = 0;
    const nick = this.#nicks.assign(user.id, user.nick, hint, (fold) => {
      const holder = state.nicks.get(fold);
      const taken = (holder !== undefined && holder !== own) || this.#contested.has(fold);
      if (taken) refused ??= 'somebody there has your nick';
      if (taken) return true;
      // Some reserve every nick that there could be.
      const reserved = tries++ < mostReserved ? reservation(state, fold) : undefined;
      if (reserved !== undefined) refused ??= `your nick is reserved there (${reserved.name}: ${reserved.reason})`;
      return reserved !== undefined;
    });
    if (refused !== undefined && user.network === null && this.#host.users.get(user.id) !== undefined)
      void this.#service.tell(user.address, `On ${this.#network.title} you are called ${nick}: ${refused}.`);
    return nick;
  }

  /** Takes the nick over there that is nearest to the one here. */
  rename(user: UserView): void {
    const introduced = this.#byId.get(user.id);
    if (introduced === undefined) return;
    this.#byAddress.delete(introduced.address);
    introduced.address = user.address;
    introduced.nick = user.nick;
    this.#byAddress.set(user.address, introduced);
    const nick = this.#freeNick(user);
    if (nick === introduced.net.nick) return;
    this.settle(this.#live.say({ kind: 'nick', user: introduced.net.id, nick, ts: Math.floor(this.#host.clock.now() / 1_000) }));
  }

  /** Takes another nick, should the network reserve the one that somebody has there. */
  avoid(introduced: Introduced): void {
    const { state } = this.#live;
    if (reservation(state, state.rules.fold(introduced.net.nick)) !== undefined) this.#nickLost(introduced.net, undefined);
  }

  /** Says who it is here. */
  sayAccount({ id, net }: Introduced): void {
    const account = this.#host.users.get(id)?.account ?? null;
    this.#live.say({ kind: 'account', source: this.#live.state.us.id, user: net.id, account });
  }

  /** What follows from a change of ours: who lost a nick takes another. */
  settle(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'answer') this.#live.write(effect.fact);
      else if (effect.kind === 'nick-lost') this.#nickLost(effect.user, effect.wanted);
    }
  }

  #nickLost(net: NetUser, wanted: string | undefined): void {
    const introduced = this.#byNet.get(net);
    if (introduced === undefined) return;
    if (net.gone) {
      // Whoever needs it next, a channel or a message, introduces it anew.
      if (this.#contested.size < mostContested) this.#contested.add(this.#live.state.rules.fold(net.nick));
      this.forget(introduced);
      return;
    }
    this.#nicks.release(introduced.id);
    const user = this.#host.users.get(introduced.id);
    const { id, address } = introduced;
    const nick = this.#freeNick({ id, address, nick: wanted ?? introduced.nick, network: user?.network ?? null });
    if (nick === net.nick) return;
    this.settle(this.#live.say({ kind: 'nick', user: net.id, nick, ts: Math.floor(this.#host.clock.now() / 1_000) }));
  }

  /** Forgets somebody who is gone over there. */
  forget(introduced: Introduced): void {
    this.#nicks.release(introduced.id);
    this.#byId.delete(introduced.id);
    this.#byNet.delete(introduced.net);
    if (this.#byAddress.get(introduced.address) === introduced) this.#byAddress.delete(introduced.address);
    this.#network.unwatch(introduced.id);
  }

  /** The network threw somebody out. */
  killed(introduced: Introduced): void {
    this.#killed.add(introduced.address);
    this.forget(introduced);
  }

  wasKilled(address: UserAddress): boolean {
    return this.#killed.has(address);
  }

  quit(introduced: Introduced, reason: string): void {
    if (!introduced.net.gone) this.#live.say({ kind: 'quit', user: introduced.net.id, reason });
    this.forget(introduced);
  }
}
