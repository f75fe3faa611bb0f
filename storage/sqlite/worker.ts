/** The worker thread: owns the database, so that nothing of SQLite ever stops the server's own thread. */
import { parentPort, workerData } from 'node:worker_threads';
import type { LogAddress, Position } from '../../server/model/event.ts';
import { LogDatabase, type JournalPoint } from './database.ts';

/** A call of one method of the database, after taking in the journal up to a point. */
export interface WorkerRequest {
  readonly id: number;
  readonly upTo: JournalPoint | undefined;
  readonly call: keyof LogDatabase | 'absorbed';
  readonly values: readonly unknown[];
}

/** What the worker says first. */
export interface Opened {
  readonly positions: readonly (readonly [LogAddress, Position])[];
  readonly segment: number;
}

export type WorkerAnswer = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: string };

/** The journal is taken in once a second when little is said, so this is a little less. */
const syncMilliseconds = 900;
const port = parentPort!;
let lastSync = 0;

function open(): LogDatabase | undefined {
  try {
    const database = new LogDatabase((workerData as { folder: string }).folder);
    database.recover();
    port.postMessage({
      id: 0,
      value: { positions: database.positions(), segment: database.point.segment } satisfies Opened,
    } satisfies WorkerAnswer);
    return database;
  } catch (error) {
    port.postMessage({ id: 0, error: error instanceof Error ? error.message : String(error) } satisfies WorkerAnswer);
    return undefined;
  }
}

const database = open();
if (database === undefined) port.close();
else {
  port.on('message', (request: WorkerRequest) => {
    try {
      if (request.upTo !== undefined) database.absorb(request.upTo);
      port.postMessage({ id: request.id, value: answer(database, request) } satisfies WorkerAnswer);
      if (request.call === 'close') port.close();
    } catch (error) {
      port.postMessage({ id: request.id, error: error instanceof Error ? error.message : String(error) } satisfies WorkerAnswer);
    }
  });
}

function answer(on: LogDatabase, request: WorkerRequest): unknown {
  if (request.call === 'absorbed') {
    const now = Date.now();
    if (now - lastSync >= syncMilliseconds) {
      lastSync = now;
      on.sync();
    }
    return undefined;
  }
  const method = on[request.call] as (...values: readonly unknown[]) => unknown;
  return method.apply(on, [...request.values]);
}
