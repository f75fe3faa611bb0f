/** A stream that another server opened to us. It speaks for the pairs of domains that it has proved, and for no other. Threat class A8. */
import { type AcceptedConnection, type Connection, type Domain } from '../../../server/plugin.ts';
import { domainOf } from '../jid.ts';
import { strictest, type Policy } from '../policy.ts';
import {
  dialbackAnswer,
  isDialbackKey,
  isPresentableKey,
  pairKey,
  readDialback,
  type DialbackMessage,
  type Verdict,
} from '../stream/dialback.ts';
import { answerElement, Handled } from '../stream/acknowledgement.ts';
import { featuresElement } from '../stream/features.ts';
import { claimedDomain, failureElement, provesDomain } from '../stream/sasl.ts';
import type { StreamCondition } from '../stream/errors.ts';
import { newStreamId, XmlStream, type StreamHeader } from '../stream/xml-stream.ts';
import { attribute, element, is, namespaceOf, textOf, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import { rateOf, streamTools, type FederationContext } from './context.ts';

export interface IncomingOwner {
  /** Asks the server that DNS names for a domain whether it made a key. */
  verify(from: Domain, to: Domain, id: string, key: string): Promise<Verdict>;
  /** The domain `from` spoke to us under its own name: it is there. */
  proved(from: Domain, to: Domain): void;
  /** @returns when the stanza has been dealt with, where that takes time */
  received(stanza: Element, from: Domain, to: Domain): Promise<void> | undefined;
  closed(stream: Incoming): void;
}

/** Pairs that one stream may prove. */
const mostPairs = 64;
const mostUnderWay = 8;
const stanzas = new Set(['message', 'presence', 'iq']);

export class Incoming {
  readonly #context: FederationContext;
  readonly #owner: IncomingOwner;
  readonly #connection: AcceptedConnection;
  readonly #stream: XmlStream;
  readonly #pairs = new Set<string>();
  #id = newStreamId();
  #from: Domain | undefined;
  #to: Domain | undefined;
  #underWay = 0;
  /** Of all that were proved. */
  #policy: Policy | undefined;
  /** Counts stanzas from `<enable/>` on (XEP-0198). */
  #handled: Handled | undefined;
  received = 0;
  readonly since: number;

  constructor(context: FederationContext, connection: AcceptedConnection, owner: IncomingOwner) {
    this.#context = context;
    this.#owner = owner;
    this.#connection = connection;
    this.since = context.host.clock.now();
    this.#stream = new XmlStream(connection, streamTools(context, `from ${connection.remoteAddress}`), context.host.domain, {
      header: (header) => this.#header(header),
      element: (received) => this.#element(received),
      closed: (error) => this.#closed(error),
    });
  }

  get peers(): readonly string[] {
    return [...this.#pairs].map((pair) => pair.split(' ')[0]!);
  }
  speaksFor(from: Domain, to: Domain): boolean {
    return this.#pairs.has(pairKey(from, to));
  }
  /** In `banyan link`. */
  get name(): string {
    return `< ${[...new Set(this.peers)].join(' ') || 'unproved'}`;
  }
  get connection(): Connection {
    return this.#connection;
  }
  get tls(): boolean {
    return this.#stream.tls !== undefined;
  }

  close(): void {
    this.#stream.fail('system-shutdown', 'this server is ending');
  }

  /** Ends the stream when nothing was heard for so long that the other side must have forgotten it. */
  closeIfIdle(since: number): void {
    if (this.#stream.activeAt < since) this.#fail('connection-timeout', 'nothing was heard for long');
  }

  #fail(condition: StreamCondition, text: string): void {
    this.#stream.fail(condition, text);
  }

  #closed(error: string | undefined): void {
    const { log } = this.#context.host;
    if (error !== undefined)
      log.info({ from: this.#from, address: this.#connection.remoteAddress, reason: error }, 'a stream of another XMPP server ended');
    this.#owner.closed(this);
  }

  #header(header: StreamHeader): void {
    const to = domainOf(header.to);
    if (header.to === undefined) {
      this.#fail('improper-addressing', 'the stream header has no to');
      return;
    }
    if (to === undefined || !this.#context.own.has(to)) {
      this.#fail('host-unknown', 'that domain is not served here');
      return;
    }
    if (header.version !== undefined && !/^1\.\d+$/.test(header.version)) {
      this.#fail('unsupported-version', 'only version 1 is spoken here');
      return;
    }
    this.#to = to;
    this.#from = header.from === undefined ? this.#from : domainOf(header.from);
    if (this.#from !== undefined && (this.#context.policies.of(this.#from).blocked || this.#context.own.has(this.#from))) {
      this.#fail('policy-violation', 'that domain is not spoken with');
      return;
    }
    this.#id = newStreamId();
    this.#stream.open({ from: to, to: this.#from, id: this.#id });
    if (header.version !== undefined) this.#offer();
  }

  #offer(): void {
    const { requireTls, stanzaBytes } = this.#context.policies.of(this.#from);
    const secured = this.tls;
    const proved = this.#from !== undefined && provesDomain(this.#stream.tls, this.#from);
    this.#stream.send(
      featuresElement({
        startTls: secured ? 'no' : requireTls ? 'required' : 'optional',
        external: proved && this.#pairs.size === 0,
        dialback: this.#mayDialBack(this.#from),
        acknowledges: secured || !requireTls,
        stanzaBytes,
      }),
    );
  }

  #mayDialBack(from: Domain | undefined): boolean {
    const { requireTls, authentication } = this.#context.policies.of(from);
    return (this.tls || !requireTls) && authentication === 'dialback';
  }

  #element(received: Element): void {
    if (this.#to === undefined) return;
    const namespace = namespaceOf(received);
    if (namespace === ns.client && stanzas.has(received.name)) this.#stanza(received);
    else if (namespace === ns.dialback) this.#dialback(received);
    else if (is(received, 'starttls', ns.tls)) void this.#startTls();
    else if (is(received, 'auth', ns.sasl)) this.#authenticate(received);
    else if (namespace === ns.streamManagement) this.#manage(received);
    else this.#fail('unsupported-stanza-type', 'that is not understood here');
  }

  async #startTls(): Promise<void> {
    // What was said in plain text must not count afterwards, so nothing of it may be under way.
    if (this.tls || this.#pairs.size > 0 || this.#underWay > 0) {
      this.#fail('policy-violation', 'it is too late for TLS');
      return;
    }
    this.#stream.send(element('proceed', ns.tls));
    try {
      await this.#stream.startTls({ side: 'server', requestCertificate: true });
    } catch (error) {
      this.#stream.destroy(`TLS failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** SASL EXTERNAL: the certificate speaks. Threat class A7. */
  #authenticate(auth: Element): void {
    const from = this.#from;
    if (this.#pairs.size > 0) {
      this.#fail('policy-violation', 'you have proved yourself already');
      return;
    }
    if (attribute(auth, 'mechanism') !== 'EXTERNAL') {
      this.#stream.send(failureElement('invalid-mechanism'));
      return;
    }
    if (from === undefined || !provesDomain(this.#stream.tls, from)) {
      this.#stream.send(failureElement('not-authorized', this.#stream.tls?.chainError ?? 'the certificate is not for that domain'));
      return;
    }
    const claimed = claimedDomain(textOf(auth), from);
    if (typeof claimed !== 'string') {
      this.#stream.send(failureElement(claimed.failure));
      return;
    }
    this.#stream.send(element('success', ns.sasl));
    this.#proved(claimed, this.#to!);
    this.#stream.restart();
  }

  #dialback(received: Element): void {
    const message = readDialback(received);
    if (message === undefined || message.verdict !== undefined) {
      this.#fail('improper-addressing', 'dialback needs from and to');
      return;
    }
    if (message.name === 'verify') this.#answerVerify(message);
    else void this.#judge(message);
  }

  /** Somebody asks whether a key is ours: it is computed again. */
  #answerVerify({ from, to, id, key }: DialbackMessage): void {
    const pair = { from, to };
    if (!this.#context.own.has(to)) {
      this.#stream.send(dialbackAnswer('verify', pair, { kind: 'error', condition: 'item-not-found' }, id));
      return;
    }
    const valid = isPresentableKey(key) && isDialbackKey(this.#context.secret, from, to, id, key);
    this.#stream.send(dialbackAnswer('verify', pair, { kind: valid ? 'valid' : 'invalid' }, id));
  }

  async #judge(message: DialbackMessage): Promise<void> {
    const { from, to, key } = message;
    const answer = (verdict: Verdict): void => this.#stream.send(dialbackAnswer('result', { from, to }, verdict));
    const refuse = (condition: string): void => {
      this.#context.host.log.info({ from, to, address: this.#connection.remoteAddress, condition }, 'dialback was refused');
      answer({ kind: 'error', condition });
    };
    const policy = this.#context.policies.of(from);
    if (!this.#context.own.has(to)) refuse('item-not-found');
    else if (policy.blocked || this.#context.own.has(from)) refuse('forbidden');
    else if (!this.#mayDialBack(from)) refuse(policy.authentication === 'certificate' ? 'not-authorized' : 'policy-violation');
    else if (!isPresentableKey(key) || this.#underWay >= mostUnderWay || this.#pairs.size >= mostPairs) refuse('resource-constraint');
    else if (provesDomain(this.#stream.tls, from)) {
      // The certificate says it already (XEP-0344).
      this.#proved(from, to);
      answer({ kind: 'valid' });
    } else {
      this.#underWay++;
      const verdict = await this.#owner.verify(from, to, this.#id, key);
      this.#underWay--;
      if (!this.#stream.isOpen) return;
      if (verdict.kind === 'error') refuse(verdict.condition);
      else if (verdict.kind === 'invalid') {
        // XEP-0220 section 2.4: whoever shows a wrong key loses the stream.
        answer(verdict);
        this.#fail('not-authorized', `the server of ${from} does not know that key`);
      } else {
        this.#proved(from, to);
        answer(verdict);
      }
    }
  }

  /** Stream management without resumption (XEP-0198): we send no stanzas on this stream, so all there is to tell is what has come. */
  #manage(what: Element): void {
    switch (what.name) {
      case 'enable':
        if (this.#pairs.size === 0 || this.#handled !== undefined) {
          this.#stream.send(element('failed', ns.streamManagement, {}, element('unexpected-request', ns.stanzaErrors)));
          return;
        }
        this.#handled = new Handled();
        this.#stream.send(element('enabled', ns.streamManagement));
        break;
      case 'resume':
        this.#stream.send(element('failed', ns.streamManagement, {}, element('item-not-found', ns.stanzaErrors)));
        break;
      case 'r':
        this.#handled?.asked((count) => this.#stream.send(answerElement(count)));
        break;
      default:
        break;
    }
  }

  #proved(from: Domain, to: Domain): void {
    this.#pairs.add(pairKey(from, to));
    this.#connection.admit();
    const policy = this.#context.policies.of(from);
    this.#policy = this.#policy === undefined ? policy : strictest(this.#policy, policy);
    this.#stream.trust(this.#policy.stanzaBytes, rateOf(this.#context, this.#policy));
    this.#owner.proved(from, to);
    this.#context.host.log.debug({ from, to, tls: this.tls }, 'another XMPP server proved itself');
  }

  #stanza(stanza: Element): void {
    const from = domainOf(attribute(stanza, 'from'));
    const to = domainOf(attribute(stanza, 'to'));
    if (from === undefined || to === undefined) {
      this.#fail('improper-addressing', 'a stanza between servers needs from and to');
      return;
    }
    if (this.#pairs.size === 0) {
      this.#fail('not-authorized', 'prove who you are first');
      return;
    }
    if (!this.#context.own.has(to)) {
      this.#fail('host-unknown', 'that domain is not served here');
      return;
    }
    if (!this.#pairs.has(pairKey(from, to))) {
      this.#fail('invalid-from', 'that domain was not proved on this stream');
      return;
    }
    this.received++;
    const done = this.#owner.received(stanza, from, to);
    this.#handled?.received(done);
  }
}
