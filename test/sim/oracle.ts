/** Sees everything that happens in a simulated tree, and says what must not. */
import type { RoomAddress } from '../../server/model/address.ts';
import type { EventId } from '../../server/model/ids.ts';
import type { NodeName, Settlement, Submission, TreeMessage } from '../../server/tree/message.ts';
import type { SignedRecord } from '../../server/tree/records.ts';
import type { DiskRoom } from './disk.ts';
import { homeOf, type SimHost } from './host.ts';

/** Something that somebody said. */
interface Said {
  readonly node: NodeName;
  readonly room: RoomAddress;
  /** Within which its order is promised: one run of a node, without what has to wait for the home. */
  readonly sequence: string | undefined;
  readonly order: number;
  /** Some leader made it durable. */
  accepted: boolean;
  /** Whoever said it knows what became of it. */
  settled: boolean;
  refused: boolean;
  /** The last copy went with a disk. */
  gone: boolean;
}

export class Violation extends Error {
  override readonly name = 'Violation';
}

export interface Counts {
  said: number;
  accepted: number;
  refused: number;
  gone: number;
  carried: number;
  backs: number;
  disconnected: number;
}

export class Oracle {
  readonly counts: Counts = { said: 0, accepted: 0, refused: 0, gone: 0, carried: 0, backs: 0, disconnected: 0 };
  hosts: readonly SimHost[] = [];
  /** A node that lies, as long as it does. */
  hostile: NodeName | undefined;
  readonly #said = new Map<EventId, Said>();
  /** Every record that a leader made durable, by its chain hash. As that covers all before it, knowing it is knowing the log's beginning. */
  readonly #chains = new Set<string>();
  readonly #wipedHomes = new Set<NodeName>();
  /** What each subscription carried. */
  readonly #carried = new Map<string, Set<string>>();
  #order = 0;
  /** Since everything is quiet: which links each record passed. */
  #passed: Map<string, string[]> | undefined;

  said(node: NodeName, life: number, room: RoomAddress, { id, content }: Submission): void {
    this.counts.said += 1;
    const sequence = content.kind === 'message' || content.kind === 'topic' ? `${node} ${life}` : undefined;
    this.#said.set(id, { node, room, sequence, order: (this.#order += 1), accepted: false, settled: false, refused: false, gone: false });
  }

  /** A leader has them on its disk: from now on they must not be lost. */
  numbered(node: NodeName, room: RoomAddress, disk: DiskRoom, records: readonly SignedRecord[]): void {
    this.#onlyOnce(node, room, disk.records.slice(0, -records.length), records);
    for (const { id, chain } of records) {
      this.#chains.add(chain);
      const said = this.#said.get(id);
      if (said === undefined || said.accepted) continue;
      said.accepted = true;
      this.counts.accepted += 1;
    }
  }

  /** A follower is about to store and show these. */
  followed(node: NodeName, room: RoomAddress, disk: DiskRoom, records: readonly SignedRecord[]): void {
    this.#onlyOnce(node, room, disk.records, records);
    for (const { number, chain } of records) {
      if (!this.#chains.has(chain)) this.complain(`${node} shows number ${number} of ${room}, which no leader has logged so`);
    }
  }

  wentBack(node: NodeName, room: RoomAddress): void {
    this.counts.backs += 1;
    if (homeOf(room) === node && !this.#wipedHomes.has(node)) this.complain(`${node} takes back records of its own ${room}`);
  }

  settled(node: NodeName, room: RoomAddress, id: EventId, settlement: Settlement): void {
    const said = this.#said.get(id);
    if (said === undefined) this.complain(`${node} hears of an event that nobody submitted`);
    else said.settled = true;
    if (settlement.kind === 'logged' && !said.accepted) this.complain(`${node} is told that ${id} was logged in ${room}: no disk has it`);
  }

  refused(id: EventId): void {
    const said = this.#said.get(id);
    if (said === undefined || said.refused) return;
    said.refused = true;
    this.counts.refused += 1;
  }

  /** A disk is gone. What was only there is lost, and nobody's fault. */
  wiped(node: NodeName): void {
    this.#wipedHomes.add(node);
    const left = new Set<EventId>();
    for (const host of this.hosts) {
      if (host.name === node) continue;
      for (const [room] of host.disk.current.rooms()) {
        const { records, aside } = host.disk.current.durable(room);
        for (const { id } of [...records, ...aside]) left.add(id);
      }
    }
    for (const [id, said] of this.#said) {
      if (!said.accepted || said.gone || left.has(id)) continue;
      said.gone = true;
      this.counts.gone += 1;
    }
  }

  /** From now on nothing breaks: each record passes the links of its room's tree, and no others. */
  quiet(): void {
    this.#passed = new Map();
  }

  /** It was said where somebody leads: by now there has to be an answer. */
  answered(id: EventId): void {
    const said = this.#said.get(id);
    if (said?.settled !== true)
      this.complain(`${said?.node} said ${id} in ${said?.room}, and nobody answers although a stand-in is within reach`);
  }

  /** A node cuts off a neighbour. */
  disconnected(node: NodeName, neighbour: NodeName, reason: string): void {
    this.counts.disconnected += 1;
    if (neighbour !== this.hostile) this.complain(`${node} disconnects ${neighbour}: ${reason}`);
  }

  /** A message arrives. A subscription must not bring the same record twice. */
  arrives(from: NodeName, to: NodeName, message: TreeMessage): void {
    if (message.kind === 'subscribe') this.#carried.delete(`${to} ${from} ${message.room} ${message.serial}`);
    if (message.kind !== 'events' || from === this.hostile || to === this.hostile) return;
    const key = `${from} ${to} ${message.room} ${message.serial}`;
    let seen = this.#carried.get(key);
    // Who is told to go back gets what follows as repair.
    if (seen === undefined || message.from !== null) {
      seen = new Set();
      this.#carried.set(key, seen);
    }
    for (const { epoch, after, records } of message.segments) {
      for (const [index, { id }] of records.entries()) {
        this.counts.carried += 1;
        if (this.#passed !== undefined) {
          const passed = this.#passed.get(`${message.room} ${id}`) ?? [];
          this.#passed.set(`${message.room} ${id}`, [...passed, `${from} ${to}`]);
        }
        const name = `${epoch} ${after + index + 1} ${id}`;
        if (seen.has(name)) this.complain(`${from} sends ${name} of ${message.room} to ${to} twice`);
        seen.add(name);
      }
    }
  }

  /** After everything healed and was quiet for a while. */
  finish(rooms: readonly RoomAddress[]): void {
    for (const room of rooms) {
      const home = this.hosts.find(({ name }) => name === homeOf(room))!;
      const { records, last } = home.disk.current.room(room);
      const numbers = new Map(records.map(({ id, number }) => [id, number]));
      for (const [id, said] of this.#said) {
        if (said.room !== room || !said.accepted || said.refused || said.gone || numbers.has(id)) continue;
        this.complain(`${id} of ${said.node} was accepted in ${room}, and the home's log does not have it`);
      }
      if (!this.#wipedHomes.has(home.name)) this.#inOrder(room, records);
      this.#onlyTheTree(room);
      const people = this.#people(room);
      for (const host of this.hosts) {
        if ((host.people.get(room)?.size ?? 0) === 0 && host !== home) continue;
        const theirs = host.disk.current.room(room);
        if (theirs.last.chain !== last.chain) {
          this.complain(
            `${host.name} ends ${room} at ${theirs.last.epoch} ${theirs.last.number}, its home at ${last.epoch} ${last.number}`,
          );
        }
        if (theirs.aside.length > 0) this.complain(`${host.name} still keeps ${theirs.aside.length} records of ${room} aside`);
        const shown = host.shown.get(room) ?? [];
        if (new Set(shown).size !== shown.length)
          this.complain(`${host.name} showed ${shown.find((id, at) => shown.indexOf(id) !== at)} in ${room} twice`);
        const roster = [...(host.rosters.get(room)?.values() ?? [])].flat().map(({ address }) => address);
        if (roster.toSorted(byText).join() !== people.join()) {
          this.complain(
            `${host.name} sees ${roster.length} people in ${room} (${roster.join(' ')}), there are ${people.length} (${people.join(' ')})`,
          );
        }
      }
    }
  }

  complain(what: string): never {
    throw new Violation(what);
  }

  /** What was said since everything is quiet passed each link that leads to a follower once. */
  #onlyTheTree(room: RoomAddress): void {
    const tree = new Set<string>();
    for (const { tree: node, name } of this.hosts) {
      if (node?.room(room)?.local !== true) continue;
      const path = [name, ...(node.room(room)?.uplink.path ?? [])];
      for (let hop = 0; hop + 1 < path.length; hop++) tree.add(`${path[hop + 1]} ${path[hop]}`);
    }
    const links = [...tree].toSorted(byText).join(', ');
    for (const [record, passed] of this.#passed ?? []) {
      const passedBy = passed.toSorted(byText).join(', ');
      if (record.startsWith(`${room} `) && passedBy !== links) this.complain(`${record} passed ${passedBy}; the tree is ${links}`);
    }
  }

  #people(room: RoomAddress): string[] {
    return this.hosts.flatMap(({ people }) => [...(people.get(room)?.keys() ?? [])]).toSorted(byText);
  }

  #onlyOnce(node: NodeName, room: RoomAddress, before: readonly SignedRecord[], records: readonly SignedRecord[]): void {
    const known = new Set(before.map(({ id }) => id));
    for (const { id } of records) {
      if (known.has(id)) this.complain(`${node} logs ${id} in ${room} twice`);
      known.add(id);
    }
  }

  #inOrder(room: RoomAddress, records: readonly SignedRecord[]): void {
    const last = new Map<string, number>();
    for (const { id } of records) {
      const said = this.#said.get(id);
      if (said?.sequence === undefined) continue;
      if (said.order < (last.get(said.sequence) ?? 0)) this.complain(`what ${said.node} said in ${room} is not in order: ${id}`);
      last.set(said.sequence, said.order);
    }
  }
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}
