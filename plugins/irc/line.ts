/**
 * One IRC line (RFC 1459 section 2.3, IRCv3 message tags), without its line end. Parsing never throws; serialising
 * refuses whatever would change the meaning of the line. Threat classes A1, A2.
 */

export interface IrcMessage {
  /** Unescaped values; a tag without a value has ''. The last of two equal keys wins. */
  readonly tags: ReadonlyMap<string, string>;
  /** Without the colon: `nick!user@host`, a server's name, or an id. */
  readonly source: string | undefined;
  /** In upper case. */
  readonly command: string;
  readonly params: readonly string[];
}

/** What is given cannot be said in one line; `part` names the offender. */
export class UnsafeLineError extends Error {
  override readonly name = 'UnsafeLineError';
  readonly part: 'tag' | 'source' | 'command' | 'parameter';
  constructor(part: UnsafeLineError['part'], message: string) {
    super(message);
    this.part = part;
  }
}

const noTags: ReadonlyMap<string, string> = new Map();
const blank = 32;
const colon = 58;

/** Takes a line apart. Undefined for what is no line: nothing in it, no command, or a CR, LF or NUL inside. */
export function parseLine(line: string): IrcMessage | undefined {
  if (breaksLine(line)) return undefined;
  let at = 0;
  let tags = noTags;
  if (line.startsWith('@')) {
    const end = line.indexOf(' ');
    if (end < 0) return undefined;
    tags = parseTags(line.slice(1, end));
    at = skipBlanks(line, end);
  } else at = skipBlanks(line, 0);
  let source: string | undefined;
  if (line.charCodeAt(at) === colon) {
    const end = line.indexOf(' ', at);
    if (end < 0) return undefined;
    source = line.slice(at + 1, end);
    at = skipBlanks(line, end);
  }
  const end = endOfWord(line, at);
  const command = line.slice(at, end);
  if (!/^[A-Za-z0-9]+$/.test(command)) return undefined;
  return { tags, source, command: command.toUpperCase(), params: parseParams(line, skipBlanks(line, end)) };
}

function parseParams(line: string, from: number): string[] {
  const params: string[] = [];
  let at = from;
  while (at < line.length) {
    if (line.charCodeAt(at) === colon) {
      params.push(line.slice(at + 1));
      break;
    }
    const end = endOfWord(line, at);
    params.push(line.slice(at, end));
    at = skipBlanks(line, end);
  }
  return params;
}

function skipBlanks(line: string, from: number): number {
  let at = from;
  while (line.charCodeAt(at) === blank) at++;
  return at;
}

function endOfWord(line: string, from: number): number {
  const end = line.indexOf(' ', from);
  return end < 0 ? line.length : end;
}

function parseTags(text: string): ReadonlyMap<string, string> {
  const tags = new Map<string, string>();
  for (const tag of text.split(';')) {
    const equals = tag.indexOf('=');
    const key = equals < 0 ? tag : tag.slice(0, equals);
    if (key !== '') tags.set(key, equals < 0 ? '' : unescapeTag(tag.slice(equals + 1)));
  }
  return tags;
}

const unescapes: ReadonlyMap<string, string> = new Map([
  [':', ';'],
  ['s', ' '],
  ['r', '\r'],
  ['n', '\n'],
]);

function unescapeTag(value: string): string {
  if (!value.includes('\\')) return value;
  return value.replace(/\\(.?)/gs, (_, escaped: string) => unescapes.get(escaped) ?? escaped);
}

const escapes: ReadonlyMap<string, string> = new Map([
  [';', '\\:'],
  [' ', '\\s'],
  ['\\', '\\\\'],
  ['\r', '\\r'],
  ['\n', '\\n'],
  ['\0', ''],
]);

/** The form of a tag's value on the wire. NUL, which has none, is left out. */
export function escapeTag(value: string): string {
  return value.replace(/[; \\\r\n\0]/g, (character) => escapes.get(character)!);
}

/** Builds `key=value;key` without the leading `@`. @throws UnsafeLineError for a key that is none */
export function serialiseTags(tags: ReadonlyMap<string, string>): string {
  let text = '';
  for (const [key, value] of tags) {
    if (!isTagKey(key)) throw new UnsafeLineError('tag', `"${key}" is no tag key`);
    text += `${text === '' ? '' : ';'}${key}${value === '' ? '' : `=${escapeTag(value)}`}`;
  }
  return text;
}

/** `+vendor.example/name`: an optional `+` for client-only tags, an optional vendor, letters, digits and hyphens. */
export function isTagKey(key: string): boolean {
  return /^\+?(?:[A-Za-z0-9.-]+\/)?[A-Za-z0-9-]+$/.test(key);
}

export interface OutgoingMessage {
  readonly tags?: ReadonlyMap<string, string>;
  readonly source?: string | undefined;
  readonly command: string;
  readonly params?: readonly string[];
}

/**
 * Builds the line, without its line end. The last parameter may hold blanks, begin with a colon or be empty.
 * @throws UnsafeLineError when a part would end the line, or a middle parameter would become two or the trailing one
 */
export function serialiseLine(message: OutgoingMessage): string {
  const { tags, source, command, params = [] } = message;
  let line = tags === undefined || tags.size === 0 ? '' : `@${serialiseTags(tags)} `;
  if (source !== undefined) {
    if (source === '' || source.includes(' ') || breaksLine(source)) throw new UnsafeLineError('source', 'a source must be one word');
    line += `:${source} `;
  }
  if (!/^[A-Za-z0-9]+$/.test(command)) throw new UnsafeLineError('command', 'a command is made of letters or digits');
  line += command;
  for (let i = 0; i < params.length; i++) {
    const param = params[i]!;
    if (breaksLine(param)) throw new UnsafeLineError('parameter', `parameter ${i + 1} of ${command} holds a line end or NUL`);
    if (isMiddle(param)) line += ` ${param}`;
    else if (i === params.length - 1) line += ` :${param}`;
    else throw new UnsafeLineError('parameter', `parameter ${i + 1} of ${command} must be one word, not empty, without a leading colon`);
  }
  return line;
}

/** The text can stand as a parameter that is not the last one. */
export function isMiddle(param: string): boolean {
  return param !== '' && param.charCodeAt(0) !== colon && !param.includes(' ');
}

/** Holds a character that no part of a line may hold: CR, LF or NUL. */
export function breaksLine(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit <= 13 && (unit === 10 || unit === 13 || unit === 0)) return true;
  }
  return false;
}
