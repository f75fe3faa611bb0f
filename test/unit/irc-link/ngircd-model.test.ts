/** A network of ngIRCds in the model: nicks are ids, nothing has a time, collisions throw out. */
import { expect } from 'chai';
import { NgircdModel, peerName, us } from './ngircd-support.ts';
import { kinds, recorded } from './support.ts';

const intro = (nick: string, token = '1'): string => `:${peerName} NICK ${nick} 1 ~${nick} 127.0.0.1 ${token} + :Real ${nick}`;

describe('a network without ids and times', () => {
  it('is known after the burst of a real server: people, channels with modes, topics, bans', () => {
    const model = new NgircdModel();
    const effects = model.theirs(...recorded('ngircd-link.txt').slice(6, 13));
    expect(model.nicks()).to.deep.equal(['alice', 'bob', 'opal']);
    const channel = model.state.channels.get('#test')!;
    expect(channel.topic.text).to.equal('hello topic');
    expect(Object.fromEntries(channel.modes)).to.deep.equal({ limit: '50' });
    expect([...channel.lists.get('ban')!]).to.deep.equal(['*!*@bad.example']);
    expect([...channel.members.values()].map(({ user, status }) => [user.nick, ...status])).to.deep.equal([
      ['bob', 'voice'],
      ['alice', 'op'],
    ]);
    expect(kinds(effects).filter((kind) => kind === 'end-of-burst')).to.have.length(1);
    expect(kinds(model.theirs(`:${peerName} PING :${peerName}`))).to.deep.equal(['ping']);
  });

  it('survives everything that a real pair said to each other', () => {
    const model = new NgircdModel();
    const lines = recorded('ngircd-pair.txt').slice(2);
    for (const line of lines) model.theirs(line.replaceAll('ngircd-b.peer.test', peerName));
    expect(model.nicks()).to.deep.equal([]);
  });

  it('keeps what is set when a channel is told of again', () => {
    const model = new NgircdModel();
    model.theirs(intro('bert'), `:${peerName} CHANINFO #a +n :first`, `:${peerName} NJOIN #a :@bert`);
    model.theirs(`:${peerName} CHANINFO #a +m :second`);
    const channel = model.state.channels.get('#a')!;
    expect([channel.topic.text, [...channel.modes.keys()]]).to.deep.equal(['first', ['noextmsg']]);
  });

  it('follows people through their nicks, on the wire too', () => {
    const model = new NgircdModel();
    model.theirs(intro('bert'), `:${peerName} NJOIN #a :bert`, ':bert NICK :bertram', ':bertram MODE bertram :+a');
    model.ours('!us-0', 'anna');
    model.say({ kind: 'members', source: us.id, channel: '#a', ts: 5, modes: [], members: [{ user: '!us-0', status: ['op'] }] });
    model.say({ kind: 'nick', user: '!us-0', nick: 'annette', ts: 6 });
    const bert = [...model.state.users.values()].find((user) => user.nick === 'bertram')!;
    model.say({ kind: 'kick', source: '!us-0', channel: '#a', user: bert.id, reason: 'out' });
    model.say({ kind: 'quit', user: '!us-0', reason: 'bye' });
    expect(model.sent).to.deep.equal([
      ':irc.banyan.example NICK anna 1 anna host.example 1 +i :Real anna',
      ':irc.banyan.example NJOIN #a :@anna',
      ':anna NICK annette',
      ':annette KICK #a bertram :out',
      ':annette QUIT :bye',
    ]);
    expect(bert.away).to.equal('Away');
  });

  it('knows servers behind the peer by their numbers, and loses all of them in a split', () => {
    const model = new NgircdModel();
    model.theirs(
      `:${peerName} SERVER hub.example 2 5 :hub`,
      `:hub.example SERVER leaf.example 3 6 :leaf`,
      intro('hugo', '5'),
      intro('leo', '6'),
    );
    model.theirs(intro('bert'));
    const effects = model.theirs(`:${peerName} SQUIT hub.example :gone`);
    const [lost] = effects;
    expect(lost?.kind === 'lost' && [lost.users.map((user) => user.nick), lost.near, lost.far]).to.deep.equal([
      ['hugo', 'leo'],
      peerName,
      'hub.example',
    ]);
    expect(model.nicks()).to.deep.equal(['bert']);
  });

  it('A9 takes nobody on a server that was not introduced, and no server twice', () => {
    const model = new NgircdModel();
    expect(kinds(model.theirs(intro('eve', '9')))).to.deep.equal(['dropped']);
    expect(kinds(model.theirs(`:${peerName} SERVER ${us.name} 2 5 :loop`))).to.deep.equal(['violation']);
    expect(kinds(model.theirs(`:${peerName} SERVER hub.example 2 1 :the number of the peer`))).to.deep.equal(['violation']);
  });

  it('A9 lets nobody speak for ours', () => {
    const model = new NgircdModel();
    model.ours('!us-0', 'anna');
    for (const line of [':anna QUIT :x', ':anna NICK :eve', ':anna PRIVMSG #a :x', `:${us.name} KILL anna :x`, ':anna MODE anna :+a'])
      expect(kinds(model.theirs(line)), line).to.deep.equal(['dropped']);
    expect(model.nicks()).to.deep.equal(['anna']);
  });
});

describe('nicks that two have at once', () => {
  it('lets ours go that was introduced: the peer throws out both', () => {
    const model = new NgircdModel();
    model.ours('!us-0', 'clash');
    const effects = model.theirs(intro('clash'));
    expect(kinds(effects)).to.deep.equal(['nick-lost']);
    expect(model.nicks()).to.deep.equal(['clash']);
    expect(kinds(model.theirs(`:${peerName} KILL clash :Nick collision`, ':clash QUIT :Nick collision'))).to.deep.equal([
      'quit',
      'dropped',
    ]);
    expect(model.nicks()).to.deep.equal([]);
  });

  it('lets ours leave that was renamed: the peer refused that, and knows it by the nick before', () => {
    const model = new NgircdModel();
    model.ours('!us-0', 'anna');
    model.say({ kind: 'nick', user: '!us-0', nick: 'clash', ts: 6 });
    const effects = model.theirs(intro('clash'));
    expect(kinds(effects)).to.deep.equal(['nick-lost', 'answer']);
    const answer = effects.find((effect) => effect.kind === 'answer');
    expect(answer === undefined ? [] : model.encode(answer.fact)).to.deep.equal([':anna QUIT :Nick collision']);
    expect(model.nicks()).to.deep.equal(['clash']);
  });

  it('lets ours go when a server farther away saw it first', () => {
    const model = new NgircdModel();
    model.ours('!us-0', 'clash');
    const [lost] = model.theirs(`:${peerName} KILL clash :Nick collision`);
    expect(lost?.kind === 'nick-lost' && lost.user.gone).to.equal(true);
  });

  it('takes a kill by an operator for what it is', () => {
    const model = new NgircdModel();
    model.theirs(intro('opal'));
    model.ours('!us-0', 'anna');
    expect(kinds(model.theirs(':opal KILL anna :Nick collision, said opal'))).to.deep.equal(['killed']);
  });
});
