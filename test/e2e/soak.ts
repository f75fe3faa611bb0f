/** The program behind `npm run soak`: crash rounds with random seeds until the time is up. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { seeded } from '../support/random.ts';
import { crashRound } from './crash.ts';
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
do {
  const seed = only ?? randomInt(2 ** 31);
  try {
    const { said, read, logged } = await crashRound(environment, seeded(seed), `soak-${seed}`);
    passed += 1;
    print(`ok     seed ${seed}: ${said} said, ${read} read by somebody, ${logged} logged`);
  } catch (error) {
    failed += 1;
    print(`FAILED seed ${seed} (repeat: npm run soak -- --seed ${seed}): ${error instanceof Error ? error.stack : String(error)}`);
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
