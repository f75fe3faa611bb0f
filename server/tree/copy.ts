/**
 * A node's copy of a room's log, as far as the tree needs it: which epochs it holds up to where, and its newest records. Older ones
 * are with the storage, or (where the node only passes the room on) with nobody here.
 *
 * One epoch has one writer. So two logs that share an epoch are equal up to where the shorter ends it: lists of the last
 * positions of epochs (lineages) are enough to find where two logs part.
 */
import type { LogRecord, Position } from '../model/event.ts';
import { origin, positionOf } from '../log/record.ts';
import type { SignedRecord } from './records.ts';

const mostEpochs = 8;

export type Common = { readonly kind: 'at'; readonly position: Position } | { readonly kind: 'behind' } | { readonly kind: 'none' };

export class LogCopy {
  /** Records above this are here or with the storage. */
  base: Position = origin;
  #from: Position = origin;
  #records: SignedRecord[] = [];
  /** Last position of each epoch, ascending, without epochs that have no record. */
  #lineage: Position[] = [];
  /** No epoch is missing in the lineage. */
  #complete = true;
  readonly #most: number;

  /** `most`: how many records are kept in memory, at least. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Records above this are in memory. */
  get from(): Position {
    return this.#from;
  }

  get last(): Position {
    return this.#lineage.at(-1) ?? origin;
  }

  /** The newest epochs, enough to compare; after the beginning of the log (number 0) if that is all of them. */
  get lineage(): readonly Position[] {
    return this.#complete && this.#lineage.length <= mostEpochs ? [origin, ...this.#lineage] : this.#lineage.slice(-mostEpochs);
  }

  append(record: SignedRecord): void {
    const position = positionOf(record);
    if (this.last.epoch === position.epoch) this.#lineage[this.#lineage.length - 1] = position;
    else this.#lineage.push(position);
    this.#records.push(record);
    if (this.#records.length < 2 * this.#most) return;
    const dropped = this.#records.splice(0, this.#most);
    this.#from = positionOf(dropped.at(-1)!);
  }

  /** Whether that position is in this log: whoever stands there can go on with what follows here. */
  contains(position: Position): boolean {
    if (position.number === 0) return true;
    const at = this.#lineage.findIndex(({ number }) => position.number <= number);
    const end = this.#lineage[at];
    if (end === undefined) return false;
    const known = this.#chainAt(position.number);
    if (known !== undefined) return known === position.chain;
    return end.epoch === position.epoch;
  }

  /** The newest position that this log has in common with one of that lineage. `closed`: this log's last epoch is over. */
  common(lineage: readonly Position[], closed: boolean): Common {
    for (const position of lineage.toReversed()) {
      const at = this.#lineage.findIndex(({ epoch }) => epoch === position.epoch);
      const end = this.#lineage[at];
      if (end === undefined) continue;
      if (position.number <= end.number) return this.contains(position) ? { kind: 'at', position } : { kind: 'none' };
      return at === this.#lineage.length - 1 && !closed ? { kind: 'behind' } : { kind: 'at', position: end };
    }
    return this.#complete && lineage[0]?.number === 0 ? { kind: 'at', position: origin } : { kind: 'none' };
  }

  /** Up to `limit` records after that number, from memory; undefined when they are not all there. */
  after(number: number, limit: number): readonly SignedRecord[] | undefined {
    const start = number - this.#from.number;
    return start < 0 ? undefined : this.#records.slice(start, start + limit);
  }

  /** Whether records after that number exist here at all, with `stored` or without the storage. */
  holdsAfter(number: number, stored: boolean): boolean {
    return number >= (stored ? this.base.number : this.#from.number);
  }

  /** The position of a record before which everything needed is known. */
  positionAt(number: number): Position | undefined {
    if (number === 0) return origin;
    if (number === this.#from.number) return this.#from;
    const record = this.#records[number - this.#from.number - 1];
    return record === undefined ? this.#lineage.find((end) => end.number === number) : positionOf(record);
  }

  /** Forgets what comes after a position that is in this log. */
  back(to: Position): void {
    this.#records = this.#records.slice(0, Math.max(0, to.number - this.#from.number));
    if (to.number < this.#from.number) this.#from = to;
    if (to.number < this.base.number) this.base = to;
    const kept = this.#lineage.filter(({ number }) => number < to.number);
    this.#lineage = to.number === 0 ? kept : [...kept, to];
  }

  /** Begins anew at the end of that lineage. */
  restart(lineage: readonly Position[], base: Position | undefined, records: readonly SignedRecord[]): void {
    this.#complete = lineage[0]?.number === 0;
    this.#lineage = lineage.filter(({ number }) => number > 0);
    this.base = base ?? this.last;
    this.#from = records.length === 0 ? this.last : before(records[0]!, this.#lineage, this.base);
    this.#records = [...records];
  }

  #chainAt(number: number): string | undefined {
    const chain = this.positionAt(number)?.chain;
    return chain === '' && number > 0 ? undefined : chain;
  }
}

/** The position before a record; its chain is known only where it ends an epoch or begins the copy. */
function before(record: LogRecord, lineage: readonly Position[], base: Position): Position {
  const number = record.number - 1;
  if (number === base.number) return base;
  return lineage.find((end) => end.number === number) ?? { epoch: record.epoch, number, chain: '' };
}
