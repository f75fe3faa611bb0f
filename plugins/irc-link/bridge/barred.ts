/** Bans of the whole network, held against our people in that network's view alone: who is not there, not heard, or not called like that. */
import type { Host, Network, UserAddress } from '../../../server/plugin.ts';
import { barringBan, endedBans, silencingBan, type Bannable, type NetBan } from '../model/bans.ts';
import type { Live } from './live.ts';
import type { ServiceHere } from './service-here.ts';
import type { Standing } from './standing.ts';

/** Who was told of what; of more, the first are told again. */
const mostTold = 10_000;
/** Seconds since 1970 of the last moment that a date can be written of (year 9999). Threat class A21. */
const latest = 253_402_300_799;

export class Barred {
  readonly #host: Host;
  readonly #network: Network;
  readonly #service: ServiceHere;
  readonly #told = new Set<string>();

  constructor(host: Host, network: Network, service: ServiceHere) {
    this.#host = host;
    this.#network = network;
    this.#service = service;
  }

  get #seconds(): number {
    return Math.floor(this.#host.clock.now() / 1_000);
  }

  /** Whether the network does not want somebody, who is told so once. */
  isBarred(live: Live, who: Bannable, address: UserAddress): boolean {
    return this.#holds(barringBan(live.state, who), address, 'you are not there, and not heard');
  }

  /** Whether the network does not hear somebody, who is told so once. */
  isSilenced(live: Live, who: Bannable, address: UserAddress): boolean {
    return this.#holds(silencingBan(live.state, who), address, 'you are not heard there');
  }

  #holds(ban: NetBan | undefined, address: UserAddress, what: string): boolean {
    if (ban === undefined) return false;
    const key = `${address} ${ban.name} ${ban.folded}`;
    // People of other networks are told nothing: our service is nobody there.
    if (this.#told.has(key) || address.startsWith('irc:')) return true;
    if (this.#told.size >= mostTold) this.#told.clear();
    this.#told.add(key);
    const until = Number.isFinite(ban.until) ? ` until ${new Date(Math.min(ban.until, latest) * 1_000).toISOString()}` : '';
    void this.#service.tell(
      address,
      `${this.#network.title} has banned you (${ban.name}${until}): ${ban.reason || 'no reason given'}. So ${what}.`,
    );
    return true;
  }

  /** A ban came: whom it meets leaves the network. True when others may come in by it. */
  banned({ live, ours }: Standing, ban: NetBan): boolean {
    for (const introduced of [...ours.all()]) {
      if (ban.kind === 'bar' && this.isBarred(live, introduced.net, introduced.address))
        ours.quit(introduced, `${ban.name}: ${ban.reason}`);
      else if (ban.kind === 'silence') this.isSilenced(live, introduced.net, introduced.address);
      else if (ban.kind === 'reserve') ours.avoid(introduced);
    }
    return ban.kind === 'exempt';
  }

  /** It was lifted, or has ended: whom it met is free to come (then true), and to be told should it come again. */
  lifted({ live, ours }: Standing, ban: NetBan): boolean {
    const suffix = ` ${ban.name} ${ban.folded}`;
    for (const key of this.#told) if (key.endsWith(suffix)) this.#told.delete(key);
    if (ban.kind === 'exempt')
      for (const introduced of [...ours.all()])
        if (this.isBarred(live, introduced.net, introduced.address)) ours.quit(introduced, 'the exception of a ban has ended');
    return ban.kind === 'bar';
  }

  /** Once a second. True when a ban has ended, and others may come in. */
  beat(standing: Standing): boolean {
    const ended = endedBans(standing.live.state, this.#seconds);
    return ended.filter((ban) => this.lifted(standing, ban)).length > 0;
  }
}
