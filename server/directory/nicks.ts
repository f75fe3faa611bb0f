/** Which nick somebody of ours may have: unique among our people, and an account's name is its own. */
import { accepted, refused, type Outcome } from '../model/outcome.ts';
import type { StoredAccount } from '../storage.ts';
import { checkNick, nickVariant } from './names.ts';
import { foldNick, type Directory } from './state.ts';

export class Nicks {
  readonly #directory: Directory;
  readonly #accounts: ReadonlyMap<string, StoredAccount>;
  readonly #characters: number;

  /** `characters`: most in a nick. */
  constructor(directory: Directory, accounts: ReadonlyMap<string, StoredAccount>, characters: number) {
    this.#directory = directory;
    this.#accounts = accounts;
    this.#characters = characters;
  }

  /** The wanted nick when it is legal and free, else the last one, else the account's name, which is reserved. */
  forAccount(account: StoredAccount, wanted: string | undefined): string {
    for (const nick of [wanted, account.nick, account.name]) {
      if (nick === undefined) continue;
      const checked = checkNick(nick, this.#characters);
      if (checked.ok && this.isFree(checked.value, account.name)) return checked.value;
    }
    return this.#variantOf(account.name, account.name);
  }

  /** `any`: one near the wanted one will do. */
  forGuest(wanted: string, any: boolean): Outcome<string> {
    const checked = checkNick(wanted, this.#characters);
    if (!checked.ok) return any ? accepted(this.#variantOf('guest', null)) : checked;
    if (this.isFree(checked.value, null)) return checked;
    if (any) return accepted(this.#variantOf(checked.value, null));
    if (this.#accounts.has(foldNick(checked.value)))
      return refused('name-taken', `"${checked.value}" belongs to an account; sign in to use it.`);
    return refused('nick-in-use', `Somebody called "${checked.value}" is here already.`);
  }

  /** Nobody has the nick, and it is no account's name but that of `account`. */
  isFree(nick: string, account: string | null): boolean {
    const folded = foldNick(nick);
    if (this.#directory.byNick.has(folded)) return false;
    return folded === account || !this.#accounts.has(folded);
  }

  #variantOf(nick: string, account: string | null): string {
    for (let attempt = 1; ; attempt++) {
      const variant = nickVariant(nick, attempt, this.#characters);
      if (this.isFree(variant, account)) return variant;
    }
  }
}
