/** Where in a TOML text a key is written: parsers do not tell, and a mistake without its line is hard to find. */

/** The line (from 1) where the value at `path` is written; the nearest table above it when it is not written at all. */
export function lineOf(text: string, path: readonly (string | number)[]): number {
  const seen = new Map<string, number>();
  let table: string[] = [];
  let best = 1;
  let bestDepth = 0;
  const wanted = path.map(String);
  text.split('\n').forEach((line, index) => {
    const header = /^\s*(\[\[?)\s*([^\]]+?)\s*\]/.exec(line);
    if (header !== null) {
      table = splitKey(header[2]!);
      if (header[1] === '[[') {
        const name = table.join('.');
        const at = seen.get(name) ?? 0;
        seen.set(name, at + 1);
        table = [...withIndices(table, seen), String(at)];
      } else table = withIndices(table, seen);
      note(table, index + 1);
      return;
    }
    const key = /^\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=/.exec(line);
    if (key !== null) note([...table, ...splitKey(key[1]!)], index + 1);
  });
  return best;

  function note(found: readonly string[], at: number): void {
    let depth = 0;
    while (depth < found.length && depth < wanted.length && found[depth] === wanted[depth]) depth++;
    if (depth === found.length && depth > bestDepth) {
      best = at;
      bestDepth = depth;
    }
  }
}

/** `[plugins.x.links.rooms]` below the second `[[plugins.x.links]]` is in its last element. */
function withIndices(table: readonly string[], seen: ReadonlyMap<string, number>): string[] {
  const full: string[] = [];
  const plain: string[] = [];
  for (const part of table) {
    full.push(part);
    plain.push(part);
    const elements = seen.get(plain.join('.'));
    if (elements !== undefined && plain.length < table.length) full.push(String(elements - 1));
  }
  return full;
}

function splitKey(key: string): string[] {
  return [...key.matchAll(/"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)/g)].map((match) => match[1] ?? match[2] ?? match[3]!);
}
