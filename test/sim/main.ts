/** The program behind `npm run sim -- --seed S --nodes N [--seconds T] [--runs R] [--wipes] [--hostile]`. */
import { parseArgs } from 'node:util';
import { simulate } from './world.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    nodes: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '30' },
    runs: { type: 'string', default: '1' },
    wipes: { type: 'boolean', default: false },
    hostile: { type: 'boolean', default: false },
  },
});
let failed = 0;
const first = Number(values.seed);
for (let seed = first; seed < first + Number(values.runs); seed++) {
  const run = { seed, nodes: Number(values.nodes), seconds: Number(values.seconds), wipes: values.wipes, hostile: values.hostile };
  const begun = performance.now();
  try {
    const report = simulate(run);
    process.stdout.write(`ok     seed ${seed} (${Math.round(performance.now() - begun)} ms): ${JSON.stringify(report)}\n`);
  } catch (error) {
    failed += 1;
    const repeat = `npm run sim -- --seed ${seed} --nodes ${run.nodes} --seconds ${run.seconds}${run.wipes ? ' --wipes' : ''}${run.hostile ? ' --hostile' : ''}`;
    process.stdout.write(`FAILED seed ${seed} (repeat: ${repeat}): ${error instanceof Error ? error.stack : String(error)}\n`);
  }
}
process.exitCode = failed === 0 ? 0 : 1;
