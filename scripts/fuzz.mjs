/**
 * `npm run fuzz [-- PLUGIN ...] [--seconds N] [--seed S] [--case N]`: says to the plugins what peers say, with mistakes, and looks whether
 * anything but the one connection suffers. What is found is made small and kept in test/fixtures/fuzz, which the tests replay.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildAnew, ensurePackages, run } from './prepare.mjs';

await ensurePackages();
await buildAnew();
const scratch = mkdtempSync(join(tmpdir(), 'banyan-fuzz-'));
const code = await run(process.execPath, ['dist/test/fuzz/main.js', '--scratch', scratch, ...process.argv.slice(2)]);
// 0 and 3 say it themselves; anything else is a conversation that hung or brought the process down.
if (code !== 0 && code !== 3) {
  const file = join(scratch, 'case');
  console.log(`FAILED ended with ${code}; repeat: ${existsSync(file) ? readFileSync(file, 'utf8') : 'before the first conversation'}`);
  console.log('0 passed, 1 failed');
}
rmSync(scratch, { recursive: true, force: true });
process.exitCode = code === 0 ? 0 : 1;
