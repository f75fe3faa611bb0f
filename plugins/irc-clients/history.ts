/** The messages of a room, or with a person, as pages out of the log: what CHATHISTORY and the replay on joining read. */
import {
  parseEventId,
  type Author,
  type LogRecord,
  type PrivateRecord,
  type Room,
  type Session,
  type User,
  type UserAddress,
} from '../../server/plugin.ts';
import { channelName, circleTarget, roomName } from './channel.ts';
import type { Client } from './client.ts';
import { renderAll, type OutLine } from './outgoing.ts';

/** Events that are looked through for one answer, when most are no messages. */
const mostRead = 4_000;
/** Records in one page. */
const pageSize = 200;

/** What can be paged through. */
export interface Source {
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

type Range = { readonly after?: number; readonly before?: number; readonly take: 'first' | 'last' };

/** The number of the first record logged at that time or later, by halving. */
export async function firstAt(source: Source, at: number): Promise<number> {
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
export async function collect(source: Source, range: Range, limit: number): Promise<readonly LogRecord[]> {
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

/** What a client means by a target: a room that the person is in, or somebody, here or in the person's own messages. */
export async function sourceOf(client: Client, session: Session, target: string): Promise<Source | undefined> {
  const { user } = session;
  if (target.startsWith('#')) {
    const name = roomName(target);
    const room = name === undefined ? undefined : client.server.host.rooms.byName(name);
    return room?.members.has(user.id) === true ? roomSource(client, user, room) : undefined;
  }
  const person = client.server.people.byNick(target);
  if (person !== undefined) return privateSource(client, user, person.nick, person.address);
  for (const { nick, address } of await correspondents(client, user))
    if (nick.toLowerCase() === target.toLowerCase()) return privateSource(client, user, nick, address);
  return undefined;
}

/** Somebody with whom there are private messages. */
export interface Correspondent {
  readonly nick: string;
  readonly address: UserAddress;
  readonly last: PrivateRecord;
}

/** With whom somebody has private messages, by the last one, newest first. */
export async function correspondents(client: Client, user: User): Promise<readonly Correspondent[]> {
  const { users } = client.server.host;
  const { people } = client.server;
  const found = new Map<UserAddress, Correspondent>();
  let before: number | undefined;
  for (let looked = 0; looked < mostRead; looked += pageSize) {
    const page = await users.readPrivate(user, { limit: pageSize, ...(before === undefined ? {} : { before }) });
    for (const last of page.toReversed()) {
      const { content } = last;
      if (content.kind !== 'private') continue;
      const other: Author = content.author.address === user.address ? content.to : content.author;
      const nick = people.byAddress(other.address)?.nick ?? people.pastAuthor(other).nick;
      if (!found.has(other.address)) found.set(other.address, { nick, address: other.address, last });
    }
    if (page.length < pageSize) break;
    before = page[0]!.number;
  }
  return [...found.values()];
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

export function roomSource(client: Client, user: User, room: Room): Source {
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
