/** Stanza errors (RFC 6120 section 8.3) and the answers that carry them. */
import type { Refusal, RefusalCode } from '../../server/plugin.ts';
import { attribute, childOf, element, elements, namespaceOf, stanza, textOf, type Element } from './xml/element.ts';
import { ns } from './xml/namespaces.ts';

export type ErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait';

export type Condition =
  | 'bad-request'
  | 'conflict'
  | 'feature-not-implemented'
  | 'forbidden'
  | 'gone'
  | 'internal-server-error'
  | 'item-not-found'
  | 'jid-malformed'
  | 'not-acceptable'
  | 'not-allowed'
  | 'not-authorized'
  | 'policy-violation'
  | 'recipient-unavailable'
  | 'registration-required'
  | 'remote-server-not-found'
  | 'remote-server-timeout'
  | 'resource-constraint'
  | 'service-unavailable'
  | 'unexpected-request';

/** The type that RFC 6120 section 8.3.3 gives each condition. */
const typeOf: Readonly<Record<Condition, ErrorType>> = {
  'bad-request': 'modify',
  conflict: 'cancel',
  'feature-not-implemented': 'cancel',
  forbidden: 'auth',
  gone: 'cancel',
  'internal-server-error': 'cancel',
  'item-not-found': 'cancel',
  'jid-malformed': 'modify',
  'not-acceptable': 'modify',
  'not-allowed': 'cancel',
  'not-authorized': 'auth',
  'policy-violation': 'modify',
  'recipient-unavailable': 'wait',
  'registration-required': 'auth',
  'remote-server-not-found': 'cancel',
  'remote-server-timeout': 'wait',
  'resource-constraint': 'wait',
  'service-unavailable': 'cancel',
  'unexpected-request': 'wait',
};

export interface StanzaError {
  readonly condition: Condition;
  readonly type?: ErrorType;
  readonly text?: string;
  /** Where what is `gone` is now (RFC 6120 section 8.3.3.5). */
  readonly address?: string;
  /** Which entity on the way says so. */
  readonly by?: string;
}

export function errorElement(error: StanzaError): Element {
  return element(
    'error',
    ns.client,
    { type: error.type ?? typeOf[error.condition], by: error.by },
    element(error.condition, ns.stanzaErrors, {}, error.address),
    error.text === undefined ? undefined : element('text', ns.stanzaErrors, { 'xml:lang': 'en' }, error.text),
  );
}

/** The stanza that bounces `to` its sender; nothing for what must never be bounced (errors, iq results). */
export function bounce(what: Element, error: StanzaError): Element | undefined {
  const type = attribute(what, 'type');
  if (type === 'error' || (what.name === 'iq' && type === 'result')) return undefined;
  return stanza(
    what.name,
    { type: 'error', from: attribute(what, 'to'), to: attribute(what, 'from'), id: attribute(what, 'id') },
    errorElement(error),
  );
}

/** The condition of an error stanza; `undefined-condition` when it names none. */
export function conditionOf(what: Element): { readonly condition: string; readonly text: string } {
  const error = childOf(what, 'error', ns.client);
  let condition = 'undefined-condition';
  let text = '';
  for (const child of error === undefined ? [] : elements(error)) {
    if (namespaceOf(child) !== ns.stanzaErrors) continue;
    if (child.name === 'text') text = textOf(child);
    else condition = child.name;
  }
  return { condition, text };
}

/** What the core's refusals are called in XMPP (XEP-0045 section 7.2 for entering a room). */
const refusals: Readonly<Record<RefusalCode, StanzaError>> = {
  'no-such-room': { condition: 'item-not-found' },
  'no-such-user': { condition: 'item-not-found' },
  'no-such-account': { condition: 'item-not-found' },
  'not-a-member': { condition: 'not-acceptable', type: 'cancel' },
  'already-a-member': { condition: 'conflict' },
  banned: { condition: 'forbidden' },
  'members-only': { condition: 'registration-required' },
  'wrong-key': { condition: 'not-authorized' },
  full: { condition: 'service-unavailable', type: 'wait' },
  moderated: { condition: 'forbidden' },
  'not-permitted': { condition: 'forbidden' },
  'nick-in-use': { condition: 'conflict' },
  'bad-nick': { condition: 'jid-malformed' },
  'bad-name': { condition: 'jid-malformed' },
  'bad-credentials': { condition: 'not-authorized' },
  'name-taken': { condition: 'conflict' },
  'registration-closed': { condition: 'not-allowed' },
  'too-large': { condition: 'policy-violation' },
  'too-many': { condition: 'resource-constraint' },
  'too-fast': { condition: 'resource-constraint' },
  unavailable: { condition: 'service-unavailable' },
  'refused-by-hook': { condition: 'policy-violation' },
};

export function refusalError(refusal: Refusal): StanzaError {
  return { ...refusals[refusal.code], text: refusal.text };
}
