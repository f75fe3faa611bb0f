/** Private messages: into inboxes of accounts, outbound logs of networks, and to all sessions of both ends. */
import type { ExpectedPerson } from '../contract/networks.ts';
import type { MessageBody, Room } from '../contract/rooms.ts';
import type { PrivateBody, PrivateRecord, User } from '../contract/users.ts';
import type { Settled } from '../log/delivery.ts';
import { birthTime } from '../log/logbook.ts';
import { addressParts, type NetworkAddress, type UserAddress } from '../model/address.ts';
import { isWithin, type Circle } from '../model/circle.ts';
import { inboxLog, outboundLog, type Author, type LogRecord } from '../model/event.ts';
import { mintEventId } from '../model/ids.ts';
import { accepted, refused, type Outcome, type Told } from '../model/outcome.ts';
import { cleanText, oneLine } from '../model/text.ts';
import type { Context } from './context.ts';
import { GuestMemory, type PrivateMessage } from './guest-memory.ts';
import { cannotStore } from './speaker.ts';
import { authorOf, type RoomState, type SessionState, type UserState } from './state.ts';
import { keepOriginal } from './talk.ts';

/** Copies of one message to all with a standing in a room. */
const mostConfided = 500;

type PrivateContent = PrivateRecord['content'];
export type Resolver = (address: UserAddress) => UserState | ExpectedPerson | undefined;

/** Whom a message is for. Without a user: an account that nobody uses now, or somebody of a network that is out of reach. */
interface Recipient {
  readonly user: UserState | undefined;
  readonly as: Author;
}

/** One copy of a message: in an inbox, in the outbound log of a network, or in the memory of a guest. */
class Copy implements Settled {
  readonly of: Author;
  readonly user: UserState | undefined;
  readonly message: PrivateMessage;
  /** A guest's is made when it is shown. */
  readonly record: PrivateRecord | undefined;
  /** The storage did not take it. */
  lost = false;

  constructor(of: Author, user: UserState | undefined, message: PrivateMessage, record: PrivateRecord | undefined) {
    this.of = of;
    this.user = user;
    this.message = message;
    this.record = record;
  }

  settled(error: Error | undefined): void {
    this.lost = error !== undefined;
  }
}

export class PrivateMessages {
  readonly #context: Context;
  readonly #accountExists: (name: string) => boolean;
  readonly resolvers = new Map<string, Resolver>();

  constructor(context: Context, accountExists: (name: string) => boolean) {
    this.#context = context;
    this.#accountExists = accountExists;
  }

  send(from: UserState, to: UserAddress, body: PrivateBody, via: SessionState | undefined, told: Told<PrivateRecord>): void {
    const recipient = this.recipient(to);
    if (!recipient.ok) {
      told(recipient);
      return;
    }
    const { user, as } = recipient.value;
    const content = this.#content(from, as, body);
    if (content.ok) this.deliver(from, user, content.value, body, via, told);
    else told(content);
  }

  #content(from: UserState, to: Author, body: PrivateBody, circle?: Circle): Outcome<PrivateContent> {
    const { limits, clock } = this.#context;
    const text = cleanText(body.text);
    if (text.plain === '') return refused('too-large', 'There is nothing to say in an empty message.');
    if (Buffer.byteLength(text.plain) > limits.messageBytes)
      return refused('too-large', `A message may have at most ${limits.messageBytes} bytes.`);
    from.activeAt = clock.now();
    const author = body.room === undefined ? authorOf(from) : this.#occupant(from, body);
    const content = { kind: 'private', author, to, text, style: body.style } as const;
    if (body.room === undefined && body.original === undefined) return accepted(content);
    return accepted({
      ...content,
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
    const birth = this.#birth(from, body);
    const copies: Copy[] = [];
    for (const { who, nick } of members) {
      const content = this.#content(from, authorOf(who, nick), { ...body, room: room.address }, circle);
      if (!content.ok) return content;
      copies.push(this.#copy(content.value.to, who, { ...birth, content: content.value }));
    }
    await new Promise<void>((resolve) => {
      this.#context.delivery.step(
        (one) => one === room,
        () => {
          for (const copy of copies) this.#show(copy, undefined);
          resolve();
        },
      );
    });
    return copies.some(({ lost }) => lost) ? cannotStore : accepted(copies.length);
  }

  /** Invitations go the same ways. */
  deliver(
    from: UserState,
    recipient: UserState | undefined,
    content: PrivateContent,
    body: Pick<PrivateBody, 'id' | 'born'>,
    via: SessionState | undefined,
    told: Told<PrivateRecord>,
  ): void {
    const { id, born, origin, logged } = this.#birth(from, body);
    const message = { id, born, origin, logged, content };
    // The recipient's copy is the message; the answer tells of that one.
    const theirs = this.#copy(content.to, recipient, message);
    const own = from.address !== content.to.address && from.kind === 'local' ? this.#copy(authorOf(from), from, message) : undefined;
    this.#context.delivery.step(this.#seenBy(from, recipient, content.to), () => {
      const record = this.#show(theirs, via);
      if (own !== undefined) this.#show(own, via);
      told(record === undefined ? cannotStore : accepted(record));
    });
  }

  #birth(from: UserState, body: Pick<PrivateBody, 'id' | 'born'>): Omit<PrivateMessage, 'content'> {
    const { clock, domain } = this.#context;
    const logged = clock.now();
    return { id: body.id ?? mintEventId(logged), born: birthTime(body.born, logged), origin: from.network ?? domain, logged };
  }

  /** Which rooms the two ends see: what was said there before is shown before. */
  #seenBy(from: User, recipient: User | undefined, { network }: Author): (room: Room) => boolean {
    return (room) => from.rooms.has(room) || recipient?.rooms.has(room) === true || (network !== undefined && room.networks.has(network));
  }

  #copy(of: Author, user: UserState | undefined, message: PrivateMessage): Copy {
    if (user?.guest === true) return new Copy(of, user, message, undefined);
    const { logbook, delivery } = this.#context;
    const log = of.network === undefined ? inboxLog(of.address) : outboundLog(of.network);
    const record = logbook.next(log, message.content, message) as PrivateRecord;
    const copy = new Copy(of, user, message, record);
    delivery.record(undefined, record, undefined, copy);
    return copy;
  }

  /** Answers with the record that was shown; undefined when it was lost. */
  #show(copy: Copy, via: SessionState | undefined): PrivateRecord | undefined {
    if (copy.lost) return undefined;
    const { user, of } = copy;
    const { directory } = this.#context;
    const record = copy.record ?? memoryOf(user!).add(copy.message);
    if (of.network !== undefined) {
      const handler = directory.networks.get(of.network)?.handler;
      if (user === undefined) handler?.privateMessageWaits?.(record);
      else handler?.privateMessage(record, user);
      return record;
    }
    const live = directory.byAddress.get(of.address);
    if (live === undefined) return record;
    const { only } = live.sessions;
    if (only === undefined) for (const session of live.sessions) tell(session, record, via);
    else tell(only, record, via);
    return record;
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

function tell(session: SessionState, record: PrivateRecord, via: SessionState | undefined): void {
  if (!session.closed) session.handler.privateMessage(record, via);
}

function memoryOf(user: UserState): GuestMemory {
  return (user.memory ??= new GuestMemory(inboxLog(user.address), user.since));
}

/** A guest's messages within a range, as `read` answers with those of an inbox. */
function inMemory(
  user: UserState,
  after: number | undefined,
  before = Infinity,
  limit: number,
  concerns: (record: LogRecord) => boolean,
): readonly PrivateRecord[] {
  const found = user.memory?.between(after ?? 0, before).filter(concerns) ?? [];
  return after === undefined ? found.slice(Math.max(0, found.length - limit)) : found.slice(0, limit);
}
