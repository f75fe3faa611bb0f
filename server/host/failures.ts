/**
 * What happens to each line of the log before it is written. Every exception that is caught anywhere is logged as an error with its stack; this looks at the log as it is written, so that no place
 * that catches one has to know of plugins.
 */
import type { LoggerOptions } from 'pino';
import type { Clock } from '../contract/host.ts';
import { Repetitions } from './repetitions.ts';

const infoLevel = 30;
const errorLevel = 50;
const fatalLevel = 60;

export class Failures {
  readonly #repetitions: Repetitions;
  /** Told every exception that the log is told as an error. */
  told: (error: unknown) => void = () => undefined;

  constructor(clock: Clock) {
    this.#repetitions = new Repetitions(clock);
  }

  /** For the options of the log. Nobody fills it: see Repetitions. */
  get hooks(): NonNullable<LoggerOptions['hooks']> {
    const repetitions = this.#repetitions;
    const look = (facts: unknown): void => {
      if (typeof facts === 'object' && facts !== null && 'err' in facts) this.told(facts.err);
    };
    return {
      logMethod(args, method, level) {
        if (level >= errorLevel) look(args[0]);
        const text = args.find((one: unknown) => typeof one === 'string');
        const limited = text !== undefined && level >= infoLevel && level < fatalLevel;
        const left = (lines: number): void => method.call(this, { lines }, `and more like this: ${text}`);
        if (!limited || repetitions.pass(text, left)) method.apply(this, args);
      },
    };
  }
}
