/** What is said in rooms: messages, topics, typing, and reading it again. */
import type { Elsewhere } from '../contract/host.ts';
import type { Follower, HistoryRange, MessageBody } from '../contract/rooms.ts';
import type { UserAddress } from '../model/address.ts';
import { compareAffiliation, type Affiliation } from '../model/affiliation.ts';
import type { LoggedContent, LogRecord, Original } from '../model/event.ts';
import type { EventId } from '../model/ids.ts';
import { accepted, refused, type Outcome, type Told } from '../model/outcome.ts';
import { cleanText, oneLine } from '../model/text.ts';
import type { BornElsewhere } from '../log/logbook.ts';
import type { Context } from './context.ts';
import { homeless } from './homeless.ts';
import type { Membership } from './membership.ts';
import { cannotStore, Speaker } from './speaker.ts';
import { authorOf, viewMember, type RoomState, type UserState } from './state.ts';

const originalBytes = 8_192;
const allowed = accepted<void>(undefined);

/** What was born elsewhere; `accepted`: the home of the room says so. */
export interface FromElsewhere extends BornElsewhere {
  readonly accepted?: boolean;
}

export class Talk {
  readonly #context: Context;
  readonly #membership: Membership;

  constructor(context: Context, membership: Membership) {
    this.#context = context;
    this.#membership = membership;
  }

  say(user: UserState, room: RoomState, body: MessageBody, via: Follower | undefined, told: Told<LogRecord>): void {
    const may = this.maySpeak(user, room);
    if (may.ok) this.#said(user, room, body, via, undefined, told);
    else told(may);
  }

  /** Logs a message without asking whether its author may speak: foreign events are facts. */
  said(user: UserState, room: RoomState, body: MessageBody, via?: Follower, elsewhere?: FromElsewhere): Promise<Outcome<LogRecord>> {
    return new Promise((told) => this.#said(user, room, body, via, elsewhere, told));
  }

  #said(
    user: UserState,
    room: RoomState,
    body: MessageBody,
    via: Follower | undefined,
    elsewhere: FromElsewhere | undefined,
    told: Told<LogRecord>,
  ): void {
    const content = this.messageContent(user, room, body);
    if (!content.ok) {
      told(content);
      return;
    }
    user.activeAt = this.#context.clock.now();
    const { id, born } = body;
    this.#append(user, room, content.value, via, elsewhere === undefined ? { id, born } : { ...elsewhere, id, born }, told);
  }

  messageContent(user: UserState, room: RoomState | undefined, body: MessageBody): Outcome<LoggedContent & { kind: 'message' }> {
    const text = cleanText(body.text);
    if (text.plain === '') return refused('too-large', 'There is nothing to say in an empty message.');
    if (Buffer.byteLength(text.plain) > this.#context.limits.messageBytes) {
      return refused('too-large', `A message may have at most ${this.#context.limits.messageBytes} bytes.`);
    }
    const { style, original } = body;
    const author = authorOf(user, room?.members.get(user.id)?.nick);
    return accepted(
      original === undefined
        ? { kind: 'message', author, text, style }
        : { kind: 'message', author, text, style, ...keepOriginal(original) },
    );
  }

  maySpeak(user: UserState, room: RoomState): Outcome<void> {
    const member = room.members.get(user.id);
    const affiliation = room.affiliationOf(user);
    if (member === undefined && room.config.membersSpeak) return refused('not-a-member', 'You are not in that room.');
    if (affiliation === 'outcast') return refused('banned', 'You are banned from that room.');
    if (member === undefined ? room.config.moderated : member.role === 'visitor')
      return refused('moderated', 'That room is moderated, and you have no voice in it.');
    return this.#barred(user, room) ? refused('banned', 'You are banned in that room and cannot speak.') : allowed;
  }

  /** A ban mask meets somebody who is inside, or speaks from outside, and has no standing there that outweighs it. */
  #barred(user: UserState, room: RoomState): boolean {
    if (room.bans.length === 0) return false;
    const member = room.members.get(user.id);
    if (member?.operator === true || member?.voice === true || compareAffiliation(room.affiliationOf(user), 'member') >= 0) return false;
    return this.#membership.banned(user, room);
  }

  async setTopic(user: UserState, room: RoomState, topic: string, via?: Follower): Promise<Outcome<LogRecord>> {
    const member = room.members.get(user.id);
    if (member === undefined) return refused('not-a-member', 'You are not in that room.');
    if (room.home === undefined && room.config.topicLocked && member.role !== 'moderator')
      return refused('not-permitted', 'Only moderators may change the topic here.');
    if (member.role === 'visitor') return refused('moderated', 'That room is moderated, and you have no voice in it.');
    if (this.#barred(user, room)) return refused('banned', 'You are banned in that room and cannot change its topic.');
    return this.topic(user, room, topic, authorOf(user, member.nick), via);
  }

  topic(
    user: UserState | undefined,
    room: RoomState,
    topic: string,
    author: ReturnType<typeof authorOf>,
    via?: Follower,
    elsewhere: FromElsewhere = {},
  ): Promise<Outcome<LogRecord>> {
    const text = oneLine(topic);
    if (Buffer.byteLength(text) > this.#context.limits.topicBytes) {
      return Promise.resolve(refused('too-large', `A topic may have at most ${this.#context.limits.topicBytes} bytes.`));
    }
    return this.append(user, room, { kind: 'topic', author, topic: text }, via, elsewhere);
  }

  /**
   * Runs the hooks, takes the next number, applies the content to the room's state and queues the record. The promise
   * resolves when it is durable. A repeated id is answered with the record that has it.
   */
  append(
    user: UserState | undefined,
    room: RoomState,
    content: LoggedContent,
    via?: Follower,
    elsewhere: FromElsewhere = {},
  ): Promise<Outcome<LogRecord>> {
    return new Promise((told) => this.#append(user, room, content, via, elsewhere, told));
  }

  #append(
    user: UserState | undefined,
    room: RoomState,
    content: LoggedContent,
    via: Follower | undefined,
    elsewhere: FromElsewhere,
    told: Told<LogRecord>,
  ): void {
    const { id } = elsewhere;
    if (id === undefined || !(room.recent.has(id) || room.recent.mayBeForgotten(id))) {
      this.#log(user, room, content, via, elsewhere, told);
      return;
    }
    void this.#appendUnlessKnown(user, room, content, via, { ...elsewhere, id }, told);
  }

  async #appendUnlessKnown(
    user: UserState | undefined,
    room: RoomState,
    content: LoggedContent,
    via: Follower | undefined,
    elsewhere: FromElsewhere & { readonly id: EventId },
    told: Told<LogRecord>,
  ): Promise<void> {
    try {
      const known = await this.#known(room, elsewhere.id);
      if (known !== undefined) told(accepted(known));
      else if (room.closed) told(refused('no-such-room', 'That room is closed.'));
      else this.#log(user, room, content, via, elsewhere, told);
    } catch (error) {
      this.#failed(error, told);
    }
  }

  #failed(error: unknown, told: Told<LogRecord>): void {
    this.#context.log.error({ err: error }, 'a message could not be taken');
    told(cannotStore);
  }

  /** The record with that id, which may be waiting still to be durable. */
  async #known(room: RoomState, id: EventId): Promise<LogRecord | undefined> {
    await this.#context.delivery.shown(room);
    const record = await this.#context.storage.find(room.log, id);
    // Another copy came while the storage was asked.
    return record === undefined && room.recent.has(id) ? this.#known(room, id) : record;
  }

  #log(
    user: UserState | undefined,
    room: RoomState,
    content: LoggedContent,
    via: Follower | undefined,
    elsewhere: FromElsewhere,
    told: Told<LogRecord>,
  ): void {
    const { logbook, delivery, saver } = this.#context;
    const hooked = user === undefined ? undefined : this.#hooked(user, room, content, via, elsewhere);
    if (hooked !== undefined && 'elsewhere' in hooked) {
      hooked.elsewhere.then(told, (error: unknown) => this.#failed(error, told));
      return;
    }
    if (hooked?.ok === false) {
      told(hooked);
      return;
    }
    const record = logbook.next(room.log, hooked?.value ?? content, elsewhere);
    room.recent.add(record.id, record.logged);
    const undo = applyContent(room, record);
    if (undo === undefined) {
      delivery.record(room, record, via, new Speaker(room, record, undefined, told));
      return;
    }
    saver.room(room);
    const takeBack = (): void => {
      undo();
      saver.room(room);
    };
    delivery.record(room, record, via, new Speaker(room, record, takeBack, told));
  }

  /** What the hooks make of it; undefined: they have nothing to say. */
  #hooked(
    user: UserState,
    room: RoomState,
    content: LoggedContent,
    via: Follower | undefined,
    elsewhere: FromElsewhere,
  ): Outcome<LoggedContent> | Elsewhere | undefined {
    const { hooks } = this.#context;
    if (room.home === undefined && !hooks.has('content')) return undefined;
    const accepts = elsewhere.accepted === true;
    const hooked = hooks.run('content', { user, room, content, via, accepted: accepts });
    if ('elsewhere' in hooked || !hooked.ok) return hooked;
    if (room.home !== undefined && !accepts) return homeless;
    return accepted(withoutStaleOriginal(content, hooked.value.content));
  }

  typing(user: UserState, room: RoomState, state: 'active' | 'paused' | 'done', via?: Follower): void {
    const member = room.members.get(user.id);
    if (member === undefined || member.role === 'visitor') return;
    this.#context.delivery.change(room, { kind: 'typing', member: viewMember(member), state }, via);
  }

  async history(user: UserState | undefined, room: RoomState, range: HistoryRange): Promise<Outcome<readonly LogRecord[]>> {
    const from = user === undefined ? room.first : this.#firstReadable(user, room);
    if (from === undefined) return refused('not-a-member', 'You may not read that room.');
    const after = Math.max(range.after ?? 0, from - 1);
    const limit = Math.max(0, Math.min(range.limit, 1_000));
    await this.#context.delivery.shown(room);
    const records = await this.#context.storage.read(room.log, {
      after,
      limit,
      take: range.take,
      ...(range.before === undefined ? {} : { before: range.before }),
    });
    return accepted(records);
  }

  async find(user: UserState | undefined, room: RoomState, id: EventId): Promise<LogRecord | undefined> {
    const from = user === undefined ? room.first : this.#firstReadable(user, room);
    if (from === undefined) return undefined;
    await this.#context.delivery.shown(room);
    const record = await this.#context.storage.find(room.log, id);
    return record === undefined || record.number < from ? undefined : record;
  }

  /** The first number that the person may read; undefined when none. Threat class A13. */
  #firstReadable(user: UserState, room: RoomState): number | undefined {
    if (user.administrator) return room.first;
    const affiliation = room.affiliationOf(user);
    if (affiliation === 'outcast') return undefined;
    const member = room.members.get(user.id);
    if (member === undefined) {
      const open = room.config.history === 'all' && !room.config.membersOnly && room.config.key === null && !room.config.hidden;
      return open && !this.#membership.banned(user, room) ? room.first : undefined;
    }
    switch (room.config.history) {
      case 'all':
        return room.first;
      case 'joined':
        return Math.min(room.readableFrom.get(user.address) ?? member.firstNumber, member.firstNumber);
      case 'none':
        return member.firstNumber;
      default:
        return room.config.history satisfies never;
    }
  }
}

/** An original as far as it is small enough to be kept. */
export function keepOriginal(original: Original | undefined): { readonly original?: Original } {
  if (original === undefined) return {};
  const json = JSON.stringify(original.data);
  return json === undefined || json.length > originalBytes ? {} : { original };
}

/** What a hook changed is not what was said any more, so the form that it had elsewhere goes. */
function withoutStaleOriginal(before: LoggedContent, after: LoggedContent): LoggedContent {
  if (after === before || after.kind !== 'message' || after.original === undefined) return after;
  const { original: _, ...rest } = after;
  return rest;
}

/**
 * Brings a record's meaning into the room's state; undefined when there was none, else how to take it back should the record not become
 * durable. Also run at a start, for what the saved state lacks.
 */
export function applyContent(room: RoomState, record: LogRecord): (() => void) | undefined {
  const { content } = record;
  switch (content.kind) {
    case 'topic': {
      const { topic } = room;
      room.topic = { text: content.topic, by: content.author.nick, at: record.born };
      return () => (room.topic = topic);
    }
    case 'config': {
      const { config } = room;
      room.config = { ...config, ...content.changes };
      return () => (room.config = config);
    }
    case 'affiliation': {
      const before = room.affiliations.get(content.address) ?? 'none';
      setAffiliation(room, content.address, content.affiliation);
      return () => setAffiliation(room, content.address, before);
    }
    case 'ban': {
      const { bans } = room;
      const others = bans.filter((ban) => ban.mask !== content.ban.mask);
      room.bans = content.add ? [...others, content.ban] : others;
      return () => (room.bans = bans);
    }
    case 'message':
    case 'kick':
    case 'join':
    case 'leave':
    case 'nick':
    case 'network':
    case 'private':
    case 'invitation':
      return undefined;
    default:
      return content satisfies never;
  }
}

function setAffiliation(room: RoomState, address: UserAddress, affiliation: Affiliation): void {
  if (affiliation === 'none') room.affiliations.delete(address);
  else room.affiliations.set(address, affiliation);
}
