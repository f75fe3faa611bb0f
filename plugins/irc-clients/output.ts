/** What is written to a client, in order, with places for what is still being fetched. */
import type { Connection } from '../../server/plugin.ts';

interface Place {
  bytes: Buffer | string | undefined;
}

export class Output {
  readonly #connection: Connection;
  readonly #limit: number;
  /** From the first open place on; absent while there is none, as at most times. */
  #waiting: Place[] | undefined;
  #held = 0;

  /** `limit`: bytes that may wait for a place to be filled. */
  constructor(connection: Connection, limit: number) {
    this.#connection = connection;
    this.#limit = limit;
  }

  write(bytes: Buffer | string): void {
    if (this.#waiting === undefined) {
      this.#connection.write(bytes);
      return;
    }
    this.#waiting.push({ bytes });
    this.#held += bytes.length;
    if (this.#held > this.#limit) this.#connection.destroy('send queue exceeded');
  }

  /** Keeps a place: what is written from now on waits until the answer is called with what belongs there. */
  reserve(): (bytes: string) => void {
    const place: Place = { bytes: undefined };
    (this.#waiting ??= []).push(place);
    return (bytes) => {
      place.bytes = bytes;
      this.#drain();
    };
  }

  /** The client should read before it is sent more of a long answer. */
  get full(): boolean {
    return !this.#connection.closed && this.#held + this.#connection.queued > this.#limit / 4;
  }

  #drain(): void {
    const waiting = this.#waiting ?? [];
    const open = waiting.findIndex((place) => place.bytes === undefined);
    const ready = waiting.splice(0, open < 0 ? waiting.length : open);
    for (const { bytes } of ready) {
      if (bytes === undefined || bytes.length === 0) continue;
      this.#connection.write(bytes);
      this.#held = Math.max(0, this.#held - bytes.length);
    }
    if (waiting.length > 0) return;
    this.#waiting = undefined;
    this.#held = 0;
  }

  /** What waits goes out, without what is still missing: the connection is about to end. */
  flush(): void {
    for (const place of this.#waiting ?? []) place.bytes ??= '';
    this.#drain();
  }
}
