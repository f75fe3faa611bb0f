/** A name server for answers that no honest one gives: it sends records as the test wrote them, byte for byte. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface OddRecord {
  readonly type: 'SRV' | 'CNAME';
  /** Labels of the target; each may hold any bytes. */
  readonly target: readonly string[];
  readonly port?: number;
  readonly priority?: number;
  readonly weight?: number;
  /** Owner of the record; absent: the name that was asked for. */
  readonly owner?: readonly string[];
}

export interface OddDns {
  /** `host:port` for `[dns] servers`. */
  readonly address: string;
  readonly asked: () => number;
  stop(): void;
}

const types = { SRV: 33, CNAME: 5 } as const;
const answerFlags = 0x8400;
const truncated = 0x0200;
const largestDatagram = 512;

function nameBytes(labels: readonly string[]): Buffer {
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([Buffer.byteLength(label, 'latin1')]), Buffer.from(label, 'latin1')])),
    Buffer.from([0]),
  ]);
}

function recordBytes({ type, target, port = 5269, priority = 10, weight = 1, owner }: OddRecord): Buffer {
  const name = owner === undefined ? Buffer.from([0xc0, 12]) : nameBytes(owner);
  const numbers = Buffer.alloc(6);
  numbers.writeUInt16BE(priority, 0);
  numbers.writeUInt16BE(weight, 2);
  numbers.writeUInt16BE(port, 4);
  const data = type === 'SRV' ? Buffer.concat([numbers, nameBytes(target)]) : nameBytes(target);
  const head = Buffer.alloc(10);
  head.writeUInt16BE(types[type], 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt32BE(60, 4);
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([name, head, data]);
}

/** `records` answers for a name in lower case with dots. A datagram that would be too long says so, and TCP has it all. */
export async function startOddDns(records: (name: string) => readonly OddRecord[]): Promise<OddDns> {
  let asked = 0;
  const answer = (query: Buffer, limit: number): Buffer => {
    asked++;
    let end = 12;
    const labels: string[] = [];
    while (query[end] !== 0) {
      labels.push(query.toString('latin1', end + 1, end + 1 + query[end]!));
      end += query[end]! + 1;
    }
    const question = query.subarray(12, end + 5);
    const all = records(labels.join('.').toLowerCase()).map(recordBytes);
    const body = Buffer.concat(all);
    const fits = 12 + question.length + body.length <= limit;
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    head.writeUInt16BE(answerFlags | (fits ? 0 : truncated), 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(fits ? all.length : 0, 6);
    return Buffer.concat([head, question, fits ? body : Buffer.alloc(0)]);
  };
  const open = new Set<Socket>();
  const tcp = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      const reply = answer(bytes.subarray(2), 65_535);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(reply.length, 0);
      socket.write(Buffer.concat([length, reply]));
    });
  }).listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const { port } = tcp.address() as { port: number };
  const udp = createSocket('udp4');
  udp.on('message', (query, from) => udp.send(answer(query, largestDatagram), from.port, from.address));
  udp.bind(port, '127.0.0.1');
  await once(udp, 'listening');
  return {
    address: `127.0.0.1:${port}`,
    asked: () => asked,
    stop() {
      udp.close();
      tcp.close();
      for (const socket of open) socket.destroy();
    },
  };
}
