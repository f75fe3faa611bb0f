/** `npm run bench`: the project's own benchmarks, as a table. docs/contributing.md tells how to read it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { groups } from './groups.ts';
import { ordinary, type Row } from './measure.ts';
import { heading, machine, readRun, rowLine, writeRun } from './table.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, compare: { type: 'string' } },
});
const unknown = positionals.filter((name) => !Object.hasOwn(groups, name));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}; there are ${Object.keys(groups).join(', ')}.`);
  process.exit(1);
}
const earlier = values.compare === undefined ? undefined : readRun(readFileSync(values.compare, 'utf8'));

console.log(machine());
if (earlier !== undefined) console.log(`compared with ${values.compare!}: ${earlier.machine}`);
console.log(`\n${heading(earlier !== undefined)}`);
const rows: Row[] = [];
for (const [name, group] of Object.entries(groups)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  for await (const row of group(ordinary)) {
    rows.push(row);
    console.log(
      rowLine(
        row,
        earlier?.rows.find(({ what }) => what === row.what),
      ),
    );
  }
}
if (values.json !== undefined) writeFileSync(values.json, writeRun(rows));
