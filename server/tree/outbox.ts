/**
 * What this node has for a room's leader, in order: first records that were taken back from its log (a stand-in numbered them, or the home
 * lost them), then what people here say. Each is repeated, in a new session when the leader is a new one, until its number or a refusal
 * comes; what was taken back is kept until the home's own log has it.
 */
import type { EventId } from '../model/ids.ts';
import { homeEnd, standInOf } from './epoch.ts';
import type { Head, NodeName, Settlement, Submission } from './message.ts';
import { prove } from './proofs.ts';
import { toCarried, toSubmission, type SignedRecord } from './records.ts';
import type { RoomTree } from './room.ts';

interface Item {
  submission: Submission;
  /** In the home's log up to that number it cannot be. */
  since: number;
  readonly own: boolean;
  /** Only the home itself can decide it. */
  waits: boolean;
  /** Number in the session. */
  number: number | undefined;
  /** Answered in the session, or seen in the log that the session's leader writes. */
  done: boolean;
  /** Where the home, leading the session, says that it logged it. */
  at: number | undefined;
  /** The host knows that it was logged. Until the copy has it too, a new leader is told of it again. */
  settled: boolean;
}

interface Session {
  readonly name: string;
  readonly leader: NodeName;
  readonly epoch: string;
  next: number;
  /** Sent and not known to be done, by number. */
  readonly sent: Map<number, Item>;
  progress: number;
}

export class Outbox {
  readonly #room: RoomTree;
  readonly #returned = new Map<EventId, Item>();
  readonly #own = new Map<EventId, Item>();
  #session: Session | undefined;
  #expected = 0;
  /** Ids that the copy took in while records that were taken back are not here yet. */
  readonly #meanwhile = new Map<EventId, Head>();

  constructor(room: RoomTree) {
    this.#room = room;
  }

  /** Whether something is not yet where it has to be. */
  get unconfirmed(): boolean {
    return this.#returned.size > 0 || this.#own.size > 0 || this.#expected > 0;
  }

  /** Somebody here says something. */
  submit(submission: Submission): void {
    const since = homeEnd(this.#room.copy.lineage)?.number ?? 0;
    this.#own.set(submission.id, {
      submission,
      since,
      own: true,
      waits: false,
      number: undefined,
      done: false,
      at: undefined,
      settled: false,
    });
    this.#room.context.dirty(this.#room.address);
  }

  /** The host was told to take records back; `returned` will bring them. */
  expectReturned(): void {
    this.#expected += 1;
    this.#session = undefined;
  }

  /** The copy went back: what it said of numbers above that is not true of the log that it follows next. */
  lower(number: number): void {
    for (const item of [...this.#returned.values(), ...this.#own.values()]) item.since = Math.min(item.since, number);
  }

  /** Records that were taken back, now or in an earlier life. */
  returned(records: readonly SignedRecord[], expected: boolean): void {
    if (expected) this.#expected -= 1;
    const confirmed: EventId[] = [];
    const since = Math.min(...records.map(({ number }) => number)) - 1;
    for (const record of records) {
      const head = this.#meanwhile.get(record.id);
      // Display lines are of the leader who wrote them.
      if (record.proof === undefined || (head !== undefined && standInOf(head.epoch) === undefined)) {
        confirmed.push(record.id);
        this.#returned.delete(record.id);
      } else if (!this.#returned.has(record.id)) {
        const item = {
          submission: toSubmission(record),
          since,
          own: false,
          waits: false,
          number: undefined,
          done: false,
          at: undefined,
          settled: false,
        };
        this.#returned.set(record.id, item);
      }
    }
    if (this.#expected === 0) this.#meanwhile.clear();
    this.#confirm(confirmed);
    this.pathChanged();
  }

  /** The copy took in records under that head. */
  seen(records: readonly SignedRecord[], head: Head): void {
    const home = standInOf(head.epoch) === undefined;
    const confirmed: EventId[] = [];
    for (const { id, number } of records) {
      if (this.#expected > 0) this.#meanwhile.set(id, head);
      const own = this.#own.get(id);
      if (own !== undefined) {
        this.#settleOwn(own, { kind: 'logged', number });
        this.#own.delete(id);
      }
      const returned = this.#returned.get(id);
      if (returned === undefined) continue;
      returned.done = true;
      if (returned.number !== undefined) this.#session?.sent.delete(returned.number);
      if (!home) continue;
      this.#returned.delete(id);
      confirmed.push(id);
    }
    this.#confirm(confirmed);
    if (home) this.#passed();
  }

  /** What the home logged where the copy is already, and a snapshot left out. */
  #passed(): void {
    const { number } = this.#room.copy.last;
    const passed = ({ at }: Item): boolean => at !== undefined && at <= number;
    const confirmed = [...this.#returned].filter(([, item]) => passed(item)).map(([id]) => id);
    for (const id of confirmed) this.#returned.delete(id);
    for (const [id, item] of this.#own) if (passed(item)) this.#own.delete(id);
    this.#confirm(confirmed);
  }

  /** The way to the leader, the leader, or its epoch may be new: what has no answer is sent again. */
  pathChanged(): void {
    const { leader, head, lead, uplink, context } = this.#room;
    if (leader === undefined || head === undefined || !(lead.leading || uplink.settled) || this.#expected > 0) return;
    const epoch = lead.epoch ?? head.epoch;
    if (this.#session?.leader === leader && this.#session.epoch === epoch) this.#repeat(this.#session);
    else this.#begin(leader, epoch);
    context.dirty(this.#room.address);
  }

  receiveSettle(name: string, answers: readonly (readonly [number, Settlement])[]): void {
    const session = this.#session;
    if (session?.name !== name) return;
    const confirmed: EventId[] = [];
    for (const [number, settlement] of answers) {
      const item = session.sent.get(number);
      if (item === undefined) continue;
      session.sent.delete(number);
      session.progress = this.#room.context.now;
      item.done = true;
      if (settlement.kind === 'waits') item.waits = true;
      if (settlement.kind === 'logged' && session.leader === this.#room.home) item.at = settlement.number;
      if (item.own) this.#settleOwn(item, settlement);
      else if (settlement.kind === 'refused') {
        this.#returned.delete(item.submission.id);
        confirmed.push(item.submission.id);
      }
    }
    this.#confirm(confirmed);
    const { head } = this.#room;
    if (head !== undefined && standInOf(head.epoch) === undefined) this.#passed();
    this.#room.context.dirty(this.#room.address);
  }

  tick(): void {
    const session = this.#session;
    const { now, setup } = this.#room.context;
    if (session === undefined || session.sent.size === 0 || now - session.progress < setup.limits.again) return;
    this.#repeat(session);
  }

  flush(): void {
    const session = this.#session;
    const { leader, home, context } = this.#room;
    if (session === undefined || session.leader !== leader) return;
    const first = session.next;
    const items: Item[] = [];
    for (const item of [...this.#returned.values(), ...this.#own.values()]) {
      if (item.done || item.number !== undefined || (item.waits && leader !== home)) continue;
      if (session.sent.size >= context.setup.limits.window) break;
      item.number = session.next++;
      session.sent.set(item.number, item);
      items.push(item);
    }
    if (items.length === 0) return;
    if (session.sent.size === items.length) session.progress = context.now;
    this.#prove(items);
    this.#send(session, first, items);
  }

  #begin(leader: NodeName, epoch: string): void {
    const { context } = this.#room;
    this.#session = { name: context.setup.random(), leader, epoch, next: 1, sent: new Map(), progress: context.now };
    for (const item of [...this.#returned.values(), ...this.#own.values()]) {
      item.number = undefined;
      item.done = false;
      item.at = undefined;
    }
  }

  #repeat(session: Session): void {
    session.progress = this.#room.context.now;
    const [first] = session.sent.keys();
    if (first === undefined) return;
    const items: Item[] = [];
    // Numbers between that are done have to be filled: the session has no gaps.
    for (const [number, item] of session.sent) {
      if (number !== first + items.length) {
        this.#send(session, first, items);
        this.#begin(session.leader, session.epoch);
        this.#room.context.dirty(this.#room.address);
        return;
      }
      items.push(item);
    }
    this.#send(session, first, items);
  }

  #send(session: Session, first: number, items: readonly Item[]): void {
    const { leader, context, address, intake } = this.#room;
    const [oldest] = session.sent.keys();
    // The way may lead to another by now: that one gets a session of its own.
    if (leader !== session.leader || oldest === undefined) return;
    const since = Math.min(...items.map((item) => item.since));
    const submissions = items.map(({ submission }) => submission);
    if (leader === context.setup.name) intake.receive(leader, session.name, oldest, first, since, submissions);
    else context.unicast(leader, { kind: 'submit', room: address, session: session.name, oldest, first, since, ...toCarried(submissions) });
  }

  /** What people here said since the last flush gets one signature. */
  #prove(items: readonly Item[]): void {
    const unproven = items.filter(({ own, submission }) => own && submission.proof === undefined);
    if (unproven.length === 0) return;
    const proven = prove(
      this.#room.context,
      unproven.map(({ submission }) => submission),
    );
    for (const [index, item] of unproven.entries()) item.submission = proven[index]!;
  }

  #settleOwn(item: Item, settlement: Settlement): void {
    const { context, address } = this.#room;
    if (item.number !== undefined) this.#session?.sent.delete(item.number);
    if (!item.settled) context.put({ kind: 'settled', room: address, id: item.submission.id, settlement });
    item.settled ||= settlement.kind === 'logged';
    if (settlement.kind === 'refused') this.#own.delete(item.submission.id);
  }

  #confirm(ids: readonly EventId[]): void {
    if (ids.length > 0) this.#room.context.put({ kind: 'confirmed', room: this.#room.address, ids });
  }
}
