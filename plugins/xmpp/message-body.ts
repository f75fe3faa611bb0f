/** What a message stanza says to people here. */
import type { StanzaError } from './stanza-error.ts';
import { fromBody, type Said } from './text.ts';
import { childOf, childText, elements, namespaceOf, type Element } from './xml/element.ts';
import { ns } from './xml/namespaces.ts';

export type Body =
  | { readonly kind: 'said'; readonly said: Said }
  /** For one XMPP client's eyes; what stands in the body is only an excuse (XEP-0380). */
  | { readonly kind: 'encrypted' }
  | { readonly kind: 'none' };

const encrypted: ReadonlySet<string> = new Set([ns.encryption, ns.omemo, ns.omemo2, ns.openpgp, ns.legacyPgp]);

/** What an encrypted message is answered with: nobody but XMPP clients could read it. */
export const encryptedError: StanzaError = {
  condition: 'not-acceptable',
  text: 'Encrypted messages cannot be read here; people of other networks are in this conversation.',
};

export function readBody(what: Element): Body {
  const body = childText(what, 'body', ns.client) ?? '';
  if (body === '') return { kind: 'none' };
  if (elements(what).some((child) => encrypted.has(namespaceOf(child)))) return { kind: 'encrypted' };
  return { kind: 'said', said: fromBody(body, childOf(what, 'unstyled', ns.styling) === undefined) };
}
