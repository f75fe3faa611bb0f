/**
 * Leading a room: numbering its records in an epoch of one's own. The home leads as soon as its host has opened the room. A stand-in, and a
 * home that lost its disk, first listen who follows, and fetch what the most advanced follower has of the home's numbers.
 */
import type { Position } from '../model/event.ts';
import { positionOf } from '../log/record.ts';
import { sealed } from './context.ts';
import { counterOf, furtherThan, homeEnd, standInOf } from './epoch.ts';
import { afterRecord, factsDigest, type RoomFacts } from './facts.ts';
import type { Child } from './children.ts';
import type { Head, NodeName, Repair } from './message.ts';
import { fromSegments, type SignedRecord } from './records.ts';
import type { RoomTree } from './room.ts';

type Phase =
  | { readonly kind: 'none' }
  | { readonly kind: 'gathering'; readonly since: number; asked: number | undefined; readonly failed: Set<NodeName> }
  | { readonly kind: 'leading'; readonly epoch: string };

/** What a follower of a new leader had, from a position that both share. */
interface Learned {
  readonly from: Position;
  readonly records: readonly SignedRecord[];
  readonly head: Head;
  readonly facts: RoomFacts | null;
  readonly lineage: readonly Position[];
}

export class Lead {
  readonly #room: RoomTree;
  #phase: Phase = { kind: 'none' };
  /** The home has nothing to begin with but what the host says. */
  #beginning: RoomFacts | undefined;
  #opened = false;
  #overtaking = false;

  constructor(room: RoomTree) {
    this.#room = room;
  }

  get leading(): boolean {
    return this.#phase.kind === 'leading';
  }

  get epoch(): string | undefined {
    return this.#phase.kind === 'leading' ? this.#phase.epoch : undefined;
  }

  /** The host has the room's log and leads in that epoch. */
  open(epoch: string, facts: RoomFacts): void {
    this.#opened = true;
    this.#room.facts = facts;
    this.#begin(epoch);
  }

  /** The host has the room's name and nothing else; with those facts it begins if nobody knows more. */
  recover(facts: RoomFacts): void {
    this.#opened = true;
    this.#beginning = facts;
  }

  update(target: NodeName | undefined): void {
    const { name } = this.#room.context.setup;
    if (target !== name) {
      if (this.#phase.kind === 'gathering') this.#phase = { kind: 'none' };
      return;
    }
    if (this.#phase.kind !== 'none' || (this.#room.isHome && !this.#opened)) return;
    if (!this.#room.stored || (!this.#room.isHome && this.#room.head === undefined)) return;
    this.#gather();
  }

  tick(): void {
    const phase = this.#phase;
    if (phase.kind !== 'gathering') return;
    const { now, setup } = this.#room.context;
    if (now - phase.since < setup.limits.gathering * (this.#room.isHome ? 2 : 1)) return;
    if (phase.asked !== undefined && now - phase.asked < setup.limits.gathering) return;
    this.#choose(phase);
  }

  /** Somebody else leads. */
  stop(): void {
    const { leading } = this;
    this.#phase = { kind: 'none' };
    if (!leading) return;
    this.#room.context.put({ kind: 'follow', room: this.#room.address });
    this.#room.intake.stop();
    this.#room.roster.followAgain();
  }

  /** The host made these durable; they continue the log in this node's epoch. */
  appended(records: readonly SignedRecord[]): void {
    const { copy } = this.#room;
    if (this.#phase.kind !== 'leading') return;
    let { facts } = this.#room;
    for (const record of records) {
      copy.append(record);
      if (facts !== undefined) facts = afterRecord(facts, record);
    }
    this.#room.facts = facts;
    this.#room.intake.logged(records);
    this.#vouch(this.#phase.epoch, records);
  }

  /** A follower of the home has numbers of this home's own that it does not know: the disk promised too much. */
  overtaken(child: Child): void {
    if (this.#overtaking) return;
    this.#overtaking = true;
    this.#learn(child.node, child.lineage, (learned) => {
      this.#overtaking = false;
      if (learned === undefined || this.#phase.kind !== 'leading') return;
      this.stop();
      this.#adopt(learned);
      this.#begin(this.#newEpoch());
      this.#room.announcePath();
    });
  }

  #gather(): void {
    this.#phase = { kind: 'gathering', since: this.#room.context.now, asked: undefined, failed: new Set() };
  }

  #choose(phase: Phase & { kind: 'gathering' }): void {
    const best = this.#room.children.furthest(phase.failed);
    if (best === undefined) {
      if (this.#room.head === undefined && this.#beginning === undefined) return;
      this.#begin(this.#newEpoch());
      this.#room.announcePath();
      return;
    }
    phase.asked = this.#room.context.now;
    // Whoever does not answer in time is not asked again.
    phase.failed.add(best.node);
    this.#learn(best.node, best.lineage, (learned) => {
      if (this.#phase !== phase) return;
      const before = homeEnd(this.#room.copy.lineage);
      if (learned !== undefined) this.#adopt(learned);
      const after = homeEnd(this.#room.copy.lineage);
      // Somebody may have said more meanwhile.
      if (after !== undefined && (before === undefined || furtherThan(after, before))) phase.failed.clear();
      phase.asked = undefined;
      this.#choose(phase);
    });
  }

  /** Fetches what that neighbour has of the home's numbers beyond this copy. */
  #learn(of: NodeName, lineage: readonly Position[], then: (learned: Learned | undefined) => void): void {
    const { copy } = this.#room;
    const end = homeEnd(lineage);
    const own = this.#room.head === undefined ? undefined : homeEnd(copy.lineage);
    const known = own === undefined ? [] : copy.lineage.filter(({ number }) => number <= own.number);
    if (end === undefined) then(undefined);
    else this.#learnMore(of, known, end.number, undefined, [], lineage, then);
  }

  #learnMore(
    of: NodeName,
    known: readonly Position[],
    upTo: number,
    from: Position | undefined,
    got: readonly SignedRecord[],
    lineage: readonly Position[],
    then: (learned: Learned | undefined) => void,
  ): void {
    const { reads, address } = this.#room;
    reads.ask(of, known, upTo, (repair: Repair) => {
      if (repair.kind !== 'records') {
        then(undefined);
        return;
      }
      const records = fromSegments(address, repair.from, repair.segments);
      if (records === undefined || (from !== undefined && repair.from.number !== got.at(-1)!.number)) {
        then(undefined);
        return;
      }
      const all = [...got, ...records];
      const begin = from ?? repair.from;
      const end = all.length === 0 ? begin : positionOf(all.at(-1)!);
      const { head, facts } = repair;
      const ofHome = head !== null && standInOf(head.epoch) === undefined;
      if (ofHome && head.number === end.number && head.chain === end.chain && this.#room.genuineHead(head)) {
        then({ from: begin, records: all, head, facts, lineage });
      } else if (records.length === 0 || end.number >= upTo) then(undefined);
      else this.#learnMore(of, [end], upTo, begin, all, lineage, then);
    });
  }

  #adopt({ from, records, head, facts, lineage }: Learned): void {
    const { copy, context, address } = this.#room;
    const fresh = records.filter((record) => !copy.contains(positionOf(record)));
    const fork =
      fresh.length === 0
        ? undefined
        : fresh[0]!.number === from.number + 1
          ? from
          : positionOf(records[fresh[0]!.number - from.number - 2]!);
    if (this.#room.head === undefined) {
      copy.restart(
        lineage.filter(({ number }) => number <= from.number),
        from,
        [],
      );
      if (this.#room.stored && from.number > 0 && facts !== null) {
        context.put({ kind: 'snapshot', room: address, lineage: copy.lineage, facts });
      }
    } else if (fork !== undefined && copy.last.number > fork.number) {
      if (!copy.contains(fork)) return;
      this.#room.goBack(fork);
    }
    for (const record of fresh) copy.append(record);
    if (facts !== null && factsDigest(facts) === head.facts) this.#room.facts = facts;
    this.#room.advanced(fresh, head);
  }

  #newEpoch(): string {
    const { context, copy, children, isHome, homeEpoch } = this.#room;
    const { setup } = context;
    const known = [...copy.lineage, ...[...children.all()].flatMap(({ lineage }) => lineage)].map(({ epoch }) => counterOf(epoch));
    const counter = Math.max(0, counterOf(homeEpoch), ...known) + 1;
    return `${counter}.${setup.random()}${isHome ? '' : `.${setup.name}`}`;
  }

  #begin(epoch: string): void {
    const { copy, context, address, isHome } = this.#room;
    const end = homeEnd(copy.lineage) ?? copy.base;
    // What stand-ins numbered before enters anew.
    if (copy.last.number > end.number) this.#room.goBack(end);
    this.#room.facts ??= this.#beginning;
    this.#beginning = undefined;
    this.#phase = { kind: 'leading', epoch };
    context.put({ kind: 'lead', room: address, epoch, interim: !isHome });
    this.#room.intake.begin();
    this.#vouch(epoch, []);
  }

  #vouch(epoch: string, records: readonly SignedRecord[]): void {
    const { context, copy, address, facts } = this.#room;
    if (facts === undefined) return;
    const { number, chain } = copy.last;
    this.#room.advanced(records, sealed(context, 'head', { room: address, epoch, number, chain, facts: factsDigest(facts) }));
  }
}
