/** A stream that we open: from one of our domains to one other domain (RFC 6120 section 9, XEP-0220, XEP-0368). */
import { DialError, type Connection, type Domain, type Timer } from '../../../server/plugin.ts';
import type { Policy } from '../policy.ts';
import { conditionOf, type Condition } from '../stanza-error.ts';
import { dialbackKey, dialbackRequest, isPresentableId, readDialback, type Verdict } from '../stream/dialback.ts';
import { readFeatures, type OfferedFeatures } from '../stream/features.ts';
import { authElement, provesDomain } from '../stream/sasl.ts';
import { XmlStream, type StreamHeader } from '../stream/xml-stream.ts';
import { element, namespaceOf, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import { streamTools, type FederationContext } from './context.ts';
import { Flow } from './flow.ts';
import type { ParcelQueue, Waiting } from './parcel.ts';
import { Places } from './places.ts';
import { Questions } from './questions.ts';

/** How a stream ended, for whoever wants to send next. */
export interface End {
  /** It had carried stanzas or could have. */
  readonly wasReady: boolean;
  /** The connection broke: what was on its way may be lost. */
  readonly broken: boolean;
  /** The other side is there and does not want us, or there is no such domain: waiting does not help. */
  readonly final: boolean;
  readonly condition: Condition;
  readonly text: string;
  /** What was written and not acknowledged, where the other side acknowledges. */
  readonly unacknowledged: readonly Waiting[];
}

export interface OutgoingOwner {
  readonly from: Domain;
  readonly to: Domain;
  /** What the stream takes as soon as it is ready. */
  readonly queue: ParcelQueue;
  /** Whether that domain has ever reached us. */
  readonly reachesUs: boolean;
  ended(stream: Outgoing, end: End): void;
}

/** What a stream that fails says of it. */
interface Failing {
  readonly broken?: boolean;
  readonly final?: boolean;
}

type State =
  | { readonly kind: 'connecting' }
  /** Header sent; the peer's features decide. */
  | { readonly kind: 'negotiating'; readonly secured: boolean; readonly triedExternal: boolean }
  | { readonly kind: 'starting-tls' }
  | { readonly kind: 'proving'; readonly by: 'external' | 'dialback'; readonly acknowledges: boolean }
  /** EXTERNAL has proved us: the stream begins once more, and its features tell what the other side can. */
  | { readonly kind: 'restarting' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'over' };

const negotiationMilliseconds = 30_000;
/** Stream errors with which a server says that it will not have us. */
const refusals = new Set(['host-unknown', 'host-gone', 'invalid-from', 'not-authorized', 'policy-violation', 'unsupported-version']);

export class Outgoing {
  readonly #context: FederationContext;
  readonly #owner: OutgoingOwner;
  readonly #policy: Policy;
  #state: State = { kind: 'connecting' };
  #stream: XmlStream | undefined;
  #streamId = '';
  readonly #places: Places;
  readonly #timer: Timer;
  /** Once the stream is ready. */
  #flow: Flow | undefined;
  readonly #questions: Questions;
  readonly since: number;

  constructor(context: FederationContext, owner: OutgoingOwner) {
    this.#context = context;
    this.#owner = owner;
    this.#policy = context.policies.of(owner.to);
    const { clock } = context.host;
    this.#places = new Places(context, owner.to);
    this.#questions = new Questions(clock, { from: owner.from, to: owner.to });
    this.since = clock.now();
    this.#timer = clock.after(negotiationMilliseconds, () => this.#fail('remote-server-timeout', `${owner.to} took too long`));
    this.#connect();
  }

  get from(): Domain {
    return this.#owner.from;
  }
  get to(): Domain {
    return this.#owner.to;
  }
  get ready(): boolean {
    return this.#state.kind === 'ready';
  }
  get connection(): Connection | undefined {
    return this.#stream?.connection;
  }
  get tls(): boolean {
    return this.#stream?.tls !== undefined;
  }
  get state(): State['kind'] {
    return this.#state.kind;
  }
  /** Whether the other side acknowledges what it is sent. */
  get acknowledged(): boolean {
    return this.#flow?.acknowledged === true;
  }
  /** Stanzas that it has not acknowledged yet. */
  get unacknowledged(): number {
    return this.#flow?.unacknowledged ?? 0;
  }
  get sent(): number {
    return this.#flow?.sent ?? 0;
  }

  /** Ends the stream when it has carried nothing for long. */
  closeIfIdle(since: number): void {
    if (this.ready && this.#stream!.activeAt < since) this.close();
  }

  /** Something was added to the queue. */
  flush(): void {
    this.#flow?.flush();
  }

  /** The answer to a ping came. */
  pong(id: string): void {
    this.#flow?.pong(id);
  }

  /** Resolves when the other side has what was written, as far as it tells. */
  settled(): Promise<void> {
    return this.#flow?.settled() ?? Promise.resolve();
  }

  /** Asks the domain whether it made a key for us. */
  verify(id: string, key: string): Promise<Verdict> {
    return this.#questions.verify(id, key);
  }

  close(): void {
    if (this.#state.kind === 'over') return;
    this.#finish('service-unavailable', 'this server closed the stream', {});
    this.#stream?.close();
  }

  // ---- connecting

  /** To the next place of the domain. Nobody waits for the end of this, so a mistake in it must not bring the process down. */
  #connect(before?: DialError): void {
    this.#places.next(before).then(
      (connection) => this.#connected(connection),
      (error: unknown) => {
        if (error instanceof DialError) {
          // Addresses and codes of the system are for the host; the other text is read by everybody in the rooms.
          this.#context.host.log.info({ from: this.from, to: this.to, reason: error.message }, 'another XMPP server was dialled in vain');
          const final = error.code === 'dns';
          this.#fail(final ? 'remote-server-not-found' : 'remote-server-timeout', `${this.to} cannot be reached`, { final });
        } else {
          this.#context.host.log.error({ err: error, to: this.to }, 'opening a stream failed on an error of this server');
          this.#fail('internal-server-error', 'an error of this server');
        }
      },
    );
  }

  #connected(connection: Connection): void {
    if (this.#state.kind !== 'connecting') {
      connection.destroy('no longer needed');
      return;
    }
    this.#stream = new XmlStream(connection, streamTools(this.#context, `${this.from} > ${this.to}`), this.from, {
      header: (header) => this.#header(header),
      element: (received) => this.#element(received),
      closed: (error, condition) => this.#closed(error, condition),
      drained: () => this.flush(),
    });
    this.#open(connection.tls !== undefined, false);
  }

  #closed(error: string | undefined, condition: string | undefined): void {
    const text = error ?? `${this.to} closed the stream`;
    const early = this.#state.kind === 'negotiating' || this.#state.kind === 'starting-tls';
    if (early && this.#places.more) {
      // This place does not speak with us as it must; perhaps the next one does.
      this.#state = { kind: 'connecting' };
      this.#connect(new DialError('refused', text));
    } else {
      const final = !this.ready && condition !== undefined && refusals.has(condition);
      this.#fail(final ? 'remote-server-not-found' : 'remote-server-timeout', text, { broken: error !== undefined, final });
    }
  }

  #open(secured: boolean, triedExternal: boolean): void {
    this.#state = { kind: 'negotiating', secured, triedExternal };
    this.#stream!.open({ from: this.from, to: this.to });
  }

  #header(header: StreamHeader): void {
    this.#streamId = header.id ?? '';
    // Before XMPP 1.0 there are no features: dialback is all there is.
    if (header.version === undefined && this.#state.kind === 'negotiating') this.#withoutFeatures();
  }

  #withoutFeatures(): void {
    if (this.#policy.requireTls && !this.tls) this.#refuse('policy-violation', 'TLS is needed');
    else this.#dialback(false);
  }

  /** The other side is not what this server wants to speak with. */
  #refuse(condition: 'policy-violation' | 'not-authorized', text: string): void {
    const stream = this.#stream!;
    if (!this.#places.more) this.#finish('remote-server-not-found', `${condition}: ${text}`, { final: true });
    stream.fail(condition, text);
  }

  #element(received: Element): void {
    const namespace = namespaceOf(received);
    if (namespace === ns.dialback) this.#dialbackAnswer(received);
    else if (namespace === ns.streams && received.name === 'features') this.#features(received);
    else if (namespace === ns.tls) this.#tlsAnswer(received);
    else if (namespace === ns.sasl) this.#saslAnswer(received);
    else if (namespace === ns.streamManagement) {
      if (this.#flow?.received(received) === false) this.#stream!.fail('undefined-condition', 'so many stanzas were never sent');
    }
    // Stanzas come on the streams that the other side opens; anything else has no meaning here.
  }

  // ---- negotiation

  #features(received: Element): void {
    const state = this.#state;
    const offered = readFeatures(received);
    if (state.kind === 'restarting') this.#becomeReady(offered.acknowledges);
    else if (state.kind === 'negotiating') this.#negotiate(state, offered);
  }

  #negotiate(state: Extract<State, { readonly kind: 'negotiating' }>, offered: OfferedFeatures): void {
    if (!state.secured && offered.startTls) {
      this.#state = { kind: 'starting-tls' };
      this.#stream!.send(element('starttls', ns.tls));
      return;
    }
    if (!state.secured && this.#policy.requireTls) {
      this.#refuse('policy-violation', 'TLS is needed');
      return;
    }
    if (this.#policy.authentication === 'certificate' && !provesDomain(this.#stream!.tls, this.to)) {
      this.#refuse('not-authorized', `the certificate of ${this.to} does not prove it`);
      return;
    }
    this.#allowQuestions();
    const { acknowledges } = offered;
    if (offered.external && !state.triedExternal) {
      this.#state = { kind: 'proving', by: 'external', acknowledges };
      this.#stream!.send(authElement(this.from));
    } else if (offered.dialback || !state.triedExternal) this.#dialback(acknowledges);
    else this.#becomeReady(acknowledges);
  }

  #tlsAnswer(received: Element): void {
    if (this.#state.kind !== 'starting-tls') return;
    if (received.name !== 'proceed') {
      this.#stream!.destroy('the peer does not begin TLS');
      return;
    }
    void this.#startTls(this.#stream!);
  }

  async #startTls(stream: XmlStream): Promise<void> {
    try {
      await stream.startTls({ side: 'client', serverName: this.to });
    } catch (error) {
      stream.destroy(`TLS failed: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    if (stream.isOpen) this.#open(true, false);
  }

  #saslAnswer(received: Element): void {
    if (this.#state.kind !== 'proving' || this.#state.by !== 'external') return;
    if (received.name === 'success') {
      this.#stream!.restart();
      this.#stream!.trust();
      this.#state = { kind: 'restarting' };
      this.#stream!.open({ from: this.from, to: this.to });
    } else if (received.name === 'failure') this.#dialback(this.#state.acknowledges);
  }

  #dialback(acknowledges: boolean): void {
    if (!isPresentableId(this.#streamId)) {
      this.#stream!.destroy('the peer gave no usable stream id');
      return;
    }
    this.#state = { kind: 'proving', by: 'dialback', acknowledges };
    const key = dialbackKey(this.#context.secret, this.to, this.from, this.#streamId);
    this.#stream!.send(dialbackRequest('result', { from: this.from, to: this.to }, key));
    this.#allowQuestions();
  }

  #dialbackAnswer(received: Element): void {
    const message = readDialback(received);
    if (message?.verdict === undefined) return;
    if (message.name === 'verify') {
      this.#questions.answered(message);
      return;
    }
    if (this.#state.kind !== 'proving' || this.#state.by !== 'dialback' || message.from !== this.to || message.to !== this.from) return;
    if (message.verdict.kind === 'valid') {
      this.#stream!.trust();
      this.#becomeReady(this.#state.acknowledges);
    } else {
      // An error may pass: perhaps that server just could not ask ours.
      const final = message.verdict.kind === 'invalid';
      const why = message.verdict.kind === 'error' ? message.verdict.condition : conditionOf(received).condition;
      this.#fail('remote-server-not-found', `${this.to} does not believe that we are ${this.from}: ${why}`, { final });
    }
  }

  #allowQuestions(): void {
    this.#questions.open(({ id, key }) => this.#stream!.send(dialbackRequest('verify', { from: this.from, to: this.to }, key, id)));
  }

  #becomeReady(acknowledged: boolean): void {
    this.#state = { kind: 'ready' };
    this.#timer.cancel();
    const { host, config } = this.#context;
    const { from, to, queue } = this.#owner;
    host.log.debug({ from, to, tls: this.tls, acknowledged }, 'a stream to another XMPP server is ready');
    this.#flow = new Flow({
      stream: this.#stream!,
      queue,
      clock: host.clock,
      from,
      to,
      acknowledged,
      pingMilliseconds: config.ping_seconds * 1_000,
      patienceMilliseconds: config.ping_timeout_seconds * 1_000,
      canAnswer: () => this.#owner.reachesUs,
      dead: () => this.#fail('remote-server-timeout', `${to} does not answer`, { broken: true }),
    });
    this.#flow.flush();
  }

  // ---- the end

  #fail(condition: Condition, text: string, failing: Failing = {}): void {
    if (this.#state.kind === 'over') return;
    if (!this.ready) this.#context.host.log.info({ from: this.from, to: this.to, reason: text }, 'no stream to another XMPP server');
    this.#finish(condition, text, failing);
    this.#stream?.destroy(text);
  }

  #finish(condition: Condition, text: string, { broken = false, final = false }: Failing): void {
    const wasReady = this.ready;
    this.#state = { kind: 'over' };
    this.#timer.cancel();
    this.#questions.close();
    const unacknowledged = this.#flow?.stop() ?? [];
    this.#owner.ended(this, { wasReady, broken, final, condition, text, unacknowledged });
  }
}
