/** At the leader: submissions come in, once each and in the order of their session, and go to the host to be judged and numbered. */
import type { EventId } from '../model/ids.ts';
import type { NodeName, Settlement, Submission } from './message.ts';
import { submissionHolds } from './proofs.ts';
import type { SignedRecord } from './records.ts';
import type { RoomTree } from './room.ts';

interface Session {
  readonly name: string;
  expected: number;
}

interface Waiter {
  readonly node: NodeName;
  readonly session: string;
  readonly number: number;
}

export class Intake {
  readonly #room: RoomTree;
  readonly #sessions = new Map<NodeName, Session>();
  /** Ids of the log's records above `#idsFrom`, the oldest first. */
  readonly #ids = new Map<EventId, number>();
  #idsFrom = 0;
  /** Where this node's own epoch begins. */
  #begun = 0;
  /** Older ids are being read. */
  #reading: object | undefined;
  readonly #pending = new Map<EventId, Waiter[]>();
  readonly #answers = new Map<NodeName, { readonly session: string; readonly answers: (readonly [number, Settlement])[] }>();

  constructor(room: RoomTree) {
    this.#room = room;
  }

  begin(): void {
    const { copy } = this.#room;
    this.stop();
    this.#ids.clear();
    this.#reading = undefined;
    this.#begun = copy.last.number;
    this.#idsFrom = copy.from.number;
    for (const { id, number } of copy.after(copy.from.number, Infinity) ?? []) this.#ids.set(id, number);
  }

  stop(): void {
    this.#sessions.clear();
    this.#pending.clear();
    this.#answers.clear();
  }

  receive(from: NodeName, name: string, oldest: number, first: number, since: number, items: readonly Submission[]): void {
    const { context, lead, address } = this.#room;
    if (!lead.leading) return;
    let session = this.#sessions.get(from);
    if (session?.name !== name) {
      session = { name, expected: oldest };
      this.#sessions.set(from, session);
    }
    // What came before has been answered, or seen in the log.
    session.expected = Math.max(session.expected, oldest);
    // The sender says it again; by then the ids are known.
    if (!this.#knowsSince(Math.min(since, this.#begun))) return;
    const fresh: Submission[] = [];
    for (const [index, item] of items.entries()) {
      const number = first + index;
      if (number > session.expected) break;
      if (number === session.expected) session.expected += 1;
      const waiter = { node: from, session: name, number };
      const logged = this.#ids.get(item.id);
      if (logged !== undefined) {
        this.#answer(waiter, { kind: 'logged', number: logged });
        continue;
      }
      const pending = this.#pending.get(item.id);
      if (pending !== undefined) {
        pending.push(waiter);
        continue;
      }
      if (!Number.isSafeInteger(item.born) || item.born < 0 || !submissionHolds(this.#room, item)) {
        this.#answer(waiter, { kind: 'refused', reason: 'not proven' });
        continue;
      }
      this.#pending.set(item.id, [waiter]);
      fresh.push(item);
    }
    if (fresh.length > 0) context.put({ kind: 'submitted', room: address, by: from, items: fresh });
  }

  logged(records: readonly SignedRecord[]): void {
    for (const { id, number } of records) {
      this.#ids.set(id, number);
      this.settle(id, { kind: 'logged', number });
    }
    const most = this.#room.context.setup.limits.knownIds;
    if (this.#ids.size < 2 * most) return;
    for (const [id, number] of this.#ids) {
      if (this.#ids.size <= most) break;
      this.#ids.delete(id);
      this.#idsFrom = number;
    }
  }

  settle(id: EventId, settlement: Settlement): void {
    for (const waiter of this.#pending.get(id) ?? []) this.#answer(waiter, settlement);
    this.#pending.delete(id);
  }

  flush(): void {
    const { context, address, outbox } = this.#room;
    for (const [node, { session, answers }] of this.#answers) {
      this.#answers.delete(node);
      if (node === context.setup.name) outbox.receiveSettle(session, answers);
      else context.unicast(node, { kind: 'settle', room: address, session, answers });
    }
  }

  /** Whether the ids of all records after that number are known here; if not, they soon are. */
  #knowsSince(since: number): boolean {
    const { copy, reads, stored, context } = this.#room;
    const from = Math.max(since, (stored ? copy.base : copy.from).number);
    if (from >= this.#idsFrom) return true;
    if (this.#reading !== undefined) return false;
    const reading = {};
    this.#reading = reading;
    const ids: (readonly [EventId, number])[] = [];
    const more = (after: number): void => {
      reads.read(after, context.setup.limits.chunk, (records) => {
        if (this.#reading !== reading) return;
        for (const { id, number } of records) if (number <= this.#idsFrom) ids.push([id, number]);
        const last = records.at(-1)?.number;
        if (last !== undefined && last < this.#idsFrom) {
          more(last);
          return;
        }
        this.#reading = undefined;
        // The oldest first, as they are forgotten first.
        const newer = [...this.#ids];
        this.#ids.clear();
        for (const [id, number] of [...ids, ...newer]) this.#ids.set(id, number);
        this.#idsFrom = from;
      });
    };
    more(from);
    return false;
  }

  #answer({ node, session, number }: Waiter, settlement: Settlement): void {
    let answers = this.#answers.get(node);
    if (answers?.session !== session) {
      answers = { session, answers: [] };
      this.#answers.set(node, answers);
    }
    answers.answers.push([number, settlement]);
    this.#room.context.dirty(this.#room.address);
  }
}
