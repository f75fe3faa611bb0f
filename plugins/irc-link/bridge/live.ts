/** A link that stands: the state of the network, and the way to say something there. */
import type { Peer } from '../link/handshaking.ts';
import { applyFact } from '../model/apply.ts';
import type { Effect } from '../model/effects.ts';
import type { Fact } from '../model/facts.ts';
import { openNetState, type NetState } from '../model/state.ts';
import type { Dropped } from './dropped.ts';

export class Live {
  readonly peer: Peer;
  readonly state: NetState;
  readonly #dialectUserId: (serverId: string, n: number) => string;
  #users = 0;
  #visits = 0;
  readonly #dropped: Dropped;

  constructor(peer: Peer, userId: (serverId: string, n: number) => string, dropped: Dropped) {
    this.peer = peer;
    this.#dropped = dropped;
    this.#dialectUserId = userId;
    this.state = openNetState(peer.established.rules, peer.us, peer.identity);
  }

  /** Makes it so in our view, and says it; effects are what follows from it. */
  say(fact: Fact): readonly Effect[] {
    // In the words for how things were: whoever takes another nick does so under the one before.
    const lines = this.peer.established.codec.encode(fact, this.state);
    const effects = applyFact(this.state, fact, 'ours');
    if (!effects.some((effect) => effect.kind === 'dropped')) this.peer.wire.send(lines);
    return effects;
  }

  /** Says something that changes nothing in our view. */
  write(fact: Fact): void {
    this.peer.wire.send(this.peer.established.codec.encode(fact, this.state));
  }

  freeUserId(): string {
    for (;;) {
      const id = this.#dialectUserId(this.state.us.id, this.#users++);
      if (!this.state.users.has(id)) return id;
    }
  }

  nextVisit(): number {
    return this.#visits++;
  }

  /** Counts something that was not believed. */
  drop(why: string): void {
    this.#dropped.add(why);
  }
}
