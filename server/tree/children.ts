/**
 * The way down: the neighbours that follow a room here. Each has a cursor, the position up to which it was sent the log; a child that is
 * behind is served from memory, the storage, or a node further up, and then goes on with the others.
 */
import type { Position } from '../model/event.ts';
import { positionOf } from '../log/record.ts';
import { furthestOf, furtherThan, homeEnd } from './epoch.ts';
import { factsDigest } from './facts.ts';
import type { Grant, Head, NodeName, Repair, Snapshot, StandIns } from './message.ts';
import { fromSegments, toSegments, type SignedRecord } from './records.ts';
import type { RoomTree } from './room.ts';

export interface Child {
  readonly node: NodeName;
  readonly serial: number;
  readonly grant: Grant;
  lineage: readonly Position[];
  /** Of a follower behind it that has more. */
  ahead: readonly Position[] | undefined;
  cursor: Position | undefined;
  /** The cursor has still to be said. */
  from: Position | undefined;
  head: Head | undefined;
  /** What was begun for it and is not done yet; since when nothing came of it. */
  waiting: { at: number } | undefined;
  wantsFacts: boolean;
}

export class Children {
  readonly #room: RoomTree;
  readonly #children = new Map<NodeName, Child>();

  constructor(room: RoomTree) {
    this.#room = room;
  }

  get size(): number {
    return this.#children.size;
  }

  has(node: NodeName): boolean {
    return this.#children.has(node);
  }

  all(): Iterable<Child> {
    return this.#children.values();
  }

  subscribe(node: NodeName, serial: number, lineage: readonly Position[], grant: Grant, standIns: StandIns | null, roster: string): void {
    this.#room.takeStandIns(standIns);
    const refusal = this.#refusal(node, grant);
    if (refusal !== undefined) {
      this.#children.delete(node);
      this.#refuse(node, serial, refusal);
      return;
    }
    const child: Child = {
      ...{ node, serial, grant, lineage },
      ...{ ahead: undefined, cursor: undefined, from: undefined, head: undefined, waiting: undefined, wantsFacts: false },
    };
    this.#children.set(node, child);
    this.#room.update();
    this.#sendPath(child);
    this.#room.roster.subscribed(child, roster);
    this.#pump(child);
    if (this.#room.path === undefined) this.#room.uplink.sayAhead();
  }

  unsubscribe(node: NodeName, serial: number): void {
    if (this.#children.get(node)?.serial === serial) this.#children.delete(node);
  }

  linkDown(node: NodeName): void {
    this.#children.delete(node);
  }

  current(node: NodeName, serial: number): Child | undefined {
    const child = this.#children.get(node);
    return child?.serial === serial ? child : undefined;
  }

  receiveAhead(node: NodeName, serial: number, lineage: readonly Position[]): void {
    const child = this.current(node, serial);
    if (child === undefined) return;
    child.ahead = lineage;
    if (this.#room.path === undefined) this.#room.uplink.sayAhead();
  }

  factsWanted(node: NodeName, serial: number): void {
    const child = this.current(node, serial);
    if (child === undefined) return;
    child.wantsFacts = true;
    this.#pump(child);
  }

  /** The child that knows of more than this copy has, if there is one, and what it knows of. */
  furthest(but: ReadonlySet<NodeName> = new Set()): { readonly node: NodeName; readonly lineage: readonly Position[] } | undefined {
    const own = homeEnd(this.#room.copy.lineage);
    let best: { readonly node: NodeName; readonly lineage: readonly Position[]; readonly end: Position } | undefined;
    for (const { node, lineage, ahead } of this.#children.values()) {
      const known = ahead === undefined ? lineage : furthestOf(lineage, ahead);
      const end = homeEnd(known);
      if (end === undefined || but.has(node) || (own !== undefined && !furtherThan(end, own))) continue;
      if (best === undefined || furtherThan(end, best.end)) best = { node, lineage: known, end };
    }
    return best;
  }

  /** A grant of a node behind this one: the one that lasts longest. */
  grant(): Grant | undefined {
    let best: Grant | undefined;
    for (const { grant } of this.#children.values()) if (best === undefined || grant.expires > best.expires) best = grant;
    return best !== undefined && best.expires > this.#room.context.now ? best : undefined;
  }

  pathChanged(): void {
    for (const child of this.#children.values()) this.#sendPath(child);
  }

  /** The copy went back: so do they. */
  wentBack(to: Position): void {
    for (const child of this.#children.values()) {
      if (child.cursor === undefined || child.cursor.number <= to.number) continue;
      child.cursor = to;
      child.from = to;
      child.waiting = undefined;
    }
  }

  /** The copy began anew: the cursors of those who have one mean nothing any more. */
  restarted(): void {
    for (const [node, child] of this.#children) {
      child.waiting = undefined;
      child.from = undefined;
      if (child.cursor === undefined) continue;
      this.#children.delete(node);
      this.#refuse(node, child.serial, 'begin again');
    }
  }

  pump(): void {
    for (const child of this.#children.values()) this.#pump(child);
  }

  tick(): void {
    const { now, setup } = this.#room.context;
    for (const child of this.#children.values()) {
      if (child.grant.expires <= now) {
        this.#children.delete(child.node);
        this.#refuse(child.node, child.serial, 'the grant has expired');
        continue;
      }
      if (child.waiting !== undefined && now - child.waiting.at < setup.limits.again) continue;
      child.waiting = undefined;
      this.#pump(child);
    }
  }

  #refusal(node: NodeName, grant: Grant): string | undefined {
    const { context } = this.#room;
    if (!this.#room.genuine(grant)) return 'no grant';
    if (grant.expires <= context.now) return 'the grant has expired';
    if (grant.node === node) return undefined;
    const { topology } = context;
    const target = this.#room.target();
    const behind =
      topology.leadsOver(grant.node, context.setup.name, node) || (target !== undefined && topology.leadsOver(grant.node, target, node));
    return behind ? undefined : 'the grant is that of a node elsewhere';
  }

  #refuse(node: NodeName, serial: number, reason: string): void {
    this.#room.context.send(node, { kind: 'refused', room: this.#room.address, serial, reason });
  }

  #sendPath({ node, serial }: Child): void {
    const { path, standIns, address, context } = this.#room;
    context.send(node, { kind: 'path', room: address, serial, path: path ?? null, standIns: standIns ?? null });
  }

  #pump(child: Child): void {
    const { copy, head, stored, context } = this.#room;
    if (child.waiting !== undefined || head === undefined || head.number !== copy.last.number) return;
    if (child.cursor === undefined) this.#place(child);
    while (child.cursor !== undefined && child.waiting === undefined && child.cursor.number < copy.last.number) {
      const { number } = child.cursor;
      const tooOld = copy.last.number - number > context.setup.limits.longestGap;
      if (tooOld || !copy.holdsAfter(number, stored)) {
        this.#fetch(child, tooOld);
        return;
      }
      const waiting = { at: context.now };
      child.waiting = waiting;
      this.#room.reads.read(number, context.setup.limits.chunk, (records) => {
        if (child.waiting !== waiting) return;
        // What was there is gone: it is tried again after a while.
        if (records[0]?.number !== number + 1) return;
        child.waiting = undefined;
        this.#sendRecords(child, records);
        // Read later: whoever called does not go on.
        if (this.#children.get(child.node) === child && context.now > waiting.at) this.#pump(child);
      });
    }
    if (child.cursor?.number !== copy.last.number || child.waiting !== undefined) return;
    if (child.from !== undefined || child.head !== head) this.#sendRecords(child, []);
    const { facts } = this.#room;
    if (!child.wantsFacts || facts === undefined || factsDigest(facts) !== head.facts) return;
    child.wantsFacts = false;
    context.send(child.node, { kind: 'facts', room: this.#room.address, serial: child.serial, facts, head });
  }

  #sendRecords(child: Child, records: readonly SignedRecord[]): void {
    const { copy, address, context } = this.#room;
    const last = records.at(-1);
    if (last !== undefined) child.cursor = positionOf(last);
    const head = child.cursor?.number === copy.last.number ? (this.#room.head ?? null) : null;
    if (head !== null) child.head = head;
    const { node, serial, from } = child;
    context.send(node, { kind: 'events', room: address, serial, from: from ?? null, segments: toSegments(records), head });
    child.from = undefined;
  }

  /** Finds where a new child stands in this log. */
  #place(child: Child): void {
    const { copy, closed, lead, isHome, stored } = this.#room;
    const common = copy.common(child.lineage, closed);
    switch (common.kind) {
      case 'at':
        child.cursor = common.position;
        child.from = common.position;
        if (common.position.number < copy.last.number && !copy.holdsAfter(common.position.number, stored)) this.#fetch(child, false);
        return;
      case 'behind':
        if (isHome && lead.leading) lead.overtaken(child);
        return;
      case 'none':
        if (lead.leading || (child.lineage.length === 0 && this.#room.snapshot() !== undefined)) {
          this.#sendSnapshot(child, this.#room.snapshot());
        } else this.#fetch(child, false);
        return;
      default:
        common satisfies never;
    }
  }

  #sendSnapshot(child: Child, snapshot: Snapshot | undefined): void {
    if (snapshot === undefined) return;
    const { context, address } = this.#room;
    context.send(child.node, { kind: 'snapshot', room: address, serial: child.serial, snapshot });
    child.lineage = snapshot.lineage;
    child.cursor = undefined;
    child.from = undefined;
    const last = snapshot.lineage.at(-1);
    if (last === undefined || this.#room.copy.contains(last)) {
      child.cursor = last ?? { epoch: '', number: 0, chain: '' };
      child.head = snapshot.head;
    }
  }

  /** This copy lacks what the child needs: a node toward the leader may have it, the leader may offer a snapshot. */
  #fetch(child: Child, tooOld: boolean): void {
    const { lead, uplink, copy, stored, context } = this.#room;
    if (tooOld || lead.leading) {
      this.#sendSnapshot(child, this.#room.snapshot());
      return;
    }
    if (uplink.node === undefined) return;
    const waiting = { at: context.now };
    child.waiting = waiting;
    const upTo = (stored ? copy.base : copy.from).number;
    this.#fetchMore(child, waiting, child.cursor === undefined ? child.lineage : [child.cursor], upTo, []);
  }

  #fetchMore(child: Child, waiting: { at: number }, lineage: readonly Position[], upTo: number, got: readonly SignedRecord[]): void {
    const { uplink, reads, copy, address, context } = this.#room;
    const { node: above } = uplink;
    if (above === undefined) return;
    reads.ask(above, lineage, upTo, (repair: Repair) => {
      if (child.waiting !== waiting || this.#children.get(child.node) !== child || repair.kind === 'nothing') return;
      waiting.at = context.now;
      if (repair.kind === 'snapshot') {
        if (!this.#room.vouchedFor(repair.snapshot)) return;
        child.waiting = undefined;
        this.#sendSnapshot(child, repair.snapshot);
        this.#pump(child);
        return;
      }
      const records = fromSegments(address, repair.from, repair.segments);
      const first = got.length === 0;
      if (records === undefined) {
        context.broken(above, 'its repair does not continue where it says');
        return;
      }
      // Its log went back meanwhile: all of it is asked for again.
      if (!first && repair.from.number !== got.at(-1)!.number) return;
      const all = [...got, ...records];
      const end = all.length === 0 ? repair.from : positionOf(all.at(-1)!);
      if (first) child.from = repair.from;
      if (records.length > 0 && end.number < upTo && all.length <= context.setup.limits.longestGap) {
        this.#fetchMore(child, waiting, [end], upTo, all);
        return;
      }
      // What was gathered has to end where this copy begins, with the same hash: nothing unproven is passed on.
      if (end.number !== upTo || !copy.contains(end)) return;
      child.waiting = undefined;
      child.cursor = end;
      if (all.length > 0) this.#sendRecords(child, all);
      this.#pump(child);
    });
  }
}
