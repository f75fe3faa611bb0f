/** The bridge: what crosses, what is proved, what is said again. */
import { expect } from 'chai';
import type { Room } from '../../../server/contract/rooms.ts';
import { guest, quiet, text, value, type Recorder } from '../core/support.ts';
import { eventually } from '../../support/wait.ts';
import { BridgeTest } from './bridge-support.ts';

const alice = ':0AA UID 0AAAAAAAB 1500000000 alice h.example h.example alice 127.0.0.9 1500000000 + :Alice';
const channel = ':0AA FJOIN #lounge 1500000000 +nt :o,0AAAAAAAB:1';

describe('the bridge of an IRC link', () => {
  let test: BridgeTest;
  let room: Room;
  let anna: Recorder;

  async function begin(options: object = {}): Promise<void> {
    test = await BridgeTest.start(options);
    room = test.core.rooms.byName('lounge')!;
    anna = await enter('anna');
  }
  async function enter(nick: string): Promise<Recorder> {
    const recorder = guest(test.core, nick);
    value(await test.core.rooms.join(recorder.session.user, 'lounge', { session: recorder.session }));
    await quiet();
    return recorder;
  }
  const say = async (who: Recorder, plain: string): Promise<unknown> =>
    value(await test.core.rooms.say(who.session.user, room, text(plain)));
  const beat = async (): Promise<void> => {
    test.clock.advance(1_000);
    test.bridge.beat(false);
    await test.settle();
  };

  it('loses nothing that comes in one packet with the handshake', async () => {
    await begin();
    await test.link(alice, channel);
    expect(anna.take()).to.include('lounge joined alice');
    const lines = await test.sent();
    expect(lines.filter((line) => line.includes('FJOIN'))).to.have.length(1);
    expect(lines.find((line) => line.includes('FJOIN'))).to.match(/^:9BN FJOIN #lounge 1500000000 \+ :o,9BNAAAAAA:0 ,9BNAAAAAB:1$/);
  });

  it('A20 a burst within a burst, twice over: everybody comes in once, our people enter once', async () => {
    await begin();
    await test.link(alice, channel, ':0AA ENDBURST', ':0AA ENDBURST', ':0AA BURST 5');
    await test.receive(
      ':0AA BURST 5',
      alice.replace('AAB', 'AAC').replaceAll('alice', 'bob'),
      ':0AA IJOIN #lounge 7',
      channel.replace('AAB:1', 'AAC:2'),
    );
    expect(anna.take().filter((line) => line.includes('joined'))).to.deep.equal(['lounge joined anna', 'lounge joined alice']);
    await test.receive(':0AA ENDBURST', ':0AA ENDBURST');
    expect(anna.take().filter((line) => line.includes('joined'))).to.deep.equal(['lounge joined bob']);
    expect((await test.sent()).filter((line) => line.includes('FJOIN'))).to.have.length(1);
  });

  it('takes thousands in as several changes, and who left in between stays out', async () => {
    await begin();
    const id = (n: number): string => `0AAB${n.toString(36).toUpperCase().padStart(5, '0')}`;
    const all = Array.from({ length: 1_200 }, (_, n) => n);
    const introductions = all.map((n) => alice.replace('0AAAAAAAB', id(n)).replaceAll('alice', `many${n}`));
    const joins = all.map((n) => `:0AA FJOIN #lounge 1500000000 +nt :,${id(n)}:1`);
    const linked = test.link(...introductions, ...joins);
    while (room.members.size < 2) await new Promise(setImmediate);
    expect(room.members.size, 'some are in, not all').to.be.below(1_000);
    test.peer.receive(`:${id(1_199)} QUIT :gone`, `:${id(1_198)} PART #lounge :gone`);
    await linked;
    await eventually('all to be in', () => room.members.size >= 1_199);
    await test.settle();
    const nicks = [...room.members.values()].map((member) => member.nick);
    expect(nicks).to.include.members(['anna', 'many0', 'many500', 'many1197']);
    expect(nicks.filter((nick) => nick.startsWith('many'))).to.have.length(1_198);
  });

  it('asks for a proof of what it wrote, one at a time; what was not proved is said again, marked', async () => {
    await begin();
    await test.link(alice, channel);
    await beat();
    await test.receive(':0AA PONG 9BN');
    await say(anna, 'proved');
    await beat();
    expect((await test.sent()).filter((line) => line.includes('PING'))).to.have.length(1);
    await beat();
    expect(
      (await test.sent()).filter((line) => line.includes('PING')),
      'one is outstanding',
    ).to.have.length(0);
    await test.receive(':0AA PONG 9BN');
    await say(anna, 'written');
    expect(await test.said()).to.deep.equal(['written']);
    test.bridge.unlinked('cut');
    await say(anna, 'waited');
    await test.link(alice, channel);
    expect(await test.said()).to.deep.equal(['(again) written', 'waited']);
  });

  it('does not know after an unclean stop what was written: everything since the last proof is marked', async () => {
    await begin();
    await test.link(alice, channel);
    await beat();
    await test.receive(':0AA PONG 9BN');
    await beat();
    await say(anna, 'before the stop');
    await test.reopen();
    await say(anna, 'after the start');
    await test.link(alice, channel);
    expect(await test.said()).to.deep.equal(['(again) before the stop', 'after the start']);
  });

  it('leaves out what is too much or too old, and says how much', async () => {
    await begin({ replay_events: 3, replay_minutes: 10 });
    await test.link(alice, channel);
    test.bridge.unlinked('cut');
    await say(anna, 'too old');
    test.clock.advance(11 * 60_000);
    for (let n = 0; n < 5; n++) await say(anna, `line ${n}`);
    await test.link(alice, channel);
    expect(await test.said()).to.deep.equal([
      'Left out of what was said while this link was down: 3 messages.',
      'line 2',
      'line 3',
      'line 4',
    ]);
  });

  it('brings back who has gone to say what was said, unless thrown out since', async () => {
    await begin();
    await test.link(alice, channel);
    const gone = await enter('gone');
    const kicked = await enter('kicked');
    await say(kicked, 'bad words');
    const id = (await test.sent()).find((line) => / UID \S+ \d+ kicked /.test(line))!.split(' ')[2]!;
    await test.receive(`:0AAAAAAAB KICK #lounge ${id} :out`);
    expect(room.memberByNick('kicked')).to.equal(undefined);
    test.bridge.unlinked('cut');
    await say(gone, 'my last words');
    test.core.users.disconnect(gone.session, 'bye');
    await quiet();
    await test.link(alice, channel);
    const lines = await test.sent();
    const ghost = lines.find((line) => / UID \S+ \d+ gone /.test(line))!.split(' ')[2]!;
    const about = lines.filter((line) => line.includes(ghost));
    expect(about.map((line) => line.split(' ')[1])).to.deep.equal(['UID', 'FJOIN', 'PRIVMSG', 'QUIT']);
    expect(about[1]).to.match(/:,/);
    expect(lines.some((line) => line.includes('bad words'))).to.equal(false);
    expect(lines.some((line) => line.includes('1 messages'))).to.equal(true);
  });

  it('carries an administrator’s kill of one of theirs, and keeps their kill of one of ours to the shared rooms', async () => {
    await begin();
    await test.link(alice, channel);
    const id = (await test.sent()).find((line) => / UID \S+ \d+ anna /.test(line))!.split(' ')[2]!;
    anna.take();
    await test.receive(`:0AAAAAAAB KILL ${id} :Killed (alice (no more))`);
    expect(anna.take()).to.include('detached lounge');
    expect(test.core.users.get(anna.session.user.id)?.rooms.size).to.equal(0);
    const [foreigner] = [...test.core.networks.all()][0]!.users.values();
    test.core.users.kill(foreigner!, 'spam');
    expect(await test.sent()).to.include(':9BN KILL 0AAAAAAAB :Killed (chat.example (spam))');
    expect(room.members.size).to.equal(0);
  });

  it('retires who shares nothing any more after ten minutes', async () => {
    await begin();
    await test.link(alice, channel);
    const carl = guest(test.core, 'carl');
    const known = [...test.core.networks.all()][0]!.users;
    const [address] = [...known.keys()];
    value(await test.core.users.sendPrivate(carl.session.user, address!, text('hello')));
    expect((await test.sent()).some((line) => line.endsWith('PRIVMSG 0AAAAAAAB :hello'))).to.equal(true);
    test.clock.advance(5 * 60_000);
    await beat();
    expect((await test.sent()).some((line) => line.includes('QUIT'))).to.equal(false);
    test.clock.advance(6 * 60_000);
    await beat();
    expect((await test.sent()).filter((line) => line.includes('QUIT'))).to.have.length(1);
  });

  it('says settings once more after losing them to an older channel, and only once', async () => {
    await begin();
    await test.link(alice);
    await test.sent();
    await test.receive(':0AA FJOIN #lounge 1400000000 + :o,0AAAAAAAB:1');
    const first = await test.sent();
    expect(first.filter((line) => line.includes('FMODE #lounge 1400000000')).join(' ')).to.match(/\+o/);
    await test.receive(':0AA FJOIN #lounge 1300000000 + :', ':0AA FJOIN #lounge 1200000000 + :');
    expect((await test.sent()).filter((line) => line.includes('FMODE'))).to.deep.equal([]);
  });

  it('A24 a failure of ours in one line closes this link and nothing else', async () => {
    await begin();
    await test.link(alice, channel);
    test.bridge.receive = () => {
      throw new Error('a mistake of ours');
    };
    const lines = Array.from({ length: 3_000 }, () => ':0AAAAAAAB AWAY');
    expect(() => {
      try {
        test.peer.receive(...lines);
      } catch {
        // A throw within the connection's own call is for the server to catch, which closes the connection.
        test.peer.connection.destroy('threw');
      }
    }).to.not.throw();
    await test.settle();
    expect(test.peer.open).to.equal(false);
  });

  it('A9 stops reading while thousands of lines wait, and goes on afterwards', async () => {
    await begin();
    await test.link(alice, channel);
    let most = false;
    for (let n = 0; n < 60; n++) {
      test.peer.receive(...Array.from({ length: 1_000 }, (_, i) => `:0AAAAAAAB AWAY ${n} :${i}`));
      most ||= test.peer.paused;
    }
    for (let n = 0; n < 2_000 && test.peer.paused; n++) await quiet();
    expect([most, test.peer.paused]).to.deep.equal([true, false]);
  });
});
