/** What breaks, and how it is whole again: splits, evictions, kills of either server, changes made while the link was down. */
import { expect } from 'chai';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { cuttableWay, type CuttableWay } from '../support/cuttable.ts';
import { startInspircd, type Inspircd } from '../support/inspircd.ts';
import { connectIrc, type IrcClient } from '../support/irc-client.ts';
import { linkTable, plainNames } from '../support/irc-link-table.ts';
import { eventually, quiet, sleep } from '../support/wait.ts';

const channel = '#lounge';

describe('breaks of a link into a real InspIRCd network', function () {
  this.timeout(90_000);
  let inspircd: Inspircd;
  let way: CuttableWay;
  let banyan: Banyan;
  let clients: IrcClient[] = [];

  before(async () => {
    inspircd = await startInspircd({
      extra:
        '<link name="leaf.example" ipaddr="127.0.0.1" port="1" allowmask="127.0.0.0/8" sendpass="leafpass" recvpass="leafpass" hidden="no">',
    });
    way = await cuttableWay(inspircd.linkPort);
    banyan = await startBanyan({
      tables: [
        '[limits]\nguests_per_address = 500',
        linkTable(inspircd, {
          plugin: 'retry_seconds = 0.5\nretry_at_most_seconds = 1\nreplay_events = 20',
          dial: false,
          network: `address = "127.0.0.1:${way.port}"\ntls = false`,
        }),
      ],
    });
    await banyan.account('chief', 'chief-password', { administrator: true });
  });
  after(async () => {
    await banyan?.stop();
    await way?.stop();
    await inspircd?.stop();
  });
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.quit()));
    clients = [];
  });

  async function connect(port: number, nick: string, join = true): Promise<IrcClient> {
    const client = await connectIrc({ port, nick });
    clients.push(client);
    if (join) await client.join(channel);
    return client;
  }
  const here = (nick: string): Promise<IrcClient> => connect(banyan.port('irc'), nick);
  const there = (nick: string): Promise<IrcClient> => connect(inspircd.port, nick);
  async function chief(): Promise<IrcClient> {
    const client = await connectIrc({ port: banyan.port('irc'), nick: 'chief', account: { name: 'chief', password: 'chief-password' } });
    clients.push(client);
    await client.sync();
    if (!client.lines.some((line) => line.command === 'JOIN' && line.nick === 'chief')) await client.join(channel);
    return client;
  }
  async function equal(names: readonly string[], ...asked: readonly IrcClient[]): Promise<void> {
    const wanted = names.toSorted((a, b) => a.localeCompare(b)).join(' ');
    await eventually(
      () => `everybody to list ${wanted}`,
      async () => {
        for (const client of asked) if (plainNames(await client.names(channel)).join(' ') !== wanted) return false;
        return true;
      },
      30_000,
    );
  }
  const state = async (): Promise<string> => (await banyan.command(['link', 'show', 'testnet'])).output;
  const said = (client: IrcClient, nick?: string): string[] =>
    client.lines.filter((line) => line.command === 'PRIVMSG' && (nick === undefined || line.nick === nick)).map((line) => line.params[1]!);

  it('a server behind the peer splits and comes back: its people go and come together', async () => {
    const leaf = await startInspircd({
      name: 'leaf.example',
      sid: '1LF',
      peerName: inspircd.name,
      peerPort: inspircd.linkPort,
      password: 'leafpass',
    });
    try {
      const anna = await connectIrc({ port: banyan.port('irc'), nick: 'anna', capabilities: ['batch'] });
      clients.push(anna);
      await anna.join(channel);
      const bert = await there('bert');
      const leaves: IrcClient[] = [];
      for (const nick of ['lea', 'leo', 'lou']) leaves.push(await connect(leaf.port, nick));
      leaves[0]!.send('OPER oper operpass');
      /** Has the leaf dial until something is so; a server that was split off may take a while to notice. */
      const linkedUntil = (what: string, done: () => boolean): Promise<unknown> =>
        eventually(
          what,
          async () => {
            leaves[0]!.send(`CONNECT ${inspircd.name}`);
            await leaves[0]!.sync();
            await sleep(300);
            return done();
          },
          30_000,
        );
      await linkedUntil('the leaf to be linked', () => anna.lines.some((line) => line.command === 'BATCH' && line.params[1] === 'netjoin'));
      await equal(['anna', 'bert', 'lea', 'leo', 'lou'], anna, bert, leaves[0]!);
      leaves[0]!.send('PRIVMSG anna :from afar');
      await anna.expect('it', (line) => line.nick === 'lea' && line.params[1] === 'from afar');
      anna.send('PRIVMSG lea :to afar');
      await leaves[0]!.expect('it', (line) => line.nick === 'anna' && line.params[1] === 'to afar');
      const since = anna.lines.length;
      bert.send('OPER oper operpass');
      await bert.expect('381', (line) => line.command === '381');
      bert.send('SQUIT leaf.example :a test');
      const split = await anna.expect('the split', (line) => line.command === 'BATCH' && line.params[1] === 'netsplit', { since });
      expect(split.params.slice(2)).to.deep.equal([inspircd.name, 'leaf.example']);
      await equal(['anna', 'bert'], anna, bert);
      await linkedUntil('the return', () =>
        anna.lines.slice(since).some((line) => line.command === 'BATCH' && line.params[1] === 'netjoin'),
      );
      await equal(['anna', 'bert', 'lea', 'leo', 'lou'], anna, bert, leaves[0]!);
    } finally {
      await leaf.stop();
    }
  });

  for (const [how, evict] of [
    ['kicked', (oper: IrcClient): void => oper.send(`KICK ${channel} banyan :no bridges here`)],
    ['killed', (oper: IrcClient): void => oper.send('KILL banyan :no bridges here')],
  ] as const)
    it(`our service is ${how}: the channel is not shared until it is invited again`, async () => {
      const bert = await there('bert');
      const anna = await here('anna');
      await equal(['anna', 'bert'], anna, bert);
      bert.send('OPER oper operpass');
      await bert.expect('381', (line) => line.command === '381');
      bert.send(`SAMODE ${channel} +o bert`);
      await bert.sync();
      evict(bert);
      await eventually('anna to have left there', async () => plainNames(await bert.names(channel)).join(' ') === 'bert');
      await anna.expect('bert to have left here', (line) => line.command === 'PART' && line.nick === 'bert');
      await eventually('the link to be shown as suspended', async () => /suspended/.test(await state()));
      expect(await state()).to.match(/suspended: removed by bert|suspended: removed by/);
      anna.send(`PRIVMSG ${channel} :between us`);
      bert.send(`PRIVMSG ${channel} :between them`);
      await Promise.all([anna.sync(), bert.sync()]);
      // The service comes back into no channel, to be invited.
      await eventually(
        'the service to be there',
        async () => {
          bert.send('WHOIS banyan');
          return (await bert.sync()).some((line) => line.command === '311');
        },
        20_000,
      );
      bert.send(`INVITE banyan ${channel}`);
      await equal(['anna', 'bert'], anna, bert);
      await eventually('the link to be up', async () => !/suspended/.test(await state()));
      anna.send(`PRIVMSG ${channel} :together again`);
      await bert.expect('it', (line) => line.params[1] === 'together again');
      expect(said(bert, 'anna')).to.deep.equal(['together again']);
      expect(said(anna, 'bert')).to.deep.equal([]);
    });

  it('an eviction outlasts a restart of the server', async () => {
    const bert = await there('bert');
    const anna = await here('anna');
    await equal(['anna', 'bert'], anna, bert);
    bert.send('OPER oper operpass');
    bert.send(`SAMODE ${channel} +o bert`);
    bert.send(`KICK ${channel} banyan :out`);
    await eventually('the suspension', async () => /suspended/.test(await state()));
    expect(await banyan.halt()).to.equal(0);
    await banyan.start();
    await eventually('the link, suspended', async () => /suspended/.test((await banyan.command(['link', 'list'])).output));
    const again = await here('anna2');
    await again.sync();
    expect(plainNames(await bert.names(channel))).to.deep.equal(['bert']);
    bert.send(`INVITE banyan ${channel}`);
    await equal(['anna2', 'bert'], again, bert);
  });

  it('topic, settings, bans and people that changed on both sides while the link was down agree afterwards', async () => {
    const boss = await chief();
    const anna = await here('anna');
    const bert = await there('bert');
    await equal(['anna', 'bert', 'chief'], anna, bert);
    boss.send(`MODE ${channel} +b *!*@lifted.example`);
    boss.send(`TOPIC ${channel} :before`);
    await bert.expect('the topic', (line) => line.command === 'TOPIC' && line.params[1] === 'before');
    await eventually('nothing to be waiting', async () => /waiting\W+0\b/.test(await state()));
    way.cut();
    await anna.expect('the split', (line) => line.command === 'QUIT' && line.nick === 'bert');
    await bert.expect('the split', (line) => line.command === 'QUIT' && line.nick === 'anna');
    boss.send(`MODE ${channel} +b *!*@worse.example`);
    boss.send(`MODE ${channel} -b *!*@lifted.example`);
    boss.send(`MODE ${channel} +m`);
    boss.send(`TOPIC ${channel} :meanwhile`);
    for (let n = 0; n < 30; n++) boss.send(`PRIVMSG ${channel} :meanwhile ${n}`);
    await boss.sync();
    await anna.quit();
    await eventually('what waits to be counted', async () => /waiting\W+20\b/.test(await state()));
    way.mend();
    await bert.expect('the last', (line) => line.params[1]?.endsWith('meanwhile 29') === true, { within: 30_000 });
    await equal(['bert', 'chief'], boss, bert);
    const asked = bert.lines.length;
    bert.send(`MODE ${channel} b`);
    bert.send(`MODE ${channel}`);
    bert.send(`TOPIC ${channel}`);
    await bert.sync();
    const answers = new Map(bert.lines.slice(asked).map((line) => [line.command, line.params.slice(2).join(' ')]));
    expect(answers.get('332')).to.equal('meanwhile');
    expect(answers.get('324')).to.match(/m/);
    const bans = bert.lines.slice(asked).filter((line) => line.command === '367');
    expect(bans.map((line) => line.params[2])).to.deep.equal(['*!*@worse.example']);
    // Twenty are sent, once, unmarked, in order; one notice tells of the ten before.
    expect(said(bert, 'chief')).to.deep.equal(Array.from({ length: 20 }, (_, n) => `meanwhile ${n + 10}`));
    const notices = bert.lines.filter((line) => line.command === 'NOTICE' && line.nick === 'banyan').map((line) => line.params[1]);
    expect(notices).to.deep.equal(['Left out of what was said while this link was down: 10 messages.']);
    // Here the room tells of both, in one line each.
    const lines = boss.lines.filter((line) => line.command === 'NOTICE' && line.params[0] === channel).map((line) => line.params[1]!);
    expect(lines.slice(-2).map((line) => line.replace(/ \(.*\)$/, ''))).to.deep.equal([
      'TestNet is cut off, with 1 person',
      'TestNet is linked, with 1 person; 20 messages that waited cross now; 10 messages are left out',
    ]);
    boss.send(`MODE ${channel} -m`);
    boss.send(`MODE ${channel} -b *!*@worse.example`);
    await bert.expect('the ban to be lifted', (line) => line.command === 'MODE' && line.params[1] === '-b');
  });

  it('kill -9 of this server during talk: what was said crosses, at most its unproved end twice, in order; lists are equal', async () => {
    const bert = await there('bert');
    const anna = await here('anna');
    await equal(['anna', 'bert'], anna, bert);
    for (let n = 0; n < 10; n++) anna.send(`PRIVMSG ${channel} :early ${n}`);
    await bert.expect('the early ones', (line) => line.params[1] === 'early 9');
    // A second later they are proved, and that is being written down.
    await eventually('nothing to be waiting', async () => /waiting\W+0\b/.test(await state()));
    for (let n = 0; n < 10; n++) anna.send(`PRIVMSG ${channel} :late ${n}`);
    const reader = await here('carl');
    await anna.sync();
    await banyan.kill9();
    await bert.expect('the split', (line) => line.command === 'QUIT' && line.nick === 'carl');
    clients = clients.filter((client) => client !== anna && client !== reader);
    await banyan.start();
    const back = await here('anna');
    await equal(['anna', 'bert'], back, bert);
    back.send(`PRIVMSG ${channel} :after`);
    await bert.expect('the end', (line) => line.params[1] === 'after');
    const heard = said(bert).filter((text) => /early|late/.test(text));
    const once = heard.filter((text) => !text.startsWith('(again) '));
    const again = heard.filter((text) => text.startsWith('(again) ')).map((text) => text.slice(8));
    const all = new Set([...once, ...again]);
    for (let n = 0; n < 10; n++) expect([...all]).to.include(`late ${n}`);
    expect(new Set(once).size, 'no double without its mark').to.equal(once.length);
    expect(
      again.some((text) => text.startsWith('early')),
      'what was proved is not repeated',
    ).to.equal(false);
    expect(again).to.deep.equal(again.toSorted((a, b) => Number(a.split(' ')[1]) - Number(b.split(' ')[1])));
  });

  it('nicks that both sides have when the link comes: nobody is lost, ours is told', async () => {
    const bert = await there('bert');
    const anna = await here('anna');
    await equal(['anna', 'bert'], anna, bert);
    way.cut();
    await anna.expect('the split', (line) => line.command === 'QUIT' && line.nick === 'bert');
    await bert.expect('the split', (line) => line.command === 'QUIT' && line.nick === 'anna');
    anna.send('NICK zoe');
    bert.send('NICK zoe');
    await Promise.all([anna.sync(), bert.sync()]);
    way.mend();
    await anna.expect('to be told', (line) => line.command === 'NOTICE' && line.params[1]!.startsWith('On TestNet you are called zoe'), {
      within: 30_000,
    });
    await eventually('both to be there', async () => plainNames(await bert.names(channel)).length === 2);
    anna.send(`PRIVMSG ${channel} :it is me`);
    const heard = await bert.expect('anna', (line) => line.params[1] === 'it is me');
    expect(heard.nick).to.match(/^zoe.+/);
    bert.send(`PRIVMSG ${heard.nick} :is it?`);
    await anna.expect('the answer', (line) => line.command === 'PRIVMSG' && line.params[1] === 'is it?');
    await quiet(() => anna.lines.length);
    expect((await anna.names(channel)).length).to.equal(2);
  });
});
