/** What is said in a room of another server, into the log of its copy: once, in the order of the room, as its own occupants' and as ours'. */
import type { HomeCopy, Host, LogRecord, Outcome, Room, User } from '../../../server/plugin.ts';
import { fromBody } from '../text.ts';
import { childOf, childText, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import { identityOf, logId, logIds, Recent } from './identity.ts';
import type { Occupant } from './occupant.ts';
import { delayOf, messageIds, type MessageIds } from './stanzas.ts';
import type { Submissions } from './submissions.ts';

export interface FeedOwner {
  readonly host: Host;
  readonly room: Room;
  /** `den@conference.example` */
  readonly address: string;
  readonly copy: HomeCopy | undefined;
  readonly submissions: Submissions;
  /** The room gives ids, and lets nobody else do so. */
  readonly givesIds: boolean;
  /** The one of ours who has that nick. */
  ours(nick: string): Occupant | undefined;
  /** Who has that nick there; also somebody who has left. Undefined: too many are known already. */
  author(nick: string): User | undefined;
}

interface Said {
  readonly nick: string;
  readonly author: User | undefined;
  readonly ours: Occupant | undefined;
  readonly ids: MessageIds;
  readonly identity: string | undefined;
  readonly what:
    { readonly kind: 'message'; readonly body: string; readonly styled: boolean } | { readonly kind: 'topic'; readonly topic: string };
  /** When it was said. */
  readonly at: number;
  /** Of the history, or what another occupant saw: it may have been logged before. */
  readonly old: boolean;
  readonly done: () => void;
}

const mostRemembered = 1_000;
const mostSeconds = 200;

export class Feed {
  readonly #owner: FeedOwner;
  readonly #seen = new Recent(mostRemembered);
  /** Messages without any id. */
  readonly #plain = new Recent(mostRemembered);
  readonly #queue: Said[] = [];
  #working = false;
  /** Nothing is logged before. */
  gate: Promise<void> | undefined;
  /** When the last message that was fed was said, milliseconds since 1970. */
  last: number | undefined;
  /** What the next in line has seen and the one who feeds has not, with ids of the room: it may have to go on from there. */
  #ahead = new Map<string, { readonly what: Element; readonly nick: string }>();

  constructor(owner: FeedOwner) {
    this.#owner = owner;
  }

  /**
   * A groupchat message of that nick, as the one who feeds has got it.
   * @returns when it is durable
   */
  said(what: Element, nick: string, history: boolean): Promise<void> {
    const { host, address, givesIds } = this.#owner;
    const ids = messageIds(what, address);
    const body = childText(what, 'body', ns.client) ?? '';
    const subject = childText(what, 'subject', ns.client);
    const topic = body === '' && subject !== undefined;
    const words = topic ? `subject ${subject}` : body;
    if (words === '') return Promise.resolve();
    const identity = identityOf(ids, nick, words, givesIds);
    this.#catchUp(identity);
    const ours = this.#owner.ours(nick);
    return new Promise((done) => {
      this.#queue.push({
        nick,
        ids,
        identity,
        ours,
        author: ours === undefined ? this.#owner.author(nick) : undefined,
        what: topic
          ? { kind: 'topic', topic: subject }
          : { kind: 'message', body, styled: childOf(what, 'unstyled', ns.styling) === undefined },
        at: Math.min(delayOf(what, address) ?? host.clock.now(), host.clock.now()),
        old: history,
        done,
      });
      if (!this.#working) void this.#work();
    });
  }

  /** The same message, as the next in line has got it: only what the room gave an id is kept, since everybody has got that. Threat class A13. */
  saidToSecond(what: Element, nick: string): void {
    const { stanzaId } = messageIds(what, this.#owner.address);
    if (!this.#owner.givesIds || stanzaId === undefined) return;
    const identity = `room ${stanzaId}`;
    if (this.#seen.has(identity)) this.#ahead.clear();
    else this.#ahead.set(identity, { what, nick });
    if (this.#ahead.size > mostSeconds)
      for (const oldest of this.#ahead.keys()) {
        this.#ahead.delete(oldest);
        break;
      }
  }

  /** Both have got that one; what the second had before it was for the second alone, or is old. */
  #catchUp(identity: string | undefined): void {
    if (identity === undefined || !this.#ahead.has(identity)) return;
    for (const each of [...this.#ahead.keys()]) {
      this.#ahead.delete(each);
      if (each === identity) return;
    }
  }

  /** The next in line feeds from now on. */
  handOver(): void {
    const ahead = [...this.#ahead.values()];
    this.#ahead = new Map();
    for (const { what, nick } of ahead) void this.said(what, nick, true);
  }

  /** There is another next in line, or none. */
  forgetSecond(): void {
    this.#ahead = new Map();
  }

  async #work(): Promise<void> {
    this.#working = true;
    try {
      for (let said = this.#queue.shift(); said !== undefined; said = this.#queue.shift()) {
        while (this.gate !== undefined) {
          const { gate } = this;
          await gate;
          if (this.gate === gate) this.gate = undefined;
        }
        try {
          if (!this.#known(said) && !(said.old && (await this.#logged(said)))) this.#log(said);
          else said.done();
        } catch (error) {
          this.#owner.host.log.error({ err: error, room: this.#owner.address }, 'a message of a room of another server failed');
          said.done();
        }
      }
    } finally {
      this.#working = false;
    }
  }

  #known({ identity, nick, what, old }: Said): boolean {
    if (identity !== undefined) return this.#seen.has(identity);
    return old && this.#plain.has(`${nick}\n${what.kind === 'topic' ? what.topic : what.body}`);
  }

  /** Whether it is in the log, from an earlier visit or before a restart. */
  async #logged({ identity, at }: Said): Promise<boolean> {
    const { host, room, address } = this.#owner;
    if (identity === undefined) return false;
    for (const id of logIds(address, identity, at)) if ((await host.rooms.find(undefined, room, id)) !== undefined) return true;
    return false;
  }

  #log(said: Said): void {
    const { copy, submissions, address } = this.#owner;
    const { nick, identity, what, at, ids } = said;
    const words = what.kind === 'topic' ? what.topic : what.body;
    if (identity === undefined) this.#plain.add(`${nick}\n${words}`);
    else this.#seen.add(identity);
    this.last = Math.max(this.last ?? 0, at);
    const submission = submissions.take(said.ours, nick, ids, words, what.kind);
    const outcome = this.#append(
      said,
      copy,
      submission?.saying.kind === 'message' ? submission.saying : undefined,
      submission?.occupant.user,
      {
        born: at,
        ...(identity === undefined ? {} : { id: logId(address, identity, at) }),
      },
    );
    if (outcome === undefined) {
      said.done();
      return;
    }
    submission?.settle(outcome);
    void outcome.then(said.done);
  }

  #append(
    { what, author, nick }: Said,
    copy: HomeCopy | undefined,
    saying: { readonly body: Parameters<HomeCopy['accepted']>[1]; readonly via: Parameters<HomeCopy['accepted']>[2] } | undefined,
    own: User | undefined,
    birth: Pick<Parameters<HomeCopy['accepted']>[1], 'id' | 'born'>,
  ): Promise<Outcome<LogRecord>> | undefined {
    if (copy === undefined) return undefined;
    // What the room says that one of ours has said, and was not sent from here, is the room's word: it is said by its occupant, not by ours.
    const by = own ?? author ?? this.#owner.author(nick);
    if (by === undefined) return undefined;
    if (what.kind === 'topic') return copy.topicOf(by, what.topic);
    if (saying !== undefined && own !== undefined) return copy.accepted(own, { ...saying.body, ...birth }, saying.via);
    return copy.said(by, { ...fromBody(what.body, what.styled), ...birth });
  }
}
