/** What operators of real networks may do here, where the host gave their link no rights. */
import { expect } from 'chai';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { startInspircd, type Inspircd } from '../support/inspircd.ts';
import type { IrcClient } from '../support/irc-client.ts';
import { linkTable, ngircdNetwork, plainNames } from '../support/irc-link-table.ts';
import { ircVisitors } from '../support/irc-visitors.ts';
import { startNgircd, type Ngircd } from '../support/ngircd.ts';
import { eventually } from '../support/wait.ts';

const channel = '#lounge';

describe('links without rights', function () {
  this.timeout(60_000);
  let inspircd: Inspircd;
  let ngircd: Ngircd;
  let banyan: Banyan;

  before(async () => {
    [inspircd, ngircd] = [await startInspircd(), await startNgircd()];
    const network = 'rights = []\noperators = false';
    banyan = await startBanyan({ tables: [linkTable(inspircd, { network }), ngircdNetwork(ngircd, { network })] });
  });
  after(async () => {
    await banyan?.stop();
    await inspircd?.stop();
    await ngircd?.stop();
  });
  const visitors = ircVisitors();

  const enter = (port: number, nick: string): Promise<IrcClient> => visitors.enter(port, nick, channel);
  /** Somebody there with an operator's powers over the channel. */
  async function operator(port: number, nick: string, command: string): Promise<IrcClient> {
    const client = await enter(port, nick);
    client.send('OPER oper operpass');
    client.send(`${command} ${channel} +o ${nick}`);
    await eventually('the status', async () => (await client.names(channel)).includes(`@${nick}`));
    return client;
  }
  const answered = (mode: string, since: number, client: IrcClient): Promise<unknown> =>
    client.expect(`the answer ${mode}`, (line) => line.command === 'MODE' && line.nick !== client.nick && line.params[1] === mode, {
      since,
    });

  it('InspIRCd: modes and bans are answered once, then stand there alone, and ours are heard all the same', async () => {
    const anna = await enter(banyan.port('irc'), 'anna');
    const oper = await operator(inspircd.port, 'oscar', 'SAMODE');
    await eventually('anna there', async () => plainNames(await oper.names(channel)).includes('anna'));
    const since = oper.lines.length;
    oper.send(`MODE ${channel} +mb anna!*@*`);
    await answered('-mb', since, oper);
    oper.send(`MODE ${channel} +mb anna!*@*`);
    const link = await eventually('what stands there alone', async () => {
      const { output } = await banyan.command(['link', 'show', 'testnet']);
      return output.includes('there alone') && output;
    });
    expect(link).to.match(/#lounge \(there alone: moderated, ban anna!\*@\*\)/);
    anna.send(`PRIVMSG ${channel} :still here`);
    await oper.expect('anna', (line) => line.nick === 'anna' && line.params[1] === 'still here');
    anna.send(`MODE ${channel}`);
    expect((await anna.sync()).find((line) => line.command === '324')?.params[2]).to.not.include('m');
  });

  it('ngIRCd: the same answers', async () => {
    await enter(banyan.port('irc'), 'berta');
    const oper = await operator(ngircd.port, 'olaf', 'MODE');
    await eventually('berta there', async () => plainNames(await oper.names(channel)).includes('berta'));
    const since = oper.lines.length;
    oper.send(`MODE ${channel} +m`);
    await answered('-m', since, oper);
    oper.send(`MODE ${channel} +b berta!*@*`);
    await answered('-b', since, oper);
    oper.send(`MODE ${channel} +m`);
    await eventually('what stands there alone', async () =>
      (await banyan.command(['link', 'show', 'ngnet'])).output.includes('there alone: moderated'),
    );
  });
});
