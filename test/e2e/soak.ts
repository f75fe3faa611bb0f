/**
 * The chaos part of `npm run soak`: rounds with random seeds, each fault in turn, until the time is up. Banyan is killed in the first third
 * only, so that the last process lives through many breaks of its peers; then its heap is compared with what it was when it was warm.
 */
import { expect } from 'chai';
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { seeded } from '../support/random.ts';
import { chaosRound, faults, type Fault } from './chaos.ts';
import { startEnvironment } from './environment.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '3' }, seed: { type: 'string' } } });
const begun = performance.now();
const milliseconds = Number(values.minutes) * 60_000;
const only = values.seed === undefined ? undefined : Number(values.seed);
/** What breaks the server's peers, or stops the server: its process stays. */
const lasting = faults.filter((fault) => fault !== 'banyan killed');
/** Rounds after the first full rejoin in which what first runs is still compiled: by heap snapshots the code alone grows then, and later slowly. */
const warmingUp = 2;
/** Rounds behind those from which on the heaps are compared. */
const enough = 3;
let passed = 0;
let failed = 0;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function report(what: string, error: unknown): void {
  failed += 1;
  print(`FAILED ${what}: ${error instanceof Error ? error.stack : String(error)}`);
}

/** A new environment after each failure: what one broken round leaves behind must not fail the next. */
let environment = await startEnvironment();
/** The process that runs, its heap when it was warm, and the rounds since everybody was back in it for the first time. */
let life: { readonly pid: number; readonly heap: number; readonly rounds: number } | undefined;

/** The first round kills the server; so do others in the first third of the time. */
function nextFault(round: number): Fault {
  if (round === 0) return 'banyan killed';
  const among = performance.now() - begun < milliseconds / 3 ? faults : lasting;
  return among[round % among.length]!;
}

/** Answers with the heap of the process after the round, bytes. */
async function lived(): Promise<number> {
  const { banyan } = environment;
  const heap = await banyan.collectedHeap();
  const lasted: number = life?.pid === banyan.pid ? life.rounds + 1 : 0;
  life = { pid: banyan.pid, heap: life === undefined || lasted <= warmingUp ? heap : life.heap, rounds: lasted };
  return heap;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

let rounds = 0;
do {
  // The fault is in the seed, so that a seed repeats its round.
  const seed = only ?? randomInt(2 ** 27) * faults.length + faults.indexOf(nextFault(rounds));
  const fault = faults[seed % faults.length]!;
  rounds += 1;
  try {
    const { said, read, logged, again, unlogged } = await chaosRound(environment, seeded(seed), `soak-${seed}`, fault);
    const heap = await lived();
    passed += 1;
    const lost = [...unlogged].map(([person, count]) => `${person} ${count}`).join(', ') || 'none';
    print(
      `ok     seed ${seed}, ${fault}: ${said} said, ${read} read by somebody, ${logged} logged; repeated and marked ${again}; never reached us: ${lost}; heap ${megabytes(heap)}`,
    );
  } catch (error) {
    report(`seed ${seed}, ${fault} (repeat: npm run soak -- chaos --seed ${seed})`, error);
    print(environment.banyan.output().split('\n').slice(-30).join('\n'));
    await environment.stop();
    environment = await startEnvironment();
  }
} while (only === undefined && performance.now() - begun < milliseconds);

if (only === undefined) {
  try {
    await heapStays();
  } catch (error) {
    report('the heap', error);
  }
}
try {
  await environment.verifyLog();
  passed += 1;
  print('ok     every number was used once, every epoch continues the one before, the chain of hashes holds');
} catch (error) {
  report('the log', error);
}
await environment.stop();
print(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** @throws AssertionError when the process holds over a tenth more than when it was warm */
async function heapStays(): Promise<void> {
  if (life === undefined || life.rounds < warmingUp + enough)
    throw new Error(`the last process lived through ${life?.rounds ?? 0} rounds only; give more --minutes`);
  const now = await environment.banyan.collectedHeap();
  expect(now, `heap of the last process, which was ${megabytes(life.heap)} when it was warm`).to.be.at.most(life.heap * 1.1);
  passed += 1;
  print(
    `ok     the heap of the last process: ${megabytes(life.heap)} when it was warm, ${megabytes(now)} after ${life.rounds - warmingUp} rounds more`,
  );
}
