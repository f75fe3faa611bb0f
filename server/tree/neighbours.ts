/** The links of this node: who is there, how much they may say, and the flood of link states over them. */
import type { TreeContext } from './context.ts';
import type { LinkState, NodeName } from './message.ts';

interface Neighbour {
  /** Messages that it may still send at once. */
  tokens: number;
  at: number;
}

export class Neighbours {
  readonly #context: TreeContext;
  readonly #neighbours = new Map<NodeName, Neighbour>();

  constructor(context: TreeContext) {
    this.#context = context;
  }

  has(neighbour: NodeName): boolean {
    return this.#neighbours.has(neighbour);
  }

  up(neighbour: NodeName): void {
    const { now, setup } = this.#context;
    this.#neighbours.set(neighbour, { tokens: setup.limits.messageBurst, at: now });
  }

  down(neighbour: NodeName): void {
    this.#neighbours.delete(neighbour);
  }

  /** A new neighbour hears of everybody; the others hear of the new link. */
  greet(neighbour: NodeName): void {
    const { topology } = this.#context;
    this.#context.send(neighbour, { kind: 'link-states', states: topology.all() });
    this.flood(topology.own, neighbour);
  }

  /** Whether a message of that neighbour is looked at: it is one, and sends no flood. */
  admits(from: NodeName, weight: number): boolean {
    const neighbour = this.#neighbours.get(from);
    if (neighbour === undefined) return false;
    const { now, setup } = this.#context;
    const { messageBurst, messageRate } = setup.limits;
    neighbour.tokens = Math.min(messageBurst, neighbour.tokens + (Math.max(0, now - neighbour.at) / 1000) * messageRate);
    neighbour.at = now;
    if (neighbour.tokens >= weight) {
      neighbour.tokens -= weight;
      return true;
    }
    this.#neighbours.delete(from);
    this.#context.broken(from, 'a flood of messages');
    return false;
  }

  flood(state: LinkState, but?: NodeName): void {
    for (const neighbour of this.#neighbours.keys())
      if (neighbour !== but) this.#context.send(neighbour, { kind: 'link-states', states: [state] });
  }

  /** Answers whether the graph may be another now. */
  receiveStates(from: NodeName, states: readonly LinkState[]): boolean {
    const context = this.#context;
    const { topology, keys, now } = context;
    let changed = false;
    const fresh: LinkState[] = [];
    for (const state of states) {
      const pinned = keys.get(state.node) !== undefined;
      const accepted = topology.accept(state, now);
      switch (accepted) {
        case 'new':
          fresh.push(state);
          if (!pinned) context.put({ kind: 'pin', node: state.node, key: state.key });
          changed = true;
          break;
        case 'own':
          this.flood(topology.own);
          changed = true;
          break;
        case 'older':
          context.send(from, { kind: 'link-states', states: [topology.get(state.node)!] });
          break;
        case 'known':
          break;
        case 'wrong key':
          context.put({ kind: 'alarm', text: `${from} passed on a link state of ${state.node} with another key than is known: refused` });
          break;
        case 'bad':
          context.broken(from, 'a link state that its node did not sign');
          return changed;
        default:
          accepted satisfies never;
      }
    }
    if (fresh.length > 0) {
      for (const neighbour of this.#neighbours.keys())
        if (neighbour !== from) context.send(neighbour, { kind: 'link-states', states: fresh });
    }
    return changed;
  }
}
