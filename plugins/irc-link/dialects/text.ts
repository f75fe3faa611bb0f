/** Texts in lines, the same in every dialect. */
import { isMiddle, serialiseLine, UnsafeLineError } from '../../irc/line.ts';

/** Text that fits, cut before a character that would be divided, without characters that end a line. */
export function clip(text: string, bytes: number): string {
  const clean = text.replace(/[\r\n\0]+/g, ' ');
  if (Buffer.byteLength(clean) <= bytes) return clean;
  let size = 0;
  let cut = '';
  for (const character of clean) {
    size += Buffer.byteLength(character);
    if (size > bytes) break;
    cut += character;
  }
  return cut;
}

/** A line whose last parameter has the colon whether it needs it or not, as servers write texts. */
export function trailing(parts: {
  readonly tags?: ReadonlyMap<string, string>;
  readonly source: string | undefined;
  readonly command: string;
  readonly params: readonly string[];
  readonly text: string;
}): string {
  const { text, ...head } = parts;
  if (!head.params.every(isMiddle)) throw new UnsafeLineError('parameter', `a parameter of ${head.command} is no single word`);
  return `${serialiseLine(head)} :${text}`;
}
