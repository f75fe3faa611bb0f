/** A message as the lines that say it over there. */
import { prefixed, type LoggedContent, type LogRecord } from '../../../server/plugin.ts';
import type { NetUser } from '../model/state.ts';
import type { Hearers } from './hearers.ts';
import type { Live } from './live.ts';
import { toLines } from './text.ts';

/** Milliseconds after which a message tells in words when it was said: servers of both kinds show their people their own time. */
const noticeable = 60_000;

type Said = Extract<LoggedContent, { kind: 'message' | 'private' }>;

export interface Occasion {
  /** It may have been heard before. */
  readonly again: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Says a message; id and time go along where the protocol has them, and in words what its readers would not see.
 */
export function speak(
  live: Live,
  from: NetUser,
  { target, shown }: Hearers,
  record: LogRecord & { readonly content: Said },
  { again, now }: Occasion,
): void {
  const { established } = live.peer;
  const { content, born } = record;
  const late = now - Math.min(born, record.logged) > noticeable;
  const marks = [...(again ? ['again'] : []), ...(late ? [`said ${timeOf(born, now)}`] : [])];
  const said = marks.length === 0 ? content : { ...content, text: prefixed(content.text, `(${marks.join(', ')}) `) };
  for (const [index, text] of toLines(said, from, shown, established.limits.line).entries())
    live.say({
      kind: 'message',
      source: from.id,
      target,
      notice: content.style === 'notice',
      text,
      time: born,
      id: index === 0 ? record.id : `${record.id}-${index}`,
    });
}

/** `14:03 UTC`, and the day when it was another. */
function timeOf(born: number, now: number): string {
  const [day, time] = new Date(born).toISOString().split('T') as [string, string];
  const clock = `${time.slice(0, 5)} UTC`;
  return new Date(now).toISOString().startsWith(day) ? clock : `${day} ${clock}`;
}
