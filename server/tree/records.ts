/** Records on their way between nodes: without what follows from their place, which the receiver computes and thereby checks. */
import { hash } from 'node:crypto';
import type { RoomAddress } from '../model/address.ts';
import { roomLog, type LogRecord, type Position } from '../model/event.ts';
import { nextRecord, positionOf } from '../log/record.ts';
import type { CarriedRecord, Proof, Segment, Submission } from './message.ts';

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

class ProofTable {
  readonly proofs: Proof[] = [];
  readonly #index = new Map<Proof, number>();

  add(proof: Proof): number {
    const known = this.#index.get(proof);
    if (known !== undefined) return known;
    this.#index.set(proof, this.proofs.length);
    return this.proofs.push(proof) - 1;
  }
}

function carry({ id, origin, born, salt, content, proof }: Submission, logged: number, table: ProofTable): CarriedRecord {
  return { id, origin, born, logged, salt, content, ...(proof === undefined ? {} : { proof: table.add(proof) }) };
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
    segments.push({ after: number - 1, epoch, records: carried, proofs: table.proofs });
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
    for (const { proof, ...fresh } of carried) {
      const record = nextRecord(last, { log: roomLog(room), epoch, ...fresh });
      records.push(withProof(record, proof === undefined ? undefined : proofs[proof]));
      last = positionOf(record);
    }
  }
  return records;
}

/** Submissions as they travel: not logged yet. */
export function toCarried(items: readonly Submission[]): { readonly items: CarriedRecord[]; readonly proofs: Proof[] } {
  const table = new ProofTable();
  return { items: items.map((item) => carry(item, 0, table)), proofs: table.proofs };
}

export function fromCarried(items: readonly CarriedRecord[], proofs: readonly Proof[]): Submission[] {
  return items.map(({ id, origin, born, salt, content, proof: index }) => {
    const proof = index === undefined ? undefined : proofs[index];
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
