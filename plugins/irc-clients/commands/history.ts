/** CHATHISTORY LATEST, BEFORE, AFTER (IRCv3 draft/chathistory): pages out of the log. */
import { parseEventId, type LogRecord, type Room, type Session, type User, type UserAddress } from '../../../server/plugin.ts';
import { channelName, circleTarget, roomName } from '../channel.ts';
import type { Client } from '../client.ts';
import { oneWord } from '../encode.ts';
import { renderAll, type OutLine } from '../outgoing.ts';

/** Messages in one answer. */
export const mostHistory = 200;
/** Events that are looked through for one answer, when most are no messages. */
const mostRead = 4_000;
/** Records in one page. */
const pageSize = 200;

type Reference = { readonly kind: 'none' } | { readonly kind: 'id'; readonly id: string } | { readonly kind: 'time'; readonly at: number };

interface Source {
  readonly target: string;
  /** Ascending; `after` and `before` are numbers, exclusive. */
  read(range: {
    readonly after?: number;
    readonly before?: number;
    readonly limit: number;
    readonly take: 'first' | 'last';
  }): Promise<readonly LogRecord[]>;
  numberOf(id: string): Promise<number | undefined>;
  readonly last: number;
  lines(record: LogRecord): readonly OutLine[];
}

export async function chatHistory(client: Client, session: Session, params: readonly string[]): Promise<void> {
  const subcommand = params[0]!.toUpperCase();
  if (!['LATEST', 'BEFORE', 'AFTER'].includes(subcommand)) {
    fail(client, 'INVALID_PARAMS', [subcommand], 'Unknown subcommand');
    return;
  }
  const [, target = '', selector = '', count = ''] = params;
  const limit = Math.min(Number.parseInt(count, 10), mostHistory);
  const reference = parseReference(selector, subcommand === 'LATEST');
  if (params.length < 4 || !(limit > 0) || reference === undefined) {
    fail(client, 'INVALID_PARAMS', [subcommand, target], 'CHATHISTORY needs a target, a message reference and a limit');
    return;
  }
  const source = sourceOf(client, session, target);
  if (source === undefined) {
    fail(client, 'INVALID_TARGET', [subcommand, target], 'Messages could not be retrieved');
    return;
  }
  const range = await resolve(source, subcommand, reference);
  const records = range === undefined ? [] : await collect(source, range, limit);
  const batch = client.server.encoder.batchName();
  client.send(client.server.encoder.opens(batch, `chathistory ${source.target}`));
  for (const record of records) for (const line of source.lines(record)) client.send({ ...line, batch });
  client.send(client.server.encoder.closes(batch));
}

/** The last messages of a room within a range, as lines for one client; nothing when the person may not read them. */
export async function latestMessages(
  client: Client,
  session: Session,
  room: Room,
  { after, before, limit }: { readonly after: number; readonly before: number; readonly limit: number },
  firstLive: () => number,
): Promise<string> {
  const { encoder } = client.server;
  const source = roomSource(client, session.user, room);
  const records = await collect(source, { after, before, take: 'last' }, limit);
  const live = firstLive();
  const batch = encoder.batchName();
  const lines = records.filter(({ number }) => number < live).flatMap((record) => source.lines(record));
  if (lines.length === 0) return '';
  const within = lines.map((line) => ({ ...line, batch }));
  return renderAll([encoder.opens(batch, `chathistory ${source.target}`), ...within, encoder.closes(batch)], client.flags);
}

function fail(client: Client, code: string, context: readonly string[], text: string): void {
  client.fromServer(`FAIL CHATHISTORY ${code} ${context.map(oneWord).join(' ')} :${text}`);
}

function parseReference(selector: string, mayBeNone: boolean): Reference | undefined {
  if (selector === '*') return mayBeNone ? { kind: 'none' } : undefined;
  const [, kind, value = ''] = /^(msgid|timestamp)=(.+)$/.exec(selector) ?? [];
  if (kind === 'msgid') return { kind: 'id', id: value };
  if (kind !== 'timestamp') return undefined;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : { kind: 'time', at };
}

type Range = { readonly after?: number; readonly before?: number; readonly take: 'first' | 'last' };

/** Which numbers are meant; undefined when a reference means nothing here. */
async function resolve(source: Source, subcommand: string, reference: Reference): Promise<Range | undefined> {
  if (reference.kind === 'none') return { take: 'last' };
  if (reference.kind === 'id') {
    const number = await source.numberOf(reference.id);
    if (number === undefined) return undefined;
    return subcommand === 'BEFORE' ? { before: number, take: 'last' } : { after: number, take: subcommand === 'AFTER' ? 'first' : 'last' };
  }
  const first = await firstAfter(source, subcommand === 'BEFORE' ? reference.at : reference.at + 1);
  return subcommand === 'BEFORE' ? { before: first, take: 'last' } : { after: first - 1, take: subcommand === 'AFTER' ? 'first' : 'last' };
}

/** The number of the first record logged at that time or later, by halving. */
async function firstAfter(source: Source, at: number): Promise<number> {
  let low = 1;
  let high = source.last + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [record] = await source.read({ after: middle - 1, limit: 1, take: 'first' });
    if (record === undefined || record.logged >= at) high = middle;
    else low = record.number + 1;
  }
  return low;
}

/** Reads page after page until there are enough messages. */
async function collect(source: Source, range: Range, limit: number): Promise<readonly LogRecord[]> {
  const found: LogRecord[] = [];
  let { after, before } = range;
  for (let read = 0; read < mostRead && found.length < limit;) {
    const page = Math.max(limit, 100);
    const records = await source.read({
      limit: page,
      take: range.take,
      ...(after === undefined ? {} : { after }),
      ...(before === undefined ? {} : { before }),
    });
    read += records.length;
    const shown = records.filter(isMessage);
    if (range.take === 'first') {
      found.push(...shown);
      after = records.at(-1)?.number;
    } else {
      found.unshift(...shown);
      before = records[0]?.number;
    }
    if (records.length < page) break;
  }
  return range.take === 'first' ? found.slice(0, limit) : found.slice(-limit);
}

function isMessage(record: LogRecord): boolean {
  return record.content.kind === 'message' || record.content.kind === 'private';
}

function sourceOf(client: Client, session: Session, target: string): Source | undefined {
  if (target.startsWith('#')) {
    const name = roomName(target);
    const room = name === undefined ? undefined : client.server.host.rooms.byName(name);
    return room?.members.has(session.user.id) === true ? roomSource(client, session.user, room) : undefined;
  }
  const person = client.server.people.byNick(target);
  return person === undefined ? undefined : privateSource(client, session.user, person.nick, person.address);
}

function roomSource(client: Client, user: User, room: Room): Source {
  const { rooms } = client.server.host;
  const { encoder, people } = client.server;
  return {
    target: channelName(room),
    last: room.last.number,
    async read(range) {
      const outcome = await rooms.history(user, room, range);
      return outcome.ok ? outcome.value : [];
    },
    async numberOf(id) {
      const parsed = parseEventId(id);
      return parsed === undefined ? undefined : (await rooms.find(user, room, parsed))?.number;
    },
    lines: (record) => encoder.record(room, record, (author) => people.pastAuthor(author)),
  };
}

function privateSource(client: Client, user: User, nick: string, address: UserAddress): Source {
  const { encoder, people } = client.server;
  return {
    ...inboxReads(client, user, address),
    target: nick,
    lines(record) {
      const { content } = record;
      if (content.kind !== 'private') return [];
      const own = content.author.address === user.address;
      return encoder.message(people.pastAuthor(content.author), own ? nick : (circleTarget(content) ?? client.nick), record);
    },
  };
}

type Reads = Pick<Source, 'read' | 'numberOf' | 'last'>;

/** What somebody wrote and got: all correspondents share its numbers. */
function inboxReads(client: Client, user: User, address: UserAddress): Reads {
  const { users } = client.server.host;
  const read: Source['read'] = async ({ after, before, limit, take }) => {
    const forward = take === 'first';
    const found = await users.readPrivate(user, {
      with: address,
      limit,
      ...(before === undefined ? {} : { before }),
      ...(forward ? { after: after ?? 0 } : {}),
    });
    return forward || after === undefined ? found : found.filter((record) => record.number > after);
  };
  return {
    last: Number.MAX_SAFE_INTEGER - 1,
    read,
    async numberOf(id) {
      let before: number | undefined;
      for (let looked = 0; looked < mostRead; looked += pageSize) {
        const page = await read({ limit: pageSize, take: 'last', ...(before === undefined ? {} : { before }) });
        const found = page.find((record) => record.id === id);
        if (found !== undefined || page.length < pageSize) return found?.number;
        before = page[0]!.number;
      }
      return undefined;
    },
  };
}
