/**
 * A node of the tree, without sockets, clock or disk: links, messages, ticks and what the host reports go in; `take` gives what the host
 * has to do. The simulator runs this very code. docs/tree.md explains it.
 */
import type { RoomAddress, UserAddress } from '../model/address.ts';
import type { EventId } from '../model/ids.ts';
import type { TreeContext } from './context.ts';
import type { RoomFacts } from './facts.ts';
import type { MemberEntry, NodeName, Settlement, StandIns, Submission, TreeMessage, Unicast } from './message.ts';
import { Neighbours } from './neighbours.ts';
import type { KeptRoom, TreeOutput, TreeSetup } from './port.ts';
import { fromCarried, type SignedRecord } from './records.ts';
import { RoomTree } from './room.ts';
import { Keyring } from './seal.ts';
import { Topology } from './topology.ts';

const mostHops = 64;

export class TreeNode {
  readonly #setup: TreeSetup;
  readonly #context: TreeContext;
  readonly #topology: Topology;
  readonly #neighbours: Neighbours;
  readonly #rooms = new Map<RoomAddress, RoomTree>();
  readonly #dirty = new Set<RoomAddress>();
  #outputs: TreeOutput[] = [];
  #now: number;
  #token = 0;

  constructor(setup: TreeSetup, now: number) {
    this.#setup = setup;
    this.#now = now;
    const keys = new Keyring(setup.keys);
    this.#topology = new Topology(setup.name, setup.incarnation, setup.seals, keys, now);
    this.#context = this.#makeContext(keys);
    this.#neighbours = new Neighbours(this.#context);
  }

  /** What the host has to do since the last time, in order. */
  take(): readonly TreeOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  /** Says what was gathered: once at the end of the host's tick. */
  flush(now: number): void {
    this.#now = now;
    // An answer to this node's own submission may make a room dirty once more.
    for (let round = 0; this.#dirty.size > 0 && round < 4; round++) {
      const rooms = [...this.#dirty];
      this.#dirty.clear();
      for (const address of rooms) this.#rooms.get(address)?.flush();
    }
  }

  /** At least four times a second. */
  tick(now: number): void {
    this.#now = now;
    if (this.#topology.age(now)) this.#neighbours.flood(this.#topology.own);
    for (const room of this.#rooms.values()) room.tick();
    this.#forgetRooms();
  }

  /** An authenticated neighbour; its key is one of the configured ones. */
  linkUp(neighbour: NodeName, cost: number, now: number): void {
    this.#now = now;
    this.#neighbours.up(neighbour);
    this.#topology.link(neighbour, cost, now);
    this.#neighbours.greet(neighbour);
    this.#topologyChanged();
  }

  linkDown(neighbour: NodeName, now: number): void {
    this.#now = now;
    this.#neighbours.down(neighbour);
    this.#topology.unlink(neighbour, now);
    this.#neighbours.flood(this.#topology.own);
    for (const room of this.#rooms.values()) {
      room.uplink.linkDown(neighbour);
      room.children.linkDown(neighbour);
    }
    this.#topologyChanged();
  }

  receive(from: NodeName, message: TreeMessage, now: number): void {
    this.#now = now;
    const weight = message.kind === 'link-states' ? Math.max(1, message.states.length) : 1;
    if (!this.#neighbours.admits(from, weight)) return;
    switch (message.kind) {
      case 'link-states':
        if (this.#neighbours.receiveStates(from, message.states)) this.#topologyChanged();
        return;
      case 'unicast':
        this.#route(from, message);
        return;
      default: {
        const room = this.#room(message.room, message.kind === 'subscribe');
        if (room !== undefined) this.#toRoom(room, from, message);
      }
    }
  }

  /** A room of this node: its log is with the host, which numbers it in that epoch. */
  open(address: RoomAddress, kept: KeptRoom, epoch: string, facts: RoomFacts, now: number): void {
    this.#now = now;
    const room = this.#ensure(address);
    room.restore(kept);
    room.lead.open(epoch, facts);
    room.update();
  }

  /** A room of this node whose log was lost with its disk: the most advanced follower's is taken; those facts are for a room that has none. */
  recover(address: RoomAddress, facts: RoomFacts, now: number): void {
    this.#now = now;
    const room = this.#ensure(address);
    room.lead.recover(facts);
    room.update();
  }

  /** Somebody here follows the room from now on. `kept`: what the host has of it. */
  follow(address: RoomAddress, kept: KeptRoom | undefined, now: number): void {
    this.#now = now;
    const room = this.#ensure(address);
    // What was only passed on is not with the host's storage: it begins where the host stands.
    if (!room.local && !room.isHome) room.becomeLocal(kept);
    room.local = true;
    room.leaving = false;
    room.update();
  }

  /** Nobody here follows the room any more; it is let go as soon as nothing of it is only here. */
  unfollow(address: RoomAddress, now: number): void {
    this.#now = now;
    const room = this.#rooms.get(address);
    if (room === undefined) return;
    room.leaving = true;
  }

  /** All people here who are in the room. */
  setMembers(address: RoomAddress, members: readonly Omit<MemberEntry, 'since'>[]): void {
    this.#ensure(address).roster.declare(members);
  }

  /** Somebody here says or does something in the room; `settled` tells what became of it. */
  submit(address: RoomAddress, submission: Submission): void {
    this.#ensure(address).outbox.submit(submission);
  }

  /** At the leader: these are durable now, in order, in the epoch of `lead`. */
  appended(address: RoomAddress, records: readonly SignedRecord[], now: number): void {
    this.#now = now;
    this.#rooms.get(address)?.lead.appended(records);
  }

  /** At the leader: a submission that gets no number. */
  settle(address: RoomAddress, id: EventId, settlement: Settlement): void {
    this.#rooms.get(address)?.intake.settle(id, settlement);
  }

  /** At the leader: that person is no member any more. */
  expel(address: RoomAddress, member: UserAddress): void {
    this.#rooms.get(address)?.roster.expel(member);
  }

  /** At the home: who leads, in this order, for those who do not reach it. */
  setStandIns(address: RoomAddress, nodes: readonly NodeName[]): StandIns {
    const room = this.#ensure(address);
    const standIns = { room: address, version: (room.standIns?.version ?? 0) + 1, nodes };
    const signed = { ...standIns, signature: this.#setup.seals.sign('stand-ins', standIns) };
    room.takeStandIns(signed);
    return signed;
  }

  /** Records that `back` took out of the log; `expected` is false for those of an earlier life. */
  returned(address: RoomAddress, records: readonly SignedRecord[], expected: boolean, now: number): void {
    this.#now = now;
    this.#ensure(address).outbox.returned(records, expected);
  }

  /** Answer to `read`. */
  read(address: RoomAddress, token: number, records: readonly SignedRecord[], now: number): void {
    this.#now = now;
    this.#rooms.get(address)?.reads.done(token, records);
  }

  /** For those who look at the tree. */
  room(address: RoomAddress): RoomTree | undefined {
    return this.#rooms.get(address);
  }

  #ensure(address: RoomAddress): RoomTree {
    let room = this.#rooms.get(address);
    if (room === undefined) {
      room = new RoomTree(this.#context, address);
      this.#rooms.set(address, room);
    }
    return room;
  }

  /** The room, if it is known here or somebody may begin to follow it here. */
  #room(address: RoomAddress, make: boolean): RoomTree | undefined {
    const known = this.#rooms.get(address);
    if (known !== undefined || !make || this.#setup.homeOf(address) === this.#setup.name) return known;
    return this.#ensure(address);
  }

  #topologyChanged(): void {
    for (const room of this.#rooms.values()) room.update();
  }

  #forgetRooms(): void {
    for (const [address, room] of this.#rooms) if (!room.wanted && !room.lead.leading) this.#rooms.delete(address);
  }

  #toRoom(room: RoomTree, from: NodeName, message: Exclude<TreeMessage, { kind: 'link-states' | 'unicast' }>): void {
    const { uplink, children, reads, roster } = room;
    switch (message.kind) {
      case 'subscribe':
        return children.subscribe(from, message.serial, message.lineage, message.grant, message.standIns, message.roster);
      case 'unsubscribe':
        children.unsubscribe(from, message.serial);
        return room.update();
      case 'ahead':
        return children.receiveAhead(from, message.serial, message.lineage);
      case 'facts?':
        return children.factsWanted(from, message.serial);
      case 'path':
        return uplink.receivePath(from, message.serial, message.path, message.standIns);
      case 'refused':
        return uplink.receiveRefused(from, message.serial);
      case 'events':
        return uplink.receiveEvents(from, message.serial, message.from, message.segments, message.head);
      case 'snapshot':
        return uplink.receiveSnapshot(from, message.serial, message.snapshot);
      case 'facts':
        return uplink.receiveFacts(from, message.serial, message.facts, message.head);
      case 'ask':
        return reads.serve(from, message.token, message.lineage, message.upTo, message.hops);
      case 'repair':
        return reads.answered(from, message.token, message.repair);
      case 'members?': {
        const child = children.current(from, message.serial);
        if (child !== undefined) roster.receiveWanted(child, message.owners);
        return;
      }
      case 'roster':
        if (uplink.current(from, message.serial) !== undefined) roster.receiveRoster(message.owners);
        return;
      case 'members':
        if (uplink.current(from, message.serial) !== undefined) roster.receiveSet(message.owner, message.set);
        return;
      case 'members-change':
        if (uplink.current(from, message.serial) !== undefined) roster.receiveChange(message);
        return;
      default:
        message satisfies never;
    }
  }

  #route(neighbour: NodeName, message: TreeMessage & { kind: 'unicast' }): void {
    const { from, to, hops, payload } = message;
    if (to !== this.#setup.name) {
      const next = this.#topology.nextHop(to);
      if (next !== undefined && next !== neighbour && hops < mostHops) this.#context.send(next, { ...message, hops: hops + 1 });
      return;
    }
    const signed = { from, to, payload, signature: message.signature };
    if (this.#context.verify(from, 'unicast', signed)) this.#deliver(from, payload);
  }

  #deliver(from: NodeName, payload: Unicast): void {
    const room = this.#rooms.get(payload.kind === 'grant' ? payload.grant.room : payload.room);
    if (room === undefined) return;
    switch (payload.kind) {
      case 'submit': {
        const { session, oldest, first, since, items, proofs } = payload;
        return room.intake.receive(from, session, oldest, first, since, fromCarried(items, proofs));
      }
      case 'settle':
        if (from === room.leader) room.outbox.receiveSettle(payload.session, payload.answers);
        return;
      case 'members':
        return room.roster.receiveDeclared(from, payload.set);
      case 'grant':
        room.takeStandIns(payload.standIns);
        if (payload.grant.node !== this.#setup.name || !room.genuine(payload.grant)) return;
        room.grant = payload.grant;
        this.#context.put({ kind: 'grant', room: room.address, grant: payload.grant });
        return room.update();
      default:
        payload satisfies never;
    }
  }

  #makeContext(keys: Keyring): TreeContext {
    const setup = this.#setup;
    const topology = this.#topology;
    const nowOf = (): number => this.#now;
    const put = (output: TreeOutput): void => void this.#outputs.push(output);
    const context: TreeContext = {
      ...{ setup, topology, keys, put },
      get now() {
        return nowOf();
      },
      send: (to, message) => put({ kind: 'send', to, message }),
      unicast: (to, payload) => {
        const next = topology.nextHop(to);
        if (next === undefined) return;
        const body = { from: setup.name, to, payload };
        put({ kind: 'send', to: next, message: { kind: 'unicast', ...body, hops: 0, signature: setup.seals.sign('unicast', body) } });
      },
      linked: (neighbour) => this.#neighbours.has(neighbour),
      verify: (node, what, value) => {
        const key = node === setup.name ? setup.seals.key : keys.get(node);
        return key !== undefined && setup.seals.verify(key, what, value, value.signature);
      },
      broken: (neighbour, reason) => put({ kind: 'disconnect', neighbour, reason }),
      nextToken: () => (this.#token += 1),
      dirty: (room) => void this.#dirty.add(room),
    };
    return context;
  }
}
