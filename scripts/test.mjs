/**
 * `npm test`: installs what is missing, checks the source, and runs all tests. The last line is `N passed, N failed`.
 * `npm test -- unit e2e` runs only these of check, unit, security, sim, interop, e2e.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildAnew, ensurePackages, ensurePeers, root, run } from './prepare.mjs';

const links = 'dist/test/interop/irc-link*.test.js';

/**
 * Stages in one group run side by side, each with ports of its own: most of what they do is to wait for others. `minutes` is when a stage is
 * given up; `tests` are its files, if not all in the folder of its name.
 */
const groups = [
  [
    { name: 'unit', minutes: 5, ports: 11_000 },
    { name: 'security', minutes: 5, ports: 14_000 },
    { name: 'sim', minutes: 5, ports: 23_000 },
  ],
  [
    { name: 'interop', minutes: 9, ports: 17_000, peers: true, tests: ['--recursive', 'dist/test/interop', '--ignore', links] },
    { name: 'interop', minutes: 9, ports: 26_000, peers: true, tests: [links] },
    { name: 'e2e', minutes: 9, ports: 20_000, peers: true },
  ],
];

const wanted = process.argv.slice(2);
const want = (name) => wanted.length === 0 || wanted.includes(name);
const scratch = mkdtempSync(join(tmpdir(), 'banyan-totals-'));
const totals = { passed: 0, failed: 0 };
const count = (ok) => (ok ? (totals.passed += 1) : (totals.failed += 1));
const begun = performance.now();

try {
  await ensurePackages();
  const missing = groups.flat().some((stage) => stage.peers && want(stage.name)) ? await ensurePeers() : [];
  if (want('check')) count((await run(process.execPath, ['scripts/check.mjs'])) === 0);
  await buildAnew();
  for (const group of groups) {
    const stages = group.filter((stage) => want(stage.name) && existsSync(join(root, 'dist', 'test', stage.name)));
    if (missing.length > 0 && stages.some((stage) => stage.peers)) {
      console.log(`\n${stages.map((stage) => stage.name).join(', ')}: left out, for want of ${missing.join(' ')}`);
      if (process.env.CI) count(false);
      continue;
    }
    for (const outcome of await Promise.all(stages.map((stage) => runStage(stage, stages.length > 1)))) {
      totals.passed += outcome.passed;
      totals.failed += outcome.failed;
    }
  }
} catch (error) {
  console.error(`\n${error.message}`);
  count(false);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`\nin ${Math.round((performance.now() - begun) / 1000)} s`);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed === 0 ? 0 : 1;

/** One mocha process. Where several run side by side, each line is preceded by the name of its stage. */
function runStage({ name, minutes, ports, tests = ['--recursive', `dist/test/${name}`] }, several) {
  const file = join(scratch, `${name}-${ports}.json`);
  const stageBegun = performance.now();
  if (!several) console.log(`\n${name}`);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['node_modules/mocha/bin/mocha.js', '--reporter', 'scripts/reporter.mjs', ...tests], {
      cwd: root,
      stdio: ['ignore', several ? 'pipe' : 'inherit', several ? 'pipe' : 'inherit'],
      env: { ...process.env, BANYAN_TEST_TOTALS: file, BANYAN_TEST_PORTS: String(ports) },
    });
    if (several) {
      for (const input of [child.stdout, child.stderr])
        createInterface({ input }).on('line', (line) => console.log(line === '' ? '' : `${name.padEnd(9)}${line}`));
    }
    let late = '';
    const giveUp = (why) => {
      late = why;
      child.kill('SIGKILL');
    };
    const deadline = setTimeout(() => giveUp(`not done after ${minutes} minutes`), minutes * 60_000);
    /** Mocha ends by itself when nothing is left open: what keeps it alive after the last test is a leak. */
    const watch = setInterval(() => {
      if (!existsSync(file)) return;
      clearInterval(watch);
      setTimeout(() => giveUp('the tests are over, but something they opened keeps the process alive'), 15_000).unref();
    }, 1000);
    child.on('close', (code) => {
      clearTimeout(deadline);
      clearInterval(watch);
      const outcome = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: 0 };
      if (late !== '') console.log(`FAILED ${name}: ${late}`);
      else if (code !== 0 && outcome.failed === 0) console.log(`FAILED ${name}: mocha ended with ${code}`);
      if (late !== '' || (code !== 0 && outcome.failed === 0)) outcome.failed += 1;
      console.log(
        `       ${name}: ${outcome.passed} passed, ${outcome.failed} failed (${Math.round((performance.now() - stageBegun) / 1000)} s)`,
      );
      resolve(outcome);
    });
  });
}
