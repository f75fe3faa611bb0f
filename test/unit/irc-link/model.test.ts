/** The network in the model: what facts of both sides make of it. */
import { expect } from 'chai';
import fc from 'fast-check';
import { kinds, Model, now, recorded } from './support.ts';

const alice = '0AAAAAAAB';
const bob = '0AAAAAAAC';
const anna = '9BNAAAAAA';
const arno = '9BNAAAAAB';

/** Both sides have people; ours are in #lounge since `ts`, with modes, a ban and an operator. */
function shared(ts = 1_000): Model {
  const model = new Model();
  model.user(alice, 'alice');
  model.user(bob, 'bob');
  model.user(anna, 'anna');
  model.user(arno, 'arno');
  model.ours(`:9BN FJOIN #lounge ${ts} +mk key :o,${anna}:0 v,${arno}:1`, `:9BN FMODE #lounge ${ts} +b *!*@bad.example`);
  return model;
}

describe('the model: channels and their timestamps', () => {
  it('an older channel of theirs takes our modes, lists and statuses', () => {
    const model = shared();
    const effects = model.theirs(`:0AA FJOIN #lounge 900 +s :o,${alice}:0`);
    expect(model.status('#lounge')).to.deep.equal({ anna: '', arno: '', alice: 'op' });
    expect(model.modes('#lounge')).to.deep.equal({ secret: true });
    expect(model.list('#lounge')).to.deep.equal([]);
    expect(kinds(effects)).to.include.members(['reset', 'lists', 'joined']);
    expect(model.state.channels.get('#lounge')!.ts).to.equal(900);
  });

  it('an equally old channel of theirs is merged', () => {
    const model = shared();
    model.theirs(`:0AA FJOIN #lounge 1000 +s :o,${alice}:0`, ':0AA FMODE #lounge 1000 +b *!*@worse.example');
    expect(model.status('#lounge')).to.deep.equal({ anna: 'op', arno: 'voice', alice: 'op' });
    expect(model.modes('#lounge')).to.deep.equal({ moderated: true, key: 'key', secret: true });
    expect(model.list('#lounge')).to.deep.equal(['*!*@bad.example', '*!*@worse.example']);
  });

  it('a newer channel of theirs brings its people without status, and nothing else', () => {
    const model = shared();
    const effects = model.theirs(`:0AA FJOIN #lounge 1100 +s :o,${alice}:0`, ':0AA FMODE #lounge 1100 +b *!*@worse.example');
    expect(model.status('#lounge')).to.deep.equal({ anna: 'op', arno: 'voice', alice: '' });
    expect(model.modes('#lounge')).to.deep.equal({ moderated: true, key: 'key' });
    expect(model.list('#lounge')).to.deep.equal(['*!*@bad.example']);
    expect(kinds(effects)).to.deep.equal(['joined', 'dropped']);
  });

  it('the same holds when ours come to a channel of theirs', () => {
    for (const [ts, status, modes] of [
      [900, { alice: '', anna: 'op' }, { moderated: true }],
      [1_000, { alice: 'op', anna: 'op' }, { secret: true, moderated: true }],
      [1_100, { alice: 'op', anna: '' }, { secret: true }],
    ] as const) {
      const model = new Model();
      model.user(alice, 'alice');
      model.user(anna, 'anna');
      model.theirs(`:0AA FJOIN #lounge 1000 +s :o,${alice}:0`);
      model.ours(`:9BN FJOIN #lounge ${ts} +m :o,${anna}:0`);
      expect(model.status('#lounge'), String(ts)).to.deep.equal(status);
      expect(model.modes('#lounge'), String(ts)).to.deep.equal(modes);
    }
  });

  it('joins, modes and topics count by the time of the channel', () => {
    const model = shared();
    expect(kinds(model.theirs(`:${alice} IJOIN #lounge 4 1000 o`))).to.deep.equal(['joined']);
    expect(model.status('#lounge')['alice']).to.equal('op');
    expect(kinds(model.theirs(`:${alice} FMODE #lounge 1001 -o ${anna}`))).to.deep.equal(['dropped']);
    expect(kinds(model.theirs(`:${alice} FMODE #lounge 1000 -o ${anna}`))).to.deep.equal(['status']);
    expect(kinds(model.theirs(`:${alice} FTOPIC #lounge 1000 2000 :late`))).to.deep.equal(['topic']);
    expect(kinds(model.theirs(`:${alice} FTOPIC #lounge 1000 1999 :early`))).to.deep.equal([]);
    expect(kinds(model.theirs(`:${alice} FTOPIC #lounge 1000 2000 :lat`))).to.deep.equal([]);
    expect(kinds(model.theirs(`:${alice} FTOPIC #lounge 1000 2000 :later`))).to.deep.equal(['topic']);
    expect(kinds(model.theirs(`:${alice} FTOPIC #lounge 1001 3000 :foreign`))).to.deep.equal(['dropped']);
  });

  it('members leave, are thrown out, and the last one closes the channel', () => {
    const model = shared();
    expect(kinds(model.theirs(`:${alice} PART #lounge :x`))).to.deep.equal(['dropped']);
    model.theirs(`:0AA FJOIN #lounge 1000 + :,${alice}:7 ,${bob}:8`);
    expect(kinds(model.ours(`:${anna} KICK #lounge ${alice} 6 :an earlier visit`))).to.deep.equal(['dropped']);
    expect(kinds(model.ours(`:${anna} KICK #lounge ${alice} 7 :out`))).to.deep.equal(['kicked']);
    expect(kinds(model.theirs(`:${bob} PART #lounge :bye`))).to.deep.equal(['parted']);
    model.ours(`:${anna} PART #lounge :bye`, `:${arno} QUIT :bye`);
    expect(model.state.channels.size).to.equal(0);
  });
});

describe('the model: nicks', () => {
  // Who loses: theirs comes with a nick that one of ours has.
  const cases = [
    { what: 'theirs is older, other people', ts: 900, ident: 'ident', ip: '127.0.0.8', ours: anna, theirs: 'same' },
    { what: 'theirs is newer, other people', ts: 1_100, ident: 'ident', ip: '127.0.0.8', ours: 'same', theirs: alice },
    { what: 'theirs is older, the same person', ts: 900, ident: 'ident', ip: '127.0.0.9', ours: 'same', theirs: alice },
    { what: 'theirs is newer, the same person', ts: 1_100, ident: 'ident', ip: '127.0.0.9', ours: anna, theirs: 'same' },
    { what: 'equally old', ts: 1_000, ident: 'other', ip: '127.0.0.8', ours: anna, theirs: alice },
    { what: 'equally old, the same person', ts: 1_000, ident: 'ident', ip: '127.0.0.9', ours: anna, theirs: alice },
    { what: 'theirs is older, another ident at the same address', ts: 900, ident: 'other', ip: '127.0.0.9', ours: anna, theirs: 'same' },
  ];
  for (const { what, ts, ident, ip, ours, theirs } of cases)
    it(`collision at an introduction: ${what}`, () => {
      const model = new Model();
      model.user(anna, 'same', 1_000);
      const effects = model.user(alice, 'same', ts, ident, ip);
      expect([model.nick(anna), model.nick(alice)]).to.deep.equal([ours, theirs]);
      expect(kinds(effects).includes('nick-lost'), 'ours is told').to.equal(ours === anna);
      const saves = effects.flatMap((effect) => (effect.kind === 'answer' ? [effect.fact] : []));
      expect(saves).to.deep.equal(theirs === alice ? [{ kind: 'save', source: '9BN', user: alice, ts }] : []);
    });

  it('collision at a nick change, both ways', () => {
    const model = new Model();
    model.user(anna, 'anna', 1_000);
    model.user(alice, 'alice', 900, 'other');
    expect(kinds(model.theirs(`:${alice} NICK anna 1100`))).to.include('answer');
    expect([model.nick(anna), model.nick(alice)]).to.deep.equal(['anna', alice]);
    model.theirs(`:${alice} NICK alice 1200`);
    expect(kinds(model.ours(`:${anna} NICK alice 1300`))).to.include('nick-lost');
    expect([model.nick(anna), model.nick(alice)]).to.deep.equal([anna, 'alice']);
  });

  it('SAVE counts only for the nick of that time', () => {
    const model = new Model();
    model.user(anna, 'anna', 1_000);
    expect(model.theirs(`:0AA SAVE ${anna} 999`)).to.deep.equal([]);
    expect(kinds(model.theirs(`:0AA SAVE ${anna} 1000`))).to.deep.equal(['nick-lost']);
    expect([model.nick(anna), model.state.users.get(anna)!.nickTs]).to.deep.equal([anna, 100]);
    expect(model.theirs(`:0AA SAVE ${anna} 100`)).to.deep.equal([]);
  });

  it('A11 folds as the network does, and finds people by id whatever their nick is now', () => {
    const model = new Model();
    model.user(alice, 'al[ice', 1_000);
    expect(model.state.nicks.get('al{ice')?.id).to.equal(alice);
    model.user(bob, 'bob');
    model.theirs(`:0AA FJOIN #a 5 + :,${alice}:0 ,${bob}:1`);
    model.theirs(`:${alice} NICK carl 1100`, `:${bob} NICK al[ice 1101`, `:0AA FMODE #a 5 +o ${alice}`);
    expect(model.status('#a')).to.deep.equal({ carl: 'op', 'al[ice': '' });
  });

  it('services give one of ours another nick', () => {
    const model = new Model();
    model.user(anna, 'anna');
    expect(model.theirs(`:0AA ENCAP 9BN SVSNICK ${anna} guest7 1000`)).to.deep.equal([
      { kind: 'nick-lost', user: model.state.users.get(anna), wanted: 'guest7' },
    ]);
  });
});

describe('the model: A11 modes', () => {
  it('+b-b keeps each mask with its letter, a letter without parameter takes nobody else’s', () => {
    const model = shared();
    model.theirs(`:0AA FJOIN #lounge 1000 + :,${alice}:1`);
    model.theirs(':0AA FMODE #lounge 1000 +b-b *!*@new.example *!*@bad.example');
    expect(model.list('#lounge')).to.deep.equal(['*!*@new.example']);
    expect(model.theirs(':0AA FMODE #lounge 1000 +o')).to.deep.equal([]);
    model.theirs(`:0AA FMODE #lounge 1000 +Yo-l ${alice}`);
    expect(model.status('#lounge')['alice']).to.equal('op');
    model.theirs(`:0AA FMODE #lounge 1000 -ov+v ${alice} ${anna} ${alice}`);
    expect(model.status('#lounge')).to.include({ alice: 'voice', anna: 'op' });
  });

  it('a mode for somebody who is not inside, or unknown, changes nobody', () => {
    const model = shared();
    const before = model.status('#lounge');
    expect(model.theirs(`:0AA FMODE #lounge 1000 +oo ${bob} 0AAZZZZZZ`)).to.deep.equal([]);
    expect(model.status('#lounge')).to.deep.equal(before);
  });
});

describe('the model: servers', () => {
  it('a split takes everything behind it, once', () => {
    const model = shared();
    model.theirs(':0AA SERVER b.example 1BB :b', ':1BB SERVER c.example 1CC :c', ':0AA SERVER d.example 1DD :d');
    model.user('1BBAAAAAA', 'ben');
    model.user('1CCAAAAAA', 'cid');
    model.user('1DDAAAAAA', 'dan');
    model.theirs(':0AA FJOIN #lounge 1000 + :,1BBAAAAAA:0 ,1CCAAAAAA:0 ,1DDAAAAAA:0');
    const [lost] = model.theirs(':0AA SQUIT 1BB :gone');
    expect(lost).to.include({ kind: 'lost', near: 'inspircd.example', far: 'b.example' });
    expect(lost!.kind === 'lost' ? lost.users.map((user) => user.nick) : []).to.deep.equal(['ben', 'cid']);
    expect(Object.keys(model.status('#lounge'))).to.deep.equal(['anna', 'arno', 'dan']);
    expect([...model.state.servers.keys()]).to.deep.equal(['9BN', '0AA', '1DD']);
  });

  it('SQUIT of us or of the peer ends the link', () => {
    expect(kinds(new Model().theirs(':0AA SQUIT 9BN :off'))).to.deep.equal(['ended']);
    expect(kinds(new Model().theirs(':0AA SQUIT 0AA :off'))).to.deep.equal(['ended']);
  });

  it('A9 a server that exists already is a loop', () => {
    for (const line of [':0AA SERVER irc.banyan.example 1BB :us', ':0AA SERVER x.example 9BN :us', ':0AA SERVER inspircd.example 1BB :it'])
      expect(kinds(new Model().theirs(line)), line).to.deep.equal(['violation']);
  });

  it('a KILL of ours and of theirs', () => {
    const model = shared();
    model.theirs(`:0AA FJOIN #lounge 1000 + :,${alice}:1`);
    expect(kinds(model.theirs(`:${bob} KILL ${anna} :Killed (bob (x))`))).to.deep.equal(['killed']);
    expect(kinds(model.theirs(`:${bob} KILL ${alice} :Killed (bob (x))`))).to.deep.equal(['quit']);
    expect(kinds(model.theirs(`:${bob} KILL ${alice} :again`))).to.deep.equal(['dropped']);
    expect(Object.keys(model.status('#lounge'))).to.deep.equal(['arno']);
  });
});

describe('A9 the model does not believe what is not behind the link', () => {
  const lies = [
    `:${anna} PRIVMSG #lounge :I never said that`,
    `:${anna} NICK eve 5`,
    `:${anna} QUIT :bye`,
    `:${anna} PART #lounge :bye`,
    `:${anna} AWAY 5 :gone`,
    `:${anna} FTOPIC #lounge 1000 5000 :mine`,
    `:${anna} KICK #lounge ${arno} :out`,
    `:${anna} KILL ${arno} :out`,
    `:9BN FMODE #lounge 1000 +o ${alice}`,
    `:9BN FJOIN #lounge 900 + :o,${alice}:0`,
    `:0AA FJOIN #lounge 1000 + :o,${anna}:9`,
    `:0AA FJOIN #new 1000 + :o,${anna}:9`,
    `:9BN METADATA ${anna} accountname :root`,
    ':9BN SERVER evil.example 1EE :behind us',
    ':7ZZ SERVER evil.example 1EE :behind nobody',
    ':9BN BURST 5',
    ':9BN ENDBURST',
    ':7ZZ PING 9BN',
    `:${anna} INVITE ${alice} #lounge 1000 0`,
    `:${anna} IDLE ${arno}`,
    ':7ZZAAAAAA PRIVMSG #lounge :from nowhere',
    `:0AA PRIVMSG ${alice} :to its own`,
  ];
  for (const line of lies)
    it(line, () => {
      const model = shared();
      const before = JSON.stringify([model.status('#lounge'), model.modes('#lounge'), [...model.state.users.keys()]]);
      const effects = kinds(model.theirs(line));
      expect(effects.filter((kind) => kind !== 'dropped')).to.deep.equal([]);
      expect(JSON.stringify([model.status('#lounge'), model.modes('#lounge'), [...model.state.users.keys()]])).to.equal(before);
    });

  it('users of servers that it does not own', () => {
    const model = shared();
    expect(kinds(model.user('7ZZAAAAAA', 'eve'))).to.deep.equal(['dropped']);
    expect(kinds(model.theirs(`:9BN UID 9BNAAAAAZ ${now} eve h.example h.example eve 127.0.0.1 ${now} + :Eve`))).to.deep.equal(['dropped']);
    expect(kinds(model.user(alice, 'eve'))).to.deep.equal(['dropped']);
    expect(model.nick(alice)).to.equal('alice');
  });

  it('stays whole under any lines: every index agrees with every other', () => {
    const ids = [alice, bob, anna, arno, '1BBAAAAAA'];
    const id = fc.constantFrom(...ids);
    const nick = fc.constantFrom('alice', 'bob', 'anna', 'same', 'al[ice');
    const ts = fc.constantFrom(900, 1_000, 1_100);
    const channel = fc.constantFrom('#lounge', '#b');
    const line = fc.oneof(
      fc.tuple(id, ts, nick).map(([one, time, name]) => `:${one.slice(0, 3)} UID ${one} ${time} ${name} h h i 1.1.1.1 ${time} + :r`),
      fc.tuple(id, nick, ts).map(([one, name, time]) => `:${one} NICK ${name} ${time}`),
      fc.tuple(id, ts).map(([one, time]) => `:0AA SAVE ${one} ${time}`),
      fc.tuple(channel, ts, id, id).map(([name, time, a, b]) => `:0AA FJOIN ${name} ${time} +s :o,${a}:1 ,${b}:2`),
      fc.tuple(channel, ts, id).map(([name, time, a]) => `:9BN FJOIN ${name} ${time} + :o,${a}:1`),
      fc.tuple(channel, id).map(([name, a]) => `:0AA KICK ${name} ${a} :x`),
      fc.tuple(id, channel).map(([a, name]) => `:${a} PART ${name} :x`),
      id.map((a) => `:${a} QUIT :x`),
      id.map((a) => `:0AA KILL ${a} :x`),
      fc.constantFrom(':0AA SERVER b.example 1BB :b', ':0AA SQUIT 1BB :x', ':1BB ENDBURST'),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('theirs' as const, 'ours' as const), line), { maxLength: 60 }), (script) => {
        const model = new Model();
        for (const [side, text] of script) model.lines(side, text);
        const { users, nicks, channels, rules } = model.state;
        expect(nicks.size).to.equal(users.size);
        for (const user of users.values()) {
          expect(nicks.get(rules.fold(user.nick))).to.equal(user);
          expect(user.gone).to.equal(false);
          for (const one of user.channels) expect(one.members.has(user) && channels.get(rules.fold(one.name)) === one).to.equal(true);
        }
        for (const one of channels.values())
          for (const [user, member] of one.members)
            expect(member.user === user && users.get(user.id) === user && user.channels.has(one)).to.equal(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the model: a recorded meeting of two real servers', () => {
  it('ends as it did for both', () => {
    const model = new Model();
    // The recorded A is the peer; B speaks for us under its own id, so that both are seen as they were.
    for (const text of recorded('inspircd-pair.txt')) {
      const [who, ...words] = text.split(' ');
      const line = words.join(' ');
      if (line.startsWith('CAPAB') || line.startsWith('SERVER')) continue;
      if (/(?:QUIT|PART|KICK)/.test(line)) break;
      model.lines(who === 'A' ? 'theirs' : 'ours', line.replaceAll('1AA', '9BN'));
    }
    expect(model.status('#shared')).to.include({ anna2: 'op', andy: 'voice', berta: 'op', bill: 'op' });
    expect(model.nick('0AAAAAAAE')).to.equal('0AAAAAAAE');
    expect(model.nick('9BNAAAAAD')).to.equal('clash');
  });
});
