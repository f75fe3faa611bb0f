/** Records on their way between nodes: without what follows from their place, which the receiver computes and thereby checks. */
import { hash } from 'node:crypto';
import type { RoomAddress } from '../model/address.ts';
import { roomLog, type LogRecord, type Position } from '../model/event.ts';
import { nextRecord, positionOf } from '../log/record.ts';
import type { EventId } from '../model/ids.ts';
import type { CarriedProof, CarriedRecord, Proof, Segment, Submission } from './message.ts';

/** A record with the proof of the node that submitted it; none for what was said at the home itself. */
export type SignedRecord = LogRecord & { readonly proof?: Proof };

/** Puts the proof beside the record. */
export function withProof(record: LogRecord, proof: Proof | undefined): SignedRecord {
  return proof === undefined ? record : Object.assign(record, { proof });
}

/** The digest that a record of that submission will have. */
export function digestOf(submission: Pick<Submission, 'salt' | 'content'>): string {
  return hash('sha256', submission.salt + JSON.stringify(submission.content), 'base64url');
}

/** The proofs of what travels together. */
class ProofTable {
  readonly #index = new Map<Proof, number>();
  readonly #at = new Map<EventId, number>();

  /** The next of what travels; answers with the index of its proof. */
  add(id: EventId, proof: Proof | undefined): number | undefined {
    this.#at.set(id, this.#at.size);
    if (proof === undefined) return undefined;
    const known = this.#index.get(proof) ?? this.#index.size;
    this.#index.set(proof, known);
    return known;
  }

  /** To be called when everything was added. */
  carried(): CarriedProof[] {
    return [...this.#index.keys()].map(({ by, events, signature }) => ({
      by,
      events: events.map((event) => this.#at.get(event[0]) ?? event),
      signature,
    }));
  }
}

/** The proofs again, from what each record or submission beside them says of itself. */
function proofsOf(carried: readonly CarriedProof[], beside: readonly Proof['events'][number][]): Proof[] | undefined {
  const proofs: Proof[] = [];
  for (const { by, events, signature } of carried) {
    const whole = events.map((event) => (typeof event === 'number' ? beside[event] : event)).filter((event) => event !== undefined);
    if (whole.length !== events.length) return undefined;
    proofs.push({ by, events: whole, signature });
  }
  return proofs;
}

function carry({ id, origin, born, salt, content, proof }: Submission, logged: number, table: ProofTable): CarriedRecord {
  const index = table.add(id, proof);
  return { id, origin, born, logged, salt, content, ...(index === undefined ? {} : { proof: index }) };
}

/** Consecutive records as they travel, one segment per epoch. */
export function toSegments(records: readonly SignedRecord[]): Segment[] {
  const segments: Segment[] = [];
  for (let start = 0; start < records.length;) {
    const { epoch, number } = records[start]!;
    let end = start + 1;
    while (records[end]?.epoch === epoch) end += 1;
    const table = new ProofTable();
    const carried = records.slice(start, end).map((record) => carry(record, record.logged, table));
    segments.push({ after: number - 1, epoch, records: carried, proofs: table.carried() });
    start = end;
  }
  return segments;
}

/** The records of segments that continue `from`; undefined when they do not. */
export function fromSegments(room: RoomAddress, from: Position, segments: readonly Segment[]): SignedRecord[] | undefined {
  const records: SignedRecord[] = [];
  let last = from;
  for (const { after, epoch, records: carried, proofs } of segments) {
    if (after !== last.number) return undefined;
    const fresh: LogRecord[] = [];
    for (const { proof: _, ...facts } of carried) {
      const record = nextRecord(last, { log: roomLog(room), epoch, ...facts });
      fresh.push(record);
      last = positionOf(record);
    }
    const whole = proofsOf(
      proofs,
      fresh.map(({ id, born, digest }) => [id, born, digest] as const),
    );
    if (whole === undefined) return undefined;
    for (const [index, record] of fresh.entries()) records.push(withProof(record, whole[carried[index]!.proof ?? -1]));
  }
  return records;
}

/** Submissions as they travel: not logged yet. */
export function toCarried(items: readonly Submission[]): { readonly items: CarriedRecord[]; readonly proofs: CarriedProof[] } {
  const table = new ProofTable();
  const carried = items.map((item) => carry(item, 0, table));
  return { items: carried, proofs: table.carried() };
}

export function fromCarried(items: readonly CarriedRecord[], proofs: readonly CarriedProof[]): Submission[] {
  const whole = proofsOf(
    proofs,
    items.map((item) => [item.id, item.born, digestOf(item)] as const),
  );
  return items.map(({ id, origin, born, salt, content, proof: index }) => {
    const proof = whole?.[index ?? -1];
    return { id, origin, born, salt, content, ...(proof === undefined ? {} : { proof }) };
  });
}

/** A record as something that is to be logged again elsewhere. */
export function toSubmission({ id, origin, born, salt, content, proof }: SignedRecord): Submission {
  return { id, origin, born, salt, content, ...(proof === undefined ? {} : { proof }) };
}

/** The record that a submission becomes after `last`. */
export function recordOf(room: RoomAddress, last: Position, epoch: string, logged: number, submission: Submission): SignedRecord {
  const { id, origin, born, salt, content, proof } = submission;
  return withProof(nextRecord(last, { log: roomLog(room), epoch, id, origin, born, logged, salt, content }), proof);
}
