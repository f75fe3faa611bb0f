/** What clients are offered beyond the commands: capabilities, tokens, history when they come in. */
import { expect } from 'chai';
import { ircHistory, type IrcClient, type IrcLine } from '../../support/irc-client.ts';
import { ircParty, type IrcParty } from '../../support/irc-party.ts';
import { nativeGuest } from '../../support/native-client.ts';
import { eventually } from '../../support/wait.ts';

describe('IRC clients: surface', function () {
  this.timeout(30_000);
  let party: IrcParty;
  before(async () => {
    party = await ircParty({ plugin: 'burst_lines = 1000\nreplay_lines = 5', tables: ['[limits]\nguests_per_address = 500'] });
    for (const name of ['paul', 'mary']) await party.banyan.account(name, `${name}-password`);
  });
  after(() => party.stop());

  const history = ['draft/chathistory', 'batch', 'server-time', 'message-tags'];
  async function answer(client: IrcClient, line: string): Promise<readonly IrcLine[]> {
    client.send(line);
    return await client.sync();
  }
  const said = (lines: readonly IrcLine[]): string[] => lines.filter((line) => line.command === 'PRIVMSG').map((line) => line.params[1]!);

  it('tells in 005 what is true', async () => {
    const one = await party.irc(party.unique('one'));
    const tokens = new Map(
      one.lines
        .filter((line) => line.command === '005')
        .flatMap((line) => line.params.slice(1, -1))
        .map((token): [string, string] => [token.split('=')[0]!, token.split('=').slice(1).join('=')]),
    );
    await one.join('#tokens');
    const nick = 'n'.repeat(Number(tokens.get('NICKLEN')));
    expect((await answer(one, `NICK ${nick}x`)).map((line) => line.command)).to.deep.equal(['432']);
    expect((await answer(one, `NICK ${nick}`)).map((line) => line.command)).to.deep.equal(['NICK']);
    const channel = `#${'c'.repeat(Number(tokens.get('CHANNELLEN')))}`;
    expect((await answer(one, `JOIN ${channel}x`)).map((line) => line.command)).to.deep.equal(['403']);
    expect(await one.join(channel)).to.deep.equal([`@${nick}`]);
    await answer(one, `PART ${channel}`);
    const topic = 't'.repeat(Number(tokens.get('TOPICLEN')));
    expect((await answer(one, `TOPIC #tokens :${topic}`)).map((line) => line.params[1])).to.deep.equal([topic]);
    expect((await answer(one, `PRIVMSG a,b,c,d,e :x`)).map((line) => line.command)).to.deep.equal(['407']);
    expect(tokens.get('TARGMAX')).to.include('PRIVMSG:4');
    const [, letters = '', signs = ''] = /^\((\w+)\)(.+)$/.exec(tokens.get('PREFIX')!) ?? [];
    expect(letters.length).to.equal(signs.length);
    for (const letter of letters)
      expect(
        (await answer(one, `MODE #tokens +${letter} ${nick}`)).map((line) => line.command),
        letter,
      ).to.not.include('472');
    for (const letter of tokens.get('CHANMODES')!.replaceAll(',', ''))
      expect(
        (await answer(one, `MODE #tokens -${letter} x`)).map((line) => line.command),
        letter,
      ).to.not.include('472');
    expect(Number(tokens.get('CHATHISTORY'))).to.equal(200);
  });

  it('offers capabilities by version, and takes only those it knows', async () => {
    const old = await party.raw();
    old.send('CAP LS');
    const listed = await old.expect('CAP LS', (line) => line.command === 'CAP');
    expect(listed.params[2]!.split(' ')).to.include('sasl');
    const one = await party.raw();
    one.send('CAP LS 302');
    expect((await one.expect('CAP LS', (line) => line.command === 'CAP')).params[2]).to.include('sasl=SCRAM-SHA-256,SCRAM-SHA-1,PLAIN');
    one.send('CAP LS');
    await one.expect('CAP LS as it was before 302', (line) => line.params[1] === 'LS' && line.params[2]!.split(' ').includes('sasl'));
    one.send('CAP REQ :server-time no-such-thing');
    await one.expect('NAK', (line) => line.params[1] === 'NAK');
    one.send('CAP LIST');
    expect((await one.expect('LIST', (line) => line.params[1] === 'LIST')).params[2]).to.equal('cap-notify');
    one.send('CAP REQ :-cap-notify');
    await one.expect('NAK', (line) => line.params[1] === 'NAK' && line.params[2]!.includes('-cap-notify'));
    one.send('CAP WHAT');
    await one.expect('410', (line) => line.command === '410');
  });

  it('shows the last messages to who comes in, knows server-time and does not ask itself; never twice', async () => {
    const ann = await party.irc(party.unique('ann'));
    await ann.join('#replay');
    for (let index = 0; index < 8; index++) ann.send(`PRIVMSG #replay :old ${index}`);
    await ann.sync();
    const plain = await party.irc(party.unique('plain'));
    await plain.join('#replay');
    expect(said(await plain.sync()), 'old lines would look new').to.deep.equal([]);
    const asks = await party.irc(party.unique('asks'), { capabilities: history });
    await asks.join('#replay');
    expect(said(await asks.sync())).to.deep.equal([]);
    const bob = await party.irc(party.unique('bob'), { capabilities: ['server-time', 'batch', 'message-tags'] });
    await bob.join('#replay');
    ann.send('PRIVMSG #replay :live 1');
    await bob.expect('the live one', (line) => line.params[1] === 'live 1');
    expect(said(bob.lines)).to.deep.equal(['old 3', 'old 4', 'old 5', 'old 6', 'old 7', 'live 1']);
    const batch = bob.lines.find((line) => line.command === 'BATCH' && line.params[1] === 'chathistory')!;
    expect(batch.params.slice(1)).to.deep.equal(['chathistory', '#replay']);
    const old = bob.lines.find((line) => line.params[1] === 'old 3')!;
    expect([old.tags.get('batch'), old.tags.has('time'), old.tags.has('msgid')]).to.deep.equal([batch.params[0]!.slice(1), true, true]);
    const order = bob.lines.map((line) => line.command);
    expect(order.indexOf('366')).to.be.lessThan(order.indexOf('BATCH'));
    bob.send('PART #replay');
    await bob.sync();
    ann.send('PRIVMSG #replay :missed');
    await ann.sync();
    await bob.join('#replay');
    await bob.expect('the missed one', (line) => line.params[1] === 'missed');
    expect(said(bob.lines)).to.deep.equal(['old 3', 'old 4', 'old 5', 'old 6', 'old 7', 'live 1', 'missed']);
  });

  it('shows a second client of an account, and one that returns, each of its rooms once', async () => {
    const signedIn = (): Promise<IrcClient> =>
      party.irc('paul', { account: { name: 'paul', password: 'paul-password' }, capabilities: ['server-time', 'multi-prefix'] });
    const one = await signedIn();
    await one.join('#first');
    await one.join('#second');
    await answer(one, 'PRIVMSG #first :hello');
    const rooms = async (client: IrcClient): Promise<string[]> => {
      await client.expect('the names of both', () => client.lines.filter((line) => line.command === '366').length > 1);
      await client.sync();
      return client.lines
        .filter((line) => ['JOIN', '353', 'PRIVMSG'].includes(line.command))
        .map((line) => [line.command, ...line.params].join(' '));
    };
    const wanted = ['JOIN #first', '353 paul = #first ~@paul', 'PRIVMSG #first hello', 'JOIN #second', '353 paul = #second ~@paul'];
    const two = await signedIn();
    expect(await rooms(two)).to.deep.equal(wanted);
    await one.quit();
    await two.quit();
    const three = await signedIn();
    expect(await rooms(three)).to.deep.equal(wanted);
    await answer(three, 'JOIN 0');
    await three.quit();
  });

  it('keeps everything in order while messages come in during a replay', async () => {
    const ann = await party.irc(party.unique('ann'));
    await ann.join('#busy');
    const bob = await party.irc(party.unique('bob'), { capabilities: ['server-time', 'message-tags'] });
    let serial = 0;
    for (let round = 0; round < 20; round++) {
      ann.send(Array.from({ length: 5 }, () => `PRIVMSG #busy :${serial++}`).join('\r\n'));
      bob.send(round % 2 === 0 ? 'JOIN #busy' : 'PART #busy');
    }
    await ann.sync();
    await bob.sync();
    ann.send('PRIVMSG #busy :999');
    bob.send('JOIN #busy');
    await bob.sync();
    const numbers = said(bob.lines).map(Number);
    expect(numbers).to.deep.equal(numbers.toSorted((a, b) => a - b));
    expect(new Set(numbers).size).to.equal(numbers.length);
  });

  it('pages through private messages of an account, and of a guest', async () => {
    const paul = await party.irc('paul', { capabilities: history, account: { name: 'paul', password: 'paul-password' } });
    const ann = await party.irc(party.unique('ann'), { capabilities: history });
    const lines = Array.from({ length: 12 }, (_, index) => `word ${index}`);
    for (const text of lines) ann.send(`PRIVMSG paul :${text}`);
    await paul.expect('the last', (line) => line.params[1] === 'word 11');
    for (const [one, other] of [
      [paul, ann.nick],
      [ann, 'paul'],
    ] as const) {
      const page = async (command: string): Promise<string[]> => said(await answer(one, `CHATHISTORY ${command}`));
      const all = await answer(one, `CHATHISTORY LATEST ${other} * 50`);
      expect(said(all)).to.deep.equal(lines);
      const id = all.find((line) => line.params[1] === 'word 6')!.tags.get('msgid')!;
      expect(await page(`LATEST ${other} msgid=${id} 3`)).to.deep.equal(lines.slice(-3));
      expect(await page(`BEFORE ${other} msgid=${id} 3`)).to.deep.equal(lines.slice(3, 6));
      expect(await page(`AFTER ${other} msgid=${id} 3`)).to.deep.equal(lines.slice(7, 10));
      expect(await page(`AFTER ${other} timestamp=2001-01-01T00:00:00.000Z 2`)).to.deep.equal(lines.slice(0, 2));
      expect(await page(`BEFORE ${other} timestamp=2001-01-01T00:00:00.000Z 2`)).to.deep.equal([]);
      expect(await page(`BEFORE ${other} msgid=01ARZ3NDEKTSV4RRFFQ69G5FAV 3`), 'an id that means nothing').to.deep.equal([]);
      expect(await page(`AROUND ${other} msgid=${id} 3`)).to.deep.equal(lines.slice(5, 8));
      const later = all.find((line) => line.params[1] === 'word 9')!.tags.get('msgid')!;
      expect(await page(`BETWEEN ${other} msgid=${id} msgid=${later} 9`)).to.deep.equal(lines.slice(7, 9));
      expect(await page(`BETWEEN ${other} msgid=${later} msgid=${id} 1`)).to.deep.equal(lines.slice(8, 9));
    }
    expect(await ircHistory(paul, ann.nick)).to.deep.equal(lines);
  });

  it('lists the rooms and people that were talked with in a time; who has gone can still be asked for', async () => {
    const capabilities = history;
    const mary = await party.irc('mary', { capabilities, account: { name: 'mary', password: 'mary-password' } });
    const [ann, bob] = [await party.irc(party.unique('ann')), await party.irc(party.unique('bob'))];
    const targets = async (from: string, to: string, count = 50): Promise<string[][]> => {
      const lines = await answer(mary, `CHATHISTORY TARGETS timestamp=${from} timestamp=${to} ${count}`);
      const batch = lines.find((line) => line.command === 'BATCH')!;
      expect(batch.params[1]).to.equal('draft/chathistory-targets');
      const found = lines.filter((line) => line.command === 'CHATHISTORY');
      for (const line of found) expect(`+${line.tags.get('batch')}`).to.equal(batch.params[0]);
      return found.map((line) => line.params.slice(1));
    };
    const [past, future] = ['2001-01-01T00:00:00.000Z', '2101-01-01T00:00:00.000Z'];
    expect(await targets(past, future)).to.deep.equal([]);
    await mary.join('#talked');
    await mary.join('#silent');
    /** Said in an order that times can tell. */
    const times: string[] = [];
    const say = async (client: IrcClient, target: string, text: string): Promise<void> => {
      client.send(`PRIVMSG ${target} :${text}`);
      const line = await mary.expect(text, ({ params }) => params[1] === text);
      const time = line.tags.get('time')!;
      times.push(time);
      await eventually('the clock to go on', () => Date.now() > Date.parse(time));
    };
    await ann.join('#talked');
    await say(bob, 'mary', 'from bob');
    await say(ann, '#talked', 'in the room');
    await say(ann, 'mary', 'from ann');
    const all = [
      [bob.nick, times[0]],
      ['#talked', times[1]],
      [ann.nick, times[2]],
    ];
    expect(await targets(past, future)).to.deep.equal(all);
    expect(await targets(past, future, 2), 'next to the first time').to.deep.equal(all.slice(0, 2));
    expect(await targets(future, past, 2)).to.deep.equal(all.slice(1));
    expect(await targets(times[0]!, times[2]!), 'the times themselves are not between').to.deep.equal(all.slice(1, 2));
    await ann.quit();
    await eventually('ann to be gone', async () => (await answer(mary, `WHOIS ${ann.nick}`)).some((line) => line.command === '401'));
    expect(await targets(past, future)).to.deep.equal(all);
    expect(said(await answer(mary, `CHATHISTORY LATEST ${ann.nick} * 5`))).to.deep.equal(['from ann']);
    const nobody = await answer(mary, 'CHATHISTORY LATEST nobody-wrote-this * 5');
    expect(nobody.map((line) => line.params.slice(0, 2))).to.deep.equal([['CHATHISTORY', 'INVALID_TARGET']]);
  });

  it('tells every client of an account that the person is away, and is back, once', async () => {
    const signedIn = (): Promise<IrcClient> =>
      party.irc('paul', {
        account: { name: 'paul', password: 'paul-password' },
        capabilities: ['away-notify', 'labeled-response', 'batch'],
      });
    const [one, two] = [await signedIn(), await signedIn()];
    const numerics = (client: IrcClient): string[] =>
      client.lines.map((line) => line.command).filter((command) => /^30[56]$/.test(command));
    for (const [command, shown] of [
      ['AWAY :tea', ['306']],
      ['AWAY :tea', ['306']],
      ['AWAY', ['305']],
      ['@label=back AWAY', ['305']],
    ] as const)
      expect((await answer(one, command)).map((line) => line.command)).to.deep.equal(shown);
    await two.sync();
    expect(numerics(two)).to.deep.equal(['306', '305']);
    await answer(two, 'AWAY :lunch');
    await one.expect('lunch', () => numerics(one).length === 5);
    expect(
      two.lines.filter((line) => line.command === 'AWAY'),
      'not besides as somebody else',
    ).to.deep.equal([]);
    await answer(two, 'AWAY');
  });

  it('groups modes that were set together, and says what is wrong with a key or a limit', async () => {
    const [ann, bob] = [await party.irc(party.unique('ann')), await party.irc(party.unique('bob'))];
    await ann.join('#modes');
    await bob.join('#modes');
    ann.send('MODE #modes +imlk 7 sesame');
    const set = await bob.expect('the MODE', (line) => line.command === 'MODE');
    expect(set.params.slice(1)).to.deep.equal(['+imkl', 'sesame', '7']);
    expect((await answer(ann, 'MODE #modes +k a,b')).map((line) => line.command)).to.deep.equal(['525']);
    expect((await answer(ann, 'MODE #modes +l none')).map((line) => [line.command, ...line.params.slice(1, 4)])).to.deep.equal([
      ['696', '#modes', 'l', 'none'],
    ]);
    expect((await answer(ann, 'MODE #modes -m+m')).map((line) => line.params[1])).to.deep.equal(['-m', '+m']);
  });

  it('echoes what is not logged too: CTCP and tags; and tags only to who asked for them', async () => {
    const ann = await party.irc(party.unique('ann'), { capabilities: ['echo-message', 'message-tags'] });
    const bob = await party.irc(party.unique('bob'), { capabilities: ['message-tags'] });
    const tagless = await party.irc(party.unique('tagless'), { capabilities: ['account-tag', 'labeled-response'] });
    const echoed = await answer(ann, `PRIVMSG ${bob.nick} :\u0001VERSION\u0001`);
    expect(echoed.map((line) => [line.nick, line.command, ...line.params])).to.deep.equal([
      [ann.nick, 'PRIVMSG', bob.nick, '\u0001VERSION\u0001'],
    ]);
    for (const one of [bob, tagless]) {
      const tagged = await answer(ann, `@+typing=active;+x/y=a\\sb;z=1 TAGMSG ${one.nick}`);
      expect(tagged.map((line) => [line.command, line.tags.get('+x/y'), line.tags.has('z')])).to.deep.equal([['TAGMSG', 'a b', false]]);
    }
    await bob.expect('the tags', (line) => line.command === 'TAGMSG' && line.nick === ann.nick);
    await tagless.sync();
    expect(tagless.lines.some((line) => line.command === 'TAGMSG')).to.equal(false);
    expect((await answer(tagless, 'CAP LIST'))[0]!.params[2]).to.equal('account-tag labeled-response cap-notify');
  });

  it('answers a message to oneself by a labelled echo and an unlabelled message', async () => {
    const ann = await party.irc(party.unique('ann'), { capabilities: ['echo-message', 'labeled-response', 'batch', 'message-tags'] });
    const both = await answer(ann, `@label=me PRIVMSG ${ann.nick} :note`);
    expect(both.map((line) => [line.tags.get('label'), line.command, line.params[1]])).to.deep.equal([
      ['me', 'PRIVMSG', 'note'],
      [undefined, 'PRIVMSG', 'note'],
    ]);
    const bob = await party.irc(party.unique('bob'), { capabilities: ['labeled-response', 'batch'] });
    const one = await answer(bob, `@label=me PRIVMSG ${bob.nick} :note`);
    expect(one.map((line) => [line.tags.get('label'), line.command])).to.have.deep.members([
      [undefined, 'PRIVMSG'],
      ['me', 'ACK'],
    ]);
    expect((await answer(bob, '@label=w WHOIS nobody-at-all')).map((line) => line.command)).to.deep.equal(['BATCH', '401', '318', 'BATCH']);
    expect((await answer(bob, `WHO ${bob.nick} %z`)).map((line) => line.command)).to.deep.equal(['315']);
  });

  it('knows whom a nick was before a rename, and lists everybody for WHO 0', async () => {
    const [ann, bob] = [await party.irc(party.unique('ann')), await party.irc(party.unique('bob'))];
    await ann.join('#who');
    await bob.join('#who');
    const [old, next] = [bob.nick, party.unique('robert')];
    await answer(bob, `NICK ${next}`);
    expect((await answer(ann, `WHOWAS ${old}`)).map((line) => line.command)).to.deep.equal(['314', '312', '369']);
    const listed = (await answer(ann, 'WHO 0')).filter((line) => line.command === '352').map((line) => line.params[5]);
    expect(listed).to.include.members([ann.nick, next]);
  });

  it('shows a long text of the page as several lines, once with its id, and formatting as mIRC codes', async () => {
    const ann = await party.irc(party.unique('ann'), { capabilities: ['message-tags'] });
    await ann.join('#web');
    const web = await nativeGuest(party.banyan.port('web'), 'webby', 'web');
    const text = Array.from({ length: 300 }, (_, index) => `word${index}`).join(' ');
    await web.must({ type: 'say', room: 'web', text });
    await ann.expect('all of it', (line) => line.params[1]?.endsWith('word299') === true);
    const lines = ann.lines.filter((line) => line.command === 'PRIVMSG');
    expect(lines.length).to.be.greaterThan(3);
    expect(lines.map((line) => line.params[1]).join(' ')).to.equal(text);
    expect(lines.filter((line) => line.tags.has('msgid')).length).to.equal(1);
    web.drop();
  });

  it('keeps lines under 512 bytes when the source makes them longer than they came', async () => {
    const room = '#long';
    const [ann, bob] = [await party.irc(party.unique('ann')), await party.irc(party.unique('bob'))];
    await ann.join(room);
    await bob.join(room);
    ann.send(`PRIVMSG ${room} :${'ä'.repeat(220)}`);
    const lines = await eventually('all of it', () => {
      const got = bob.lines.filter((line) => line.nick === ann.nick && line.command === 'PRIVMSG');
      return got.map((line) => line.params[1]).join('').length === 220 ? got : undefined;
    });
    for (const line of lines) expect(Buffer.byteLength(line.raw) + 2).to.be.at.most(512);
  });
});
