/** Server dialback (XEP-0220, keys as in XEP-0185), as pure functions and a table of requests under way. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Domain } from '../../../server/plugin.ts';
import { attribute, element, stanza, textOf, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import { tryParseJid } from '../jid.ts';

/** Ordered: from whom, to whom. Authorisation is per pair, never per connection. */
export interface DomainPair {
  readonly from: Domain;
  readonly to: Domain;
}

export function pairKey(from: Domain, to: Domain): string {
  return `${from} ${to}`;
}

/** The key for a stream (XEP-0185): made by the originating server, judged by its authoritative server. */
export function dialbackKey(secret: string | Buffer, receiving: string, originating: string, streamId: string): string {
  const key = createHash('sha256').update(secret).digest('hex');
  return createHmac('sha256', key).update(`${receiving} ${originating} ${streamId}`).digest('hex');
}

export function isDialbackKey(secret: string | Buffer, receiving: string, originating: string, streamId: string, key: string): boolean {
  const expected = Buffer.from(dialbackKey(secret, receiving, originating, streamId));
  const given = Buffer.from(key);
  return expected.length === given.length && timingSafeEqual(expected, given);
}

/** A key that may be relayed: visible ASCII, at most 255 characters. It is text of the attacker's size otherwise. */
export function isPresentableKey(key: string): boolean {
  return /^[\x21-\x7e]{1,255}$/.test(key);
}

/** Stream ids travel in db:verify and are as foreign as keys. */
export function isPresentableId(id: string): boolean {
  return /^[\x20-\x7e]{1,255}$/.test(id);
}

export type Verdict = { readonly kind: 'valid' } | { readonly kind: 'invalid' } | { readonly kind: 'error'; readonly condition: string };

/** `<db:result/>` or `<db:verify/>` as it came. */
export interface DialbackMessage extends DomainPair {
  readonly name: 'result' | 'verify';
  readonly id: string;
  readonly key: string;
  readonly verdict: Verdict | undefined;
}

/** Reads a dialback element; nothing when its addresses are no domains or its type is unknown. */
export function readDialback(what: Element): DialbackMessage | undefined {
  if (what.name !== 'result' && what.name !== 'verify') return undefined;
  const from = tryParseJid(attribute(what, 'from'));
  const to = tryParseJid(attribute(what, 'to'));
  if (from === undefined || to === undefined || from.full !== from.domain || to.full !== to.domain) return undefined;
  const type = attribute(what, 'type');
  let verdict: Verdict | undefined;
  if (type === 'valid' || type === 'invalid') verdict = { kind: type };
  else if (type === 'error') verdict = { kind: 'error', condition: errorCondition(what) };
  else if (type !== undefined) return undefined;
  return { name: what.name, from: from.domain, to: to.domain, id: attribute(what, 'id') ?? '', key: textOf(what).trim(), verdict };
}

function errorCondition(what: Element): string {
  for (const error of what.children) {
    if (typeof error === 'string' || error.name !== 'error') continue;
    for (const condition of error.children) {
      if (typeof condition !== 'string' && attribute(condition, 'xmlns') === ns.stanzaErrors) return condition.name;
    }
  }
  return 'undefined-condition';
}

export function dialbackRequest(name: 'result' | 'verify', pair: DomainPair, key: string, id?: string): Element {
  return element(name, ns.dialback, { from: pair.from, to: pair.to, id }, key);
}

/** The answer to a request of `pair`: it goes the other way. */
export function dialbackAnswer(name: 'result' | 'verify', pair: DomainPair, verdict: Verdict, id?: string): Element {
  const attributes = { from: pair.to, to: pair.from, id, type: verdict.kind };
  if (verdict.kind !== 'error') return element(name, ns.dialback, attributes);
  const error = stanza('error', { type: 'cancel' }, element(verdict.condition, ns.stanzaErrors));
  return element(name, ns.dialback, attributes, error);
}

/** Requests sent on one stream and not yet answered: an answer counts only for one of them, once. */
export class Outstanding<Waiter> {
  readonly #waiting = new Map<string, Waiter>();

  get size(): number {
    return this.#waiting.size;
  }

  /** False when the same is already being asked. */
  add(pair: DomainPair, id: string, waiter: Waiter): boolean {
    const key = `${pairKey(pair.from, pair.to)} ${id}`;
    if (this.#waiting.has(key)) return false;
    this.#waiting.set(key, waiter);
    return true;
  }

  /** Takes out the request that an answer from `answer.from` to `answer.to` belongs to; nothing for an unasked one. */
  take(answer: DomainPair, id: string): Waiter | undefined {
    const key = `${pairKey(answer.to, answer.from)} ${id}`;
    const waiter = this.#waiting.get(key);
    this.#waiting.delete(key);
    return waiter;
  }

  clear(): Waiter[] {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    return all;
  }
}
