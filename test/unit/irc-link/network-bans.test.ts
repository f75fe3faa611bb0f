/** Bans of a whole network (G, K, Z, E, Q, SHUN), held against our people in that network's view alone. */
import { expect } from 'chai';
import type { Room } from '../../../server/contract/rooms.ts';
import { guest, quiet, text, value, type Recorder } from '../core/support.ts';
import { BridgeTest } from './bridge-support.ts';

const alice = ':0AA UID 0AAAAAAAB 1500000000 alice h.example h.example alice 127.0.0.9 1500000000 + :Alice';
const channel = ':0AA FJOIN #lounge 1500000000 +nt :o,0AAAAAAAB:1';

describe('bans of a whole IRC network', () => {
  let test: BridgeTest;
  let room: Room;
  let anna: Recorder;
  let now: number;

  beforeEach(async () => {
    test = await BridgeTest.start();
    now = Math.floor(test.clock.now() / 1_000);
    room = test.core.rooms.byName('lounge')!;
    anna = guest(test.core, 'anna');
    value(await test.core.rooms.join(anna.session.user, 'lounge', { session: anna.session }));
    await quiet();
    anna.take();
  });

  const add = (type: string, mask: string, seconds = 0, reason = 'not wanted'): string =>
    `:0AA ADDLINE ${type} ${mask} oper ${now} ${seconds} :${reason}`;
  const there = (): string[] =>
    [...test.bridge.standing!.live.state.users.values()].filter((user) => user.ours && !user.bot).map((user) => user.nick);
  const told = (): string[] => anna.take().filter((line) => /private.*(?:banned|called)/.test(line));
  const beat = async (seconds = 1): Promise<void> => {
    test.clock.advance(seconds * 1_000);
    test.bridge.beat(false);
    await test.settle();
    test.bridge.beat(false);
    await test.settle();
  };
  const isInside = (): boolean => room.members.has(anna.session.user.id);

  it('are known from the burst: who is met is not introduced, is told once with the reason, and stays here', async () => {
    await test.link(add('G', '*@192.0.2.*'), add('G', 'other@*'), add('G', '*@*', 3_600, 'closed today'), alice, channel);
    expect(there()).to.deep.equal([]);
    const until = new Date((now + 3_600) * 1_000).toISOString();
    expect(told()).to.deep.equal([
      `private <banyan> to anna: net has banned you (G-line until ${until}): closed today. So you are not there, and not heard.`,
    ]);
    value(await test.core.rooms.say(anna.session.user, room, text('hello')));
    await beat();
    expect(await test.said()).to.deep.equal([]);
    expect(told()).to.deep.equal([]);
    expect(isInside()).to.equal(true);
    test.bridge.unlinked('gone');
    await test.link(add('G', '*@*', 3_600, 'closed today'), alice, channel);
    expect(told()).to.deep.equal([]);
  });

  for (const [type, mask] of [
    ['G', '*@*.example'],
    ['K', '*@*'],
    ['Z', '0.0.0.0'],
    ['Z', '0.0.0.0/8'],
    ['G', 'ANNA!*@*'],
  ] as const)
    it(`${type} ${mask}: whom it meets quits there with the reason; DELLINE lets in again`, async () => {
      await test.link(alice, channel);
      expect(there()).to.deep.equal(['anna']);
      await test.sent();
      await test.receive(add(type, mask === '*@*.example' ? `*@${anna.session.user.host}` : mask));
      expect((await test.sent()).filter((line) => line.includes('QUIT')).map((line) => line.replace(/^\S+ /, ''))).to.deep.equal([
        `QUIT :${type}-line: not wanted`,
      ]);
      expect(there()).to.deep.equal([]);
      expect(isInside()).to.equal(true);
      await test.receive(`:0AAAAAAAB DELLINE ${type} ${mask === '*@*.example' ? `*@${anna.session.user.host}` : mask}`);
      await beat();
      expect(there()).to.deep.equal(['anna']);
      value(await test.core.rooms.say(anna.session.user, room, text('back')));
      expect(await test.said()).to.deep.equal(['back']);
    });

  it('end with their time', async () => {
    await test.link(add('G', '*@*', 60), add('G', 'stale@*', 0), alice, channel);
    await beat(30);
    expect(there()).to.deep.equal([]);
    await beat(31);
    expect(there()).to.deep.equal(['anna']);
    // Who is banned anew is told anew.
    told();
    await test.receive(add('G', '*@*'));
    expect(told()).to.have.lengthOf(1);
  });

  it('E excepts from G, K and Z, as long as it stands', async () => {
    await test.link(add('G', '*@*'), alice, channel);
    expect(there()).to.deep.equal([]);
    await test.receive(add('E', `*@${anna.session.user.host}`));
    await beat();
    expect(there()).to.deep.equal(['anna']);
    await test.receive(`:0AA DELLINE E *@${anna.session.user.host}`);
    expect(there()).to.deep.equal([]);
  });

  it('Q keeps a nick free: who would have it gets another, who has it takes another', async () => {
    await test.link(add('Q', 'ann?', 0, 'reserved'), alice, channel);
    expect(there()).to.deep.equal(['anna|chat']);
    expect(told()).to.deep.equal([
      'private <banyan> to anna: On net you are called anna|chat: your nick is reserved there (Q-line: reserved).',
    ]);
    const bert = guest(test.core, 'bert');
    value(await test.core.rooms.join(bert.session.user, 'lounge', { session: bert.session }));
    await test.settle();
    expect(there()).to.include('bert');
    await test.receive(add('Q', 'bert'), add('SVSHOLD', 'banyan'));
    expect(there()).to.include('bert|chat').and.not.include('bert');
    expect(test.bridge.standing!.service!.nick).to.equal('banyan-');
  });

  it('A9 a mask that reserves every nick keeps nobody out, and ends no loop', async () => {
    await test.link(add('Q', '*'), alice, channel);
    expect(there()).to.have.lengthOf(1);
    expect(test.bridge.standing!.service!.gone).to.equal(false);
    await test.receive(...Array.from({ length: 50 }, () => add('Q', '*')));
    expect(there()).to.have.lengthOf(1);
  });

  it('SHUN: who is met stays there and is not heard, privately neither', async () => {
    await test.link(alice, channel);
    await test.receive(add('SHUN', 'anna!*@*'));
    expect(there()).to.deep.equal(['anna']);
    expect(told()).to.have.lengthOf(1);
    value(await test.core.rooms.say(anna.session.user, room, text('hello')));
    const other = test.bridge.network.users.values().next().value!;
    value(await test.core.users.sendPrivate(anna.session.user, other.address, text('psst')));
    await test.settle();
    expect((await test.sent()).filter((line) => line.includes('PRIVMSG'))).to.deep.equal([]);
    expect(anna.take().join('\n')).to.include('Your message to alice was not delivered (that network has banned you). It was: psst');
    await test.receive(':0AA DELLINE SHUN anna!*@*');
    value(await test.core.rooms.say(anna.session.user, room, text('again')));
    expect(await test.said()).to.deep.equal(['again']);
  });

  it('bounce what somebody whom they meet writes privately', async () => {
    await test.link(add('G', '*@*'), alice, channel);
    anna.take();
    const other = test.bridge.network.users.values().next().value!;
    value(await test.core.users.sendPrivate(anna.session.user, other.address, text('psst')));
    await test.settle();
    expect(anna.take().join('\n')).to.include('Your message to alice was not delivered (that network has banned you). It was: psst');
    expect((await test.sent()).filter((line) => line.includes('PRIVMSG'))).to.deep.equal([]);
  });

  it('A9 count for nothing from somebody who is not behind the link, and beyond a measure are not kept', async () => {
    await test.link(alice, channel);
    await test.receive(
      `:9BN ADDLINE G *@* oper ${now} 0 :forged`,
      ':1ZZ ADDLINE G *@* oper 1 0 :stranger',
      ':0AA ADDLINE G *@* oper never 0 :malformed',
      ':0AA ADDLINE R .* oper 1 0 :an expression',
      ':0AA DELLINE G nobody@*',
    );
    expect(there()).to.deep.equal(['anna']);
    // In pieces, since what comes at once is worked off in slices.
    for (let n = 0; n < 5_100; n += 50) await test.receive(...Array.from({ length: 50 }, (_, i) => add('G', `u${n + i}@*`)));
    await test.receive(add('G', '*@*'));
    expect(there()).to.deep.equal(['anna']);
    expect(test.bridge.standing!.live.state.bans.size).to.equal(5_000);
  });

  it('A21 with times far beyond all calendars are told with one that can be written', async () => {
    await test.link(alice, channel);
    await test.receive(`:0AA ADDLINE G *@* oper ${now} 999999999999999 :for ever`);
    expect(told().join()).to.include('G-line until 9999-12-31T23:59:59.000Z');
  });
});
