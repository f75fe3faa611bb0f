/**
 * `npm run sim -- --seed S --nodes N [--seconds T] [--runs R] [--wipes] [--hostile]`: the code of the tree with virtual time and a virtual network, in a
 * random graph with random misfortune. `--runs` tries so many seeds from S on; with `--wipes` disks are lost too, with
 * `--hostile` a node lies. `npm run sim -- --mutations` breaks the code in one place after another and shows that the simulator finds it.
 */
import { buildAnew, ensurePackages, run } from './prepare.mjs';

await ensurePackages();
await buildAnew();
const wanted = process.argv.slice(2);
process.exitCode = wanted.includes('--mutations')
  ? await run(process.execPath, ['dist/test/sim/mutations.js'])
  : await run(process.execPath, ['dist/test/sim/main.js', ...wanted]);
