/** Virtual time and virtual links. A link delivers in order, and what is under way when it is cut is lost; its two ends notice that when they do. */
import type { TreeMessage, NodeName } from '../../server/tree/message.ts';
import type { Random } from '../support/random.ts';

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A queue of what will happen, by time. */
export class Timeline {
  now = 0;
  #order = 0;
  readonly #heap: Event[] = [];

  after(delay: number, run: () => void): void {
    const event = { at: this.now + delay, order: (this.#order += 1), run };
    let at = this.#heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(event, this.#heap[parent]!)) break;
      this.#heap[at] = this.#heap[parent]!;
      at = parent;
    }
    this.#heap[at] = event;
  }

  /** Runs everything up to that time. */
  runUntil(time: number): void {
    while (this.#heap.length > 0 && this.#heap[0]!.at <= time) {
      const event = this.#pop();
      this.now = event.at;
      event.run();
    }
    this.now = time;
  }

  #pop(): Event {
    const first = this.#heap[0]!;
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#heap.length) break;
      if (child + 1 < this.#heap.length && before(this.#heap[child + 1]!, this.#heap[child]!)) child += 1;
      if (!before(this.#heap[child]!, last)) break;
      this.#heap[at] = this.#heap[child]!;
      at = child;
    }
    this.#heap[at] = last;
    return first;
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** What a link needs of the node at either end. */
export interface End {
  readonly name: NodeName;
  readonly running: boolean;
  linkUp(neighbour: NodeName, cost: number): void;
  linkDown(neighbour: NodeName): void;
  receive(from: NodeName, message: TreeMessage): void;
}

export type Watch = (from: NodeName, to: NodeName, message: TreeMessage) => void;

export class Link {
  readonly ends: readonly [End, End];
  /** What the end of that name sends instead. */
  instead: ((from: NodeName, message: TreeMessage) => readonly TreeMessage[]) | undefined;
  /** Whether anything lets it connect. */
  wanted = true;
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #watch: Watch;
  readonly #cost: number;
  readonly #delay: number;
  #generation = 0;
  #state: 'down' | 'up' | 'breaking' = 'down';
  readonly #knows: [boolean, boolean] = [false, false];
  readonly #busyUntil: [number, number] = [0, 0];
  /** Connected, but the program at that end has not heard of it yet: the bytes wait in the kernel. */
  #unread: [(() => void)[], (() => void)[]] = [[], []];

  constructor(ends: readonly [End, End], timeline: Timeline, random: Random, watch: Watch) {
    this.ends = ends;
    this.#timeline = timeline;
    this.#random = random;
    this.#watch = watch;
    this.#cost = random.integer(1, 5);
    this.#delay = random.integer(1, 40);
  }

  get up(): boolean {
    return this.#state === 'up';
  }

  /** Connects, if both ends run and nothing is in the way. */
  tryConnect(): void {
    if (this.#state !== 'down' || !this.wanted || this.ends.some((end) => !end.running)) return;
    this.#state = 'up';
    this.#unread = [[], []];
    const generation = (this.#generation += 1);
    for (const side of [0, 1] as const) {
      this.#timeline.after(this.#random.integer(0, 20), () => {
        if (this.#generation !== generation || this.#state !== 'up') return;
        this.#knows[side] = true;
        this.ends[side].linkUp(this.ends[1 - side]!.name, this.#cost);
        for (const deliver of this.#unread[side].splice(0)) deliver();
      });
    }
  }

  /** Cuts the wire; each end notices after a while. */
  cut(): void {
    if (this.#state !== 'up') return;
    this.#state = 'breaking';
    const generation = (this.#generation += 1);
    let left = 2;
    for (const side of [0, 1] as const) {
      this.#timeline.after(this.#random.integer(0, 400), () => {
        if (this.#generation !== generation) return;
        this.forget(side);
        left -= 1;
        if (left === 0) this.#state = 'down';
      });
    }
  }

  /** That end knows of the link no more. */
  forget(side: 0 | 1): void {
    if (!this.#knows[side]) return;
    this.#knows[side] = false;
    const end = this.ends[side];
    if (end.running) end.linkDown(this.ends[1 - side]!.name);
  }

  send(from: NodeName, message: TreeMessage): void {
    for (const sent of this.instead?.(from, message) ?? [message]) this.#carry(from, sent);
  }

  #carry(from: NodeName, message: TreeMessage): void {
    const side = this.ends[0].name === from ? 0 : 1;
    const other = this.ends[1 - side]!;
    if (!this.#knows[side] || this.#state !== 'up') return;
    const text = JSON.stringify(message);
    const generation = this.#generation;
    this.#busyUntil[side] = Math.max(this.#busyUntil[side], this.#timeline.now + this.#delay + this.#random.integer(0, 3));
    const deliver = (): void => {
      if (this.#generation !== generation || this.#state !== 'up' || !other.running) return;
      const there = side === 0 ? 1 : 0;
      if (!this.#knows[there]) {
        this.#unread[there].push(deliver);
        return;
      }
      this.#watch(from, other.name, message);
      other.receive(from, JSON.parse(text) as TreeMessage);
    };
    this.#timeline.after(this.#busyUntil[side] - this.#timeline.now, deliver);
  }
}
