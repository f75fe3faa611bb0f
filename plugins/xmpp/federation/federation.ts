/** All streams with other servers: finds the way for a pair of domains, and takes what others open. */
import type { AcceptedConnection, Domain, LinkStatus, LinkWire } from '../../../server/plugin.ts';
import { pairKey } from '../stream/dialback.ts';
import { attribute, type Element } from '../xml/element.ts';
import type { FederationContext } from './context.ts';
import { Incoming } from './incoming.ts';
import type { Parcel } from './parcel.ts';
import { Route } from './route.ts';

/** Milliseconds without a stanza after which a stream is closed; the next stanza opens another. */
const idleMilliseconds = 3_600_000;
/** Milliseconds that a stop waits for acknowledgements. */
const stopMilliseconds = 2_000;

export class Federation {
  readonly #context: FederationContext;
  readonly #routes = new Map<string, Route>();
  readonly #incoming = new Set<Incoming>();
  #stopping = false;

  constructor(context: FederationContext) {
    this.#context = context;
  }

  accept(connection: AcceptedConnection): void {
    const stream = new Incoming(this.#context, connection, {
      verify: (from, to, id, key) => this.#route(to, from).verify(id, key),
      proved: (from, to) => this.#route(to, from).isThere(),
      received: (stanza, from, to) => this.#received(stanza, from, to),
      closed: (closed) => this.#incoming.delete(closed),
    });
    this.#incoming.add(stream);
  }

  /** Answers to our own pings concern nobody but the stream that asked. */
  #received(stanza: Element, from: Domain, to: Domain): Promise<void> | undefined {
    const type = attribute(stanza, 'type');
    if (stanza.name === 'iq' && (type === 'result' || type === 'error') && attribute(stanza, 'from') === from) {
      this.#routes.get(pairKey(to, from))?.pong(attribute(stanza, 'id') ?? '');
      return undefined;
    }
    return this.#context.receive(stanza);
  }

  send(from: Domain, to: Domain, parcel: Parcel): void {
    if (this.#context.policies.of(to).blocked) parcel.failed('remote-server-not-found', `${to} is not spoken with`);
    else if (!this.#stopping) this.#route(from, to).send(parcel);
  }

  #route(from: Domain, to: Domain): Route {
    const key = pairKey(from, to);
    const known = this.#routes.get(key);
    if (known !== undefined) return known;
    const route = new Route(this.#context, from, to, this.#reaches(to, from));
    this.#routes.set(key, route);
    return route;
  }

  /** Whether a stream is open on which `from` speaks to us as `to`. */
  #reaches(from: Domain, to: Domain): boolean {
    for (const stream of this.#incoming) if (stream.speaksFor(from, to)) return true;
    return false;
  }

  /** Gives up what has waited too long. */
  expire(): void {
    for (const route of this.#routes.values()) route.expire();
  }

  /** Forgets ways that nobody uses, and closes streams that carry nothing. */
  sweep(): void {
    const now = this.#context.host.clock.now();
    for (const [key, route] of this.#routes) {
      route.closeIfIdle(now - idleMilliseconds);
      if (route.unused(now)) this.#routes.delete(key);
    }
    for (const stream of this.#incoming) stream.closeIfIdle(now - idleMilliseconds);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const patience = new Promise<void>((resolve) => this.#context.host.clock.after(stopMilliseconds, resolve));
    await Promise.all([...this.#routes.values()].map((route) => route.stop(patience)));
    for (const stream of this.#incoming) stream.close();
  }

  get count(): { readonly incoming: number; readonly outgoing: number } {
    let outgoing = 0;
    for (const route of this.#routes.values()) if (route.hasStream) outgoing++;
    return { incoming: this.#incoming.size, outgoing };
  }

  /** Nothing that crosses is secret for longer than its stream: a dialback key proves one name on one stream. */
  wire(link: string): LinkWire | undefined {
    const found = [...this.#routes.values(), ...this.#incoming].find(({ name }) => name === link);
    return found === undefined ? undefined : { connection: found.connection, secrets: {} };
  }

  links(): readonly LinkStatus[] {
    const outgoing = [...this.#routes.values()].flatMap((route) => route.status() ?? []);
    const incoming = [...this.#incoming].map((stream): LinkStatus => {
      const peer = [...new Set(stream.peers)].join(' ');
      return {
        name: stream.name,
        kind: 'xmpp',
        state: peer === '' ? 'handshake' : 'up',
        since: stream.since,
        peer,
        tls: stream.tls,
        in: stream.received,
        out: 0,
      };
    });
    return [...outgoing, ...incoming];
  }
}
