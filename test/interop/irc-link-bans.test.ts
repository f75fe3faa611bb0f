/** Bans of whole networks, set by operators of real servers, and our people. */
import { expect } from 'chai';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { startInspircd, type Inspircd } from '../support/inspircd.ts';
import type { IrcClient } from '../support/irc-client.ts';
import { linkTable, ngircdNetwork, plainNames } from '../support/irc-link-table.ts';
import { ircVisitors } from '../support/irc-visitors.ts';
import { startNgircd, type Ngircd } from '../support/ngircd.ts';
import { eventually } from '../support/wait.ts';

const channel = '#lounge';

describe('network bans of linked networks', function () {
  this.timeout(60_000);
  let inspircd: Inspircd;
  let ngircd: Ngircd;
  let banyan: Banyan;

  before(async () => {
    [inspircd, ngircd] = [await startInspircd(), await startNgircd()];
    banyan = await startBanyan({ tables: [linkTable(inspircd, { plugin: 'retry_seconds = 0.2' }), ngircdNetwork(ngircd)] });
  });
  after(async () => {
    await banyan?.stop();
    await inspircd?.stop();
    await ngircd?.stop();
  });
  const visitors = ircVisitors();

  const enter = (port: number, nick: string): Promise<IrcClient> => visitors.enter(port, nick, channel);
  async function operator(port: number, nick: string): Promise<IrcClient> {
    const client = await enter(port, nick);
    client.send('OPER oper operpass');
    await client.expect('the powers', (line) => line.command === '381');
    return client;
  }
  const isThere = async (client: IrcClient, nick: string): Promise<boolean> => plainNames(await client.names(channel)).includes(nick);
  const told = (client: IrcClient, pattern: RegExp): Promise<unknown> =>
    client.expect('the reason', (line) => line.command === 'NOTICE' && pattern.test(line.params[1] ?? ''));

  it('InspIRCd: a G-line takes one of ours out, with the reason; lifted, the person is back', async () => {
    const anna = await enter(banyan.port('irc'), 'anna');
    const bert = await enter(banyan.port('irc'), 'bert');
    const oper = await operator(inspircd.port, 'oscar');
    await eventually('both there', async () => (await isThere(oper, 'anna')) && (await isThere(oper, 'bert')));
    oper.send('WHOIS anna');
    const whois = (await oper.sync()).find((line) => line.command === '311')!;
    oper.send(`GLINE ${whois.params[2]}@${whois.params[3]} 1h :spam`);
    await oper.expect('the quit', (line) => line.command === 'QUIT' && line.nick === 'anna' && line.params[0]!.includes('G-line: spam'));
    await told(anna, /TestNet has banned you \(G-line until .*\): spam/);
    anna.send(`PRIVMSG ${channel} :still here`);
    await bert.expect('anna here', (line) => line.nick === 'anna' && line.params[1] === 'still here');
    oper.send(`GLINE ${whois.params[2]}@${whois.params[3]}`);
    await eventually('anna there again', () => isThere(oper, 'anna'));
    anna.send(`PRIVMSG ${channel} :back`);
    await oper.expect('anna', (line) => line.nick === 'anna' && line.params[1] === 'back');
    expect(oper.lines.some((line) => line.params[1] === 'still here')).to.equal(false);
  });

  it('InspIRCd: bans that stand before the link hold, a reserved nick is avoided, a shun silences', async () => {
    const oper = await operator(inspircd.port, 'oscar');
    oper.send('QLINE carla 1h :reserved');
    await oper.sync();
    const carla = await enter(banyan.port('irc'), 'carla');
    await eventually('carla under another nick', () => isThere(oper, 'carla|banyan'));
    await told(carla, /you are called carla\|banyan: your nick is reserved there \(Q-line: reserved\)/);
    oper.send('WHOIS carla|banyan');
    const whois = (await oper.sync()).find((line) => line.command === '311')!;
    oper.send(`SHUN *!${whois.params[2]}@${whois.params[3]} 1h :quiet please`);
    await told(carla, /shun until .*: quiet please/);
    carla.send(`PRIVMSG ${channel} :not heard`);
    oper.send(`SHUN *!${whois.params[2]}@${whois.params[3]}`);
    await oper.sync();
    // The burst of a new link tells of what stands.
    oper.send(`ZLINE 0.0.0.0 1h :all of them`);
    await eventually('carla gone', async () => !(await isThere(oper, 'carla|banyan')));
    oper.send('SQUIT irc.banyan.example :again');
    await eventually('the link again', async () => /\bup\b/.test((await banyan.command(['link', 'show', 'testnet'])).output));
    await eventually('our service', () => isServiceThere(oper));
    expect(await isThere(oper, 'carla|banyan')).to.equal(false);
    oper.send('ZLINE 0.0.0.0');
    await eventually('carla back', () => isThere(oper, 'carla|banyan'));
    carla.send(`PRIVMSG ${channel} :heard`);
    await oper.expect('carla', (line) => line.nick === 'carla|banyan' && line.params[1] === 'heard');
    expect(oper.lines.some((line) => line.params[1] === 'not heard')).to.equal(false);
    oper.send('QLINE carla');
    await oper.sync();
  });

  it('ngIRCd: a G-line takes one of ours out, with the reason; lifted, the person is back', async () => {
    const dora = await enter(banyan.port('irc'), 'dora');
    const oper = await operator(ngircd.port, 'olaf');
    await eventually('dora there', () => isThere(oper, 'dora'));
    oper.send('GLINE dora!*@* 3600 :spam');
    await oper.expect('the quit', (line) => line.command === 'QUIT' && line.nick === 'dora');
    await told(dora, /NgNet has banned you \(G-line until .*\): .*spam/);
    oper.send('GLINE dora!*@*');
    await eventually('dora there again', () => isThere(oper, 'dora'));
    dora.send(`PRIVMSG ${channel} :back`);
    await oper.expect('dora', (line) => line.nick === 'dora' && line.params[1] === 'back');
  });
});

async function isServiceThere(client: IrcClient): Promise<boolean> {
  return (await client.names(channel)).some((name) => name.endsWith('banyan'));
}
