/** The servers that are measured, each as a process of its own: ours, the floor, and InspIRCd where it is installed. */
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { startBanyan } from '../test/support/banyan.ts';
import { startInspircd } from '../test/support/inspircd.ts';
import { freePort, portOpen } from '../test/support/ports.ts';
import { startProcess } from '../test/support/process.ts';
import { compiled } from '../test/support/root.ts';

export interface Server {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

/** Ours, which has more doors: `irc-tls`, `web`, and what else the tables open. */
export interface OurServer extends Server {
  service(name: string): number;
}

interface OurOptions {
  /** Where `residentBytes` can ask it to collect garbage. */
  readonly inspectorPort?: number;
  /** More tables of the configuration. */
  readonly tables?: readonly string[];
}

const enough = 1_000_000;
/** Bytes: a burst of thousands comes in one piece. */
const sendQueue = 16_777_216;

/** With every limit out of the way. */
export async function startOurs({ inspectorPort, tables = [] }: OurOptions = {}): Promise<OurServer> {
  const [port, tlsPort] = [await freePort(), await freePort()];
  const banyan = await startBanyan({
    nodeOptions: inspectorPort === undefined ? [] : [`--inspect=127.0.0.1:${inspectorPort}`],
    tables: [
      '[log]\nlevel = "warn"',
      `[limits]\nconnections_per_address = ${enough}\nstrangers_per_address = ${enough}\nstrangers = ${enough}\nguests_per_address = ${enough}`,
      `[plugins.irc-clients]\nlisten = ["127.0.0.1:${port}"]\nlisten_tls = ["127.0.0.1:${tlsPort}"]\nburst_lines = ${enough}\nlines_per_second = ${enough}\nsend_queue = ${sendQueue}`,
      `[plugins.web]\nframes_per_second = ${enough}\nframes_at_once = ${enough}\nstrangers_per_address = ${enough}`,
      ...tables,
    ],
  });
  return { name: 'banyan', pid: banyan.pid, port, service: (name) => banyan.port(name), stop: () => banyan.stop() };
}

export async function startFloor(): Promise<Server> {
  const port = await freePort();
  const floor = await startProcess(process.execPath, [join(compiled, 'bench', 'floor.js'), String(port)]);
  await portOpen(port, 'the floor');
  return { name: 'bare Node', pid: floor.pid, port, stop: async () => void (await floor.stop()) };
}

async function startTheirs(): Promise<Server> {
  const inspircd = await startInspircd({ many: true });
  return { name: 'inspircd', pid: inspircd.pid, port: inspircd.port, stop: () => inspircd.stop() };
}

/** For IRC, in the order in which they are measured: the floor first, since the others are compared with it. */
export const ircServers: readonly (() => Promise<Server>)[] = [
  startFloor,
  startOurs,
  ...(existsSync('/usr/sbin/inspircd') ? [startTheirs] : []),
];

/** Microseconds of CPU time of a process so far, in steps of 10 ms (proc_pid_stat(5): utime, stime). */
export function cpuOf({ pid }: Server): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** After a collection of garbage, so that it says what is in use. */
export async function residentBytes({ pid }: Server, inspectorPort: number): Promise<number> {
  const [target] = (await (await fetch(`http://127.0.0.1:${inspectorPort}/json/list`)).json()) as { webSocketDebuggerUrl: string }[];
  const inspector = new WebSocket(target!.webSocketDebuggerUrl);
  await once(inspector, 'open');
  inspector.send(JSON.stringify({ id: 1, method: 'HeapProfiler.collectGarbage' }));
  await once(inspector, 'message');
  inspector.close();
  await once(inspector, 'close');
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}
