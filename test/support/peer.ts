/** A server of somebody else as a process: what starting, killing and stopping them has in common. */
import { portOpen } from './ports.ts';
import { startProcess, type TestProcess } from './process.ts';
import { removeFolder } from './root.ts';

export interface PeerProcess {
  readonly pid: number;
  /** Of both streams, since the last start. */
  output(): string;
  running(): boolean;
  signal(name: NodeJS.Signals): void;
  kill9(): Promise<void>;
  /** Starts again on the same ports after `kill9` or `halt`. */
  start(): Promise<void>;
  halt(): Promise<void>;
  /** Stops and removes its folder. */
  readonly stop: () => Promise<void>;
}

/** Starts it, and waits until it accepts connections on its ports. @throws Error with its output when it ends instead */
export async function startPeer(
  name: string,
  command: string,
  args: readonly string[],
  { folder, ports }: { readonly folder: string; readonly ports: readonly number[] },
): Promise<PeerProcess> {
  let child: TestProcess;
  const start = async (): Promise<void> => {
    const began = await startProcess(command, args, { folder });
    child = began;
    await Promise.race([
      Promise.all(ports.map((port) => portOpen(port, name))),
      began.ended().then((code) => Promise.reject(new Error(`${name} ended (${code}): ${began.output()}`))),
    ]);
  };
  await start();
  return {
    get pid() {
      return child.pid;
    },
    output: () => child.output(),
    running: () => child.running(),
    signal: (signal) => child.signal(signal),
    kill9: () => child.kill9(),
    start,
    async halt() {
      await child.stop();
    },
    async stop() {
      await child.stop();
      await removeFolder(folder);
    },
  };
}
