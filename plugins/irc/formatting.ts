/**
 * mIRC formatting codes <-> spans. Bold, italic, underline, strike, monospace and colours pass both ways without loss;
 * links and quotes, which IRC cannot say, become readable text. Reverse video, which spans cannot say, is dropped.
 */
import { plainText, type RichText, type Span, type SpanStyle } from '../../server/plugin.ts';
import { codeOfColour, colourOfCode } from './colours.ts';

const codes = {
  bold: '\u0002',
  colour: '\u0003',
  hexColour: '\u0004',
  reset: '\u000f',
  monospace: '\u0011',
  reverse: '\u0016',
  italic: '\u001d',
  strike: '\u001e',
  underline: '\u001f',
} as const;

type Toggle = 'bold' | 'italic' | 'underline' | 'strike' | 'code';
const toggles: readonly (readonly [Toggle, string])[] = [
  ['bold', codes.bold],
  ['italic', codes.italic],
  ['underline', codes.underline],
  ['strike', codes.strike],
  ['code', codes.monospace],
];
const toggleOfCode: ReadonlyMap<string, Toggle> = new Map(toggles.map(([toggle, code]) => [code, toggle]));

/** Text as an IRC client or server sent it, to canonical text. Control characters that are no formatting stay for cleanText to remove. */
export function fromIrcText(text: string): RichText {
  if (!/[\u0002-\u0004\u000f\u0011\u0016\u001d-\u001f]/.test(text)) return plainText(text);
  const reader = new FormatReader();
  let at = 0;
  while (at < text.length) at = reader.read(text, at);
  return reader.finish();
}

class FormatReader {
  #plain = '';
  readonly #spans: Span[] = [];
  readonly #open = new Map<Toggle, number>();
  #foreground: string | undefined;
  #background: string | undefined;
  #colourFrom = 0;

  /** Reads one code or a run of text; answers with where the next begins. */
  read(text: string, at: number): number {
    const character = text[at]!;
    const toggle = toggleOfCode.get(character);
    if (toggle !== undefined) {
      this.#toggle(toggle);
      return at + 1;
    }
    switch (character) {
      case codes.reset:
        for (const open of [...this.#open.keys()]) this.#toggle(open);
        this.#colour(undefined, undefined);
        return at + 1;
      case codes.reverse:
        return at + 1;
      case codes.colour: {
        const match = /^(\d{1,2})(?:,(\d{1,2}))?/.exec(text.slice(at + 1, at + 6));
        if (match === null) this.#colour(undefined, undefined);
        else this.#colour(colourOfCode(match[1]!), match[2] === undefined ? this.#background : colourOfCode(match[2]));
        return at + 1 + (match?.[0].length ?? 0);
      }
      case codes.hexColour: {
        const match = /^([0-9a-fA-F]{6})(?:,([0-9a-fA-F]{6}))?/.exec(text.slice(at + 1, at + 14));
        if (match === null) this.#colour(undefined, undefined);
        else this.#colour(`#${match[1]!.toLowerCase()}`, match[2] === undefined ? this.#background : `#${match[2].toLowerCase()}`);
        return at + 1 + (match?.[0].length ?? 0);
      }
      default: {
        let end = at + 1;
        while (end < text.length && text.charCodeAt(end) >= 32) end++;
        this.#plain += text.slice(at, end);
        return end;
      }
    }
  }

  #toggle(toggle: Toggle): void {
    const from = this.#open.get(toggle);
    if (from === undefined) this.#open.set(toggle, this.#plain.length);
    else {
      this.#open.delete(toggle);
      this.#span(from, { kind: toggle });
    }
  }

  #colour(foreground: string | undefined, background: string | undefined): void {
    if (foreground === this.#foreground && background === this.#background) return;
    if (this.#foreground !== undefined || this.#background !== undefined) {
      this.#span(this.#colourFrom, {
        kind: 'colour',
        ...(this.#foreground === undefined ? {} : { foreground: this.#foreground }),
        ...(this.#background === undefined ? {} : { background: this.#background }),
      });
    }
    this.#foreground = foreground;
    this.#background = background;
    this.#colourFrom = this.#plain.length;
  }

  #span(start: number, style: SpanStyle): void {
    if (this.#plain.length > start) this.#spans.push({ start, end: this.#plain.length, style });
  }

  finish(): RichText {
    for (const open of [...this.#open.keys()]) this.#toggle(open);
    this.#colour(undefined, undefined);
    this.#spans.sort((a, b) => a.start - b.start || b.end - a.end);
    return { plain: this.#plain, spans: this.#spans };
  }
}

/**
 * Canonical text with mIRC codes, without links and quotes (see `readable`). Line breaks stay. No control character of the
 * text itself passes.
 */
export function toIrcText(text: RichText): string {
  if (text.spans.length === 0) return withoutControls(text.plain);
  const styled = text.spans.filter(({ style }) => style.kind === 'colour' || toggles.some(([toggle]) => toggle === style.kind));
  if (styled.length === 0) return withoutControls(text.plain);
  const edges = new Set([0, text.plain.length]);
  for (const { start, end } of styled) edges.add(start).add(end);
  const order = [...edges].filter((edge) => edge >= 0 && edge <= text.plain.length).toSorted((a, b) => a - b);
  let result = '';
  let before = unstyled;
  for (let i = 0; i + 1 < order.length; i++) {
    const start = order[i]!;
    const state = stateAt(styled, start);
    const piece = withoutControls(text.plain.slice(start, order[i + 1]));
    if (piece === '') continue;
    result += change(before, state, piece) + piece;
    before = state;
  }
  return result;
}

interface State {
  readonly on: ReadonlySet<Toggle>;
  readonly foreground: string | undefined;
  readonly background: string | undefined;
}
const unstyled: State = { on: new Set(), foreground: undefined, background: undefined };

function stateAt(spans: readonly Span[], at: number): State {
  const on = new Set<Toggle>();
  let foreground: string | undefined;
  let background: string | undefined;
  for (const { start, end, style } of spans) {
    if (start > at || end <= at) continue;
    if (style.kind === 'colour') {
      foreground = validColour(style.foreground) ?? foreground;
      background = validColour(style.background) ?? background;
    } else on.add(style.kind as Toggle);
  }
  return { on, foreground, background };
}

function validColour(colour: string | undefined): string | undefined {
  return colour !== undefined && /^#[0-9a-fA-F]{6}$/.test(colour) ? colour.toLowerCase() : undefined;
}

/** The codes that lead from one state to the next; `text` is what follows them. */
function change(before: State, after: State, text: string): string {
  const colourStays = before.foreground === after.foreground && before.background === after.background;
  const loses =
    (before.foreground !== undefined && after.foreground === undefined) ||
    (before.background !== undefined && after.background === undefined);
  const nothing = after.on.size === 0 && after.foreground === undefined && after.background === undefined;
  if (nothing) return before === after || isPlain(before) ? '' : codes.reset;
  if (loses) return codes.reset + change(unstyled, after, text);
  let result = '';
  for (const [toggle, code] of toggles) if (before.on.has(toggle) !== after.on.has(toggle)) result += code;
  return colourStays ? result : colourCode(after) + result + (result === '' ? guard(after, text) : '');
}

function isPlain(state: State): boolean {
  return state.on.size === 0 && state.foreground === undefined && state.background === undefined;
}

function colourCode({ foreground, background }: State): string {
  const front = foreground === undefined ? '99' : codeOfColour(foreground);
  const back = background === undefined ? undefined : codeOfColour(background);
  if (front !== undefined && (background === undefined || back !== undefined))
    return `${codes.colour}${front}${back === undefined ? '' : `,${back}`}`;
  const hex = (foreground ?? '#ffffff').slice(1).toUpperCase();
  return `${codes.hexColour}${hex}${background === undefined ? '' : `,${background.slice(1).toUpperCase()}`}`;
}

/** Text that begins with a comma must not be read as a background: two bold codes, which change nothing, stand between. */
function guard(state: State, text: string): string {
  return state.background === undefined && text.startsWith(',') ? codes.bold + codes.bold : '';
}

/** Passes in a line as it is: something, and no control characters. */
export function isPlainLine(text: string): boolean {
  return text !== '' && !/[\u0000-\u001f\u007f]/.test(text);
}

/** What passes in a line besides codes: no control character but the line feed, for the splitter. Threat class A1. */
function withoutControls(text: string): string {
  if (!/[\u0000-\u0009\u000b-\u001f\u007f]/.test(text)) return text;
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '').replaceAll('\t', ' ');
}

/** Writes out what IRC cannot say: where a link leads, and that lines are quoted. */
export function readable(text: RichText): RichText {
  if (!text.spans.some(({ style }) => style.kind === 'link' || style.kind === 'quote')) return text;
  const insertions: { readonly at: number; readonly text: string }[] = [];
  for (const { start, end, style } of text.spans) {
    if (style.kind === 'link') {
      const href = style.href.replace(/[\s\p{C}]/gu, '');
      if (href !== '' && text.plain.slice(start, end) !== style.href) insertions.push({ at: end, text: ` <${href}>` });
    } else if (style.kind === 'quote') {
      for (const at of lineStarts(text.plain, start, end)) if (text.plain[at] !== '>') insertions.push({ at, text: '> ' });
    }
  }
  return insert(
    text,
    insertions.toSorted((a, b) => a.at - b.at),
  );
}

function lineStarts(plain: string, start: number, end: number): number[] {
  const starts = [start];
  for (let at = plain.indexOf('\n', start); at >= 0 && at + 1 < end; at = plain.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function insert(text: RichText, insertions: readonly { readonly at: number; readonly text: string }[]): RichText {
  let plain = '';
  let from = 0;
  for (const { at, text: added } of insertions) {
    plain += text.plain.slice(from, at) + added;
    from = at;
  }
  plain += text.plain.slice(from);
  const moved = (offset: number, inclusive: boolean): number =>
    insertions.reduce((sum, { at, text: added }) => (at < offset || (inclusive && at === offset) ? sum + added.length : sum), offset);
  const spans = text.spans
    .filter(({ style }) => style.kind !== 'link' && style.kind !== 'quote')
    .map((span) => ({ ...span, start: moved(span.start, true), end: moved(span.end, false) }));
  return { plain, spans };
}
