/** The program behind `npm run fuzz`: conversations with mistakes until the time is up. */
import { createHash, randomInt } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { startWatchdog } from '../../server/host/watchdog.ts';
import { TranscriptWriter } from '../../server/net/transcript.ts';
import { seeded } from '../support/random.ts';
import { repository } from '../support/root.ts';
import { runCase, type Finding, type Target } from './cases.ts';
import { minimise, mutate, size, type Step } from './mutate.ts';
import { targets } from './targets.ts';

/** Conversations tried to make a finding smaller, and findings after which there is enough to do. */
const mostTries = 600;
const mostFindings = 10;
const hangSeconds = 60;
/** Exit code; any other means that a conversation ended this process. */
const foundSomething = 3;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    case: { type: 'string' },
    /** A folder for what must be known after a hang. */
    scratch: { type: 'string' },
  },
});

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** The n-th conversation of a seed is always the same. */
function caseOf(material: Parameters<typeof mutate>[0], seed: number, n: number): Step[] {
  return mutate(material, seeded(Math.imul(seed, 0x9e3779b1) ^ n));
}

async function report(target: Target, finding: Finding, steps: readonly Step[], repeat: string): Promise<void> {
  print(`\nFAILED ${target.name}: ${finding.details}\n       repeat: ${repeat}`);
  const small = await minimise(steps, async (some) => (await runCase(target, some))?.key === finding.key, mostTries);
  const writer = new TranscriptWriter(0);
  writer.comment(`Found by: ${repeat}\n${finding.details.split('\n').slice(0, 3).join('\n')}`);
  let at = 0;
  for (const { after, bytes } of small) writer.bytes('in', (at += after), bytes);
  const text = writer.toString();
  const folder = join(repository, 'test', 'fixtures', 'fuzz');
  const file = join(folder, `${target.name}-${createHash('sha256').update(finding.key).digest('hex').slice(0, 8)}.txt`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, text);
  print(`       ${small.length} steps, ${size(small)} bytes, in ${file}; npm test replays it from now on\n${text}`);
}

async function fuzz(target: Target, seed: number, until: number): Promise<number> {
  const material = await target.material();
  const known = new Set<string>();
  const only = values.case === undefined ? undefined : Number(values.case);
  let n = only ?? 0;
  do {
    const repeat = `npm run fuzz -- ${target.name} --seed ${seed} --case ${n}`;
    if (values.scratch !== undefined) writeFileSync(join(values.scratch, 'case'), repeat);
    const steps = caseOf(material, seed, n);
    const finding = await runCase(target, steps);
    if (finding !== undefined && !known.has(finding.key)) {
      known.add(finding.key);
      await report(target, finding, steps, repeat);
    }
    n += 1;
  } while (only === undefined && performance.now() < until && known.size < mostFindings);
  print(`${known.size === 0 ? 'ok    ' : 'FAILED'} ${target.name}: ${n} conversations with seed ${seed}, ${known.size} findings`);
  return known.size;
}

const chosen =
  positionals.length === 0
    ? targets
    : targets.filter(({ name }) => positionals.some((plugin) => name === plugin || name.startsWith(`${plugin}-`)));
if (chosen.length < positionals.length) throw new Error(`there are: ${targets.map(({ name }) => name).join(', ')}`);
const unwatch = startWatchdog({ seconds: hangSeconds, dataFolder: values.scratch ?? '.', plugins: [], log: pino() });
let failed = 0;
for (const target of chosen) {
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
  if ((await fuzz(target, seed, performance.now() + Number(values.seconds) * 1_000)) > 0) failed += 1;
}
await unwatch();
print(`${chosen.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : foundSomething);
