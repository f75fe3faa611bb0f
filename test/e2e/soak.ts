/** The program behind `npm run soak`: rounds of chaos with random seeds, each fault in turn, until the time is up. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { seeded } from '../support/random.ts';
import { chaosRound, faults } from './chaos.ts';
import { startEnvironment } from './environment.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '3' }, seed: { type: 'string' } } });
const until = performance.now() + Number(values.minutes) * 60_000;
const only = values.seed === undefined ? undefined : Number(values.seed);
let passed = 0;
let failed = 0;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** A new environment after each failure: what one broken round leaves behind must not fail the next. */
let environment = await startEnvironment();
let rounds = 0;
do {
  const seed = only ?? randomInt(2 ** 27) * faults.length + (rounds % faults.length);
  // The fault is in the seed, so that a seed repeats its round.
  const fault = faults[seed % faults.length]!;
  rounds += 1;
  try {
    const { said, read, logged, again, unlogged } = await chaosRound(environment, seeded(seed), `soak-${seed}`, fault);
    passed += 1;
    const lost = [...unlogged].map(([person, count]) => `${person} ${count}`).join(', ') || 'none';
    print(
      `ok     seed ${seed}, ${fault}: ${said} said, ${read} read by somebody, ${logged} logged; repeated and marked ${again}; never reached us: ${lost}`,
    );
  } catch (error) {
    failed += 1;
    print(
      `FAILED seed ${seed}, ${fault} (repeat: npm run soak -- --seed ${seed}): ${error instanceof Error ? error.stack : String(error)}`,
    );
    print(environment.banyan.output().split('\n').slice(-30).join('\n'));
    await environment.stop();
    environment = await startEnvironment();
  }
} while (only === undefined && performance.now() < until);

try {
  await environment.verifyLog();
  passed += 1;
  print('ok     every number was used once, every epoch continues the one before, the chain of hashes holds');
} catch (error) {
  failed += 1;
  print(`FAILED the log: ${error instanceof Error ? error.stack : String(error)}`);
}
await environment.stop();
print(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
