/** Both sides change topic, modes, bans and people while a link is cut: after its return both hold the same, with real servers of both kinds. */
import { expect } from 'chai';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { connectIrc, type IrcClient } from '../support/irc-client.ts';
import { linkPeers, type LinkPeer } from '../support/irc-link-peers.ts';
import { plainNames } from '../support/irc-link-table.ts';
import { eventually, sleep } from '../support/wait.ts';

const channel = '#lounge';

/** What a client is told of the channel. */
interface Told {
  readonly topic: string;
  readonly modes: string;
  readonly bans: readonly string[];
  readonly names: readonly string[];
}

for (const { kind, start, timed } of linkPeers)
  describe(`after a break of the link into a real ${kind} both sides agree`, function () {
    this.timeout(120_000);
    let peer: LinkPeer;
    let banyan: Banyan;
    let clients: IrcClient[] = [];
    /** Operators of both sides. */
    let chief: IrcClient;
    let bert: IrcClient;

    before(async () => {
      peer = await start();
      banyan = await startBanyan({ tables: [peer.table] });
      await banyan.account('chief', 'chief-password', { administrator: true });
    });
    after(async () => {
      await banyan?.stop();
      await peer?.stop();
    });
    beforeEach(async () => {
      chief = await chiefHere();
      bert = await there('bert');
      await names('bert', 'chief');
      chief.send(`MODE ${channel} +o bert`);
      await bert.expect('+o', (line) => line.command === 'MODE' && line.params.includes('bert'));
    });
    afterEach(async () => {
      await Promise.all(clients.map((client) => client.quit()));
      clients = [];
    });

    async function connect(port: number, nick: string): Promise<IrcClient> {
      const client = await connectIrc({ port, nick });
      clients.push(client);
      await client.join(channel);
      return client;
    }
    async function chiefHere(): Promise<IrcClient> {
      const client = await connectIrc({ port: banyan.port('irc'), nick: 'chief', account: { name: 'chief', password: 'chief-password' } });
      clients.push(client);
      await client.sync();
      if (!client.lines.some((line) => line.command === 'JOIN' && line.nick === 'chief')) await client.join(channel);
      return client;
    }
    const here = (nick: string): Promise<IrcClient> => connect(banyan.port('irc'), nick);
    const there = (nick: string): Promise<IrcClient> => connect(peer.port, nick);
    const state = async (): Promise<string> => (await banyan.command(['link', 'show', peer.label])).output;

    async function ask(client: IrcClient): Promise<Told> {
      client.send(`TOPIC ${channel}`);
      client.send(`MODE ${channel}`);
      client.send(`MODE ${channel} b`);
      const answers = await client.sync();
      const find = (numeric: string): readonly string[] | undefined => answers.find((line) => line.command === numeric)?.params;
      return {
        topic: find('332')?.[2] ?? '',
        // What rooms here know, in one order.
        modes: [...(find('324')?.[2] ?? '')]
          .filter((letter) => 'imst'.includes(letter))
          .toSorted()
          .join(''),
        bans: answers
          .filter((line) => line.command === '367')
          .map((line) => line.params[2]!)
          .toSorted(),
        names: plainNames(await client.names(channel)),
      };
    }
    async function both(wanted: Partial<Told>, alone: Partial<Told> = {}): Promise<void> {
      let told: Told[] = [];
      await eventually(
        () => `both to hold ${JSON.stringify(wanted)}, there ${JSON.stringify(alone)}; they hold ${JSON.stringify(told)}`,
        async () => {
          told = [await ask(chief), await ask(bert)];
          const is = (one: Told, of: Partial<Told>): boolean =>
            Object.entries(of).every(([key, value]) => JSON.stringify(one[key as keyof Told]) === JSON.stringify(value));
          return is(told[0]!, wanted) && is(told[1]!, { ...wanted, ...alone });
        },
        30_000,
      );
    }
    const names = (...all: readonly string[]): Promise<void> => both({ names: all });
    async function cut(): Promise<void> {
      // What both hold is written down a second later.
      await sleep(1_500);
      await eventually('nothing to be waiting', async () => /waiting\W+0\b/.test(await state()));
      peer.way.cut();
      await chief.expect('the split', (line) => line.command === 'QUIT' && line.nick === 'bert');
      await bert.expect('the split', (line) => line.command === 'QUIT' && line.nick === 'chief');
    }
    async function mend(): Promise<void> {
      const since = chief.lines.length;
      peer.way.mend();
      await chief.expect('the return', (line) => line.command === 'JOIN' && line.nick.startsWith('bert'), { since, within: 30_000 });
    }

    it('on people who came, went and changed their nicks', async () => {
      const [dan, hal, ida] = [await there('dan'), await here('hal'), await here('ida')];
      await names('bert', 'chief', 'dan', 'hal', 'ida');
      await cut();
      await dan.quit();
      await hal.quit();
      await there('eve');
      await here('gus');
      bert.send('NICK berta');
      ida.send('NICK inga');
      await Promise.all([bert.sync(), ida.sync()]);
      await mend();
      await names('berta', 'chief', 'eve', 'gus', 'inga');
      peer.way.cut();
      await bert.expect('the second split', (line) => line.command === 'QUIT' && line.nick === 'inga');
      bert.send('NICK bert');
      await bert.sync();
      peer.way.mend();
      await names('bert', 'chief', 'eve', 'gus', 'inga');
    });

    it('on what was changed there alone: the topic is theirs, modes and bans of the room are said once more', async () => {
      chief.send(`TOPIC ${channel} :one`);
      for (const mask of ['*!*@one.example', '*!*@two.example']) chief.send(`MODE ${channel} +b ${mask}`);
      await both({ topic: 'one', bans: ['*!*@one.example', '*!*@two.example'] });
      const { modes } = await ask(chief);
      await cut();
      bert.send(`TOPIC ${channel} :two`);
      bert.send(`MODE ${channel} +m`);
      bert.send(`MODE ${channel} -b *!*@one.example`);
      bert.send(`MODE ${channel} +b *!*@theirs.example`);
      await bert.sync();
      expect((await ask(bert)).modes).to.include('m');
      await mend();
      const bans = ['*!*@one.example', '*!*@two.example'];
      await both({ topic: 'two', modes, bans }, { bans: ['*!*@one.example', '*!*@theirs.example', '*!*@two.example'] });
      bert.send(`MODE ${channel} -b *!*@theirs.example`);
      for (const mask of bans) chief.send(`MODE ${channel} -b ${mask}`);
      await both({ bans: [] });
    });

    it('on what was changed here alone', async () => {
      chief.send(`TOPIC ${channel} :three`);
      chief.send(`MODE ${channel} +b *!*@lifted.example`);
      await both({ topic: 'three', bans: ['*!*@lifted.example'] });
      const { modes } = await ask(chief);
      await cut();
      chief.send(`TOPIC ${channel} :four`);
      chief.send(`MODE ${channel} +m`);
      chief.send(`MODE ${channel} -b *!*@lifted.example`);
      chief.send(`MODE ${channel} +b *!*@added.example`);
      await chief.sync();
      await mend();
      await both({ topic: 'four', modes: [...modes, 'm'].toSorted().join(''), bans: ['*!*@added.example'] });
      await cut();
      chief.send(`MODE ${channel} -m`);
      chief.send(`MODE ${channel} -b *!*@added.example`);
      await chief.sync();
      await mend();
      await both({ topic: 'four', modes, bans: [] });
    });

    it('on what both changed: of two topics the later, without times ours; modes and bans of the room', async () => {
      chief.send(`TOPIC ${channel} :five`);
      chief.send(`MODE ${channel} +m`);
      await both({ topic: 'five' });
      const { modes } = await ask(chief);
      expect(modes).to.include('m');
      await both({ modes });
      await cut();
      chief.send(`TOPIC ${channel} :here`);
      chief.send(`MODE ${channel} +b *!*@here.example`);
      await chief.sync();
      await sleep(1_500);
      bert.send(`TOPIC ${channel} :there`);
      bert.send(`MODE ${channel} -m`);
      bert.send(`MODE ${channel} +b *!*@there.example`);
      await bert.sync();
      await mend();
      await both(
        { topic: timed ? 'there' : 'here', modes, bans: ['*!*@here.example'] },
        { bans: ['*!*@here.example', '*!*@there.example'] },
      );
      await cut();
      bert.send(`TOPIC ${channel} :there again`);
      await bert.sync();
      await sleep(1_500);
      chief.send(`TOPIC ${channel} :here again`);
      await chief.sync();
      await mend();
      await both({ topic: 'here again' });
      bert.send(`MODE ${channel} -b *!*@there.example`);
      chief.send(`MODE ${channel} -bm *!*@here.example`);
      await both({ bans: [], modes: modes.replace('m', '') });
    });

    it('on a topic that was removed, here and there', async () => {
      chief.send(`TOPIC ${channel} :six`);
      await both({ topic: 'six' });
      await cut();
      await sleep(1_200);
      bert.send(`TOPIC ${channel} :`);
      await bert.sync();
      await mend();
      // Without times nobody knows that there was one.
      await both({ topic: timed ? '' : 'six' });
      chief.send(`TOPIC ${channel} :seven`);
      await both({ topic: 'seven' });
      await cut();
      chief.send(`TOPIC ${channel} :`);
      await chief.sync();
      await mend();
      await both({ topic: '' });
    });

    it('that the network has its own will in what it set while the link stood, over breaks and kill -9', async () => {
      const { modes } = await ask(chief);
      bert.send(`MODE ${channel} +s`);
      await both({ modes }, { modes: [...modes, 's'].toSorted().join('') });
      await eventually('it to be shown', async () => (await state()).includes('there alone: secret'));
      await cut();
      await mend();
      await both({ modes }, { modes: [...modes, 's'].toSorted().join('') });
      await banyan.kill9();
      clients = clients.filter((client) => client !== chief);
      await banyan.start();
      chief = await chiefHere();
      await both({ modes, names: ['bert', 'chief'] }, { modes: [...modes, 's'].toSorted().join('') });
      bert.send(`MODE ${channel} -s`);
      await both({ modes });
    });
  });
