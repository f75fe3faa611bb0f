/** A log record with its content as JSON beside it, so that hashing, journalling and storing write it once. */
import type { Domain, NetworkAddress } from './address.ts';
import type { LogAddress, LoggedContent, LogRecord } from './event.ts';
import type { EventId } from './ids.ts';

/** What the log adds to an event. */
interface Place {
  readonly number: number;
  readonly salt: string;
  readonly digest: string;
  readonly chain: string;
  /** The content as JSON. */
  readonly text: string;
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

  constructor(facts: Omit<LogRecord, 'number' | 'salt' | 'digest' | 'chain'>, place: Place) {
    this.log = facts.log;
    this.epoch = facts.epoch;
    this.number = place.number;
    this.id = facts.id;
    this.origin = facts.origin;
    this.born = facts.born;
    this.logged = facts.logged;
    this.salt = place.salt;
    this.digest = place.digest;
    this.chain = place.chain;
    this.content = facts.content;
    this.#text = place.text;
  }

  /** A record's content as JSON, from whatever kind of record. */
  static contentText(record: LogRecord): string {
    return #text in record ? record.#text : JSON.stringify(record.content);
  }
}
