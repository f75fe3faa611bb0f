/** What happens in a room, as lines. Made once a batch for everybody; rendered once a capability set. */
import {
  networkLine,
  type Author,
  type Batch,
  type Follower,
  type LeaveCause,
  type LogRecord,
  type MemberView,
  type Original,
  type Room,
  type RoomChange,
  type RoomItem,
  type UserChange,
  type UserId,
} from '../../server/plugin.ts';
import { buildCtcp } from '../irc/ctcp.ts';
import { groupModes, type ModeChange } from '../irc/modes.ts';
import { asOneLine, ircLines } from '../irc/split.ts';
import { flag } from './capabilities.ts';
import { accountMask, channelName, configModes, statusChanges, statusLetters } from './channel.ts';
import { clientTagsOf } from './client-tags.ts';
import { cutBytes, lineBytes, renderAll, type OutLine } from './outgoing.ts';
import type { People, Source } from './people.ts';

/** The lines of one thing that happened, and who is not to see them. */
export interface Piece {
  readonly lines: readonly OutLine[];
  /** The follower by which it came. */
  readonly via: Follower | undefined;
  /** A message: whoever said it sees it only with echo-message. */
  readonly echo: boolean;
  /** Somebody's joining: that person's own sessions have seen it. */
  readonly joined?: UserId;
  /** A split's loss: who saw it in another room does not see it again. */
  readonly split?: { readonly cause: Extract<LeaveCause, { kind: 'split' }>; readonly user: UserId };
}

interface Keys {
  readonly texts: string;
  readonly bytes: string;
}

/** The names under which a batch keeps what was made for a set of capabilities; there are few sets that clients ask for. */
const keys = new Map<number, Keys>();

function keysOf(flags: number): Keys {
  let known = keys.get(flags);
  if (known === undefined) {
    known = { texts: `irc-clients texts ${flags}`, bytes: `irc-clients bytes ${flags}` };
    keys.set(flags, known);
  }
  return known;
}

const mostLines = 100;
const modeLimits = { params: 6, bytes: 300 };

export class Encoder {
  readonly #people: People;
  readonly #server: string;
  #batches = 0;

  constructor(people: People, server: string) {
    this.#people = people;
    this.#server = server;
  }

  /** All of a batch, for everybody. */
  pieces(batch: Batch, now: number): readonly Piece[] {
    return batch.shared('irc-clients pieces', () => {
      const pieces: Piece[] = [];
      for (const item of batch.items) this.#item(pieces, batch.room, item, now);
      return pieces;
    });
  }

  /** Its pieces as text for clients with these capabilities. */
  texts(batch: Batch, now: number, flags: number): readonly string[] {
    return batch.shared(keysOf(flags).texts, () => this.pieces(batch, now).map((piece) => renderAll(piece.lines, flags)));
  }

  /** All of it in one, to be shared by all clients with these capabilities. */
  bytes(batch: Batch, now: number, flags: number): Buffer {
    return batch.shared(keysOf(flags).bytes, () => Buffer.from(this.texts(batch, now, flags).join('')));
  }

  batchName(): string {
    this.#batches++;
    return this.#batches.toString(36);
  }

  #item(pieces: Piece[], room: Room, item: RoomItem, now: number): void {
    if (item.kind === 'change') {
      pieces.push(...this.#change(room, item.change, item.via, now));
      return;
    }
    const lines = this.record(room, item.record, this.#sourceOf);
    if (lines.length > 0) pieces.push({ lines, via: item.via, echo: item.record.content.kind === 'message' });
  }

  readonly #sourceOf = (author: Author): Source => this.#people.author(author);

  /** A logged record as it is shown when it happens. */
  record(room: Room, record: LogRecord, sourceOf: People['author']): OutLine[] {
    const { content } = record;
    const channel = channelName(room);
    const time = shownTime(record);
    switch (content.kind) {
      case 'message':
        return this.message(sourceOf(content.author), channel, record);
      case 'topic': {
        const { source, account } = sourceOf(content.author);
        return [{ text: this.topicLine(source, channel, content.topic), time, account, id: record.id }];
      }
      case 'config': {
        const changes = configModes(content.changes);
        const { moderated } = content.changes;
        if (moderated !== undefined) changes.push(...this.#memberVoices(room, moderated));
        return this.modes(sourceOf(content.author), channel, changes, time);
      }
      case 'ban':
        return this.modes(sourceOf(content.author), channel, [{ add: content.add, letter: 'b', param: oneWord(content.ban.mask) }], time);
      case 'network':
        return [
          {
            text: `:${this.#server} NOTICE ${channel} :${cutBytes(networkLine(content, this.#people.networkTitle(content.network)), 400)}`,
            time,
            id: record.id,
          },
        ];
      case 'affiliation':
        return this.#outcast(room, content, sourceOf(content.author), time);
      case 'kick':
      case 'join':
      case 'leave':
      case 'nick':
      case 'private':
      case 'invitation':
        return [];
      default:
        return content satisfies never;
    }
  }

  /** Outcasts are bans. Whoever is inside is told of by the change of the member; who is let back in again is not inside yet. */
  #outcast(room: Room, content: Extract<LogRecord['content'], { kind: 'affiliation' }>, by: Source, time: number): OutLine[] {
    const { address, affiliation } = content;
    const add = affiliation === 'outcast';
    if (!add && (affiliation !== 'none' || [...room.members.values()].some((member) => member.address === address))) return [];
    return this.modes(by, channelName(room), [{ add, letter: 'b', param: accountMask(address) }], time);
  }

  /** A message for a channel or a person: as many lines as it takes. Only the first has the id, so that none is taken for a repetition. */
  message(from: Source, target: string, record: LogRecord): OutLine[] {
    const { content } = record;
    if (content.kind !== 'message' && content.kind !== 'private') return [];
    const verb = content.style === 'notice' ? 'NOTICE' : 'PRIVMSG';
    const head = `:${from.source} ${verb} ${target} :`;
    const action = content.style === 'action';
    const room = lineBytes - Buffer.byteLength(head) - (action ? 9 : 0);
    const plain = action ? undefined : asOneLine(content.text, room);
    if (plain !== undefined) return [firstLine(head + plain, from, record, content.original)];
    const texts = ircLines(content.text, {
      bytes: Math.max(room, 64),
      lines: mostLines,
      more: (left) => `(${left} more lines)`,
    });
    return texts.map((text, index): OutLine => {
      const line = head + (action ? buildCtcp({ verb: 'ACTION', text }) : text);
      return index > 0 ? { text: line, time: shownTime(record), account: from.account } : firstLine(line, from, record, content.original);
    });
  }

  topicLine(source: string, channel: string, topic: string): string {
    const head = `:${source} TOPIC ${channel} :`;
    return head + cutBytes(topic, lineBytes - Buffer.byteLength(head));
  }

  modes(by: Source | undefined, channel: string, changes: readonly ModeChange[], time: number): OutLine[] {
    const source = by?.source ?? this.#server;
    return groupModes(changes, modeLimits).map(({ modes, params }) => ({
      text: `:${source} MODE ${channel} ${[modes, ...params].join(' ')}`,
      time,
      ...(by === undefined ? {} : { account: by.account }),
    }));
  }

  /** Members by affiliation have voice in a moderated room only. */
  #memberVoices(room: Room, moderated: boolean): ModeChange[] {
    const changes: ModeChange[] = [];
    for (const member of room.members.values()) {
      const person = this.#people.byId(member.user);
      if (member.affiliation === 'member' && !member.voice && person !== undefined)
        changes.push({ add: moderated, letter: 'v', param: person.nick });
    }
    return changes;
  }

  #change(room: Room, change: RoomChange, via: Follower | undefined, now: number): Piece[] {
    const channel = channelName(room);
    switch (change.kind) {
      case 'joined':
        return this.#joined(room, channel, change, via, now);
      case 'left':
        return this.#left(channel, change.members, change.cause, via, now);
      case 'member': {
        const person = this.#people.byId(change.after.user);
        if (person === undefined) return [];
        const { moderated } = room.config;
        const changes = statusChanges(statusLetters(change.before, moderated), statusLetters(change.after, moderated), person.nick);
        const by = change.by === undefined ? undefined : this.#people.author(change.by);
        return [{ lines: this.modes(by, channel, changes, now), via, echo: false }];
      }
      case 'typing': {
        const person = this.#people.byId(change.member.user);
        if (person === undefined) return [];
        const clientTags = new Map([['+typing', change.state]]);
        const line = {
          text: `:${person.source} TAGMSG ${channel}`,
          time: now,
          account: person.account,
          clientTags,
          needs: flag.messageTags,
        };
        return [{ lines: [line], via, echo: true }];
      }
      default:
        return change satisfies never;
    }
  }

  #joined(room: Room, channel: string, change: Extract<RoomChange, { kind: 'joined' }>, via: Follower | undefined, now: number): Piece[] {
    const batch = change.members.length > 1 ? this.batchName() : undefined;
    const within = batch === undefined ? {} : { batch };
    const pieces: Piece[] = [];
    const statuses: ModeChange[] = [];
    for (const member of change.members) {
      const person = this.#people.byId(member.user);
      if (person === undefined) continue;
      pieces.push({
        lines: this.joinLines(person, channel, now).map((line) => ({ ...line, ...within })),
        via,
        echo: false,
        joined: member.user,
      });
      statuses.push(...statusChanges('', statusLetters(member, room.config.moderated), person.nick));
    }
    if (batch === undefined) return this.#withStatus(pieces, statuses, channel, via, now);
    const far = change.cause.kind === 'burst' ? oneWord(change.cause.network) : this.#server;
    const status = this.modes(undefined, channel, statuses, now).map((line) => ({ ...line, batch }));
    return [
      { lines: [this.opens(batch, `netjoin ${this.#server} ${far}`)], via, echo: false },
      ...pieces,
      { lines: [...status, this.closes(batch)], via, echo: false },
    ];
  }

  /** The status of somebody who comes in is a part of the joining: who has seen the one has seen the other. */
  #withStatus(pieces: readonly Piece[], statuses: readonly ModeChange[], channel: string, via: Follower | undefined, now: number): Piece[] {
    const lines = this.modes(undefined, channel, statuses, now);
    return pieces.map((piece) => ({ ...piece, via, lines: [...piece.lines, ...lines] }));
  }

  /** A person's JOIN, with account and real name for who asked for them, and the away note that JOIN lacks. */
  joinLines(
    person: { readonly source: string; readonly account: string | null; readonly realName: string; readonly away: string | null },
    channel: string,
    time: number,
  ): OutLine[] {
    const { source, account, realName, away } = person;
    const lines: OutLine[] = [
      { text: `:${source} JOIN ${channel}`, time, account, without: flag.extendedJoin },
      { text: `:${source} JOIN ${channel} ${oneWord(account ?? '*')} :${realName}`, time, account, needs: flag.extendedJoin },
    ];
    if (away !== null) lines.push({ text: `:${source} AWAY :${away}`, time, account, needs: flag.awayNotify });
    return lines;
  }

  #left(channel: string, members: readonly MemberView[], cause: LeaveCause, via: Follower | undefined, now: number): Piece[] {
    if (cause.kind === 'split') return this.#split(members, cause, via, now);
    return members.flatMap((member) => {
      const person = this.#people.byId(member.user);
      if (person === undefined) return [];
      // the account is that of the source: whoever removes somebody, not whoever is removed (threat class A7)
      const by = this.#removedBy(cause) ?? person;
      const text = leaveText(cause, channel, person, by.source);
      return [{ lines: [{ text, time: now, account: by.account }], via, echo: false }];
    });
  }

  /** Who removes somebody by that cause; undefined when people leave by themselves. */
  #removedBy(cause: LeaveCause): Pick<Source, 'source' | 'account'> | undefined {
    if (cause.kind === 'kick' || cause.kind === 'affiliation') return this.#people.author(cause.by);
    return cause.kind === 'room-closed' ? { source: this.#server, account: null } : undefined;
  }

  #split(members: readonly MemberView[], cause: Extract<LeaveCause, { kind: 'split' }>, via: Follower | undefined, now: number): Piece[] {
    const batch = this.batchName();
    const servers = `${oneWord(cause.near)} ${oneWord(cause.far)}`;
    const lost = members.flatMap((member): Piece[] => {
      const person = this.#people.byId(member.user);
      if (person === undefined) return [];
      const line = { text: `:${person.source} QUIT :${servers}`, time: now, account: person.account, batch };
      return [{ lines: [line], via, echo: false, split: { cause, user: member.user } }];
    });
    return [
      { lines: [this.opens(batch, `netsplit ${servers}`)], via, echo: false },
      ...lost,
      { lines: [this.closes(batch)], via, echo: false },
    ];
  }

  opens(batch: string, typeAndParams: string): OutLine {
    return { text: `:${this.#server} BATCH +${batch} ${typeAndParams}`, opens: batch, needs: flag.batch };
  }

  closes(batch: string): OutLine {
    return { text: `:${this.#server} BATCH -${batch}`, closes: batch, needs: flag.batch };
  }

  /** A change of a person, for everybody who shares a room. */
  userChange(change: UserChange, now: number): OutLine[] {
    const { before, after } = this.#people.apply(change);
    const shared = { time: now, account: after.account };
    switch (change.kind) {
      case 'nick':
        return before.nick === after.nick ? [] : [{ text: `:${before.source} NICK ${after.nick}`, ...shared }];
      case 'away':
        return [{ text: `:${after.source} AWAY${after.away === null ? '' : ` :${after.away}`}`, ...shared, needs: flag.awayNotify }];
      case 'account':
        if (before.account === after.account) return [];
        return [{ text: `:${after.source} ACCOUNT ${oneWord(after.account ?? '*')}`, ...shared, needs: flag.accountNotify }];
      case 'profile': {
        const lines: OutLine[] = [];
        if (before.ident !== after.ident || before.host !== after.host)
          lines.push({ text: `:${before.source} CHGHOST ${after.ident} ${after.host}`, ...shared, needs: flag.chghost });
        if (before.realName !== after.realName)
          lines.push({ text: `:${after.source} SETNAME :${after.realName}`, ...shared, needs: flag.setname });
        return lines;
      }
      case 'quit':
        return [{ text: `:${before.source} QUIT :${cutBytes(quitReason(change.reason), 300)}`, ...shared }];
      default:
        return change satisfies never;
    }
  }
}

function firstLine(text: string, { account }: Source, record: LogRecord, original: Original | undefined): OutLine {
  return { text, time: shownTime(record), account, id: record.id, clientTags: clientTagsOf(original) };
}

function leaveText(
  cause: Exclude<LeaveCause, { kind: 'split' }>,
  channel: string,
  person: { readonly nick: string; readonly source: string },
  by: string,
): string {
  const reason = cutBytes(cause.reason, 300);
  switch (cause.kind) {
    case 'leave':
      return `:${person.source} PART ${channel}${reason === '' ? '' : ` :${reason}`}`;
    case 'quit':
      return `:${person.source} QUIT :${quitReason(reason)}`;
    case 'kick':
      return `:${by} KICK ${channel} ${person.nick} :${reason === '' ? person.nick : reason}`;
    case 'affiliation':
      return `:${by} KICK ${channel} ${person.nick} :${reason === '' ? 'no longer a member' : reason}`;
    case 'room-closed':
      return `:${by} KICK ${channel} ${person.nick} :${reason === '' ? 'the room is closed' : reason}`;
    default:
      return cause satisfies never;
  }
}

/** Clients read a quit with two host names as a split of servers; people's words do not look so. */
function quitReason(reason: string): string {
  return /^\S+\.\S+ \S+\.\S+$/.test(reason) ? `Quit: ${reason}` : reason;
}

/** When it was born, but never later than it was logged. Threat class A21. */
export function shownTime(record: LogRecord): number {
  return Math.min(record.born, record.logged);
}

/** What can stand as a middle parameter. */
export function oneWord(text: string): string {
  const word = text.replace(/[\s\p{C}]+/gu, '_').replace(/^:+/, '');
  return word === '' ? '*' : word;
}
