/** Writes rooms' state behind the log, coalesced; a start applies what the log has beyond it. */
import type { Logger } from 'pino';
import { keepForgottenNumber, type Logbook } from '../log/logbook.ts';
import type { RoomAddress } from '../model/address.ts';
import { roomLog } from '../model/event.ts';
import type { Storage } from '../storage.ts';
import type { RoomState } from './state.ts';

export class Saver {
  readonly #storage: Storage;
  readonly #logbook: Logbook;
  readonly #log: Logger;
  readonly #dirty = new Set<RoomState>();
  /** Who waits for new rooms to be saved. */
  readonly #fresh = new Map<RoomState, () => void>();
  #running: Promise<void> | undefined;

  constructor(storage: Storage, logbook: Logbook, log: Logger) {
    this.#storage = storage;
    this.#logbook = logbook;
    this.#log = log;
  }

  /** Saves a room soon; several changes become one write. */
  room(room: RoomState): void {
    this.#dirty.add(room);
    this.#running ??= this.#run();
  }

  /** Saves a room that is new: before it is, nothing of the log of a lasting room is stored. */
  fresh(room: RoomState): void {
    room.unsaved = new Promise((resolve) => this.#fresh.set(room, resolve));
    this.room(room);
  }

  /** Removes a room that is no more, and its log, which nobody could read any more. Nothing may be queued for it. Threat class A18. */
  remove(room: RoomAddress): void {
    const failed = (error: unknown): void => this.#failed(room, error);
    const number = this.#logbook.forget(roomLog(room));
    // First, so that a number is never given twice.
    if (number !== undefined) keepForgottenNumber(this.#storage, number).catch(failed);
    this.#storage.removeRoom(room).catch(failed);
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
        if (!room.closed) await this.#save(room);
        room.unsaved = undefined;
        this.#fresh.get(room)?.();
        this.#fresh.delete(room);
      }
    }
    this.#running = undefined;
  }

  async #save(room: RoomState): Promise<void> {
    try {
      await this.#storage.saveRoom(room.stored());
    } catch (error) {
      this.#failed(room.address, error);
    }
  }

  #failed(room: RoomAddress, error: unknown): void {
    this.#log.error({ err: error, room }, 'the state of a room could not be saved');
  }
}
