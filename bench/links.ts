/** Bridges in a server in memory: what crosses from one to another, and a network that comes in with all its people at once. */
import { openServer } from '../test/kit/index.ts';
import irc from '../plugins/irc-link/index.ts';
import xmpp from '../plugins/xmpp/index.ts';
import { ircTable, xmppTable } from '../test/unit/kit/adapters.ts';
import { capabilities, InspircdSide } from '../test/unit/kit/inspircd-side.ts';
import { XmppSide } from '../test/unit/kit/xmpp-side.ts';
import { text } from './clients.ts';
import { cpuSince, type Group, type Row } from './measure.ts';

/** As many as one read of a busy link brings. */
const atOnce = 50;
const marker = Buffer.from(`<body>${text}</body>`);
const introduction = Buffer.from(' UID ');
/** What comes at most in one read of a socket. */
const readBytes = 65_536;
const membersALine = 20;

/** What is said on a linked IRC network reaches a client on an XMPP server. */
export const crossing: Group = async function* ({ seconds }) {
  const server = await openServer();
  try {
    const ircSide = new InspircdSide(server, true);
    await server.start(irc, ircTable);
    await ircSide.link();
    const xmppSide = new XmppSide(server);
    await server.start(xmpp, xmppTable);
    await xmppSide.link();
    ircSide.join('ines');
    xmppSide.enter('xena');
    await server.settle();

    // From here on the far ends only count: what they would make of it is none of the server's cost.
    let crossed = 0;
    for (const { connection } of [ircSide.peer, xmppSide.stream, ...xmppSide.opened])
      connection.handle({ onData: (bytes) => (crossed += count(bytes)), onClose: () => undefined });
    const lines = Buffer.from(`:${ircSide.idOf('ines')} PRIVMSG #lounge :${text}\r\n`.repeat(atOnce));
    const cross = async (during: number): Promise<number> => {
      const from = crossed;
      const until = performance.now() + during * 1000;
      while (performance.now() < until) {
        const wanted = crossed + atOnce;
        ircSide.peer.connection.write(lines);
        await server.settle();
        if (crossed !== wanted) throw new Error(`${crossed} have crossed, not ${wanted}`);
      }
      return crossed - from;
    };
    // The way is long: it takes a while until the runtime has compiled all of it.
    await cross(seconds * 2);
    const cpu = process.cpuUsage();
    const begun = performance.now();
    const messages = await cross(seconds * 4);
    const took = (performance.now() - begun) / 1000;
    yield {
      what: `bridges: IRC link in, XMPP out, ${atOnce} at once, in memory`,
      unit: 'message',
      cpu: cpuSince(cpu) / messages,
      perSecond: messages / took,
    };
  } finally {
    await server.stop();
  }
};

/** Ours are introduced to a network that has nobody, then a server with many people joins it behind the peer; all are in one room. */
export const burst: Group = async function* ({ burst: { theirs, ours } }) {
  const server = await openServer({ limits: { guestsPerAddress: ours } });
  try {
    await server.start(irc, ircTable);
    for (let index = 0; index < ours; index += 1) await server.guest(`our${index}`, 'lounge');
    let introduced = 0;
    const peer = server.net.connect('irc-link');
    peer.handle({
      onData(bytes) {
        introduced += count(bytes, introduction);
        if (bytes.includes(' PING ')) peer.write(Buffer.from(':0AA PONG 9BN\r\n'));
      },
      onClose: () => undefined,
    });
    const measure = async (what: string, people: number, lines: readonly string[], done: () => number): Promise<Row> => {
      const bytes = Buffer.from(lines.map((line) => `${line}\r\n`).join(''));
      const cpu = process.cpuUsage();
      const begun = performance.now();
      for (let at = 0; at < bytes.length; at += readBytes) {
        peer.write(bytes.subarray(at, at + readBytes));
        await server.settle();
      }
      // A large burst goes in slices, between which others have their turn.
      for (const until = performance.now() + 60_000; done() < people && performance.now() < until;) await server.settle();
      if (done() !== people) throw new Error(`${done()} people have come, not ${people}: ${server.log.atLeast('warn').join('\n')}`);
      const took = (performance.now() - begun) / 1000;
      return { what, unit: 'user', cpu: cpuSince(cpu) / people, perSecond: people / took };
    };
    peer.write(Buffer.from('CAPAB START 1205\r\n'));
    await server.settle();
    const now = Math.floor(server.clock.now() / 1000);
    const hello = [...capabilities, 'SERVER scripted.example linkpassword 0 0AA :scripted', `:0AA BURST ${now}`, ':0AA ENDBURST'];
    // The service of the room is introduced besides.
    yield await measure(`burst: ${ours} users of ours to an IRC network`, ours, hello, () => introduced - 1);
    const ids = Array.from({ length: theirs }, (_, index) => `1AAA${index.toString(36).toUpperCase().padStart(5, '0')}`);
    const lines = [
      ':0AA SERVER far.example 1AA :far',
      `:1AA BURST ${now}`,
      ...ids.map((id, index) => `:1AA UID ${id} ${now} their${index} host.example host.example ident 127.0.0.9 ${now} + :Somebody`),
      ...Array.from({ length: Math.ceil(theirs / membersALine) }, (_, index) => {
        const members = ids.slice(index * membersALine, (index + 1) * membersALine).map((id) => `,${id}:1`);
        return `:1AA FJOIN #lounge ${now} + :${members.join(' ')}`;
      }),
      `:1AA ENDBURST`,
    ];
    yield await measure(`burst: ${theirs} users of an IRC network in`, theirs, lines, () => server.room('lounge').members.size - ours);
  } finally {
    await server.stop();
  }
};

function count(bytes: Buffer, what = marker): number {
  let found = 0;
  for (let at = bytes.indexOf(what); at !== -1; at = bytes.indexOf(what, at + what.length)) found += 1;
  return found;
}
