/** Private messages: into inboxes of accounts, outbound logs of networks, and to all sessions of both ends. */
import type { ExpectedPerson } from '../contract/networks.ts';
import type { MessageBody, Room } from '../contract/rooms.ts';
import type { PrivateBody, PrivateRecord, User } from '../contract/users.ts';
import { birthTime } from '../log/logbook.ts';
import { addressParts, type NetworkAddress, type UserAddress } from '../model/address.ts';
import { isWithin, type Circle } from '../model/circle.ts';
import { inboxLog, outboundLog, type Author, type LogAddress, type LogRecord } from '../model/event.ts';
import { mintEventId } from '../model/ids.ts';
import { accepted, refused, type Outcome } from '../model/outcome.ts';
import { cleanText, oneLine } from '../model/text.ts';
import type { Context } from './context.ts';
import { authorOf, type RoomState, type SessionState, type UserState } from './state.ts';
import { keepOriginal } from './talk.ts';

/** Private messages that somebody without an account keeps in memory. */
const memoryLimit = 200;
/** Copies of one message to all with a standing in a room. */
const mostConfided = 500;

type PrivateContent = PrivateRecord['content'];
type Birth = Pick<LogRecord, 'id' | 'born' | 'origin'>;
export type Resolver = (address: UserAddress) => UserState | ExpectedPerson | undefined;

/** Whom a message is for. Without a user: an account that nobody uses now, or somebody of a network that is out of reach. */
interface Recipient {
  readonly user: UserState | undefined;
  readonly as: Author;
}

/** One copy of a message: in an inbox, in the outbound log of a network, or in the memory of a guest. */
interface Copy {
  readonly record: PrivateRecord;
  readonly of: Author;
  readonly user: UserState | undefined;
  /** It is in a log, which the storage may refuse. */
  readonly logged: boolean;
  lost: boolean;
}

export class PrivateMessages {
  readonly #context: Context;
  readonly #accountExists: (name: string) => boolean;
  readonly resolvers = new Map<string, Resolver>();

  constructor(context: Context, accountExists: (name: string) => boolean) {
    this.#context = context;
    this.#accountExists = accountExists;
  }

  send(from: UserState, to: UserAddress, body: PrivateBody, via?: SessionState): Promise<Outcome<PrivateRecord>> {
    const recipient = this.recipient(to);
    if (!recipient.ok) return Promise.resolve(recipient);
    const { user, as } = recipient.value;
    const content = this.#content(from, as, body);
    return content.ok ? this.deliver(from, user, content.value, body, via) : Promise.resolve(content);
  }

  #content(from: UserState, to: Author, body: PrivateBody, circle?: Circle): Outcome<PrivateContent> {
    const { limits, clock } = this.#context;
    const text = cleanText(body.text);
    if (text.plain === '') return refused('too-large', 'There is nothing to say in an empty message.');
    if (Buffer.byteLength(text.plain) > limits.messageBytes)
      return refused('too-large', `A message may have at most ${limits.messageBytes} bytes.`);
    from.activeAt = clock.now();
    return accepted({
      kind: 'private',
      author: body.room === undefined ? authorOf(from) : this.#occupant(from, body),
      to,
      text,
      style: body.style,
      ...(body.room === undefined ? {} : { room: body.room }),
      ...(circle === undefined ? {} : { circle }),
      ...keepOriginal(body.original),
    });
  }

  /** To all in a room who hold a standing, but its author and the people of one network, who have it already. */
  async confide(
    from: UserState,
    room: RoomState,
    circle: Circle,
    body: MessageBody,
    except: NetworkAddress | null = null,
  ): Promise<Outcome<number>> {
    if (room.home !== undefined) return refused('not-permitted', 'In a room of another server only all, or one person, can be written to.');
    const members = [...room.members.values()].filter(
      (member) =>
        member.who !== from && (except === null || member.who.network !== except) && isWithin(member, circle, room.config.moderated),
    );
    if (members.length > mostConfided) return refused('too-many', `At most ${mostConfided} people can be written to at once.`);
    const now = this.#context.clock.now();
    const birth = this.#birth(from, body, now);
    const copies: Copy[] = [];
    for (const { who, nick } of members) {
      const content = this.#content(from, authorOf(who, nick), { ...body, room: room.address }, circle);
      if (!content.ok) return content;
      copies.push(this.#copy(content.value.to, who, content.value, birth, now));
    }
    await this.#deliver(copies, (one) => one === room);
    return copies.some(({ lost }) => lost) ? unavailable() : accepted(copies.length);
  }

  /** Invitations go the same ways. */
  deliver(
    from: UserState,
    recipient: UserState | undefined,
    content: PrivateContent,
    body: Pick<PrivateBody, 'id' | 'born'>,
    via?: SessionState,
  ): Promise<Outcome<PrivateRecord>> {
    const now = this.#context.clock.now();
    const birth = this.#birth(from, body, now);
    // The recipient's copy is the message; the answer tells of that one.
    const message = this.#copy(content.to, recipient, content, birth, now);
    const copies = [message];
    if (from.address !== content.to.address && from.kind === 'local') copies.push(this.#copy(authorOf(from), from, content, birth, now));
    return this.#deliver(copies, this.#seenBy(from, recipient, content.to), via).then(() =>
      message.lost ? unavailable() : accepted(message.record),
    );
  }

  #birth(from: UserState, body: Pick<PrivateBody, 'id' | 'born'>, now: number): Birth {
    return { id: body.id ?? mintEventId(now), born: birthTime(body.born, now), origin: from.network ?? this.#context.domain };
  }

  /** Resolves when they are durable, or lost, and shown. */
  #deliver(copies: readonly Copy[], seen: (room: Room) => boolean, via?: SessionState): Promise<void> {
    const { delivery } = this.#context;
    for (const copy of copies)
      if (copy.logged) delivery.record(undefined, copy.record, undefined, (error) => (copy.lost = error !== undefined));
    return new Promise((resolve) => {
      delivery.step(seen, () => {
        for (const copy of copies) if (!copy.lost) this.#show(copy, via);
        resolve();
      });
    });
  }

  /** Which rooms the two ends see: what was said there before is shown before. */
  #seenBy(from: User, recipient: User | undefined, { network }: Author): (room: Room) => boolean {
    return (room) => from.rooms.has(room) || recipient?.rooms.has(room) === true || (network !== undefined && room.networks.has(network));
  }

  #copy(of: Author, user: UserState | undefined, content: PrivateContent, birth: Birth, now: number): Copy {
    const { logbook } = this.#context;
    const { address, network } = of;
    if (user?.guest === true) {
      const record = memoryRecord(inboxLog(address), ++user.remembered, content, birth, now);
      return { record, of, user, logged: false, lost: false };
    }
    const log = network === undefined ? inboxLog(address) : outboundLog(network);
    return { record: logbook.next(log, content, birth) as PrivateRecord, of, user, logged: true, lost: false };
  }

  #show({ record, of: { address, network }, user, logged }: Copy, via: SessionState | undefined): void {
    const { directory } = this.#context;
    if (network !== undefined) {
      const handler = directory.networks.get(network)?.handler;
      if (user === undefined) handler?.privateMessageWaits?.(record);
      else handler?.privateMessage(record, user);
      return;
    }
    if (user !== undefined && !logged) remember(user, record);
    const live = directory.byAddress.get(address);
    if (live === undefined) return;
    for (const session of live.sessions) if (!session.closed) session.handler.privateMessage(record, via);
  }

  #occupant(from: UserState, body: PrivateBody): Author {
    const room = body.room === undefined ? undefined : this.#context.directory.rooms.get(body.room);
    return authorOf(from, room?.members.get(from.id)?.nick);
  }

  /** Who can be written to by an address; foreign people become known by it. Refuses: no-such-user. */
  recipient(to: UserAddress): Outcome<Recipient> {
    const { directory, domain } = this.#context;
    const live = directory.byAddress.get(to);
    if (live !== undefined) return accepted({ user: live, as: authorOf(live) });
    const parts = addressParts(to);
    if (parts.scheme === 'banyan') {
      if (parts.domain === domain && this.#accountExists(parts.name))
        return accepted({ user: undefined, as: { address: to, nick: parts.name } });
      return refused('no-such-user', 'Nobody of that name is here.');
    }
    const found = this.resolvers.get(parts.scheme)?.(to);
    if (found === undefined) return refused('no-such-user', 'Nobody of that name can be reached from here.');
    if ('expectedBy' in found)
      return accepted({ user: undefined, as: { address: to, nick: oneLine(found.nick), network: found.expectedBy } });
    return accepted({ user: found, as: authorOf(found) });
  }

  async read(
    user: UserState,
    options: { readonly with?: UserAddress; readonly after?: number; readonly before?: number; readonly limit: number },
  ): Promise<readonly PrivateRecord[]> {
    const limit = Math.max(0, Math.min(options.limit, 1_000));
    const concerns = (record: LogRecord): record is PrivateRecord => {
      const { content } = record;
      if (content.kind !== 'private' && content.kind !== 'invitation') return false;
      return options.with === undefined || content.author.address === options.with || content.to.address === options.with;
    };
    if (user.account === null) return inMemory(user, options.after, options.before, limit, concerns);
    await this.#context.delivery.shown();
    const found: PrivateRecord[] = [];
    const forward = options.after !== undefined;
    let after = options.after ?? 0;
    let before = options.before;
    while (found.length < limit) {
      const page = await this.#context.storage.read(inboxLog(user.address), {
        after,
        limit: 500,
        take: forward ? 'first' : 'last',
        ...(before === undefined ? {} : { before }),
      });
      const matching = page.filter(concerns);
      if (forward) found.push(...matching.slice(0, limit - found.length));
      else found.unshift(...matching.slice(-(limit - found.length)));
      if (page.length < 500) break;
      if (forward) after = page[page.length - 1]!.number;
      else before = page[0]!.number;
    }
    return found;
  }
}

function unavailable(): Outcome<never> {
  return refused('unavailable', 'The server cannot store messages at the moment; yours was not sent.');
}

function remember(user: UserState, record: PrivateRecord): void {
  const memory = (user.memory ??= []);
  memory.push(record);
  if (memory.length > memoryLimit) memory.shift();
}

/** A guest's messages within a range, as `read` answers with those of an inbox. */
function inMemory(
  user: UserState,
  after: number | undefined,
  before = Infinity,
  limit: number,
  concerns: (record: LogRecord) => boolean,
): readonly PrivateRecord[] {
  const found = (user.memory ?? []).filter((record) => record.number > (after ?? 0) && record.number < before && concerns(record));
  return after === undefined ? found.slice(Math.max(0, found.length - limit)) : found.slice(0, limit);
}

/** A record that is in no log: it has the form of one, and no hashes, since nothing can be proved by it. */
function memoryRecord(
  log: LogAddress,
  number: number,
  content: PrivateContent,
  { id, born, origin }: Birth,
  logged: number,
): PrivateRecord {
  return { log, epoch: '', number, id, origin, born, logged, salt: '', digest: '', chain: '', content };
}
