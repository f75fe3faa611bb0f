/** A random tree with random people and random misfortune, decided by a seed. */
import type { RoomAddress } from '../../server/model/address.ts';
import type { LoggedContent } from '../../server/model/event.ts';
import type { EventId } from '../../server/model/ids.ts';
import { plainText } from '../../server/model/text.ts';
import { seeded, type Random } from '../support/random.ts';
import { Liar } from './hostile.ts';
import { homeOf, nodeName, SimHost, simRoom } from './host.ts';
import { Link, Timeline } from './network.ts';
import { Oracle, type Counts } from './oracle.ts';

export type Shape = 'tree' | 'ring' | 'small world' | 'hubs';
const shapes: readonly Shape[] = ['tree', 'ring', 'small world', 'hubs'];

export interface Run {
  readonly seed: number;
  readonly nodes: number;
  /** Of virtual misfortune, in seconds. */
  readonly seconds: number;
  /** Whether disks may be lost. */
  readonly wipes: boolean;
  /** Whether a node, no room's home, lies until everything heals. */
  readonly hostile: boolean;
}

export interface Report extends Counts {
  readonly shape: Shape;
  readonly rooms: number;
  readonly misfortunes: number;
}

/** Which nodes are linked. Always in one piece. */
function edges(shape: Shape, count: number, random: Random): (readonly [number, number])[] {
  const found = new Set<string>();
  const add = (a: number, b: number): void => {
    if (a !== b) found.add(a < b ? `${a} ${b}` : `${b} ${a}`);
  };
  for (let node = 1; node < count; node++) {
    if (shape === 'tree') add(node, random.integer(0, node - 1));
    else if (shape === 'hubs') add(node, random.integer(0, Math.min(node - 1, 1)));
    else add(node, node - 1);
  }
  if (shape === 'ring' || shape === 'small world') add(0, count - 1);
  if (shape === 'small world')
    for (let chord = 0; chord < count / 3; chord++) add(random.integer(0, count - 1), random.integer(0, count - 1));
  if (shape === 'hubs') {
    add(0, 1);
    for (let more = 0; more < count / 2; more++) add(random.integer(0, 1), random.integer(0, count - 1));
  }
  return [...found].map((pair) => pair.split(' ').map(Number) as [number, number]);
}

class World {
  readonly timeline = new Timeline();
  readonly random: Random;
  readonly oracle = new Oracle();
  readonly hosts: SimHost[];
  readonly links: Link[];
  readonly rooms: RoomAddress[];
  readonly shape: Shape;
  misfortunes = 0;
  #texts = 0;
  readonly #wipes: boolean;

  constructor({ seed, nodes, wipes, hostile }: Run) {
    this.random = seeded(seed);
    this.#wipes = wipes;
    this.shape = this.random.pick(shapes);
    this.rooms = Array.from({ length: this.random.integer(1, 3) }, (_, index) =>
      simRoom(nodeName(this.random.integer(0, nodes - 1)), index),
    );
    this.hosts = Array.from({ length: nodes }, (_, i) => new SimHost(nodeName(i), this.rooms, this.timeline, this.random, this.oracle));
    this.oracle.hosts = this.hosts;
    this.links = edges(this.shape, nodes, this.random).map(
      ([a, b]) =>
        new Link([this.hosts[a]!, this.hosts[b]!], this.timeline, this.random, (from, to, message) =>
          this.oracle.arrives(from, to, message),
        ),
    );
    if (hostile) this.#corrupt();
    for (const link of this.links) for (const end of link.ends) this.hosts.find((host) => host === end)!.links.push(link);
  }

  run(seconds: number): Report {
    const { timeline, random } = this;
    for (const host of this.hosts) host.start(false);
    timeline.runUntil(2_000);
    for (const room of this.rooms) {
      for (const host of this.hosts) if (random.integer(0, 2) > 0 || host.name === homeOf(room)) host.join(room, 0);
    }
    timeline.runUntil(6_000);
    for (const room of this.rooms) this.#chooseStandIns(room);
    for (const end = timeline.now + seconds * 1_000; timeline.now < end;) {
      this.#act();
      timeline.runUntil(timeline.now + random.integer(5, 300));
    }
    this.#reform();
    this.#heal();
    timeline.runUntil(timeline.now + 30_000);
    if (!this.#wipes) this.#talkWithoutHome(this.rooms[0]!);
    timeline.runUntil(timeline.now + 30_000);
    this.oracle.quiet();
    // One word more from everybody, for logs to be equal not only by having been left alone.
    for (const room of this.rooms) for (const host of this.hosts) this.#say(host, room);
    timeline.runUntil(timeline.now + 10_000);
    this.oracle.finish(this.rooms);
    return { ...this.oracle.counts, shape: this.shape, rooms: this.rooms.length, misfortunes: this.misfortunes };
  }

  #corrupt(): void {
    const able = this.hosts.filter(({ name }) => !this.rooms.some((room) => homeOf(room) === name));
    const { name } = this.random.pick(able);
    const liar = new Liar(this.random);
    this.oracle.hostile = name;
    for (const link of this.links) {
      if (link.ends.some((end) => end.name === name)) link.instead = (from, message) => (from === name ? liar.instead(message) : [message]);
    }
  }

  /** The liar becomes honest; what it made others believe ends with its links. */
  #reform(): void {
    const liar = this.hosts.find(({ name }) => name === this.oracle.hostile);
    if (liar === undefined) return;
    for (const link of this.links) link.instead = undefined;
    if (liar.running) {
      liar.crash(false);
      this.timeline.after(1_000, () => liar.start(false));
    }
    this.timeline.after(900, () => (this.oracle.hostile = undefined));
  }

  /** The home goes out of reach: whoever reaches a stand-in talks on. */
  #talkWithoutHome(room: RoomAddress): void {
    const { timeline } = this;
    const home = this.hosts.find(({ name }) => name === homeOf(room))!;
    const standIns = home.tree?.room(room)?.standIns?.nodes ?? [];
    this.#isolate(home);
    timeline.runUntil(timeline.now + 6_000);
    const said: EventId[] = [];
    for (const host of this.hosts) {
      const within = this.#reached(host);
      const first = standIns.find((name) => this.hosts.some((other) => other.name === name && within.has(other)));
      const person = [...(host.people.get(room)?.keys() ?? [])][0];
      if (host === home || first === undefined || person === undefined) continue;
      const id = host.say(room, person, (author) => this.#text(author as never));
      if (id !== undefined) said.push(id);
    }
    timeline.runUntil(timeline.now + 5_000);
    for (const id of said) this.oracle.answered(id);
    for (const link of home.links) this.#mend(link);
  }

  #reached(from: SimHost): ReadonlySet<unknown> {
    const reached = new Set<unknown>([from]);
    for (const end of reached)
      for (const { up, ends } of this.links) if (up && ends.some((other) => other === end)) for (const other of ends) reached.add(other);
    return reached;
  }

  #chooseStandIns(room: RoomAddress): void {
    const { random } = this;
    const home = this.hosts.find(({ name }) => name === homeOf(room))!;
    const able = this.hosts
      .filter((host) => host !== home && host.name !== this.oracle.hostile && (host.people.get(room)?.size ?? 0) > 0)
      .map(({ name }) => name);
    const chosen: typeof able = [];
    while (able.length > 0 && chosen.length < 3) chosen.push(...able.splice(random.integer(0, able.length - 1), 1));
    home.setStandIns(room, chosen);
  }

  #act(): void {
    const { random } = this;
    const host = random.pick(this.hosts);
    const room = random.pick(this.rooms);
    const link = random.pick(this.links);
    const dice = random.integer(0, 99);
    if (dice < 60) for (let burst = random.integer(1, 3); burst > 0; burst--) this.#say(host, room);
    else if (dice < 66) host.join(room, random.integer(0, 2));
    else if (dice < 70) this.#leave(host, room);
    else if (dice < 80) this.#misfortune(() => this.#cut(link));
    else if (dice < 92) this.#mend(link);
    else if (dice < 94) this.#misfortune(() => this.#isolate(host));
    else if (dice < 97) this.#misfortune(() => this.#crash(host));
    else this.#kick(host, room);
  }

  #misfortune(cause: () => void): void {
    this.misfortunes += 1;
    cause();
  }

  #content(author: { address: never; nick: string }): LoggedContent {
    const number = (this.#texts += 1);
    if (number % 17 === 0) return { kind: 'topic', author, topic: `topic ${number}` };
    if (number % 29 === 0) return { kind: 'config', author, changes: { title: `title ${number}` } };
    return this.#text(author);
  }

  #text(author: { address: never; nick: string }): LoggedContent {
    return { kind: 'message', author, text: plainText(`text ${this.#texts}`), style: 'normal' };
  }

  #say(host: SimHost, room: RoomAddress): void {
    const people = [...(host.people.get(room)?.keys() ?? [])];
    if (people.length > 0) host.say(room, this.random.pick(people), (author) => this.#content(author as never));
  }

  #leave(host: SimHost, room: RoomAddress): void {
    const people = [...(host.people.get(room)?.keys() ?? [])];
    if (people.length > 0) host.leave(room, this.random.pick(people));
  }

  #kick(host: SimHost, room: RoomAddress): void {
    const { random } = this;
    const own = [...(host.people.get(room)?.values() ?? [])];
    const other = random.pick(this.hosts);
    const theirs = [...(other.people.get(room)?.values() ?? [])];
    if (own.length === 0 || theirs.length === 0 || other.name === homeOf(room)) return;
    const { address, nick } = random.pick(theirs);
    const banned = random.integer(0, 3) === 0;
    host.say(room, random.pick(own).address, (author) => ({ kind: 'kick', author, target: { address, nick }, reason: '', banned }));
  }

  #cut(link: Link): void {
    link.wanted = false;
    link.cut();
  }

  #mend(link: Link): void {
    link.wanted = true;
    link.tryConnect();
  }

  #isolate(host: SimHost): void {
    for (const link of host.links) this.#cut(link);
  }

  #crash(host: SimHost): void {
    const { random, timeline } = this;
    if (!host.running) return;
    const wiped = this.#wipes && random.integer(0, 2) === 0;
    host.crash(wiped);
    timeline.after(random.integer(100, 8_000), () => host.start(wiped));
  }

  #heal(): void {
    const again = (): void => {
      for (const link of this.links) this.#mend(link);
    };
    again();
    for (let later = 500; later <= 12_000; later += 500) this.timeline.after(later, again);
  }
}

/** Runs a seed. @throws Violation when something happened that must not */
export function simulate(run: Run): Report {
  return new World(run).run(run.seconds);
}
