/** A large network comes over a link and goes again, in a room with many clients: how long two people who write to each other wait at most. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { scriptedLink } from '../test/support/irc-link-table.ts';
import { scriptedServer, unixNow } from '../test/support/scripted-irc-server.ts';
import { eventually, sleep } from '../test/support/wait.ts';
import { Client, closeAll, connectAll, ircWire, webWire } from './clients.ts';
import type { Group, Row } from './measure.ts';
import { cpuOf, startOurs } from './servers.ts';

const membersALine = 20;
/** Ours who are introduced over there are in rooms of so many. */
const roomSize = 50;
/** Lines that a peer writes at once. */
const linesAtOnce = 500;

export const stalls: Group = async function* ({ stalls: { theirs, leaving, ours, irc, web } }) {
  const rooms = Array.from({ length: Math.ceil(ours / roomSize) }, (_, index) => `ours${index}`);
  const server = await startOurs({ tables: [scriptedLink('big', ['bench', ...rooms])] });
  const { port } = server;
  const pair = new Worker(new URL('pair.js', import.meta.url), { workerData: { port } });
  const clients: Client[] = [];
  try {
    await once(pair, 'message');
    const roomOf = (nick: string): string => rooms[Math.floor(Number(nick.slice('our'.length)) / roomSize)]!;
    clients.push(...(await connectAll(ours, (index, source) => new Client(ircWire(roomOf), `our${index}`, { port, source }))));
    const watchers = await connectAll(irc, (index, source) => new Client(ircWire(), `irc${index}`, { port, source }));
    clients.push(...watchers);
    clients.push(
      ...(await connectAll(web, (index, source) => new Client(webWire(), `web${index}`, { port: server.service('web'), source }))),
    );
    const witness = new Witness(watchers[0]!.socket);
    const worst = async (): Promise<number> => {
      pair.postMessage('worst');
      return ((await once(pair, 'message')) as [number])[0];
    };
    const measure = async (what: string, people: number, lines: readonly string[], done: () => boolean): Promise<Row> => {
      await sleep(500);
      await worst();
      const cpu = cpuOf(server);
      const begun = performance.now();
      for (let at = 0; at < lines.length; at += linesAtOnce) {
        peer.send(...lines.slice(at, at + linesAtOnce));
        await new Promise(setImmediate);
      }
      await eventually(what, done, 60_000);
      const took = (performance.now() - begun) / 1000;
      await sleep(200);
      const longest = await worst();
      return {
        what: `stalls: ${what}`,
        unit: 'user',
        cpu: (cpuOf(server) - cpu) / people,
        perSecond: people / took,
        note: `others waited ${longest.toFixed(0)} ms at most`,
      };
    };
    const peer = await scriptedServer({ port: server.service('irc-link') });
    await peer.handshake();
    const now = unixNow();
    const big = people('1AA', 'big', theirs);
    const small = people('2AA', 'small', leaving);
    yield await measure(
      `${theirs} users of a network in, ${ours} of ours out`,
      theirs + ours,
      [':0AA BURST 1', ...serverLines('1AA', big, now), ':0AA ENDBURST'],
      () => witness.joined >= theirs && peer.lines.filter(({ command }) => command === 'UID').length > ours,
    );
    const before = witness.joined;
    yield await measure(`${leaving} more in`, leaving, serverLines('2AA', small, now), () => witness.joined >= before + leaving);
    yield await measure(
      `${leaving} quit one by one`,
      leaving,
      small.map(({ id }) => `:${id} QUIT :gone`),
      () => witness.quit >= leaving,
    );
    yield await measure(`${theirs} lost in a split`, theirs, [':0AA SQUIT 1AA :split'], () => witness.quit >= leaving + theirs);
    peer.drop();
  } finally {
    await pair.terminate();
    await closeAll(clients);
    await server.stop();
  }
};

interface Person {
  readonly id: string;
  readonly nick: string;
}

function people(server: string, name: string, count: number): readonly Person[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `${server}A${index.toString(36).toUpperCase().padStart(5, '0')}`,
    nick: `${name}${index}`,
  }));
}

/** A server behind the peer with these people, all in the room. */
function serverLines(id: string, all: readonly Person[], now: number): readonly string[] {
  const groups = Array.from({ length: Math.ceil(all.length / membersALine) }, (_, index) =>
    all.slice(index * membersALine, (index + 1) * membersALine),
  );
  return [
    `:0AA SERVER far${id}.example ${id} :far`,
    `:${id} BURST ${now}`,
    ...all.map((one) => `:${id} UID ${one.id} ${now} ${one.nick} host.example host.example ident 127.0.0.9 ${now} + :Somebody`),
    ...groups.map((group) => `:${id} FJOIN #bench ${now} + :${group.map((one) => `,${one.id}:1`).join(' ')}`),
    `:${id} ENDBURST`,
  ];
}

/** Counts who is shown to a client as coming and going. */
class Witness {
  joined = 0;
  quit = 0;
  #rest = '';

  constructor(socket: Socket) {
    socket.on('data', (bytes: Buffer) => {
      const lines = (this.#rest + bytes.toString('latin1')).split('\r\n');
      this.#rest = lines.pop()!;
      for (const line of lines) {
        if (line.includes(' JOIN #bench')) this.joined += 1;
        else if (line.includes(' QUIT :')) this.quit += 1;
      }
    });
  }
}
