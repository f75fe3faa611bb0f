/** Conversations with mistakes in them, made from right ones; the same seed makes the same. */
import type { Random } from '../support/random.ts';

/** Something that a peer sends, so many milliseconds after what it sent before; 0: in one go with it. */
export interface Step {
  readonly after: number;
  readonly bytes: Buffer;
}

export interface Material {
  /** Right conversations. */
  readonly conversations: readonly (readonly Step[])[];
  /** Pieces that mean something to the protocol. */
  readonly words: readonly string[];
}

/** What breaks things everywhere: ends of lines and of texts, numbers at borders, names that objects have, odd characters. */
const everywhere = [
  ...['', ' ', '\r', '\n', '\r\n', '\0', '\x01', '\x1b', '\x7f', ':', ';', ',', '#', '@', '!', '%', '*', '&', '<', '>', '"', "'", '\\'],
  ...['-1', '0', '1', '255', '65536', '2147483648', '4294967296', '9007199254740993', '99999999999999999999', '1e400', 'NaN', '0x10'],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', '../../etc/passwd', '%00', '%s%n', '$&', 'null', 'undefined', 'true'],
  ...[
    '\u0130',
    '\u00df',
    '\u2028',
    '\u202e',
    '\ufeff',
    '\ufffe',
    '\u0301',
    '\u{1f600}',
    '\u{e0001}',
    'a\u0301'.repeat(20),
    '\u4e2d'.repeat(40),
  ],
].map((text) => Buffer.from(text));
/** No UTF-8: a lone half of a pair, an overlong slash, a beginning without its end, a byte that never occurs. */
const broken = [Buffer.from('eda080', 'hex'), Buffer.from('c0af', 'hex'), Buffer.from('e4b8', 'hex'), Buffer.from('ff', 'hex')];

const mostSteps = 400;
const mostBytes = 300_000;
/** Long enough for every deadline of a protocol. */
const longestWait = 200_000;

export function mutate(material: Material, random: Random): Step[] {
  let steps = [...random.pick(material.conversations)];
  const words = [...everywhere, ...broken, ...material.words.map((word) => Buffer.from(word))];
  for (let count = random.integer(1, 8); count > 0 && steps.length > 0; count--) {
    const changed = change(steps, material, words, random);
    if (changed.length <= mostSteps && size(changed) <= mostBytes) steps = changed;
  }
  return steps;
}

function change(steps: readonly Step[], material: Material, words: readonly Buffer[], random: Random): Step[] {
  const at = random.integer(0, steps.length - 1);
  const step = steps[at]!;
  const put = (...instead: readonly Step[]): Step[] => steps.toSpliced(at, 1, ...instead);
  switch (random.integer(0, 9)) {
    case 0:
      return put();
    case 1:
      return put(...Array.from({ length: random.integer(2, random.pick([2, 3, 40])) }, () => step));
    case 2: {
      const [moved] = steps.slice(at, at + 1);
      return steps.toSpliced(at, 1).toSpliced(random.integer(0, steps.length - 1), 0, moved!);
    }
    case 3: {
      const other = random.pick(material.conversations);
      const from = random.integer(0, other.length - 1);
      return put(step, ...other.slice(from, from + random.integer(1, 4)));
    }
    case 4: {
      const cut = random.integer(0, step.bytes.length);
      return put({ after: step.after, bytes: step.bytes.subarray(0, cut) }, { after: 1, bytes: step.bytes.subarray(cut) });
    }
    case 5:
      return put({ after: random.pick([0, 0, 1_000, longestWait]), bytes: step.bytes });
    default:
      return put({ after: step.after, bytes: changeBytes(step.bytes, steps, words, random) });
  }
}

function changeBytes(bytes: Buffer, steps: readonly Step[], words: readonly Buffer[], random: Random): Buffer {
  const from = random.integer(0, bytes.length);
  const to = Math.min(bytes.length, from + random.integer(0, random.pick([1, 8, 64])));
  const put = (instead: Buffer): Buffer => Buffer.concat([bytes.subarray(0, from), instead, bytes.subarray(to)]);
  switch (random.integer(0, 6)) {
    case 0:
      return put(Buffer.from([random.integer(0, 255)]));
    case 1:
      return put(random.pick(words));
    case 2:
      return put(Buffer.alloc(0));
    case 3: {
      const part = bytes.subarray(from, to);
      const times = random.integer(1, random.pick([2, 20, 3_000]));
      return put(Buffer.concat(Array.from({ length: times }, () => part)).subarray(0, mostBytes));
    }
    case 4:
      return swapWord(bytes, Buffer.from(random.pick(words)), random);
    case 5:
      return swapWord(bytes, wordOf(random.pick(steps).bytes, random), random);
    default:
      return put(wordOf(random.pick(steps).bytes, random));
  }
}

/** Words as most protocols have them: what stands between blanks, quotes and brackets. */
function wordsOf(bytes: Buffer): readonly (readonly [from: number, to: number])[] {
  return [...bytes.toString('latin1').matchAll(/[^\s<>"'=:,/{}[\]]+/g)].map((match) => [match.index, match.index + match[0].length]);
}

function wordOf(bytes: Buffer, random: Random): Buffer {
  const words = wordsOf(bytes);
  if (words.length === 0) return Buffer.alloc(0);
  return bytes.subarray(...random.pick(words));
}

function swapWord(bytes: Buffer, instead: Buffer, random: Random): Buffer {
  const words = wordsOf(bytes);
  if (words.length === 0) return instead;
  const [from, to] = random.pick(words);
  return Buffer.concat([bytes.subarray(0, from), instead, bytes.subarray(to)]);
}

export function size(steps: readonly Step[]): number {
  return steps.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/**
 * The smallest conversation that still fails, within so many tries: whole steps are left out first, then bytes, always the half, the
 * quarter, ... of what is there.
 */
export async function minimise(
  steps: readonly Step[],
  fails: (steps: readonly Step[]) => Promise<boolean>,
  tries: number,
): Promise<Step[]> {
  let left = tries;
  const still = async (candidate: readonly Step[]): Promise<boolean> => --left >= 0 && (await fails(candidate));
  let best = await leaveOut([...steps], still);
  for (let at = best.length - 1; at >= 0; at--) {
    const before = best;
    const { after, bytes } = best[at]!;
    const withBytes = (some: readonly number[]): Step[] => before.toSpliced(at, 1, { after, bytes: Buffer.from(some) });
    best = withBytes(await leaveOut([...bytes], (some) => still(withBytes(some))));
  }
  return best;
}

async function leaveOut<T>(all: T[], still: (some: readonly T[]) => Promise<boolean>): Promise<T[]> {
  let best = all;
  for (let part = Math.ceil(best.length / 2); part >= 1; part = Math.floor(part / 2)) {
    for (let from = 0; from < best.length;) {
      const without = best.toSpliced(from, part);
      if (await still(without)) best = without;
      else from += part;
    }
  }
  return best;
}
