/** A virtual disk: what is written is seen at once by its own node, and survives a crash some milliseconds later. */
import type { RoomAddress } from '../../server/model/address.ts';
import type { Position } from '../../server/model/event.ts';
import type { EventId } from '../../server/model/ids.ts';
import { origin, positionOf } from '../../server/log/record.ts';
import type { RoomFacts } from '../../server/tree/facts.ts';
import type { Grant, Head, NodeName, StandIns } from '../../server/tree/message.ts';
import { standInOf } from '../../server/tree/epoch.ts';
import type { KeptRoom } from '../../server/tree/port.ts';
import type { SignedRecord } from '../../server/tree/records.ts';

/** A room's part of a disk. */
export class DiskRoom {
  base: Position = origin;
  /** Of what lies before `base`. */
  before: readonly Position[] = [origin];
  records: SignedRecord[] = [];
  head: Head | null = null;
  homeHead: Head | null = null;
  facts: RoomFacts | null = null;
  homeFacts: RoomFacts | null = null;
  standIns: StandIns | null = null;
  grant: Grant | null = null;
  /** Taken back, and not confirmed by the home yet. */
  aside: SignedRecord[] = [];

  get last(): Position {
    const last = this.records.at(-1);
    return last === undefined ? this.base : positionOf(last);
  }

  lineage(): Position[] {
    const ends: Position[] = [];
    for (const position of [...this.before, ...this.records.map(positionOf)]) {
      if (ends.at(-1)?.epoch === position.epoch) ends[ends.length - 1] = position;
      else ends.push(position);
    }
    return ends;
  }

  kept(remembered: number): KeptRoom {
    const { base, head, homeHead, facts, homeFacts, standIns, grant, records } = this;
    return { base, lineage: this.lineage(), records: records.slice(-remembered), head, homeHead, facts, homeFacts, standIns, grant };
  }

  append(records: readonly SignedRecord[], head: Head, facts: RoomFacts | null): void {
    for (const record of records) {
      if (record.number !== this.last.number + 1) throw new Error(`number ${record.number} after ${this.last.number}`);
      this.records.push(record);
    }
    this.vouch(head, facts);
  }

  vouch(head: Head, facts: RoomFacts | null): void {
    this.head = head;
    this.facts = facts;
    if (standInOf(head.epoch) === undefined) [this.homeHead, this.homeFacts] = [head, facts];
  }

  /** Takes what comes after that position aside; answers with it. */
  back(to: Position): SignedRecord[] {
    const taken = this.records.filter(({ number }) => number > to.number);
    this.records = this.records.filter(({ number }) => number <= to.number);
    if (to.number < this.base.number) {
      this.base = to;
      this.before = [...this.before.filter(({ number }) => number < to.number), to];
    }
    const known = new Set(this.aside.map(({ id }) => id));
    this.aside.push(...taken.filter(({ id }) => !known.has(id)));
    return taken;
  }

  restart(lineage: readonly Position[], facts: RoomFacts): void {
    this.before = lineage;
    this.base = lineage.at(-1) ?? origin;
    this.records = [];
    this.facts = facts;
  }

  confirm(ids: readonly EventId[]): void {
    this.aside = this.aside.filter(({ id }) => !ids.includes(id));
  }
}

/** What a node keeps. `durable` is what a crash leaves. */
export class Disk {
  incarnation = 0;
  readonly pins = new Map<NodeName, string>();
  #live = new Map<RoomAddress, DiskRoom>();
  readonly #durable = new Map<RoomAddress, DiskRoom>();

  room(address: RoomAddress): DiskRoom {
    return ensure(this.#live, address);
  }

  rooms(): Iterable<readonly [RoomAddress, DiskRoom]> {
    return this.#live;
  }

  /** What would be left of a room. */
  durable(address: RoomAddress): DiskRoom {
    return ensure(this.#durable, address);
  }

  /** Changes a room at once; answers with how to make the change durable. */
  write(address: RoomAddress, change: (room: DiskRoom) => void): () => void {
    change(this.room(address));
    return () => change(this.durable(address));
  }

  crash(): void {
    this.#live = new Map([...this.#durable].map(([address, room]) => [address, copyOf(room)]));
  }
}

function ensure(rooms: Map<RoomAddress, DiskRoom>, address: RoomAddress): DiskRoom {
  let room = rooms.get(address);
  if (room === undefined) {
    room = new DiskRoom();
    rooms.set(address, room);
  }
  return room;
}

function copyOf(room: DiskRoom): DiskRoom {
  return Object.assign(new DiskRoom(), { ...room, records: [...room.records], aside: [...room.aside] });
}
