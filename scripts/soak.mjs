/**
 * `npm run soak [-- --minutes N] [-- --seed S]`: kills, stops and cuts off the server and its peers in turn while people talk, and looks whether
 * anything that anybody had read is lost. The last line is `N passed, N failed`; a failed round names the seed that repeats it.
 */
import { buildAnew, ensurePackages, ensurePeers, run } from './prepare.mjs';

try {
  await ensurePackages();
  const missing = await ensurePeers();
  if (missing.length > 0) throw new Error(`the soak needs ${missing.join(' ')}`);
  await buildAnew();
} catch (error) {
  console.error(error.message);
  console.log('0 passed, 1 failed');
  process.exit(1);
}
process.exitCode = await run(process.execPath, ['dist/test/e2e/soak.js', ...process.argv.slice(2)]);
