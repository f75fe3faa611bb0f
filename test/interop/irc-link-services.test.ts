/** Services of a real network (Atheme on InspIRCd) and our people: nicks that are registered, accounts, modes. */
import { expect } from 'chai';
import { nickServ, servicesCame, servicesLink, startAtheme, type Atheme } from '../support/atheme.ts';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { startInspircd, type Inspircd } from '../support/inspircd.ts';
import type { IrcClient } from '../support/irc-client.ts';
import { linkTable, plainNames } from '../support/irc-link-table.ts';
import { ircVisitors } from '../support/irc-visitors.ts';
import { eventually } from '../support/wait.ts';

const channel = '#lounge';
const password = 'a-good-password';

describe('services of a linked network', function () {
  this.timeout(60_000);
  let inspircd: Inspircd;
  let atheme: Atheme;
  let banyan: Banyan;
  let bert: IrcClient;

  before(async () => {
    inspircd = await startInspircd({ extra: servicesLink });
    atheme = await startAtheme({ ...inspircd, protocol: 'inspircd' });
    banyan = await startBanyan({ tables: [linkTable(inspircd)] });
  });
  after(async () => {
    await banyan?.stop();
    await atheme?.stop();
    await inspircd?.stop();
  });
  beforeEach(async () => {
    bert = await there('bert');
    await bert.join(channel);
    await servicesCame(bert);
  });
  const visitors = ircVisitors();

  const there = (nick: string): Promise<IrcClient> => visitors.connect(inspircd.port, nick);
  const here = (nick: string): Promise<IrcClient> => visitors.enter(banyan.port('irc'), nick, channel);
  /** Somebody there owns the nick, has it protected, and is gone. */
  async function registered(nick: string): Promise<void> {
    const owner = await there(nick);
    await nickServ(owner, `REGISTER ${password} ${nick}@mail.example`, /registered/);
    await nickServ(owner, 'SET ENFORCE ON', /ENFORCE/);
    await owner.quit();
  }

  it('rename whoever of ours has a nick that is somebody’s there; here everybody keeps the own one', async () => {
    await registered('olga');
    const olga = await here('olga');
    await bert.expect('olga', (line) => line.command === 'JOIN' && line.nick === 'olga');
    const renamed = await bert.expect('the new nick', (line) => line.command === 'NICK' && line.nick === 'olga', { within: 20_000 });
    expect(renamed.params[0]).to.match(/^Guest/);
    olga.send(`PRIVMSG ${channel} :it is still me`);
    const heard = await bert.expect('it', (line) => line.params[1] === 'it is still me');
    expect(heard.nick).to.equal(renamed.params[0]);
    expect(plainNames(await olga.names(channel))).to.include('olga');
  });

  it('log ours in there, who are nobody else here', async () => {
    await registered('peter');
    const paul = await here('paul');
    await eventually('paul there', async () => plainNames(await bert.names(channel)).includes('paul'));
    paul.send('PRIVMSG NickServ :HELP');
    await nickServ(paul, `IDENTIFY peter ${password}`, /identified|logged in/i);
    await eventually('the account there', async () => {
      bert.send('WHOIS paul');
      return (await bert.sync()).some((line) => line.command === '330' && line.params[2] === 'peter');
    });
    paul.send('WHOIS paul');
    expect((await paul.sync()).some((line) => line.command === '330')).to.equal(false);
  });

  it('set modes, which stand over there', async () => {
    const founder = await there('founder');
    await nickServ(founder, `REGISTER ${password} founder@mail.example`, /registered/);
    await founder.join('#svc');
    const quinn = await here('quinn');
    await eventually('quinn there', async () => plainNames(await bert.names(channel)).includes('quinn'));
    bert.send('OPER oper operpass');
    bert.send(`SAMODE ${channel} +o founder`);
    await founder.join(channel);
    await bert.sync();
    bert.send(`SAMODE ${channel} +o founder`);
    await eventually('founder to be an operator', async () => (await founder.names(channel)).includes('@founder'));
    founder.send(`PRIVMSG ChanServ :REGISTER ${channel}`);
    await founder.expect('ChanServ', (line) => line.nick === 'ChanServ' && /registered/.test(line.params[1] ?? ''));
    founder.send(`PRIVMSG ChanServ :OP ${channel} quinn`);
    await eventually('quinn to be an operator there', async () => (await founder.names(channel)).includes('@quinn'));
    quinn.send(`PRIVMSG ${channel} :thanks`);
    await founder.expect('quinn', (line) => line.nick === 'quinn' && line.params[1] === 'thanks');
  });

  it('bring ours into a shared channel, which is the room here, and out of it', async () => {
    await bert.join('#other');
    const rosa = await here('rosa');
    await eventually('rosa there', async () => plainNames(await bert.names(channel)).includes('rosa'));
    rosa.send(`PART ${channel}`);
    await bert.expect('rosa leaving', (line) => line.command === 'PART' && line.nick === 'rosa');
    bert.send('OPER oper operpass');
    bert.send(`SAJOIN rosa ${channel}`);
    await rosa.expect('the room', (line) => line.command === 'JOIN' && line.nick === 'rosa', { since: rosa.lines.length - 1 });
    await eventually('rosa there', async () => plainNames(await bert.names(channel)).includes('rosa'));
    bert.send('SAJOIN rosa #other');
    await rosa.expect('what is wanted', (line) => line.command === 'NOTICE' && /wants you in #other/.test(line.params[1]!));
    expect(plainNames(await bert.names('#other'))).to.deep.equal(['bert']);
    bert.send(`SAPART rosa ${channel} :enough`);
    await rosa.expect('the kick', (line) => line.command === 'KICK' && line.params[1] === 'rosa');
  });
});
