/** Private messages of somebody without an account: the last few, in memory only. Both ends keep the same message, so it is held once. */
import type { PrivateRecord } from '../contract/users.ts';
import type { LogAddress, LogRecord } from '../model/event.ts';

const most = 200;

/** A private message, before it has its place anywhere. */
export interface PrivateMessage extends Pick<LogRecord, 'id' | 'born' | 'origin' | 'logged'> {
  readonly content: PrivateRecord['content'];
}

export class GuestMemory {
  readonly #log: LogAddress;
  /** A ring, the oldest at `#next` once it is full. */
  readonly #messages: PrivateMessage[] = [];
  #next = 0;
  #last: number;

  /** `last`: the number before that of the first message. It grows with time, so that the numbers of a guest who comes back run on. */
  constructor(log: LogAddress, last: number) {
    this.#log = log;
    this.#last = last;
  }

  /** Remembers a message, and forgets the oldest. */
  add(message: PrivateMessage): PrivateRecord {
    this.#messages[this.#next] = message;
    this.#next = (this.#next + 1) % most;
    return this.#record(++this.#last, message);
  }

  /** Those with numbers above `after` and below `before`, ascending. */
  between(after: number, before: number): PrivateRecord[] {
    const count = this.#messages.length;
    const oldest = count < most ? 0 : this.#next;
    const found: PrivateRecord[] = [];
    for (let i = 0; i < count; i++) {
      const number = this.#last - count + 1 + i;
      if (number > after && number < before) found.push(this.#record(number, this.#messages[(oldest + i) % count]!));
    }
    return found;
  }

  /** It has the form of a record in a log, and no hashes, since nothing can be proved by it. */
  #record(number: number, { id, origin, born, logged, content }: PrivateMessage): PrivateRecord {
    return { log: this.#log, epoch: '', number, id, origin, born, logged, salt: '', digest: '', chain: '', content };
  }
}
