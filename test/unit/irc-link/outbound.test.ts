/** Private messages to people of a network: what waits, what crosses, what comes back to its author. */
import { expect } from 'chai';
import { bounceForRemoved } from '../../../plugins/irc-link/bridge/removed.ts';
import type { UserAddress } from '../../../server/model/address.ts';
import { plainText } from '../../../server/model/text.ts';
import { guest, quiet, refusalOf, signedIn, text, value, type Recorder } from '../core/support.ts';
import { BridgeTest } from './bridge-support.ts';

const uid = (id: string, nick: string, host = 'h.example'): string =>
  `:0AA UID 0AAAAAAA${id} 1500000000 ${nick} ${host} ${host} ident 127.0.0.9 1500000000 + :Real`;
const alice = uid('B', 'alice');
const bob = uid('C', 'bob');
const channel = ':0AA FJOIN #lounge 1500000000 +nt :o,0AAAAAAAB:1';
const addressOf = (nick: string): UserAddress => `irc:net@chat.example/${nick}` as UserAddress;

describe('private messages into an IRC network', () => {
  let test: BridgeTest;
  let anna: Recorder;

  async function begin(options: object = {}): Promise<void> {
    test = await BridgeTest.start(options);
    anna = guest(test.core, 'anna');
    await test.link(alice, bob, channel);
    await test.sent();
  }
  const tell = async (plain: string, to = 'alice', from = anna): Promise<unknown> =>
    value(await test.core.users.sendPrivate(from.session.user, addressOf(to), text(plain)));
  /** Private messages that crossed since the last time: to whom, and what. */
  const crossed = async (): Promise<string[]> =>
    (await test.sent()).flatMap((line) => {
      const found = /^:\S+ (?:PRIVMSG|NOTICE) 0AAAAAAA(\w) :(.*)$/.exec(line);
      return found === null ? [] : [`${found[1]} ${found[2]}`];
    });
  const notices = async (who = anna): Promise<string[]> => {
    await test.settle();
    return who.take().flatMap((line) => /^private <banyan> to \w+: (.*)$/.exec(line)?.[1] ?? []);
  };
  const beat = async (): Promise<void> => {
    test.clock.advance(1_000);
    test.bridge.beat(false);
    await test.settle();
  };

  it('wait while the link is away, which is told once, and cross once, in order, with their time', async () => {
    await begin();
    test.bridge.unlinked('cut');
    const born = test.clock.now();
    await tell('one');
    test.clock.advance(60_000);
    value(await test.core.users.sendPrivate(anna.session.user, addressOf('alice'), { text: plainText('waves'), style: 'action' }));
    value(await test.core.users.sendPrivate(anna.session.user, addressOf('bob'), { text: plainText('note'), style: 'notice' }));
    expect(test.bridge.waiting).to.equal(3);
    expect(await notices()).to.deep.equal(['The link to net is away: what you write to alice waits, for at most 60 minutes.']);
    test.clock.advance(10_000);
    await test.link(alice, bob, channel);
    await test.settle();
    const time = new Date(born).toISOString();
    expect(test.peer.sent.filter((line) => line.includes(`time=${time}`) && line.endsWith('one'))).to.have.lengthOf(1);
    // Over there people are shown the time of their server: what is older says when it was said.
    expect(await crossed()).to.deep.equal([`B (said ${time.slice(11, 16)} UTC) one`, 'B \u0001ACTION waves\u0001', 'C note']);
    await beat();
    await test.receive(':0AA PONG 9BN');
    expect([test.bridge.waiting, await notices()]).to.deep.equal([0, []]);
    test.bridge.unlinked('cut');
    await test.link(alice, bob, channel);
    expect(await crossed()).to.deep.equal([]);
  });

  it('cross in the middle of a burst too, and outlast kill -9', async () => {
    await begin();
    test.bridge.unlinked('cut');
    await tell('before the kill');
    await test.reopen();
    // Nobody knows any more who was there: alice may have been.
    await tell('after the start');
    expect(refusalOf(await test.core.users.sendPrivate(anna.session.user, addressOf('no!body'), text('x')))).to.equal('no-such-user');
    await test.link(alice, channel);
    expect(await crossed()).to.deep.equal(['B before the kill', 'B after the start']);
  });

  it('that were not proved when the link broke are said again, marked; no others', async () => {
    await begin();
    await tell('proved');
    await beat();
    await test.receive(':0AA PONG 9BN');
    await tell('written');
    expect(await crossed()).to.deep.equal(['B proved', 'B written']);
    test.bridge.unlinked('cut');
    await tell('waited');
    await test.link(alice, channel);
    expect(await crossed()).to.deep.equal(['B (again) written', 'B waited']);
    await test.reopen();
    await test.link(alice, channel);
    expect(await crossed(), 'it died without knowing what it had written').to.deep.equal(['B (again) written', 'B (again) waited']);
  });

  it('come back to who wrote them when the person does not come back, or somebody else has the nick', async () => {
    await begin();
    test.bridge.unlinked('cut');
    await tell('to alice');
    await tell('to bob', 'bob');
    expect(refusalOf(await test.core.users.sendPrivate(anna.session.user, addressOf('carl'), text('was never there')))).to.equal(
      'no-such-user',
    );
    await notices();
    await test.link(uid('D', 'alice', 'other.example'), channel.replace('AAB', 'AAD'));
    expect(await crossed()).to.deep.equal([]);
    expect(await notices()).to.deep.equal([
      'Your message to alice was not delivered (that person did not come back with the network). It was: to alice',
      'Your message to bob was not delivered (that person did not come back with the network). It was: to bob',
    ]);
    expect(test.bridge.waiting).to.equal(0);
  });

  it('reach who has another nick meanwhile, or came back by another connection', async () => {
    await begin();
    test.bridge.unlinked('cut');
    await tell('to alice');
    await tell('to bob', 'bob');
    await test.link(alice.replace(' alice ', ' alicia '), uid('D', 'bob'), channel);
    expect(await crossed()).to.deep.equal(['B to alice', 'D to bob']);
  });

  it('come back while the link is away when they are too old or too many', async () => {
    await begin({ replay_events: 3, replay_minutes: 10 });
    test.bridge.unlinked('cut');
    await tell('old');
    test.clock.advance(9 * 60_000);
    expect((await notices()).filter((line) => line.includes('old'))).to.deep.equal([]);
    test.clock.advance(2 * 60_000);
    expect(await notices()).to.deep.equal([
      'Your message to alice was not delivered (net was out of reach for more than 10 minutes). It was: old',
    ]);
    for (let n = 0; n < 5; n++) await tell(`line ${n}`);
    expect(await notices()).to.deep.equal(
      [0, 1].map((n) => `Your message to alice was not delivered (more than 3 messages wait for net). It was: line ${n}`),
    );
    await test.link(alice, channel);
    expect(await crossed()).to.deep.equal(['B line 2', 'B line 3', 'B line 4']);
    expect(test.bridge.dropped.byReason).to.deep.equal({ 'a private message or an invitation that could not be delivered': 3 });
  });

  it('do not wait where the configuration keeps nothing', async () => {
    await begin({ replay_events: 0 });
    test.bridge.unlinked('cut');
    expect(refusalOf(await test.core.users.sendPrivate(anna.session.user, addressOf('alice'), text('x')))).to.equal('no-such-user');
  });

  it('of somebody who has gone are said by that person, who comes back for it', async () => {
    await begin();
    const gone = guest(test.core, 'gone');
    test.bridge.unlinked('cut');
    await tell('my last words', 'alice', gone);
    test.core.users.disconnect(gone.session, 'bye');
    await quiet();
    await test.link(alice, channel);
    const lines = await test.sent();
    const ghost = lines.find((line) => / UID \S+ \d+ gone /.test(line))!.split(' ')[2]!;
    expect(lines.filter((line) => line.includes(ghost)).map((line) => line.split(' ')[1])).to.deep.equal(['UID', 'PRIVMSG', 'QUIT']);
  });

  it('of somebody whom the network throws out meanwhile are not said', async () => {
    await begin();
    test.bridge.unlinked('cut');
    for (let n = 0; n < 60; n++) await tell(`line ${n}`);
    await test.link(alice, channel);
    const id = (await test.sent()).find((line) => / UID \S+ \d+ anna /.test(line))!.split(' ')[2]!;
    await test.receive(`:0AAAAAAAB KILL ${id} :Killed (alice (spam))`);
    await notices();
    test.clock.advance(10_000);
    expect((await crossed()).length).to.equal(0);
    expect((await notices()).filter((line) => line.includes('that network threw you out'))).to.have.lengthOf(10);
  });

  it('of somebody whom an administrator here throws out meanwhile are not said, nor what that person said in rooms', async () => {
    await begin();
    const [spammer, carl] = [guest(test.core, 'spammer'), guest(test.core, 'carl')];
    const room = test.core.rooms.byName('lounge')!;
    test.bridge.unlinked('cut');
    value(await test.core.rooms.join(carl.session.user, 'lounge', { session: carl.session }));
    value(await test.core.rooms.say(carl.session.user, room, text('buy')));
    await tell('buy', 'alice', spammer);
    await tell('kept', 'alice');
    test.clock.advance(1_000);
    test.core.users.kill(spammer.session.user, 'spam');
    test.core.users.kill(carl.session.user, 'spam');
    test.core.users.disconnect(anna.session, 'bye');
    await test.settle();
    await test.link(alice, channel);
    const lines = await test.sent();
    expect(lines.filter((line) => /PRIVMSG|NOTICE/.test(line)).map((line) => line.replace(/^\S+ /, ''))).to.deep.equal([
      'NOTICE #lounge :Left out of what was said while this link was down: 1 messages.',
      'PRIVMSG 0AAAAAAAB :kept',
    ]);
  });

  it('cross at a limited rate, and what is said meanwhile comes after them', async () => {
    await begin();
    test.bridge.unlinked('cut');
    for (let n = 0; n < 100; n++) await tell(`line ${n}`);
    await test.link(alice, channel);
    const first = await crossed();
    expect(first.length).to.be.within(1, 60);
    await tell('the last');
    expect(await crossed()).to.deep.equal([]);
    const later: string[] = [];
    for (let n = 0; n < 20; n++) {
      test.clock.advance(100);
      later.push(...(await crossed()));
    }
    expect([...first, ...later]).to.deep.equal([...Array.from({ length: 100 }, (_, n) => `B line ${n}`), 'B the last']);
  });

  it('of people of other networks wait in this network’s log only, cross by them, and come back to them', async () => {
    await begin();
    const told: string[] = [];
    const network = test.core.networks.declare(
      { address: 'xmpp:far.example' as never, title: 'far.example', label: 'far.example' },
      {
        privateMessage: ({ content }) => told.push(content.kind === 'private' ? `${content.author.nick}: ${content.text.plain}` : ''),
        unicast: () => undefined,
        userChanged: () => undefined,
        killed: () => undefined,
      },
    );
    const facts = { nick: 'xena', ident: 'xmpp', host: 'far.example', realName: 'xena' };
    const [xena] = network.introduce([{ address: 'xmpp:xena@far.example' as UserAddress, ...facts }]);
    test.bridge.unlinked('cut');
    for (const to of ['alice', 'bob']) value(await network.privateMessage(xena!, addressOf(to), text(`to ${to}`)));
    // A notice of a service is answered with none, so that two services never talk.
    value(await network.privateMessage(xena!, addressOf('bob'), { text: plainText('note'), style: 'notice' }));
    await test.link(alice, channel);
    const lines = await test.sent();
    const id = lines.find((line) => / UID \S+ \d+ xena /.test(line))!.split(' ')[2]!;
    expect(lines.filter((line) => line.includes('PRIVMSG'))).to.deep.equal([`:${id} PRIVMSG 0AAAAAAAB :to alice`]);
    const back = (what: string): string =>
      `banyan: Your message to bob was not delivered (that person did not come back with the network). It was: ${what}`;
    const waits = (to: string): string => `banyan: The link to net is away: what you write to ${to} waits, for at most 60 minutes.`;
    expect(told).to.deep.equal([waits('alice'), waits('bob'), back('to bob'), back('note')]);
    expect(network.outbound.last).to.equal(4);
  });

  it('come back when the link is taken out of the configuration, to an account that is away too', async () => {
    await begin();
    value(await test.core.accounts.add('dora', 'a-long-password', false));
    const dora = signedIn(test.core, 'dora');
    test.bridge.unlinked('cut');
    await tell('to nobody', 'alice', dora);
    test.core.users.disconnect(dora.session, 'bye');
    await test.bridge.stop();
    await bounceForRemoved(test.host, new Set(['net']));
    await bounceForRemoved(test.host, new Set(['other']));
    await bounceForRemoved(test.host, new Set(['other']));
    const again = signedIn(test.core, 'dora');
    const inbox = await test.core.users.readPrivate(again.session.user, { limit: 10 });
    expect(
      inbox.map(({ content }) => (content.kind === 'private' ? content.text.plain : '')).filter((line) => line.startsWith('Your')),
    ).to.deep.equal(['Your message to alice was not delivered (the link to net was removed). It was: to nobody']);
    expect([...test.core.networks.all()]).to.deep.equal([]);
  });
});
