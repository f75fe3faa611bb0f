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
  const open: { readonly mark: string; readonly at: number; readonly from: number }[] = [];
  for (let i = 0; i < line.length; i++) {
    const character = line[i]!;
    const style = directives.get(character);
    if (style === undefined) {
      plain += character;
      continue;
    }
    const last = open.findLastIndex((one) => one.mark === character);
    if (last !== -1 && !/\s/.test(line[i - 1] ?? ' ') && plain.length > open[last]!.at) {
      const opened = open[last]!;
      open.length = last;
      spans.push({ start: opened.at, end: plain.length, style });
      continue;
    }
    const before = line[i - 1];
    const closes = line.indexOf(character, i + 2);
    const opens =
      (before === undefined || /\s/.test(before) || directives.has(before)) &&
      !/\s/.test(line[i + 1] ?? ' ') &&
      closes !== -1 &&
      closeable(line, character, i);
    if (!opens) {
      plain += character;
      continue;
    }
    if (character === '`') {
      plain += line.slice(i + 1, closes);
      spans.push({ start: plain.length - (closes - i - 1), end: plain.length, style });
      i = closes;
    } else open.push({ mark: character, at: plain.length, from: i });
  }
  // A mark that nothing closed was none.
  for (const { mark, at } of open.toReversed()) {
    plain = plain.slice(0, at) + mark + plain.slice(at);
    for (const [index, span] of spans.entries())
      if (span.end > at) spans[index] = { ...span, start: span.start >= at ? span.start + 1 : span.start, end: span.end + 1 };
  }
  return { plain, spans: spans.toSorted((a, b) => a.start - b.start) };
}

function closeable(line: string, mark: string, from: number): boolean {
  for (let at = line.indexOf(mark, from + 2); at !== -1; at = line.indexOf(mark, at + 1)) if (!/\s/.test(line[at - 1]!)) return true;
  return false;
}

const marks: Readonly<Partial<Record<SpanStyle['kind'], string>>> = { bold: '*', italic: '_', strike: '~', code: '`' };

/** The body that says it; links and quotes are written out. */
export function toBody(text: RichText, style: MessageStyle): string {
  const body = withMarks(text);
  return style === 'action' ? `/me ${body}` : body;
}

function withMarks({ plain, spans }: RichText): string {
  const insertions: { readonly at: number; readonly text: string; readonly order: number }[] = [];
  for (const span of spans) {
    const said = plain.slice(span.start, span.end);
    const mark = marks[span.style.kind];
    if (span.style.kind === 'link' && said !== span.style.href) insertions.push({ at: span.end, text: ` <${span.style.href}>`, order: 1 });
    else if (span.style.kind === 'quote')
      for (let at = lineStart(plain, span.start); at !== -1 && at < span.end; at = nextLine(plain, at))
        insertions.push({ at, text: '> ', order: -2 });
    else if (span.style.kind === 'code' && said.includes('\n')) {
      insertions.push({ at: span.start, text: '```\n', order: -1 }, { at: span.end, text: '\n```', order: 1 });
    } else if (mark !== undefined && said.trim() === said && said !== '' && !said.includes('\n') && !said.includes(mark)) {
      const width = span.end - span.start;
      insertions.push({ at: span.start, text: mark, order: -1 / (1 + width) }, { at: span.end, text: mark, order: 1 / (1 + width) });
    }
  }
  if (insertions.length === 0) return plain;
  // At one place closing marks come before opening ones; a wider span opens first and closes last.
  const sorted = insertions.toSorted(
    (a, b) => a.at - b.at || Math.sign(b.order) - Math.sign(a.order) || (a.order > 0 ? b.order - a.order : b.order - a.order),
  );
  let result = '';
  let from = 0;
  for (const { at, text } of sorted) {
    result += plain.slice(from, at) + text;
    from = at;
  }
  return result + plain.slice(from);
}

function lineStart(plain: string, at: number): number {
  return plain.lastIndexOf('\n', at - 1) + 1;
}

function nextLine(plain: string, at: number): number {
  const next = plain.indexOf('\n', at);
  return next === -1 ? -1 : next + 1;
}
