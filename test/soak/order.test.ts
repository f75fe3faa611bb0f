/** At full size: commands in any order for minutes, and plugins that fail. */
import { appendFile, writeFile } from 'node:fs/promises';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { seeded, type Random } from '../support/random.ts';
import { repository } from '../support/root.ts';
import { scriptedServer, uid, uidLine, unixNow } from '../support/scripted-irc-server.ts';
import { eventually, sleep } from '../support/wait.ts';
import { room, share, startScene, type Scene } from './scene.ts';
import { addressOf, manyAtOnce, manyFor, pour, Sockets } from './sockets.ts';

const channel = `#${room}`;
const words = [
  '',
  '*',
  '#',
  channel,
  '#other',
  '0',
  '-1',
  '+o',
  '-b+b',
  ':',
  'x',
  'w-irc',
  'w-web',
  '999999999999',
  'LS',
  'END',
  'PLAIN',
  '*!*@*',
  'a,b,c',
  ':two words',
];
const clientCommands =
  'CAP AUTHENTICATE PASS NICK USER PING PONG QUIT AWAY SETNAME JOIN PART TOPIC NAMES LIST KICK INVITE MODE PRIVMSG NOTICE TAGMSG CHATHISTORY WHO WHOIS WHOWAS USERHOST ISON MOTD LUSERS VERSION TIME INFO ADMIN LINKS SERVER SQUIT KILL';
const serverCommands =
  'UID NICK FJOIN FMODE FTOPIC KICK KILL PART QUIT PRIVMSG NOTICE PING PONG BURST ENDBURST SQUIT SERVER METADATA ENCAP AWAY OPERTYPE IJOIN RSQUIT INVITE';
const stanzas = [
  "<message to='ROOM' type='groupchat'><body>x</body></message>",
  "<presence to='ROOM/nick'/>",
  "<iq to='ROOM' type='get' id='1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
  "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>",
  "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
  "<db:result from='far.example' to='banyan.example'>key</db:result>",
  "<db:verify from='far.example' to='banyan.example' id='1'>key</db:verify>",
  "<enable xmlns='urn:xmpp:sm:3' resume='true'/>",
  "<resume xmlns='urn:xmpp:sm:3' previd='1' h='0'/>",
  "<a xmlns='urn:xmpp:sm:3' h='4294967295'/>",
  '</stream:stream>',
];

function line(random: Random, commands: readonly string[]): string {
  const params = Array.from({ length: random.integer(0, 15) }, () => random.pick(words));
  return [random.pick(commands), ...params].join(' ');
}

describe('any order at full size', function () {
  this.timeout(share(1) + 300_000);
  let scene: Scene;
  let sockets: Sockets;
  before(async () => {
    scene = await startScene();
  });
  beforeEach(() => (sockets = new Sockets()));
  afterEach(() => sockets.destroyAll());
  after(() => scene?.stop());

  it('A20 state machine order: random commands before, in and after registration, by clients and servers', async () => {
    const seed = randomInt(2 ** 31);
    process.stdout.write(`         seed ${seed}\n`);
    const random = seeded(seed);
    const client = async (number: number): Promise<void> => {
      const socket = await sockets.connect(scene.banyan.port('irc'), addressOf(number));
      if (socket === undefined) return;
      if (random.integer(0, 2) > 0) await pour(socket, `NICK r${number}\r\nUSER r 0 * :r\r\nJOIN #other\r\n`);
      const lines = Array.from({ length: random.integer(1, 40) }, () => line(random, clientCommands.split(' ')));
      await pour(socket, `${lines.join('\r\n')}\r\n`);
      await sleep(random.integer(0, 500));
      socket.destroy();
    };
    const server = async (number: number): Promise<void> => {
      const peer = await scriptedServer({ port: scene.banyan.port('irc-link') });
      const steps = [
        'CAPAB START 1205',
        'CAPAB END',
        'SERVER scripted.example linkpassword 0 0AA :x',
        `:0AA BURST ${unixNow()}`,
        ':0AA ENDBURST',
      ];
      const until = random.integer(0, steps.length);
      peer.send(...steps.slice(0, until), ...(until === steps.length ? [uidLine('0AA', number % 1_000, 'rand')] : []));
      const sources = ['', ':0AA ', ':9BN ', ':7ZZ ', `:${uid('0AA', number % 1_000)} `, ':9BNAAAAAA '];
      peer.send(
        ...Array.from({ length: random.integer(1, 60) }, () => `${random.pick(sources)}${line(random, serverCommands.split(' '))}`),
      );
      await sleep(random.integer(0, 300));
      peer.drop();
    };
    const xmpp = async (number: number): Promise<void> => {
      const socket = await sockets.connect(scene.banyan.port('xmpp-server'), addressOf(number));
      if (socket === undefined) return;
      const place = `${room}@rooms.banyan.example`;
      const header = `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' from='far.example' to='rooms.banyan.example' version='1.0'>`;
      const said = Array.from({ length: random.integer(1, 30) }, () => random.pick(stanzas).replace('ROOM', place));
      await pour(socket, (random.integer(0, 9) > 0 ? header : '') + said.join(''));
      await sleep(random.integer(0, 300));
      socket.destroy();
    };
    await scene.withstands(
      async () => {
        await Promise.all([manyFor(share(0.15), 10, client), manyFor(share(0.15), 1, server), manyFor(share(0.15), 10, xmpp)]);
      },
      { heap: 12 },
    );
  });

  it('A24 crash containment: a plugin that throws 2,000 times is stopped, and one that never returns ends and is left off', async () => {
    const { banyan } = scene;
    const zod = pathToFileURL(join(repository, 'node_modules', 'zod', 'index.js')).href;
    await banyan.halt();
    await writeFile(
      join(banyan.folder, 'faulty.mjs'),
      `import { z } from '${zod}';
      export default { name: 'faulty', version: '1', enabledByDefault: false, config: z.strictObject({}),
        async start(host) {
          host.http.route({ path: '/throw', handle: (request, response) => { response.end(); throw new Error('on purpose'); } });
          host.http.route({ path: '/hang', handle: (request, response) => { response.end(); setImmediate(() => { for (;;); }); } });
          return { stop: async () => {}, status: () => ({ summary: 'runs', links: [] }) };
        } };\n`,
    );
    await appendFile(banyan.configFile, '\n[plugins.faulty]\nmodule = "./faulty.mjs"\n\n[watchdog]\nstuck_seconds = 5\n');
    await banyan.start();
    await scene.gatherAnew();
    await scene.withstands(() => manyAtOnce(2_000, 10, async () => (await fetch(`${banyan.page}throw`)).text()), {
      log: /a plugin keeps failing and is stopped/,
    });
    expect((await banyan.command(['plugin', 'start', 'faulty'])).code).to.equal(0);
    await fetch(`${banyan.page}hang`).catch(() => undefined);
    await eventually('the end of the process', () => !banyan.running(), 60_000);
    expect(banyan.output()).to.match(/the plugin faulty was stuck for \d+ s/);
    await banyan.start();
    await scene.gatherAnew();
    expect((await banyan.command(['plugin', 'list'])).output).to.match(/faulty +off/);
    await scene.withstands(() => sleep(1_000));
  });
});
