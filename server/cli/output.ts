/** What the commands print. */

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Columns as wide as their widest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  for (const row of [head, ...rows]) {
    const cells = row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]! + 2)));
    print(cells.join('').trimEnd());
  }
}

/** A line each; what is empty is left out. */
export function facts(all: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(all)) if (value !== '') print(`${key.padEnd(20)} ${String(value)}`);
}

export function day(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10);
}
