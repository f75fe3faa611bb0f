/** Services of a real ngIRCd network (Atheme, as far as it speaks to ngIRCd) and our people: accounts, modes, nicks that are registered. */
import { expect } from 'chai';
import { ngircdServicesLink, nickServ, servicesCame, startAtheme, type Atheme } from '../support/atheme.ts';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import type { IrcClient } from '../support/irc-client.ts';
import { ngircdNetwork, plainNames } from '../support/irc-link-table.ts';
import { ircVisitors } from '../support/irc-visitors.ts';
import { startNgircd, type Ngircd } from '../support/ngircd.ts';
import { eventually } from '../support/wait.ts';

const channel = '#lounge';
const password = 'a-good-password';

describe('services of a linked ngIRCd network', function () {
  this.timeout(60_000);
  let ngircd: Ngircd;
  let atheme: Atheme;
  let banyan: Banyan;
  let bert: IrcClient;

  before(async () => {
    ngircd = await startNgircd({ extra: ngircdServicesLink });
    atheme = await startAtheme({ name: ngircd.name, linkPort: ngircd.port, protocol: 'ngircd' });
    banyan = await startBanyan({ tables: ['[plugins.irc-link]', ngircdNetwork(ngircd)] });
  });
  after(async () => {
    await banyan?.stop();
    await atheme?.stop();
    await ngircd?.stop();
  });
  beforeEach(async () => {
    bert = await there('bert');
    await bert.join(channel);
    await servicesCame(bert);
  });
  const visitors = ircVisitors();

  const there = (nick: string): Promise<IrcClient> => visitors.connect(ngircd.port, nick);
  const here = (nick: string): Promise<IrcClient> => visitors.enter(banyan.port('irc'), nick, channel);
  const isThere = async (nick: string): Promise<boolean> => plainNames(await bert.names(channel)).includes(nick);

  it('know ours, who log in there and are nobody else here', async () => {
    const peter = await there('peter');
    await nickServ(peter, `REGISTER ${password} peter@mail.example`, /registered/);
    await peter.quit();
    const own = await here('peter');
    await own.expect('the notice', (line) => line.command === 'NOTICE' && line.nick === 'NickServ');
    await nickServ(own, `IDENTIFY ${password}`, /identified|logged in/i);
    await eventually('the account there', async () => {
      bert.send('WHOIS peter');
      return (await bert.sync()).some((line) => line.command === '330' && line.params[2] === 'peter');
    });
    own.send('WHOIS peter');
    expect((await own.sync()).some((line) => line.command === '330')).to.equal(false);
  });

  it('set modes, which stand over there', async () => {
    const founder = await there('founder');
    await nickServ(founder, `REGISTER ${password} founder@mail.example`, /registered/);
    const quinn = await here('quinn');
    await eventually('quinn there', () => isThere('quinn'));
    await founder.join(channel);
    bert.send('OPER oper operpass');
    bert.send(`MODE ${channel} +o founder`);
    await eventually('founder to be an operator', async () => (await founder.names(channel)).includes('@founder'));
    founder.send(`PRIVMSG ChanServ :REGISTER ${channel}`);
    await founder.expect('ChanServ', (line) => line.nick === 'ChanServ' && /registered/.test(line.params[1] ?? ''));
    founder.send(`PRIVMSG ChanServ :OP ${channel} quinn`);
    await eventually('quinn to be an operator there', async () => (await founder.names(channel)).includes('@quinn'));
    quinn.send(`PRIVMSG ${channel} :thanks`);
    await founder.expect('quinn', (line) => line.nick === 'quinn' && line.params[1] === 'thanks');
  });

  it('throw out who keeps a nick that is somebody’s there, as they do with their own: they cannot rename', async () => {
    const owner = await there('olga');
    await nickServ(owner, `REGISTER ${password} olga@mail.example`, /registered/);
    await nickServ(owner, 'SET ENFORCE ON', /ENFORCE/);
    await owner.quit();
    const olga = await here('olga');
    await eventually('olga there', () => isThere('olga'));
    await olga.expect('the warning', (line) => line.command === 'NOTICE' && line.nick === 'NickServ');
    const kick = await olga.expect('the end', (line) => line.command === 'KICK' && line.params[1] === 'olga', { within: 30_000 });
    expect(kick.params[0]).to.equal(channel);
    await eventually('olga gone there', async () => !(await isThere('olga')));
    expect(banyan.running()).to.equal(true);
  });
});
