/** The table that is printed, and the file of a run with which later ones are compared. */
import { cpus } from 'node:os';
import { z } from 'zod';
import type { Row } from './measure.ts';

const columns = [
  { title: 'what', width: -58 },
  { title: 'unit', width: -10 },
  { title: 'CPU us', width: 9 },
  { title: 'per second', width: 11 },
  { title: 'bytes', width: 16 },
] as const;

/** `compared`: with one column more. */
export function heading(compared: boolean): string {
  return line([...columns.map(({ title }) => title), ...(compared ? ['CPU before'] : [])], '');
}

/** `earlier`: the same row of another run. */
export function rowLine(row: Row, earlier?: Row): string {
  const { what, unit, cpu, perSecond, bytes, note = '' } = row;
  const cells = [what, unit, figure(cpu), figure(perSecond), bytes === undefined ? '' : `${figure(bytes.count)} ${bytes.of}`];
  if (earlier === undefined) return line(cells, note);
  const change = Math.round((cpu / earlier.cpu - 1) * 100);
  return line([...cells, `${figure(earlier.cpu)} ${change > 0 ? '+' : ''}${change} %`], note);
}

function line(cells: readonly string[], note: string): string {
  const padded = cells.map((cell, index) => {
    const { width } = columns[index] ?? { width: 16 };
    return width < 0 ? cell.padEnd(-width) : cell.padStart(width);
  });
  return `${padded.join(' ')}  ${note}`.trimEnd();
}

/** Three digits that mean something. */
function figure(value: number): string {
  return value >= 100 ? Math.round(value).toString() : value.toPrecision(3);
}

export function machine(): string {
  const [first] = cpus();
  return `${cpus().length} x ${first?.model.trim() ?? 'unknown CPU'}, Node.js ${process.versions.node}, ${process.platform}`;
}

const run = z.object({
  machine: z.string(),
  rows: z.array(
    z.object({
      what: z.string(),
      unit: z.string(),
      cpu: z.number(),
      perSecond: z.number(),
      bytes: z.object({ count: z.number(), of: z.enum(['heap', 'resident', 'written']) }).exactOptional(),
      note: z.string().exactOptional(),
    }),
  ),
});
export type Run = z.output<typeof run>;

export function writeRun(rows: readonly Row[]): string {
  return `${JSON.stringify({ machine: machine(), rows }, undefined, 2)}\n`;
}

/** @throws Error when the text is no run */
export function readRun(text: string): Run {
  return run.parse(JSON.parse(text));
}
