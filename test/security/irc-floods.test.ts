/** Who sends too much, and who does not read. */
import { expect } from 'chai';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import type { IrcClient, IrcLine } from '../support/irc-client.ts';
import { ircParty, type IrcParty } from '../support/irc-party.ts';
import { eventually } from '../support/wait.ts';

const megabyte = 1_048_576;

/** Megabytes of memory that the process holds. */
async function residentMemory(pid: number): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024;
}

/** A registered client that reads only while it is told to. */
async function reluctantReader(port: number, nick: string): Promise<{ readonly socket: Socket; readonly closed: () => boolean }> {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  let closed = false;
  socket.on('error', () => undefined);
  socket.on('close', () => (closed = true));
  socket.on('data', (bytes: Buffer) => (received += bytes.toString()));
  await once(socket, 'connect');
  socket.write(`NICK ${nick}\r\nUSER x 0 * :x\r\nJOIN #lounge\r\n`);
  await eventually('the names', () => received.includes(' 366 '));
  socket.pause();
  return { socket, closed: () => closed };
}

describe('irc-clients: floods', function () {
  this.timeout(40_000);
  const [burst, rate] = [10, 20];
  let party: IrcParty;
  let watcher: IrcClient;
  before(async () => {
    party = await ircParty({
      plugin: `burst_lines = ${burst}\nlines_per_second = ${rate}`,
      tables: ['[limits]\nguests_per_address = 500\nstrangers_per_address = 100'],
    });
    watcher = await party.irc('watcher');
    await watcher.join('#lounge');
    await watcher.join('#gallery');
  });
  after(() => party.stop());

  /** Sends everything at once; the watcher sees no more of it than the flooder's bucket allows for the time that went by. */
  async function slowedAtTheSource(lines: readonly string[], commands: readonly string[]): Promise<void> {
    const flooder = await party.irc(party.unique('flood'));
    await flooder.join('#lounge');
    // so that its end is seen also while it is out of the lounge
    await flooder.join('#gallery');
    await watcher.sync();
    const [before, began] = [watcher.lines.length, performance.now()];
    flooder.send(lines.join('\r\n'));
    const seen = (): number => watcher.lines.slice(before).filter((line) => commands.includes(line.command)).length;
    await eventually('some of it', () => seen() > burst / 2);
    const checked: number[] = [];
    for (let times = 0; times < 10; times++) {
      await watcher.sync();
      const allowed = burst + (rate * (performance.now() - began)) / 1_000;
      expect(seen(), `after ${checked.join(', ')}`).to.be.at.most(Math.ceil(allowed) + 1);
      checked.push(seen());
    }
    expect(flooder.open, 'a flooder is slowed, not thrown out').to.equal(true);
    flooder.drop();
    await watcher.expect('the flooder to be gone', (line) => line.command === 'QUIT', { since: before });
  }

  it('A18 floods: joining and leaving in a loop is slowed at the source', async () => {
    await slowedAtTheSource(
      Array.from({ length: 1_000 }, (_, index) => (index % 2 === 0 ? 'PART #lounge' : 'JOIN #lounge')),
      ['JOIN', 'PART'],
    );
  });

  it('A18 floods: changing the nick in a loop is slowed at the source', async () => {
    await slowedAtTheSource(
      Array.from({ length: 1_000 }, (_, index) => `NICK loop_${index}`),
      ['NICK'],
    );
  });

  it('A18 floods: messages are slowed at the source, and none is lost', async () => {
    await slowedAtTheSource(
      Array.from({ length: 1_000 }, (_, index) => `PRIVMSG #lounge :spam ${index}`),
      ['PRIVMSG'],
    );
    const flooder = await party.irc(party.unique('flood'));
    await flooder.join('#lounge');
    const before = watcher.lines.length;
    for (let index = 0; index < 40; index++) flooder.send(`PRIVMSG #lounge :wave ${index}`);
    await watcher.expect('the last', (line) => line.params[1] === 'wave 39');
    const waves = watcher.lines.slice(before).filter((line) => line.params[1]?.startsWith('wave') === true);
    expect(waves.map((line) => line.params[1])).to.deep.equal(Array.from({ length: 40 }, (_, index) => `wave ${index}`));
  });

  it('A18 floods: what a flooder has sent waits at the flooder, not in our memory', async () => {
    const { socket } = await reluctantReader(party.banyan.port('irc'), party.unique('hose'));
    socket.resume();
    const base = await residentMemory(party.banyan.pid);
    const line = Buffer.from(`PRIVMSG #elsewhere :${'x'.repeat(480)}\r\n`.repeat(2_000));
    for (let sent = 0; sent < 60 * megabyte; sent += line.length) socket.write(line);
    for (let times = 0; times < 10; times++) await watcher.sync();
    expect(socket.writableLength).to.be.greaterThan(30 * megabyte);
    expect((await residentMemory(party.banyan.pid)) - base, 'MB').to.be.lessThan(40);
    socket.destroy();
  });
});

describe('irc-clients: slow readers', function () {
  this.timeout(40_000);
  const queue = 262_144;
  let party: IrcParty;
  before(async () => {
    party = await ircParty({
      plugin: `burst_lines = 10000000\nlines_per_second = 1000000\nsend_queue = ${queue}`,
      tables: ['[limits]\nguests_per_address = 500\nstrangers_per_address = 100\nrooms_per_user = 5000'],
      settings: `motd = [${Array.from({ length: 100 }, () => `"${'m'.repeat(300)}"`).join(', ')}]`,
    });
  });
  after(() => party.stop());

  it('A19 slow reader: who asks without reading is closed with a reason, nobody else notices, memory stays', async () => {
    const watcher = await party.irc('watcher');
    await watcher.join('#lounge');
    const base = await residentMemory(party.banyan.pid);
    const slow = await reluctantReader(party.banyan.port('irc'), 'slow');
    for (let asked = 0; asked < 2_000; asked++) slow.socket.write('MOTD\r\n');
    const quit = await watcher.expect('the QUIT', (line) => line.command === 'QUIT' && line.nick === 'slow', { within: 20_000 });
    expect(quit.params).to.deep.equal(['send queue exceeded']);
    expect((await residentMemory(party.banyan.pid)) - base, 'MB').to.be.lessThan(60);
    await watcher.sync();
    slow.socket.destroy();
  });

  it('A19 slow reader: who does not read what others say is closed, and everybody else gets every line', async () => {
    const [talker, listener] = [await party.irc(party.unique('talker')), await party.irc(party.unique('listener'))];
    await talker.join('#lounge');
    await listener.join('#lounge');
    const slow = await reluctantReader(party.banyan.port('irc'), 'slower');
    const base = await residentMemory(party.banyan.pid);
    const gone = (): boolean => listener.lines.some((line) => line.command === 'QUIT' && line.nick === 'slower');
    // what the kernel takes for the slow one is filled first, in its own name
    for (let asked = 0; asked < 60; asked++) slow.socket.write('MOTD\r\n');
    let said = 0;
    for (let rounds = 0; rounds < 80 && !gone(); rounds++) {
      for (let index = 0; index < 500; index++) talker.send(`PRIVMSG #lounge :${said++} ${'y'.repeat(400)}`);
      await talker.sync();
    }
    talker.send('PRIVMSG #lounge :last');
    await listener.expect('the last', (line) => line.params[1] === 'last', { within: 20_000 });
    expect(gone(), 'the slow one is gone').to.equal(true);
    const numbers = listener.lines
      .filter((line) => line.command === 'PRIVMSG' && line.nick === talker.nick)
      .map((line) => Number.parseInt(line.params[1]!, 10));
    expect(numbers.slice(0, -1)).to.deep.equal(Array.from({ length: said }, (_, index) => index));
    expect((await residentMemory(party.banyan.pid)) - base, 'MB').to.be.lessThan(150);
    slow.socket.destroy();
  });

  it('A19 slow reader: a LIST longer than the queue comes whole, labelled or not, to who reads, and holds little for who does not', async () => {
    const builder = await party.irc(party.unique('builder'));
    const names = Array.from({ length: 4_000 }, (_, index) => `#${index}-${'r'.repeat(60)}`);
    for (let at = 0; at < names.length; at += 6) builder.send(`JOIN ${names.slice(at, at + 6).join(',')}`);
    await builder.expect('the last room', (line) => line.command === '366' && line.params[1] === names.at(-1), { within: 30_000 });
    const list = await party.irc(party.unique('reader'), { capabilities: ['labeled-response', 'batch'] });
    const listed = async (command: string): Promise<readonly IrcLine[]> => {
      const since = list.lines.length;
      list.send(command);
      await list.expect('the end of the list', (line) => line.command === '323', { since, within: 30_000 });
      await list.sync();
      return list.lines.slice(since);
    };
    const shown = (lines: readonly IrcLine[]): number =>
      new Set(lines.filter((line) => line.command === '322').map((line) => line.params[1])).size;
    expect(shown(await listed('LIST'))).to.be.at.least(names.length);
    const labelled = await listed('@label=all LIST');
    expect(shown(labelled)).to.be.at.least(names.length);
    const [opening] = labelled;
    expect(opening!.tags.get('label')).to.equal('all');
    const batch = opening!.params[0]!.slice(1);
    expect(labelled.filter((line) => /^32[123]$/.test(line.command)).every((line) => line.tags.get('batch') === batch)).to.equal(true);
    expect(labelled.filter((line) => line.command === 'BATCH').map((line) => line.params[0])).to.deep.equal([`+${batch}`, `-${batch}`]);
    const base = await residentMemory(party.banyan.pid);
    const slow = await Promise.all(
      Array.from({ length: 20 }, async () => await reluctantReader(party.banyan.port('irc'), party.unique('lazy'))),
    );
    for (const { socket } of slow) socket.write('LIST\r\n'.repeat(20));
    for (let times = 0; times < 5; times++) await list.sync();
    expect((await residentMemory(party.banyan.pid)) - base, 'MB').to.be.lessThan(60);
    for (const { socket } of slow) socket.destroy();
  });
});
