/** The commands of IRC clients, spoken to a real server over sockets. */
import { expect } from 'chai';
import { startBanyan, type Banyan } from '../../support/banyan.ts';
import { connectIrc, ircHistory, openIrc, type IrcClient, type IrcClientOptions } from '../../support/irc-client.ts';
import { scramClient } from '../../support/scram-client.ts';
import { eventually } from '../../support/wait.ts';

describe('IRC clients', function () {
  this.timeout(30_000);
  let banyan: Banyan;
  const open: IrcClient[] = [];

  before(async () => {
    banyan = await startBanyan({
      settings: 'motd = ["Be kind."]',
      tables: [
        '[limits]\nguests_per_address = 500',
        `[plugins.irc-clients]\nlisten = ["127.0.0.1:0"]\nlisten_tls = ["127.0.0.1:0"]\nburst_lines = 200`,
      ],
    });
    await banyan.account('chief', 'chief-password', { administrator: true });
    await banyan.account('paul', 'paul-password');
  });
  after(async () => {
    for (const client of open) client.drop();
    await banyan.stop();
  });

  let serial = 0;
  function unique(name: string): string {
    serial += 1;
    return `${name}${serial}`;
  }
  async function irc(nick: string, options: Partial<IrcClientOptions> = {}): Promise<IrcClient> {
    const client = await connectIrc({ port: banyan.port('irc'), nick, ...options });
    open.push(client);
    return client;
  }
  function chief(capabilities: readonly string[] = []): Promise<IrcClient> {
    return irc('chief', { capabilities, account: { name: 'chief', password: 'chief-password' } });
  }
  async function answer(client: IrcClient, line: string): Promise<string[]> {
    client.send(line);
    return (await client.sync()).map((each) => each.raw);
  }
  const has = (lines: readonly string[], pattern: RegExp): void =>
    void expect(
      lines.some((line) => pattern.test(line)),
      lines.join('\n'),
    ).to.equal(true);

  it('greets with 001 to 005, LUSERS and the MOTD', async () => {
    const client = await irc(unique('greeted'));
    const commands = client.lines.map((line) => line.command);
    for (const numeric of ['001', '002', '003', '004', '005', '251', '255', '375', '372', '376']) expect(commands).to.include(numeric);
    has(
      client.lines.map((line) => line.raw),
      / 005 \S+ .*CASEMAPPING=ascii .*:are supported by this server$/,
    );
    has(
      client.lines.map((line) => line.raw),
      / 372 \S+ :- Be kind\.$/,
    );
  });

  it('speaks TLS', async () => {
    const client = await irc(unique('secret'), { port: banyan.port('irc-tls'), tls: true });
    has(await answer(client, `WHOIS ${client.nick}`), / 671 /);
  });

  it('lets two people meet: JOIN, NAMES, PRIVMSG, NOTICE, ACTION, PART, QUIT', async () => {
    const room = `#${unique('meet')}`;
    const [ann, bob] = [await irc(unique('ann')), await irc(unique('bob'))];
    expect(await ann.join(room)).to.deep.equal([`@${ann.nick}`]);
    expect(await bob.join(room)).to.have.members([`@${ann.nick}`, bob.nick]);
    await ann.expect('the JOIN', (line) => line.command === 'JOIN' && line.nick === bob.nick && line.params[0] === room);
    bob.send(`PRIVMSG ${room} :hello ann`);
    bob.send(`NOTICE ${room} :take note`);
    bob.send(`PRIVMSG ${room} :\u0001ACTION waves\u0001`);
    const seen = await ann.expect('the action', (line) => line.params[1] === '\u0001ACTION waves\u0001');
    expect(seen.source).to.match(new RegExp(`^${bob.nick}!~?${bob.nick}@`));
    expect(
      ann.lines
        .filter((line) => line.nick === bob.nick && ['PRIVMSG', 'NOTICE'].includes(line.command))
        .map((line) => `${line.command} ${line.params[1]!}`),
    ).to.deep.equal(['PRIVMSG hello ann', 'NOTICE take note', 'PRIVMSG \u0001ACTION waves\u0001']);
    await bob.sync();
    expect(
      bob.lines.some((line) => line.nick === bob.nick && line.command === 'PRIVMSG'),
      'no echo without echo-message',
    ).to.equal(false);
    bob.send(`PART ${room} :off`);
    await ann.expect('the PART', (line) => line.command === 'PART' && line.nick === bob.nick && line.params[1] === 'off');
    await bob.join(room);
    await bob.quit('good night');
    await ann.expect('the QUIT', (line) => line.command === 'QUIT' && line.nick === bob.nick && line.params[0] === 'Quit: good night');
  });

  it('writes privately, answers 301 for the away, passes CTCP on', async () => {
    const [ann, bob] = [await irc(unique('ann')), await irc(unique('bob'))];
    ann.send(`PRIVMSG ${bob.nick} :psst`);
    await bob.expect(
      'the message',
      (line) => line.command === 'PRIVMSG' && line.params[0] === bob.nick && line.params[1] === 'psst' && line.nick === ann.nick,
    );
    has(await answer(bob, 'AWAY :eating'), / 306 /);
    ann.send(`PRIVMSG ${bob.nick} :still there?`);
    await ann.expect('301', (line) => line.command === '301' && line.params[2] === 'eating');
    has(await answer(bob, 'AWAY'), / 305 /);
    ann.send(`PRIVMSG ${bob.nick} :\u0001VERSION\u0001`);
    await bob.expect('the CTCP', (line) => line.command === 'PRIVMSG' && line.params[1] === '\u0001VERSION\u0001');
    bob.send(`NOTICE ${ann.nick} :\u0001VERSION test 1\u0001`);
    await ann.expect('the answer', (line) => line.command === 'NOTICE' && line.params[1] === '\u0001VERSION test 1\u0001');
    has(await answer(ann, 'PRIVMSG nobody-at-all :hi'), / 401 \S+ nobody-at-all /);
  });

  it('changes nicks, refuses taken and impossible ones', async () => {
    const room = `#${unique('nick')}`;
    const [ann, bob] = [await irc(unique('ann')), await irc(unique('bob'))];
    await ann.join(room);
    await bob.join(room);
    const next = unique('robert');
    const old = bob.nick;
    bob.send(`NICK ${next}`);
    await ann.expect('the NICK', (line) => line.command === 'NICK' && line.nick === old && line.params[0] === next);
    has(await answer(ann, `NICK ${next.toUpperCase()}`), / 433 /);
    has(await answer(ann, 'NICK 1bad@nick'), / 432 /);
    has(await answer(ann, 'NICK chief'), / 433 /);
    expect(await ann.names(room)).to.have.members([`@${ann.nick}`, next]);
  });

  it('sets topics, and only operators do in a +t channel', async () => {
    const room = `#${unique('topic')}`;
    const [ann, bob] = [await irc(unique('ann')), await irc(unique('bob'))];
    await ann.join(room);
    await bob.join(room);
    ann.send(`MODE ${room} +t`);
    ann.send(`TOPIC ${room} :All about trees`);
    await bob.expect('the TOPIC', (line) => line.command === 'TOPIC' && line.nick === ann.nick && line.params[1] === 'All about trees');
    has(await answer(bob, `TOPIC ${room}`), / 332 .*:All about trees$/);
    has(await answer(bob, `TOPIC ${room} :mine`), / 482 /);
    ann.send(`MODE ${room} -t`);
    await ann.sync();
    bob.send(`TOPIC ${room} :mine`);
    await ann.expect('the TOPIC', (line) => line.command === 'TOPIC' && line.params[1] === 'mine');
  });

  it('kicks, bans, unbans', async () => {
    const room = `#${unique('order')}`;
    const [ann, bob] = [await irc(unique('ann')), await irc(unique('bob'))];
    await ann.join(room);
    await bob.join(room);
    has(await answer(bob, `KICK ${room} ${ann.nick} :no`), / 482 /);
    ann.send(`KICK ${room} ${bob.nick} :enough`);
    const kick = await bob.expect('the KICK', (line) => line.command === 'KICK');
    expect([kick.nick, ...kick.params]).to.deep.equal([ann.nick, room, bob.nick, 'enough']);
    ann.send(`MODE ${room} +b ${bob.nick}!*@*`);
    await ann.expect('the MODE', (line) => line.command === 'MODE' && line.params[1] === '+b' && line.params[2] === `${bob.nick}!*@*`);
    has(await answer(bob, `JOIN ${room}`), / 474 /);
    has(await answer(ann, `MODE ${room} b`), new RegExp(` 367 \\S+ ${room} ${bob.nick}!\\*@\\* ${ann.nick} `));
    ann.send(`MODE ${room} -b ${bob.nick}!*@*`);
    await ann.sync();
    await bob.join(room);
  });

  it('lets administrators, and nobody else, throw people out by KILL', async () => {
    const boss = await chief();
    const [rude, other] = [await irc(unique('rude')), await irc(unique('other'))];
    other.send(`KILL ${rude.nick} :me`);
    expect((await other.sync()).map((line) => line.command)).to.include('481');
    boss.send('KILL nobody-at-all :spam');
    expect((await boss.sync()).map((line) => line.command)).to.include('401');
    boss.send(`KILL ${rude.nick} :spam`);
    await rude.closed;
    expect(rude.lines.at(-1)!.raw).to.include('Killed by chief: spam');
    boss.send(`ISON ${rude.nick}`);
    expect((await boss.sync()).find((line) => line.command === '303')!.params.at(-1)).to.equal('');
  });

  it('knows the modes o v n t m i k l s', async () => {
    const room = `#${unique('modes')}`;
    const [ann, bob] = [await irc(unique('ann')), await irc(unique('bob'))];
    await ann.join(room);
    await bob.join(room);
    has(await answer(ann, `MODE ${room}`), / 324 \S+ \S+ \+nt$/);
    ann.send(`MODE ${room} +mk-t sesame`);
    await bob.expect('the MODE', (line) => line.command === 'MODE' && line.nick === ann.nick);
    has(await answer(bob, `PRIVMSG ${room} :may I?`), / 404 /);
    ann.send(`MODE ${room} +v ${bob.nick}`);
    await bob.expect('+v', (line) => line.command === 'MODE' && line.params[1] === '+v' && line.params[2] === bob.nick);
    bob.send(`PRIVMSG ${room} :now I may`);
    await ann.expect('the message', (line) => line.params[1] === 'now I may');
    const eve = await irc(unique('eve'));
    has(await answer(eve, `JOIN ${room}`), / 475 /);
    ann.send(`MODE ${room} +l 2`);
    await ann.sync();
    has(await answer(eve, `JOIN ${room} sesame`), / 471 /);
    ann.send(`MODE ${room} -l+i`);
    await ann.sync();
    has(await answer(eve, `JOIN ${room} sesame`), / 473 /);
    ann.send(`INVITE ${eve.nick} ${room}`);
    await ann.expect('341', (line) => line.command === '341');
    await eve.expect('the INVITE', (line) => line.command === 'INVITE' && line.params[1] === room && line.nick === ann.nick);
    await eve.join(room, 'sesame');
    has(await answer(ann, `MODE ${room} +s`), new RegExp(`MODE ${room} \\+s$`));
    const stranger = await irc(unique('stranger'));
    expect((await answer(stranger, 'LIST')).some((line) => line.includes(` ${room} `))).to.equal(false);
    ann.send(`MODE ${room} +o-v ${bob.nick} ${bob.nick}`);
    await eve.expect('+o', (line) => line.command === 'MODE' && line.params[1]!.startsWith('+o'));
    expect(await eve.names(room)).to.include(`@${bob.nick}`);
    has(await answer(ann, `MODE ${room} +Z`), / 472 /);
  });

  it('answers WHO, WHOX, WHOIS, WHOWAS, USERHOST, ISON, LIST, LUSERS, VERSION', async () => {
    const room = `#${unique('who')}`;
    const [ann, bob] = [await irc(unique('ann'), { realName: 'Ann Other' }), await irc(unique('bob'))];
    await ann.join(room);
    await bob.join(room);
    has(await answer(bob, `WHO ${room}`), new RegExp(` 352 ${bob.nick} ${room} \\S+ \\S+ \\S+ ${ann.nick} H@ :0 Ann Other$`));
    has(await answer(bob, `WHO ${room} %tcnf,42`), new RegExp(` 354 ${bob.nick} 42 ${room} ${ann.nick} H@$`));
    const whois = await answer(bob, `WHOIS ${ann.nick}`);
    has(whois, new RegExp(` 311 ${bob.nick} ${ann.nick} \\S+ \\S+ \\* :Ann Other$`));
    has(whois, new RegExp(` 319 .*@${room}`));
    has(whois, / 317 /);
    has(await answer(bob, 'WHOIS nobody-at-all'), / 401 /);
    has(await answer(bob, `USERHOST ${ann.nick}`), new RegExp(` 302 ${bob.nick} :${ann.nick}=\\+`));
    has(await answer(bob, `ISON ${ann.nick} nobody-at-all`), new RegExp(` 303 ${bob.nick} :${ann.nick}$`));
    has(await answer(bob, 'LIST'), new RegExp(` 322 ${bob.nick} ${room} 2 :`));
    has(await answer(bob, 'LUSERS'), / 251 /);
    has(await answer(bob, 'VERSION'), / 351 \S+ banyan-/);
    const gone = ann.nick;
    await ann.quit();
    await eventually('WHOWAS', async () => (await answer(bob, `WHOWAS ${gone}`)).some((line) => / 314 /.test(line)));
    has(await answer(bob, 'NONSENSE'), / 421 \S+ NONSENSE /);
  });

  it('signs in by SASL PLAIN and PASS, and shares a person between sessions', async () => {
    const one = await irc('paul', { account: { name: 'paul', password: 'paul-password' } });
    const two = await irc('paul', { password: 'paul:paul-password' });
    expect([one.nick, two.nick]).to.deep.equal(['paul', 'paul']);
    const room = `#${unique('both')}`;
    await one.join(room);
    await two.expect('the JOIN by the other session', (line) => line.command === 'JOIN' && line.params[0] === room);
    has(await answer(two, 'WHOIS paul'), / 330 \S+ paul paul /);
    const guest = await openIrc({ port: banyan.port('irc'), nick: 'paul' });
    open.push(guest);
    guest.send('NICK paul');
    guest.send('USER x 0 * :x');
    await guest.expect('433', (line) => line.command === '433');
    await expectRejection(irc('paul', { account: { name: 'paul', password: 'wrong-password' } }));
  });

  it('signs in by SCRAM-SHA-256, checked with a client of its own', async () => {
    const scram = scramClient('chief', 'chief-password');
    const client = await openIrc({ port: banyan.port('irc'), nick: unique('scram') });
    open.push(client);
    client.send('CAP LS 302');
    const offered = await client.expect('CAP LS', (line) => line.command === 'CAP');
    expect(offered.params.join(' ')).to.match(/sasl=\S*SCRAM-SHA-256/);
    client.send('CAP REQ :sasl');
    client.send('NICK chief');
    client.send('USER chief 0 * :Chief');
    client.send('AUTHENTICATE SCRAM-SHA-256');
    await client.expect('AUTHENTICATE +', (line) => line.command === 'AUTHENTICATE');
    const since = client.lines.length;
    client.send(`AUTHENTICATE ${Buffer.from(scram.first).toString('base64')}`);
    const challenge = await client.expect('the challenge', (line) => line.command === 'AUTHENTICATE', { since });
    const server = Buffer.from(challenge.params[0]!, 'base64').toString();
    client.send(`AUTHENTICATE ${Buffer.from(scram.final(server)).toString('base64')}`);
    await client.expect(
      'the server to prove itself',
      (line) => line.command === 'AUTHENTICATE' && Buffer.from(line.params[0]!, 'base64').toString() === scram.verifier(server),
    );
    client.send('AUTHENTICATE +');
    await client.expect('903', (line) => line.command === '903');
    client.send('CAP END');
    await client.expect('001', (line) => line.command === '001');
  });

  it('keeps the capabilities that were asked for, and no others', async () => {
    const caps = [
      'server-time',
      'message-tags',
      'echo-message',
      'multi-prefix',
      'extended-join',
      'account-tag',
      'account-notify',
      'away-notify',
      'batch',
      'labeled-response',
      'cap-notify',
    ];
    const room = `#${unique('caps')}`;
    const boss = await chief(caps);
    const plain = await irc(unique('plain'));
    await plain.join(room);
    boss.send(`JOIN ${room}`);
    const own = await boss.expect('the own JOIN', (line) => line.command === 'JOIN' && line.params[0] === room);
    expect(own.params.slice(0, 2)).to.deep.equal([room, 'chief']);
    expect(own.params).to.have.length(3);
    await boss.sync();
    boss.send(`@label=abc PRIVMSG ${room} :hello`);
    const echo = await boss.expect('the echo', (line) => line.command === 'PRIVMSG' && line.params[1] === 'hello');
    expect(echo.tags.get('label')).to.equal('abc');
    expect(echo.tags.get('msgid')).to.match(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(echo.tags.get('time')).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(echo.tags.get('account')).to.equal('chief');
    const seen = await plain.expect('the message', (line) => line.params[1] === 'hello');
    expect(seen.raw.startsWith(':'), seen.raw).to.equal(true);
    boss.send('@label=x1 WHO chief');
    const begin = await boss.expect('the batch', (line) => line.command === 'BATCH' && line.tags.get('label') === 'x1');
    expect(begin.params[1]).to.equal('labeled-response');
    boss.send('@label=x2 PONG x');
    await boss.expect('ACK', (line) => line.command === 'ACK' && line.tags.get('label') === 'x2');
    plain.send('AWAY :tea');
    await boss.expect('AWAY', (line) => line.command === 'AWAY' && line.nick === plain.nick && line.params[0] === 'tea');
    has(await answer(boss, 'CAP LIST'), /CAP chief LIST :(?=.*echo-message)(?=.*batch)/);
    has(await answer(boss, 'CAP REQ :no-such-thing'), /CAP chief NAK :no-such-thing$/);
    const names = await boss.names(room);
    expect(names.find((name) => name.endsWith('chief'))).to.match(/^~@chief$|^@?chief$/);
  });

  it('pages through history: LATEST, BEFORE, AFTER, AROUND, BETWEEN, by id and by time', async () => {
    const room = `#${unique('history')}`;
    const caps = ['draft/chathistory', 'batch', 'server-time', 'message-tags'];
    const ann = await irc(unique('ann'), { capabilities: caps });
    const bob = await irc(unique('bob'), { capabilities: caps });
    await ann.join(room);
    await bob.join(room);
    const said = Array.from({ length: 25 }, (_, index) => `line ${index}`);
    for (const text of said) bob.send(`PRIVMSG ${room} :${text}`);
    await ann.expect('the last', (line) => line.params[1] === 'line 24');
    expect(await ircHistory(ann, room)).to.deep.equal(said);
    const page = async (command: string): Promise<string[]> => {
      const since = ann.lines.length;
      ann.send(command);
      await ann.expect('the end of the batch', (line) => line.command === 'BATCH' && line.params[0]!.startsWith('-'), { since });
      return ann.lines
        .slice(since)
        .filter((line) => line.command === 'PRIVMSG')
        .map((line) => line.params[1]!);
    };
    expect(await page(`CHATHISTORY LATEST ${room} * 3`)).to.deep.equal(said.slice(-3));
    const middle = ann.lines.find((line) => line.params[1] === 'line 10')!;
    const id = middle.tags.get('msgid')!;
    expect(await page(`CHATHISTORY BEFORE ${room} msgid=${id} 4`)).to.deep.equal(said.slice(6, 10));
    expect(await page(`CHATHISTORY AFTER ${room} msgid=${id} 4`)).to.deep.equal(said.slice(11, 15));
    expect(await page(`CHATHISTORY AFTER ${room} timestamp=2001-01-01T00:00:00.000Z 2`)).to.deep.equal(said.slice(0, 2));
    expect(await page(`CHATHISTORY BEFORE ${room} timestamp=2101-01-01T00:00:00.000Z 2`)).to.deep.equal(said.slice(-2));
    has(await answer(ann, 'CHATHISTORY LATEST #not-there * 5'), /FAIL CHATHISTORY INVALID_TARGET/);
    const wrong = ['LATEST', 'BETWEEN'].map((subcommand) => `${subcommand} ${room} * zero`);
    for (const params of [
      ...wrong,
      `AROUND ${room} * 5`,
      `BETWEEN ${room} msgid=${id} 5`,
      `SIDEWAYS ${room} * 5`,
      'TARGETS msgid=a msgid=b 5',
    ])
      has(await answer(ann, `CHATHISTORY ${params}`), /FAIL CHATHISTORY INVALID_PARAMS/);

    const idOf = (text: string): string => ann.lines.find((line) => line.params[1] === text)!.tags.get('msgid')!;
    const timeOf = (text: string): string => ann.lines.find((line) => line.params[1] === text)!.tags.get('time')!;
    const around = (count: number): Promise<string[]> => page(`CHATHISTORY AROUND ${room} msgid=${id} ${count}`);
    expect(await around(1)).to.deep.equal(['line 10']);
    expect(await around(5)).to.deep.equal(said.slice(8, 13));
    expect(await around(4)).to.deep.equal(said.slice(8, 12));
    expect(await page(`CHATHISTORY AROUND ${room} msgid=${idOf('line 1')} 6`), 'near the beginning').to.deep.equal(said.slice(0, 6));
    expect(await page(`CHATHISTORY AROUND ${room} timestamp=2101-01-01T00:00:00.000Z 6`)).to.deep.equal(said.slice(-3));
    const [early, late] = [`msgid=${idOf('line 3')}`, `msgid=${idOf('line 20')}`];
    expect(await page(`CHATHISTORY BETWEEN ${room} ${early} ${late} 50`)).to.deep.equal(said.slice(4, 20));
    expect(await page(`CHATHISTORY BETWEEN ${room} ${early} ${late} 3`), 'forwards').to.deep.equal(said.slice(4, 7));
    expect(await page(`CHATHISTORY BETWEEN ${room} ${late} ${early} 3`), 'backwards').to.deep.equal(said.slice(17, 20));
    expect(await page(`CHATHISTORY BETWEEN ${room} ${early} ${early} 3`)).to.deep.equal([]);
    expect(await page(`CHATHISTORY BETWEEN ${room} ${early} msgid=01ARZ3NDEKTSV4RRFFQ69G5FAV 3`)).to.deep.equal([]);
    const between = await page(`CHATHISTORY BETWEEN ${room} timestamp=2001-01-01T00:00:00.000Z timestamp=${timeOf('line 24')} 50`);
    expect(between, 'the time itself is not between').to.not.include('line 24');
  });
});

async function expectRejection(promise: Promise<IrcClient>): Promise<void> {
  const outcome = await promise.then(
    () => 'signed in',
    (error: Error) => error.message,
  );
  expect(outcome).to.match(/SASL failed/);
}
