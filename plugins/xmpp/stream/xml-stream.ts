/**
 * One XML stream over one connection, before it means anything: headers, restarts, TLS in place, errors, closing. Both
 * directions of server streams stand on it, and client streams will (`content`).
 */
import { randomBytes } from 'node:crypto';
import type { Clock, Connection, StartTlsOptions, Timer, TlsFacts } from '../../../server/plugin.ts';
import { attribute, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import { escapeAttribute, serialise } from '../xml/serialise.ts';
import { Tokenizer, peerLimits, strangerLimits } from '../xml/tokenizer.ts';
import { describeStreamError, StreamError, streamErrorElement, type StreamCondition } from './errors.ts';

export interface StreamHeader {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly id: string | undefined;
  /** Absent: before XMPP 1.0, no features follow. */
  readonly version: string | undefined;
  /** The peer declared the dialback namespace. */
  readonly dialback: boolean;
}

export interface HeaderToSend {
  readonly from: string;
  readonly to: string | undefined;
  readonly id?: string;
}

export interface StreamHandlers {
  header(header: StreamHeader): void;
  element(element: Element): void;
  /** Once; nothing follows. `error` is in words, absent after an orderly end; `condition` is that of the peer's stream error. */
  closed(error: string | undefined, condition?: string): void;
  /** The connection took what had piled up. */
  drained?(): void;
}

export interface StreamTools {
  readonly clock: Clock;
  /** The default namespace of stanzas: `jabber:server`. */
  readonly content: string;
  /** Bytes a second that a peer may send on the long run, and at once. */
  readonly rate: { take(bytes: number): boolean; readonly wait: number };
  /** Sees everything at level trace. */
  readonly trace: (direction: 'in' | 'out', xml: string) => void;
}

const closeTimeout = 5_000;

export class XmlStream {
  readonly #connection: Connection;
  readonly #tools: StreamTools;
  readonly #handlers: StreamHandlers;
  /** Our name until the peer has said whom it wants: in the header of an error that comes before. */
  readonly #name: string;
  #tokenizer: Tokenizer;
  #state: 'open' | 'starting-tls' | 'closing' | 'closed' = 'open';
  #headerSent = false;
  #peerEnd = false;
  #closeTimer: Timer | undefined;
  #resumeTimer: Timer | undefined;
  #limits = strangerLimits;
  #rate: StreamTools['rate'];
  /** When something was last read or a stanza written; keep-alives do not count. Milliseconds since 1970. */
  #activeAt: number;

  constructor(connection: Connection, tools: StreamTools, name: string, handlers: StreamHandlers) {
    this.#connection = connection;
    this.#name = name;
    this.#tools = tools;
    this.#rate = tools.rate;
    this.#handlers = handlers;
    this.#tokenizer = this.#newTokenizer();
    this.#activeAt = tools.clock.now();
    connection.handle({
      onData: (bytes) => this.#data(bytes),
      onDrain: () => this.#handlers.drained?.(),
      onClose: (error) => this.#finish(error ?? (this.#peerEnd || this.#state === 'closing' ? undefined : 'the connection broke')),
    });
  }

  /** What it runs over. */
  get connection(): Connection {
    return this.#connection;
  }
  get tls(): TlsFacts | undefined {
    return this.#connection.tls;
  }

  get activeAt(): number {
    return this.#activeAt;
  }

  /** Bytes written that the connection has not taken yet. */
  get queued(): number {
    return this.#connection.queued;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Our half of a stream, or of its restart. */
  open(header: HeaderToSend): void {
    this.#headerSent = true;
    const id = header.id === undefined ? '' : ` id='${escapeAttribute(header.id)}'`;
    const to = header.to === undefined ? '' : ` to='${escapeAttribute(header.to)}'`;
    this.#write(
      `<?xml version='1.0'?><stream:stream xmlns='${this.#tools.content}' xmlns:stream='${ns.streams}' xmlns:db='${ns.dialback}'` +
        ` from='${escapeAttribute(header.from)}'${to}${id} version='1.0' xml:lang='en'>`,
    );
  }

  send(element: Element): void {
    this.#write(serialise(element));
  }

  /** A stanza that is already encoded. */
  sendText(xml: string): void {
    this.#activeAt = this.#tools.clock.now();
    this.#write(xml);
  }

  /** White space between stanzas keeps the connection alive. */
  keepAlive(): void {
    if (this.#state === 'open') this.#connection.write(' ');
  }

  /** The peer's next bytes begin a new document. What is left of those being read is dropped. */
  restart(): void {
    this.#tokenizer.stop();
    this.#tokenizer = this.#newTokenizer();
    this.#headerSent = false;
  }

  /** The peer proved who it is: it may send larger stanzas, and at its own rate. */
  trust(stanzaBytes = peerLimits.stanzaBytes, rate = this.#rate): void {
    this.#limits = { ...peerLimits, stanzaBytes };
    this.#rate = rate;
    this.#tokenizer.setLimits(this.#limits);
  }

  /** Turns the connection into TLS and begins anew; everything heard in plain text is forgotten. */
  async startTls(options: StartTlsOptions): Promise<TlsFacts> {
    this.#state = 'starting-tls';
    this.#tokenizer.stop();
    const facts = await this.#connection.startTls(options);
    if (this.#state === 'starting-tls') {
      this.#state = 'open';
      this.restart();
    }
    return facts;
  }

  /** Ends the stream because the peer broke a rule. A header of ours goes first when none went yet (RFC 6120 section 4.9.1.2). */
  fail(condition: StreamCondition, text: string): void {
    if (this.#state !== 'open') {
      this.destroy(`${condition}: ${text}`);
      return;
    }
    if (!this.#headerSent) this.open({ from: this.#name, to: undefined, id: newStreamId() });
    this.#write(`${serialise(streamErrorElement(condition, text))}</stream:stream>`);
    this.#end(`${condition}: ${text}`);
  }

  /** Ends the stream in order: our end tag, then a little time for the peer's. */
  close(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    if (this.#headerSent) this.#connection.write('</stream:stream>');
    this.#closeTimer = this.#tools.clock.after(closeTimeout, () => this.#end(undefined));
  }

  destroy(reason: string): void {
    this.#connection.destroy(reason);
    this.#finish(reason);
  }

  #end(reason: string | undefined, condition?: string): void {
    this.#connection.end();
    this.#finish(reason, condition);
  }

  #finish(error: string | undefined, condition?: string): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#tokenizer.stop();
    this.#closeTimer?.cancel();
    this.#resumeTimer?.cancel();
    this.#handlers.closed(error, condition);
  }

  #write(xml: string): void {
    if (this.#state === 'closed' || this.#state === 'starting-tls') return;
    this.#tools.trace('out', xml);
    this.#connection.write(xml);
  }

  #newTokenizer(): Tokenizer {
    return new Tokenizer(this.#tools.content, this.#limits, {
      header: (root, declared) => this.#header(root, declared),
      element: (element) => this.#element(element),
      end: () => this.#peerEnded(),
    });
  }

  #data(bytes: Buffer): void {
    if (this.#state === 'closed' || this.#state === 'starting-tls') return;
    this.#activeAt = this.#tools.clock.now();
    if (!this.#rate.take(bytes.length)) this.#slowDown();
    this.#tools.trace('in', bytes.toString());
    try {
      this.#tokenizer.write(bytes);
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      this.fail(error.condition, error.message);
    }
  }

  /** The peer sent more than it may in a while: it is read again later. */
  #slowDown(): void {
    if (this.#resumeTimer !== undefined) return;
    this.#connection.pause();
    this.#resumeTimer = this.#tools.clock.after(Math.max(20, this.#rate.wait), () => {
      this.#resumeTimer = undefined;
      this.#connection.resume();
    });
  }

  #header(root: Element, declared: ReadonlyMap<string, string>): void {
    if (root.name !== 'stream' || attribute(root, 'xmlns') !== ns.streams)
      throw new StreamError('invalid-namespace', `the root must be stream in ${ns.streams}`);
    if (declared.get('') !== this.#tools.content)
      throw new StreamError('invalid-namespace', `the default namespace must be ${this.#tools.content}`);
    this.#handlers.header({
      from: attribute(root, 'from'),
      to: attribute(root, 'to'),
      id: attribute(root, 'id'),
      version: attribute(root, 'version'),
      dialback: [...declared.values()].includes(ns.dialback),
    });
  }

  #element(received: Element): void {
    if (attribute(received, 'xmlns') === ns.streams && received.name === 'error') {
      const { condition, words } = describeStreamError(received);
      if (this.#state === 'open' && this.#headerSent) this.#connection.write('</stream:stream>');
      this.#end(`the peer ended the stream: ${words}`, condition);
      return;
    }
    this.#handlers.element(received);
  }

  #peerEnded(): void {
    this.#peerEnd = true;
    if (this.#state === 'open' && this.#headerSent) this.#connection.write('</stream:stream>');
    this.#end(undefined);
  }
}

/** Stream ids must not be guessed: dialback depends on it. */
export function newStreamId(): string {
  return randomBytes(16).toString('hex');
}
