/** What a schema says about a value, in words for the person who wrote the file. */
import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/** One sentence that names the remedy. Messages that a schema gives itself are kept. */
export function explainIssue(issue: Issue): string {
  if (!/^(?:Invalid|Too (?:small|big))/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type': {
      const received = /received (\w+)$/.exec(issue.message)?.[1] ?? '';
      const wanted = kindNames.get(issue.expected) ?? issue.expected;
      return received === 'undefined'
        ? `is missing; it must be ${wanted}`
        : `must be ${wanted}, and is ${kindNames.get(received) ?? received}`;
    }
    case 'invalid_value': {
      const values = issue.values.map((value) => JSON.stringify(value));
      return values.length === 1 ? `must be ${values[0]}` : `must be one of ${values.join(', ')}`;
    }
    case 'too_small':
      return `${sizeWord(issue.origin)} ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${unit(issue.origin)}`;
    case 'too_big':
      return `${sizeWord(issue.origin)} ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${unit(issue.origin)}`;
    case 'invalid_format':
      return issue.format === 'url'
        ? 'must be a URL, for example "https://chat.example.org/"'
        : `does not have the form of ${issue.format}; see config.example.toml`;
    case 'invalid_union':
      return 'has none of the forms it may have; see config.example.toml';
    default:
      return issue.message;
  }
}

const kindNames = new Map([
  ['string', 'a text in quotes'],
  ['number', 'a number'],
  ['int', 'a whole number'],
  ['boolean', 'true or false'],
  ['array', 'a list in brackets'],
  ['object', 'a table'],
  ['record', 'a table'],
  ['date', 'a date'],
  ['NaN', 'no number'],
]);

function sizeWord(origin: string): string {
  return origin === 'string' || origin === 'array' ? 'must have' : 'must be';
}

function unit(origin: string): string {
  return origin === 'string' ? ' characters' : origin === 'array' ? ' entries' : '';
}

/** What an unknown key was probably meant to be: one of `known` that differs little. */
export function didYouMean(key: string, known: readonly string[]): string | undefined {
  const wanted = key.toLowerCase().replaceAll('-', '_');
  const most = Math.max(1, Math.floor(wanted.length / 2.5));
  const [best] = known
    .map((name) => ({ name, distance: distance(wanted, name.toLowerCase().replaceAll('-', '_')) }))
    .filter(({ distance: far }) => far <= most)
    .toSorted((a, b) => a.distance - b.distance);
  return best?.name;
}

/** Levenshtein: insertions, deletions and replacements from one word to the other. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[to.length]!;
}

/** The keys that a schema knows at a path into its value. */
export function knownKeys(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  let current: z.core.$ZodType | undefined = schema;
  for (const part of path) {
    if (current === undefined) return [];
    current = below(bare(current), part);
  }
  const found = current === undefined ? undefined : bare(current)._zod.def;
  return found !== undefined && isObject(found) ? Object.keys(found.shape) : [];
}

function below(schema: z.core.$ZodType, part: PropertyKey): z.core.$ZodType | undefined {
  const { def } = schema._zod;
  if (isObject(def)) return def.shape[String(part)];
  if (def.type === 'array') return (def as z.core.$ZodArrayDef).element;
  if (def.type === 'record') return (def as z.core.$ZodRecordDef).valueType;
  return undefined;
}

/** Without the wrappers that defaults and transforms are. */
function bare(schema: z.core.$ZodType): z.core.$ZodType {
  const { def } = schema._zod;
  if (def.type === 'default' || def.type === 'prefault' || def.type === 'optional')
    return bare((def as z.core.$ZodDefaultDef | z.core.$ZodPrefaultDef | z.core.$ZodOptionalDef).innerType);
  return def.type === 'pipe' ? bare((def as z.core.$ZodPipeDef).in) : schema;
}

function isObject(def: z.core.$ZodTypeDef): def is z.core.$ZodObjectDef {
  return def.type === 'object';
}
