/** What a benchmark says of one thing, and how things of this process are measured. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** One line of the table. */
export interface Row {
  /** Stays the same from run to run: comparisons go by it. */
  readonly what: string;
  /** What one operation is: `line`, `record`, `delivery`, ... */
  readonly unit: string;
  /** Microseconds of CPU time of the process (all threads, user and kernel) for one operation. */
  readonly cpu: number;
  /** Operations a second, as long as it ran. */
  readonly perSecond: number;
  readonly bytes?: Bytes;
  readonly note?: string;
}

/** Bytes for one operation. */
export interface Bytes {
  readonly count: number;
  /** New objects on the heap, growth of the resident memory, or length of what was written. */
  readonly of: 'heap' | 'resident' | 'written';
}

/** How much is done. The figures of a run with other sizes are other figures. */
export interface Sizes {
  /** Seconds for which one thing of this process is repeated. */
  readonly seconds: number;
  /** Seconds for which servers are talked to. */
  readonly talkSeconds: number;
  /** Members of a room, one measurement each. */
  readonly members: readonly number[];
  /** Messages that reach somebody, a second, where the rate is given. */
  readonly pacedDeliveries: number;
  readonly webMembers: number;
  /** Pairs of people who write to each other. */
  readonly pairs: number;
  /** Idle connections: plain IRC, IRC over TLS, and WebSockets. */
  readonly connections: { readonly plain: number; readonly tls: number; readonly web: number };
  /** People of a network that comes in, and ours who are introduced to it. */
  readonly burst: { readonly theirs: number; readonly ours: number };
  /** The same in a room with clients, while others write to each other; so many of them leave again one by one. */
  readonly stalls: { readonly theirs: number; readonly leaving: number; readonly ours: number; readonly irc: number; readonly web: number };
}

/** What `npm run bench` does: one or two minutes. */
export const ordinary: Sizes = {
  seconds: 0.4,
  talkSeconds: 3,
  members: [100, 1000],
  pacedDeliveries: 20_000,
  webMembers: 100,
  pairs: 50,
  connections: { plain: 1_000, tls: 300, web: 300 },
  burst: { theirs: 5_000, ours: 1_000 },
  stalls: { theirs: 10_000, leaving: 2_000, ours: 2_000, irc: 50, web: 20 },
};

/** A group of measurements; rows come as they are found. */
export type Group = (sizes: Sizes) => AsyncIterable<Row>;

/** Takes each result, so that the compiler cannot leave out how it was made. */
const sink: { last: unknown } = { last: undefined };

/** Repeats something of this process for about so many seconds. */
export async function repeat(what: string, unit: string, seconds: number, run: () => unknown): Promise<Row> {
  const batch = batchOf(run);
  await runFor(seconds / 4, batch, run);
  const bytes = heapBytes(run);
  const cpu = process.cpuUsage();
  const begun = performance.now();
  const times = await runFor(seconds, batch, run);
  const took = (performance.now() - begun) / 1000;
  return { what, unit, cpu: cpuSince(cpu) / times, perSecond: times / took, bytes: { count: bytes, of: 'heap' } };
}

/** Microseconds of CPU time of this process since then. */
export function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** So many repetitions take some milliseconds: the clock is not asked after each. */
function batchOf(run: () => unknown): number {
  for (let batch = 1; ; batch *= 2) {
    const begun = performance.now();
    for (let turn = 0; turn < batch; turn += 1) sink.last = run();
    if (performance.now() - begun > 2) return batch;
  }
}

async function runFor(seconds: number, batch: number, run: () => unknown): Promise<number> {
  const until = performance.now() + seconds * 1000;
  let times = 0;
  while (performance.now() < until) {
    for (let turn = 0; turn < batch; turn += 1) sink.last = run();
    times += batch;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return times;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
/** Less than the young generation holds, so that nothing is collected while it is counted. */
const countedBytes = 1_000_000;

function heapBytes(run: () => unknown): number {
  for (let times = 64; ; times *= 2) {
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let turn = 0; turn < times; turn += 1) sink.last = run();
    const bytes = process.memoryUsage().heapUsed - before;
    if (bytes > countedBytes / 4 || times >= 65_536) return Math.max(0, bytes / times);
  }
}
