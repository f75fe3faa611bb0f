/** At full size: who is inside, or linked, and sends too much or reads too little. */
import { expect } from 'chai';
import type { Socket } from 'node:net';
import { connectIrc } from '../support/irc-client.ts';
import { scriptedServer, uid, uidLine, unixNow, type ScriptedServer } from '../support/scripted-irc-server.ts';
import { eventually, sleep } from '../support/wait.ts';
import { connectXmpp, xml } from '../support/xmpp-client.ts';
import { hall, room, share, startScene, type Scene } from './scene.ts';
import { addressOf, closed, manyAtOnce, manyFor, pour, Sockets } from './sockets.ts';

const channel = `#${room}`;
const wide = `#${hall}`;

describe('floods at full size', function () {
  this.timeout(share(1) + 300_000);
  let scene: Scene;
  let sockets: Sockets;
  beforeEach(async () => {
    sockets = new Sockets();
    scene = await startScene();
  });
  afterEach(async () => {
    sockets.destroyAll();
    await scene?.stop();
  });

  const liar = (): Promise<ScriptedServer> => scriptedServer({ port: scene.banyan.port('irc-link') });

  /** Who was there when a link broke is remembered until the network is back, since what is said to them waits: it comes back, and goes in order. */
  async function comeAndGo(): Promise<void> {
    const down = async (): Promise<boolean> => /liars.*\bdown\b/.test((await scene.banyan.command(['link', 'list'])).output);
    await eventually('the end of the link', down, 60_000);
    const server = await liar();
    await server.link();
    server.drop();
  }

  /** A registered IRC client on which every byte is ours. It is in the room. */
  async function member(number: number, where = channel): Promise<Socket | undefined> {
    const socket = await sockets.connect(scene.banyan.port('irc'), addressOf(number));
    if (socket === undefined) return undefined;
    let got = '';
    const look = (bytes: Buffer): void => void (got = (got + bytes.toString('latin1')).slice(-10_000));
    socket.on('data', look);
    await pour(socket, `NICK f${number}\r\nUSER f 0 * :f\r\nJOIN ${where}\r\n`);
    await eventually('to be inside', () => got.includes(' 366 ') || socket.destroyed, 30_000);
    socket.off('data', look);
    return socket;
  }

  it('A9 a linked server lies: 100,000 users in a second, and for people who are not its own', async () => {
    await scene.withstands(
      async () => {
        const server = await liar();
        await server.link();
        const ts = unixNow();
        for (let at = 0; at < 100_000; at += 1_000) {
          server.send(
            ...Array.from({ length: 1_000 }, (_, index) => uidLine('0AA', at + index, `l${at + index}`, { ts })),
            `:0AA FJOIN ${channel} ${ts} + :${Array.from({ length: 12 }, (_, index) => `,${uid('0AA', at + index)}:1`).join(' ')}`,
          );
          await sleep(5);
        }
        const lies = [
          'KILL 7ZZAAAAAA :die',
          `FMODE ${channel} 1 +o 9BNAAAAAA`,
          'SQUIT 9BN :bye',
          'UID 7ZZAAAAAA 1 x x x x 1.1.1.1 1 + :x',
          'METADATA 9BNAAAAAA accountname :root',
        ];
        server.send(...Array.from({ length: 500 }, (_, index) => `:0AA ${lies[index % lies.length]!}`));
        await eventually(
          'the end of the link, or all worked off',
          async () => !server.open || (await server.sync().catch(() => undefined), true),
          60_000,
        );
        server.drop();
        await comeAndGo();
      },
      { peak: 900, resident: 450, heap: 12 },
    );
  });

  it('A18 floods: storms of joins and parts, of nicks and of words, by people of this server', async () => {
    await scene.withstands(async () => {
      const attackers = await Promise.all(Array.from({ length: 30 }, (_, number) => member(number)));
      const storms = [
        (number: number) => `JOIN #storm${number}\r\nPART #storm${number}\r\n`.repeat(10_000),
        (number: number) => Array.from({ length: 10_000 }, (_, at) => `NICK n${number}x${at}\r\n`).join(''),
        () => `PRIVMSG ${channel} :${'f'.repeat(300)}\r\n`.repeat(10_000),
        () => Array.from({ length: 10_000 }, (_, at) => `JOIN #s${at},#t${at},#u${at}\r\nJOIN 0\r\n`).join(''),
      ];
      await Promise.all(
        [
          ...attackers.map(async (socket, number) => socket !== undefined && pour(socket, storms[number % storms.length]!(number))),
          sleep(share(0.08)),
        ].map((one, index, all) => (index === all.length - 1 ? one : Promise.race([one, sleep(share(0.08))]))),
      );
      sockets.destroyAll();
    });
  });

  it('A18 floods: a room of 5,000, in which 100 messages a second are said', async () => {
    await scene.withstands(
      async () => {
        const server = await liar();
        await server.handshake();
        const ts = unixNow();
        const people = 5_000;
        server.send(`:0AA BURST ${ts}`, ...Array.from({ length: people }, (_, index) => uidLine('0AA', index, `m${index}`, { ts })));
        for (let at = 0; at < people; at += 20)
          server.send(
            `:0AA FJOIN ${wide} ${ts} + :${Array.from({ length: 20 }, (_, index) => `,${uid('0AA', at + index)}:${at + index}`).join(' ')}`,
          );
        server.send(':0AA ENDBURST');
        await server.sync();
        let said = 0;
        await manyFor(share(0.12), 1, async () => {
          server.send(...Array.from({ length: 10 }, () => `:${uid('0AA', said % people)} PRIVMSG ${wide} :message ${said++}`));
          await sleep(100);
        });
        server.drop();
        await comeAndGo();
      },
      { peak: 500, heap: 10 },
    );
  });

  it('A18 floods: a storm of presences from another XMPP server', async () => {
    await scene.prosody.register('stormy', 'secret');
    await scene.withstands(async () => {
      const client = await connectXmpp({ service: scene.prosody.websocket, domain: scene.prosody.domain, user: 'stormy' });
      const place = `${room}@rooms.${scene.banyan.domain}`;
      await manyFor(share(0.06), 1, async (round) => {
        for (let index = 0; index < 20; index++) {
          const to = `${place}/s${round}-${index}`;
          await client.send(xml('presence', { to }, xml('x', { xmlns: 'http://jabber.org/protocol/muc' })));
          await client.send(xml('presence', { to, ...(index % 2 === 0 ? { type: 'unavailable' } : {}) }, xml('show', {}, 'away')));
        }
        await sleep(20);
      });
      await client.stop();
    });
  });

  it('A19 slow readers: 100 who read nothing of what is said', async () => {
    await scene.withstands(
      async () => {
        const slow: Socket[] = [];
        await manyAtOnce(100, 20, async (number) => {
          const socket = await member(1_000 + number, wide);
          if (socket === undefined) return;
          socket.pause();
          slow.push(socket);
          socket.write('LIST\r\nMOTD\r\n'.repeat(10));
        });
        expect(slow).to.have.length(100);
        const server = await liar();
        await server.link(uidLine('0AA', 1, 'loud'), `:0AA FJOIN ${wide} ${unixNow()} + :,${uid('0AA', 1)}:1`);
        const text = 'y'.repeat(400);
        const watcher = await connectIrc({ port: scene.banyan.port('irc'), nick: 'watcher' });
        await watcher.join(wide);
        const gone = (): number =>
          watcher.lines.filter(({ command, params }) => command === 'QUIT' && params[0] === 'send queue exceeded').length;
        for (let sent = 0; gone() < slow.length && sent < 60_000; sent += 100) {
          server.send(...Array.from({ length: 100 }, (_, index) => `:${uid('0AA', 1)} PRIVMSG ${wide} :${sent + index} ${text}`));
          await server.sync();
        }
        await eventually('the slow to be shown out', () => gone() === slow.length, 30_000);
        server.drop();
        await watcher.quit();
        for (const socket of slow) {
          socket.resume();
          await closed(socket);
        }
      },
      { peak: 700, resident: 300, heap: 12 },
    );
  });
});
