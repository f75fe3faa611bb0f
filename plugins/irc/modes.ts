/** Mode changes: read so that every parameter stays with its letter, written in lines that keep within the limits. Threat class A11. */

/** Which letters a network knows (ISUPPORT CHANMODES and PREFIX). */
export interface ModeLetters {
  /** Lists: with a parameter they change, without one they are asked for. */
  readonly list: string;
  /** Always with a parameter. */
  readonly always: string;
  /** With a parameter when set. */
  readonly whenSet: string;
  readonly never: string;
  /** Status of members, highest first: letters and the prefixes that show them. */
  readonly prefix: readonly { readonly letter: string; readonly sign: string }[];
}

export interface ModeChange {
  readonly add: boolean;
  readonly letter: string;
  readonly param?: string;
}

export interface ParsedModes {
  readonly changes: readonly ModeChange[];
  /** List letters without a parameter: the person asks for the list. */
  readonly queries: readonly string[];
  /** Letters that the network does not know. */
  readonly unknown: readonly string[];
  /** Letters whose parameter is missing or empty; they change nothing. */
  readonly missing: readonly string[];
}

type Kind = 'list' | 'always' | 'whenSet' | 'never' | 'prefix' | 'unknown';

function kindOf(letter: string, letters: ModeLetters): Kind {
  if (letters.prefix.some((status) => status.letter === letter)) return 'prefix';
  if (letters.list.includes(letter)) return 'list';
  if (letters.always.includes(letter)) return 'always';
  if (letters.whenSet.includes(letter)) return 'whenSet';
  return letters.never.includes(letter) ? 'never' : 'unknown';
}

/** Reads `+ov-b` and its parameters. A letter that needs a parameter and has none changes nothing and takes nobody else's. */
export function parseModes(modes: string, params: readonly string[], letters: ModeLetters): ParsedModes {
  const changes: ModeChange[] = [];
  const queries = new Set<string>();
  const unknown = new Set<string>();
  const missing = new Set<string>();
  let add = true;
  let next = 0;
  const take = (kind: Kind, letter: string): void => {
    const param = params[next];
    if (param !== undefined) next++;
    if (param !== undefined && param !== '') changes.push({ add, letter, param });
    else if (kind === 'list') queries.add(letter);
    else missing.add(letter);
  };
  for (const letter of modes) {
    if (letter === '+' || letter === '-') {
      add = letter === '+';
      continue;
    }
    const kind = kindOf(letter, letters);
    switch (kind) {
      case 'unknown':
        unknown.add(letter);
        break;
      case 'never':
        changes.push({ add, letter });
        break;
      case 'whenSet':
        if (add) take(kind, letter);
        else changes.push({ add, letter });
        break;
      case 'list':
      case 'always':
      case 'prefix':
        take(kind, letter);
        break;
      default:
        kind satisfies never;
    }
  }
  return { changes, queries: [...queries], unknown: [...unknown], missing: [...missing] };
}

export interface ModeLine {
  readonly modes: string;
  readonly params: readonly string[];
}

/** Groups changes into as few lines as the limits allow, in order. */
export function groupModes(
  changes: readonly ModeChange[],
  limits: { readonly params: number; readonly bytes: number },
): readonly ModeLine[] {
  const lines: ModeLine[] = [];
  let modes = '';
  let params: string[] = [];
  let sign = '';
  let bytes = 0;
  const finish = (): void => {
    if (modes !== '') lines.push({ modes, params });
    modes = '';
    params = [];
    sign = '';
    bytes = 0;
  };
  for (const { add, letter, param } of changes) {
    const cost = 2 + (param === undefined ? 0 : Buffer.byteLength(param) + 1);
    if ((param !== undefined && params.length >= limits.params) || (bytes > 0 && bytes + cost > limits.bytes)) finish();
    const wanted = add ? '+' : '-';
    modes += sign === wanted ? letter : wanted + letter;
    sign = wanted;
    if (param !== undefined) params.push(param);
    bytes += cost;
  }
  finish();
  return lines;
}
