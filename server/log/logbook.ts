/** Where every log stands: gives out the next record of a log. Numbers are taken at once; durability comes by Delivery. */
import type { Clock } from '../contract/host.ts';
import type { Domain, NetworkAddress } from '../model/address.ts';
import { isRoomLog, type LogAddress, type LoggedContent, type LogRecord, type Position } from '../model/event.ts';
import { mintEventId, type EventId } from '../model/ids.ts';
import type { Storage } from '../storage.ts';
import { nextRecord, origin, positionOf } from './record.ts';

export interface BornElsewhere {
  readonly id?: EventId | undefined;
  readonly born?: number | undefined;
  readonly origin?: Domain | NetworkAddress | undefined;
}

/** When something was born, as far as its origin can be believed: never in the future, never before 1970. Threat class A21. */
export function birthTime(told: number | undefined, now: number): number {
  return told === undefined || !(told >= 0) ? now : Math.min(Math.floor(told), now);
}

export class Logbook {
  readonly #positions: Map<LogAddress, Position>;
  readonly #epoch: string;
  readonly #domain: Domain;
  readonly #clock: Clock;
  /** Where the logs of new rooms begin: behind the last number of every log that was forgotten, so that no room gives a number twice. */
  #begin: Position;

  /** `forgotten`: the highest number of a log that was forgotten. */
  constructor(options: {
    readonly positions: Iterable<readonly [LogAddress, Position]>;
    readonly forgotten: number;
    readonly epoch: string;
    readonly domain: Domain;
    readonly clock: Clock;
  }) {
    this.#positions = new Map(options.positions);
    this.#begin = { ...origin, number: options.forgotten };
    this.#epoch = options.epoch;
    this.#domain = options.domain;
    this.#clock = options.clock;
  }

  last(log: LogAddress): Position {
    return this.#positions.get(log) ?? (isRoomLog(log) ? this.#begin : origin);
  }

  /** A closed room's log is no more. Answers the highest number of such a log when it is a new one, which has to be kept. */
  forget(log: LogAddress): number | undefined {
    const { number } = this.last(log);
    this.#positions.delete(log);
    if (number <= this.#begin.number) return undefined;
    this.#begin = { ...origin, number };
    return number;
  }

  /** Where every log stands that has ever had a record. */
  all(): Iterable<readonly [LogAddress, Position]> {
    return this.#positions;
  }

  /** Takes the next number of `log`. The record must be handed to Delivery in the same order. */
  next(log: LogAddress, content: LoggedContent, elsewhere?: BornElsewhere): LogRecord {
    const now = this.#clock.now();
    const record = nextRecord(this.last(log), {
      log,
      epoch: this.#epoch,
      id: elsewhere?.id ?? mintEventId(now),
      origin: elsewhere?.origin ?? this.#domain,
      born: birthTime(elsewhere?.born, now),
      logged: now,
      content,
    });
    this.#positions.set(log, positionOf(record));
    return record;
  }

  /** After a failed append: answers with how to let the logs stand again where the storage says. */
  async reset(logs: Iterable<LogAddress>, storage: Storage): Promise<() => void> {
    const positions = await Promise.all([...logs].map(async (log) => [log, await storage.lastPosition(log)] as const));
    return () => {
      for (const [log, position] of positions) {
        if (position.number === 0) this.#positions.delete(log);
        else this.#positions.set(log, position);
      }
    };
  }
}

const epochKey = 'epoch';
const forgottenKey = 'forgotten';
const stateKey = 'state';

/**
 * The epoch of this run: the last one after a clean stop, a new one after an unclean stop. Marks the storage as running.
 * An epoch's name is a counter and random bits.
 */
export async function beginEpoch(storage: Storage, randomBits: string): Promise<string> {
  const state = await storage.get('core', stateKey);
  const last = await storage.get('core', epochKey);
  const counter = typeof last === 'string' ? Number.parseInt(last, 10) : 0;
  const epoch = state === 'stopped' && typeof last === 'string' ? last : `${counter + 1}.${randomBits}`;
  if (epoch !== last) await storage.set('core', epochKey, epoch);
  await storage.set('core', stateKey, 'running');
  return epoch;
}

export async function endEpoch(storage: Storage): Promise<void> {
  await storage.set('core', stateKey, 'stopped');
}

/** The highest number of a log that was forgotten. */
export async function forgottenNumber(storage: Storage): Promise<number> {
  const kept = await storage.get('core', forgottenKey);
  return typeof kept === 'number' ? kept : 0;
}

export function keepForgottenNumber(storage: Storage, number: number): Promise<void> {
  return storage.set('core', forgottenKey, number);
}
