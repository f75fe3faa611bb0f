/** Messages to those who hold a status in a channel, spoken to a real server over sockets. */
import { expect } from 'chai';
import { startBanyan, type Banyan } from '../../support/banyan.ts';
import { connectIrc, type IrcClient, type IrcClientOptions } from '../../support/irc-client.ts';
import { nativeGuest } from '../../support/native-client.ts';

describe('STATUSMSG of IRC clients', function () {
  this.timeout(30_000);
  let banyan: Banyan;
  const open: IrcClient[] = [];

  before(async () => {
    banyan = await startBanyan({ tables: ['[limits]\nguests_per_address = 500'] });
  });
  after(async () => {
    for (const client of open) client.drop();
    await banyan.stop();
  });

  async function irc(nick: string, options: Partial<IrcClientOptions> = {}): Promise<IrcClient> {
    const client = await connectIrc({ port: banyan.port('irc'), nick, ...options });
    open.push(client);
    return client;
  }

  it('A13 reaches those who hold the status, and nobody else, not by history either', async () => {
    const channel = '#status';
    const oper = await irc('oper');
    await oper.join(channel);
    const [voiced, plain, asker] = [
      await irc('voiced'),
      await irc('plain', { capabilities: ['draft/chathistory', 'batch'] }),
      await irc('asker', { capabilities: ['echo-message'] }),
    ];
    for (const client of [voiced, plain, asker]) await client.join(channel);
    oper.send(`MODE ${channel} +v ${voiced.nick}`);
    await voiced.expect('voice', (line) => line.command === 'MODE');
    asker.send(`PRIVMSG @${channel} :is an operator there?`);
    asker.send(`NOTICE +${channel} :to all with voice`);
    asker.send(`PRIVMSG ~${channel} :to the owner, whom there is none of`);
    asker.send(`PRIVMSG ${channel} :to all`);
    await plain.expect('what is for all', (line) => line.params[1] === 'to all');
    const heard = (client: IrcClient): string[] =>
      client.lines
        .filter((line) => line.nick === asker.nick && line.params[0]!.endsWith(channel) && line.command !== 'JOIN')
        .map((line) => line.params.join(' '));
    await Promise.all([oper.sync(), voiced.sync(), asker.sync()]);
    expect(heard(oper)).to.deep.equal([`@${channel} is an operator there?`, `+${channel} to all with voice`, `${channel} to all`]);
    expect(heard(voiced)).to.deep.equal([`+${channel} to all with voice`, `${channel} to all`]);
    expect(heard(asker)).to.have.members([
      `@${channel} is an operator there?`,
      `+${channel} to all with voice`,
      `~${channel} to the owner, whom there is none of`,
      `${channel} to all`,
    ]);
    plain.send(`CHATHISTORY LATEST ${channel} * 50`);
    await plain.sync();
    expect(heard(plain).filter((line) => line !== `${channel} to all`)).to.deep.equal([]);
    expect(plain.lines.some((line) => line.command === '005' && line.params.includes('STATUSMSG=~&@+'))).to.equal(true);
  });

  it('is refused where speaking is', async () => {
    const channel = '#other';
    const numerics = async (client: IrcClient, line: string): Promise<string[]> => {
      client.send(line);
      return (await client.sync()).map(({ command }) => command);
    };
    const oper = await irc('chief');
    await oper.join(channel);
    const asker = await irc('guest');
    expect(await numerics(asker, `PRIVMSG @${channel} :x`)).to.include('404');
    expect(await numerics(asker, 'PRIVMSG @#nosuch :x')).to.include('403');
    await asker.join(channel);
    expect(await numerics(asker, `PRIVMSG @${channel} :\u0001VERSION\u0001`)).to.include('404');
    oper.send(`MODE ${channel} +m`);
    await asker.expect('moderated', (line) => line.command === 'MODE');
    expect(await numerics(asker, `PRIVMSG @${channel} :x`)).to.include('404');
  });

  it('says on the page whom it is for', async () => {
    const oper = await nativeGuest(banyan.port('web'), 'weboper', 'shared');
    const plain = await nativeGuest(banyan.port('web'), 'webplain', 'shared');
    const asker = await irc('wanderer', { capabilities: [] });
    await asker.join('#shared');
    asker.send('PRIVMSG @#shared :\u0002is\u0002 an operator there?');
    asker.send('PRIVMSG #shared :to all');
    const frame = await oper.expect('it', ({ type }) => type === 'private');
    const head = '(to the operators of #shared) ';
    expect(frame).to.deep.include({ text: `${head}is an operator there?`, own: false });
    expect(frame['spans']).to.deep.equal([{ start: head.length, end: head.length + 2, style: { kind: 'bold' } }]);
    await plain.expect('what is for all', (one) => JSON.stringify(one).includes('to all'));
    expect(plain.frames.some(({ type }) => type === 'private')).to.equal(false);
    oper.drop();
    plain.drop();
  });
});
