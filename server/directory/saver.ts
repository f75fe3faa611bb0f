/** Writes rooms' state behind the log, coalesced; a start applies what the log has beyond it. */
import type { Logger } from 'pino';
import type { Storage } from '../storage.ts';
import type { RoomState } from './state.ts';

export class Saver {
  readonly #storage: Storage;
  readonly #log: Logger;
  readonly #dirty = new Set<RoomState>();
  #running: Promise<void> | undefined;

  constructor(storage: Storage, log: Logger) {
    this.#storage = storage;
    this.#log = log;
  }

  /** Saves a room soon; several changes become one write. */
  room(room: RoomState): void {
    this.#dirty.add(room);
    this.#running ??= this.#run();
  }

  /** Removes a room that is no more. */
  remove(room: RoomState): void {
    this.#dirty.delete(room);
    this.#storage.removeRoom(room.address).catch((error: unknown) => this.#failed(room, error));
  }

  /** Resolves when everything asked for is written. */
  async drained(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#dirty.size > 0) {
      const rooms = [...this.#dirty];
      this.#dirty.clear();
      for (const room of rooms) {
        if (room.closed) continue;
        try {
          await this.#storage.saveRoom(room.stored());
        } catch (error) {
          this.#failed(room, error);
        }
      }
    }
    this.#running = undefined;
  }

  #failed(room: RoomState, error: unknown): void {
    this.#log.error({ err: error, room: room.address }, 'the state of a room could not be saved');
  }
}
