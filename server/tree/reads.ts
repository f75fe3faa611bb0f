/** Reading older records of a room: from memory, from the storage, or from a node toward the leader that still has them. */
import type { Position } from '../model/event.ts';
import { positionOf } from '../log/record.ts';
import { homeEnd } from './epoch.ts';
import type { Common } from './copy.ts';
import type { NodeName, Repair } from './message.ts';
import { toSegments, type SignedRecord } from './records.ts';
import type { RoomTree } from './room.ts';

type Then = (records: readonly SignedRecord[]) => void;
type Answer = (repair: Repair) => void;

const mostHops = 32;
const mostAsked = 1_024;

export class Reads {
  readonly #room: RoomTree;
  readonly #reading = new Map<number, Then>();
  readonly #asked = new Map<number, { readonly answer: Answer; readonly of: NodeName; readonly at: number }>();

  constructor(room: RoomTree) {
    this.#room = room;
  }

  /** Records after that number, now or later; the caller knows that the storage has them. */
  read(after: number, limit: number, then: Then): void {
    const known = this.#room.copy.after(after, limit);
    if (known !== undefined) {
      then(known);
      return;
    }
    const token = this.#room.context.nextToken();
    this.#reading.set(token, then);
    this.#room.context.put({ kind: 'read', room: this.#room.address, token, after, limit });
  }

  done(token: number, records: readonly SignedRecord[]): void {
    const then = this.#reading.get(token);
    this.#reading.delete(token);
    then?.(records);
  }

  /** The log went back: what is being read may be of what it was, or of what it is then. */
  forget(): void {
    this.#reading.clear();
  }

  /** Asks a neighbour for what follows a lineage. The answer may never come. */
  ask(of: NodeName, lineage: readonly Position[], upTo: number, answer: Answer, hops = 0): void {
    const { context, address } = this.#room;
    if (this.#asked.size >= mostAsked) return;
    const token = context.nextToken();
    this.#asked.set(token, { answer, of, at: context.now });
    context.send(of, { kind: 'ask', room: address, token, lineage, upTo, hops });
  }

  answered(from: NodeName, token: number, repair: Repair): void {
    const asked = this.#asked.get(token);
    // An answer may come too late, never from somebody else.
    if (asked === undefined || asked.of !== from) return;
    this.#asked.delete(token);
    asked.answer(repair);
  }

  /** A neighbour asks. */
  serve(neighbour: NodeName, token: number, lineage: readonly Position[], upTo: number, hops: number): void {
    const { context, copy, lead, children, uplink } = this.#room;
    if (!children.has(neighbour) && uplink.node !== neighbour) return;
    const answer: Answer = (repair) => context.send(neighbour, { kind: 'repair', room: this.#room.address, token, repair });
    // A new leader asks down for the home's numbers: they may be with a follower behind this node.
    const down = uplink.node === neighbour;
    const end = homeEnd(copy.lineage)?.number ?? 0;
    const behind = down && end < upTo ? children.furthest() : undefined;
    // A leader that has nothing gets everything that is here.
    const common = lineage.length === 0 && down ? whole(this.#room) : copy.common(lineage, this.#room.closed);
    if (behind === undefined && common.kind === 'at' && copy.holdsAfter(common.position.number, this.#room.stored)) {
      this.#answer(common.position, down ? Math.min(upTo, end) : upTo, answer);
      return;
    }
    if (lead.leading && this.#room.head !== undefined) {
      const snapshot = this.#room.snapshot();
      answer(snapshot === undefined ? { kind: 'nothing' } : { kind: 'snapshot', snapshot });
      return;
    }
    const onward = down ? behind?.node : uplink.node;
    if (onward === undefined || onward === neighbour || hops >= mostHops) answer({ kind: 'nothing' });
    else this.ask(onward, lineage, upTo, answer, hops + 1);
  }

  tick(): void {
    const { now, setup } = this.#room.context;
    for (const [token, { at }] of this.#asked) if (now - at > 4 * setup.limits.again) this.#asked.delete(token);
  }

  #answer(from: Position, upTo: number, answer: Answer): void {
    const { copy, context } = this.#room;
    const limit = Math.min(context.setup.limits.chunk, Math.min(upTo, copy.last.number) - from.number);
    if (limit <= 0) {
      answer({ kind: 'records', from, segments: [], ...this.#room.vouchedAt(from.number) });
      return;
    }
    this.read(from.number, limit, (records) => {
      const last = records.at(-1);
      if (last === undefined || records[0]!.number !== from.number + 1) answer({ kind: 'nothing' });
      else answer({ kind: 'records', from, segments: toSegments(records), ...this.#room.vouchedAt(positionOf(last).number) });
    });
  }
}

function whole({ copy, stored }: RoomTree): Common {
  const position = stored ? copy.base : copy.from;
  return position.chain === '' && position.number > 0 ? { kind: 'none' } : { kind: 'at', position };
}
