/** `npm run bench [-- NAME ...] [--json FILE] [--compare FILE]`: builds and runs the benchmarks; docs/contributing.md explains them. */
import { buildAnew, ensurePackages, run } from './prepare.mjs';

await ensurePackages();
await buildAnew();
process.exitCode = await run(process.execPath, ['dist/bench/main.js', ...process.argv.slice(2)]);
