/** Ends the process when its main thread is stuck (threat class A24): an endless loop in one plugin must not be the end of all. */
import { url as inspectorUrl } from 'node:inspector';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { PluginCode } from './blame.ts';

export interface WatchdogOptions {
  /** Silence of the main thread that is too long. */
  readonly seconds: number;
  /** Where the guilty plugin is noted. */
  readonly dataFolder: string;
  readonly plugins: readonly PluginCode[];
  readonly log: Logger;
}

/** What the thread is started with. */
export interface WatchdogData extends Omit<WatchdogOptions, 'log'> {
  /** One number that grows while the main thread lives. */
  readonly beat: SharedArrayBuffer;
}

const beatMilliseconds = 500;

/** @returns takes the watchdog off */
export function startWatchdog({ log, ...options }: WatchdogOptions): () => Promise<void> {
  // Whoever debugs the process stops its main thread on purpose.
  if (options.seconds === 0 || inspectorUrl() !== undefined) return () => Promise.resolve();
  const beat = new SharedArrayBuffer(4);
  const counter = new Int32Array(beat);
  const thread = new Worker(new URL('./watchdog-thread.js', import.meta.url), { workerData: { ...options, beat } satisfies WatchdogData });
  thread.unref();
  thread.on('error', (error) => log.warn({ err: error }, 'the watchdog ended; a plugin that hangs is not noticed any more'));
  const timer = setInterval(() => void Atomics.add(counter, 0, 1), beatMilliseconds);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await thread.terminate();
  };
}
