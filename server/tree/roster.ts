/**
 * Who is in a room. Each node owns the set of the members that it brings, and versions it; the leader admits them and publishes the sets,
 * which go down the room's tree. Whoever follows holds what its parent holds: at a new subscription they compare digests, then tags.
 */
import type { UserAddress } from '../model/address.ts';
import { sealed } from './context.ts';
import type { Child } from './children.ts';
import type { MemberEntry, MemberSet, NodeName, TreeMessage } from './message.ts';
import { changeBetween, changed, emptyDigest, rosterDigest, speaksForAll, tagOf } from './member-set.ts';
import type { RoomTree } from './room.ts';

interface Published {
  readonly set: MemberSet;
  readonly tag: string;
}

export class Roster {
  readonly #room: RoomTree;
  readonly #sets = new Map<NodeName, Published>();
  /** This node's own members, as they were declared last. */
  #own: MemberSet | undefined;
  /** The leader has once published it so. */
  #confirmed = false;
  #declaredAt = -Infinity;
  #declaredTo: NodeName | undefined;
  /** Visits that the leader does not admit (any more). */
  readonly #void = new Set<string>();
  readonly #unreachable = new Map<NodeName, number>();
  readonly #away = new Set<NodeName>();

  constructor(room: RoomTree) {
    this.#room = room;
  }

  /** Whether the leader does not have this node's members right yet. */
  get undeclared(): boolean {
    const own = this.#own;
    if (own === undefined) return false;
    const published = this.#sets.get(own.owner)?.set;
    if (published === undefined) return own.members.length > 0 || !this.#confirmed;
    return published.version !== own.version || published.incarnation !== own.incarnation;
  }

  /** Tells the host of everybody. */
  showAll(): void {
    const { context, address: room } = this.#room;
    for (const [owner, { set }] of this.#sets) context.put({ kind: 'members', room, owner, members: set.members });
  }

  digest(): string {
    return this.#sets.size === 0 ? emptyDigest : rosterDigest([...this.#sets].map(([owner, { tag }]) => [owner, tag] as const));
  }

  /** Sets this node's own members. */
  declare(members: readonly Omit<MemberEntry, 'since'>[]): void {
    const { context } = this.#room;
    const version = context.nextToken();
    const { name: owner } = context.setup;
    const entries = members.map((member) => ({ ...member, since: 0 })).toSorted((a, b) => (a.address < b.address ? -1 : 1));
    this.#own = { owner, incarnation: context.topology.incarnation, version, members: entries };
    this.#confirmed = false;
    this.#declaredTo = undefined;
    context.dirty(this.#room.address);
  }

  /** At the leader: that person has to go, from whatever node it came. */
  expel(address: UserAddress): void {
    for (const { set } of this.#sets.values()) {
      const member = set.members.find((entry) => entry.address === address);
      if (member === undefined) continue;
      this.#void.add(visitKey(set.owner, member));
      this.#set(set.owner, { ...set, members: set.members.filter((entry) => entry !== member) });
    }
  }

  /** At the leader: a node's own word about its members. */
  receiveDeclared(from: NodeName, set: MemberSet): void {
    const { lead, context } = this.#room;
    if (!lead.leading || set.owner !== from || !speaksForAll(context.setup, set)) return;
    const known = this.#sets.get(from)?.set;
    if (set.members.length > 0 || this.#room.standIns?.nodes.includes(from) === true) this.#grant(from);
    if (known !== undefined && !newer(set, known)) return;
    this.#admit(set);
  }

  pathChanged(): void {
    if (this.#room.leader === undefined || this.#room.leader === this.#declaredTo) return;
    this.#declaredTo = undefined;
    this.#room.context.dirty(this.#room.address);
  }

  flush(): void {
    const { incarnation } = this.#room.context.topology;
    // Of an earlier life the others remember a higher one.
    if (this.#own !== undefined && this.#own.incarnation !== incarnation) this.#own = { ...this.#own, incarnation };
    const own = this.#own;
    if (own === undefined || !(this.undeclared || this.#needsGrant())) return;
    const { context, address, lead } = this.#room;
    const { name } = context.setup;
    if (lead.leading) {
      this.#admit(own);
      return;
    }
    const to = this.#room.leader ?? this.#room.target();
    const { now } = context;
    if (to === undefined || to === name || (this.#declaredTo === to && now - this.#declaredAt < context.setup.limits.again)) return;
    this.#declaredTo = to;
    this.#declaredAt = now;
    context.unicast(to, { kind: 'members', room: address, set: own });
  }

  tick(): void {
    this.#watch();
    if (this.#own !== undefined) this.#room.context.dirty(this.#room.address);
  }

  /** A child subscribed: it has to hold the sets that are held here. */
  subscribed(child: Child, known: string): void {
    const held = this.digest();
    if (known === held) return;
    const owners = [...this.#sets].map(([owner, { tag }]) => [owner, tag] as const);
    this.#send(child, { kind: 'roster', owners });
  }

  receiveRoster(owners: readonly (readonly [NodeName, string])[]): void {
    if (this.#room.lead.leading) return;
    const named = new Map(owners);
    for (const owner of [...this.#sets.keys()]) if (!named.has(owner)) this.#set(owner, undefined);
    this.#want(owners.filter(([owner, tag]) => this.#sets.get(owner)?.tag !== tag).map(([owner]) => owner));
  }

  receiveWanted(child: Child, owners: readonly NodeName[]): void {
    if (owners.length === 0) this.subscribed(child, '');
    for (const owner of owners) this.#send(child, { kind: 'members', owner, set: this.#sets.get(owner)?.set ?? null });
  }

  receiveSet(owner: NodeName, set: MemberSet | null): void {
    if (!this.#room.lead.leading) this.#set(owner, set ?? undefined);
  }

  receiveChange(message: TreeMessage & { kind: 'members-change' }): void {
    if (this.#room.lead.leading) return;
    const known = this.#sets.get(message.owner);
    if (known === undefined || known.tag !== message.from) this.#want([message.owner]);
    else this.#set(message.owner, changed(known.set, message));
  }

  /** What this node published as the leader is no more than any other's word: the parent tells all that it holds. */
  followAgain(): void {
    this.#confirmed = false;
    this.#sets.delete(this.#room.context.setup.name);
    this.#room.uplink.send({ kind: 'members?', owners: [] });
  }

  #want(owners: readonly NodeName[]): void {
    if (owners.length > 0) this.#room.uplink.send({ kind: 'members?', owners });
  }

  #needsGrant(): boolean {
    const { grant, context, isHome, isStandIn } = this.#room;
    if (isHome || this.#own === undefined || (this.#own.members.length === 0 && !isStandIn)) return false;
    return grant === undefined || grant.expires - context.now < context.setup.limits.grantFor / 2;
  }

  #grant(node: NodeName): void {
    const { context, address, copy, standIns } = this.#room;
    const { limits, name: by } = context.setup;
    const grant = sealed(context, 'grant', {
      room: address,
      node,
      lowest: copy.last.number + 1,
      expires: context.now + limits.grantFor,
      by,
    });
    context.unicast(node, { kind: 'grant', grant, standIns: standIns ?? null });
  }

  #admit(set: MemberSet): void {
    const { context, address } = this.#room;
    const before = new Map(this.#sets.get(set.owner)?.set.members.map((member) => [member.address, member] as const));
    const members = set.members
      .filter((member) => !this.#void.has(visitKey(set.owner, member)) && context.setup.admits(address, member.address))
      .map((member) => {
        const known = before.get(member.address);
        return known?.visit === member.visit && known.nick === member.nick
          ? known
          : { ...member, since: sinceOf(known, member, this.#room) };
      });
    // Of visits that are over nothing has to be remembered.
    const still = new Set(set.members.map((member) => visitKey(set.owner, member)));
    for (const key of this.#void) if (key.startsWith(`${set.owner} `) && !still.has(key)) this.#void.delete(key);
    this.#set(set.owner, { ...set, members });
    if (members.length === 0 || !this.#away.delete(set.owner)) return;
    context.put({ kind: 'away', room: address, owner: set.owner, present: true, count: members.length });
  }

  /** What this node holds changes; whoever follows it is told. */
  #set(owner: NodeName, set: MemberSet | undefined): void {
    const { context, address, children, stored } = this.#room;
    const before = this.#sets.get(owner);
    if (set === undefined && before === undefined) return;
    const tag = set === undefined ? undefined : tagOf(set);
    if (before !== undefined && before.tag === tag) return;
    if (set === undefined || tag === undefined) this.#sets.delete(owner);
    else this.#sets.set(owner, { set, tag });
    const change = before === undefined || set === undefined ? undefined : changeBetween(before.set, set);
    for (const child of children.all()) {
      if (change === undefined || set === undefined) this.#send(child, { kind: 'members', owner, set: set ?? null });
      else {
        const { incarnation, version } = set;
        this.#send(child, { kind: 'members-change', owner, from: before!.tag, incarnation, version, ...change });
      }
    }
    if (stored) context.put({ kind: 'members', room: address, owner, members: set?.members ?? [] });
    if (owner === context.setup.name && set !== undefined) this.#checkAdmitted(set);
  }

  #checkAdmitted(set: MemberSet): void {
    const own = this.#own;
    if (own === undefined || own.version !== set.version || own.incarnation !== set.incarnation) return;
    this.#confirmed = true;
    const admitted = new Set(set.members.map(({ address }) => address));
    const addresses = own.members.map(({ address }) => address).filter((address) => !admitted.has(address));
    if (addresses.length > 0) this.#room.context.put({ kind: 'not-admitted', room: this.#room.address, addresses });
  }

  /** At the leader: nodes that are out of reach, or have begun anew, for a while take their members with them. */
  #watch(): void {
    const { context, lead, address } = this.#room;
    if (!lead.leading) {
      this.#unreachable.clear();
      this.#away.clear();
      return;
    }
    for (const [owner, { set }] of this.#sets) {
      const incarnation = context.topology.get(owner)?.incarnation;
      // Who begins a new life and says nothing of members has none.
      if (context.topology.reaches(owner) && incarnation === set.incarnation) this.#unreachable.delete(owner);
      else if (!this.#unreachable.has(owner)) this.#unreachable.set(owner, context.now);
      else if (context.now - this.#unreachable.get(owner)! >= context.setup.limits.patience) {
        this.#unreachable.delete(owner);
        this.#set(owner, undefined);
        if (set.members.length === 0) continue;
        this.#away.add(owner);
        context.put({ kind: 'away', room: address, owner, present: false, count: set.members.length });
      }
    }
  }

  #send(child: Child, body: RosterBody): void {
    this.#room.context.send(child.node, { ...body, room: this.#room.address, serial: child.serial });
  }
}

type OfKind<K> = K extends TreeMessage['kind'] ? Omit<Extract<TreeMessage, { kind: K }>, 'room' | 'serial'> : never;
type RosterBody = OfKind<'roster' | 'members' | 'members-change'>;

function visitKey(owner: NodeName, { address, visit }: MemberEntry): string {
  return `${owner} ${visit} ${address}`;
}

function newer(a: MemberSet, b: MemberSet): boolean {
  return a.incarnation > b.incarnation || (a.incarnation === b.incarnation && a.version > b.version);
}

function sinceOf(known: MemberEntry | undefined, member: MemberEntry, { copy }: RoomTree): number {
  return known?.visit === member.visit ? known.since : copy.last.number + 1;
}
