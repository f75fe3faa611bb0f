/** Clients talk through a server; the cost is its CPU time for each message that reached somebody. */
import { eventually, sleep } from '../test/support/wait.ts';
import type { Client } from './clients.ts';
import type { Row } from './measure.ts';
import { cpuOf, type Server } from './servers.ts';

export interface Talk {
  readonly seconds: number;
  /** Says the message of that number, from 0. */
  say(number: number): void;
  /** How many messages, of those said so far, this client is to get. */
  expected(client: Client, said: number): number;
  /** Messages a second; 0: as many as go, with so many on their way. */
  readonly rate: number;
  readonly window: number;
  /** Messages of which it is known that all got them, so that the next may be said. */
  done(): number;
}

export async function talk(what: string, server: Server, clients: readonly Client[], how: Talk): Promise<Row> {
  const before = new Map(clients.map((client) => [client, client.received]));
  const got = (client: Client): number => client.received - before.get(client)!;
  const doneBefore = how.done();
  const cpu = cpuOf(server);
  const begun = performance.now();
  let said = 0;
  while (performance.now() - begun < how.seconds * 1000) {
    const wanted =
      how.rate > 0 ? Math.floor(((performance.now() - begun) / 1000) * how.rate) : how.window + Math.floor(how.done() - doneBefore);
    for (; said < wanted; said += 1) how.say(said);
    await sleep(how.rate > 0 ? 5 : 1);
  }
  await eventually('every message to arrive', () => clients.every((client) => got(client) >= how.expected(client, said)), 30_000);
  const took = (performance.now() - begun) / 1000;
  const used = cpuOf(server) - cpu;
  const deliveries = clients.reduce((sum, client) => sum + got(client), 0);
  const wanted = clients.reduce((sum, client) => sum + how.expected(client, said), 0);
  return {
    what,
    unit: 'delivery',
    cpu: used / deliveries,
    perSecond: deliveries / took,
    ...(deliveries === wanted ? {} : { note: `${deliveries - wanted} too many` }),
  };
}

/** How a row stands beside that of the floor. */
export function beside(row: Row, floor: Row | undefined): Row {
  if (floor === undefined) return row;
  const times = `${(row.cpu / floor.cpu).toFixed(2)} x bare Node`;
  return { ...row, note: row.note === undefined ? times : `${times}, ${row.note}` };
}
