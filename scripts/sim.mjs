/**
 * `npm run sim -- --seed S --nodes N [--seconds T] [--runs R] [--wipes]`: the code of the tree with virtual time and a virtual network, in a
 * random graph with random misfortune. `--runs` tries so many seeds from S on; with `--wipes` disks are lost too.
 */
import { buildAnew, ensurePackages, run } from './prepare.mjs';

await ensurePackages();
await buildAnew();
process.exitCode = await run(process.execPath, ['dist/test/sim/main.js', ...process.argv.slice(2)]);
