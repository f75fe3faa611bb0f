/**
 * Canonical text: plain text plus spans. Protocols convert their own markup to and from this form.
 */

export type SpanStyle =
  | { readonly kind: 'bold' }
  | { readonly kind: 'italic' }
  | { readonly kind: 'underline' }
  | { readonly kind: 'strike' }
  | { readonly kind: 'code' }
  | { readonly kind: 'colour'; readonly foreground?: string; readonly background?: string }
  | { readonly kind: 'link'; readonly href: string }
  | { readonly kind: 'mention'; readonly address: string }
  | { readonly kind: 'quote' };

/** A styled stretch of text; offsets are UTF-16 code units into `plain`, end exclusive. Spans may overlap. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly style: SpanStyle;
}

export interface RichText {
  readonly plain: string;
  readonly spans: readonly Span[];
}

const noSpans: readonly Span[] = Object.freeze([]);

/** Wraps plain text without styles. */
export function plainText(plain: string): RichText {
  return { plain, spans: noSpans };
}

/** The text with something in front of it. */
export function prefixed({ plain, spans }: RichText, before: string): RichText {
  const { length } = before;
  return { plain: before + plain, spans: spans.map((span) => ({ ...span, start: span.start + length, end: span.end + length })) };
}

/**
 * Removes what no protocol may carry as text: control characters except tab and line feed, unpaired surrogates and
 * non-characters. CR and CRLF become LF. Spans are moved along; empty ones and those outside the text are dropped. Threat classes A1, A3.
 */
export function cleanText(text: RichText): RichText {
  if (!needsCleaning(text.plain)) {
    const valid = (span: Span): boolean => span.start >= 0 && span.start < span.end && span.end <= text.plain.length;
    return text.spans.every(valid) ? text : { plain: text.plain, spans: text.spans.filter(valid) };
  }
  const source = text.plain;
  const moved = new Int32Array(source.length + 1);
  let plain = '';
  for (let i = 0; i < source.length; i++) {
    moved[i] = plain.length;
    const unit = source.charCodeAt(i);
    if (unit === 13) {
      if (source.charCodeAt(i + 1) !== 10) plain += '\n';
    } else if (unit >= 0xd800 && unit <= 0xdbff) {
      const next = source.charCodeAt(i + 1);
      if (next >= 0xdc00 && next <= 0xdfff) {
        plain += source[i]! + source[i + 1]!;
        moved[++i] = plain.length;
      }
    } else if (isAllowedUnit(unit)) plain += source[i]!;
  }
  moved[source.length] = plain.length;
  const spans = text.spans
    .map((span) => ({ ...span, start: moved[span.start] ?? plain.length, end: moved[span.end] ?? plain.length }))
    .filter((span) => span.end > span.start);
  return { plain, spans };
}

function isAllowedUnit(unit: number): boolean {
  if (unit === 9 || unit === 10) return true;
  if (unit < 32 || unit === 127) return false;
  if (unit >= 0xdc00 && unit <= 0xdfff) return false;
  return unit !== 0xfffe && unit !== 0xffff;
}

function needsCleaning(plain: string): boolean {
  for (let i = 0; i < plain.length; i++) {
    const unit = plain.charCodeAt(i);
    if (unit >= 32 && unit < 127) continue;
    if (unit === 9 || unit === 10) continue;
    if (unit >= 128 && unit < 0xd800) continue;
    if (unit >= 0xe000 && unit < 0xfffe) continue;
    if (unit >= 0xd800 && unit <= 0xdbff) {
      const next = plain.charCodeAt(i + 1);
      if (next >= 0xdc00 && next <= 0xdfff) {
        i++;
        continue;
      }
    }
    return true;
  }
  return false;
}

/** One line of text: line breaks and tabs become blanks; for topics, reasons, nicks and names. */
export function oneLine(text: string): string {
  return cleanText(plainText(text))
    .plain.replace(/[\n\t\u0085\u2028\u2029]+/g, ' ')
    .trim();
}
