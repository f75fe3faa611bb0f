/** Private messages to people of a network whose link is cut, with real servers of both kinds. */
import { expect } from 'chai';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { connectIrc, type IrcClient } from '../support/irc-client.ts';
import { linkPeers, type LinkPeer } from '../support/irc-link-peers.ts';
import { plainNames } from '../support/irc-link-table.ts';
import { nativeGuest } from '../support/native-client.ts';
import { eventually } from '../support/wait.ts';

const channel = '#lounge';

for (const { kind, start } of linkPeers)
  describe(`private messages to people of a real ${kind} network whose link is cut`, function () {
    this.timeout(90_000);
    let peer: LinkPeer;
    let banyan: Banyan;
    let clients: IrcClient[] = [];

    before(async () => {
      peer = await start();
      banyan = await startBanyan({ tables: [peer.table] });
    });
    after(async () => {
      await banyan?.stop();
      await peer?.stop();
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
    const here = (nick: string): Promise<IrcClient> => connect(banyan.port('irc'), nick);
    const there = (nick: string): Promise<IrcClient> => connect(peer.port, nick);
    async function equal(names: readonly string[], ...asked: readonly IrcClient[]): Promise<void> {
      await eventually(
        () => `everybody to list ${names.join(' ')}`,
        async () => {
          for (const client of asked) if (plainNames(await client.names(channel)).join(' ') !== names.join(' ')) return false;
          return true;
        },
        30_000,
      );
    }
    const state = async (): Promise<string> => (await banyan.command(['link', 'show', peer.label])).output;
    async function waiting(count: number): Promise<void> {
      let shown = '';
      await eventually(
        () => `${count} to be waiting:\n${shown}`,
        async () => {
          shown = await state();
          return new RegExp(`waiting\\W+${count}\\b`).test(shown);
        },
      );
    }
    const heard = (client: IrcClient, nick: string): string[] =>
      client.lines
        .filter(({ command, nick: from, params }) => /^(?:PRIVMSG|NOTICE)$/.test(command) && from === nick && params[0] === client.nick)
        .map(({ params }) => params[1]!);
    const notice =
      (text: RegExp) =>
      ({ command, params }: { readonly command: string; readonly params: readonly string[] }): boolean =>
        command === 'NOTICE' && text.test(params[1] ?? '');

    it('private messages that wait outlast kill -9 of this server, and cross once, in order', async () => {
      const bert = await there('bert');
      const carl = await there('carl');
      const anna = await here('anna');
      await equal(['anna', 'bert', 'carl'], anna, bert);
      anna.send('PRIVMSG bert :proved');
      await bert.expect('it', (line) => line.params[1] === 'proved');
      await waiting(0);
      peer.way.cut();
      await anna.expect('the split', (line) => line.command === 'QUIT' && line.nick === 'bert');
      anna.send('PRIVMSG bert :one');
      anna.send('PRIVMSG carl :carl will be gone');
      anna.send('PRIVMSG bert :\u0001ACTION waves\u0001');
      anna.send('NOTICE bert :two');
      await anna.expect('to be told', notice(/away: what you write to bert waits/));
      anna.send('PRIVMSG nobody :x');
      await anna.expect('an honest answer', (line) => line.command === '401' && line.params[1] === 'nobody');
      await waiting(4);
      await carl.quit();
      await banyan.kill9();
      clients = clients.filter((client) => client !== anna);
      peer.way.mend();
      await banyan.start();
      await bert.expect('the last', notice(/^two$/), { within: 30_000 });
      expect(heard(bert, 'anna')).to.deep.equal(['proved', 'one', '\u0001ACTION waves\u0001', 'two']);
      // Who wrote them is not here any more, and was there only to say them.
      await eventually('anna to be gone again', async () => {
        bert.send('WHOIS anna');
        return (await bert.sync()).some((line) => line.command === '401');
      });
    });

    it('a private message that was on its way when the link broke is said again, marked; to who did not come back it comes back', async () => {
      const bert = await there('bert');
      const carl = await there('carl');
      const anna = await here('anna');
      await equal(['anna', 'bert', 'carl'], anna, bert);
      await waiting(0);
      anna.send('PRIVMSG bert :a secret');
      await bert.expect('it', (line) => line.params[1] === 'a secret');
      peer.way.cut();
      await anna.expect('the split', (line) => line.command === 'QUIT' && line.nick === 'bert');
      anna.send('PRIVMSG carl :for carl');
      await anna.expect('to be told', notice(/away: what you write to carl waits/));
      await carl.quit();
      peer.way.mend();
      const bounce = await anna.expect('the bounce', notice(/for carl/), {
        within: 30_000,
      });
      expect([bounce.nick, bounce.params[1]]).to.deep.equal([
        'banyan',
        'Your message to carl was not delivered (that person did not come back with the network). It was: for carl',
      ]);
      await equal(['anna', 'bert'], anna, bert);
      const secrets = heard(bert, 'anna');
      // It may have been proved in the moment before the break.
      expect(secrets.slice(1).every((text) => text === '(again) a secret') && secrets.length <= 2, secrets.join('; ')).to.equal(true);
    });

    it('somebody on the page writes by the address, and is told by the room how much crosses', async () => {
      const bert = await there('bert');
      const wanda = await nativeGuest(banyan.port('web'), 'wanda');
      await equal(['bert', 'wanda'], bert);
      await waiting(0);
      const since = wanda.items.length;
      peer.way.cut();
      const away = await wanda.expectItem('the line', (item) => item['kind'] === 'network' && item['present'] === false, { since });
      expect(away['text']).to.match(/^(?:TestNet|NgNet) is cut off, with 1 person/);
      await wanda.must({ type: 'private', to: `irc:${peer.label}@${banyan.domain}/bert`, text: 'from the page' });
      await wanda.expect('to be told', (frame) => frame.type === 'private' && /bert waits/.test(String(frame['text'])));
      for (const text of ['one', 'two']) await wanda.must({ type: 'say', room: 'lounge', text });
      await waiting(3);
      peer.way.mend();
      const back = await wanda.expectItem('the line', (item) => item['kind'] === 'network' && item['present'] === true, {
        since,
        within: 30_000,
      });
      expect([back['crossing'], back['leftOut']]).to.deep.equal([2, 0]);
      expect(back['text']).to.match(/ is linked, with 1 person; 2 messages that waited cross now$/);
      await bert.expect('it', ({ params }) => params[0] === 'bert' && params[1] === 'from the page');
      await bert.expect('it', ({ params }) => params[0] === channel && params[1] === 'two');
      await wanda.stop();
    });
  });
