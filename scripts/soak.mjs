/**
 * `npm run soak [-- attacks | chaos] [--minutes N] [--seed S]`: the attacks of docs/security.md at full size, and then chaos: kills, stops and
 * cuts off the server and its peers in turn while people talk, and looks whether anything that anybody had read is lost. Without --minutes the
 * attacks take about four minutes and the chaos three; --seed repeats one round of chaos. The last line is `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { buildAnew, ensurePackages, ensurePeers, root, run } from './prepare.mjs';

const totals = { passed: 0, failed: 0 };
try {
  const { values, positionals } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } }, allowPositionals: true });
  const unknown = positionals.find((part) => part !== 'attacks' && part !== 'chaos');
  if (unknown !== undefined) throw new Error(`there is no part "${unknown}" of the soak; there are attacks and chaos`);
  await ensurePackages();
  const missing = await ensurePeers();
  if (missing.length > 0) throw new Error(`the soak needs ${missing.join(' ')}`);
  await buildAnew();
  const want = (part) => (values.seed === undefined ? positionals.length === 0 || positionals.includes(part) : part === 'chaos');
  if (want('attacks')) await attacks(values.minutes);
  if (want('chaos'))
    await chaos([...(values.minutes ? ['--minutes', values.minutes] : []), ...(values.seed ? ['--seed', values.seed] : [])]);
} catch (error) {
  console.error(error.message);
  totals.failed += 1;
}
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed === 0 ? 0 : 1;

async function attacks(minutes) {
  const scratch = mkdtempSync(join(tmpdir(), 'banyan-totals-'));
  const file = join(scratch, 'soak.json');
  process.env.BANYAN_TEST_TOTALS = file;
  if (minutes !== undefined) process.env.BANYAN_SOAK_MINUTES = minutes;
  const code = await run(process.execPath, [
    'node_modules/mocha/bin/mocha.js',
    '--reporter',
    'scripts/reporter.mjs',
    '--recursive',
    'dist/test/soak',
  ]);
  const outcome = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: 0 };
  rmSync(scratch, { recursive: true, force: true });
  add(outcome, code);
}

/** Its own last line has its totals. */
function chaos(options) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['dist/test/e2e/soak.js', ...options], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let outcome = { passed: 0, failed: 0 };
    createInterface({ input: child.stdout }).on('line', (line) => {
      const counts = /^(\d+) passed, (\d+) failed$/.exec(line);
      if (counts === null) console.log(line);
      else outcome = { passed: Number(counts[1]), failed: Number(counts[2]) };
    });
    child.on('close', (code) => {
      add(outcome, code);
      resolve();
    });
  });
}

function add({ passed, failed }, code) {
  totals.passed += passed;
  totals.failed += failed;
  if (code !== 0 && failed === 0) totals.failed += 1;
}
