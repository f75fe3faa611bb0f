/** Channel modes by meaning, and the table by which one network writes them as letters. */
import { groupModes, parseModes, type ModeLetters, type ModeLine } from '../../irc/modes.ts';
import type { ModeChange } from './facts.ts';

/** `param` takes a parameter always, `param-set` only when it is set. */
export type ModeType = 'prefix' | 'list' | 'param' | 'param-set' | 'simple';

export interface ModeDefinition {
  readonly name: string;
  readonly letter: string;
  readonly type: ModeType;
  /** Prefix modes: the symbol in front of a nick, and the standing: a higher rank outranks. */
  readonly prefix?: { readonly symbol: string; readonly rank: number };
}

/** Ranks as InspIRCd writes them; other dialects use the same scale. */
export const ranks = { voice: 10_000, op: 30_000, admin: 40_000, owner: 50_000 } as const;

/** The channel modes of one network. */
export class ModeTable {
  readonly #byName = new Map<string, ModeDefinition>();
  readonly #byLetter = new Map<string, ModeDefinition>();
  readonly #letters: ModeLetters;

  constructor(definitions: Iterable<ModeDefinition>) {
    for (const definition of definitions) {
      if (this.#byName.has(definition.name) || this.#byLetter.has(definition.letter)) continue;
      this.#byName.set(definition.name, definition);
      this.#byLetter.set(definition.letter, definition);
    }
    const all = [...this.#byName.values()];
    const ofType = (type: ModeType): string =>
      all
        .filter((definition) => definition.type === type)
        .map((definition) => definition.letter)
        .join('');
    const prefix = all
      .filter((definition) => definition.prefix !== undefined)
      .toSorted((a, b) => b.prefix!.rank - a.prefix!.rank)
      .map((definition) => ({ letter: definition.letter, sign: definition.prefix!.symbol }));
    this.#letters = { list: ofType('list'), always: ofType('param'), whenSet: ofType('param-set'), never: ofType('simple'), prefix };
  }

  byName(name: string): ModeDefinition | undefined {
    return this.#byName.get(name);
  }
  byLetter(letter: string): ModeDefinition | undefined {
    return this.#byLetter.get(letter);
  }
  bySymbol(symbol: string): ModeDefinition | undefined {
    const letter = this.#letters.prefix.find((prefix) => prefix.sign === symbol)?.letter;
    return letter === undefined ? undefined : this.#byLetter.get(letter);
  }
  get all(): Iterable<ModeDefinition> {
    return this.#byName.values();
  }

  /** The rank of the best of some statuses; 0 for none. */
  rank(status: Iterable<string>): number {
    let best = 0;
    for (const name of status) best = Math.max(best, this.#byName.get(name)?.prefix?.rank ?? 0);
    return best;
  }

  /** Reads `+ov-b nick nick mask`; letters that are unknown or lack their parameter are left out and shift no other (threat class A11). */
  read(letters: string, params: readonly string[]): readonly ModeChange[] {
    return parseModes(letters, params, this.#letters).changes.map(({ add, letter, param }) => ({
      add,
      mode: this.#byLetter.get(letter)!.name,
      ...(param === undefined ? {} : { param }),
    }));
  }

  /**
   * Writes changes as letters, in lines of at most `most` parameters and `bytes`. What this network has no letter for, or
   * whose parameter could not stand as a word of a line, is left out (threat classes A1, A2).
   */
  write(changes: readonly ModeChange[], limits: { readonly params: number; readonly bytes: number }): readonly ModeLine[] {
    const writable = changes.flatMap(({ add, mode, param }) => {
      const definition = this.#byName.get(mode);
      if (definition === undefined) return [];
      const takesParam = definition.type === 'param-set' ? add : definition.type !== 'simple';
      if (!takesParam) return [{ add, letter: definition.letter }];
      return param !== undefined && isModeParam(param) ? [{ add, letter: definition.letter, param }] : [];
    });
    return groupModes(writable, limits);
  }
}

/** Can stand as a middle word: not empty, no blank or control character, no leading colon. */
export function isModeParam(param: string): boolean {
  return param.length <= 250 && /^[^\s:\p{Cc}][^\s\p{Cc}]*$/u.test(param);
}
