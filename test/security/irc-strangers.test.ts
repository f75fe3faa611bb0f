/** Who has not registered, and who does things out of order. Scaled down to seconds and hundreds. */
import { expect } from 'chai';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ircParty, type IrcParty } from '../support/irc-party.ts';
import { eventually } from '../support/wait.ts';

interface Stranger {
  readonly socket: Socket;
  readonly received: () => string;
  readonly closed: () => boolean;
}

async function stranger(port: number, localAddress = '127.0.0.1'): Promise<Stranger> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  let received = '';
  let closed = false;
  socket.on('data', (bytes: Buffer) => (received += bytes.toString('latin1')));
  socket.on('error', () => undefined);
  socket.on('close', () => (closed = true));
  await once(socket, 'connect');
  return { socket, received: () => received, closed: () => closed };
}

/** Kilobytes of memory that the process holds. */
async function residentMemory(pid: number): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]);
}

describe('irc-clients: strangers', function () {
  this.timeout(40_000);
  let party: IrcParty;
  let port: number;
  before(async () => {
    party = await ircParty({
      plugin: 'registration_deadline = 2\nburst_lines = 10000\nping_interval = 1\nping_timeout = 1',
      tables: ['[limits]\nstrangers_per_address = 20\nstrangers = 30\nguests_per_address = 500'],
    });
    port = party.banyan.port('irc');
  });
  after(() => party.stop());

  it('A4 before login: 513 bytes without a line end close the connection, with a reason', async () => {
    for (const bytes of ['A'.repeat(513), `NICK ${'x'.repeat(600)}\r\n`, `@${'t'.repeat(5_000)}`]) {
      const one = await stranger(port);
      one.socket.write(bytes);
      await eventually('the end', one.closed);
      expect(one.received()).to.match(/^ERROR :Closing link: \(127\.0\.0\.1\) \[Input line was too long\]\r\n$/);
    }
  });

  it('A4 before login: HTTP verbs on the IRC port close the connection before anything else of them is read', async () => {
    for (const verb of ['GET', 'POST', 'PUT', 'HEAD', 'CONNECT', 'OPTIONS']) {
      const one = await stranger(port);
      one.socket.write(`${verb} / HTTP/1.1\r\nHost: x\r\n\r\nNICK evil\r\nUSER a b c d\r\nPRIVMSG #lounge :spam\r\n`);
      await eventually('the end', one.closed);
      expect(one.received()).to.match(/^ERROR :[^\r\n]*\r\n$/);
    }
  });

  it('A4 before login: TLS on the plain port and plain text on the TLS port come to an end', async () => {
    const hello = await stranger(port);
    hello.socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]));
    await eventually('the end', hello.closed);
    expect(hello.received()).to.match(/^ERROR :[^\r\n]*TLS has a port of its own\]\r\n$/);
    const tls = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
    tls.on('error', () => undefined);
    await new Promise((resolve) => tls.on('close', resolve));
    const plain = await stranger(party.banyan.port('irc-tls'));
    plain.socket.write('NICK x\r\nUSER x 0 * :x\r\n');
    await eventually('the end', plain.closed);
    expect(plain.received()).to.not.include('001');
  });

  it('A4 before login: the idle, the slow and the never ready are closed at the deadline', async () => {
    const prompt = await party.irc(party.unique('prompt'));
    const silent = await stranger(port);
    const slow = await stranger(port);
    const busy = await stranger(port);
    const waiting = await stranger(port);
    const halfTls = await stranger(party.banyan.port('irc-tls'));
    waiting.socket.write('CAP LS 302\r\nNICK waiting\r\nUSER x 0 * :x\r\n');
    halfTls.socket.write(Buffer.from([0x16, 0x03, 0x01]));
    const drip = setInterval(() => slow.socket.write('N'), 100);
    const pings = setInterval(() => busy.socket.write('PING x\r\n'), 100);
    try {
      for (const one of [silent, slow, busy, waiting, halfTls]) await eventually('the deadline', one.closed);
    } finally {
      clearInterval(drip);
      clearInterval(pings);
    }
    for (const one of [silent, slow, busy, waiting]) expect(one.received()).to.not.include(' 001 ');
    expect(
      (await prompt.sync()).map((line) => line.command),
      'who has registered stays',
    ).to.deep.equal([]);
  });

  it('A4 before login, and after: who falls silent is asked, and closed without an answer', async () => {
    const watcher = await party.irc(party.unique('watcher'));
    await watcher.join('#silence');
    const mute = await stranger(port);
    mute.socket.write('NICK mute\r\nUSER x 0 * :x\r\nJOIN #silence\r\n');
    const quit = await watcher.expect('the QUIT', (line) => line.command === 'QUIT' && line.nick === 'mute', { within: 20_000 });
    expect(quit.params[0]).to.match(/^Ping timeout: \d+ seconds$/);
    await eventually('the end', mute.closed);
    expect(mute.received()).to.match(/\r\nPING :banyan\.example\r\nERROR :[^\r\n]*\r\n$/);
    expect(watcher.open, 'who answers stays').to.equal(true);
  });

  it('A4 before login: caps per address and in total, and who has registered is not counted', async () => {
    const guests = await Promise.all(Array.from({ length: 15 }, () => party.irc(party.unique('guest'))));
    const many = await Promise.all(Array.from({ length: 40 }, () => stranger(port)));
    const stay = (): number => many.filter((one) => !one.closed()).length;
    await eventually('those above the cap to be closed', () => stay() === 20);
    const others = await Promise.all(Array.from({ length: 20 }, () => stranger(port, '127.0.0.2')));
    await eventually('those above the total to be closed', () => others.filter((one) => !one.closed()).length === 10);
    for (const guest of guests) expect(guest.open).to.equal(true);
    await eventually('the deadline of all', () => stay() === 0 && others.every((one) => one.closed()));
    await party.irc(party.unique('after'));
  });

  it('A4 before login: connect-close loops leave nothing behind', async () => {
    const base = await residentMemory(party.banyan.pid);
    for (let round = 0; round < 40; round++) {
      await Promise.all(
        Array.from({ length: 10 }, async (_, index) => {
          const one = await stranger(port);
          if (index % 2 === 0) one.socket.write('CAP LS 302\r\nNICK loop\r\nAUTHENTICATE PLAIN\r\n');
          if (index % 3 === 0) one.socket.resetAndDestroy();
          else one.socket.destroy();
        }),
      );
    }
    const client = await eventually('room for a new client', () => party.irc(party.unique('after')));
    await client.join('#lounge');
    const metrics = async (): Promise<string> => await (await fetch(`${party.banyan.page}metrics`)).text();
    const online = (): Promise<number> => metrics().then((text) => Number(/^irc_clients (\d+)/m.exec(text)?.[1]));
    const before = await online();
    const last = await stranger(port);
    await eventually('the count to rise', async () => (await online()) === before + 1);
    last.socket.destroy();
    await eventually('the count to fall', async () => (await online()) === before);
    expect((await residentMemory(party.banyan.pid)) - base, 'kB').to.be.lessThan(100_000);
  });
});

describe('irc-clients: order', function () {
  this.timeout(40_000);
  let party: IrcParty;
  before(async () => {
    party = await ircParty({ plugin: 'burst_lines = 100000', tables: ['[limits]\nguests_per_address = 500\nstrangers_per_address = 100'] });
  });
  after(() => party.stop());

  const commands =
    'CAP AUTHENTICATE PASS NICK USER PING PONG AWAY SETNAME JOIN PART TOPIC NAMES LIST KICK INVITE MODE PRIVMSG NOTICE TAGMSG CHATHISTORY WHO WHOIS WHOWAS USERHOST ISON MOTD LUSERS VERSION TIME INFO ADMIN LINKS NONSENSE 001 ERROR SERVER SQUIT KILL'.split(
      ' ',
    );
  const words = [
    '#lounge',
    '#nowhere',
    'nobody',
    '*',
    '0',
    '',
    '+o',
    '-b+b',
    'LS',
    'REQ',
    'END',
    'LATEST',
    '%tcuihsnfdlaor,1',
    ',,,',
    '#',
    '~a:x',
    'msgid=x',
    '99999999999999999999',
    '-1',
  ];

  function* everyCommand(seed: number): Iterable<string> {
    let at = seed;
    for (const command of commands)
      for (let count = 0; count <= 15; count++) {
        const params = Array.from({ length: count }, () => words[(at = (at * 7 + 3) % 1_009) % words.length]!);
        yield [command, ...params.map((param, index) => (index === count - 1 ? `:${param}` : param === '' ? '*' : param))].join(' ');
      }
  }

  it('A20 state machine order: every command with 0 to 15 parameters before registration is refused, and does nothing', async () => {
    for (const seed of [1, 2]) {
      const one = await party.raw();
      const watcher = await party.irc(party.unique('watcher'));
      await watcher.join('#lounge');
      const before = watcher.lines.length;
      for (const line of everyCommand(seed)) if (!/^(?:NICK|USER|PASS)/.test(line)) one.send(line);
      one.send('PING done');
      await one.expect('the answer', (line) => line.command === 'PONG' && line.params.at(-1) === 'done');
      expect(one.lines.map((line) => line.command)).to.not.include.members(['001', '400']);
      for (const line of one.lines) expect(line.command, line.raw).to.match(/^(?:PONG|CAP|451|461|410|904|906|907|908|AUTHENTICATE)$/);
      await watcher.sync();
      expect(watcher.lines.slice(before).map((line) => line.command)).to.deep.equal(['PONG']);
    }
    expect(party.banyan.output()).to.not.match(/failed|"level":50/);
  });

  it('A20 state machine order: every command with 0 to 15 parameters afterwards is answered, and the server goes on', async () => {
    const one = await party.irc(party.unique('fuzz'), { capabilities: ['labeled-response', 'batch', 'echo-message', 'draft/chathistory'] });
    await one.join('#lounge');
    let label = 0;
    for (const seed of [1, 5, 11]) for (const line of everyCommand(seed)) one.send(seed === 11 ? `@label=${(label += 1)} ${line}` : line);
    const done = one.lines.length;
    one.send('PING all-done');
    await one.expect('the answer', (line) => line.command === 'PONG' && line.params.at(-1) === 'all-done', { since: done, within: 20_000 });
    expect(one.lines.map((line) => line.command)).to.not.include('400');
    expect(party.banyan.output()).to.not.match(/failed|"level":50/);
  });

  it('A20 state machine order: nothing behind QUIT is read, CAP END and USER come once, PONG is not asked for', async () => {
    const watcher = await party.irc(party.unique('watcher'));
    await watcher.join('#quits');
    const one = await party.irc(party.unique('one'));
    await one.join('#quits');
    one.send('CAP END\r\nUSER a 0 * :b\r\nPASS x\r\nPONG :y\r\nAUTHENTICATE PLAIN');
    expect((await one.sync()).map((line) => line.command)).to.deep.equal(['462', '462', '907']);
    one.send(`KICK #quits nobody\r\nPART #elsewhere\r\nKICK #quits ${one.nick}`);
    expect((await one.sync()).map((line) => line.command)).to.deep.equal(['401', '403', '482']);
    one.send('QUIT :off\r\nPRIVMSG #quits :from the grave\r\nNICK zombie\r\nQUIT :again');
    await one.closed;
    await watcher.expect('the QUIT', (line) => line.command === 'QUIT');
    await watcher.sync();
    expect(watcher.lines.filter((line) => line.nick === one.nick).map((line) => line.command)).to.deep.equal(['JOIN', 'QUIT']);
    const early = await party.raw();
    early.send('QUIT');
    await early.closed;
    expect(early.lines.map((line) => line.command)).to.deep.equal(['ERROR']);
  });
});
