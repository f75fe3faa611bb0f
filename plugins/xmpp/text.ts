/** Message Styling (XEP-0393) and `/me` to the core's text and back. */
import type { MessageStyle, RichText, Span, SpanStyle } from '../../server/plugin.ts';

const directives: ReadonlyMap<string, SpanStyle> = new Map<string, SpanStyle>([
  ['*', { kind: 'bold' }],
  ['_', { kind: 'italic' }],
  ['~', { kind: 'strike' }],
  ['`', { kind: 'code' }],
]);

export interface Said {
  readonly text: RichText;
  readonly style: MessageStyle;
}

/** What a body says. `styled` is false where the sender says that its marks are no marks. */
export function fromBody(body: string, styled = true): Said {
  const action = /^\/me (?=[^\n])/.test(body);
  const plain = action ? body.slice(4) : body;
  return { text: styled ? fromStyling(plain) : { plain, spans: [] }, style: action ? 'action' : 'normal' };
}

/** Takes the marks out and makes them spans. Linear in the length. */
export function fromStyling(text: string): RichText {
  if (!/[*_~`>]/.test(text)) return { plain: text, spans: [] };
  const spans: Span[] = [];
  const lines: string[] = [];
  let length = 0;
  let fence: number | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('```')) {
      if (fence === undefined) {
        fence = length;
        // What stands behind the fence, the name of a language perhaps, is kept: nothing that somebody wrote is lost.
        const rest = line.slice(3);
        if (rest.trim() !== '') {
          lines.push(rest);
          length += rest.length + 1;
        }
        continue;
      }
      if (line.trim() === '```') {
        if (length > fence) spans.push({ start: fence, end: length - 1, style: { kind: 'code' } });
        fence = undefined;
        continue;
      }
    }
    const quote = fence === undefined ? /^>[> ]*/.exec(line)?.[0] : undefined;
    const rest = quote === undefined ? line : line.slice(quote.length);
    const inline = fence === undefined ? inlineSpans(rest) : { plain: rest, spans: [] };
    for (const span of inline.spans) spans.push({ ...span, start: span.start + length, end: span.end + length });
    if (quote !== undefined && inline.plain !== '')
      spans.push({ start: length, end: length + inline.plain.length, style: { kind: 'quote' } });
    lines.push(inline.plain);
    length += inline.plain.length + 1;
  }
  const plain = lines.join('\n');
  if (fence !== undefined && plain.length > fence) spans.push({ start: fence, end: plain.length, style: { kind: 'code' } });
  return plain === '' ? { plain: text, spans: [] } : { plain, spans };
}

/** One line: a mark opens at a word's beginning and closes at a word's end (XEP-0393 section 5.1). */
function inlineSpans(line: string): RichText {
  const spans: Span[] = [];
  let plain = '';
  // At most one of each mark is open: the first that can close it does.
  const open: { readonly mark: string; readonly at: number }[] = [];
  const lastClosing = lastClosings(line);
  for (let i = 0; i < line.length; i++) {
    const character = line[i]!;
    const style = directives.get(character);
    if (style === undefined) {
      plain += character;
      continue;
    }
    const before = line[i - 1];
    const known = open.findIndex((one) => one.mark === character);
    if (known !== -1) {
      const { at } = open[known]!;
      if (isBlank(before) || plain.length === at) plain += character;
      else {
        open.length = known;
        spans.push({ start: at, end: plain.length, style });
      }
      continue;
    }
    const opens = (isBlank(before) || directives.has(before!)) && !isBlank(line[i + 1]) && (lastClosing.get(character) ?? -1) >= i + 2;
    if (!opens) plain += character;
    else if (character === '`') {
      const closes = line.indexOf(character, i + 2);
      spans.push({ start: plain.length, end: plain.length + closes - i - 1, style });
      plain += line.slice(i + 1, closes);
      i = closes;
    } else open.push({ mark: character, at: plain.length });
  }
  // A mark that nothing closed was none.
  for (const { mark, at } of open.toReversed()) {
    plain = plain.slice(0, at) + mark + plain.slice(at);
    for (const [index, span] of spans.entries())
      if (span.end > at) spans[index] = { ...span, start: span.start >= at ? span.start + 1 : span.start, end: span.end + 1 };
  }
  return { plain, spans: spans.toSorted((a, b) => a.start - b.start) };
}

function isBlank(character: string | undefined): boolean {
  return character === undefined || /\s/.test(character);
}

/** For each mark, where it last stands at a word's end: a mark behind that opens nothing. */
function lastClosings(line: string): ReadonlyMap<string, number> {
  const last = new Map<string, number>();
  for (let i = 1; i < line.length; i++) if (directives.has(line[i]!) && !isBlank(line[i - 1])) last.set(line[i]!, i);
  return last;
}

const marks: Readonly<Partial<Record<SpanStyle['kind'], string>>> = { bold: '*', italic: '_', strike: '~', code: '`' };

/** The body that says it; links and quotes are written out. */
export function toBody(text: RichText, style: MessageStyle): string {
  const body = withMarks(text);
  return style === 'action' ? `/me ${body}` : body;
}

/** Something to put into the text. */
interface Insertion {
  readonly at: number;
  readonly text: string;
  readonly side: 'open' | 'close';
  /** Of two at one place, the wider span's mark is the outer one; of two spans alike, the earlier's. */
  readonly width: number;
  readonly index: number;
}

function withMarks({ plain, spans }: RichText): string {
  const insertions = spans.flatMap((span, index) => insertionsFor(plain, span, index));
  if (insertions.length === 0) return plain;
  let result = '';
  let from = 0;
  for (const { at, text } of insertions.toSorted(inOrder)) {
    result += plain.slice(from, at) + text;
    from = at;
  }
  return result + plain.slice(from);
}

function inOrder(a: Insertion, b: Insertion): number {
  if (a.at !== b.at) return a.at - b.at;
  if (a.side !== b.side) return a.side === 'close' ? -1 : 1;
  return a.side === 'open' ? b.width - a.width || a.index - b.index : a.width - b.width || b.index - a.index;
}

function insertionsFor(plain: string, span: Span, index: number): Insertion[] {
  const { start, end, style } = span;
  const said = plain.slice(start, end);
  const width = end - start;
  const opening = (text: string, at = start): Insertion => ({ at, text, side: 'open', width, index });
  const closing = (text: string): Insertion => ({ at: end, text, side: 'close', width, index });
  if (style.kind === 'link') return said === style.href ? [] : [closing(` <${style.href}>`)];
  if (style.kind === 'quote') {
    const quoted: Insertion[] = [];
    for (let at = lineStart(plain, start); at !== -1 && at < end; at = nextLine(plain, at))
      quoted.push({ ...opening('> ', at), width: Number.POSITIVE_INFINITY });
    return quoted;
  }
  if (style.kind === 'code' && said.includes('\n')) return [opening('```\n'), closing('\n```')];
  const mark = marks[style.kind];
  const markable = mark !== undefined && said !== '' && said.trim() === said && !said.includes('\n') && !said.includes(mark);
  return markable ? [opening(mark), closing(mark)] : [];
}

function lineStart(plain: string, at: number): number {
  return plain.lastIndexOf('\n', at - 1) + 1;
}

function nextLine(plain: string, at: number): number {
  const next = plain.indexOf('\n', at);
  return next === -1 ? -1 : next + 1;
}
