/**
 * One interface for "a person in a room", whatever the person uses: the page, an IRC client, a user of another IRC network,
 * a user of another XMPP server. The matrix acts and looks through it alone.
 */

/** A person by name, the same in every world; what a world calls the person (the nick shown there) may differ. */
export type Person = string;

/** What somebody saw happen, in the terms that all worlds share. Names are as shown in that world. */
export type Seen =
  | { readonly kind: 'message' | 'action' | 'topic'; readonly from: string; readonly text: string; readonly replayed?: boolean }
  | { readonly kind: 'private'; readonly from: string; readonly text: string }
  | { readonly kind: 'nick'; readonly from: string; readonly to: string }
  | { readonly kind: 'removed'; readonly from: string; readonly who: string }
  | { readonly kind: 'left' | 'joined'; readonly who: string };

/** The same with names resolved to persons, as they were known at that moment; `?name` is nobody known. */
export interface Observation {
  readonly kind: Seen['kind'];
  /** Who acted. */
  readonly by: Person;
  /** Who was removed. */
  readonly whom?: Person;
  /** Text, or the new nick. */
  readonly text: string;
  /** A message that did not come when it was said: only the history showed it, when that person entered again. */
  readonly replayed?: boolean;
}

export interface World {
  readonly person: Person;
  /** In order, since the beginning. */
  readonly observed: readonly Observation[];
  /** Resolves when it was said. */
  say(text: string): Promise<void>;
  /** Says without waiting whether it was said: for traffic while the server dies. */
  mutter(text: string): Promise<void>;
  act(text: string): Promise<void>;
  privateTo(person: Person, text: string): Promise<void>;
  nick(nick: string): Promise<void>;
  topic(text: string): Promise<void>;
  kick(person: Person, reason: string): Promise<void>;
  /** Removes, and keeps out until `unban`. */
  ban(person: Person, reason: string): Promise<void>;
  unban(): Promise<void>;
  leave(): Promise<void>;
  return(): Promise<void>;
  /** After our server died and came back: whatever a client of this kind does to be in the room again and miss nothing. */
  reconnect(): Promise<void>;
  /** Persons in the room as this world lists them now; unknown names as `?name`. */
  members(): Promise<readonly Person[]>;
  stop(): Promise<void>;
}

/** Everybody says this once at the beginning, so that every world learns who is who by what it is shown. */
export function introduction(person: Person): string {
  return `I am ${person}`;
}

/** Keeps the names shown in one world, and what was seen there. */
export class Notebook {
  readonly observed: Observation[] = [];
  readonly #names = new Map<string, Person>();

  /** This world shows that person under that name. */
  know(name: string, person: Person): void {
    for (const [known, who] of this.#names) if (who === person && known !== name) this.#names.delete(known);
    this.#names.set(name, person);
  }

  who(name: string): Person {
    return this.#names.get(name) ?? `?${name}`;
  }

  /** The name under which a person is shown. */
  nameOf(person: Person): string {
    for (const [name, who] of this.#names) if (who === person) return name;
    throw new Error(`${person} was never introduced here; known are ${[...this.#names].map((pair) => pair.join('=')).join(' ')}`);
  }

  see(seen: Seen): void {
    if (seen.kind === 'message') {
      const introduced = /^I am (\S+)$/.exec(seen.text)?.[1];
      if (introduced !== undefined) this.know(seen.from, introduced);
    }
    this.observed.push(this.#resolve(seen));
    if (seen.kind === 'nick') {
      const person = this.#names.get(seen.from);
      if (person !== undefined) this.know(seen.to, person);
    }
  }

  #resolve(seen: Seen): Observation {
    switch (seen.kind) {
      case 'message':
      case 'action':
      case 'topic':
        return { kind: seen.kind, by: this.who(seen.from), text: seen.text, ...(seen.replayed === true ? { replayed: true } : {}) };
      case 'private':
        return { kind: seen.kind, by: this.who(seen.from), text: seen.text };
      case 'nick':
        return { kind: 'nick', by: this.who(seen.from), text: seen.to };
      case 'removed':
        return { kind: 'removed', by: this.who(seen.from), whom: this.who(seen.who), text: '' };
      case 'left':
      case 'joined':
        return { kind: seen.kind, by: this.who(seen.who), text: '' };
      default:
        return seen satisfies never;
    }
  }
}
