/** The server's log, kept for the test instead of written. */
import { pino, type Logger } from 'pino';

export interface LogLine {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  readonly message: string;
  /** Everything else that was logged with it. */
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface CapturedLog {
  readonly logger: Logger;
  readonly lines: readonly LogLine[];
  /** Lines of that level and above, as text: for an assertion that shows what went wrong. */
  atLeast(level: 'warn' | 'error'): readonly string[];
}

/** Everything from level debug on; trace lines would be every byte that crosses. */
export function captureLog(): CapturedLog {
  const lines: LogLine[] = [];
  const write = (text: string): void => {
    const { level, msg, time: _time, pid: _pid, hostname: _hostname, ...facts } = JSON.parse(text) as Record<string, unknown>;
    lines.push({ level: pino.levels.labels[level as number] as LogLine['level'], message: typeof msg === 'string' ? msg : '', facts });
  };
  return {
    logger: pino({ level: 'debug' }, { write }),
    lines,
    atLeast(level) {
      const least = pino.levels.values[level]!;
      return lines.filter((line) => pino.levels.values[line.level]! >= least).map(describe);
    },
  };
}

function describe({ level, message, facts }: LogLine): string {
  const failure = (facts.err as { readonly stack?: string } | undefined)?.stack;
  return `${level}: ${message}${failure === undefined ? ` ${JSON.stringify(facts)}` : `\n${failure}`}`;
}
