import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** A program that a test started. It never outlives the test run. */
export interface TestProcess {
  readonly pid: number;
  /** What it has written so far, both streams. */
  output(): string;
  running(): boolean;
  /** Exit code, or the signal's name, once it has ended. */
  ended(): Promise<number | string>;
  /** SIGTERM, and SIGKILL where that does not help within ten seconds. */
  stop(): Promise<number | string>;
  signal(name: NodeJS.Signals): void;
  /** SIGKILL: the process gets no chance to do anything. */
  kill9(): Promise<void>;
}

const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

export interface ProcessOptions {
  readonly folder?: string;
  /** For its standard input, which otherwise is empty. */
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export async function startProcess(command: string, args: readonly string[], options: ProcessOptions = {}): Promise<TestProcess> {
  const child = spawn(command, args, {
    cwd: options.folder,
    env: { ...process.env, ...options.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  alive.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-1_000_000);
    });
  }
  const ending = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => {
      alive.delete(child);
      resolve(code ?? signal ?? 'unknown');
    });
  });
  await once(child, 'spawn');
  const running = (): boolean => child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid!,
    output: () => output,
    running,
    ended: () => ending,
    signal: (name) => void child.kill(name),
    async stop() {
      child.kill('SIGTERM');
      const late = new AbortController();
      const ended = await Promise.race([ending, sleep(10_000, undefined, { signal: late.signal, ref: false })]);
      late.abort();
      if (ended !== undefined) return ended;
      child.kill('SIGKILL');
      return await ending;
    },
    async kill9() {
      child.kill('SIGKILL');
      await ending;
    },
  };
}
