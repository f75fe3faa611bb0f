/** Nicks as IRC can carry them: the rules with which a NickView maps everybody's nick to a legal, unique one. */
import type { NickRules } from '../../server/plugin.ts';
import { foldName, type CaseMapping } from './casemapping.ts';

export interface IrcNickOptions {
  readonly caseMapping: CaseMapping;
  /** Longest nick, in bytes. */
  readonly maxBytes: number;
  /** The network takes letters of all scripts; else they are transliterated. */
  readonly unicode?: boolean;
}

/** RFC 2812 section 2.3.1 nicks, or with `unicode` those with letters of any script too. */
export function ircNickRules(options: IrcNickOptions): NickRules {
  const { caseMapping, maxBytes, unicode = false } = options;
  return {
    fold: (nick) => foldName(unicode ? nick.normalize('NFKC').toLowerCase() : nick, caseMapping),
    legalise(nick) {
      const legal = unicode ? keepLetters(nick) : transliterate(nick);
      return cutBytes(startLegally(legal === '' ? nameless(nick) : legal), maxBytes);
    },
    variant(legal, hint, attempt) {
      const label = transliterate(hint.split('.')[0]!)
        .replace(/[^A-Za-z0-9-]/g, '')
        .slice(0, 12);
      const suffix = `|${label === '' ? '2' : label}${attempt === 1 ? '' : String(attempt)}`;
      return cutBytes(legal, Math.max(1, maxBytes - suffix.length)) + suffix;
    },
  };
}

function startLegally(nick: string): string {
  return /^[\p{N}\p{M}-]/u.test(nick) ? `_${nick}` : nick;
}

function keepLetters(nick: string): string {
  return nick
    .normalize('NFC')
    .replace(/[\s.@/%]+/g, '_')
    .replace(/[^\p{L}\p{N}\p{M}_[\]\\^{}|`-]/gu, '');
}

/** Somebody whose nick has nothing that can be kept is named by its code points, always in the same way. */
function nameless(nick: string): string {
  const points = [...nick].slice(0, 4).map((character) => character.codePointAt(0)!.toString(36));
  return `u${points.length === 0 ? '0' : points.join('')}`;
}

function cutBytes(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  let cut = '';
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    cut += character;
  }
  return cut;
}

const letters: ReadonlyMap<string, string> = new Map(
  [
    'ß:ss æ:ae œ:oe ø:o đ:d ð:d þ:th ł:l ħ:h ı:i ŋ:ng',
    'а:a б:b в:v г:g д:d е:e ж:zh з:z и:i к:k л:l м:m н:n о:o п:p р:r с:s т:t у:u ф:f х:kh ц:ts ч:ch ш:sh щ:shch ъ: ы:y ь: э:e ю:yu я:ya',
    'є:ye і:i ґ:g ј:j љ:lj њ:nj ћ:c ђ:dj џ:dz',
    'α:a β:v γ:g δ:d ε:e ζ:z η:i θ:th ι:i κ:k λ:l μ:m ν:n ξ:x ο:o π:p ρ:r σ:s ς:s τ:t υ:y φ:f χ:ch ψ:ps ω:o',
  ].flatMap((line) =>
    line.split(' ').map((pair): [string, string] => {
      const [letter = '', latin = ''] = pair.split(':');
      return [letter, latin];
    }),
  ),
);

/** Letters of other scripts become the nearest Latin ones, blanks and dots become `_`, the rest goes. */
function transliterate(nick: string): string {
  let result = '';
  for (const character of nick.normalize('NFKD').replace(/\p{M}+/gu, '')) {
    if (/[A-Za-z0-9_[\]\\^{}|`-]/.test(character)) {
      result += character;
      continue;
    }
    if (/[\s.@/%]/.test(character)) {
      result += '_';
      continue;
    }
    const lower = character.toLowerCase();
    const latin = letters.get(lower);
    if (latin !== undefined) result += character === lower ? latin : latin.charAt(0).toUpperCase() + latin.slice(1);
  }
  return result;
}
