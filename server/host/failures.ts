/**
 * Every exception that is caught anywhere is logged as an error with its stack; this looks at the log as it is written, so that no place
 * that catches one has to know of plugins.
 */
import type { LoggerOptions } from 'pino';

const errorLevel = 50;

export class Failures {
  /** Told every exception that the log is told as an error. */
  told: (error: unknown) => void = () => undefined;

  /** For the options of the log. */
  get hooks(): NonNullable<LoggerOptions['hooks']> {
    const look = (facts: unknown): void => {
      if (typeof facts === 'object' && facts !== null && 'err' in facts) this.told(facts.err);
    };
    return {
      logMethod(args, method, level) {
        if (level >= errorLevel) look(args[0]);
        method.apply(this, args);
      },
    };
  }
}
