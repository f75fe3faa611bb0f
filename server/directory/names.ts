/** Rules for nicks and the hosts that are shown for people. */
import { createHmac } from 'node:crypto';
import { oneLine } from '../model/text.ts';
import { accepted, refused, type Outcome } from '../model/outcome.ts';
import { foldNick } from './state.ts';

/** Names from which the server itself might be thought to speak. */
const reserved = new Set([
  'banyan',
  'server',
  'system',
  'admin',
  'administrator',
  'root',
  'nickserv',
  'chanserv',
  'operserv',
  'memoserv',
  'saslserv',
  'global',
  'status',
  'everyone',
  'here',
  'all',
]);

/** Checks a nick that a person of ours wants. Blanks and what some protocol reads as syntax are refused, with the character named. */
export function checkNick(wanted: string, maxCharacters: number): Outcome<string> {
  const nick = wanted.normalize('NFC');
  if (oneLine(nick) !== nick || nick === '') return refused('bad-nick', 'A nick must be one word without control characters.');
  if ([...nick].length > maxCharacters) return refused('bad-nick', `A nick may have at most ${maxCharacters} characters.`);
  const bad = /[^\p{L}\p{N}\p{M}_\-[\]\\^{}|`]/u.exec(nick);
  if (bad)
    return refused(
      'bad-nick',
      `A nick cannot contain ${bad[0] === ' ' ? 'a blank' : `"${bad[0]}"`}. Letters, digits and _ - [ ] \\ ^ { } | \` can be used.`,
    );
  if (/^[\p{M}-]/u.test(nick)) return refused('bad-nick', 'A nick must not begin with a hyphen or a combining mark.');
  if (reserved.has(foldNick(nick))) return refused('bad-nick', `"${nick}" is reserved for the server.`);
  return accepted(nick);
}

/** The n-th variant of a nick that is taken. */
export function nickVariant(nick: string, attempt: number, maxCharacters: number): string {
  const suffix = `_${attempt + 1}`;
  return [...nick].slice(0, maxCharacters - suffix.length).join('') + suffix;
}

/**
 * A stable host for an identity under our domain: equal for one person everywhere, telling nothing about the connection.
 * `identity` is the address of an account, or the IP address (its /64 for IPv6) of a guest.
 */
export function shownHost(key: Buffer, identity: string, domain: string, kind: 'user' | 'guest'): string {
  const digest = createHmac('sha256', key).update(identity).digest('hex').slice(0, 12);
  return `${digest}.${kind}.${domain}`;
}

/** What of an IP address identifies a household: all of IPv4, the /64 of IPv6. */
export function addressGroup(ip: string): string {
  if (!ip.includes(':')) return ip;
  const [head = '', tail = ''] = ip.split('%')[0]!.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === '' ? [] : tail.split(':');
  const missing = ip.includes('::') ? Math.max(0, 8 - left.length - right.length) : 0;
  return [...left, ...Array<string>(missing).fill('0'), ...right]
    .slice(0, 4)
    .map((part) => (Number.parseInt(part, 16) || 0).toString(16))
    .join(':');
}

/** Matches `*` and `?` globs without backtracking blow-up: linear in the product of lengths, no regular expression. */
export function globMatches(glob: string, text: string): boolean {
  let g = 0;
  let t = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    if (g < glob.length && (glob[g] === '?' || (glob[g] !== '*' && glob[g] === text[t]))) {
      g++;
      t++;
    } else if (g < glob.length && glob[g] === '*') {
      star = g++;
      mark = t;
    } else if (star >= 0) {
      g = star + 1;
      t = ++mark;
    } else return false;
  }
  while (g < glob.length && glob[g] === '*') g++;
  return g === glob.length;
}

/** Whether a ban mask `nick!user@host` meets a person; case and compatibility forms do not matter. Threat class A11. */
export function maskMatches(mask: string, person: { readonly nick: string; readonly ident: string; readonly host: string }): boolean {
  return globMatches(foldNick(mask), foldNick(`${person.nick}!${person.ident}@${person.host}`));
}

/** Completes a partial mask: `nick` -> `nick!*@*`, `user@host` -> `*!user@host`. Undefined when it is none. */
export function completeMask(mask: string): string | undefined {
  const text = oneLine(mask);
  if (text === '' || text.includes(' ') || text.length > 200) return undefined;
  const bang = text.indexOf('!');
  const at = text.lastIndexOf('@');
  if (bang < 0 && at < 0) return text.includes('.') || text.includes(':') ? `*!*@${text}` : `${text}!*@*`;
  if (bang < 0) return `*!${text}`;
  if (at < bang) return `${text}@*`;
  return text;
}
