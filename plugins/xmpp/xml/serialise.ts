/** Elements to XML that no parser can refuse: what XML forbids is left out, the rest is escaped (threat classes A1, A3). */
import type { Element } from 'ltx';
import { namespaceOf } from './element.ts';
import { ns } from './namespaces.ts';

export function escapeText(text: string): string {
  return escape(text, false);
}

export function escapeAttribute(text: string): string {
  return escape(text, true);
}

function escape(text: string, attribute: boolean): string {
  let out = '';
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit <= 0xdbff) {
      const next = text.charCodeAt(i + 1);
      if (next >= 0xdc00 && next <= 0xdfff) {
        i++;
        continue;
      }
    }
    const instead = replacement(unit, attribute);
    if (instead === undefined) continue;
    out += text.slice(from, i) + instead;
    from = i + 1;
  }
  return from === 0 ? text : out + text.slice(from);
}

/** What stands for a character, or nothing when it stands for itself (XML 1.0 sections 2.2, 2.4, 3.3.3). */
function replacement(unit: number, attribute: boolean): string | undefined {
  if (unit === 0x26) return '&amp;';
  if (unit === 0x3c) return '&lt;';
  if (unit === 0x3e) return '&gt;';
  if (unit === 0x0d) return '&#13;';
  if (attribute) {
    if (unit === 0x22) return '&quot;';
    if (unit === 0x27) return '&apos;';
    if (unit === 0x0a) return '&#10;';
    if (unit === 0x09) return '&#9;';
  }
  if (unit < 0x20 && unit !== 0x0a && unit !== 0x09) return '';
  if ((unit >= 0xd800 && unit <= 0xdfff) || unit === 0xfffe || unit === 0xffff) return '';
  return undefined;
}

const nameStart =
  'A-Za-z_\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u02ff\\u0370-\\u037d\\u037f-\\u1fff\\u200c\\u200d\\u2070-\\u218f\\u2c00-\\u2fef\\u3001-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\ufffd';
const validName = new RegExp(`^[${nameStart}][${nameStart}.0-9\\u00b7\\u0300-\\u036f\\u203f-\\u2040-]*$`);

/** A local name as XML 1.0 (without astral letters) and Namespaces allow it. */
export function isName(name: string): boolean {
  return validName.test(name);
}

/** Namespaces that cannot be declared (Namespaces in XML 1.0 section 3). */
const reserved = new Set<string>([ns.xml, 'http://www.w3.org/2000/xmlns/']);

/** Prefixes that our stream headers declare. Some servers (ejabberd 23.01) know these elements by their prefix alone. */
const prefixes = new Map<string, string>([
  [ns.streams, 'stream:'],
  [ns.dialback, 'db:'],
]);

/**
 * Writes an element as a child of something whose default namespace is `inside`, where the prefixes above are declared. An element or attribute whose name is no
 * XML name is left out.
 */
export function serialise(tree: Element, inside: string = ns.client): string {
  return write(tree, inside, '');
}

/** A stanza cut where its `to` belongs: encode once, send to many. */
export interface Addressable {
  readonly head: string;
  readonly tail: string;
}

export function serialiseAddressable(tree: Element): Addressable {
  const text = write(tree, ns.client, cut);
  const at = text.indexOf(cut);
  return { head: text.slice(0, at), tail: text.slice(at + cut.length) };
}

export function addressed(stanza: Addressable, to: string): string {
  return `${stanza.head} to='${escapeAttribute(to)}'${stanza.tail}`;
}

/** Cannot occur in text or attributes: U+0000 never leaves. */
const cut = '\u0000';

function write(tree: Element, inside: string, mark: string): string {
  const own = namespaceOf(tree);
  if (!isName(tree.name) || reserved.has(own)) return '';
  const prefix = prefixes.get(own);
  const tag = `${prefix ?? ''}${tree.name}`;
  const within = prefix === undefined ? own : inside;
  let text = `<${tag}${mark}`;
  if (within !== inside) text += ` xmlns='${escapeAttribute(own)}'`;
  let qualifiers = 0;
  for (const [name, value] of Object.entries(tree.attrs)) {
    if (name === 'xmlns' || typeof value !== 'string' || (mark !== '' && name === 'to')) continue;
    if (name === 'xml:lang' || isName(name)) {
      text += ` ${name}='${escapeAttribute(value)}'`;
      continue;
    }
    // `{namespace}name` is how the attribute of a namespace is kept (see Tokenizer); it gets a prefix of its own here.
    const qualified = /^\{([^{}]+)\}([^{}]+)$/.exec(name);
    if (qualified === null || !isName(qualified[2]!) || reserved.has(qualified[1]!)) continue;
    const namespace = escapeAttribute(qualified[1]!);
    if (namespace === '') continue;
    const qualifier = `q${qualifiers++}`;
    text += ` xmlns:${qualifier}='${namespace}' ${qualifier}:${qualified[2]!}='${escapeAttribute(value)}'`;
  }
  if (tree.children.length === 0) return `${text}/>`;
  text += '>';
  for (const child of tree.children) text += typeof child === 'string' ? escapeText(child) : write(child, within, '');
  return `${text}</${tag}>`;
}
