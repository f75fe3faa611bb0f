/** A log record with its content as JSON beside it, so that hashing, journalling and storing write it once. */
import type { Domain, NetworkAddress } from './address.ts';
import type { Author, LogAddress, LoggedContent, LogRecord } from './event.ts';
import type { EventId } from './ids.ts';

/** What is known of a record before the log adds its place. */
export interface NewRecord {
  readonly log: LogAddress;
  readonly epoch: string;
  readonly id: EventId;
  readonly origin: Domain | NetworkAddress;
  readonly born: number;
  readonly logged: number;
  /** Of a record that was salted elsewhere; default fresh random bits. */
  readonly salt?: string;
  readonly content: LoggedContent;
}

export class MadeRecord implements LogRecord {
  readonly log: LogAddress;
  readonly epoch: string;
  readonly number: number;
  readonly id: EventId;
  readonly origin: Domain | NetworkAddress;
  readonly born: number;
  readonly logged: number;
  readonly salt: string;
  readonly digest: string;
  readonly chain: string;
  readonly content: LoggedContent;
  readonly #text: string;

  /** `text`: the content as JSON. */
  constructor(fresh: NewRecord, number: number, salt: string, digest: string, chain: string, text: string) {
    this.log = fresh.log;
    this.epoch = fresh.epoch;
    this.number = number;
    this.id = fresh.id;
    this.origin = fresh.origin;
    this.born = fresh.born;
    this.logged = fresh.logged;
    this.salt = salt;
    this.digest = digest;
    this.chain = chain;
    this.content = fresh.content;
    this.#text = text;
  }

  /** A record's content as JSON, from whatever kind of record. */
  static contentText(record: LogRecord): string {
    return #text in record ? record.#text : contentJson(record.content);
  }
}

let lastAuthor: Author | undefined;
let lastAuthorJson = '';

/** What `JSON.stringify` says, without its general way through objects for what nearly all contents are. */
export function contentJson(content: LoggedContent): string {
  if (content.kind !== 'message' || content.original !== undefined || content.text.spans.length > 0) return JSON.stringify(content);
  const { author, text, style } = content;
  // People say several things in a row.
  if (author !== lastAuthor) {
    lastAuthor = author;
    lastAuthorJson = JSON.stringify(author);
  }
  return `{"kind":"message","author":${lastAuthorJson},"text":{"plain":${JSON.stringify(text.plain)},"spans":[]},"style":"${style}"}`;
}
