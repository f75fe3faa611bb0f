/**
 * The way out: everything that happens is queued here in order, and at the end of the tick made durable in one write and
 * then shown to followers, a room's items in one batch. Nobody sees what is not durable.
 */
import type { Logger } from 'pino';
import type { Batch, Follower, Room, RoomItem } from '../contract/rooms.ts';
import type { LogAddress, LogRecord, RoomChange } from '../model/event.ts';
import type { Storage } from '../storage.ts';
import { Bustle, fullWindow, windowMilliseconds } from './bustle.ts';

export type FollowerKind = 'session' | 'mirror' | 'other';

/** What Delivery needs of a room. */
export interface FollowedRoom extends Room {
  readonly followers: Map<Follower, FollowerKind>;
  /** Kept by Delivery. */
  bustle?: Bustle | undefined;
  /** Until the storage knows the room: a start deletes logs that belong to no room. */
  readonly unsaved?: Promise<void> | undefined;
}

/** Told about a record's fate: durable, or lost because the storage failed. */
export interface Settled {
  settled(error: Error | undefined): void;
}

/** Entries with a room are what its followers get, as they are: nothing is made anew for each of them. */
type Entry =
  | {
      readonly kind: 'record';
      readonly room: FollowedRoom | undefined;
      readonly record: LogRecord;
      readonly via: Follower | undefined;
      readonly owner: Settled | undefined;
      lost: boolean;
    }
  | {
      readonly kind: 'change';
      readonly room: FollowedRoom;
      readonly change: RoomChange;
      readonly via: Follower | undefined;
      readonly to: FollowerKind | 'all';
    }
  | { readonly kind: 'step'; readonly rooms: Rooms; readonly run: () => void };

/** Between whose items a step must happen: one room's, those of all that the function names, or all rooms'. */
type Rooms = FollowedRoom | ((room: Room) => boolean) | undefined;

/** A tick in which more happens is cut into several batches: whatever waits for long is costly to keep, and one write has its limits. */
const mostWaiting = 4_096;
/** Steps cost no write, so that nothing is gained by keeping many. */
const mostSteps = 512;

class RoomBatch implements Batch {
  readonly room: Room;
  readonly items: readonly RoomItem[];
  readonly #made = new Map<string, unknown>();
  readonly #came: ReadonlySet<Follower>;

  constructor(room: Room, items: readonly RoomItem[]) {
    this.room = room;
    this.items = items;
    const came = new Set<Follower>();
    for (const item of items) if (item.via !== undefined) came.add(item.via);
    this.#came = came;
  }

  shared<T>(key: string, make: () => T): T {
    const known = this.#made.get(key);
    if (known !== undefined || this.#made.has(key)) return known as T;
    const made = make();
    this.#made.set(key, made);
    return made;
  }

  cameBy(follower: Follower): boolean {
    return this.#came.has(follower);
  }
}

/** Only what is said in busy rooms: whoever waits for anything else sees every delay. */
function mayWait(entry: Entry): boolean {
  return entry.kind === 'record' && entry.record.content.kind === 'message' && entry.room?.bustle?.isBusy(performance.now()) === true;
}

/** What Delivery cannot do itself when something goes wrong. */
export interface DeliveryOwner {
  /**
   * The storage lost records of these logs. Finds out where the logs stand, and answers with how to put their numbers right: in one step
   * with refusing what was numbered meanwhile.
   */
  recover(logs: ReadonlySet<LogAddress>): Promise<() => void>;
  /** The follower failed on a delivery and follows the room no more. */
  failed(room: FollowedRoom, follower: Follower): void;
}

export class Delivery {
  readonly #storage: Storage;
  readonly #log: Logger;
  readonly #owner: DeliveryOwner;
  #queue: Entry[] = [];
  #steps = 0;
  #scheduled: 'no' | 'at once' | 'soon' = 'no';
  #running: Promise<void> | undefined;

  constructor(storage: Storage, log: Logger, owner: DeliveryOwner) {
    this.#storage = storage;
    this.#log = log;
    this.#owner = owner;
  }

  /** Queues a record for its log, and for the room's followers when it belongs to a room. */
  record(room: FollowedRoom | undefined, record: LogRecord, via?: Follower, owner?: Settled): void {
    this.#enqueue({ kind: 'record', room, record, via, owner, lost: false });
  }

  change(room: FollowedRoom, change: RoomChange, via?: Follower, to: FollowerKind | 'all' = 'all'): void {
    this.#enqueue({ kind: 'change', room, change, via, to });
  }

  /**
   * Runs after everything queued before (of those rooms) has been shown, and before everything queued later. Whatever a room's items are
   * parted by costs all its followers a batch more: name no more rooms than those whose followers may know the difference.
   */
  step(rooms: Rooms, run: () => void): void {
    this.#steps++;
    this.#enqueue({ kind: 'step', rooms, run });
  }

  /** Resolves when everything queued so far (of that room, or of all) has been shown. */
  shown(room?: FollowedRoom): Promise<void> {
    return new Promise((resolve) => this.step(room, resolve));
  }

  /** Resolves when nothing is queued any more: for a stop, when nobody adds. */
  async drained(): Promise<void> {
    while (this.#queue.length > 0 || this.#running !== undefined) {
      await (this.#running ?? this.#flush());
    }
  }

  #enqueue(entry: Entry): void {
    this.#queue.push(entry);
    if (this.#scheduled !== 'at once') this.#schedule(this.#queue.length < fullWindow && mayWait(entry));
    // Not at once: whoever queues is in the middle of something.
    if (this.#queue.length === mostWaiting || this.#steps === mostSteps) queueMicrotask(() => this.#flushIdle());
  }

  #flushIdle(): void {
    if (this.#running === undefined) void this.#flush();
  }

  /** At once means at the end of the tick; soon, at the end of the window, unless something comes that must not wait. */
  #schedule(mayWait: boolean): void {
    if (this.#running !== undefined || (mayWait && this.#scheduled === 'soon')) return;
    this.#scheduled = mayWait ? 'soon' : 'at once';
    if (mayWait) setTimeout(this.#due, windowMilliseconds);
    else setImmediate(this.#due);
  }

  readonly #due = (): void => {
    this.#scheduled = 'no';
    if (this.#queue.length > 0) this.#flushIdle();
  };

  #flush(): Promise<void> {
    this.#running = this.#work().finally(() => {
      this.#running = undefined;
      if (this.#queue.length > 0) this.#schedule(!this.#isPressing());
    });
    return this.#running;
  }

  /** Something came while others were stored that must not wait for the window. */
  #isPressing(): boolean {
    return this.#queue.length >= fullWindow || this.#queue.some((entry) => !mayWait(entry));
  }

  async #work(): Promise<void> {
    do {
      const entries = this.#queue;
      this.#queue = [];
      this.#steps = 0;
      const records: LogRecord[] = [];
      for (const entry of entries) {
        if (entry.kind !== 'record') continue;
        records.push(entry.record);
        // A room that ends with its last member ends with a stop too.
        if (entry.room?.unsaved !== undefined && entry.room.config.persistent) await entry.room.unsaved;
      }
      if (records.length > 0) {
        try {
          await this.#storage.append(records);
        } catch (error) {
          await this.#lose(entries, records, error instanceof Error ? error : new Error(String(error)));
        }
      }
      this.#show(entries);
    } while (this.#isPressing());
  }

  /** The storage failed: nobody sees these records, nor those numbered after them in the same logs; their authors are told. */
  async #lose(entries: readonly Entry[], records: readonly LogRecord[], error: Error): Promise<void> {
    const logs = new Set(records.map((record) => record.log));
    this.#log.error({ err: error, records: records.length }, 'the storage did not take the messages of this moment; they are refused');
    const correct = await this.#owner.recover(logs);
    const lost = [...entries, ...this.#queue].filter((entry) => entry.kind === 'record' && logs.has(entry.record.log));
    for (const entry of lost) if (entry.kind === 'record') entry.lost = true;
    this.#queue = this.#queue.filter((entry) => entry.kind !== 'record' || !entry.lost);
    correct();
    // The newest first: each takes back what it changed.
    for (const entry of lost.toReversed()) if (entry.kind === 'record' && entry.owner !== undefined) this.#settle(entry.owner, error);
  }

  #show(entries: readonly Entry[]): void {
    const groups = new Map<FollowedRoom, RoomItem[]>();
    // What happens in one room mostly comes together.
    let last: FollowedRoom | undefined;
    let items: RoomItem[] | undefined;
    const showRoom = (room: FollowedRoom): void => {
      const waiting = groups.get(room);
      if (waiting === undefined) return;
      groups.delete(room);
      last = undefined;
      this.#deliver(room, waiting, 'all');
    };
    for (const entry of entries) {
      if (entry.kind === 'step') {
        const { rooms } = entry;
        if (typeof rooms === 'object') showRoom(rooms);
        else for (const room of groups.keys()) if (rooms === undefined || rooms(room)) showRoom(room);
        this.#guard(entry.run);
        continue;
      }
      if (entry.kind === 'record') {
        if (entry.lost) continue;
        if (entry.owner !== undefined) this.#settle(entry.owner, undefined);
      } else if (entry.to !== 'all') {
        showRoom(entry.room);
        this.#deliver(entry.room, [entry], entry.to);
        continue;
      }
      const { room } = entry;
      if (room === undefined) continue;
      if (room !== last) {
        last = room;
        items = groups.get(room);
        if (items === undefined) groups.set(room, (items = []));
      }
      items!.push(entry);
    }
    for (const room of groups.keys()) showRoom(room);
  }

  #deliver(room: FollowedRoom, items: readonly RoomItem[], to: FollowerKind | 'all'): void {
    if (room.followers.size === 0) return;
    (room.bustle ??= new Bustle()).shown(items.length, performance.now());
    const batch = new RoomBatch(room, items);
    for (const [follower, kind] of room.followers) {
      if (to !== 'all' && to !== kind) continue;
      let own = batch;
      if (kind === 'mirror' && batch.cameBy(follower)) {
        const others = items.filter((item) => item.via !== follower);
        if (others.length === 0) continue;
        own = new RoomBatch(room, others);
      }
      try {
        follower.deliver(own);
      } catch (error) {
        this.#log.error({ err: error, room: room.address }, 'a follower failed on a delivery and is cut off');
        room.followers.delete(follower);
        this.#guard(() => this.#owner.failed(room, follower));
      }
    }
  }

  #settle(owner: Settled, lost: Error | undefined): void {
    try {
      owner.settled(lost);
    } catch (error) {
      this.#log.error({ err: error }, 'whoever waited for a record failed');
    }
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#log.error({ err: error }, 'a step of the delivery failed');
    }
  }
}
