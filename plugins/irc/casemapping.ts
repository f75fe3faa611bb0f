/** How a network folds names: two names with the same fold are one. */

export type CaseMapping = 'ascii' | 'rfc1459' | 'strict-rfc1459';

/** Folds a name to lower case by the mapping that the network announces (ISUPPORT CASEMAPPING). */
export function foldName(name: string, mapping: CaseMapping): string {
  const lower = name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  switch (mapping) {
    case 'ascii':
      return lower;
    case 'strict-rfc1459':
      return lower.replace(/[[\]\\]/g, (character) => (character === '[' ? '{' : character === ']' ? '}' : '|'));
    case 'rfc1459':
      return lower.replace(/[[\]\\^]/g, (character) =>
        character === '[' ? '{' : character === ']' ? '}' : character === '\\' ? '|' : '~',
      );
    default:
      return mapping satisfies never;
  }
}

/** Reads the word of an ISUPPORT or CAPAB line; what is unknown folds as RFC 1459 says, which merges most. */
export function parseCaseMapping(word: string): CaseMapping {
  const lower = word.toLowerCase();
  return lower === 'ascii' || lower === 'strict-rfc1459' ? lower : 'rfc1459';
}
