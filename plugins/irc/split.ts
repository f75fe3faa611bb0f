/** Long text to lines: at word boundaries within a byte limit, never inside a character, with its formatting carried on. */
import type { RichText } from '../../server/plugin.ts';
import { isPlainLine, readable, toIrcText } from './formatting.ts';

export interface SplitLimits {
  /** Bytes of one line's text, formatting codes included. */
  readonly bytes: number;
  /** Most lines; the rest is left out and `more` says so in a last one. */
  readonly lines: number;
  more(left: number): string;
}

/** Text as IRC lines without line ends, with mIRC codes. Line breaks begin a new line, empty lines and the blank at a cut are left out. */
export function ircLines(text: RichText, limits: SplitLimits): readonly string[] {
  const whole = asOneLine(text, limits.bytes);
  if (whole !== undefined) return [whole];
  const rich = readable(text);
  const lines: string[] = [];
  for (const line of splitLines(rich)) {
    let rest = line;
    while (rest.plain !== '') {
      const cut = cutPoint(rest, limits.bytes);
      const piece = toIrcText(slice(rest, 0, cut));
      if (piece.trim() !== '') lines.push(piece);
      const from = rest.plain[cut] === ' ' ? cut + 1 : cut;
      rest = slice(rest, from, rest.plain.length);
    }
  }
  if (lines.length <= limits.lines) return lines;
  const kept = lines.slice(0, limits.lines - 1);
  return [...kept, limits.more(lines.length - kept.length)];
}

/** What nearly all text is: one plain line that is not too long. Undefined for other text. */
export function asOneLine({ plain, spans }: RichText, bytes: number): string | undefined {
  return spans.length === 0 && plain.length <= bytes && isPlainLine(plain) && Buffer.byteLength(plain) <= bytes ? plain : undefined;
}

/** A stretch of rich text with the styles it has there. */
export function slice(text: RichText, start: number, end: number): RichText {
  if (start === 0 && end >= text.plain.length) return text;
  const spans = text.spans
    .filter((span) => span.end > start && span.start < end)
    .map((span) => ({ ...span, start: Math.max(span.start, start) - start, end: Math.min(span.end, end) - start }));
  return { plain: text.plain.slice(start, end), spans };
}

function splitLines(text: RichText): RichText[] {
  const lines: RichText[] = [];
  let start = 0;
  for (let at = text.plain.indexOf('\n'); at >= 0; at = text.plain.indexOf('\n', start)) {
    lines.push(slice(text, start, at));
    start = at + 1;
  }
  lines.push(slice(text, start, text.plain.length));
  return lines;
}

/** How many code units of the text go into a line; at least one character. */
function cutPoint(text: RichText, bytes: number): number {
  const { plain } = text;
  // a code unit takes at least one byte, so no more than this many fit
  let high = Math.min(plain.length, bytes);
  if (high === plain.length && size(text, high) <= bytes) return high;
  let low = 0;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (size(text, middle) <= bytes) low = middle;
    else high = middle - 1;
  }
  const whole = wholeCharacters(plain, low);
  if (whole === 0) return firstCharacter(plain);
  if (plain[whole] === ' ') return whole;
  const blank = plain.lastIndexOf(' ', whole - 1);
  return blank > whole / 3 ? blank : whole;
}

function size(text: RichText, end: number): number {
  return Buffer.byteLength(toIrcText(slice(text, 0, end)));
}

/** Moves a cut back so that it does not divide a surrogate pair, or a letter from the marks and joiners on it. */
function wholeCharacters(plain: string, wanted: number): number {
  let cut = wanted;
  for (let steps = 0; cut > 0 && cut < plain.length && steps < 32; steps++) {
    const next = plain.codePointAt(cut)!;
    const splitsPair = isLow(plain.charCodeAt(cut)) && isHigh(plain.charCodeAt(cut - 1));
    if (!splitsPair && !/\p{M}|\u200d/u.test(String.fromCodePoint(next)) && plain[cut - 1] !== '\u200d') return cut;
    cut--;
  }
  if (cut > 0 && cut < plain.length) return isLow(plain.charCodeAt(wanted)) && isHigh(plain.charCodeAt(wanted - 1)) ? wanted - 1 : wanted;
  return cut;
}

function firstCharacter(plain: string): number {
  return isHigh(plain.charCodeAt(0)) && isLow(plain.charCodeAt(1)) ? 2 : 1;
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
