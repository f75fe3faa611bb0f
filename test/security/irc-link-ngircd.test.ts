/** Peers of the ngIRCd dialect that want to link and are not who they say, compress what nobody asked them to, and lie. */
import { expect } from 'chai';
import fc from 'fast-check';
import { deflateSync } from 'node:zlib';
import type { Fact } from '../../plugins/irc-link/model/facts.ts';
import { parseLine } from '../../plugins/irc/line.ts';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { connectIrc, type IrcClient } from '../support/irc-client.ts';
import { scriptedServer, type ScriptedServer } from '../support/scripted-irc-server.ts';
import { eventually } from '../support/wait.ts';
import { established, NgircdModel } from '../unit/irc-link/ngircd-support.ts';

const channel = '#lounge';
const name = 'scripted.example';
const us = 'irc.banyan.example';
const intro = (nick: string): string => `:${name} NICK ${nick} 1 ~${nick} 127.0.0.1 1 + :Real ${nick}`;

describe('ngIRCd peers that attack', function () {
  this.timeout(60_000);
  let banyan: Banyan;
  let peers: ScriptedServer[] = [];
  let clients: IrcClient[] = [];

  before(async () => {
    banyan = await startBanyan({
      tables: [
        `[plugins.irc-link]
listen = ["127.0.0.1:0"]
[[plugins.irc-link.networks]]
label = "scripted"
dialect = "ngircd"
server_name = "${us}"
peer_name = "${name}"
password_send = "our-own-password"
password_receive = "linkpassword"
tls = false
rooms = ["lounge"]
[[plugins.irc-link.networks]]
label = "other"
server_name = "${us}"
server_id = "9BN"
peer_name = "inspircd.example"
password_send = "other-password"
password_receive = "other-linkpassword"
tls = false
rooms = ["lounge"]`,
      ],
    });
  });
  after(() => banyan.stop());
  afterEach(async () => {
    for (const peer of peers) peer.drop();
    peers = [];
    await Promise.all(clients.map((client) => client.quit()));
    clients = [];
    await eventually('no link', () => count('linked to the IRC network') === count('the link to the IRC network broke'));
    expect(banyan.running()).to.equal(true);
  });

  const count = (text: string): number => banyan.output().split(text).length - 1;
  const closed = (server: ScriptedServer): Promise<unknown> => eventually('the link to be closed', () => !server.open);
  async function dial(): Promise<ScriptedServer> {
    const server = await scriptedServer({ port: banyan.port('irc-link'), sid: name });
    peers.push(server);
    return server;
  }
  async function link(...burst: readonly string[]): Promise<ScriptedServer> {
    const server = await dial();
    server.send('PASS linkpassword 0210-IRC+ ngIRCd|26.1:CHLMSXZo PZ', `SERVER ${name} :scripted`);
    await server.expect('376', (line) => line.command === '376');
    server.send(`:${name} 005 ${us} NICKLEN=30 :x`, `:${name} 376 ${us} :End`, ...burst, `:${name} PING :${name}`);
    await server.expect('our service in the channel', (line) => line.command === 'NJOIN' && line.params[1]!.includes('banyan'));
    return server;
  }
  async function watcher(nick: string): Promise<IrcClient> {
    const client = await connectIrc({ port: banyan.port('irc'), nick });
    clients.push(client);
    await client.join(channel);
    return client;
  }
  const said = (client: IrcClient): string[] => client.lines.filter((line) => line.command === 'PRIVMSG').map((line) => line.params[1]!);

  const impostors: readonly (readonly [string, readonly string[]])[] = [
    ['a wrong password', ['PASS guess 0210-IRC+ x|1:CHLMSX P', `SERVER ${name} 1 :x`]],
    ['no password', ['PASS', `SERVER ${name} 1 :x`]],
    ['the password of another network', ['PASS other-linkpassword 0210-IRC+ x|1:CHLMSX P', `SERVER ${name} 1 :x`]],
    ['the name of a network of another dialect', ['PASS other-linkpassword 0210-IRC+ x|1:CHLMSX P', 'SERVER inspircd.example 1 :x']],
    ['a name that is not configured', ['PASS linkpassword 0210-IRC+ x|1:CHLMSX P', 'SERVER stranger.example 1 :x']],
    ['our own name', ['PASS linkpassword 0210-IRC+ x|1:CHLMSX P', `SERVER ${us} 1 :x`]],
    ['a first line of no dialect', ['NICK eve', 'USER eve 0 * :eve']],
  ];
  for (const [what, lines] of impostors)
    it(`A8 server impersonation: refuses ${what}, and tells it no password of ours`, async () => {
      const client = await watcher('wanda');
      const server = await dial();
      server.send(
        ...lines,
        `:${name} 376 ${us} :End`,
        intro('eve'),
        `:${name} NJOIN ${channel} :@eve`,
        `:eve PRIVMSG ${channel} :believe me`,
      );
      await closed(server);
      expect(server.lines.map((line) => line.command)).to.deep.equal(['ERROR']);
      expect(server.lines[0]!.raw).to.not.include('password ');
      await client.sync();
      expect(said(client)).to.deep.equal([]);
      expect(await client.names(channel)).to.not.include('eve');
    });

  it('A5 compression bombs: a peer that compresses unasked ends its own link, and nothing is inflated', async () => {
    const client = await watcher('wanda');
    const server = await link();
    expect(server.lines.find((line) => line.command === 'PASS')?.raw).to.not.match(/Z/);
    const bomb = deflateSync(Buffer.alloc(50_000_000, `:${name} NOSUCH\r\n`));
    server.sendBytes(bomb);
    server.sendBytes(bomb);
    await closed(server);
    await client.sync();
    expect(banyan.running()).to.equal(true);
  });

  it('A9 a linked server lies: it speaks for nobody of ours, and for no server that is not behind it', async () => {
    const client = await watcher('wanda');
    const server = await link(intro('alice'), `:${name} NJOIN ${channel} :alice`);
    await server.expect('wanda', (line) => line.command === 'NJOIN' && line.params[1]!.includes('wanda'));
    server.send(
      `:wanda PRIVMSG ${channel} :I never said that`,
      ':wanda NICK eve',
      ':wanda!x@y QUIT :bye',
      `:${us} KILL wanda :Nick collision`,
      `:${us} MODE ${channel} +o alice`,
      `:${name} NICK mallory 1 ~m h.example 7 + :on a server that nobody introduced`,
      `:!us-0 PRIVMSG ${channel} :by an inner name`,
      `:${name} KICK ${channel} !us-0 :x`,
      `:alice PRIVMSG ${channel} :the end`,
    );
    await client.expect('the end', (line) => line.params[1] === 'the end');
    expect(said(client)).to.deep.equal(['the end']);
    const names = await client.names(channel);
    expect(names).to.include.members(['wanda', 'alice']);
    expect(names).to.not.include('mallory');
  });

  it('A9 collisions without end: ours come back a few times, under other nicks, and the server serves', async () => {
    const client = await watcher('wanda');
    const server = await link(intro('alice'), `:${name} NJOIN ${channel} :alice`);
    for (let round = 0; round < 4; round++) {
      const since = server.lines.length;
      const there = server.lines.findLast(
        (line) => line.command === 'NICK' && line.params.length > 1 && line.params[0]!.startsWith('wanda'),
      )!;
      server.send(`:${name} KILL ${there.params[0]!} :Nick collision`);
      const back = await server.expect('wanda again', (line) => line.command === 'NICK' && line.params[0]!.startsWith('wanda'), since);
      expect(back.params[0]).to.not.equal(there.params[0]);
    }
    server.send(...['', '-', '--', '---', '----', '-----', '------'].map((dashes) => `:${name} KILL banyan${dashes} :Nick collision`));
    await eventually('the channel not to be shared any more', async () =>
      (await banyan.command(['link', 'show', 'scripted'])).output.includes('nick collisions'),
    );
    await client.sync();
    expect(await client.names(channel)).to.include('wanda');
  });
});

describe('what is said to an ngIRCd', () => {
  const { codec } = established();
  const { state } = new NgircdModel();
  const evil = fc
    .array(
      fc.oneof(
        fc.constantFrom('\r\n', '\n', '\r', '\0', '\u0001', '\u0007', ' ', ':', ' :', '\u2028', ',', '!', '@', '+', '\ud800'),
        fc.constantFrom('\r\n:irc.banyan.example KILL alice :x', '\nSQUIT a.example', 'QUIT', '#lounge'),
        fc.string({ unit: 'binary', maxLength: 8 }),
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join(''));
  const texts: readonly (readonly [string, (text: string) => Fact, string, number])[] = [
    ['a quit reason', (reason) => ({ kind: 'quit', user: 'anna', reason }), 'QUIT', 1],
    ['a part reason', (reason) => ({ kind: 'part', user: 'anna', channel: '#lounge', reason }), 'PART', 2],
    ['a kick reason', (reason) => ({ kind: 'kick', source: us, channel: '#lounge', user: 'eve', reason }), 'KICK', 3],
    ['a kill reason', (reason) => ({ kind: 'kill', source: us, user: 'eve', reason }), 'KILL', 2],
    ['a topic', (text) => ({ kind: 'topic', source: 'anna', channel: '#lounge', ts: 1, topicTs: 1, text }), 'TOPIC', 2],
    ['an account', (account) => ({ kind: 'account', source: us, user: 'anna', account }), 'METADATA', 3],
    ['a real name', (realName) => ({ kind: 'profile', user: 'anna', realName }), 'METADATA', 3],
    [
      'a message',
      (text) => ({ kind: 'message', source: 'anna', target: { kind: 'channel', name: '#lounge' }, notice: false, text, id: text }),
      'PRIVMSG',
      2,
    ],
  ];
  for (const [what, fact, command, params] of texts)
    it(`A1 line injection: ${what} stays one line of its command`, () => {
      fc.assert(
        fc.property(evil, (text) => {
          const lines = codec.encode(fact(text), state);
          expect(lines).to.have.length(1);
          const line = parseLine(lines[0]!);
          expect([line?.command, line?.params.length]).to.deep.equal([command, params]);
        }),
      );
    });

  const words: readonly (readonly [string, (word: string) => Fact, number])[] = [
    ['a nick', (nick) => ({ kind: 'nick', user: 'anna', nick, ts: null }), 1],
    ['a channel', (one) => ({ kind: 'part', user: 'anna', channel: one, reason: '' }), 2],
    ['a host', (host) => ({ kind: 'profile', user: 'anna', host }), 3],
    ['a ban', (param) => ({ kind: 'modes', source: us, channel: '#a', ts: null, changes: [{ add: true, mode: 'ban', param }] }), 3],
    ['a target', (user) => ({ kind: 'message', source: us, target: { kind: 'user', user }, notice: true, text: 'x' }), 2],
  ];
  for (const [what, fact, params] of words)
    it(`A2 unprotected parameters: ${what} is one word, or nothing is said`, () => {
      fc.assert(
        fc.property(evil, (word) => {
          for (const raw of codec.encode(fact(word), state)) expect(parseLine(raw)?.params.length).to.equal(params);
        }),
      );
    });
});
