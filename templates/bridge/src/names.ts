/** Nicks as Parley can show them. */
import type { NickRules } from 'banyan/plugin';

const mostCharacters = 24;

/** Letters, digits, `_` and `-` of ASCII; the first is a letter. */
export function isNick(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_-]{0,23}$/.test(text);
}

export const nickRules: NickRules = {
  fold: (nick) => nick.toLowerCase(),
  legalise(nick) {
    const plain = nick.normalize('NFKD').replace(/\p{M}/gu, '');
    const legal = plain.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, mostCharacters);
    return /^[A-Za-z]/.test(legal) ? legal : `u${legal}`.slice(0, mostCharacters);
  },
  variant(nick, hint, attempt) {
    const suffix = `_${hint.replace(/[^A-Za-z0-9]/g, '').slice(0, 8)}${attempt === 1 ? '' : attempt}`;
    return nick.slice(0, mostCharacters - suffix.length) + suffix;
  },
};
