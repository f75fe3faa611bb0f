/**
 * One protocol's view of names: a stable, reversible map from users to nicks that the protocol can carry, unique under
 * its folding. Whoever was there first keeps a name; the other gets a readable suffix.
 */
import type { UserId } from './ids.ts';

export interface NickRules {
  /** Two nicks with the same fold are one nick. */
  fold(nick: string): string;
  /** The nearest legal nick: transliterated, shortened. Must return a legal nick for any input. */
  legalise(nick: string): string;
  /** A legal variant for the n-th attempt (from 1) when the nick is taken; `hint` names the origin (a domain or network label). */
  variant(legalNick: string, hint: string, attempt: number): string;
}

export class NickView {
  readonly #rules: NickRules;
  readonly #byUser = new Map<UserId, string>();
  readonly #byFold = new Map<string, UserId>();

  constructor(rules: NickRules) {
    this.#rules = rules;
  }

  /**
   * The nick that shows `user` here: the one it already has while it still derives from `wanted`, else a new one.
   * `taken` says whether a folded nick belongs to somebody outside this map (the peer's own users).
   */
  assign(user: UserId, wanted: string, hint: string, taken: (fold: string) => boolean = () => false): string {
    const legal = this.#rules.legalise(wanted);
    for (let attempt = 0; ; attempt++) {
      const nick = attempt === 0 ? legal : this.#rules.variant(legal, hint, attempt);
      const fold = this.#rules.fold(nick);
      const owner = this.#byFold.get(fold);
      if (owner === user) {
        this.#byUser.set(user, nick);
        return nick;
      }
      if (owner === undefined && !taken(fold)) {
        this.release(user);
        this.#byUser.set(user, nick);
        this.#byFold.set(fold, user);
        return nick;
      }
    }
  }

  /** Gives `user` exactly this nick (a fact of the peer), moving whoever held it away. Returns the displaced user. */
  claim(user: UserId, nick: string): UserId | undefined {
    const fold = this.#rules.fold(nick);
    const displaced = this.#byFold.get(fold);
    if (displaced !== undefined && displaced !== user) this.#byUser.delete(displaced);
    const old = this.#byUser.get(user);
    if (old !== undefined) this.#byFold.delete(this.#rules.fold(old));
    this.#byUser.set(user, nick);
    this.#byFold.set(fold, user);
    return displaced === user ? undefined : displaced;
  }

  release(user: UserId): void {
    const nick = this.#byUser.get(user);
    if (nick === undefined) return;
    this.#byUser.delete(user);
    this.#byFold.delete(this.#rules.fold(nick));
  }

  nickOf(user: UserId): string | undefined {
    return this.#byUser.get(user);
  }

  userOf(nick: string): UserId | undefined {
    return this.#byFold.get(this.#rules.fold(nick));
  }
}
