/** XMPP addresses (RFC 7622), prepared: two equal addresses are equal strings. */
import { domainToUnicode } from 'node:url';
import { AddressError, parseDomain, type Domain } from '../../server/plugin.ts';

export interface Jid {
  /** Empty for a domain's own address. */
  readonly local: string;
  readonly domain: Domain;
  /** Empty for a bare address. */
  readonly resource: string;
  /** `local@domain` or `domain`. */
  readonly bare: string;
  /** With the resource, where there is one. */
  readonly full: string;
}

const maxPartBytes = 1023;
/** Of a whole address: longer ones are not looked at any closer. */
const maxLength = 3 * maxPartBytes + 2;

/** Parses and prepares an address. @throws AddressError */
export function parseJid(text: string): Jid {
  if (text.length > maxLength) throw new AddressError('an XMPP address must not be longer than 3071 bytes');
  const slash = text.indexOf('/');
  const bare = slash < 0 ? text : text.slice(0, slash);
  const at = bare.indexOf('@');
  if (at === 0) throw new AddressError('an XMPP address must not begin with @');
  if (slash === text.length - 1 && slash >= 0) throw new AddressError('the resource of an XMPP address must not be empty');
  const local = at < 0 ? '' : prepareLocal(bare.slice(0, at));
  const domain = prepareDomain(bare.slice(at + 1));
  const resource = slash < 0 ? '' : prepareResource(text.slice(slash + 1));
  return jid(local, domain, resource);
}

/** The address in text from the network, or nothing when it is none. */
export function tryParseJid(text: string | undefined): Jid | undefined {
  if (text === undefined) return undefined;
  try {
    return parseJid(text);
  } catch (error) {
    if (error instanceof AddressError) return undefined;
    throw error;
  }
}

/** Puts prepared parts together. */
export function jid(local: string, domain: Domain, resource = ''): Jid {
  const bare = local === '' ? domain : `${local}@${domain}`;
  return { local, domain, resource, bare, full: resource === '' ? bare : `${bare}/${resource}` };
}

/** The domain part of an address that may be malformed otherwise, or nothing. */
export function domainOf(text: string | undefined): Domain | undefined {
  if (text === undefined) return undefined;
  const slash = text.indexOf('/');
  const bare = slash < 0 ? text : text.slice(0, slash);
  try {
    return prepareDomain(bare.slice(bare.indexOf('@') + 1));
  } catch (error) {
    if (error instanceof AddressError) return undefined;
    throw error;
  }
}

/** Domain names as U-labels in lower case (RFC 7622 section 3.2), IPv4 literals as they are. @throws AddressError */
export function prepareDomain(text: string): Domain {
  const prepared = parseDomain(text);
  if (!/(?:^|\.)xn--/.test(prepared)) return prepared;
  return parseDomain(domainToUnicode(prepared));
}

/** PRECIS UsernameCaseMapped (RFC 8265 section 3.3), without what RFC 7622 section 3.3.1 forbids besides. @throws AddressError */
export function prepareLocal(text: string): string {
  const prepared = text
    .replace(/[\uff01-\uff5e]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .toLowerCase()
    .normalize('NFC');
  checkLength(prepared, 'local part');
  if (/[^\p{L}\p{N}\p{Mn}\p{Mc}\x21-\x7e]/u.test(prepared) || /["&'/:<>@]/.test(prepared) || /^\p{M}/u.test(prepared))
    throw new AddressError('the local part of an XMPP address has a forbidden character');
  return prepared;
}

/** PRECIS OpaqueString (RFC 8265 section 4.2). @throws AddressError */
export function prepareResource(text: string): string {
  const prepared = text.replace(/\p{Zs}/gu, ' ').normalize('NFC');
  checkLength(prepared, 'resource');
  // Controls, line and paragraph separators, surrogates, private use, unassigned, and format characters that only hide or reorder text.
  if (/[\p{Cc}\p{Cs}\p{Cn}\p{Co}\p{Zl}\p{Zp}]/u.test(prepared) || hidden.test(prepared))
    throw new AddressError('the resource of an XMPP address has a forbidden character');
  return prepared;
}

/** Bidirectional controls, zero width blanks, soft hyphen, byte order mark: look-alikes of nothing or of other text. */
export const hidden = /[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\u115f\u1160\u3164\uffa0]/u;

function checkLength(prepared: string, part: string): void {
  if (prepared === '') throw new AddressError(`the ${part} of an XMPP address must not be empty`);
  if (Buffer.byteLength(prepared) > maxPartBytes) throw new AddressError(`the ${part} of an XMPP address is too long`);
}

const escaped = new Map([
  [' ', '\\20'],
  ['"', '\\22'],
  ['&', '\\26'],
  ["'", '\\27'],
  ['/', '\\2f'],
  [':', '\\3a'],
  ['<', '\\3c'],
  ['>', '\\3e'],
  ['@', '\\40'],
]);
const unescaped = new Map([...escaped, ['\\', '\\5c'] as const].map(([character, escape]) => [escape, character]));

/** Escapes a foreign name into a local part (XEP-0106). Reversible for names that neither begin nor end with a blank. */
export function escapeLocal(name: string): string {
  return name.replace(/\\(?=20|22|26|27|2f|3a|3c|3e|40|5c)/gi, '\\5c').replace(/[ "&'/:<>@]/g, (character) => escaped.get(character)!);
}

/** The foreign name in a local part (XEP-0106). */
export function unescapeLocal(local: string): string {
  return local.replace(/\\(?:20|22|26|27|2f|3a|3c|3e|40|5c)/gi, (escape) => unescaped.get(escape.toLowerCase())!);
}
