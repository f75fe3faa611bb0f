/** CHATHISTORY (IRCv3 draft/chathistory): LATEST, BEFORE, AFTER, AROUND, BETWEEN of a room or a person, and TARGETS. */
import type { LogRecord, Session } from '../../../server/plugin.ts';
import { channelName } from '../channel.ts';
import type { Client } from '../client.ts';
import { oneWord, shownTime } from '../encode.ts';
import { collect, correspondents, firstAt, roomSource, sourceOf, type Source } from '../history.ts';
import type { OutLine } from '../outgoing.ts';

/** Messages, or targets, in one answer. */
export const mostHistory = 200;

type Reference = { readonly kind: 'id'; readonly id: string } | { readonly kind: 'time'; readonly at: number };

/** A place in a log: what is earlier has numbers below `before`, what is later above `after`; the message itself, if one is meant, is between. */
interface Place {
  readonly before: number;
  readonly after: number;
}

/** How many references each subcommand takes. */
const pages = new Map([
  ['LATEST', 1],
  ['BEFORE', 1],
  ['AFTER', 1],
  ['AROUND', 1],
  ['BETWEEN', 2],
]);

export async function chatHistory(client: Client, session: Session, params: readonly string[]): Promise<void> {
  const subcommand = params[0]!.toUpperCase();
  if (subcommand === 'TARGETS') return targets(client, session, params);
  const count = pages.get(subcommand);
  if (count === undefined) {
    fail(client, 'INVALID_PARAMS', [subcommand], 'Unknown subcommand');
    return;
  }
  const target = params[1] ?? '';
  const latest = subcommand === 'LATEST' && params[2] === '*';
  const references = latest ? [] : params.slice(2, 2 + count).map(parseReference);
  const limit = parseLimit(params[2 + count]);
  if (limit === undefined || references.includes(undefined)) {
    fail(client, 'INVALID_PARAMS', [subcommand, target], 'CHATHISTORY needs a target, message references and a limit');
    return;
  }
  const source = await sourceOf(client, session, target);
  if (source === undefined) {
    fail(client, 'INVALID_TARGET', [subcommand, target], 'Messages could not be retrieved');
    return;
  }
  const places = await Promise.all(references.map((reference) => placeOf(source, reference!)));
  // A reference that means nothing here has nothing before, after or around it.
  const records = places.includes(undefined) ? [] : await page(source, subcommand, places as readonly Place[], limit);
  const lines = records.flatMap((record) => source.lines(record));
  sendBatch(client, `chathistory ${source.target}`, lines);
}

async function page(source: Source, subcommand: string, places: readonly Place[], limit: number): Promise<readonly LogRecord[]> {
  const [place, other] = places;
  if (place === undefined) return collect(source, { take: 'last' }, limit);
  if (other !== undefined) {
    // From the first reference towards the second, whichever is the later.
    return place.before <= other.before
      ? collect(source, { after: place.after, before: other.before, take: 'first' }, limit)
      : collect(source, { after: other.after, before: place.before, take: 'last' }, limit);
  }
  switch (subcommand) {
    case 'BEFORE':
      return collect(source, { before: place.before, take: 'last' }, limit);
    case 'AFTER':
      return collect(source, { after: place.after, take: 'first' }, limit);
    case 'AROUND': {
      const earlier = await collect(source, { before: place.before, take: 'last' }, Math.floor(limit / 2));
      const later = await collect(source, { after: place.before - 1, take: 'first' }, limit - earlier.length);
      return [...earlier, ...later];
    }
    default:
      return collect(source, { after: place.after, take: 'last' }, limit);
  }
}

/** Rooms and people whose last message is between two times, by that time; where there are too many, those next to the first time. */
async function targets(client: Client, session: Session, params: readonly string[]): Promise<void> {
  const [from, to] = [params[1] ?? '', params[2] ?? ''].map(parseReference);
  const limit = parseLimit(params[3]);
  if (limit === undefined || from?.kind !== 'time' || to?.kind !== 'time') {
    fail(client, 'INVALID_PARAMS', ['TARGETS'], 'CHATHISTORY TARGETS needs two timestamps and a limit');
    return;
  }
  const { user } = session;
  const found: { readonly target: string; readonly at: number }[] = [];
  for (const room of client.rooms) {
    const [last] = await collect(roomSource(client, user, room), { take: 'last' }, 1);
    if (last !== undefined) found.push({ target: channelName(room), at: shownTime(last) });
  }
  for (const { nick, last } of await correspondents(client, user)) found.push({ target: nick, at: shownTime(last) });
  const [earliest, latest] = [Math.min(from.at, to.at), Math.max(from.at, to.at)];
  const between = found.filter(({ at }) => at > earliest && at < latest).toSorted((a, b) => a.at - b.at);
  const answer = from.at <= to.at ? between.slice(0, limit) : between.slice(-limit);
  const lines = answer.map(({ target, at }) => ({
    text: `:${client.server.name} CHATHISTORY TARGETS ${oneWord(target)} ${new Date(at).toISOString()}`,
  }));
  sendBatch(client, 'draft/chathistory-targets', lines);
}

function sendBatch(client: Client, typeAndParams: string, lines: readonly OutLine[]): void {
  const { encoder } = client.server;
  const batch = encoder.batchName();
  client.send(encoder.opens(batch, typeAndParams));
  for (const line of lines) client.send({ ...line, batch });
  client.send(encoder.closes(batch));
}

function fail(client: Client, code: string, context: readonly string[], text: string): void {
  client.fromServer(`FAIL CHATHISTORY ${code} ${context.map(oneWord).join(' ')} :${text}`);
}

function parseLimit(text = ''): number | undefined {
  const limit = Number.parseInt(text, 10);
  return limit > 0 ? Math.min(limit, mostHistory) : undefined;
}

function parseReference(selector: string): Reference | undefined {
  const [, kind, value = ''] = /^(msgid|timestamp)=(.+)$/.exec(selector) ?? [];
  if (kind === 'msgid') return { kind: 'id', id: value };
  if (kind !== 'timestamp') return undefined;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : { kind: 'time', at };
}

/** Undefined when there is no such message here. */
async function placeOf(source: Source, reference: Reference): Promise<Place | undefined> {
  if (reference.kind === 'id') {
    const number = await source.numberOf(reference.id);
    return number === undefined ? undefined : { before: number, after: number };
  }
  return { before: await firstAt(source, reference.at), after: (await firstAt(source, reference.at + 1)) - 1 };
}
