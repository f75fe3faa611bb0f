/** Who somebody is, what status they have, and what they may read. */
import { expect } from 'chai';
import type { IrcClient, IrcLine } from '../support/irc-client.ts';
import { ircParty, type IrcParty } from '../support/irc-party.ts';
import { scramClient } from '../support/scram-client.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const commandsOf = (lines: readonly IrcLine[]): string[] => lines.map((line) => line.command);

describe('irc-clients: identity', function () {
  this.timeout(30_000);
  let party: IrcParty;
  before(async () => {
    party = await ircParty({
      plugin: 'burst_lines = 100000',
      tables: ['[limits]\nfailed_logins = 30\nguests_per_address = 500\nstrangers_per_address = 100'],
    });
    await party.banyan.account('chief', 'chief-password', { administrator: true });
    await party.banyan.account('paul', 'paul-password');
  });
  after(() => party.stop());

  /** Somebody who has asked for SASL and has not ended CAP. */
  async function beginning(nick: string): Promise<IrcClient> {
    const one = await party.raw();
    one.send(`CAP LS 302\r\nCAP REQ :sasl\r\nNICK ${nick}\r\nUSER x 0 * :x`);
    await one.expect('CAP ACK', (line) => line.params[1] === 'ACK');
    return one;
  }
  async function authenticate(one: IrcClient, ...messages: readonly string[]): Promise<IrcLine> {
    const since = one.lines.length;
    for (const message of messages) one.send(`AUTHENTICATE ${message}`);
    return await one.expect('a verdict', (line) => /^90[1-7]$/.test(line.command), { since });
  }
  /** Ends CAP and tells which account WHOIS shows. */
  async function accountOf(one: IrcClient): Promise<string | undefined> {
    one.send('CAP END');
    const welcome = await one.expect('001', (line) => line.command === '001');
    one.send(`WHOIS ${welcome.params[0]!}`);
    await one.expect('the end of WHOIS', (line) => line.command === '318');
    return one.lines.find((line) => line.command === '330')?.params[2];
  }

  it('A7 identity mix-up: SASL PLAIN with the authorisation identity of another is refused', async () => {
    const one = await beginning(party.unique('mix'));
    expect((await authenticate(one, 'PLAIN', base64('chief\0paul\0paul-password'))).command).to.equal('904');
    expect((await authenticate(one, 'PLAIN', base64('paul\0paul\0wrong-password'))).command).to.equal('904');
    expect(await accountOf(one)).to.equal(undefined);
    const two = await beginning('paul');
    expect((await authenticate(two, 'PLAIN', base64('paul\0paul\0paul-password'))).command).to.equal('903');
    expect(await accountOf(two)).to.equal('paul');
  });

  it('A7 identity mix-up: SCRAM with another name in the second message is refused', async () => {
    for (const [extension, verdict] of [
      [',n=chief', '904'],
      ['', '903'],
    ] as const) {
      const one = await beginning(party.unique('mix'));
      const scram = scramClient('paul', 'paul-password');
      one.send('AUTHENTICATE SCRAM-SHA-256');
      await one.expect('+', (line) => line.command === 'AUTHENTICATE');
      const since = one.lines.length;
      one.send(`AUTHENTICATE ${base64(scram.first)}`);
      const challenge = await one.expect('the challenge', (line) => line.command === 'AUTHENTICATE', { since });
      const server = Buffer.from(challenge.params[0]!, 'base64').toString();
      const final = extension === '' ? scram.final(server) : scram.final(server).replace(/,p=/, `${extension},p=`);
      const then = one.lines.length;
      one.send(`AUTHENTICATE ${base64(final)}`);
      if (verdict === '903') {
        const proof = await one.expect('the server’s proof', (line) => line.command === 'AUTHENTICATE', { since: then });
        expect(Buffer.from(proof.params[0]!, 'base64').toString()).to.equal(scram.verifier(server));
        one.send('AUTHENTICATE +');
      }
      expect((await one.expect('the verdict', (line) => /^90[1-7]$/.test(line.command))).command).to.equal(verdict);
      expect(await accountOf(one)).to.equal(verdict === '903' ? 'paul' : undefined);
    }
  });

  it('A7 identity mix-up: AUTHENTICATE twice, aborted, oversized, of an unknown mechanism, or cut off by CAP END', async () => {
    const one = await beginning(party.unique('mix'));
    expect((await authenticate(one, 'EXTERNAL')).command).to.equal('904');
    expect(commandsOf(one.lines)).to.include('908');
    expect((await authenticate(one, 'PLAIN', '*')).command).to.equal('906');
    expect((await authenticate(one, 'PLAIN', 'A'.repeat(401))).command).to.equal('905');
    expect((await authenticate(one, 'PLAIN', ...Array<string>(30).fill('A'.repeat(400)))).command).to.equal('905');
    expect((await authenticate(one, 'PLAIN', 'not/base64!')).command).to.equal('904');
    expect((await authenticate(one, 'PLAIN', '+')).command).to.equal('904');
    expect((await authenticate(one, 'PLAIN', base64('\0paul\0paul-password'))).command).to.equal('903');
    expect((await authenticate(one, 'PLAIN')).command).to.equal('907');
    expect(await accountOf(one)).to.equal('paul');
    one.send('AUTHENTICATE PLAIN');
    await one.expect('907 again', (line) => line.command === '907');

    const two = await beginning(party.unique('mix'));
    two.send(`AUTHENTICATE PLAIN\r\nCAP END\r\nAUTHENTICATE ${base64('\0paul\0paul-password')}`);
    await two.expect('001', (line) => line.command === '001');
    await two.sync();
    expect(commandsOf(two.lines).filter((command) => command.startsWith('90'))).to.deep.equal(['906', '907']);
    two.send(`WHOIS ${two.nick}`);
    await two.sync();
    expect(commandsOf(two.lines)).to.not.include('330');
  });

  it('A7 identity mix-up: a guest cannot take the name of an account, nor one that looks the same by folding', async () => {
    for (const nick of ['chief', 'Chief', 'CHIEF', 'ＣＨＩＥＦ', 'ｃhief']) {
      const one = await party.raw();
      one.send(`NICK ${nick}\r\nUSER x 0 * :x`);
      expect((await one.expect('a refusal', (line) => line.command.startsWith('43'))).command, nick).to.match(/^43[23]$/);
      const guest = await party.irc(party.unique('guest'));
      guest.send(`NICK ${nick}`);
      expect(commandsOf(await guest.sync()).join(), nick).to.match(/^43[23]$/);
    }
  });

  it('A7 identity mix-up: whoever signed in stays who it is through renames', async () => {
    const one = await party.irc(party.unique('paul'), {
      account: { name: 'paul', password: 'paul-password' },
      capabilities: ['account-tag'],
    });
    const next = party.unique('renamed');
    one.send(`NICK ${next}\r\nWHOIS ${next}`);
    const whois = await one.expect('330', (line) => line.command === '330');
    expect(whois.params.slice(1, 3)).to.deep.equal([next, 'paul']);
    one.send('NICK chief');
    expect(commandsOf(await one.sync())).to.deep.equal(['433']);
    one.send('PASS chief:chief-password\r\nUSER chief 0 * :x');
    expect(commandsOf(await one.sync())).to.deep.equal(['462', '462']);
  });

  it('A7 identity mix-up: a line carries the account of its source, not of the one that it is about', async () => {
    const capabilities = ['account-tag', 'message-tags'];
    const ann = await party.irc(party.unique('ann'), { capabilities });
    const paul = await party.irc('paul', { account: { name: 'paul', password: 'paul-password' }, capabilities });
    await ann.join('#accounts');
    await paul.join('#accounts');
    ann.send(`@account=chief MODE #accounts +v ${paul.nick}`);
    ann.send(`@account=chief KICK #accounts ${paul.nick}`);
    ann.send(`@account=chief PRIVMSG ${paul.nick} :hello`);
    const last = await paul.expect('the message', (line) => line.params[1] === 'hello');
    const lines = paul.lines.slice(0, paul.lines.indexOf(last) + 1).filter((line) => line.nick === ann.nick);
    expect(lines.map((line) => [line.command, line.tags.get('account')])).to.deep.equal([
      ['MODE', undefined],
      ['KICK', undefined],
      ['PRIVMSG', undefined],
    ]);
    await paul.join('#accounts');
    ann.send('PRIVMSG #accounts :here?');
    paul.send('PRIVMSG #accounts :yes');
    expect((await ann.expect('the answer', (line) => line.params[1] === 'yes')).tags.get('account')).to.equal('paul');
  });

  it('A11 rights by mapping: several modes in one line, and none of them by who is no operator', async () => {
    const [ann, bob, eve] = [
      await party.irc(party.unique('ann')),
      await party.irc(party.unique('bob')),
      await party.irc(party.unique('eve')),
    ];
    for (const one of [ann, bob, eve]) await one.join('#order');
    ann.send(`MODE #order +vo-v+b-b ${bob.nick} ${bob.nick} ${bob.nick} x!*@* x!*@*`);
    await ann.sync();
    expect(await eve.names('#order')).to.have.members([`@${ann.nick}`, `@${bob.nick}`, eve.nick]);
    for (const modes of [
      `+o ${eve.nick}`,
      `+q ${eve.nick}`,
      `+a ${eve.nick}`,
      `-o ${ann.nick}`,
      `+v ${eve.nick}`,
      '+b *!*@*',
      '+mikl key 1',
      `+o-o+o ${eve.nick} ${ann.nick} ${eve.nick}`,
    ]) {
      eve.send(`MODE #order ${modes}`);
      expect(
        commandsOf(await eve.sync()).filter((command) => command !== '482'),
        modes,
      ).to.deep.equal([]);
    }
    eve.send(`MODE #order b`);
    expect(commandsOf(await eve.sync())).to.deep.equal(['368']);
    expect(await eve.names('#order')).to.have.members([`@${ann.nick}`, `@${bob.nick}`, eve.nick]);
    ann.send('MODE #order +o');
    expect(commandsOf(await ann.sync())).to.deep.equal(['696']);
    ann.send('MODE #order +q nobody');
    expect(commandsOf(await ann.sync())).to.deep.equal(['441']);
    ann.send(`MODE #order -o ${ann.nick}\r\nMODE #order +o ${ann.nick}`);
    expect(commandsOf(await ann.sync())).to.deep.equal(['MODE', '482']);
  });

  it('A11 rights by mapping: nobody can be called what folds like another, and status finds the right person', async () => {
    const ann = await party.irc(party.unique('ann'));
    const names = ['istanbul\u0307x', 'Zo\u00eb', 'fancy'];
    const people = [];
    for (const nick of names) people.push(await party.irc(nick));
    for (const alike of ['ISTANBUL\u0307X', 'istanbul\u0307X', 'zoe\u0308', 'ZOË', 'Fancy', 'ｆａｎｃｙ', 'FANCY']) {
      ann.send(`NICK ${alike}`);
      expect(commandsOf(await ann.sync()).join(), alike).to.match(/^43[23]$/);
    }
    const [, zoe, fancy] = people as [IrcClient, IrcClient, IrcClient];
    await ann.join('#fold');
    await zoe.join('#fold');
    await fancy.join('#fold');
    ann.send('MODE #fold +o ZOË');
    await zoe.expect('+o', (line) => line.command === 'MODE' && line.params[2] === 'Zoë');
    const next = party.unique('other');
    zoe.send(`NICK ${next}`);
    await zoe.sync();
    fancy.send('NICK Zoë');
    await fancy.sync();
    expect(await ann.names('#fold')).to.have.members([`@${ann.nick}`, `@${next}`, 'Zoë']);
  });

  it('A13 leak through history: of rooms one is not in, was banned or kicked from, and of private messages of others', async () => {
    const capabilities = ['draft/chathistory', 'batch', 'server-time', 'message-tags'];
    const ann = await party.irc(party.unique('ann'), { capabilities });
    const eve = await party.irc(party.unique('eve'), { capabilities });
    await ann.join('#secret');
    ann.send('MODE #secret +sk sesame');
    ann.send('TOPIC #secret :hidden topic');
    ann.send('PRIVMSG #secret :hidden words');
    const paul = await party.irc('paul', { capabilities, account: { name: 'paul', password: 'paul-password' } });
    ann.send(`PRIVMSG ${paul.nick} :private words`);
    await paul.expect('the message', (line) => line.params[1] === 'private words');
    await ann.sync();
    const id = (await paul.expect('its id', (line) => line.tags.has('msgid'))).tags.get('msgid')!;
    const ask = async (...lines: string[]): Promise<string[]> => {
      for (const line of lines) eve.send(line);
      return (await eve.sync()).map((line) => line.raw.replace(/#nowhere/gi, '#secret'));
    };
    const questions = [
      'CHATHISTORY LATEST #X * 50',
      'CHATHISTORY AFTER #X timestamp=2001-01-01T00:00:00.000Z 50',
      `CHATHISTORY BEFORE #X msgid=${id} 50`,
      'TOPIC #X',
      'TOPIC #X :mine',
      'NAMES #X',
      'WHO #X',
      'LIST #X',
      'MODE #X',
      'MODE #X b',
      'MODE #X +b x',
      'KICK #X someone',
      'PART #X',
      `INVITE ${ann.nick} #X`,
      'PRIVMSG #X :hello',
      'PRIVMSG #X :\u0001VERSION\u0001',
      'NOTICE #X :hello',
      '@+typing=active TAGMSG #X',
    ];
    for (const question of questions) {
      const secret = await ask(question.replace('#X', '#secret'));
      expect(secret, question).to.deep.equal(await ask(question.replace('#X', '#nowhere')));
      expect(secret.join(), question).to.not.include('hidden');
    }
    const whois = await ask(`WHOIS ${ann.nick}`);
    expect(whois.join()).to.not.include('#secret');
    for (const target of [ann.nick, paul.nick])
      for (const question of [
        `LATEST ${target} * 50`,
        `BEFORE ${target} msgid=${id} 50`,
        `AFTER ${target} timestamp=2001-01-01T00:00:00.000Z 50`,
      ])
        expect((await ask(`CHATHISTORY ${question}`)).join(), question).to.not.match(/PRIVMSG|private words/);
    await eve.join('#secret', 'sesame');
    expect((await ask('CHATHISTORY LATEST #secret * 50')).join()).to.include('hidden words');
    ann.send(`KICK #secret ${eve.nick}`);
    ann.send(`MODE #secret +b ${eve.nick}!*@*`);
    await ann.sync();
    ann.send('PRIVMSG #secret :hidden after the ban');
    await ann.sync();
    expect((await ask('CHATHISTORY LATEST #secret * 50', 'JOIN #secret sesame')).join()).to.match(
      /^[^,]*FAIL CHATHISTORY INVALID_TARGET[^,]*,[^,]* 474 [^,]*$/,
    );
  });

  it('A7 identity mix-up: guessing passwords comes to an end', async () => {
    const one = await beginning(party.unique('guess'));
    let last = '';
    for (let guess = 0; guess < 40 && !last.includes('Too many'); guess++)
      last = (await authenticate(one, 'PLAIN', base64(`\0chief\0password${guess}`))).raw;
    expect(last).to.include('Too many attempts');
    expect((await authenticate(one, 'PLAIN', base64('\0chief\0chief-password'))).command).to.equal('904');
  });
});
