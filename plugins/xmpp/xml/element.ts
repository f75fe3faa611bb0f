/**
 * Building and reading ltx elements. In this plugin every element of a parsed or built tree is in a normal form: its name
 * is the local name, and `attrs.xmlns` is its own namespace, whatever prefixes the wire used. Stanzas and their RFC 6120
 * children are in `jabber:client` in memory, on server streams too (see Tokenizer and serialise).
 */
import { Element } from 'ltx';
import { ns } from './namespaces.ts';

export { Element };

export type Attributes = Readonly<Record<string, string | undefined>>;
export type Child = Element | string | undefined;

/** Builds an element of a namespace. Undefined attributes and children are left out. */
export function element(name: string, namespace: string, attributes: Attributes = {}, ...children: readonly Child[]): Element {
  const made = bare(name, namespace);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) made.attrs[key] = value;
  for (const child of children) if (child !== undefined) append(made, child);
  return made;
}

/** An element without attributes of its own, whose attribute table has no prototype. */
export function bare(name: string, namespace: string): Element {
  const made = new Element(name);
  made.attrs = Object.create(null) as Record<string, string>;
  made.attrs['xmlns'] = namespace;
  return made;
}

/** A stanza, or one of the children that RFC 6120 and 6121 define in the content namespace. */
export function stanza(name: string, attributes: Attributes = {}, ...children: readonly Child[]): Element {
  return element(name, ns.client, attributes, ...children);
}

export function append(parent: Element, child: Element | string): void {
  parent.children.push(child);
  if (typeof child !== 'string') child.parent = parent;
}

export function attribute(of: Element, name: string): string | undefined {
  const value: unknown = of.attrs[name];
  return typeof value === 'string' ? value : undefined;
}

export function namespaceOf(of: Element): string {
  return attribute(of, 'xmlns') ?? '';
}

export function is(what: Element, name: string, namespace: string): boolean {
  return what.name === name && namespaceOf(what) === namespace;
}

export function elements(of: Element): Element[] {
  return of.children.filter((child): child is Element => typeof child !== 'string');
}

export function childrenOf(of: Element, name: string, namespace: string): Element[] {
  return elements(of).filter((child) => is(child, name, namespace));
}

export function childOf(of: Element, name: string, namespace: string): Element | undefined {
  for (const child of of.children) if (typeof child !== 'string' && is(child, name, namespace)) return child;
  return undefined;
}

export function textOf(of: Element): string {
  let text = '';
  for (const child of of.children) if (typeof child === 'string') text += child;
  return text;
}

/** The text of a child, or undefined when there is no such child. */
export function childText(of: Element, name: string, namespace: string): string | undefined {
  const child = childOf(of, name, namespace);
  return child === undefined ? undefined : textOf(child);
}
