/** What stands in `nick!user@host`: masks and sources. */

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
