/**
 * The way up: this node's own subscription to a room, at the next node toward the leader.
 *
 * What comes down is a branch until a head vouches for it: records whose numbers and hashes continue a position that this copy has.
 * When the head's chain hash is the branch's, the branch becomes the copy: what is the same already is left alone, and what the copy
 * has beyond the point where the two part is taken back.
 */
import type { Position } from '../model/event.ts';
import { positionOf } from '../log/record.ts';
import { counterOf, standInOf } from './epoch.ts';
import { afterRecord, factsDigest, type RoomFacts } from './facts.ts';
import type { Grant, Head, NodeName, Segment, Snapshot, StandIns } from './message.ts';
import { fromSegments, type SignedRecord } from './records.ts';
import type { RoomTree } from './room.ts';
import { proofsHold } from './proofs.ts';

export interface Parent {
  readonly node: NodeName;
  readonly target: NodeName;
  readonly serial: number;
  readonly grant: Grant;
  readonly since: number;
  path: readonly NodeName[] | undefined;
  /** A head came: the copy stands where the leader's log stood. */
  settled: boolean;
  refused: number | undefined;
}

interface Branch {
  from: Position;
  last: Position;
  records: SignedRecord[];
}

export class Uplink {
  readonly #room: RoomTree;
  #parent: Parent | undefined;
  #branch: Branch | undefined;
  #factsAsked = 0;

  constructor(room: RoomTree) {
    this.#room = room;
  }

  get node(): NodeName | undefined {
    return this.#parent?.node;
  }

  /** From the parent to the leader. No path, or one that leads over this node, is none. */
  get path(): readonly NodeName[] | undefined {
    return this.#parent?.path;
  }

  /** Whether the copy has caught up with whoever leads now. */
  get settled(): boolean {
    return this.#parent?.settled === true && this.#parent.path !== undefined;
  }

  update(target: NodeName | undefined): void {
    const { context, wanted } = this.#room;
    const node = target === undefined || !wanted ? undefined : context.topology.nextHop(target);
    const parent = this.#parent;
    if (parent !== undefined && parent.node === node && parent.target === target) return;
    // A leader that is to lead no more goes on until it has found whom to follow.
    if (parent !== undefined) this.#drop(parent);
    if (node === undefined || target === undefined) return;
    this.#subscribe(node, target);
  }

  tick(): void {
    const parent = this.#parent;
    const { now, setup } = this.#room.context;
    if (parent?.refused !== undefined && now - parent.refused >= setup.limits.again / 4) {
      this.#drop(parent);
      this.#room.update();
    }
    // It may be for the grant that there is no way: nobody further up lets the node that it was for pass here any more.
    const stuck = parent !== undefined && parent.path === undefined && now - parent.since >= setup.limits.again;
    if (stuck && parent === this.#parent && this.#room.grantToShow() !== parent.grant) this.#again();
    this.#checkFacts();
  }

  /** Follows nobody, until the next update. */
  leave(): void {
    if (this.#parent !== undefined) this.#drop(this.#parent);
  }

  /** The link to that neighbour went down. */
  linkDown(neighbour: NodeName): void {
    if (this.#parent?.node !== neighbour) return;
    this.#parent = undefined;
    this.#branch = undefined;
  }

  receivePath(from: NodeName, serial: number, path: readonly NodeName[] | null, standIns: StandIns | null): void {
    const parent = this.current(from, serial);
    if (parent === undefined) return;
    this.#room.takeStandIns(standIns);
    const over = path === null || path[0] !== from || path.includes(this.#room.context.setup.name);
    parent.path = over ? undefined : path;
    if (over) parent.settled = false;
    this.#room.announcePath();
    if (this.#room.path === undefined) this.sayAhead();
  }

  receiveRefused(from: NodeName, serial: number): void {
    const parent = this.current(from, serial);
    if (parent === undefined) return;
    parent.refused = this.#room.context.now;
    parent.path = undefined;
    parent.settled = false;
    this.#room.announcePath();
  }

  receiveEvents(from: NodeName, serial: number, back: Position | null, segments: readonly Segment[], head: Head | null): void {
    if (this.current(from, serial) === undefined) return;
    const { context, copy, address } = this.#room;
    if (back !== null) {
      if (!copy.contains(back)) {
        // Between its answer and now the copy went back by itself: ask again.
        this.#again();
        return;
      }
      this.#branch = { from: back, last: back, records: [] };
    }
    this.#branch ??= { from: copy.last, last: copy.last, records: [] };
    const records = fromSegments(address, this.#branch.last, segments);
    if (records === undefined) {
      context.broken(from, 'its records do not continue what it sent before');
      return;
    }
    if (!proofsHold(this.#room, records)) {
      context.broken(from, 'records without the right proof');
      return;
    }
    for (const record of records) this.#branch.records.push(record);
    if (records.length > 0) this.#branch.last = positionOf(records.at(-1)!);
    if (this.#branch.records.length > context.setup.limits.longestGap + context.setup.limits.chunk) {
      context.broken(from, 'records for which nobody vouches');
      return;
    }
    if (head !== null) this.#vouched(from, head);
  }

  receiveSnapshot(from: NodeName, serial: number, snapshot: Snapshot): void {
    const parent = this.current(from, serial);
    if (parent === undefined) return;
    const { context, copy, stored, address } = this.#room;
    const { lineage, facts, head } = snapshot;
    if (!this.#room.vouchedFor(snapshot)) {
      this.#room.doubt(from, head, 'a snapshot for which nobody vouches');
      return;
    }
    if (!this.#mayFollow(head)) {
      this.receiveRefused(from, serial);
      return;
    }
    this.#room.lead.stop();
    if (copy.last.number > 0) {
      const end = lineage.find(({ epoch }) => epoch === copy.last.epoch);
      // What the leader does not have enters again; what it has merely leaves a gap.
      if (end === undefined || end.number < copy.last.number) this.#room.goBack(end ?? copy.base);
      if (end === undefined) this.#room.outbox.lower(0);
    }
    copy.restart(lineage, undefined, []);
    this.#branch = undefined;
    this.#room.facts = facts;
    parent.settled = true;
    if (stored) context.put({ kind: 'snapshot', room: address, lineage, facts });
    this.#room.children.restarted();
    this.#room.advanced([], head);
    this.#room.outbox.pathChanged();
  }

  receiveFacts(from: NodeName, serial: number, facts: RoomFacts, head: Head): void {
    if (this.current(from, serial) === undefined) return;
    if (head.facts !== factsDigest(facts) || !this.#room.genuineHead(head)) {
      this.#room.doubt(from, head, 'facts for which nobody vouches');
      return;
    }
    if (head.number !== this.#room.head?.number || head.chain !== this.#room.head.chain) return;
    this.#setFacts(facts);
    this.#room.children.pump();
  }

  /** To the parent, if there is one. */
  send(body: { readonly kind: 'members?'; readonly owners: readonly NodeName[] }): void {
    const parent = this.#parent;
    if (parent !== undefined) this.#room.context.send(parent.node, { ...body, room: this.#room.address, serial: parent.serial });
  }

  /** Tells the parent how far this node or a follower behind it is, for a new leader to know. */
  sayAhead(): void {
    const parent = this.#parent;
    const ahead = this.#room.children.furthest();
    if (parent === undefined || ahead === undefined) return;
    this.#room.context.send(parent.node, { kind: 'ahead', room: this.#room.address, serial: parent.serial, lineage: ahead.lineage });
  }

  /** The subscription, if that is the one and it was not refused, by either side. */
  current(from: NodeName, serial: number): Parent | undefined {
    const parent = this.#parent;
    return parent?.node === from && parent.serial === serial && parent.refused === undefined ? parent : undefined;
  }

  #subscribe(node: NodeName, target: NodeName): void {
    const { context, address, copy, roster, standIns } = this.#room;
    const grant = this.#room.grantToShow();
    if (grant === undefined) return;
    const serial = context.nextToken();
    this.#parent = { node, target, serial, grant, since: context.now, path: undefined, settled: false, refused: undefined };
    this.#branch = undefined;
    const lineage = this.#room.head === undefined ? [] : copy.lineage;
    context.send(node, { kind: 'subscribe', room: address, serial, lineage, roster: roster.digest(), grant, standIns: standIns ?? null });
    this.sayAhead();
  }

  #drop(parent: Parent): void {
    this.#parent = undefined;
    this.#branch = undefined;
    if (this.#room.context.linked(parent.node)) {
      this.#room.context.send(parent.node, { kind: 'unsubscribe', room: this.#room.address, serial: parent.serial });
    }
  }

  #again(): void {
    const parent = this.#parent;
    if (parent === undefined) return;
    this.#drop(parent);
    this.#subscribe(parent.node, parent.target);
    this.#room.announcePath();
  }

  /** Whether this node may let go of what it has for a head: not for an older epoch of the home, nor for a stand-in it does not follow. */
  #mayFollow(head: Head): boolean {
    const by = standInOf(head.epoch);
    if (by !== undefined) return this.#parent?.target === by;
    return counterOf(head.epoch) >= counterOf(this.#room.homeEpoch);
  }

  #vouched(from: NodeName, head: Head): void {
    const { copy } = this.#room;
    const branch = this.#branch!;
    if (head.number !== branch.last.number || head.chain !== branch.last.chain || !this.#room.genuineHead(head)) {
      this.#room.doubt(from, head, 'a head that does not fit its records');
      this.#branch = undefined;
      return;
    }
    const firstNew = branch.records.findIndex((record) => !copy.contains(positionOf(record)));
    const fresh = firstNew < 0 ? [] : branch.records.slice(firstNew);
    const fork = firstNew > 0 ? positionOf(branch.records[firstNew - 1]!) : firstNew === 0 ? branch.from : branch.last;
    const parts = copy.last.number > fork.number;
    const stale = parts && (head.epoch === this.#room.head?.epoch || !this.#mayFollow(head));
    // What is of an older epoch, or of a stand-in that is not followed, may be vouched for by a later head.
    if (stale || (!parts && !this.#mayFollow(head))) return;
    this.#branch = { from: branch.last, last: branch.last, records: [] };
    this.#room.lead.stop();
    if (parts) this.#room.goBack(fork);
    const parent = this.#parent;
    const first = parent !== undefined && !parent.settled;
    if (parent !== undefined) parent.settled = true;
    this.#append(fresh, head);
    if (first) this.#room.outbox.pathChanged();
    this.#checkFacts();
    this.#room.announcePath();
  }

  #append(records: readonly SignedRecord[], head: Head): void {
    const { copy } = this.#room;
    let { facts } = this.#room;
    for (const record of records) {
      copy.append(record);
      if (facts !== undefined) facts = afterRecord(facts, record);
    }
    this.#room.facts = facts;
    this.#room.advanced(records, head);
  }

  #setFacts(facts: RoomFacts): void {
    this.#room.facts = facts;
    if (this.#room.stored) this.#room.context.put({ kind: 'facts', room: this.#room.address, facts });
  }

  /** After going back, what the room is like cannot be computed: it is asked for. */
  #checkFacts(): void {
    const { head, facts, context, address } = this.#room;
    const parent = this.#parent;
    if (parent === undefined || !parent.settled || head === undefined) return;
    if (facts !== undefined && factsDigest(facts) === head.facts) return;
    if (context.now - this.#factsAsked < context.setup.limits.again / 2) return;
    this.#factsAsked = context.now;
    context.send(parent.node, { kind: 'facts?', room: address, serial: parent.serial });
  }
}
