/** All streams with other servers: finds or opens the one for a pair of domains, and takes what others open. */
import type { AcceptedConnection, Domain, LinkStatus } from '../../../server/plugin.ts';
import type { Condition } from '../stanza-error.ts';
import { pairKey } from '../stream/dialback.ts';
import type { FederationContext } from './context.ts';
import { Incoming } from './incoming.ts';
import { Outgoing, type End, type Parcel } from './outgoing.ts';

/** Milliseconds for which a domain that could not be reached is not tried again. */
const restMilliseconds = 5_000;
const longestRest = 120_000;

/** Milliseconds without a stanza after which a stream is closed; the next stanza opens another. */
const idleMilliseconds = 3_600_000;

interface Failure {
  readonly until: number;
  readonly rest: number;
  readonly condition: Condition;
  readonly text: string;
}

export class Federation {
  readonly #context: FederationContext;
  readonly #outgoing = new Map<string, Outgoing>();
  readonly #incoming = new Set<Incoming>();
  readonly #failures = new Map<string, Failure>();
  #stopping = false;

  constructor(context: FederationContext) {
    this.#context = context;
  }

  accept(connection: AcceptedConnection): void {
    const stream = new Incoming(this.#context, connection, {
      verify: (from, to, id, key) => this.#stream(to, from).verify(id, key),
      // Whoever reaches us can be reached again: nobody waits for the end of a rest.
      proved: (from, to) => this.#failures.delete(pairKey(to, from)),
      closed: (closed) => this.#incoming.delete(closed),
    });
    this.#incoming.add(stream);
  }

  send(from: Domain, to: Domain, parcel: Parcel): void {
    const key = pairKey(from, to);
    const failure = this.#failures.get(key);
    if (this.#stopping || this.#context.config.blocked.includes(to)) parcel.failed('remote-server-not-found', `${to} is not spoken with`);
    else if (failure !== undefined && failure.until > this.#context.host.clock.now() && !this.#outgoing.has(key))
      parcel.failed(failure.condition, failure.text);
    else this.#stream(from, to).send(parcel);
  }

  #stream(from: Domain, to: Domain): Outgoing {
    const key = pairKey(from, to);
    const known = this.#outgoing.get(key);
    if (known !== undefined) return known;
    const opened: Outgoing = new Outgoing(this.#context, from, to, (ended, end) => {
      if (this.#outgoing.get(key) === ended) this.#outgoing.delete(key);
      if (end.wasReady) this.#failures.delete(key);
      else this.#rest(key, end);
      if (end.wasReady && end.broken && !this.#stopping) this.#context.broken(from, to);
    });
    // It may have ended before it was entered.
    if (opened.state !== 'over') this.#outgoing.set(key, opened);
    return opened;
  }

  #rest(key: string, { condition, text }: End): void {
    const rest = Math.min((this.#failures.get(key)?.rest ?? restMilliseconds / 2) * 2, longestRest);
    this.#failures.set(key, { until: this.#context.host.clock.now() + rest, rest, condition, text });
  }

  /** Forgets failures that are long over, and closes streams that nobody uses. */
  sweep(): void {
    const now = this.#context.host.clock.now();
    for (const [key, { until }] of this.#failures) if (until + longestRest < now) this.#failures.delete(key);
    for (const stream of [...this.#outgoing.values(), ...this.#incoming]) stream.closeIfIdle(now - idleMilliseconds);
  }

  stop(): void {
    this.#stopping = true;
    for (const stream of this.#outgoing.values()) stream.close();
    for (const stream of this.#incoming) stream.close();
  }

  get count(): { readonly incoming: number; readonly outgoing: number } {
    return { incoming: this.#incoming.size, outgoing: this.#outgoing.size };
  }

  links(): readonly LinkStatus[] {
    const outgoing = [...this.#outgoing.values()].map((stream): LinkStatus => ({
      name: `${stream.from} > ${stream.to}`,
      kind: 'xmpp',
      state: stream.ready ? 'up' : stream.state === 'connecting' ? 'dialling' : 'handshake',
      since: stream.since,
      peer: stream.to,
      tls: stream.tls,
      in: 0,
      out: stream.sent,
    }));
    const incoming = [...this.#incoming].map((stream): LinkStatus => ({
      name: `< ${[...new Set(stream.peers)].join(' ') || 'unproved'}`,
      kind: 'xmpp',
      state: stream.peers.length > 0 ? 'up' : 'handshake',
      since: stream.since,
      peer: [...new Set(stream.peers)].join(' '),
      tls: stream.tls,
      in: stream.received,
      out: 0,
    }));
    return [...outgoing, ...incoming];
  }
}
