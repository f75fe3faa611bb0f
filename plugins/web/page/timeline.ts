/** From the events of a conversation to the rows that are drawn. */
import { inLine, type Span } from './text.ts';

export interface Person {
  readonly address: string;
  readonly nick: string;
  readonly from: string | null;
}

/** Something said: in a room, or privately. */
export interface Message {
  readonly number: number;
  readonly id: string;
  readonly at: number;
  readonly kind: 'message';
  readonly author: Person;
  readonly text: string;
  readonly spans: readonly Span[];
  readonly style: string;
}

/** Something that happened, told in a line. */
export interface Happening {
  readonly number: number;
  readonly id: string;
  readonly at: number;
  readonly kind: 'line';
  readonly text: string;
  readonly what: string;
  readonly by: string;
  /** To whom, or to what, it happened. */
  readonly whom: string;
}

/** Somebody came, went or has a new nick: told together with others of the kind. */
export interface Presence {
  readonly number: number;
  readonly id: string;
  readonly at: number;
  readonly kind: 'presence';
  readonly what: 'came' | 'went' | 'renamed';
  readonly who: string;
  /** The new nick. */
  readonly to: string;
  /** What is told of it: the reason, or the sentence. */
  readonly text: string;
}

export type Entry = Message | Happening | Presence;

export type Row =
  | { readonly kind: 'day'; readonly key: string; readonly at: number }
  | { readonly kind: 'unread'; readonly key: string }
  /** `head`: with name and picture; else it goes on where the same person spoke last. */
  | { readonly kind: 'message'; readonly key: string; readonly message: Message; readonly head: boolean }
  | {
      readonly kind: 'line';
      readonly key: string;
      readonly at: number;
      readonly text: string;
      readonly told: readonly (Happening | Presence)[];
    };

const pause = 5 * 60_000;

/** `unreadAfter`: the position of the last entry that was read when the conversation was opened. */
export function rows(entries: readonly Entry[], unreadAfter: number | undefined, own: string, position: (entry: Entry) => number): Row[] {
  const result: Row[] = [];
  let day = '';
  let before: Message | undefined;
  let marked = unreadAfter === undefined;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    const today = new Date(entry.at).toDateString();
    if (today !== day) {
      day = today;
      result.push({ kind: 'day', key: `day ${today}`, at: entry.at });
      before = undefined;
    }
    if (!marked && position(entry) > unreadAfter! && entry.kind === 'message') {
      marked = true;
      if (entry.author.address !== own && result.some((row) => row.kind === 'message')) {
        result.push({ kind: 'unread', key: 'unread' });
        before = undefined;
      }
    }
    switch (entry.kind) {
      case 'message': {
        const head =
          before?.author.address !== entry.author.address || before.author.nick !== entry.author.nick || entry.at - before.at > pause;
        result.push({ kind: 'message', key: entry.id, message: entry, head });
        before = entry;
        break;
      }
      case 'line':
        result.push({ kind: 'line', key: entry.id, at: entry.at, text: entry.text, told: [entry] });
        before = undefined;
        break;
      case 'presence': {
        const together: Presence[] = [entry];
        for (let next = entries[i + 1]; next?.kind === 'presence' && new Date(next.at).toDateString() === day; next = entries[i + 1]) {
          together.push(next);
          i += 1;
        }
        result.push({ kind: 'line', key: entry.id, at: entry.at, text: tellPresence(together), told: together });
        before = undefined;
        break;
      }
      default:
        entry satisfies never;
    }
  }
  return result;
}

/** "ann and bob joined · carl left" */
export function tellPresence(presences: readonly Presence[]): string {
  const came = new Set<string>();
  const went = new Set<string>();
  const renamed: string[] = [];
  for (const { what, who, text } of presences) {
    if (what === 'renamed') renamed.push(text);
    else if (what === 'came') {
      if (!went.delete(who)) came.add(who);
    } else if (!came.delete(who)) went.add(who);
  }
  const reason = went.size === 1 ? presences.findLast((presence) => presence.what === 'went')?.text : undefined;
  const told = [
    ...(came.size > 0 ? [`${enumerate([...came])} joined`] : []),
    ...(went.size > 0 ? [`${enumerate([...went])} left${reason === undefined || reason === '' ? '' : ` (${reason})`}`] : []),
    ...renamed,
  ];
  const who = [...new Set(presences.map((presence) => presence.who))];
  return inLine(told.length === 0 ? `${enumerate(who)} came and went` : told.join(' · '));
}

function enumerate(names: readonly string[]): string {
  if (names.length <= 1) return names[0] ?? '';
  if (names.length > 6) return `${names.slice(0, 5).join(', ')} and ${names.length - 5} others`;
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
