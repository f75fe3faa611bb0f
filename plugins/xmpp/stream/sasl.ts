/** SASL EXTERNAL between servers (RFC 6120 section 6, XEP-0178). */
import { parseDomain, type Domain, type TlsFacts } from '../../../server/plugin.ts';
import { element, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';

export type SaslFailure =
  'not-authorized' | 'invalid-mechanism' | 'malformed-request' | 'incorrect-encoding' | 'invalid-authzid' | 'aborted';

/** Whether the peer's certificate proves that it is `domain`: a chain to a trusted root, and that very name in it. */
export function provesDomain(tls: TlsFacts | undefined, domain: Domain): boolean {
  return tls !== undefined && tls.certificate !== undefined && tls.chainVerified && tls.certificateNames(domain);
}

export function authElement(domain: Domain): Element {
  return element('auth', ns.sasl, { mechanism: 'EXTERNAL' }, Buffer.from(domain, 'utf8').toString('base64'));
}

/**
 * The domain that an initial response claims: the stream's `from` when it is empty (`=`, or nothing).
 * @returns the reason of the failure when it claims anything else than the stream's `from`
 */
export function claimedDomain(response: string, streamFrom: Domain): Domain | SaslFailureReason {
  const text = response.trim();
  if (text === '' || text === '=') return streamFrom;
  if (!/^[A-Za-z0-9+/]{1,1364}={0,2}$/.test(text) || text.length % 4 !== 0) return { failure: 'incorrect-encoding' };
  let claimed: Domain;
  try {
    claimed = parseDomain(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'base64')));
  } catch {
    return { failure: 'invalid-authzid' };
  }
  return claimed === streamFrom ? claimed : { failure: 'invalid-authzid' };
}

export interface SaslFailureReason {
  readonly failure: SaslFailure;
}

export function failureElement(failure: SaslFailure, text?: string): Element {
  return element(
    'failure',
    ns.sasl,
    {},
    element(failure, ns.sasl),
    text === undefined ? undefined : element('text', ns.sasl, { 'xml:lang': 'en' }, text),
  );
}
