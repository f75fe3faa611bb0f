/** One conversation, a room or a person, as the page knows it. */
import { signal } from '@preact/signals';
import type { WireEvent, WireMember } from '../protocol.ts';
import { findMentions, inLine } from './text.ts';
import type { Entry, Message, Person } from './timeline.ts';

/** Older entries than these are let go while one reads the newest ones. */
const mostEntries = 600;

export interface Waiting {
  readonly key: string;
  readonly text: string;
  readonly style: string;
  readonly since: number;
  /** Why it was not sent; undefined while it is under way. */
  failed?: string;
}

export interface Topic {
  readonly text: string;
  readonly by: string;
  readonly at: number;
}

export class Conversation {
  readonly kind: 'room' | 'person';
  address: string;
  /** Counts up on every change: who reads it is drawn anew. */
  readonly version = signal(0);
  /** Counts up when members change: their list is long, and most of what happens does not concern it. */
  readonly people = signal(0);
  name: string;
  /** Where a person comes from. */
  from: string | null = null;
  inside = true;
  /** Why one is not inside any more. */
  outsideReason = '';
  topic: Topic = { text: '', by: '', at: 0 };
  config: Readonly<Record<string, unknown>> = {};
  members = new Map<string, WireMember>();
  entries: Entry[] = [];
  waiting: Waiting[] = [];
  typing = new Map<string, { readonly nick: string; readonly until: number }>();
  read = 0;
  /** Where the line "new" is drawn. */
  unreadAfter: number | undefined;
  /** The server has nothing before the first entry. */
  complete = false;
  loading = false;
  draft = '';
  readonly #ids = new Set<string>();

  /** Where an entry stands: private messages of guests have no numbers, so talks go by time. */
  position(entry: Entry): number {
    return this.kind === 'room' ? entry.number : entry.at;
  }

  constructor(kind: 'room' | 'person', address: string, name: string) {
    this.kind = kind;
    this.address = address;
    this.name = name;
  }

  changed(): void {
    this.version.value += 1;
  }

  peopleChanged(): void {
    this.people.value += 1;
    this.changed();
  }

  get newest(): number {
    return this.entries.at(-1)?.number ?? 0;
  }

  /** The position of the last entry. */
  get last(): number {
    const entry = this.entries.at(-1);
    return entry === undefined ? 0 : this.position(entry);
  }

  get title(): string {
    return this.kind === 'room' ? `#${this.name}` : this.name;
  }

  /** Enters what came live or out of the history, in order, each id once. Returns what was new. */
  insert(entries: readonly Entry[]): Entry[] {
    const fresh = entries.filter((entry) => {
      if (this.#ids.has(entry.id)) return false;
      this.#ids.add(entry.id);
      return true;
    });
    if (fresh.length === 0) return fresh;
    const inOrder = this.position(fresh[0]!) > this.last;
    this.entries = [...this.entries, ...fresh];
    if (!inOrder) this.entries.sort((a, b) => this.position(a) - this.position(b));
    return fresh;
  }

  /** Forgets what is older than that entry, when much is known. */
  trimBefore(id: string): void {
    if (this.entries.length <= mostEntries) return;
    const gone = this.entries.slice(
      0,
      this.entries.findIndex((entry) => entry.id === id),
    );
    this.entries = this.entries.slice(gone.length);
    for (const entry of gone) this.#ids.delete(entry.id);
    this.complete = false;
  }

  forget(): void {
    this.entries = [];
    this.#ids.clear();
    this.complete = false;
  }

  unread(own: string): number {
    return this.#unreadMessages(own).length;
  }

  /** Something unread is for oneself: said privately, or with one's nick in it. */
  calls(own: string, nick: string): boolean {
    const unread = this.#unreadMessages(own);
    return unread.length > 0 && (this.kind === 'person' || unread.some(({ text }) => findMentions(text, nick).length > 0));
  }

  #unreadMessages(own: string): Message[] {
    const found: Message[] = [];
    for (let i = this.entries.length - 1; i >= 0; i--) {
      const entry = this.entries[i]!;
      if (this.position(entry) <= this.read) break;
      if (entry.kind === 'message' && entry.author.address !== own) found.push(entry);
    }
    return found;
  }
}

const changeNames: Readonly<Record<string, string>> = {
  title: 'title',
  moderated: 'moderation',
  membersOnly: 'members only',
  hidden: 'hidden',
  topicLocked: 'topic lock',
  membersSpeak: 'only members speak',
  key: 'password',
  limit: 'limit',
  history: 'history',
  showJoins: 'showing who comes and goes',
};

/** What is drawn for an event of a room; undefined where nothing is. */
export function entryOf(event: WireEvent): Entry | undefined {
  const head = { number: event.number, id: event.id, at: event.at };
  const author = event['author'] as Person | undefined;
  const nick = author?.nick ?? '';
  const line = (told: string, whom = ''): Entry => ({ ...head, kind: 'line', text: inLine(told), what: event.kind, by: nick, whom });
  const text = (key: string): string => (typeof event[key] === 'string' ? event[key] : '');
  const because = text('reason') === '' ? '' : ` (${text('reason')})`;
  switch (event.kind) {
    case 'message':
      return {
        ...head,
        kind: 'message',
        author: author!,
        text: text('text'),
        spans: event['spans'] as Message['spans'],
        style: text('style'),
      };
    case 'topic':
      return line(text('topic') === '' ? `${nick} removed the topic` : `${nick} changed the topic to: ${text('topic')}`, text('topic'));
    case 'kick': {
      const target = (event['target'] as Person).nick;
      return line(`${nick} ${event['banned'] === true ? 'banned' : 'removed'} ${target}${because}`, target);
    }
    case 'ban':
      return line(`${nick} ${event['add'] === true ? 'banned' : 'lifted the ban on'} ${text('mask')}`);
    case 'affiliation':
      return line(`${nick} made ${calledName(event['target'] as Person)} ${affiliationName(text('affiliation'))}${because}`);
    case 'config':
      return line(
        `${nick} changed ${Object.keys(event['changes'] as object)
          .map((key) => changeNames[key] ?? key)
          .join(', ')}`,
      );
    case 'join':
      return { ...head, kind: 'presence', what: 'came', who: nick, to: '', text: '' };
    case 'leave':
      return { ...head, kind: 'presence', what: 'went', who: nick, to: '', text: text('reason') };
    case 'nick':
      return { ...head, kind: 'presence', what: 'renamed', who: nick, to: text('nick'), text: `${nick} is now ${text('nick')}` };
    case 'network':
      return line(text('text'));
    default:
      return undefined;
  }
}

function affiliationName(affiliation: string): string {
  if (affiliation === 'none') return 'nobody special';
  return affiliation === 'outcast' ? 'an outcast' : affiliation === 'owner' || affiliation === 'admin' ? `an ${affiliation}` : 'a member';
}

/** What somebody is called, of whom perhaps only the address is known, and perhaps not even that. */
export function calledName({ address, nick, from }: Person): string {
  if (nick !== '') return nick;
  return address.startsWith('hidden:') ? `somebody of ${from ?? 'another server'}` : shortAddress(address);
}

/** An address as people say it. */
export function shortAddress(address: string): string {
  return address
    .replace(/^banyan:\/\/[^/]+\/~/, '')
    .replace(/^irc:[^/]+\//, '')
    .replace(/^xmpp:/, '');
}
