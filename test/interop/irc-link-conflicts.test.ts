/** Two ideas of one nick or one channel that meet: real InspIRCd servers and we come to the same result. README, "Who prevails". */
import { expect } from 'chai';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { startInspircd, type Inspircd } from '../support/inspircd.ts';
import { connectIrc, type IrcClient } from '../support/irc-client.ts';
import { linkTable, plainNames } from '../support/irc-link-table.ts';
import { startRelay, type Relay } from '../support/relay.ts';
import { eventually } from '../support/wait.ts';

const channel = '#lounge';
const password = 'chainpassword';
const linkBlock = (name: string): string =>
  `<link name="${name}" ipaddr="127.0.0.1" port="1" allowmask="127.0.0.0/8" sendpass="${password}" recvpass="${password}" hidden="no">`;

describe('conflicts in a real InspIRCd network', function () {
  this.timeout(120_000);
  let hub: Inspircd;
  let middle: Inspircd;
  let far: Inspircd;
  let relay: Relay;
  let banyan: Banyan;
  let clients: IrcClient[] = [];

  before(async () => {
    hub = await startInspircd({ extra: linkBlock('middle.example') });
    const behind = { peerName: hub.name, peerPort: hub.linkPort, password };
    middle = await startInspircd({ name: 'middle.example', sid: '1MI', ...behind, extra: linkBlock('far.example') });
    far = await startInspircd({ name: 'far.example', sid: '2FA', ...behind, peerName: middle.name, peerPort: middle.linkPort });
    relay = await startRelay(hub.linkPort);
  });
  after(async () => {
    await banyan?.stop();
    await relay?.stop();
    for (const server of [far, middle, hub]) await server?.stop();
  });
  afterEach(async () => {
    relay.release();
    await Promise.all(clients.map((client) => client.quit()));
    clients = [];
  });

  async function enter(port: number, nick: string, account = false): Promise<IrcClient> {
    const client = await connectIrc({ port, nick, ...(account ? { account: { name: 'chief', password: 'chief-password' } } : {}) });
    clients.push(client);
    await client.join(channel);
    return client;
  }
  async function operator(port: number, nick: string): Promise<IrcClient> {
    const client = await enter(port, nick);
    client.send('OPER oper operpass');
    await client.expect('the powers', (line) => line.command === '381');
    return client;
  }
  /** The times of nicks and channels are whole seconds: what comes after this is younger. */
  async function nextSecond(): Promise<void> {
    const now = Math.floor(Date.now() / 1_000);
    await eventually('the next second', () => Math.floor(Date.now() / 1_000) > now + 1);
  }
  const names = async (client: IrcClient): Promise<string[]> =>
    (await client.names(channel)).map((name) => name.replace(/^[~&]/, '@')).filter((name) => !name.endsWith('banyan'));
  const eventuallyNames = (client: IrcClient, wanted: readonly string[]): Promise<unknown> =>
    eventually(
      () => wanted.join(' '),
      async () => (await names(client)).toSorted().join(' ') === wanted.toSorted().join(' '),
      30_000,
    );
  const connect = (client: IrcClient, server: string, done: () => Promise<boolean>): Promise<unknown> =>
    eventually(
      `${server} to be linked`,
      async () => {
        client.send(`CONNECT ${server}`);
        await client.sync();
        return done();
      },
      30_000,
    );

  it('channels: an older one behind the peer keeps what it has, a newer one brings people alone; both split and come back', async () => {
    const olaf = await operator(middle.port, 'olaf');
    olaf.send(`MODE ${channel} +b *!*@worse.example`);
    await olaf.sync();
    await nextSecond();
    banyan = await startBanyan({
      tables: [linkTable(hub, { plugin: 'retry_seconds = 0.2', dial: false, network: `address = "127.0.0.1:${relay.port}"\ntls = false` })],
    });
    await banyan.account('chief', 'chief-password', { administrator: true });
    const chief = await enter(banyan.port('irc'), 'chief', true);
    const bert = await operator(hub.port, 'bert');
    await eventuallyNames(bert, ['@chief', 'bert']);
    await nextSecond();
    const nora = await operator(far.port, 'nora');
    await eventuallyNames(nora, ['@nora']);
    await eventuallyNames(olaf, ['@olaf']);

    await connect(olaf, hub.name, async () => plainNames(await chief.names(channel)).includes('olaf'));
    // Theirs is older: what was set here is void, and said there once more.
    for (const client of [chief, bert, olaf]) await eventuallyNames(client, ['@chief', '@olaf', 'bert']);
    bert.send(`MODE ${channel} b`);
    expect((await bert.sync()).flatMap((line) => (line.command === '367' ? [line.params[2]] : []))).to.deep.equal(['*!*@worse.example']);

    await connect(nora, middle.name, async () => plainNames(await chief.names(channel)).includes('nora'));
    // Theirs is newer: its operator is none any more.
    for (const client of [chief, bert, olaf, nora]) await eventuallyNames(client, ['@chief', '@olaf', 'bert', 'nora']);

    bert.send(`SQUIT ${middle.name} :a test`);
    for (const client of [chief, bert]) await eventuallyNames(client, ['@chief', 'bert']);
    await connect(olaf, hub.name, async () => plainNames(await chief.names(channel)).includes('nora'));
    for (const client of [chief, bert, olaf, nora]) await eventually('all to be back', async () => (await names(client)).length === 4);
    nora.send(`PRIVMSG ${channel} :over three servers`);
    for (const client of [chief, bert, olaf])
      await client.expect('it', (line) => line.nick === 'nora' && line.params[1] === 'over three servers');
    chief.send(`PRIVMSG ${channel} :and back`);
    await nora.expect('it', (line) => line.nick === 'chief' && line.params[1] === 'and back');
  });

  for (const first of ['ours', 'theirs'] as const)
    it(`nicks that two take while neither side hears the other: ${first} was first and keeps it`, async () => {
      const anna = await enter(banyan.port('irc'), 'anna');
      const bert = await enter(hub.port, 'bert');
      for (const client of [anna, bert])
        await eventually('both', async () => plainNames(await client.names(channel)).join() === 'anna,bert');
      relay.hold();
      const take = async (client: IrcClient): Promise<void> => {
        client.send('NICK xena');
        await client.expect('the nick', (line) => line.command === 'NICK' && line.params[0] === 'xena');
      };
      await take(first === 'ours' ? anna : bert);
      await nextSecond();
      await take(first === 'ours' ? bert : anna);
      relay.release();
      if (first === 'ours') await bert.expect('the loss', (line) => line.command === 'NICK' && line.params[0]!.startsWith(hub.sid));
      else await anna.expect('to be told', (line) => line.command === 'NOTICE' && /you are called xena.+: somebody/.test(line.params[1]!));
      anna.send(`PRIVMSG ${channel} :from here`);
      const heard = await bert.expect('anna', (line) => line.command === 'PRIVMSG' && line.params[1] === 'from here');
      expect(heard.nick).to.match(first === 'ours' ? /^xena$/ : /^xena.+/);
      bert.send(`PRIVMSG ${channel} :from there`);
      const answer = await anna.expect('bert', (line) => line.command === 'PRIVMSG' && line.params[1] === 'from there');
      // Who lost is called by its id there, which IRC clients here are shown as a nick that they can take.
      expect(answer.nick).to.match(first === 'ours' ? new RegExp(`${hub.sid}[A-Z0-9]{6}$`) : /^xena/);
      expect(plainNames(await bert.names(channel))).to.have.lengthOf(2);
      expect(plainNames(await anna.names(channel))).to.have.lengthOf(2);
    });
});
