/** The way from one of our domains to one other domain: what waits for it, the stream that carries it, and new attempts. */
import type { Connection, Domain, LinkStatus, Timer } from '../../../server/plugin.ts';
import type { Condition } from '../stanza-error.ts';
import type { Verdict } from '../stream/dialback.ts';
import type { FederationContext } from './context.ts';
import { Outgoing, type End, type OutgoingOwner } from './outgoing.ts';
import { ParcelQueue, type Parcel, type Waiting } from './parcel.ts';

/** Milliseconds until a domain that could not be reached is tried again: at first, and at most; twice as long each time. */
const firstRest = 1_000;
/** The same where waiting hardly helps: there is no such domain, or it does not want us. */
const firstFinalRest = 5_000;
const longestRest = 120_000;
/** Milliseconds within which a stream that breaks on what it carries has not recovered. */
const soon = 5_000;

interface Failure {
  readonly until: number;
  readonly rest: number;
  readonly final: boolean;
  readonly condition: Condition;
  readonly text: string;
}

export class Route implements OutgoingOwner {
  readonly from: Domain;
  readonly to: Domain;
  readonly queue: ParcelQueue;
  readonly #context: FederationContext;
  #stream: Outgoing | undefined;
  #failure: Failure | undefined;
  #retry: Timer | undefined;
  /** That domain has reached us. */
  reachesUs: boolean;
  #stopping = false;
  /** Stanzas of the streams before this one. */
  #sentBefore = 0;
  /** How many could not be delivered, by the reason. */
  readonly #dropped = new Map<Condition, number>();

  constructor(context: FederationContext, from: Domain, to: Domain, reachesUs: boolean) {
    this.#context = context;
    this.reachesUs = reachesUs;
    this.from = from;
    this.to = to;
    const { config, host } = context;
    this.queue = new ParcelQueue(
      { stanzas: config.queue_stanzas, bytes: config.queue_bytes, patience: config.queue_seconds * 1_000 },
      host.clock,
    );
  }

  send(parcel: Parcel): void {
    const failure = this.#resting();
    if (failure?.final === true && this.#stream === undefined) this.#lose(parcel, failure.condition, failure.text);
    else if (!this.queue.add(parcel)) this.#lose(parcel, 'resource-constraint', `too much waits for ${this.to} already`);
    else if (this.#stream !== undefined) this.#stream.flush();
    else if (failure === undefined) this.#open();
  }

  verify(id: string, key: string): Promise<Verdict> {
    return (this.#stream ?? this.#open()).verify(id, key);
  }

  /** That domain reached us, so it can be reached again: nobody waits for the end of a rest. */
  isThere(): void {
    this.reachesUs = true;
    this.#failure = undefined;
    if (this.#stream === undefined && this.queue.size > 0) this.#open();
  }

  pong(id: string): void {
    this.#stream?.pong(id);
  }

  /** The failure that keeps us from trying at once. */
  #resting(): Failure | undefined {
    return this.#failure !== undefined && this.#failure.until > this.#context.host.clock.now() ? this.#failure : undefined;
  }

  #open(): Outgoing {
    this.#retry?.cancel();
    this.#retry = undefined;
    const opened = new Outgoing(this.#context, this);
    // It may have ended before it was entered.
    if (opened.state !== 'over') this.#stream = opened;
    return opened;
  }

  ended(stream: Outgoing, end: End): void {
    if (this.#stream === stream) this.#stream = undefined;
    this.#sentBefore += stream.sent;
    if (this.#stopping) return;
    const { condition, text } = end;
    this.#bounce(this.queue.giveBack(end.unacknowledged), condition, text);
    if (end.wasReady) {
      this.#failure = undefined;
      if (end.unacknowledged.length > 0 && this.#context.host.clock.now() - stream.since < soon) this.#rest(end);
      if (end.broken) this.#context.broken(this.from, this.to);
    } else {
      this.#rest(end);
      if (end.final) this.#bounce(this.queue.clear(), condition, text);
    }
    this.#tryAgain();
  }

  #rest({ condition, text, final }: End): void {
    const first = final ? firstFinalRest : firstRest;
    const rest = Math.min(this.#failure === undefined ? first : Math.max(first, this.#failure.rest * 2), longestRest);
    this.#failure = { until: this.#context.host.clock.now() + rest, rest, final, condition, text };
  }

  /** What waits is not forgotten: the stream is opened at once, or after the rest. */
  #tryAgain(): void {
    if (this.#stream !== undefined || this.queue.size === 0 || this.#retry !== undefined) return;
    const { clock } = this.#context.host;
    const failure = this.#resting();
    if (failure === undefined) {
      this.#open();
      return;
    }
    this.#retry = clock.after(failure.until - clock.now(), () => {
      this.#retry = undefined;
      if (!this.#stopping && this.#stream === undefined && this.queue.size > 0) this.#open();
    });
  }

  /** Gives up what has waited too long. */
  expire(): void {
    const { condition, text } = this.#failure ?? { condition: 'remote-server-timeout', text: `${this.to} does not answer` };
    this.#bounce(this.queue.expired(), condition, text);
  }

  #bounce(parcels: readonly Waiting[], condition: Condition, text: string): void {
    for (const { parcel } of parcels) this.#lose(parcel, condition, text);
  }

  #lose(parcel: Parcel, condition: Condition, text: string): void {
    this.#dropped.set(condition, (this.#dropped.get(condition) ?? 0) + 1);
    parcel.failed(condition, text);
  }

  /** Nothing is kept of a way that nobody uses. */
  unused(now: number): boolean {
    return this.#stream === undefined && this.queue.size === 0 && (this.#failure === undefined || this.#failure.until + longestRest < now);
  }

  closeIfIdle(since: number): void {
    this.#stream?.closeIfIdle(since);
  }

  /** Ends in order: what is written is acknowledged first, where the other side does so in time. What waits is dropped. */
  async stop(patience: Promise<void>): Promise<void> {
    this.#stopping = true;
    this.#retry?.cancel();
    await Promise.race([this.#stream?.settled(), patience]);
    this.#stream?.close();
  }

  /** In `banyan link`. */
  get name(): string {
    return `${this.from} > ${this.to}`;
  }
  get connection(): Connection | undefined {
    return this.#stream?.connection;
  }
  get hasStream(): boolean {
    return this.#stream !== undefined;
  }

  /** Nothing while there is neither a stream nor anything that waits for one. */
  status(): LinkStatus | undefined {
    const stream = this.#stream;
    if (stream === undefined && this.queue.size === 0) return undefined;
    return {
      name: this.name,
      kind: 'xmpp',
      state: stream === undefined ? 'down' : stream.ready ? 'up' : stream.state === 'connecting' ? 'dialling' : 'handshake',
      since: stream?.since ?? this.#context.host.clock.now(),
      peer: this.to,
      tls: stream?.tls ?? false,
      in: 0,
      out: this.#sentBefore + (stream?.sent ?? 0),
      waiting: this.queue.size + (stream?.unacknowledged ?? 0),
      dropped: Object.fromEntries(this.#dropped),
      ...(this.#failure === undefined ? {} : { lastError: this.#failure.text }),
      details: { acknowledged: stream?.acknowledged === true ? 'yes' : 'no' },
    };
  }
}
