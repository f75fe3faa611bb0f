/** What strangers may take before they have proved themselves (threat class A4), and who does not register in time. */
import type { Socket } from 'node:net';
import { addressGroup } from '../directory/names.ts';
import { plainAddress } from './connection.ts';

export interface StrangerLimits {
  readonly maxUnadmittedPerAddress: number;
  readonly maxUnadmitted: number;
  readonly maxConnectionsPerAddress: number;
  /** Seconds. */
  readonly admitDeadline: number;
}

/** Counts connections per address group over all listeners. */
export class Strangers {
  readonly #limits: StrangerLimits;
  readonly #unadmitted = new Map<string, number>();
  readonly #connections = new Map<string, number>();
  #all = 0;

  constructor(limits: StrangerLimits) {
    this.#limits = limits;
  }

  get deadline(): number {
    return this.#limits.admitDeadline;
  }

  /** Takes one in, or says why not. */
  enter(group: string, most = this.#limits.maxUnadmittedPerAddress): string | undefined {
    if (this.#all >= this.#limits.maxUnadmitted) return 'too many connections wait for registration';
    if ((this.#unadmitted.get(group) ?? 0) >= most) return 'too many unregistered connections from this address';
    const refused = this.connected(group);
    if (refused !== undefined) return refused;
    this.#all++;
    bump(this.#unadmitted, group, 1);
    return undefined;
  }

  /** Counts a connection that need not register, or says why it may not be. */
  connected(group: string): string | undefined {
    if ((this.#connections.get(group) ?? 0) >= this.#limits.maxConnectionsPerAddress) return 'too many connections from this address';
    bump(this.#connections, group, 1);
    return undefined;
  }

  admitted(group: string): void {
    this.#all--;
    bump(this.#unadmitted, group, -1);
  }

  left(group: string): void {
    bump(this.#connections, group, -1);
  }
}

function bump(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}

/** Somebody whose connection a listener took: a stranger until `admit`. */
export interface Visitor {
  readonly group: string;
  readonly socket: Socket;
  /** When a stranger is shown out, on the clock of `performance`. */
  readonly due: number;
  /** Registration is complete. */
  admit(): void;
}

/** The connections of one listener. One timer serves all of its strangers, and one function all of its sockets. */
export class Door {
  readonly #strangers: Strangers;
  readonly #perAddress: number | undefined;
  readonly #milliseconds: number;
  readonly #visitors = new Map<Socket, Visitor>();
  /** In the order in which they came, which is that of their deadlines. */
  readonly #waiting = new Set<Visitor>();
  #timer: NodeJS.Timeout | undefined;
  readonly #onClose: (this: Socket) => void;

  /** `perAddress` and `seconds`: the listener's own limits; absent: those of all. */
  constructor(strangers: Strangers, perAddress: number | undefined, seconds: number | undefined) {
    this.#strangers = strangers;
    this.#perAddress = perAddress;
    this.#milliseconds = (seconds ?? strangers.deadline) * 1_000;
    const left = (socket: Socket): void => this.#left(socket);
    this.#onClose = function (this: Socket) {
      left(this);
    };
  }

  /** Sockets that are open. */
  get sockets(): Iterable<Socket> {
    return this.#visitors.keys();
  }

  /** Takes somebody in, or says why not. */
  enter(socket: Socket): Visitor | string {
    const group = addressGroup(plainAddress(socket.remoteAddress ?? ''));
    const refused = this.#strangers.enter(group, this.#perAddress);
    if (refused !== undefined) return refused;
    const visitor = new Stranger(this, group, socket, Math.ceil(performance.now() + this.#milliseconds));
    this.#visitors.set(socket, visitor);
    this.#waiting.add(visitor);
    socket.on('close', this.#onClose);
    if (this.#timer === undefined) this.#watch(this.#milliseconds);
    return visitor;
  }

  admitted(visitor: Visitor): void {
    if (this.#waiting.delete(visitor)) this.#strangers.admitted(visitor.group);
  }

  #left(socket: Socket): void {
    const visitor = this.#visitors.get(socket);
    if (visitor === undefined) return;
    this.#visitors.delete(socket);
    this.admitted(visitor);
    this.#strangers.left(visitor.group);
  }

  #watch(milliseconds: number): void {
    this.#timer = setTimeout(() => this.#showOut(), milliseconds).unref();
  }

  #showOut(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const visitor of this.#waiting) {
      if (visitor.due > now) {
        this.#watch(visitor.due - now);
        return;
      }
      this.admitted(visitor);
      visitor.socket.destroy(new Error('registration took too long'));
    }
  }
}

class Stranger implements Visitor {
  readonly group: string;
  readonly socket: Socket;
  readonly due: number;
  readonly #door: Door;

  constructor(door: Door, group: string, socket: Socket, due: number) {
    this.#door = door;
    this.group = group;
    this.socket = socket;
    this.due = due;
  }

  admit(): void {
    this.#door.admitted(this);
  }
}
