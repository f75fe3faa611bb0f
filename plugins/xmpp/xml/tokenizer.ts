/**
 * Bytes of an XML stream to elements: strict, bounded, incremental (RFC 6120 section 11; threat class A3). One Tokenizer
 * reads one XML document, that is, one stream until its next restart.
 */
import { SaxesParser, type SaxesAttributeNS, type SaxesTagNS } from 'saxes';
import { append, bare, type Element } from './element.ts';
import { ns } from './namespaces.ts';
import { StreamError } from '../stream/errors.ts';

export interface TokenizerLimits {
  /** Bytes of one top-level element, or of the stream header. */
  readonly stanzaBytes: number;
  /** Elements, attributes and texts in one top-level element: what it may cost in memory. */
  readonly nodes: number;
}

export interface TokenizerEvents {
  /** The root's start tag: the stream header, and the namespaces that it declares, by prefix ('' is the default one). */
  header(root: Element, declared: ReadonlyMap<string, string>): void;
  /** A complete child of the root. */
  element(element: Element): void;
  /** The root's end tag. */
  end(): void;
}

/** Before and after authentication (digest section 13). */
export const strangerLimits: TokenizerLimits = { stanzaBytes: 10_000, nodes: 400 };
export const peerLimits: TokenizerLimits = { stanzaBytes: 524_288, nodes: 20_000 };

const maxDepth = 64;
const maxAttributes = 64;
const maxNameLength = 256;
/** Fed to the parser at once, so that a limit is met soon after it is passed. */
const sliceBytes = 4096;

export class Tokenizer {
  readonly #events: TokenizerEvents;
  readonly #parser: SaxesParser<{ xmlns: true; position: true }>;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  readonly #contentNamespace: string;
  #limits: TokenizerLimits;
  readonly #open: Element[] = [];
  #stopped = false;
  #attributes = 0;
  #nodes = 0;
  /** Bytes since the end of the last top-level element. */
  #pending = 0;
  /** The slice being parsed, how much came before it, and how much of it belongs to complete elements (UTF-16 units). */
  #slice = '';
  #fed = 0;
  #done = 0;
  /** What the slice being parsed led to; told when the parser is at rest. */
  #happened: (() => void)[] = [];
  /** What the last end tag led to: the parser may find only afterwards that it was the wrong one. */
  #ended: (() => void) | undefined;

  /**
   * @param contentNamespace the default namespace of stanzas on this stream (`jabber:server`, `jabber:client`); its
   * elements are handed over in `jabber:client`
   */
  constructor(contentNamespace: string, limits: TokenizerLimits, events: TokenizerEvents) {
    this.#contentNamespace = contentNamespace;
    this.#limits = limits;
    this.#events = events;
    this.#parser = new SaxesParser({ xmlns: true, position: true });
    this.#listen();
  }

  setLimits(limits: TokenizerLimits): void {
    this.#limits = limits;
  }

  /** Takes no more: whatever is left of the bytes being written is dropped (before STARTTLS, after a restart, on close). */
  stop(): void {
    this.#stopped = true;
  }

  /** @throws StreamError when the peer sends what XMPP forbids, or too much of it. Nothing may be written afterwards. */
  write(bytes: Buffer): void {
    for (let from = 0; from < bytes.length && !this.#stopped; from += sliceBytes) {
      this.#writeSlice(bytes.subarray(from, from + sliceBytes));
    }
  }

  #writeSlice(bytes: Buffer): void {
    let text: string;
    try {
      text = this.#decoder.decode(bytes, { stream: true });
    } catch {
      this.#stopped = true;
      throw new StreamError('not-well-formed', 'the stream is not UTF-8');
    }
    // White space between stanzas keeps a connection alive; the parser would collect it.
    if (this.#pending === 0 && this.#open.length === 1) text = text.replace(/^[ \t\r\n]+/, '');
    if (text === '') return;
    this.#slice = text;
    this.#done = 0;
    let failure: StreamError | undefined;
    try {
      this.#parser.write(text);
      this.#believe();
      this.#pending += Buffer.byteLength(text.slice(this.#done));
      this.#checkSize(this.#pending);
    } catch (error) {
      failure =
        error instanceof StreamError
          ? error
          : new StreamError('not-well-formed', error instanceof Error ? error.message : 'the stream is not well-formed');
    }
    this.#fed += text.length;
    this.#tell();
    if (failure === undefined || this.#stopped) return;
    this.#stopped = true;
    throw failure;
  }

  #tell(): void {
    const happened = this.#happened;
    this.#happened = [];
    this.#ended = undefined;
    for (const tell of happened) if (!this.#stopped) tell();
  }

  /** Nothing was wrong with the last end tag. */
  #believe(): void {
    if (this.#ended !== undefined) this.#happened.push(this.#ended);
    this.#ended = undefined;
  }

  #checkSize(bytes: number): void {
    if (bytes > this.#limits.stanzaBytes) {
      throw new StreamError('policy-violation', `a stanza must not be larger than ${this.#limits.stanzaBytes} bytes`);
    }
  }

  #listen(): void {
    const parser = this.#parser;
    parser.on('xmldecl', (declaration) => {
      if (declaration.version !== '1.0') throw new StreamError('not-well-formed', 'only XML 1.0 is understood');
      if (declaration.encoding !== undefined && declaration.encoding.toLowerCase() !== 'utf-8')
        throw new StreamError('unsupported-encoding', 'only UTF-8 is understood');
    });
    parser.on('doctype', () => this.#restricted('a document type declaration'));
    parser.on('comment', () => this.#restricted('a comment'));
    parser.on('processinginstruction', () => this.#restricted('a processing instruction'));
    parser.on('opentagstart', (tag) => {
      this.#believe();
      this.#attributes = 0;
      if (tag.name.length > maxNameLength) throw new StreamError('policy-violation', 'an element name is too long');
      if (this.#open.length >= maxDepth) throw new StreamError('policy-violation', 'elements are nested too deep');
      this.#count();
    });
    parser.on('attribute', (attribute) => {
      if (++this.#attributes > maxAttributes) throw new StreamError('policy-violation', 'an element has too many attributes');
      if (attribute.name.length > maxNameLength) throw new StreamError('policy-violation', 'an attribute name is too long');
      this.#count();
    });
    parser.on('opentag', (tag) => this.#opened(tag));
    parser.on('closetag', () => this.#closed());
    parser.on('text', (text) => this.#text(text));
    parser.on('cdata', (text) => this.#text(text));
  }

  #restricted(what: string): never {
    this.#believe();
    throw new StreamError('restricted-xml', `${what} has no place in a stream`);
  }

  #count(): void {
    if (++this.#nodes > this.#limits.nodes) throw new StreamError('policy-violation', 'a stanza has too many parts');
  }

  #opened(tag: SaxesTagNS): void {
    const opened = this.#build(tag);
    const parent = this.#open.at(-1);
    this.#open.push(opened);
    if (parent === undefined) {
      this.#settle();
      const declared = new Map(Object.entries(tag.ns ?? {}));
      this.#happened.push(() => this.#events.header(opened, declared));
    } else if (this.#open.length > 2) append(parent, opened);
  }

  #closed(): void {
    this.#believe();
    const closed = this.#open.pop()!;
    if (this.#open.length === 1) {
      this.#settle();
      this.#ended = () => this.#events.element(closed);
    } else if (this.#open.length === 0) {
      this.#ended = () => {
        this.#stopped = true;
        this.#events.end();
      };
    }
  }

  #text(text: string): void {
    if (text === '') return;
    this.#believe();
    const into = this.#open.at(-1);
    if (this.#open.length < 2) {
      if (/[^ \t\r\n]/.test(text)) throw new StreamError('bad-format', 'there is text between stanzas');
      return;
    }
    this.#count();
    into!.children.push(text);
  }

  /** A top-level unit is complete: check its size and begin to count the next. */
  #settle(): void {
    const end = this.#parser.position - this.#fed;
    this.#checkSize(this.#pending + Buffer.byteLength(this.#slice.slice(this.#done, end)));
    this.#done = Math.max(0, end);
    this.#pending = 0;
    this.#nodes = 0;
  }

  #build(tag: SaxesTagNS): Element {
    if (tag.local === '' || tag.local === undefined) throw new StreamError('not-well-formed', 'an element has no name');
    if (this.#open.length === 1 && tag.uri === ns.client && this.#contentNamespace !== ns.client)
      throw new StreamError('invalid-namespace', `stanzas on this stream are in ${this.#contentNamespace}`);
    const built = bare(tag.local, tag.uri === this.#contentNamespace ? ns.client : tag.uri);
    for (const attribute of Object.values(tag.attributes)) keepAttribute(built, attribute);
    return built;
  }
}

function keepAttribute(built: Element, attribute: SaxesAttributeNS): void {
  if (attribute.prefix === 'xmlns' || (attribute.prefix === '' && attribute.local === 'xmlns')) return;
  if (attribute.prefix === '') built.attrs[attribute.local] = attribute.value;
  else if (attribute.uri === ns.xml) built.attrs[`xml:${attribute.local}`] = attribute.value;
  else built.attrs[`{${attribute.uri}}${attribute.local}`] = attribute.value;
}
