/** STATUSMSG between here, a real InspIRCd, which has it, and a real ngIRCd, which has not. */
import { expect } from 'chai';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { startInspircd, type Inspircd } from '../support/inspircd.ts';
import { connectIrc, type IrcClient } from '../support/irc-client.ts';
import { linkTable, ngircdNetwork, plainNames } from '../support/irc-link-table.ts';
import { startNgircd, type Ngircd } from '../support/ngircd.ts';
import { eventually } from '../support/wait.ts';

const channel = '#lounge';

describe('messages to those who hold a status in a channel', function () {
  this.timeout(60_000);
  let inspircd: Inspircd;
  let ngircd: Ngircd;
  let banyan: Banyan;
  const clients: IrcClient[] = [];

  before(async () => {
    [inspircd, ngircd] = [await startInspircd(), await startNgircd()];
    banyan = await startBanyan({ tables: [linkTable(inspircd), ngircdNetwork(ngircd)] });
    await banyan.account('chief', 'chief-password', { administrator: true });
  });
  after(async () => {
    for (const client of clients) client.drop();
    await banyan?.stop();
    await inspircd?.stop();
    await ngircd?.stop();
  });

  async function enter(port: number, nick: string, account = false): Promise<IrcClient> {
    const client = await connectIrc({ port, nick, ...(account ? { account: { name: 'chief', password: 'chief-password' } } : {}) });
    clients.push(client);
    await client.join(channel);
    return client;
  }
  /** Everything that one of them said, as that client was shown it. */
  const heard = (client: IrcClient, from: string): string[] =>
    client.lines
      .filter((line) => line.nick === from && line.command === 'PRIVMSG' && line.params[1] !== 'end')
      .map((line) => line.params.join(' '));

  it('cross both ways, to operators and nobody else', async () => {
    const chief = await enter(banyan.port('irc'), 'chief', true);
    const anna = await enter(banyan.port('irc'), 'anna');
    const [oscar, bert] = [await enter(inspircd.port, 'oscar'), await enter(inspircd.port, 'bert')];
    const [olaf, carl] = [await enter(ngircd.port, 'olaf'), await enter(ngircd.port, 'carl')];
    const everybody = ['anna', 'bert', 'carl', 'chief', 'olaf', 'oscar'];
    for (const client of [chief, anna, oscar, bert, olaf, carl])
      await eventually('everybody', async () => plainNames(await client.names(channel)).join() === everybody.join());
    chief.send(`MODE ${channel} +oo oscar olaf`);
    for (const client of [oscar, olaf, chief])
      await eventually('operators', async () => {
        const names = (await client.names(channel)).map((name) => name.replace(/^[~&]/, '@'));
        return ['@oscar', '@olaf', '@chief'].every((name) => names.includes(name));
      });

    anna.send(`PRIVMSG @${channel} :from here`);
    bert.send(`PRIVMSG @${channel} :from InspIRCd`);
    for (const client of [anna, bert]) client.send(`PRIVMSG ${channel} :end`);
    for (const client of [chief, oscar, olaf, carl])
      for (const from of ['anna', 'bert']) await client.expect('the end', (line) => line.nick === from && line.params[1] === 'end');
    await anna.expect('the end', (line) => line.nick === 'bert' && line.params[1] === 'end');
    await bert.expect('the end', (line) => line.nick === 'anna' && line.params[1] === 'end');
    // Status messages go another way than what is said to all, and may come after it.
    await olaf.expect('both', (line) => line.nick === 'bert' && line.params[1]!.endsWith('from InspIRCd'));
    await oscar.expect('it', (line) => line.nick === 'anna' && line.params[1] === 'from here');

    expect(heard(chief, 'anna')).to.deep.equal([`@${channel} from here`]);
    expect(heard(chief, 'bert')).to.deep.equal([`@${channel} from InspIRCd`]);
    expect(heard(oscar, 'anna')).to.deep.equal([`@${channel} from here`]);
    expect(heard(oscar, 'bert')).to.deep.equal([`@${channel} from InspIRCd`]);
    const only = `(to the operators of ${channel})`;
    expect(heard(olaf, 'anna')).to.deep.equal([`olaf ${only} from here`]);
    expect(heard(olaf, 'bert')).to.deep.equal([`olaf ${only} from InspIRCd`]);
    for (const client of [anna, bert, carl]) expect([...heard(client, 'anna'), ...heard(client, 'bert')]).to.deep.equal([]);
  });
});
