/** Servers that want to link and are not who they say, and linked servers that lie. */
import { expect } from 'chai';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { makeAuthority } from '../support/certificates.ts';
import { connectIrc, type IrcClient } from '../support/irc-client.ts';
import { removeFolder, temporaryFolder } from '../support/root.ts';
import { scriptedServer, uid, uidLine, unixNow, type ScriptedServer, type ScriptedServerOptions } from '../support/scripted-irc-server.ts';
import { eventually, quiet } from '../support/wait.ts';

const channel = '#lounge';

describe('servers of a linked IRC network that lie', function () {
  this.timeout(60_000);
  let banyan: Banyan;
  let folder: string;
  let certificates: { readonly right: Certificate; readonly wrong: Certificate };
  let peers: ScriptedServer[] = [];
  let clients: IrcClient[] = [];

  interface Certificate {
    readonly cert: string;
    readonly key: string;
    readonly fingerprint: string;
  }

  before(async () => {
    folder = await temporaryFolder('peers');
    const authority = await makeAuthority(folder);
    const make = async (): Promise<Certificate> => {
      const { certificateFile, keyFile, fingerprint } = await authority.selfSigned(['secure.example']);
      return { cert: await readFile(certificateFile, 'utf8'), key: await readFile(keyFile, 'utf8'), fingerprint };
    };
    certificates = { right: await make(), wrong: await make() };
    const network = (label: string, sid: string, more: string): string => `[[plugins.irc-link.networks]]
label = "${label}"
server_name = "irc.banyan.example"
server_id = "${sid}"
peer_name = "${label}.example"
password_send = "linkpassword"
password_receive = "linkpassword"
rooms = ["lounge"]
${more}`;
    banyan = await startBanyan({
      tables: [
        '[limits]\nguests_per_address = 500',
        `[plugins.irc-link]
listen = ["127.0.0.1:0"]
listen_tls = ["127.0.0.1:0"]
outbox_bytes = 262144
${network('scripted', '9BN', 'tls = false')}
${network('second', '9BN', 'tls = false')}
${network('secure', '9BN', `fingerprint = "${certificates.right.fingerprint}"`)}`,
      ],
    });
  });
  after(async () => {
    await banyan.stop();
    await removeFolder(folder);
  });
  afterEach(async () => {
    for (const peer of peers) peer.drop();
    peers = [];
    await Promise.all(clients.map((client) => client.quit()));
    clients = [];
    await eventually('no link', () => count('linked to the IRC network') === count('the link to the IRC network broke'));
    expect(banyan.running()).to.equal(true);
  });

  async function peer(options: Partial<ScriptedServerOptions> = {}): Promise<ScriptedServer> {
    const server = await scriptedServer({ port: banyan.port('irc-link'), ...options });
    peers.push(server);
    return server;
  }
  async function watcher(nick: string): Promise<IrcClient> {
    const client = await connectIrc({ port: banyan.port('irc'), nick });
    clients.push(client);
    await client.join(channel);
    return client;
  }
  const count = (text: string): number => banyan.output().split(text).length - 1;
  const closed = (server: ScriptedServer): Promise<unknown> => eventually('the link to be closed', () => !server.open);
  const ours = async (server: ScriptedServer, nick: string): Promise<string> =>
    (await server.expect(nick, (line) => line.command === 'UID' && line.params[2] === nick)).params[0]!;
  const said = (client: IrcClient): string[] => client.lines.filter((line) => line.command === 'PRIVMSG').map((line) => line.params[1]!);

  describe('A8 server impersonation', () => {
    const impostors: readonly (readonly [string, Partial<ScriptedServerOptions>, RegExp])[] = [
      ['a right password under a name that is not configured', { name: 'stranger.example' }, /stranger\.example.*is not configured/],
      ['a wrong password', { password: 'guess' }, /scripted\.example gave a wrong password/],
      ['the id that is ours', { sid: '9BN' }, /scripted\.example has the same server id as we/],
      ['a name that must come with TLS, without', { name: 'secure.example' }, /secure\.example.*fingerprint/],
    ];
    for (const [what, options, log] of impostors)
      it(`refuses ${what}, names it in the log, and nothing of it reaches a room`, async () => {
        const client = await watcher('wanda');
        const server = await peer(options);
        server.send('CAPAB START 1205', 'CAPAB END');
        const { name = 'scripted.example', password = 'linkpassword', sid = '0AA' } = options;
        server.send(
          `SERVER ${name} ${password} 0 ${sid} :impostor`,
          `:${sid} BURST ${unixNow()}`,
          uidLine(sid, 1, 'eve'),
          `:${sid} FJOIN ${channel} 1000 + :o,${uid(sid, 1)}:1`,
          `:${sid} ENDBURST`,
          `:${uid(sid, 1)} PRIVMSG ${channel} :believe me`,
        );
        const answer = await server.expect('an ERROR', (line) => line.command === 'ERROR');
        expect(answer.raw).to.not.match(/wrong|configured|fingerprint/);
        await closed(server);
        await eventually('the log', () => log.test(banyan.output()));
        await client.sync();
        expect(said(client)).to.deep.equal([]);
        expect(await client.names(channel)).to.not.include('eve');
        expect(server.lines.some((line) => line.command === 'SERVER')).to.equal(false);
      });

    it('refuses another certificate than the one whose fingerprint is configured, takes the right one', async () => {
      const wrong = await peer({ port: banyan.port('irc-link-tls'), name: 'secure.example', tls: certificates.wrong });
      wrong.send('CAPAB START 1205', 'CAPAB END', 'SERVER secure.example linkpassword 0 0AA :x');
      await closed(wrong);
      await eventually('the log', () =>
        banyan.output().includes(`has another fingerprint than configured: ${certificates.wrong.fingerprint}`),
      );
      const right = await peer({ port: banyan.port('irc-link-tls'), name: 'secure.example', tls: certificates.right });
      await right.link();
    });

    for (const dialect of ['inspircd', 'ngircd'])
      it(`tells its password to nobody who answers in the place of a server of ${dialect} that it dials`, async () => {
        const heard: string[] = [];
        let came = 0;
        const impostor = createServer({ cert: certificates.wrong.cert, key: certificates.wrong.key }, (socket) => {
          came += 1;
          socket.on('data', (bytes: Buffer) => heard.push(bytes.toString()));
          socket.on('error', () => undefined);
          socket.write('CAPAB START 1205\r\nCAPAB END\r\n');
        });
        await once(impostor.listen(0, '127.0.0.1'), 'listening');
        const dialling = await startBanyan({
          tables: [
            `[plugins.irc-link]
[[plugins.irc-link.networks]]
label = "secure"
dialect = "${dialect}"
server_name = "irc.banyan.example"
${dialect === 'inspircd' ? 'server_id = "9BN"' : ''}
peer_name = "secure.example"
address = "127.0.0.1:${(impostor.address() as AddressInfo).port}"
fingerprint = "${certificates.right.fingerprint}"
password_send = "sendpassword"
password_receive = "receivepassword"
rooms = ["lounge"]`,
          ],
        });
        try {
          await eventually('a second attempt', () => came >= 2);
          expect(dialling.output()).to.include(`has another fingerprint than configured: ${certificates.wrong.fingerprint}`);
          expect(heard.join('')).to.not.include('sendpassword');
        } finally {
          await dialling.stop();
          impostor.close();
        }
      });

    it('refuses a second server of a name that is linked; the first stays', async () => {
      const first = await peer();
      await first.link();
      const second = await peer();
      second.send('CAPAB START 1205', 'CAPAB END', 'SERVER scripted.example linkpassword 0 0AB :x');
      const error = await second.expect('ERROR', (line) => line.command === 'ERROR');
      expect(error.params[0]).to.include('already exists');
      await closed(second);
      await first.sync();
    });

    it('refuses a network that another link leads to already: a loop', async () => {
      const first = await peer();
      await first.link(':0AA SERVER hub.example 1HB :hub', ':0AA SERVER irrelevant.example 1II :x');
      const second = await peer({ name: 'second.example', sid: '0CC' });
      await second.link();
      second.send(':0CC SERVER hub.example 1HB :hub');
      const error = await second.expect('ERROR', (line) => line.command === 'ERROR');
      expect(error.params[0]).to.include('loop');
      await closed(second);
      await first.sync();
    });

    it('closes a link on which we are introduced to ourselves', async () => {
      const server = await peer();
      await server.link();
      server.send(':0AA SERVER irc.banyan.example 1BB :you');
      await server.expect('ERROR', (line) => line.command === 'ERROR' && line.raw.includes('loop'));
      await closed(server);
    });
  });

  describe('A9 a linked server lies', () => {
    it('speaks for others: dropped with a count, nothing seen', async () => {
      const client = await watcher('wanda');
      const server = await peer();
      await server.link(uidLine('0AA', 1, 'alice'), `:0AA FJOIN ${channel} ${unixNow()} + :,${uid('0AA', 1)}:1`);
      const wanda = await ours(server, 'wanda');
      server.send(
        `:${wanda} PRIVMSG ${channel} :I never said that`,
        `:${wanda} NICK eve ${unixNow()}`,
        `:${wanda} PART ${channel} :bye`,
        `:${wanda} QUIT :bye`,
        uidLine('7ZZ', 1, 'mallory'),
        uidLine('9BN', 7, 'mallory'),
        `:9BN FMODE ${channel} 1 +o ${uid('0AA', 1)}`,
        `:9BN METADATA ${wanda} accountname :root`,
        `:0AA METADATA ${wanda} accountname :root`,
        ':0AA SQUIT 7ZZ :third party',
        `:${uid('0AA', 1)} PRIVMSG ${channel} :the end`,
      );
      await client.expect('the end', (line) => line.params[1] === 'the end');
      expect(said(client)).to.deep.equal(['the end']);
      const names = await client.names(channel);
      expect(names).to.include.members(['wanda', 'alice']);
      expect(names).to.not.include('mallory');
      const shown = (await banyan.command(['link', 'show', 'scripted'])).output;
      expect(shown).to.match(/dropped\W+(?:[5-9]|1\d)\b/);
      expect(shown).to.include('a user of a server that is not behind this link');
    });

    it('says what is too long, too short, unknown or out of time: dropped; a flood of it ends the link', async () => {
      const client = await watcher('wanda');
      const server = await peer();
      await server.link(uidLine('0AA', 1, 'alice'), `:0AA FJOIN ${channel} ${unixNow()} + :,${uid('0AA', 1)}:1`);
      const long = 'x'.repeat(300);
      server.send(
        `:0AA UID ${uid('0AA', 2)} ${unixNow()} ${long} h h i 1.1.1.1 ${unixNow()} + :x`,
        ':0AA UID',
        `:0AA UID ${uid('0AA', 3)} 0 zero h h i 1.1.1.1 0 + :x`,
        `:0AA FJOIN ${channel}`,
        `:0AA FJOIN #${long} ${unixNow()} + :,${uid('0AA', 1)}:1`,
        `:0AA FJOIN ${channel} ${unixNow()} + :garbage`,
        ':0AA NOSUCHCOMMAND a b c',
        `:0AA FMODE ${channel} -5 +o ${uid('0AA', 1)}`,
        `:0AA KICK ${channel}`,
        `:${uid('0AA', 1)} TAGMSG`,
        `:${uid('0AA', 1)} PRIVMSG ${channel} :still here`,
      );
      await client.expect('a message', (line) => line.params[1] === 'still here');
      server.send(...Array.from({ length: 1_200 }, (_, n) => `:0AA NOSUCH${n % 300}`));
      await server.expect('ERROR', (line) => line.command === 'ERROR');
      await closed(server);
      await client.expect('the split', (line) => line.command === 'QUIT' && line.nick === 'alice');
    });

    it('sends a line without end, and bytes that are no text: its link alone ends', async () => {
      const client = await watcher('wanda');
      const server = await peer();
      await server.link();
      server.sendBytes(Buffer.alloc(20_000, 0x61));
      await closed(server);
      const other = await peer();
      await other.link();
      other.sendBytes(Buffer.from(Array.from({ length: 4_000 }, (_, n) => (n * 37) % 256)));
      await eventually('it to be read', () => !other.open || other.lines.length > 0);
      await client.sync();
    });

    it('kills and kicks by people of its own are facts, and name the right one', async () => {
      const client = await watcher('wanda');
      const server = await peer();
      await server.link(uidLine('0AA', 1, 'alice'), `:0AA FJOIN ${channel} ${unixNow()} + :o,${uid('0AA', 1)}:1`);
      const wanda = await ours(server, 'wanda');
      await client.expect('alice', (line) => line.command === 'JOIN' && line.nick === 'alice');
      server.send(`:${uid('0AA', 1)} KICK ${channel} ${wanda} 9999 :an earlier visit`, `:${uid('0AA', 1)} KICK ${channel} ${wanda} :now`);
      const kick = await client.expect('the KICK', (line) => line.command === 'KICK');
      expect([kick.nick, kick.params[1], kick.params[2]]).to.deep.equal(['alice', 'wanda', 'now']);
    });
  });

  it('A11 operators of the network get what members may be given, and the right one gets it', async () => {
    const client = await watcher('wanda');
    const server = await peer();
    await server.link(
      uidLine('0AA', 1, 'alice'),
      uidLine('0AA', 2, 'bob'),
      `:0AA FJOIN ${channel} ${unixNow()} + :,${uid('0AA', 1)}:1 ,${uid('0AA', 2)}:2`,
    );
    await client.expect('bob', (line) => line.command === 'JOIN' && line.nick === 'bob');
    // Nicks swapped between burst and mode; two changes that undo each other; a letter without its parameter.
    server.send(
      `:${uid('0AA', 1)} NICK carl ${unixNow()}`,
      `:${uid('0AA', 2)} NICK alice ${unixNow()}`,
      `:0AA FMODE ${channel} 1000 +b-b *!*@a.example *!*@a.example`,
      `:0AA FMODE ${channel} 1000 +o`,
      `:0AA FMODE ${channel} 1000 +Xo ${uid('0AA', 1)}`,
    );
    await eventually('carl to be operator', async () => (await client.names(channel)).includes('@carl'));
    expect(await client.names(channel)).to.include('alice');
  });

  it('A18 a storm of joins and parts, and of nicks, is worked off; others are answered', async () => {
    const client = await watcher('wanda');
    const server = await peer();
    await server.link(uidLine('0AA', 1, 'alice'));
    const one = uid('0AA', 1);
    const now = unixNow();
    for (let n = 0; n < 2_000; n++)
      server.send(`:0AA FJOIN ${channel} ${now} + :,${one}:${n}`, `:${one} NICK alice${n} ${now + n}`, `:${one} PART ${channel} :x`);
    await client.sync();
    server.send(`:0AA FJOIN ${channel} ${now} + :,${one}:9999`, `:${one} PRIVMSG ${channel} :done`);
    await client.expect('the end', (line) => line.params[1] === 'done', { within: 30_000 });
    expect(await client.names(channel)).to.include('alice1999');
  });

  it('A19 a peer that stops reading loses its link; nobody else waits', async () => {
    const client = await watcher('wanda');
    const server = await peer();
    await server.link(uidLine('0AA', 1, 'alice'));
    server.pause();
    // Every PING costs us an answer, and what the socket does not take is more than is held for a peer.
    const block = `:0AA PING 9BN\r\n`.repeat(20_000);
    const stuck = eventually('the link to be given up', () => banyan.output().includes('send queue exceeded'), 40_000);
    const pump = async (): Promise<void> => {
      while (server.open && !banyan.output().includes('send queue exceeded')) {
        server.sendBytes(Buffer.from(block));
        await new Promise(setImmediate);
        await client.sync();
      }
    };
    await Promise.all([stuck, pump()]);
    await client.sync();
  });

  it('A21 messages of the past, of the future and of no time are logged as of now', async () => {
    const client = await connectIrc({ port: banyan.port('irc'), nick: 'wanda', capabilities: ['server-time', 'message-tags'] });
    clients.push(client);
    await client.join(channel);
    const server = await peer();
    await server.link(uidLine('0AA', 1, 'alice'), `:0AA FJOIN ${channel} ${unixNow()} + :,${uid('0AA', 1)}:1`);
    for (const time of ['0001-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z', '+275760-09-13T00:00:00.000Z', 'never'])
      server.send(`@time=${time} :${uid('0AA', 1)} PRIVMSG ${channel} :at ${time}`);
    await client.expect('the last', (line) => line.params[1] === 'at never');
    for (const line of client.lines.filter((each) => each.params[1]?.startsWith('at ')))
      expect(Math.abs(Date.parse(line.tags.get('time')!) - Date.now())).to.be.lessThan(60_000);
    // A channel from the far future, and a topic that claims to be of one.
    server.send(`:0AA FJOIN ${channel} 999999999999 +s :o,${uid('0AA', 1)}:1`, `:0AA FTOPIC ${channel} 1 999999999999 x :of the future`);
    await client.expect('the topic', (line) => line.command === 'TOPIC' && line.params[1] === 'of the future');
    await quiet(() => client.lines.length);
    expect(await client.names(channel)).to.include('alice');
  });
});
