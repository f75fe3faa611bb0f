/** Nicks of a room: resources of occupant addresses (RFC 7622 section 3.4, XEP-0045 section 17.1). */
import type { NickRules } from '../../../server/plugin.ts';
import { hidden, prepareResource } from '../jid.ts';

const mostNickLength = 128;

export const nickRules: NickRules = {
  fold: (nick) => nick,
  legalise(nick) {
    const legal = shorten(
      nick
        .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '')
        .replace(new RegExp(hidden, 'gu'), '')
        .replace(/\p{Zs}/gu, ' ')
        .normalize('NFC')
        .trim(),
    ).trim();
    return legal === '' ? 'somebody' : legal;
  },
  variant: (legal, hint, attempt) => `${legal} (${hint}${attempt === 1 ? '' : ` ${attempt}`})`,
};

/** Cuts between characters, never inside a surrogate pair. */
function shorten(nick: string): string {
  if (nick.length <= mostNickLength) return nick;
  const end = /[\ud800-\udbff]/.test(nick[mostNickLength - 1]!) ? mostNickLength - 1 : mostNickLength;
  return nick.slice(0, end);
}

/** A wanted nick as it would be shown, or undefined when it is none. */
export function legalNick(nick: string): string | undefined {
  try {
    const prepared = prepareResource(nick);
    return prepared.trim() === prepared && prepared.length <= mostNickLength ? prepared : undefined;
  } catch {
    return undefined;
  }
}
