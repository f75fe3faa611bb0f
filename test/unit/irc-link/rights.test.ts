/** What a network may do to rooms and people here: everything that it does happened over there; the rights say what counts here. */
import { expect } from 'chai';
import type { Room } from '../../../server/contract/rooms.ts';
import { guest, quiet, signedIn, text, value, type Recorder } from '../core/support.ts';
import { BridgeTest } from './bridge-support.ts';

const alice = ':0AA UID 0AAAAAAAB 1500000000 alice h.example h.example alice 127.0.0.9 1500000000 + :Alice';
const channel = ':0AA FJOIN #lounge 1500000000 +nt :o,0AAAAAAAB:1';

describe('rights of an IRC link', () => {
  let test: BridgeTest;
  let room: Room;
  let anna: Recorder;
  let id: string;

  async function begin(rights: readonly string[] | undefined): Promise<void> {
    const network = {
      label: 'net',
      server_name: 'irc.banyan.example',
      server_id: '9BN',
      peer_name: 'inspircd.example',
      tls: false,
      password_send: 'out',
      password_receive: 'in',
      rooms: ['lounge'],
    };
    test = await BridgeTest.start({ networks: [rights === undefined ? network : { ...network, rights }] });
    room = test.core.rooms.byName('lounge')!;
    anna = guest(test.core, 'anna');
    value(await test.core.rooms.join(anna.session.user, 'lounge', { session: anna.session }));
    await quiet();
    await test.link(alice, channel);
    id = (await test.sent()).flatMap((line) => /UID (\S+) \d+ anna /.exec(line)?.[1] ?? [])[0]!;
    anna.take();
  }
  const isInside = (): boolean => room.members.has(anna.session.user.id);
  const beat = async (): Promise<void> => {
    test.clock.advance(1_000);
    test.bridge.beat(false);
    await test.settle();
  };
  const isThere = (): boolean =>
    [...test.bridge.standing!.live.state.channels.values()].some((one) => [...one.members.keys()].some((user) => user.id === id));
  const operator = (): boolean => [...room.members.values()].find((member) => member.nick === 'alice')!.operator;

  it('are all there by default', async () => {
    await begin(undefined);
    expect(operator()).to.equal(true);
    await test.receive(':0AAAAAAAB FTOPIC #lounge 1500000000 1900000000 :from there');
    expect(room.topic.text).to.equal('from there');
    await test.receive(`:0AAAAAAAB KICK #lounge ${id} :out`);
    expect(isInside()).to.equal(false);
  });

  it('without "kick": whoever is thrown out there stays here, is not heard there, and goes back with the next visit', async () => {
    await begin(['kill']);
    await test.receive(`:0AAAAAAAB KICK #lounge ${id} :out`);
    expect(isInside()).to.equal(true);
    value(await test.core.rooms.say(anna.session.user, room, text('still here')));
    await test.receive(':0AAAAAAAB FMODE #lounge 1500000000 +b nobody!*@*');
    await beat();
    expect(await test.said()).to.deep.equal([]);
    expect(isThere()).to.equal(false);
    value(test.core.rooms.leave(anna.session.user, room, ''));
    value(await test.core.rooms.join(anna.session.user, 'lounge', { session: anna.session }));
    await test.settle();
    expect(isThere()).to.equal(true);
  });

  it('without "kill": whoever is thrown off the network stays here', async () => {
    await begin([]);
    await test.receive(`:0AAAAAAAB KILL ${id} :no more`);
    expect(isInside()).to.equal(true);
    await test.receive(':0AAAAAAAB FMODE #lounge 1500000000 +b nobody!*@*');
    await beat();
    expect((await test.sent()).filter((line) => / UID /.test(line))).to.deep.equal([]);
  });

  it('without "topic" and "status": the topic here stays, their operators are members here', async () => {
    await begin([]);
    expect(operator()).to.equal(false);
    await test.receive(':0AAAAAAAB FTOPIC #lounge 1500000000 1900000000 :from there');
    expect(room.topic.text).to.equal('');
  });

  it('rename and account: services are obeyed over there, and nobody is somebody else here', async () => {
    await begin(undefined);
    await test.receive(`:0AA SVSNICK ${id} Guest42 1500000001`);
    expect(await test.sent()).to.satisfy((lines: string[]) => lines.some((line) => line.startsWith(`:${id} NICK Guest42 `)));
    expect([...room.members.values()].map((member) => member.nick)).to.include('anna');
    await test.receive(`:0AA METADATA ${id} accountname :anna-there`);
    expect(test.bridge.standing!.live.state.users.get(id)!.account).to.equal('anna-there');
    expect(anna.session.user.account).to.equal(null);
    expect((await test.sent()).filter((line) => line.includes('accountname'))).to.deep.equal([]);
  });

  it('without "rename" and "account": a forced nick changes nothing, ours are who they are here', async () => {
    await begin([]);
    await test.receive(`:0AA SVSNICK ${id} Guest42 1500000001`);
    expect((await test.sent()).filter((line) => line.includes('NICK'))).to.deep.equal([]);
    await test.receive(`:0AA METADATA ${id} accountname :anna-there`);
    expect(await test.sent()).to.deep.equal([`:9BN METADATA ${id} accountname :`]);
  });

  it('SVSPART counts as a kick; SVSJOIN brings into the room by its rules, once; into others it is told', async () => {
    await begin(undefined);
    await test.receive(`:0AA SVSPART ${id} #lounge :go`);
    expect((await test.sent()).filter((line) => line.includes('PART'))).to.deep.equal([`:${id} PART #lounge :go`]);
    expect(isInside()).to.equal(false);
    anna.take();
    await test.receive(`:0AA SVSJOIN ${id} #lounge`);
    expect(isInside()).to.equal(true);
    expect(isThere()).to.equal(true);
    expect(anna.take().join('\n')).to.include('net brought you into the room lounge');
    // It is in already.
    await test.receive(`:0AA SVSJOIN ${id} #lounge`);
    expect(anna.take()).to.deep.equal([]);
    value(test.core.rooms.leave(anna.session.user, room, ''));
    await test.receive(`:0AA SVSJOIN ${id} #lounge`);
    expect(isInside()).to.equal(false);
    expect(anna.take().join('\n')).to.include('net wants you in #lounge');
    await test.receive(`:0AA SVSJOIN ${id} #elsewhere`, `:0AA SVSJOIN 0AAAAAAAB #lounge`, ':0AA SVSPART nobody #elsewhere');
    expect(anna.take().join('\n')).to.include('net wants you in #elsewhere, which is shared with no room here');
  });

  it('A11 SVSJOIN brings nobody where the room would not take that person', async () => {
    await begin(undefined);
    const owner = await administrator();
    value(test.core.rooms.leave(anna.session.user, room, ''));
    value(await test.core.rooms.configure(owner.session.user, room, { membersOnly: true }));
    anna.take();
    await test.receive(`:0AA SVSJOIN ${id} #lounge`);
    expect(isInside()).to.equal(false);
    expect(anna.take().join('\n')).to.match(/net wants you in #lounge, which is the room lounge here\. \S+/);
  });

  /** One of ours who may do everything, in the room. */
  async function administrator(): Promise<Recorder> {
    value(await test.core.accounts.add('owner', 'a-good-password', true));
    const owner = signedIn(test.core, 'owner');
    value(await test.core.rooms.join(owner.session.user, 'lounge', { session: owner.session }));
    return owner;
  }
  const modesSaid = async (): Promise<string[]> => (await test.sent()).flatMap((line) => / FMODE #lounge \d+ (.*)$/.exec(line)?.[1] ?? []);
  const overridden = (): unknown => test.bridge.details()['rooms'];

  it('ban and mode: a ban bars whom it meets there, a moderated channel does not hear who has no voice', async () => {
    await begin(undefined);
    await test.receive(':0AAAAAAAB FMODE #lounge 1500000000 +m', `:0AAAAAAAB FMODE #lounge 1500000000 +b anna!*@*`);
    await beat();
    value(await test.core.rooms.say(anna.session.user, room, text('can you hear me?')));
    const lines = await test.sent();
    expect(lines.filter((line) => /PRIVMSG|FMODE/.test(line))).to.deep.equal([]);
    expect([isInside(), room.bans, room.config.moderated]).to.deep.equal([true, [], false]);
  });

  it('without "ban": nobody of ours is held to it; it is lifted once, and stands there when it is set again', async () => {
    await begin(['mode']);
    await modesSaid();
    await test.receive(':0AAAAAAAB FMODE #lounge 1500000000 +bb anna!*@* *!*@other.example');
    value(await test.core.rooms.say(anna.session.user, room, text('still heard')));
    expect(await test.said()).to.deep.equal(['still heard']);
    await beat();
    expect(await modesSaid()).to.deep.equal(['-bb anna!*@* *!*@other.example']);
    await test.receive(':0AAAAAAAB FMODE #lounge 1500000000 +b anna!*@*');
    await beat();
    await beat();
    expect(await modesSaid()).to.deep.equal([]);
    expect(overridden()).to.equal('#lounge (there alone: ban anna!*@*)');
    value(await test.core.rooms.say(anna.session.user, room, text('and here')));
    expect(await test.said()).to.deep.equal(['and here']);
    expect(room.bans).to.deep.equal([]);
  });

  it('without "ban": a ban of ours that is lifted there is said there once more', async () => {
    await begin(['mode']);
    const owner = await administrator();
    await test.core.rooms.ban(owner.session.user, room, 'pest!*@*', '');
    await test.settle();
    await beat();
    expect((await modesSaid()).join()).to.include('+b pest!*@*');
    await test.receive(':0AAAAAAAB FMODE #lounge 1500000000 -b pest!*@*');
    await beat();
    expect(await modesSaid()).to.deep.equal(['+b pest!*@*']);
    await test.receive(':0AAAAAAAB FMODE #lounge 1500000000 -b pest!*@*');
    await beat();
    expect(await modesSaid()).to.deep.equal([]);
  });

  it('without "mode": ours are heard in a channel that is moderated there; what the room has is set again, once, also over a break', async () => {
    await begin(['ban']);
    await beat();
    await modesSaid();
    await test.receive(':0AAAAAAAB FMODE #lounge 1500000000 +mk word');
    value(await test.core.rooms.say(anna.session.user, room, text('still heard')));
    expect(await test.said()).to.deep.equal(['still heard']);
    await beat();
    expect(await modesSaid()).to.deep.equal(['-mk *']);
    await test.receive(':0AAAAAAAB FMODE #lounge 1500000000 +m');
    await beat();
    expect(await modesSaid()).to.deep.equal([]);
    expect(overridden()).to.equal('#lounge (there alone: moderated)');
    test.bridge.unlinked('gone');
    await test.link(alice, ':0AA FJOIN #lounge 1500000000 +mnst :o,0AAAAAAAB:1');
    await modesSaid();
    await beat();
    // What was answered before the break is not answered again; what is new since is.
    expect(await modesSaid()).to.deep.equal(['-s']);
    expect(room.config.moderated).to.equal(false);
  });

  it('without "mode": a change here is said there as ever, and what it answers may be answered again', async () => {
    await begin([]);
    const owner = await administrator();
    await beat();
    await test.receive(':0AAAAAAAB FMODE #lounge 1500000000 +m');
    await beat();
    await test.receive(':0AAAAAAAB FMODE #lounge 1500000000 +m');
    await beat();
    await modesSaid();
    value(await test.core.rooms.configure(owner.session.user, room, { moderated: true }));
    await test.settle();
    value(await test.core.rooms.configure(owner.session.user, room, { moderated: false }));
    await test.settle();
    expect(await modesSaid()).to.deep.equal(['+m', '-m']);
    await test.receive(':0AAAAAAAB FMODE #lounge 1500000000 +m');
    await beat();
    expect(await modesSaid()).to.deep.equal(['-m']);
  });

  it('A18 a storm of bans without the right gets one answer a second, and 500 of them in all', async () => {
    await begin(['mode']);
    await modesSaid();
    let lifted = 0;
    for (let n = 0; n < 800; n += 20) {
      const masks = Array.from({ length: 20 }, (_, i) => `u${n + i}!*@*`);
      await test.receive(`:0AAAAAAAB FMODE #lounge 1500000000 +${'b'.repeat(20)} ${masks.join(' ')}`);
      expect(await modesSaid()).to.deep.equal([]);
      await beat();
      for (const line of await modesSaid()) lifted += /^-(b+) /.exec(line)![1]!.length;
    }
    expect(lifted).to.equal(500);
    value(await test.core.rooms.say(anna.session.user, room, text('still heard')));
    expect(await test.said()).to.deep.equal(['still heard']);
  });
});
