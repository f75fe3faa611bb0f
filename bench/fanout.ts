/**
 * One room with many IRC clients, a few of whom talk: CPU time of the server for one message to one member, beside InspIRCd in the
 * same run. Saturated: as much as goes, with a window of messages under way. Paced: a fixed number of messages a second.
 *
 *     npm run bench fanout
 */
import { connect, type Socket } from 'node:net';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { startBanyan } from '../test/support/banyan.ts';
import { startInspircd } from '../test/support/inspircd.ts';
import { freePort } from '../test/support/ports.ts';
import { eventually, sleep } from '../test/support/wait.ts';

const seconds = 3;
const senders = 4;
const window = 32;
const text = 'x'.repeat(64);
const marker = Buffer.from(text);

interface Server {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

/** A client that counts the messages it gets, and otherwise only answers PING. */
class Member {
  readonly socket: Socket;
  received = 0;
  joined = false;
  #rest = '';

  constructor(port: number, source: string, nick: string) {
    this.socket = connect({ port, host: '127.0.0.1', localAddress: source });
    this.socket.setNoDelay(true);
    this.socket.on('data', (bytes) => (this.joined ? this.#count(bytes) : this.#register(bytes)));
    this.socket.write(`NICK ${nick}\r\nUSER ${nick} 0 * :bench\r\n`);
  }

  say(): void {
    this.socket.write(`PRIVMSG #bench :${text}\r\n`);
  }

  #register(bytes: Buffer): void {
    const lines = (this.#rest + bytes.toString()).split('\r\n');
    this.#rest = lines.pop()!;
    for (const line of lines) {
      if (line.startsWith('PING')) this.socket.write(`PONG${line.slice(4)}\r\n`);
      if (/^\S+ (?:376|422) /.test(line)) this.socket.write('JOIN #bench\r\n');
      if (/^\S+ 366 /.test(line)) this.joined = true;
    }
  }

  /** Messages may be cut by the end of a read; what is left is counted with the next one. */
  #pending: Buffer = Buffer.alloc(0);
  #count(bytes: Buffer): void {
    const all = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    let at = all.indexOf(marker);
    let end = 0;
    while (at !== -1) {
      this.received += 1;
      end = at + marker.length;
      at = all.indexOf(marker, end);
    }
    this.#pending = all.subarray(Math.max(end, all.length - marker.length + 1));
  }
}

/** Seconds of CPU time of a process so far. */
function cpu(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function residentKilobytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
}

async function measure(server: Server, count: number, rate: number): Promise<string> {
  const before = residentKilobytes(server.pid);
  const members: Member[] = [];
  for (let index = 0; index < count; index += 1) {
    members.push(new Member(server.port, `127.1.${index % 200}.1`, `bench${index}`));
    if (index % 50 === 49) await eventually('the members to join', () => members.every((member) => member.joined), 60_000);
  }
  await eventually('the members to join', () => members.every((member) => member.joined), 60_000);
  const each = (residentKilobytes(server.pid) - before) / count;
  await sleep(500);

  const talkers = members.slice(0, senders);
  const sink = members[count - 1]!;
  const cpuBefore = cpu(server.pid);
  const begun = performance.now();
  let said = 0;
  while (performance.now() - begun < seconds * 1000) {
    const due = rate > 0 ? Math.floor(((performance.now() - begun) / 1000) * rate) - said : senders * window - (said - sink.received);
    for (let turn = 0; turn < due; turn += 1, said += 1) talkers[said % senders]!.say();
    await sleep(rate > 0 ? 5 : 1);
  }
  const expected = (member: Member): number =>
    said - (talkers.includes(member) ? Math.ceil((said - talkers.indexOf(member)) / senders) : 0);
  await eventually('every message to arrive', () => members.every((member) => member.received >= expected(member)), 30_000);
  const took = (performance.now() - begun) / 1000;
  const used = cpu(server.pid) - cpuBefore;
  const deliveries = members.reduce((sum, member) => sum + member.received, 0);
  const surplus = deliveries - members.reduce((sum, member) => sum + expected(member), 0);
  for (const member of members) member.socket.destroy();
  await Promise.all(members.filter(({ socket }) => !socket.closed).map(({ socket }) => once(socket, 'close')));
  const kind = rate > 0 ? `${rate}/s` : 'saturated';
  return [
    `${server.name.padEnd(9)} ${String(count).padStart(5)} members ${kind.padStart(9)}`,
    `${((used / deliveries) * 1e6).toFixed(2).padStart(6)} us CPU per delivery`,
    `${Math.round(deliveries / took)
      .toString()
      .padStart(8)} deliveries/s`,
    `${each.toFixed(1).padStart(5)} kB per connection`,
    `${surplus} too many`,
  ].join('  ');
}

async function startOurs(): Promise<Server> {
  const port = await freePort();
  const banyan = await startBanyan({
    tables: [
      '[log]\nlevel = "warn"',
      '[limits]\nconnections_per_address = 100000\nstrangers_per_address = 100000\nstrangers = 100000\nguests_per_address = 100000',
      `[plugins.irc-clients]\nlisten = ["127.0.0.1:${port}"]\nlisten_tls = []\nburst_lines = 1000000\nlines_per_second = 1000000`,
    ],
  });
  return { name: 'banyan', pid: banyan.pid, port, stop: () => banyan.stop() };
}

async function startTheirs(): Promise<Server> {
  const inspircd = await startInspircd({ many: true });
  return { name: 'inspircd', pid: inspircd.pid, port: inspircd.port, stop: () => inspircd.stop() };
}

for (const count of [100, 1000]) {
  for (const rate of [0, 20]) {
    for (const start of [startOurs, startTheirs]) {
      const server = await start();
      try {
        process.stdout.write(`${await measure(server, count, rate)}\n`);
      } finally {
        await server.stop();
      }
    }
  }
}
