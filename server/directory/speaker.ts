/** Who is told what became of a record. */
import type { Settled } from '../log/delivery.ts';
import type { LogRecord } from '../model/event.ts';
import { accepted, refused, type Told } from '../model/outcome.ts';
import type { RoomState } from './state.ts';

export const cannotStore = refused('unavailable', 'The server cannot store messages at the moment; yours was not sent.');

/** Whoever said something that waits to be durable. */
export class Speaker implements Settled {
  readonly #room: RoomState;
  readonly #record: LogRecord;
  readonly #takeBack: (() => void) | undefined;
  readonly #told: Told<LogRecord>;

  constructor(room: RoomState, record: LogRecord, takeBack: (() => void) | undefined, told: Told<LogRecord>) {
    this.#room = room;
    this.#record = record;
    this.#takeBack = takeBack;
    this.#told = told;
  }

  settled(error: Error | undefined): void {
    if (error === undefined) {
      this.#told(accepted(this.#record));
      return;
    }
    this.#room.recent.forget(this.#record.id);
    this.#takeBack?.();
    this.#told(cannotStore);
  }
}
