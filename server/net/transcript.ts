/**
 * Transcripts: what crossed one connection, as text that a person can read, edit and replay.
 *
 *     banyan transcript 1
 *     # a comment, up to the end of the line
 *     0.000 = connected
 *     0.000 < hello hub.example \{password}\n
 *     0.004 > hello chat.example \{password}\n
 *     12.500 > ping \{*}\n
 *     13.000 = closed
 *
 * The first line names the format and its version. Every other line that is not empty and no comment has the seconds since the
 * beginning of the connection (three decimals), a blank, a sign, a blank, and the rest of the line:
 *
 *     <   bytes that this server received, in the order in which they came
 *     >   bytes that this server sent
 *     =   something that happened: `connected`, `tls`, `closed`, `closed REASON`
 *
 * Bytes are written as UTF-8 text. A backslash is `\\`; carriage return, line feed and tab are `\r`, `\n`, `\t`; every other
 * control character and every byte that is no valid UTF-8 is `\xHH`. Whoever writes a transcript begins a new line after each line
 * feed; a reader joins lines of one direction as they are. `\{NAME}` stands for a secret that was not written down: a replay fills
 * it in where the peer speaks, and accepts anything in its place where the server does. `\{*}` is anything within a line that
 * differs from run to run (a time, an id); only what the server sends may have it.
 */

/** A stretch of bytes, or a place where bytes are missing. */
export type Piece = { readonly kind: 'bytes'; readonly bytes: Buffer } | { readonly kind: 'place'; readonly name: string };

export type TranscriptEntry =
  | { readonly kind: 'in' | 'out'; readonly at: number; readonly line: number; readonly pieces: readonly Piece[] }
  | { readonly kind: 'event'; readonly at: number; readonly line: number; readonly text: string };

const head = 'banyan transcript 1';
const escapes = new Map([
  [9, '\\t'],
  [10, '\\n'],
  [13, '\\r'],
  [92, '\\\\'],
]);
const unescaped = new Map([...escapes].map(([byte, text]) => [text[1]!, byte]));

/** A transcript cannot be read; `message` names the line and what is wrong. */
export class TranscriptError extends Error {
  override readonly name = 'TranscriptError';
}

/** Writes one transcript. Times are given by the caller, so that it has no clock of its own. */
export class TranscriptWriter {
  readonly #begun: number;
  readonly #secrets: readonly (readonly [name: string, secret: string])[];
  readonly #lines: string[] = [head];

  /**
   * `begun` is when the connection began, milliseconds since 1970. `secrets` are written as places, by their names: each must
   * come within one call of `bytes`, and an empty one is ignored.
   */
  constructor(begun: number, secrets: Readonly<Record<string, string>> = {}) {
    this.#begun = begun;
    this.#secrets = Object.entries(secrets).filter(([, secret]) => secret !== '');
  }

  comment(text: string): void {
    for (const line of text.split('\n')) this.#lines.push(`# ${line}`);
  }

  event(at: number, text: string): void {
    this.#lines.push(`${this.#time(at)} = ${text.replace(/[\r\n]+/g, ' ')}`);
  }

  bytes(direction: 'in' | 'out', at: number, bytes: Buffer): void {
    const sign = direction === 'in' ? '<' : '>';
    for (const line of cutAfterLineFeeds(bytes)) this.#lines.push(`${this.#time(at)} ${sign} ${this.#write(line)}`);
  }

  #time(at: number): string {
    return ((at - this.#begun) / 1_000).toFixed(3);
  }

  #write(bytes: Buffer): string {
    let parts: Piece[] = [{ kind: 'bytes', bytes }];
    for (const [name, secret] of this.#secrets)
      parts = parts.flatMap((part) => (part.kind === 'place' ? [part] : mask(part.bytes, Buffer.from(secret), name)));
    return parts.map((part) => (part.kind === 'place' ? `\\{${part.name}}` : escapeBytes(part.bytes))).join('');
  }

  /** What has been written since the last call; a trace hands it on piece by piece. */
  take(): string {
    const lines = this.#lines.splice(0);
    return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}

/** @throws TranscriptError */
export function parseTranscript(text: string): readonly TranscriptEntry[] {
  const lines = text.split('\n');
  if (lines[0]?.trimEnd() !== head) throw new TranscriptError(`line 1: must be "${head}"`);
  const entries: TranscriptEntry[] = [];
  for (const [index, line] of lines.entries()) {
    if (index === 0 || line.trim() === '' || line.startsWith('#')) continue;
    const match = /^(\d+(?:\.\d+)?) ([<>=]) (.*)$/.exec(line);
    if (match === null) throw new TranscriptError(`line ${index + 1}: must be seconds, one of < > =, and the rest, with single blanks`);
    const [, seconds, sign, rest] = match;
    const at = Math.round(Number(seconds) * 1_000);
    if (sign === '=') entries.push({ kind: 'event', at, line: index + 1, text: rest! });
    else entries.push({ kind: sign === '<' ? 'in' : 'out', at, line: index + 1, pieces: unescapePieces(rest!, index + 1) });
  }
  return entries;
}

function cutAfterLineFeeds(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0; from < bytes.length;) {
    const feed = bytes.indexOf(10, from);
    const to = feed < 0 ? bytes.length : feed + 1;
    lines.push(bytes.subarray(from, to));
    from = to;
  }
  return lines;
}

function mask(bytes: Buffer, secret: Buffer, name: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (let found = bytes.indexOf(secret); found >= 0; found = bytes.indexOf(secret, from)) {
    pieces.push({ kind: 'bytes', bytes: bytes.subarray(from, found) }, { kind: 'place', name });
    from = found + secret.length;
  }
  return [...pieces, { kind: 'bytes', bytes: bytes.subarray(from) }];
}

function escapeBytes(bytes: Buffer): string {
  let text = '';
  for (let i = 0; i < bytes.length;) {
    const byte = bytes[i]!;
    const length = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    const character = bytes.toString('utf8', i, i + length);
    const printable =
      byte >= 0x80 && Buffer.from(character).equals(bytes.subarray(i, i + length)) && !/[\p{Cc}\u2028\u2029]/u.test(character);
    if (printable || (byte >= 32 && byte < 127 && byte !== 92)) {
      text += character;
      i += length;
    } else {
      text += escapes.get(byte) ?? `\\x${byte.toString(16).padStart(2, '0')}`;
      i++;
    }
  }
  return text;
}

function unescapePieces(text: string, line: number): Piece[] {
  const pieces: Piece[] = [];
  let chunks: Buffer[] = [];
  const close = (): void => {
    if (chunks.length > 0) pieces.push({ kind: 'bytes', bytes: Buffer.concat(chunks) });
    chunks = [];
  };
  for (const [part] of text.matchAll(/\\(?:x[0-9a-fA-F]{2}|\{[^{}\\]+\}|.)?|[^\\]+/gu)) {
    if (!part.startsWith('\\')) chunks.push(Buffer.from(part));
    else if (part.startsWith('\\x') && part.length === 4) chunks.push(Buffer.from(part.slice(2), 'hex'));
    else if (part.startsWith('\\{') && part.length > 3) {
      close();
      pieces.push({ kind: 'place', name: part.slice(2, -1) });
    } else {
      const byte = unescaped.get(part.slice(1));
      if (byte === undefined) throw new TranscriptError(`line ${line}: "${part}" is no escape; a backslash itself is written twice`);
      chunks.push(Buffer.from([byte]));
    }
  }
  close();
  return pieces;
}
