/** The proofs of nodes over what they submitted: who brought a message into a room can be shown without trusting those who carried it. */
import type { EventId } from '../model/ids.ts';
import { sealed, type TreeContext } from './context.ts';
import type { Proof, Submission } from './message.ts';
import { standInOf } from './epoch.ts';
import { digestOf, type SignedRecord } from './records.ts';
import type { RoomTree } from './room.ts';

/** Proofs that were found right, so that each is checked once however many records it covers. */
const right = new WeakSet<Proof>();

function proofHolds(context: TreeContext, proof: Proof): boolean {
  if (right.has(proof)) return true;
  if (!context.verify(proof.by, 'proof', proof)) return false;
  right.add(proof);
  return true;
}

function covers(proof: Proof, id: EventId, born: number, digest: string): boolean {
  return proof.events.some(([event, at, covered]) => event === id && at === born && covered === digest);
}

/** Signs items that were submitted in one flush. */
export function prove(context: TreeContext, items: readonly Submission[]): Submission[] {
  const events = items.map((item) => [item.id, item.born, digestOf(item)] as const);
  const proof = sealed(context, 'proof', { by: context.setup.name, events });
  return items.map((item) => ({ ...item, proof }));
}

/**
 * Whether each record is of the leader itself, or proven by a node that speaks for its origin. A node that is gone and was never seen here
 * has no key here: then the leader's word has to do.
 */
export function proofsHold(room: RoomTree, records: readonly SignedRecord[]): boolean {
  return records.every((record) => {
    const { proof } = record;
    if (proof === undefined) return room.context.setup.speaksFor(standInOf(record.epoch) ?? room.home, record.origin);
    if (!covers(proof, record.id, record.born, record.digest)) return false;
    return room.context.keys.get(proof.by) === undefined || fits(room, proof, record);
  });
}

/** Whether a submission is proven by a node that speaks for its origin. */
export function submissionHolds(room: RoomTree, item: Submission): boolean {
  const { proof } = item;
  return proof !== undefined && fits(room, proof, item) && covers(proof, item.id, item.born, digestOf(item));
}

function fits(room: RoomTree, proof: Proof, { origin }: Pick<Submission, 'origin'>): boolean {
  return room.context.setup.speaksFor(proof.by, origin) && proofHolds(room.context, proof);
}
