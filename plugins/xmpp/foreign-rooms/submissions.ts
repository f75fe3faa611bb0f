/** What ours have said in a room of another server, until the room says it back: only then it counts. */
import { randomBytes } from 'node:crypto';
import type { Clock, Follower, LogRecord, MessageBody, Outcome, Refusal, Timer } from '../../../server/plugin.ts';
import { toBody } from '../text.ts';
import { stanza, type Element } from '../xml/element.ts';
import type { Occupant } from './occupant.ts';
import type { MessageIds } from './stanzas.ts';

export type Saying =
  | { readonly kind: 'message'; readonly body: MessageBody; readonly via: Follower | undefined }
  | { readonly kind: 'topic'; readonly topic: string };

export interface Submission {
  readonly id: string;
  readonly occupant: Occupant;
  readonly saying: Saying;
  /** When it was sent last, milliseconds since 1970; 0: not yet. */
  sentAt: number;
  tries: number;
  timer: Timer | undefined;
  settle(outcome: Outcome<LogRecord> | Promise<Outcome<LogRecord>>): void;
}

export interface SubmissionsOwner {
  readonly clock: Clock;
  send(submission: Submission, content: Element): void;
  /** It did not come back: whether the room has it must be found out. */
  doubt(): void;
}

/** Milliseconds after which it is doubted that a room has what was sent. */
const patience = 30_000;
const mostTries = 2;
/** What may wait of one room. */
const most = 1_000;

export const unconfirmed: Refusal = {
  code: 'unavailable',
  text: 'The room did not confirm your message; it may or may not have got it.',
};

export class Submissions {
  readonly #owner: SubmissionsOwner;
  readonly #waiting = new Map<string, Submission>();

  constructor(owner: SubmissionsOwner) {
    this.#owner = owner;
  }

  get count(): number {
    return this.#waiting.size;
  }

  /** It is sent as soon as the occupant is inside. */
  add(occupant: Occupant, saying: Saying): Promise<Outcome<LogRecord>> {
    if (this.#waiting.size >= most)
      return Promise.resolve({ ok: false, refusal: { code: 'too-fast', text: 'Too much waits for that room already.' } });
    return new Promise((resolve) => {
      const id = randomBytes(12).toString('base64url');
      const submission: Submission = { id, occupant, saying, sentAt: 0, tries: 0, timer: undefined, settle: resolve };
      this.#waiting.set(id, submission);
      if (occupant.isInside) this.#send(submission);
      else this.#watch(submission);
    });
  }

  #send(submission: Submission): void {
    const { saying } = submission;
    submission.tries++;
    submission.sentAt = this.#owner.clock.now();
    this.#watch(submission);
    this.#owner.send(
      submission,
      saying.kind === 'topic' ? stanza('subject', {}, saying.topic) : stanza('body', {}, toBody(saying.body.text, saying.body.style)),
    );
  }

  #watch(submission: Submission): void {
    submission.timer?.cancel();
    submission.timer = this.#owner.clock.after(patience, () => this.#late(submission));
  }

  #late(submission: Submission): void {
    if (submission.sentAt === 0 || submission.tries >= mostTries) {
      this.refuse(submission, unconfirmed);
      return;
    }
    // The room is asked once more for its history; if nothing comes of that in time, it is over.
    submission.timer = this.#owner.clock.after(patience, () => this.refuse(submission, unconfirmed));
    this.#owner.doubt();
  }

  /** The occupant is inside: what waited for that is sent. */
  entered(occupant: Occupant): void {
    for (const submission of this.#waiting.values())
      if (submission.occupant === occupant && submission.sentAt === 0) this.#send(submission);
  }

  /** The history up to now has been read, and asked for at `asked`: what was sent before and is not in it never arrived, and is sent once more. */
  caughtUp(asked: number): void {
    for (const submission of [...this.#waiting.values()]) {
      if (submission.sentAt === 0 || submission.sentAt >= asked) continue;
      if (submission.tries >= mostTries) this.refuse(submission, unconfirmed);
      else if (submission.occupant.isInside) this.#send(submission);
    }
  }

  /** Something of one of ours came back: what it is of what was sent. */
  take(occupant: Occupant | undefined, nick: string, ids: MessageIds, body: string, kind: Saying['kind']): Submission | undefined {
    const byId = this.#waiting.get(ids.originId ?? '') ?? this.#waiting.get(ids.id ?? '');
    const found =
      byId?.occupant.lastNick === nick
        ? byId
        : // Rooms that give other ids: the first with these words.
          [...this.#waiting.values()].find(
            (each) => each.occupant === occupant && each.sentAt > 0 && each.saying.kind === kind && words(each.saying) === body,
          );
    if (found === undefined || found.saying.kind !== kind) return undefined;
    this.#forget(found);
    return found;
  }

  /** The room answered with an error. */
  refusedBy(occupant: Occupant, id: string, refusal: Refusal): void {
    const submission = this.#waiting.get(id);
    if (submission?.occupant === occupant) this.refuse(submission, refusal);
  }

  refuse(submission: Submission, refusal: Refusal): void {
    this.#forget(submission);
    submission.settle({ ok: false, refusal });
  }

  #forget(submission: Submission): void {
    submission.timer?.cancel();
    this.#waiting.delete(submission.id);
  }

  /** Nothing comes back any more, to anybody or to that one. */
  clear(refusal: Refusal, occupant?: Occupant): void {
    for (const submission of [...this.#waiting.values()])
      if (occupant === undefined || submission.occupant === occupant) this.refuse(submission, refusal);
  }
}

function words(saying: Saying): string {
  return saying.kind === 'topic' ? saying.topic : toBody(saying.body.text, saying.body.style);
}
