/** Private messages: into inboxes of accounts, outbound logs of networks, and to all sessions of both ends. */
import type { PrivateBody, PrivateRecord } from '../contract/users.ts';
import { birthTime } from '../log/logbook.ts';
import { addressParts, type UserAddress } from '../model/address.ts';
import { inboxLog, outboundLog, type Author, type LogAddress, type LogRecord } from '../model/event.ts';
import { mintEventId } from '../model/ids.ts';
import { accepted, refused, type Outcome } from '../model/outcome.ts';
import { cleanText } from '../model/text.ts';
import type { NewRecord } from '../log/record.ts';
import type { Context } from './context.ts';
import { authorOf, type SessionState, type UserState } from './state.ts';

/** Private messages that somebody without an account keeps in memory. */
const memoryLimit = 200;

type PrivateContent = PrivateRecord['content'];
export type Resolver = (address: UserAddress) => UserState | undefined;

/** Where one copy of a message goes. */
interface Copy {
  readonly log: LogAddress | undefined;
  readonly show: (record: PrivateRecord) => void;
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
    const { limits, clock } = this.#context;
    const text = cleanText(body.text);
    if (text.plain === '') return Promise.resolve(refused('too-large', 'There is nothing to say in an empty message.'));
    if (Buffer.byteLength(text.plain) > limits.messageBytes)
      return Promise.resolve(refused('too-large', `A message may have at most ${limits.messageBytes} bytes.`));
    from.activeAt = clock.now();
    const recipient = this.recipient(to);
    if (!recipient.ok) return Promise.resolve(recipient);
    const author = body.room === undefined ? authorOf(from) : this.#occupant(from, body);
    const content: PrivateContent = {
      kind: 'private',
      author,
      to: recipient.value.user === undefined ? { address: to, nick: addressParts(to).name } : authorOf(recipient.value.user),
      text,
      style: body.style,
      ...(body.room === undefined ? {} : { room: body.room }),
      ...(body.original === undefined ? {} : { original: body.original }),
    };
    return this.deliver(from, to, recipient.value.user, content, body, via);
  }

  /** Invitations go the same ways. */
  deliver(
    from: UserState,
    to: UserAddress,
    recipient: UserState | undefined,
    content: PrivateContent,
    body: Pick<PrivateBody, 'id' | 'born'>,
    via?: SessionState,
  ): Promise<Outcome<PrivateRecord>> {
    const { delivery, logbook, clock, domain } = this.#context;
    const now = clock.now();
    const birth = { id: body.id ?? mintEventId(now), born: birthTime(body.born, now) };
    const copies = [this.#copyFor(to, recipient, via)];
    if (from.address !== to && from.kind === 'local') copies.push(this.#copyFor(from.address, from, via));
    return new Promise((resolve) => {
      copies.forEach(({ log, show }, index) => {
        let lost = false;
        // The recipient's copy is the message; the promise tells of that one.
        const settled = (record: PrivateRecord, error?: Error): void => {
          lost = error !== undefined;
          if (index === 0)
            resolve(
              lost ? refused('unavailable', 'The server cannot store messages at the moment; yours was not sent.') : accepted(record),
            );
        };
        const record = (
          log === undefined
            ? memoryRecord({ log: inboxLog(to), epoch: '', ...birth, origin: from.network ?? domain, logged: now, content })
            : logbook.next(log, content, { ...birth, ...(from.network === null ? {} : { origin: from.network }) })
        ) as PrivateRecord;
        if (log !== undefined) delivery.record(undefined, record, undefined, (error) => settled(record, error));
        delivery.step(undefined, () => {
          if (log === undefined) settled(record);
          if (!lost) show(record);
        });
      });
    });
  }

  #occupant(from: UserState, body: PrivateBody): Author {
    const room = body.room === undefined ? undefined : this.#context.directory.rooms.get(body.room);
    return authorOf(from, room?.members.get(from.id)?.nick);
  }

  /** Who can be written to by an address; foreign people become known by it. Refuses: no-such-user. */
  recipient(to: UserAddress): Outcome<{ readonly user: UserState | undefined }> {
    const { directory, domain } = this.#context;
    const live = directory.byAddress.get(to);
    if (live !== undefined) return accepted({ user: live });
    const parts = addressParts(to);
    if (parts.scheme === 'banyan') {
      if (parts.domain === domain && this.#accountExists(parts.name)) return accepted({ user: undefined });
      return refused('no-such-user', 'Nobody of that name is here.');
    }
    const user = this.resolvers.get(parts.scheme)?.(to);
    return user === undefined ? refused('no-such-user', 'Nobody of that name can be reached from here.') : accepted({ user });
  }

  #copyFor(address: UserAddress, user: UserState | undefined, via: SessionState | undefined): Copy {
    if (user?.network != null) {
      const network = this.#context.directory.networks.get(user.network);
      return {
        log: outboundLog(user.network),
        show: (record) => network?.handler.privateMessage(record, user),
      };
    }
    const keep = user?.guest === true ? user : undefined;
    return {
      log: keep === undefined ? inboxLog(address) : undefined,
      show: (record) => {
        const live = this.#context.directory.byAddress.get(address);
        if (keep !== undefined) remember(keep, record);
        for (const session of live?.sessions ?? []) if (!session.closed) session.handler.privateMessage(record, via);
      },
    };
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
    if (user.account === null) return user.memory.filter(concerns).slice(-limit);
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

function remember(user: UserState, record: PrivateRecord): void {
  user.memory.push(record);
  if (user.memory.length > memoryLimit) user.memory.shift();
}

/** A record that is in no log: it has the form of one, number 0, and no hashes, since nothing follows it. */
function memoryRecord(fresh: NewRecord): LogRecord {
  return { ...fresh, number: 0, salt: '', digest: '', chain: '' };
}
