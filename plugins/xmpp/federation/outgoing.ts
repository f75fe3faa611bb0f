/** A stream that we open: from one of our domains to one other domain (RFC 6120 section 9, XEP-0220, XEP-0368). */
import { DialError, type Connection, type Domain, type Timer } from '../../../server/plugin.ts';
import { conditionOf, type Condition } from '../stanza-error.ts';
import { dialbackKey, dialbackRequest, isPresentableId, Outstanding, readDialback, type Verdict } from '../stream/dialback.ts';
import { readFeatures } from '../stream/features.ts';
import { authElement, provesDomain } from '../stream/sasl.ts';
import { XmlStream, type StreamHeader } from '../stream/xml-stream.ts';
import { element, namespaceOf, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import { streamTools, type FederationContext } from './context.ts';
import { Places } from './places.ts';

/** Something to send, and what to do when it cannot be. */
export interface Parcel {
  readonly xml: string;
  failed(condition: Condition, text: string): void;
}

/** How a stream ended, for whoever wants to send next. */
export interface End {
  /** It had carried stanzas or could have. */
  readonly wasReady: boolean;
  /** The connection broke: what was on its way may be lost. */
  readonly broken: boolean;
  readonly condition: Condition;
  readonly text: string;
}

type State =
  | { readonly kind: 'connecting' }
  /** Header sent; the peer's features decide. */
  | { readonly kind: 'negotiating'; readonly secured: boolean; readonly triedExternal: boolean }
  | { readonly kind: 'starting-tls' }
  | { readonly kind: 'proving'; readonly by: 'external' | 'dialback' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'over' };

const negotiationMilliseconds = 30_000;
const keepAliveMilliseconds = 120_000;
const verifyMilliseconds = 20_000;
const mostWaiting = 1_000;
const mostWaitingBytes = 4_194_304;

export class Outgoing {
  readonly from: Domain;
  readonly to: Domain;
  readonly #context: FederationContext;
  readonly #ended: (stream: Outgoing, end: End) => void;
  #state: State = { kind: 'connecting' };
  #stream: XmlStream | undefined;
  #streamId = '';
  readonly #places: Places;
  #waiting: Parcel[] = [];
  #waitingBytes = 0;
  readonly #timer: Timer;
  #keepAlive: Timer | undefined;
  /** Questions of our own incoming streams to the domain's authoritative server, until the stream can carry them. */
  readonly #questions: { readonly id: string; readonly key: string; readonly answer: (verdict: Verdict) => void }[] = [];
  readonly #asked = new Outstanding<(verdict: Verdict) => void>();
  #canAsk = false;
  readonly since: number;
  sent = 0;

  constructor(context: FederationContext, from: Domain, to: Domain, ended: (stream: Outgoing, end: End) => void) {
    this.#context = context;
    this.from = from;
    this.to = to;
    this.#ended = ended;
    this.#places = new Places(context, to);
    this.since = context.host.clock.now();
    this.#timer = context.host.clock.after(negotiationMilliseconds, () => this.#fail('remote-server-timeout', `${to} took too long`));
    this.#connect();
  }

  get ready(): boolean {
    return this.#state.kind === 'ready';
  }
  /** Ends the stream when it has carried nothing for long. */
  closeIfIdle(since: number): void {
    if (this.ready && this.#stream!.activeAt < since) this.close();
  }
  get tls(): boolean {
    return this.#stream?.tls !== undefined;
  }
  get state(): State['kind'] {
    return this.#state.kind;
  }

  send(parcel: Parcel): void {
    if (this.#state.kind === 'ready') {
      this.sent++;
      this.#stream!.sendText(parcel.xml);
      return;
    }
    if (this.#state.kind === 'over') {
      parcel.failed('remote-server-not-found', `${this.to} cannot be reached`);
      return;
    }
    if (this.#waiting.length >= mostWaiting || this.#waitingBytes + parcel.xml.length > mostWaitingBytes) {
      parcel.failed('resource-constraint', `too much waits for ${this.to} already`);
      return;
    }
    this.#waiting.push(parcel);
    this.#waitingBytes += parcel.xml.length;
  }

  /** Asks the domain whether it made a key for us (XEP-0220 section 2.3). */
  verify(id: string, key: string): Promise<Verdict> {
    return new Promise((resolve) => {
      let done = false;
      const answer = (verdict: Verdict): void => {
        if (done) return;
        done = true;
        timer.cancel();
        resolve(verdict);
      };
      const timer = this.#context.host.clock.after(verifyMilliseconds, () => answer({ kind: 'error', condition: 'remote-server-timeout' }));
      if (this.#state.kind === 'over') answer({ kind: 'error', condition: 'remote-server-not-found' });
      else if (this.#canAsk) this.#ask({ id, key, answer });
      else this.#questions.push({ id, key, answer });
    });
  }

  #ask({ id, key, answer }: { readonly id: string; readonly key: string; readonly answer: (verdict: Verdict) => void }): void {
    const pair = { from: this.from, to: this.to };
    if (this.#asked.add(pair, id, answer)) this.#stream!.send(dialbackRequest('verify', pair, key, id));
    else answer({ kind: 'error', condition: 'resource-constraint' });
  }

  close(): void {
    if (this.#state.kind === 'over') return;
    this.#finish('service-unavailable', 'this server closed the stream', false);
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
          this.#fail(error.code === 'timeout' ? 'remote-server-timeout' : 'remote-server-not-found', `${this.to} cannot be reached`);
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
      closed: (error) => this.#closed(error),
    });
    this.#open(connection.tls !== undefined, false);
  }

  #closed(error: string | undefined): void {
    const text = error ?? `${this.to} closed the stream`;
    const early = this.#state.kind === 'negotiating' || this.#state.kind === 'starting-tls';
    if (early && this.#places.more) {
      // This place does not speak with us as it must; perhaps the next one does.
      this.#state = { kind: 'connecting' };
      this.#connect(new DialError('refused', text));
    } else this.#fail('remote-server-not-found', text, error !== undefined);
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
    if (this.#context.config.require_tls && !this.tls) this.#stream!.fail('policy-violation', 'TLS is needed');
    else this.#dialback();
  }

  #element(received: Element): void {
    const namespace = namespaceOf(received);
    if (namespace === ns.dialback) this.#dialbackAnswer(received);
    else if (namespace === ns.streams && received.name === 'features') this.#features(received);
    else if (namespace === ns.tls) this.#tlsAnswer(received);
    else if (namespace === ns.sasl) this.#saslAnswer(received);
    // Stanzas come on the streams that the other side opens; anything else has no meaning here.
  }

  // ---- negotiation

  #features(received: Element): void {
    const state = this.#state;
    if (state.kind !== 'negotiating') return;
    const offered = readFeatures(received);
    if (!state.secured && offered.startTls) {
      this.#state = { kind: 'starting-tls' };
      this.#stream!.send(element('starttls', ns.tls));
      return;
    }
    if (!state.secured && this.#context.config.require_tls) {
      this.#stream!.fail('policy-violation', 'TLS is needed');
      return;
    }
    if (this.#context.config.authentication === 'certificate' && !provesDomain(this.#stream!.tls, this.to)) {
      this.#stream!.fail('not-authorized', `the certificate of ${this.to} does not prove it`);
      return;
    }
    this.#allowQuestions();
    if (offered.external && !state.triedExternal) {
      this.#state = { kind: 'proving', by: 'external' };
      this.#stream!.send(authElement(this.from));
    } else if (offered.dialback || !state.triedExternal) this.#dialback();
    else this.#becomeReady();
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
      this.#becomeReadyAfterRestart();
    } else if (received.name === 'failure') this.#dialback();
  }

  /** After EXTERNAL the stream begins anew; its features no longer matter. */
  #becomeReadyAfterRestart(): void {
    this.#stream!.open({ from: this.from, to: this.to });
    this.#becomeReady();
  }

  #dialback(): void {
    if (!isPresentableId(this.#streamId)) {
      this.#stream!.destroy('the peer gave no usable stream id');
      return;
    }
    this.#state = { kind: 'proving', by: 'dialback' };
    const key = dialbackKey(this.#context.secret, this.to, this.from, this.#streamId);
    this.#stream!.send(dialbackRequest('result', { from: this.from, to: this.to }, key));
    this.#allowQuestions();
  }

  #dialbackAnswer(received: Element): void {
    const message = readDialback(received);
    if (message?.verdict === undefined) return;
    if (message.name === 'verify') {
      this.#asked.take({ from: message.from, to: message.to }, message.id)?.(message.verdict);
      return;
    }
    if (this.#state.kind !== 'proving' || this.#state.by !== 'dialback' || message.from !== this.to || message.to !== this.from) return;
    if (message.verdict.kind === 'valid') {
      this.#stream!.trust();
      this.#becomeReady();
    } else {
      const why = message.verdict.kind === 'error' ? message.verdict.condition : conditionOf(received).condition;
      this.#stream!.destroy(`${this.to} does not believe that we are ${this.from}: ${why}`);
    }
  }

  #allowQuestions(): void {
    if (this.#canAsk) return;
    this.#canAsk = true;
    for (const question of this.#questions.splice(0)) this.#ask(question);
  }

  #becomeReady(): void {
    this.#state = { kind: 'ready' };
    this.#timer.cancel();
    this.#keepAlive = this.#context.host.clock.every(keepAliveMilliseconds, () => this.#stream?.keepAlive());
    this.#context.host.log.debug({ from: this.from, to: this.to, tls: this.tls }, 'a stream to another XMPP server is ready');
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const parcel of waiting) this.send(parcel);
  }

  // ---- the end

  #fail(condition: Condition, text: string, broken = false): void {
    if (this.#state.kind === 'over') return;
    if (!this.ready) this.#context.host.log.info({ from: this.from, to: this.to, reason: text }, 'no stream to another XMPP server');
    this.#finish(condition, text, broken);
    this.#stream?.destroy(text);
  }

  #finish(condition: Condition, text: string, broken: boolean): void {
    const wasReady = this.ready;
    this.#state = { kind: 'over' };
    this.#timer.cancel();
    this.#keepAlive?.cancel();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { answer } of this.#questions.splice(0)) answer({ kind: 'error', condition: 'remote-server-not-found' });
    for (const answer of this.#asked.clear()) answer({ kind: 'error', condition: 'remote-server-not-found' });
    this.#ended(this, { wasReady, broken, condition, text });
    for (const parcel of waiting) parcel.failed(condition, text);
  }
}
