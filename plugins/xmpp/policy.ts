/** What the configuration says of one other domain: its own entry among the peers, else what holds for all. */
import type { Domain } from '../../server/plugin.ts';
import type { Config } from './config.ts';

export interface Policy {
  readonly requireTls: boolean;
  readonly authentication: Config['authentication'];
  /** It is not spoken with. */
  readonly blocked: boolean;
  /** Bytes a second that its server may send in the long run, and at once. */
  readonly bytesPerSecond: number;
  readonly bytesAtOnce: number;
  /** Bytes of its largest stanza. */
  readonly stanzaBytes: number;
  /** How many of its people this server knows at once, and with how many clients they may be in rooms. */
  readonly people: number;
  readonly occupants: number;
}

export class Policies {
  readonly #general: Policy;
  readonly #blocked: ReadonlySet<Domain>;
  readonly #special: ReadonlyMap<Domain, Policy>;

  constructor(config: Config) {
    const general = {
      requireTls: config.require_tls,
      authentication: config.authentication,
      blocked: false,
      bytesPerSecond: config.bytes_per_second,
      bytesAtOnce: config.bytes_at_once,
      stanzaBytes: config.stanza_bytes,
      people: config.people_per_domain,
      occupants: config.occupants_per_domain,
    };
    this.#general = general;
    this.#blocked = new Set(config.blocked);
    this.#special = new Map(
      config.peers.map((peer) => [
        peer.domain,
        {
          requireTls: peer.require_tls ?? general.requireTls,
          authentication: peer.authentication ?? general.authentication,
          blocked: peer.blocked,
          bytesPerSecond: peer.bytes_per_second ?? general.bytesPerSecond,
          bytesAtOnce: peer.bytes_at_once ?? general.bytesAtOnce,
          stanzaBytes: peer.stanza_bytes ?? general.stanzaBytes,
          people: peer.people ?? general.people,
          occupants: peer.occupants ?? general.occupants,
        },
      ]),
    );
  }

  /** Of a domain, or of one that has not yet said who it is. */
  of(domain: Domain | undefined): Policy {
    const policy = (domain === undefined ? undefined : this.#special.get(domain)) ?? this.#general;
    return domain !== undefined && this.#blocked.has(domain) ? { ...policy, blocked: true } : policy;
  }
}

/** For a stream on which several domains have proved themselves: nobody gains by the company. */
export function strictest(one: Policy, other: Policy): Policy {
  return {
    ...one,
    bytesPerSecond: Math.min(one.bytesPerSecond, other.bytesPerSecond),
    bytesAtOnce: Math.min(one.bytesAtOnce, other.bytesAtOnce),
    stanzaBytes: Math.min(one.stanzaBytes, other.stanzaBytes),
  };
}
