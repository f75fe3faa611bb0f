/** `nick!user@host` masks and sources. */

export interface Hostmask {
  readonly nick: string;
  readonly user: string;
  readonly host: string;
}

/** Takes `nick!user@host` apart; missing parts are ''. */
export function parseHostmask(source: string): Hostmask {
  const bang = source.indexOf('!');
  const at = source.indexOf('@', Math.max(bang, 0));
  if (at < 0)
    return bang < 0 ? { nick: source, user: '', host: '' } : { nick: source.slice(0, bang), user: source.slice(bang + 1), host: '' };
  if (bang < 0) return { nick: source.slice(0, at), user: '', host: source.slice(at + 1) };
  return { nick: source.slice(0, bang), user: source.slice(bang + 1, at), host: source.slice(at + 1) };
}

/** Completes what a person wrote to a full mask: `bob` is `bob!*@*`, `*@host` is `*!*@host`, `a.example` is `*!*@a.example`. */
export function completeMask(text: string): string {
  const bang = text.indexOf('!');
  const at = text.indexOf('@');
  if (bang < 0 && at < 0) return /[.:]/.test(text) ? `*!*@${text}` : `${text}!*@*`;
  if (bang < 0) return `*!${text}`;
  return at < bang ? `${text}@*` : text;
}

/** Whether a glob with `*` and `?` meets a text; both already folded. Linear in the product of the lengths, whatever is written in it. */
export function globMatches(glob: string, text: string): boolean {
  let g = 0;
  let t = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    const wanted = glob[g];
    if (wanted !== undefined && wanted !== '*' && (wanted === '?' || wanted === text[t])) {
      g++;
      t++;
    } else if (wanted === '*') {
      star = g++;
      mark = t;
    } else if (star >= 0) {
      g = star + 1;
      t = ++mark;
    } else return false;
  }
  while (glob[g] === '*') g++;
  return g === glob.length;
}

/** A user name or host that can stand in a source: what cannot becomes `-`. Threat classes A2, A23. */
export function safeHost(host: string): string {
  const safe = host.replace(/[^\p{L}\p{N}._:/-]/gu, '-').slice(0, 63);
  return safe === '' || safe.startsWith(':') ? `0${safe}` : safe;
}

export function safeIdent(ident: string): string {
  const safe = ident.replace(/[^A-Za-z0-9._~-]/g, '').slice(0, 10);
  return safe === '' ? 'user' : safe;
}
