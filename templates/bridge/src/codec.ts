/** Parley's lines as values, and back. Pure: no clock, no sockets, and nothing that arrives makes it throw. */

/** The words of each line, in order. A last word called `text` is the rest of the line and may have blanks, or be empty. */
const shapes = {
  hello: ['name', 'secret'],
  join: ['room', 'nick'],
  leave: ['room', 'nick', 'text'],
  say: ['room', 'nick', 'text'],
  tell: ['nick', 'to', 'text'],
  nick: ['nick', 'to'],
  topic: ['room', 'nick', 'text'],
  kick: ['room', 'nick', 'target', 'text'],
  quit: ['nick', 'text'],
  listed: [],
  ping: ['token'],
  pong: ['token'],
  bye: ['text'],
} as const;

type Shapes = typeof shapes;

/** One line: `{ verb: 'say', room: 'lounge', nick: 'bert', text: 'hello' }`. */
export type Line = {
  [Verb in keyof Shapes]: { readonly verb: Verb } & { readonly [Word in Shapes[Verb][number]]: string };
}[keyof Shapes];

/** Bytes of a line with its line feed. */
const mostBytes = 2_000;
/** What of it a text may take, so that the words before it fit. */
const mostTextBytes = 1_800;

/** @returns undefined for what is no line of this protocol */
export function decode(text: string): Line | undefined {
  const [verb = '', ...words] = text.split(' ');
  if (!Object.hasOwn(shapes, verb)) return undefined;
  const line: Record<string, string> = { verb };
  for (const name of shapes[verb as Line['verb']]) {
    const word = name === 'text' ? words.splice(0).join(' ') : words.shift();
    if (word === undefined || (word === '' && name !== 'text')) return undefined;
    line[name] = word;
  }
  return words.length > 0 ? undefined : (line as Line);
}

/** The line with its line feed. Whatever a text holds, one line comes out. @throws Error when a word is no word: a bug here */
export function encode(line: Line): string {
  const values = line as unknown as Readonly<Record<string, string>>;
  const words = shapes[line.verb].map((name) => (name === 'text' ? clean(values[name]!) : word(values[name]!)));
  return `${[line.verb, ...words].join(' ')}\n`;
}

function word(value: string): string {
  if (!/^[^\s\p{Cc}]+$/u.test(value)) throw new Error(`${JSON.stringify(value)} is no word`);
  return value;
}

/** No control characters, and no more than fits. */
function clean(text: string): string {
  return clip(text.replace(/\p{Cc}+/gu, ' '));
}

/** Cut between characters, never within one. */
function clip(text: string): string {
  let cut = '';
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > mostTextBytes) break;
    cut += character;
  }
  return cut;
}

/** A text of any length as texts of one line each: cut at line feeds, and at blanks where a line would be too long. */
export function oneLineTexts(text: string): string[] {
  const texts: string[] = [];
  for (const line of text.split('\n')) {
    let rest = line;
    while (Buffer.byteLength(rest) > mostTextBytes) {
      const fits = clip(rest);
      const blank = fits.lastIndexOf(' ');
      const cut = blank > 0 ? fits.slice(0, blank) : fits;
      texts.push(cut);
      rest = rest.slice(cut.length).trimStart();
    }
    if (rest !== '') texts.push(rest);
  }
  return texts;
}

/** Cuts what arrives into lines, whatever the pieces it comes in. */
export class LineCutter {
  #rest = Buffer.alloc(0);

  /** @returns the complete lines, or undefined when the peer sends a line that is too long */
  push(bytes: Buffer): string[] | undefined {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const lines: string[] = [];
    for (let end = this.#rest.indexOf(10); end >= 0; end = this.#rest.indexOf(10)) {
      if (end >= mostBytes) return undefined;
      lines.push(this.#rest.toString('utf8', 0, end));
      this.#rest = this.#rest.subarray(end + 1);
    }
    return this.#rest.length >= mostBytes ? undefined : lines;
  }
}
