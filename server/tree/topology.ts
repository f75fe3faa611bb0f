/**
 * The graph as this node knows it: everybody's link states, and shortest paths over them. A link counts when both ends report it, at
 * the higher of the two costs. Among paths of equal length the lower name wins, at every node alike.
 */
import type { Keyring, Seals } from './seal.ts';
import type { LinkState, NodeName } from './message.ts';

interface Known {
  readonly state: LinkState;
  /** When it was last renewed, by this node's clock. */
  at: number;
}

/** A node's place in the tree of shortest paths to a root. */
interface Place {
  readonly distance: number;
  /** Next node toward the root. */
  readonly next: NodeName;
}

const refreshAfter = 60_000;
const forgetAfter = 180_000;
const mostNodes = 4_096;
const mostLinks = 256;
const mostCost = 65_535;

export type Accepted = 'new' | 'known' | 'older' | 'own' | 'wrong key' | 'bad';

export class Topology {
  readonly #self: NodeName;
  readonly #seals: Seals;
  readonly #keys: Keyring;
  readonly #known = new Map<NodeName, Known>();
  readonly #links = new Map<NodeName, number>();
  readonly #trees = new Map<NodeName, ReadonlyMap<NodeName, Place>>();
  #edges: ReadonlyMap<NodeName, readonly (readonly [NodeName, number])[]> | undefined;
  #incarnation: number;
  #sequence = 0;

  constructor(self: NodeName, incarnation: number, seals: Seals, keys: Keyring, now: number) {
    this.#self = self;
    this.#incarnation = incarnation;
    this.#seals = seals;
    this.#keys = keys;
    this.#renew(now);
  }

  get incarnation(): number {
    return this.#incarnation;
  }

  get own(): LinkState {
    return this.#known.get(this.#self)!.state;
  }

  all(): LinkState[] {
    return [...this.#known.values()].map(({ state }) => state);
  }

  link(to: NodeName, cost: number, now: number): void {
    this.#links.set(to, Math.max(1, Math.min(mostCost, Math.floor(cost))));
    this.#renew(now);
  }

  unlink(to: NodeName, now: number): void {
    if (this.#links.delete(to)) this.#renew(now);
  }

  /** Takes a link state that a neighbour passed on. `new` ones must be passed on. */
  accept(state: LinkState, now: number): Accepted {
    const known = this.#known.get(state.node);
    if (state.node === this.#self) {
      if (!this.#newer(state, this.own)) return 'known';
      if (state.key !== this.#seals.key) return 'wrong key';
      if (!this.#seals.verify(state.key, 'link state', state, state.signature)) return 'bad';
      // Of an earlier life whose count is forgotten here: go above it.
      this.#incarnation = Math.max(this.#incarnation, state.incarnation + 1);
      this.#sequence = 0;
      this.#renew(now);
      return 'own';
    }
    if (known !== undefined && !this.#newer(state, known.state)) return this.#newer(known.state, state) ? 'older' : 'known';
    if (known === undefined && this.#known.size >= mostNodes) return 'known';
    if (!wellFormed(state)) return 'bad';
    if (!this.#keys.matches(state.node, state.key)) return 'wrong key';
    if (!this.#seals.verify(state.key, 'link state', state, state.signature)) return 'bad';
    this.#keys.pin(state.node, state.key);
    this.#known.set(state.node, { state, at: now });
    if (known === undefined || !sameLinks(known.state, state)) this.#changed();
    return 'new';
  }

  get(node: NodeName): LinkState | undefined {
    return this.#known.get(node)?.state;
  }

  /** Forgets whom nobody renews, and renews the own state in time. Answers whether the own one has to be passed on. */
  age(now: number): boolean {
    for (const [node, { at }] of this.#known) {
      if (node === this.#self || now - at < forgetAfter) continue;
      this.#known.delete(node);
      this.#changed();
    }
    if (now - this.#known.get(this.#self)!.at < refreshAfter) return false;
    this.#renew(now);
    return true;
  }

  /** The neighbour on the way to that node; nothing when there is no way, or it is this node itself. */
  nextHop(to: NodeName): NodeName | undefined {
    return to === this.#self ? undefined : this.#tree(to).get(this.#self)?.next;
  }

  reaches(node: NodeName): boolean {
    return node === this.#self || this.#tree(node).has(this.#self);
  }

  /** Whether the way from one node to another leads over a third (its ends included). */
  leadsOver(from: NodeName, to: NodeName, over: NodeName): boolean {
    const tree = this.#tree(to);
    for (let at: NodeName | undefined = from; at !== undefined; at = at === to ? undefined : tree.get(at)?.next)
      if (at === over) return true;
    return false;
  }

  #newer(a: LinkState, b: LinkState): boolean {
    return a.incarnation > b.incarnation || (a.incarnation === b.incarnation && a.sequence > b.sequence);
  }

  #renew(now: number): void {
    this.#sequence += 1;
    const state = {
      node: this.#self,
      key: this.#seals.key,
      incarnation: this.#incarnation,
      sequence: this.#sequence,
      links: [...this.#links].map(([to, cost]) => ({ to, cost })).toSorted((a, b) => (a.to < b.to ? -1 : 1)),
    };
    this.#known.set(this.#self, { state: { ...state, signature: this.#seals.sign('link state', state) }, at: now });
    this.#changed();
  }

  #changed(): void {
    this.#trees.clear();
    this.#edges = undefined;
  }

  #graph(): ReadonlyMap<NodeName, readonly (readonly [NodeName, number])[]> {
    if (this.#edges !== undefined) return this.#edges;
    const costs = new Map([...this.#known].map(([node, { state }]) => [node, new Map(state.links.map(({ to, cost }) => [to, cost]))]));
    const edges = new Map<NodeName, (readonly [NodeName, number])[]>();
    for (const [node, links] of costs) {
      const both: (readonly [NodeName, number])[] = [];
      for (const [to, cost] of links) {
        const back = costs.get(to)?.get(node);
        if (back !== undefined) both.push([to, Math.max(cost, back)]);
      }
      edges.set(node, both);
    }
    this.#edges = edges;
    return edges;
  }

  /** Dijkstra's algorithm from the root: everybody's distance and next node toward it. */
  #tree(root: NodeName): ReadonlyMap<NodeName, Place> {
    const made = this.#trees.get(root);
    if (made !== undefined) return made;
    const edges = this.#graph();
    const places = new Map<NodeName, Place>();
    if (edges.has(root)) places.set(root, { distance: 0, next: root });
    const buckets: NodeName[][] = [[root]];
    for (let distance = 0; distance < buckets.length; distance++) {
      const done = new Set<NodeName>();
      for (const node of buckets[distance] ?? []) {
        if (places.get(node)?.distance !== distance || done.has(node)) continue;
        done.add(node);
        for (const [to, cost] of edges.get(node) ?? []) {
          const reached = distance + cost;
          const known = places.get(to);
          if (known !== undefined && (known.distance < reached || (known.distance === reached && known.next <= node))) continue;
          places.set(to, { distance: reached, next: node });
          (buckets[reached] ??= []).push(to);
        }
      }
    }
    this.#trees.set(root, places);
    return places;
  }
}

function wellFormed(state: LinkState): boolean {
  return (
    Number.isSafeInteger(state.incarnation) &&
    Number.isSafeInteger(state.sequence) &&
    state.links.length <= mostLinks &&
    state.links.every(({ cost }) => Number.isSafeInteger(cost) && cost >= 1 && cost <= mostCost)
  );
}

function sameLinks(a: LinkState, b: LinkState): boolean {
  return a.links.length === b.links.length && a.links.every(({ to, cost }, i) => b.links[i]!.to === to && b.links[i]!.cost === cost);
}
