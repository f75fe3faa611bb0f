/** What may be a name in lines of any dialect: whatever a network allows besides, these would break something here. */

const notInNames = /[\s,:!@\p{Cc}]/u;
export const longestName = 128;

export function isNick(text: string): boolean {
  return text !== '' && text.length <= longestName && !notInNames.test(text) && !/^[#&+~%*$]/.test(text);
}

export function isChannel(text: string): boolean {
  return /^#[^\s,\p{Cc}]{0,200}$/u.test(text);
}

export function isServerName(text: string): boolean {
  return text.length <= longestName && /^[\w-]+(?:\.[\w-]+)+$/.test(text);
}

/** A mask of a ban: a nick, a host, or `nick!ident@host`, with wildcards. */
export function isBanMask(text: string): boolean {
  return text !== '' && text.length <= 250 && !/[\s\p{Cc}]/u.test(text);
}

/** An ident or a host. */
export function isUserWord(text: string): boolean {
  return text !== '' && text.length <= longestName && !/[\s!@\p{Cc}]/u.test(text);
}
