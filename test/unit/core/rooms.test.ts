import { expect } from 'chai';
import type { Batch } from '../../../server/contract/rooms.ts';
import type { UserAddress } from '../../../server/model/address.ts';
import { guest, quiet, refusalOf, signedIn, testCore, text, value, type Recorder } from './support.ts';

describe('rooms', () => {
  it('show everybody everything once, in order, with the own marked', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const bob = guest(core, 'bob');
    await core.rooms.join(ann.session.user, 'lounge', { session: ann.session }, ann);
    const room = core.rooms.byName('lounge')!;
    await core.rooms.join(bob.session.user, 'lounge', { session: bob.session }, bob);
    void core.rooms.say(ann.session.user, room, text('one'), ann);
    void core.rooms.say(bob.session.user, room, text('two'), bob);
    value(core.users.rename(bob.session.user, 'robert'));
    void core.rooms.say(bob.session.user, room, text('three'), bob);
    await quiet();
    expect(ann.take()).to.deep.equal([
      'attached lounge',
      'lounge joined ann (own)',
      'lounge joined bob',
      'lounge <ann> one (own)',
      'lounge <bob> two',
      'nick bob -> robert',
      'lounge <robert> three',
    ]);
    expect(bob.take()).to.deep.equal([
      'attached lounge',
      'lounge joined bob (own)',
      'lounge <ann> one',
      'lounge <bob> two (own)',
      'nick bob -> robert',
      'lounge <robert> three (own)',
    ]);
  });

  it('tell of a quit once to who shares several rooms, after what was said before it', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const bob = guest(core, 'bob');
    for (const name of ['lounge', 'garden']) {
      await core.rooms.join(ann.session.user, name);
      await core.rooms.join(bob.session.user, name);
    }
    ann.take();
    void core.rooms.say(bob.session.user, core.rooms.byName('garden')!, text('bye'));
    core.users.disconnect(bob.session, 'gone home');
    await quiet();
    expect(ann.take()).to.deep.equal(['garden <bob> bye', 'quit bob: gone home']);
    expect(core.rooms.byName('lounge')!.members.size).to.equal(1);
  });

  it('number records without gaps and refuse what may not be said', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const bob = guest(core, 'bob');
    await core.rooms.join(ann.session.user, 'garden');
    const room = core.rooms.byName('garden')!;
    expect(refusalOf(await core.rooms.say(bob.session.user, room, text('hello')))).to.equal('not-a-member');
    await core.rooms.join(bob.session.user, 'garden');
    value(await core.rooms.configure(ann.session.user, room, { moderated: true }));
    expect(refusalOf(await core.rooms.say(bob.session.user, room, text('hello')))).to.equal('moderated');
    value(await core.rooms.grant(ann.session.user, room, bob.session.user.id, { voice: true }));
    value(await core.rooms.say(bob.session.user, room, text('hello')));
    expect(refusalOf(await core.rooms.say(bob.session.user, room, text('x'.repeat(20_000))))).to.equal('too-large');
    const records = value(await core.rooms.history(undefined, room, { limit: 100, take: 'first' }));
    expect(records.map((record) => record.number)).to.deep.equal(records.map((_, index) => index + 1));
  });

  it('make the first one inside operator, and let only operators kick, ban and configure', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const bob = guest(core, 'bob');
    const room = value(await core.rooms.join(ann.session.user, 'garden')).room;
    await core.rooms.join(bob.session.user, 'garden');
    expect(refusalOf(await core.rooms.kick(bob.session.user, room, ann.session.user.id, ''))).to.equal('not-permitted');
    expect(refusalOf(await core.rooms.configure(bob.session.user, room, { moderated: true }))).to.equal('not-permitted');
    ann.take();
    bob.take();
    value(await core.rooms.kick(ann.session.user, room, bob.session.user.id, 'out', { ban: true }));
    await quiet();
    expect(bob.take()).to.deep.equal([`garden ban +*!*@${bob.session.user.host}`, 'garden left bob by kick', 'detached garden']);
    expect(refusalOf(await core.rooms.join(bob.session.user, 'garden'))).to.equal('banned');
    value(await core.rooms.unban(ann.session.user, room, `*!*@${bob.session.user.host}`));
    value(await core.rooms.join(bob.session.user, 'garden'));
  });

  it('keep rooms for members closed but to the invited, and keys and limits', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const bob = guest(core, 'bob', '192.0.2.2');
    const room = value(await core.rooms.join(ann.session.user, 'garden')).room;
    value(await core.rooms.configure(ann.session.user, room, { membersOnly: true, key: 'secret', limit: 1 }));
    expect(refusalOf(await core.rooms.join(bob.session.user, 'garden'))).to.equal('members-only');
    value(await core.rooms.configure(ann.session.user, room, { membersOnly: false }));
    expect(refusalOf(await core.rooms.join(bob.session.user, 'garden'))).to.equal('wrong-key');
    expect(refusalOf(await core.rooms.join(bob.session.user, 'garden', { key: 'secret' }))).to.equal('full');
    value(await core.rooms.invite(ann.session.user, room, bob.session.user.address, 'come'));
    value(await core.rooms.join(bob.session.user, 'garden'));
    await quiet();
    expect(bob.take()).to.include(`private <ann> to bob: invited to ${room.address}`);
  });

  it('remember an owner, an outcast and the rooms of an account', async () => {
    const { core } = await testCore();
    value(await core.accounts.add('Alice', 'correct horse', false));
    value(await core.accounts.add('Mallory', 'battery staple', false));
    const alice = signedIn(core, 'alice');
    const mallory = signedIn(core, 'mallory');
    const room = value(await core.rooms.join(alice.session.user, 'garden')).room;
    expect(room.affiliations.get(alice.session.user.address)).to.equal('owner');
    await core.rooms.join(mallory.session.user, 'garden');
    value(await core.rooms.setAffiliation(alice.session.user, room, mallory.session.user.address, 'outcast', 'spam'));
    expect(refusalOf(await core.rooms.join(mallory.session.user, 'garden'))).to.equal('banned');
    expect(refusalOf(await core.rooms.setAffiliation(alice.session.user, room, alice.session.user.address, 'none', ''))).to.equal(
      'not-permitted',
    );
    core.users.disconnect(alice.session, 'bye');
    await quiet();
    const again = signedIn(core, 'alice');
    await quiet();
    expect(again.take()).to.include('attached garden');
  });

  it('show history by policy', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const bob = guest(core, 'bob');
    const room = value(await core.rooms.join(ann.session.user, 'garden')).room;
    value(await core.rooms.say(ann.session.user, room, text('before')));
    const texts = async (who: typeof bob): Promise<string[]> => {
      const outcome = await core.rooms.history(who.session.user, room, { limit: 100, take: 'last' });
      return outcome.ok
        ? outcome.value.flatMap((record) => (record.content.kind === 'message' ? [record.content.text.plain] : []))
        : [outcome.refusal.code];
    };
    expect(await texts(bob)).to.deep.equal(['before']);
    value(await core.rooms.configure(ann.session.user, room, { membersOnly: true }));
    expect(await texts(bob)).to.deep.equal(['not-a-member']);
    value(await core.rooms.configure(ann.session.user, room, { membersOnly: false }));
    await core.rooms.join(bob.session.user, 'garden');
    expect(await texts(bob)).to.deep.equal(['before']);
  });

  it('answer a repeated id with the first record', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const room = value(await core.rooms.join(ann.session.user, 'lounge')).room;
    const first = value(await core.rooms.say(ann.session.user, room, text('once')));
    const second = value(await core.rooms.say(ann.session.user, room, { ...text('once'), id: first.id }));
    expect(second.number).to.equal(first.number);
  });

  it('share one encoding between followers of a batch', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const room = value(await core.rooms.join(ann.session.user, 'lounge')).room;
    let made = 0;
    const follower = (): { deliver(batch: Batch): void } => ({ deliver: (batch) => void batch.shared('k', () => ++made) });
    core.rooms.follow(room, follower());
    core.rooms.follow(room, follower());
    await quiet();
    void core.rooms.say(ann.session.user, room, text('a'));
    void core.rooms.say(ann.session.user, room, text('b'));
    await quiet();
    expect(made).to.equal(1);
  });

  it('cut off a follower that throws, and nobody else', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const { room } = value(await core.rooms.join(ann.session.user, 'lounge'));
    let calls = 0;
    core.rooms.follow(room, {
      deliver: () => {
        calls++;
        throw new Error('broken');
      },
    });
    await quiet();
    ann.take();
    value(await core.rooms.say(ann.session.user, room, text('a')));
    value(await core.rooms.say(ann.session.user, room, text('b')));
    await quiet();
    expect(calls).to.equal(1);
    expect(ann.take()).to.deep.equal(['lounge <ann> a', 'lounge <ann> b']);
  });

  it('let go of a session that leaves, and show it the room anew when it comes back in the same moment', async () => {
    const { core } = await testCore();
    const [ann, bob] = [guest(core, 'ann'), guest(core, 'bob')];
    const join = (one: Recorder) => core.rooms.join(one.session.user, 'lounge', { session: one.session }, one);
    const room = value(await join(ann)).room;
    await join(bob);
    await quiet();
    bob.take();
    value(core.rooms.leave(bob.session.user, room, ''));
    void core.rooms.say(ann.session.user, room, text('while bob is away'), ann);
    await join(bob);
    await quiet();
    expect(bob.take()).to.deep.equal(['lounge left bob by leave', 'detached lounge', 'attached lounge', 'lounge joined bob (own)']);
  });

  it('forget a temporary room with its last member, and number on when it comes again', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const room = value(await core.rooms.join(ann.session.user, 'cellar')).room;
    value(await core.rooms.say(ann.session.user, room, text('a')));
    const { number } = room.last;
    value(core.rooms.leave(ann.session.user, room, ''));
    expect(core.rooms.byName('cellar')).to.equal(undefined);
    await quiet();
    const again = value(await core.rooms.join(ann.session.user, 'cellar')).room;
    expect(again.last.number).to.be.greaterThan(number);
  });
});

describe('networks', () => {
  const person = (nick: string): { address: UserAddress; nick: string; ident: string; host: string; realName: string } => ({
    address: `irc:testnet@chat.example/${nick}` as UserAddress,
    nick,
    ident: nick,
    host: 'irc.example',
    realName: nick,
  });

  it('burst as one change, never see their own events, and split as one change', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const room = value(await core.rooms.join(ann.session.user, 'lounge', { session: ann.session }, ann)).room;
    const told: string[] = [];
    const network = core.networks.declare(
      { address: 'irc:testnet@chat.example' as never, title: 'TestNet', label: 'testnet' },
      {
        privateMessage: (record, to) =>
          told.push(`private to ${to.nick}: ${record.content.kind === 'private' ? record.content.text.plain : ''}`),
        unicast: () => undefined,
        userChanged: (change) => told.push(`${change.kind} ${change.before.nick}`),
        killed: (user) => told.push(`killed ${user.nick}`),
      },
    );
    const follower = {
      deliver: (batch: Batch) => {
        for (const item of batch.items) told.push(item.kind === 'record' ? item.record.content.kind : item.change.kind);
      },
    };
    const mirror = network.mirror(room, follower);
    const users = network.introduce(Array.from({ length: 1_000 }, (_, index) => person(`p${index}`)));
    await quiet();
    ann.take();
    mirror.joined(
      users.map((user) => ({ user })),
      true,
    );
    await quiet();
    expect(ann.take()).to.have.lengthOf(1);
    value(await mirror.said(users[0]!, text('hello from there')));
    value(await core.rooms.say(ann.session.user, room, text('hello from here'), ann));
    value(await core.users.sendPrivate(ann.session.user, users[1]!.address, text('psst')));
    value(core.users.rename(ann.session.user, 'anna'));
    await quiet();
    expect(ann.take()).to.deep.equal([
      'lounge <p0> hello from there',
      'lounge <ann> hello from here (own)',
      'private <ann> to p1: psst',
      'nick ann -> anna',
    ]);
    expect(told).to.deep.equal(['message', 'private to p1: psst', 'nick ann', 'nick']);
    network.split(users, 'here.example', 'there.example');
    await quiet();
    expect(ann.take()).to.have.lengthOf(1);
    expect(room.members.size).to.equal(1);
    expect(core.users.count.foreign).to.equal(0);
  });

  it('hear of the quit of somebody whom they watch and share no room with', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const told: string[] = [];
    const network = core.networks.declare(
      { address: 'irc:testnet@chat.example' as never, title: 'TestNet', label: 'testnet' },
      {
        privateMessage: () => undefined,
        unicast: () => undefined,
        userChanged: (change) => told.push(`${change.kind} ${change.before.nick}`),
        killed: () => undefined,
      },
    );
    network.watch(ann.session.user.id);
    value(core.users.rename(ann.session.user, 'anna'));
    core.users.disconnect(ann.session, 'bye');
    await quiet();
    expect(told).to.deep.equal(['nick ann', 'quit anna']);
  });

  it('refuse to speak for anybody else', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const room = value(await core.rooms.join(ann.session.user, 'lounge')).room;
    const network = core.networks.declare(
      { address: 'irc:testnet@chat.example' as never, title: 'TestNet', label: 'testnet' },
      { privateMessage: () => undefined, unicast: () => undefined, userChanged: () => undefined, killed: () => undefined },
    );
    const mirror = network.mirror(room, { deliver: () => undefined });
    expect(() => mirror.said(ann.session.user, text('forged'))).to.throw(/not of that network/);
    expect(() => network.retire(ann.session.user, 'forged')).to.throw(/not of that network/);
  });

  it('invite whom only a bridge can introduce, by that bridge, and nobody who does not exist', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const room = value(await core.rooms.join(ann.session.user, 'lounge')).room;
    const told: string[] = [];
    const network = core.networks.declare(
      { address: 'irc:testnet@chat.example' as never, title: 'TestNet', label: 'testnet' },
      {
        privateMessage: (record, to) => told.push(`${record.content.kind} to ${to.nick}`),
        unicast: () => undefined,
        userChanged: () => undefined,
        killed: () => undefined,
      },
    );
    core.networks.resolver('irc', (address) => (address === person('far').address ? network.introduce([person('far')])[0] : undefined));
    value(await core.rooms.invite(ann.session.user, room, person('far').address, 'come'));
    expect(told).to.deep.equal(['invitation to far']);
    expect(refusalOf(await core.rooms.invite(ann.session.user, room, person('nobody').address, 'come'))).to.equal('no-such-user');
  });
});
