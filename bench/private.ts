/** Private messages between pairs of IRC clients, as many as go. */
import { Client, closeAll, connectAll, ircWire } from './clients.ts';
import type { Group, Row } from './measure.ts';
import { ircServers } from './servers.ts';
import { beside, talk } from './talk.ts';

/** Messages on their way in each pair. */
const window = 8;

export const privateMessages: Group = async function* ({ pairs, talkSeconds }) {
  let floor: Row | undefined;
  for (const start of ircServers) {
    const server = await start();
    try {
      const clients = await connectAll(2 * pairs, (index, source) => new Client(ircWire(), `bench${index}`, { port: server.port, source }));
      const speakers = clients.slice(0, pairs);
      const hearers = clients.slice(pairs);
      const row = await talk(`private messages, ${pairs} pairs of IRC clients, ${server.name}`, server, hearers, {
        seconds: talkSeconds,
        rate: 0,
        window: pairs * window,
        say: (number) => speakers[number % pairs]!.say(hearers[number % pairs]!.nick),
        expected: (hearer, said) => Math.ceil((said - hearers.indexOf(hearer)) / pairs),
        done: () => pairs * Math.min(...hearers.map(({ received }) => received)),
      });
      yield beside(row, floor);
      floor ??= row;
      await closeAll(clients);
    } finally {
      await server.stop();
    }
  }
};
