/** Text with styles, cut into pieces that can be drawn one after the other. Never makes HTML. */

export interface Span {
  readonly start: number;
  readonly end: number;
  readonly style: Readonly<Record<string, unknown>> & { readonly kind: string };
}

export interface Piece {
  readonly text: string;
  readonly bold: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly strike: boolean;
  readonly code: boolean;
  readonly quote: boolean;
  readonly mention: boolean;
  readonly colour: string | undefined;
  readonly href: string | undefined;
}

/** An address ends before characters that turn the direction of what follows: it must read as what it is. */
const webAddress = /\bhttps?:\/\/[^\s<>"'`\u0000-\u001f\u202a-\u202e\u2066-\u2069]+/giu;
const codeMarks = /```[^`]+```|`[^`\n]+`/gu;
const turns = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const safeScheme = /^(?:https?|mailto|xmpp|ircs?):/i;

/** Addresses that may be followed: never a script. Threat class A15. */
export function safeHref(href: string): string | undefined {
  return safeScheme.test(href) ? href : undefined;
}

/** A name inside a sentence of ours: it cannot turn the rest of it around. Threat class A15. */
export function inLine(name: string): string {
  return name.replace(turns, '');
}

/** Where web addresses are in a text, without the punctuation of the sentence around them. */
export function findLinks(text: string): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  for (const match of text.matchAll(webAddress)) {
    let address = match[0].replace(/[.,;:!?*_~]+$/u, '');
    while (address.endsWith(')') && count(address, ')') > count(address, '(')) address = address.slice(0, -1).replace(/[.,;:!?]+$/u, '');
    if (/^https?:\/\/[^/]/i.test(address)) found.push({ start: match.index, end: match.index + address.length });
  }
  return found;
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}

/** What stands between backticks, one or three of them, is code; the marks stay, as in other clients. */
export function findCode(text: string): { start: number; end: number }[] {
  return Array.from(text.matchAll(codeMarks), (match) => ({ start: match.index, end: match.index + match[0].length }));
}

/** Cuts the text wherever a style begins or ends. */
export function pieces(text: string, given: readonly Span[], ownNick?: string): Piece[] {
  const code = findCode(text);
  const spans: readonly Span[] = [...given, ...code.map((range) => ({ ...range, style: { kind: 'code' } }))];
  const links = findLinks(text).filter((link) => !code.some(({ start, end }) => start <= link.start && end >= link.end));
  const mentions = ownNick === undefined ? [] : findMentions(text, ownNick);
  const cuts = new Set([0, text.length]);
  for (const { start, end } of [...spans, ...links, ...mentions]) {
    cuts.add(Math.min(start, text.length));
    cuts.add(Math.min(end, text.length));
  }
  const sorted = [...cuts].toSorted((a, b) => a - b);
  const result: Piece[] = [];
  for (let i = 0; i + 1 < sorted.length; i++) {
    const start = sorted[i]!;
    const end = sorted[i + 1]!;
    const over = spans.filter((span) => span.start <= start && span.end >= end);
    const has = (kind: string): boolean => over.some((span) => span.style.kind === kind);
    const colour = over.find((span) => span.style.kind === 'colour')?.style['foreground'];
    const href = over.find((span) => span.style.kind === 'link')?.style['href'];
    const found = links.find((link) => link.start <= start && link.end >= end);
    result.push({
      text: text.slice(start, end),
      bold: has('bold'),
      italic: has('italic'),
      underline: has('underline'),
      strike: has('strike'),
      code: has('code'),
      quote: has('quote'),
      mention: mentions.some((mention) => mention.start <= start && mention.end >= end),
      colour: typeof colour === 'string' && /^#[0-9a-f]{6}$/i.test(colour) ? colour : undefined,
      href: typeof href === 'string' ? safeHref(href) : found === undefined ? undefined : text.slice(found.start, found.end),
    });
  }
  return result;
}

/** Where a nick is named as a word of its own. */
export function findMentions(text: string, nick: string): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  if (nick === '') return found;
  const word = /[\p{L}\p{N}_]/u;
  const folded = text.toLowerCase();
  const wanted = nick.toLowerCase();
  // Folding may change lengths in rare scripts; then nothing can be marked safely.
  if (folded.length !== text.length) return found;
  for (let at = folded.indexOf(wanted); at !== -1; at = folded.indexOf(wanted, at + wanted.length)) {
    const end = at + wanted.length;
    if (!word.test(text[at - 1] ?? ' ') && !word.test(text[end] ?? ' ')) found.push({ start: at, end });
  }
  return found;
}
