/**
 * One room with many members, a few of whom talk. Saturated: as much as goes, with a window of messages under way, so that a server can
 * write many in one. Paced: a message at a time, as in an ordinary room; nearly all of that is the kernel, as the floor shows.
 */
import { sleep } from '../test/support/wait.ts';
import { Client, closeAll, connectAll, ircWire, webWire } from './clients.ts';
import type { Group, Row, Sizes } from './measure.ts';
import { ircServers, startOurs, type Server } from './servers.ts';
import { beside, talk } from './talk.ts';

const senders = 4;
/** Messages on their way from each sender. */
const window = 32;

export const fanout: Group = async function* (sizes) {
  for (const count of sizes.members) {
    const floors: Row[] = [];
    for (const start of ircServers) {
      const server = await start();
      try {
        const members = await connectAll(count, (index, source) => new Client(ircWire(), `bench${index}`, { port: server.port, source }));
        for (const [index, rate] of [0, sizes.pacedDeliveries / count].entries()) {
          const row = await room(`fan-out to ${count} IRC clients`, server, members, rate, sizes);
          yield beside(row, floors[index]);
          if (floors.length === index) floors.push(row);
        }
        await closeAll(members);
      } finally {
        await server.stop();
      }
    }
  }
  const server = await startOurs();
  try {
    const count = sizes.webMembers;
    const members = await connectAll(
      count,
      (index, source) => new Client(webWire(), `bench${index}`, { port: server.service('web'), source }),
    );
    for (const rate of [0, sizes.pacedDeliveries / count])
      yield await room(`fan-out to ${count} web clients`, server, members, rate, sizes);
    await closeAll(members);
  } finally {
    await server.stop();
  }
};

/** Pages are shown their own messages too, IRC clients are not. */
async function room(what: string, server: Server, members: readonly Client[], rate: number, sizes: Sizes): Promise<Row> {
  await sleep(300);
  const talkers = members.slice(0, senders);
  const echo = what.includes('web');
  const sink = members.at(-1)!;
  return await talk(`${what}, ${rate > 0 ? `${rate}/s` : 'saturated'}, ${server.name}`, server, members, {
    seconds: sizes.talkSeconds,
    rate,
    window: senders * window,
    say: (number) => talkers[number % senders]!.say('#bench'),
    expected: (member, said) => said - (talkers.includes(member) && !echo ? Math.ceil((said - talkers.indexOf(member)) / senders) : 0),
    done: () => sink.received,
  });
}
