/** A virtual host of a tree node: what the server will do for it, with a virtual disk and a few people. */
import { createPrivateKey, createHash } from 'node:crypto';
import { roomAddress, userAddress, parseDomain, type RoomAddress, type UserAddress } from '../../server/model/address.ts';
import type { LoggedContent } from '../../server/model/event.ts';
import type { EventId } from '../../server/model/ids.ts';
import { positionOf } from '../../server/log/record.ts';
import { homeEnd, standInOf } from '../../server/tree/epoch.ts';
import { afterRecord, type RoomFacts } from '../../server/tree/facts.ts';
import type { MemberEntry, NodeName, Submission, TreeMessage } from '../../server/tree/message.ts';
import { TreeNode } from '../../server/tree/node.ts';
import { defaultLimits, type Limits, type TreeOutput } from '../../server/tree/port.ts';
import { recordOf, type SignedRecord } from '../../server/tree/records.ts';
import { ed25519Seals } from '../../server/tree/seal.ts';
import type { Random } from '../support/random.ts';
import { Disk } from './disk.ts';
import type { Link, Timeline } from './network.ts';
import type { Oracle } from './oracle.ts';

const limits: Limits = { ...defaultLimits, remembered: 8, knownIds: 256, chunk: 5, longestGap: 400 };

export function nodeName(index: number): NodeName {
  return parseDomain(`n${String(index).padStart(3, '0')}.example`);
}

export function homeOf(room: RoomAddress): NodeName {
  return /^banyan:\/\/([^/]+)\//.exec(room)![1] as NodeName;
}

export function simRoom(home: NodeName, index: number): RoomAddress {
  return roomAddress(home, `room${index}`);
}

/** A key that the seed decides. */
function keyOf(seed: string): string {
  const bits = createHash('sha256').update(seed).digest();
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), bits]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'der', type: 'pkcs8' }).toString('base64url');
}

interface Person {
  readonly address: UserAddress;
  readonly nick: string;
}

interface Leading {
  readonly epoch: string;
  readonly interim: boolean;
  /** Numbered, and not durable yet. */
  last: SignedRecord | undefined;
}

export class SimHost {
  readonly name: NodeName;
  readonly links: Link[] = [];
  readonly disk: { current: Disk } = { current: new Disk() };
  /** People here, by room. What the leader does not admit goes. */
  readonly people = new Map<RoomAddress, Map<UserAddress, Person & { readonly visit: number }>>();
  /** What a client that can take nothing back was shown, by room. */
  readonly shown = new Map<RoomAddress, EventId[]>();
  /** Members of others as they were shown, by room. */
  readonly rosters = new Map<RoomAddress, Map<NodeName, readonly MemberEntry[]>>();
  running = false;
  tree: TreeNode | undefined;
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #oracle: Oracle;
  readonly #skew: number;
  readonly #rooms: readonly RoomAddress[];
  readonly #leading = new Map<RoomAddress, Leading>();
  /** The run of the program: what an earlier one scheduled does not happen. */
  #life = 0;
  #flushing = false;
  #visits = 0;

  constructor(name: NodeName, rooms: readonly RoomAddress[], timeline: Timeline, random: Random, oracle: Oracle) {
    this.name = name;
    this.#rooms = rooms;
    this.#timeline = timeline;
    this.#random = random;
    this.#oracle = oracle;
    this.#skew = random.integer(-5_000, 5_000);
  }

  get now(): number {
    return 1_000_000 + this.#timeline.now + this.#skew;
  }

  start(recover: boolean): void {
    const disk = this.disk.current;
    disk.incarnation += 1;
    this.running = true;
    this.#life += 1;
    const seals = ed25519Seals(keyOf(this.name));
    this.tree = new TreeNode(
      {
        ...{ name: this.name, seals, keys: disk.pins, incarnation: disk.incarnation, homeOf, limits },
        random: () => this.#word(12),
        speaksFor: (node, origin) => node === origin,
        admits: (room, member) => !this.#banned(room, member),
      },
      this.now,
    );
    for (const room of this.#rooms.filter((address) => homeOf(address) === this.name)) this.#open(room, recover);
    for (const [room, people] of this.people) if (people.size > 0) this.#follow(room);
    for (const [address, room] of disk.rooms()) {
      const logged = new Set(room.records.filter(({ epoch }) => standInOf(epoch) === undefined).map(({ id }) => id));
      this.#write(address, (written) => written.confirm([...logged]));
      const standIn = room.standIns?.nodes.includes(this.name) === true;
      if (!standIn && room.aside.length === 0 && room.last.number === (homeEnd(room.lineage())?.number ?? room.base.number)) continue;
      // What only this node may have brings itself home, though nobody here is in the room.
      this.#follow(address);
      this.tree.returned(address, room.aside, false, this.now);
      if ((this.people.get(address)?.size ?? 0) > 0) continue;
      this.#declare(address);
      this.#unfollow(address);
    }
    for (const [room, people] of this.people) if (people.size > 0) this.#declare(room);
    this.#tick(this.#life);
    this.#work();
    for (const link of this.links) link.tryConnect();
  }

  /** Stops without a word. */
  crash(wiped: boolean): void {
    for (const link of this.links) {
      link.cut();
      link.forget(link.ends[0].name === this.name ? 0 : 1);
    }
    this.running = false;
    this.#life += 1;
    this.tree = undefined;
    this.#leading.clear();
    this.rosters.clear();
    this.shown.clear();
    const { pins } = this.disk.current;
    if (!wiped) this.disk.current.crash();
    else {
      this.disk.current = new Disk();
      // The link's configuration has the neighbours' keys; of the rest of the disk nothing is left.
      for (const [node, key] of pins) this.disk.current.pins.set(node, key);
      this.#oracle.wiped(this.name);
    }
  }

  linkUp(neighbour: NodeName, cost: number): void {
    this.tree?.linkUp(neighbour, cost, this.now);
    this.#work();
  }

  linkDown(neighbour: NodeName): void {
    this.tree?.linkDown(neighbour, this.now);
    this.#work();
  }

  receive(from: NodeName, message: TreeMessage): void {
    this.tree?.receive(from, message, this.now);
    this.#work();
  }

  join(room: RoomAddress, index: number): void {
    const address = userAddress(this.name, `p${index}`);
    const people = this.people.get(room) ?? new Map<UserAddress, Person & { readonly visit: number }>();
    this.people.set(room, people);
    if (people.has(address)) return;
    people.set(address, { address, nick: `p${index}`, visit: (this.#visits += 1) });
    if (!this.running) return;
    if (people.size === 1) this.#follow(room);
    this.#declare(room);
    this.#work();
  }

  leave(room: RoomAddress, address: UserAddress): void {
    const people = this.people.get(room);
    if (people?.delete(address) !== true || !this.running) return;
    this.#declare(room);
    if (people.size === 0) this.#unfollow(room);
    this.#work();
  }

  say(room: RoomAddress, by: UserAddress, content: (author: { address: UserAddress; nick: string }) => LoggedContent): EventId | undefined {
    const person = this.people.get(room)?.get(by);
    if (person === undefined || !this.running) return undefined;
    const id = this.#id();
    const submission: Submission = {
      ...{ id, origin: this.name, born: this.now, salt: this.#word(16) },
      content: content({ address: person.address, nick: person.nick }),
    };
    this.#oracle.said(this.name, this.#life, room, submission);
    this.tree!.submit(room, submission);
    this.#work();
    return id;
  }

  setStandIns(room: RoomAddress, nodes: readonly NodeName[]): void {
    const standIns = this.tree!.setStandIns(room, nodes);
    this.#write(room, (disk) => void (disk.standIns = standIns));
    this.#work();
  }

  #open(address: RoomAddress, recover: boolean): void {
    const tree = this.tree!;
    const facts: RoomFacts = { ...emptyFacts, address };
    if (recover) {
      tree.recover(address, facts, this.now);
      return;
    }
    const disk = this.disk.current.room(address);
    const counter = Math.max(0, Number.parseInt(disk.head?.epoch ?? '0', 10));
    // The head may have come too late to the disk for its last records.
    const later = disk.records.filter(({ number }) => number > (disk.head?.number ?? 0));
    const now = later.reduce(afterRecord, disk.facts ?? facts);
    tree.open(address, disk.kept(limits.remembered), `${counter + 1}.${this.#word(6)}`, now, this.now);
  }

  #follow(room: RoomAddress): void {
    if (homeOf(room) === this.name) return;
    const kept = this.disk.current.room(room);
    this.tree!.follow(room, kept.head === null ? undefined : kept.kept(limits.remembered), this.now);
  }

  #unfollow(room: RoomAddress): void {
    if (homeOf(room) !== this.name) this.tree!.unfollow(room, this.now);
  }

  #declare(room: RoomAddress): void {
    this.tree!.setMembers(room, [...(this.people.get(room)?.values() ?? [])]);
  }

  #tick(life: number): void {
    if (this.#life !== life) return;
    this.tree!.tick(this.now);
    this.#work();
    this.#timeline.after(250, () => this.#tick(life));
  }

  /** Does what the tree asks for, and has it flushed at the end of this tick. */
  #work(): void {
    for (;;) {
      const outputs = this.tree?.take() ?? [];
      if (outputs.length === 0) break;
      for (const output of outputs) this.#do(output);
    }
    if (this.#flushing || !this.running) return;
    this.#flushing = true;
    const life = this.#life;
    this.#timeline.after(this.#random.integer(0, 2), () => {
      this.#flushing = false;
      if (this.#life !== life) {
        if (this.running) this.#work();
        return;
      }
      this.tree!.flush(this.now);
      const outputs = this.tree!.take();
      for (const output of outputs) this.#do(output);
      if (outputs.length > 0) this.#work();
    });
  }

  #do(output: TreeOutput): void {
    const tree = this.tree!;
    switch (output.kind) {
      case 'send':
        this.#link(output.to)?.send(this.name, output.message);
        return;
      case 'disconnect':
        this.#oracle.disconnected(this.name, output.neighbour, output.reason);
        this.#link(output.neighbour)?.cut();
        return;
      case 'alarm':
        if (this.#oracle.hostile === undefined) this.#oracle.complain(`${this.name}: ${output.text}`);
        return;
      case 'pin':
        this.disk.current.pins.set(output.node, output.key);
        return;
      case 'read': {
        const life = this.#life;
        this.#timeline.after(this.#random.integer(0, 3), () => {
          if (this.#life !== life) return;
          const records = this.disk.current.room(output.room).records.filter(({ number }) => number > output.after);
          tree.read(output.room, output.token, records.slice(0, output.limit), this.now);
          this.#work();
        });
        return;
      }
      case 'records': {
        this.#oracle.followed(this.name, output.room, this.disk.current.room(output.room), output.records);
        const aside = new Set(this.disk.current.room(output.room).aside.map(({ id }) => id));
        this.#write(output.room, (disk) => disk.append(output.records, output.head, output.facts));
        this.#show(output.room, output.records, aside);
        return;
      }
      case 'led':
        this.#write(output.room, (disk) => disk.vouch(output.head, output.facts));
        return;
      case 'back': {
        let taken: readonly SignedRecord[] = [];
        this.#oracle.wentBack(this.name, output.room);
        this.#write(output.room, (disk) => void (taken = disk.back(output.to)));
        const life = this.#life;
        this.#timeline.after(this.#random.integer(0, 5), () => {
          if (this.#life !== life) return;
          tree.returned(output.room, taken, true, this.now);
          this.#work();
        });
        return;
      }
      case 'confirmed':
        this.#write(output.room, (disk) => disk.confirm(output.ids));
        return;
      case 'snapshot':
        this.#write(output.room, (disk) => disk.restart(output.lineage, output.facts));
        return;
      case 'facts':
        this.#write(output.room, (disk) => void (disk.facts = output.facts));
        return;
      case 'grant':
        this.#write(output.room, (disk) => void (disk.grant = output.grant));
        return;
      case 'stand-ins':
        this.#write(output.room, (disk) => void (disk.standIns = output.standIns));
        return;
      case 'lead':
        this.#leading.set(output.room, { epoch: output.epoch, interim: output.interim, last: undefined });
        return;
      case 'follow':
        this.#leading.delete(output.room);
        return;
      case 'submitted':
        return this.#number(output.room, output.items);
      case 'settled':
        return this.#oracle.settled(this.name, output.room, output.id, output.settlement);
      case 'unfollowed':
        this.rosters.delete(output.room);
        this.shown.delete(output.room);
        return;
      case 'members': {
        const roster = this.rosters.get(output.room) ?? new Map<NodeName, readonly MemberEntry[]>();
        this.rosters.set(output.room, roster);
        if (output.members.length === 0) roster.delete(output.owner);
        else roster.set(output.owner, output.members);
        return;
      }
      case 'not-admitted':
        for (const address of output.addresses) this.people.get(output.room)?.delete(address);
        this.#declare(output.room);
        if (this.people.get(output.room)?.size === 0) this.#unfollow(output.room);
        return;
      case 'away': {
        const network = `irc:away@${output.owner}` as never;
        const content = { kind: 'network', network, present: output.present, count: output.count, reason: '' } as const;
        this.#append(output.room, [{ id: this.#id(), origin: this.name, born: this.now, salt: this.#word(16), content }]);
        return;
      }
      default:
        output satisfies never;
    }
  }

  #link(to: NodeName): Link | undefined {
    return this.links.find(({ ends }) => ends.some(({ name }) => name === to));
  }

  /** As the leader: judges, and numbers what may be said. */
  #number(room: RoomAddress, items: readonly Submission[]): void {
    const accepted: Submission[] = [];
    for (const item of items) {
      const { content } = item;
      const author = 'author' in content ? content.author.address : undefined;
      const forHome = content.kind === 'affiliation' || content.kind === 'config' || (content.kind === 'kick' && content.banned);
      if (this.#leading.get(room)?.interim === true && forHome) this.tree!.settle(room, item.id, { kind: 'waits' });
      else if (author !== undefined && this.#banned(room, author)) {
        this.#oracle.refused(item.id);
        this.tree!.settle(room, item.id, { kind: 'refused', reason: 'banned' });
      } else accepted.push(item);
    }
    this.#append(room, accepted);
  }

  /** Numbers at once; durable, and then known to the tree, after a while. */
  #append(room: RoomAddress, items: readonly Submission[]): void {
    const leading = this.#leading.get(room);
    if (leading === undefined || items.length === 0) return;
    const records: SignedRecord[] = [];
    for (const item of items) {
      const last = leading.last === undefined ? this.disk.current.room(room).last : positionOf(leading.last);
      leading.last = recordOf(room, last, leading.epoch, this.now, item);
      records.push(leading.last);
    }
    const life = this.#life;
    this.#timeline.after(3, () => {
      if (this.#life !== life || this.#leading.get(room) !== leading) return;
      const aside = new Set(this.disk.current.room(room).aside.map(({ id }) => id));
      const append = (disk: { records: SignedRecord[] }): void => void disk.records.push(...records);
      this.disk.current.write(room, append)();
      this.#oracle.numbered(this.name, room, this.disk.current.room(room), records);
      this.#show(room, records, aside);
      this.tree!.appended(room, records, this.now);
      for (const { content } of records) if (content.kind === 'kick') this.tree!.expel(room, content.target.address);
      this.#work();
    });
  }

  #show(room: RoomAddress, records: readonly SignedRecord[], again: ReadonlySet<EventId>): void {
    const shown = this.shown.get(room) ?? [];
    this.shown.set(room, shown);
    for (const { id, content } of records) if (!again.has(id) && content.kind !== 'network') shown.push(id);
  }

  #banned(room: RoomAddress, address: UserAddress): boolean {
    return this.disk.current.room(room).facts?.affiliations.some(([who, what]) => who === address && what === 'outcast') === true;
  }

  /** Seen at once, safe a little later, in order. */
  #write(room: RoomAddress, change: (disk: ReturnType<Disk['room']>) => void): void {
    const disk = this.disk.current;
    const life = this.#life;
    const commit = disk.write(room, change);
    this.#timeline.after(3, () => {
      if (this.#life === life) commit();
    });
  }

  #id(): EventId {
    return `0${this.#word(25, '0123456789ABCDEFGHJKMNPQRSTVWXYZ')}` as EventId;
  }

  #word(length: number, alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'): string {
    return Array.from({ length }, () => alphabet[this.#random.integer(0, alphabet.length - 1)]).join('');
  }
}

const emptyFacts: Omit<RoomFacts, 'address'> = {
  created: 0,
  first: 1,
  config: {
    ...{ title: '', moderated: false, membersOnly: false, hidden: false, topicLocked: false, membersSpeak: true, key: null, limit: null },
    ...{ history: 'all', nonAnonymous: false, persistent: true, showJoins: false },
  },
  topic: { text: '', by: '', at: 0 },
  affiliations: [],
  bans: [],
};
