/** Who somebody is: accounts, nicks and addresses that must not be mixed up. Threat classes A7, A9, A11. */
import { expect } from 'chai';
import type { NetworkHandler } from '../../../server/contract/networks.ts';
import { defaultCoreLimits } from '../../../server/core.ts';
import { AddressError, ircNetworkAddress, ircUserAddress, parseDomain, prepareName } from '../../../server/model/address.ts';
import type { UserChange } from '../../../server/model/event.ts';
import { guest, quiet, refusalOf, signedIn, testCore, text, value } from './support.ts';

const domain = parseDomain('chat.example');

function silent(heard: UserChange[] = []): NetworkHandler {
  return {
    privateMessage: () => undefined,
    unicast: () => undefined,
    userChanged: (change) => void heard.push(change),
    killed: () => undefined,
  };
}

describe('identity', () => {
  const irc = ircNetworkAddress('testnet', domain);
  const person = (nick: string, account: string | null = null, host = 'irc.example') => ({
    address: ircUserAddress(irc, nick),
    nick,
    ident: nick,
    host,
    realName: nick,
    account,
  });

  it('never take an account of a foreign network for one of ours', async () => {
    const { core, storage } = await testCore();
    value(await core.accounts.add('alice', 'correct horse', false));
    const alice = signedIn(core, 'alice');
    value(await core.rooms.join(alice.session.user, 'garden'));
    const network = core.networks.declare({ address: irc, title: 'Test', label: 'testnet' }, silent());
    const mirror = network.mirror(core.rooms.byName('lounge')!, { deliver: () => undefined });
    const [imposter] = network.introduce([person('eve', 'alice')]);
    mirror.joined([{ user: imposter! }], false);
    mirror.left(imposter!, { kind: 'leave', reason: '' });
    await quiet();
    const garden = core.rooms.byName('garden')!;
    expect((await storage.account('alice'))?.rooms).to.deep.equal([garden.address]);
  });

  it('give the name of a removed account to nobody who asks, only to whom the host gives it', async () => {
    const { core, storage } = await testCore();
    value(await core.accounts.add('alice', 'correct horse', false));
    value(await core.accounts.remove('alice'));
    expect(refusalOf(await core.accounts.register('Alice', 'battery staple', '192.0.2.1'))).to.equal('name-taken');
    const again = await testCore({ storage });
    expect(refusalOf(await again.core.accounts.register('alice', 'battery staple', '192.0.2.1'))).to.equal('name-taken');
    value(await again.core.accounts.add('alice', 'battery staple', false));
  });

  it('make no more accounts for an address than it may have, also when it asks for many at once', async () => {
    const { core } = await testCore({ limits: { ...defaultCoreLimits, registrations: 2 } });
    const asked = ['ann', 'bob', 'cat', 'dan'].map((name) => core.accounts.register(name, 'correct horse', '192.0.2.1'));
    const outcomes = (await Promise.all(asked)).map(refusalOf);
    expect(outcomes).to.have.members(['accepted', 'accepted', 'too-fast', 'too-fast']);
    expect(refusalOf(await core.accounts.register('eve', 'correct horse', '192.0.2.2'))).to.equal('accepted');
    for (const name of ['eve', 'x', 'eve'])
      expect(refusalOf(await core.accounts.register(name, name === 'x' ? 'short' : 'correct horse', '192.0.2.3'))).to.not.equal('too-fast');
  });

  it('keep what an account did while its password changed, and that it was removed', async () => {
    const { core, storage } = await testCore();
    value(await core.accounts.add('alice', 'correct horse', false));
    const alice = signedIn(core, 'alice');
    const changing = core.accounts.changePassword('alice', 'battery staple');
    value(await core.rooms.join(alice.session.user, 'garden'));
    value(await changing);
    expect((await storage.account('alice'))?.rooms).to.deep.equal([core.rooms.byName('garden')!.address]);
    const late = core.accounts.changePassword('alice', 'another staple');
    value(await core.accounts.remove('alice'));
    expect(refusalOf(await late)).to.equal('no-such-account');
    expect(await core.accounts.get('alice')).to.equal(undefined);
  });

  it('A7 answer for an account that does not exist as for one that does, however the name is written', async () => {
    const { core } = await testCore();
    const saltFor = async (name: string): Promise<string> => {
      const step = await core.accounts.sasl('SCRAM-SHA-256', '192.0.2.1').step(Buffer.from(`n,,n=${name},r=fyko`));
      return step.kind === 'challenge' ? /s=([^,]+)/.exec(step.message.toString())![1]! : step.kind;
    };
    expect(await saltFor('nobody')).to.equal(await saltFor('NoBody'));
  });

  it('A11 let nobody have a name that looks like another by compatibility', async () => {
    const { core } = await testCore();
    expect(() => prepareName('ﬁsh')).to.throw(AddressError, 'U+FB01');
    expect(prepareName('Ｆish')).to.equal('fish');
    expect(refusalOf(guestOutcome(core, 'ａdmin'))).to.equal('bad-nick');
    const ann = guest(core, 'ann');
    const bob = guest(core, 'Ｂob');
    const { room } = value(await core.rooms.join(ann.session.user, 'garden'));
    value(await core.rooms.ban(ann.session.user, room, 'bob', ''));
    expect(refusalOf(await core.rooms.join(bob.session.user, 'garden'))).to.equal('banned');
  });

  it('A11 give no lasting rights to a nick of a network where nicks are for whoever takes them', async () => {
    const { core } = await testCore();
    value(await core.accounts.add('alice', 'correct horse', false));
    const alice = signedIn(core, 'alice');
    const { room } = value(await core.rooms.join(alice.session.user, 'garden'));
    const network = core.networks.declare({ address: irc, title: 'Test', label: 'testnet' }, silent());
    const [eve] = network.introduce([person('eve')]);
    network.mirror(room, { deliver: () => undefined }).joined([{ user: eve! }], false);
    for (const affiliation of ['owner', 'admin', 'member'] as const)
      expect(refusalOf(await core.rooms.setAffiliation(alice.session.user, room, eve!.address, affiliation, ''))).to.equal('not-permitted');
    value(await core.rooms.grant(alice.session.user, room, eve!.id, { operator: true }));
    value(await core.rooms.setAffiliation(alice.session.user, room, eve!.address, 'outcast', ''));
  });

  it('A9 bar nobody else with somebody whose host is a pattern', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const bob = guest(core, 'bob');
    const { room } = value(await core.rooms.join(ann.session.user, 'garden'));
    const network = core.networks.declare({ address: irc, title: 'Test', label: 'testnet' }, silent());
    const [eve] = network.introduce([person('eve', null, '*')]);
    network.mirror(room, { deliver: () => undefined }).joined([{ user: eve! }], false);
    value(await core.rooms.kick(ann.session.user, room, eve!.id, '', { ban: true }));
    expect(refusalOf(await core.rooms.join(bob.session.user, 'garden'))).to.equal('accepted');
  });

  it('A9 let no network speak as a person of another, nor take its address', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const { room } = value(await core.rooms.join(ann.session.user, 'garden'));
    const network = core.networks.declare({ address: irc, title: 'Test', label: 'testnet' }, silent());
    const mirror = network.mirror(room, { deliver: () => undefined });
    expect(() => mirror.kicked(ann.session.user, ann.session.user.id, '')).to.throw('speaks for');
    expect(() => network.introduce([{ ...person('eve'), address: ann.session.user.address }])).to.throw('of another network');
    expect(core.users.byAddress(ann.session.user.address)).to.equal(ann.session.user);
    const [one, two] = network.introduce([person('one'), person('two')]);
    // both change their nicks at once, and the lines come in the worse order
    network.rename(one!, 'two', ircUserAddress(irc, 'two'));
    network.rename(two!, 'three', ircUserAddress(irc, 'three'));
    expect(core.users.byAddress(ircUserAddress(irc, 'two'))).to.equal(one);
    expect(network.users.get(ircUserAddress(irc, 'two'))).to.equal(one);
  });

  it('tell a network that watches somebody of that person’s loss by a split', async () => {
    const { core } = await testCore();
    const heard: UserChange[] = [];
    const network = core.networks.declare({ address: irc, title: 'Test', label: 'testnet' }, silent());
    const other = ircNetworkAddress('othernet', domain);
    const watching = core.networks.declare({ address: other, title: 'Other', label: 'othernet' }, silent(heard));
    const [eve] = network.introduce([person('eve')]);
    watching.watch(eve!.id);
    network.split([eve!], 'here.example', 'there.example');
    await quiet();
    expect(heard.map((change) => `${change.kind} ${change.before.nick}`)).to.deep.equal(['quit eve']);
  });

  it('say in one line why somebody is thrown out', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    core.users.kill(ann.session.user, 'spam\r\nQUIT');
    await quiet();
    expect(ann.take()).to.include('ended: spam QUIT');
  });

  it('number the private messages of a guest, also of one that comes back, so that they can be read in pages', async () => {
    const { core, clock } = await testCore();
    const ann = guest(core, 'ann');
    const bob = guest(core, 'bob');
    const numbers: number[] = [];
    const page = async (range: { readonly after?: number; readonly before?: number; readonly limit: number }): Promise<string[]> => {
      const records = await core.users.readPrivate(bob.session.user, range);
      numbers.push(...records.map((record) => record.number));
      return records.map(({ content }) => (content.kind === 'private' ? content.text.plain : content.kind));
    };
    for (const word of ['a', 'b', 'c', 'd']) value(await core.users.sendPrivate(ann.session.user, bob.session.user.address, text(word)));
    expect(await page({ limit: 2 })).to.deep.equal(['c', 'd']);
    expect(await page({ limit: 2, before: numbers[0]! })).to.deep.equal(['a', 'b']);
    expect(await page({ limit: 2, before: numbers[2]! })).to.deep.equal([]);
    expect(await page({ limit: 1, after: numbers[2]! })).to.deep.equal(['b']);
    const token = core.users.guestToken(bob.session);
    core.users.disconnect(bob.session, '');
    clock.advance(1_000);
    bob.session = value(core.users.connectGuest({ nick: 'bob', token, client: 'test', remoteAddress: '192.0.2.1', secure: true }, bob));
    value(await core.users.sendPrivate(ann.session.user, bob.session.user.address, text('e')));
    expect(await page({ limit: 9, after: numbers[1]! })).to.deep.equal(['e']);
  });

  it('keep no more of a private message’s original than of a room’s', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const bob = guest(core, 'bob');
    const large = { ...text('hello'), original: { protocol: 'test', data: 'x'.repeat(10_000) } };
    const sent = value(await core.users.sendPrivate(ann.session.user, bob.session.user.address, large));
    expect(sent.content).not.to.have.property('original');
  });

  function guestOutcome(core: Awaited<ReturnType<typeof testCore>>['core'], nick: string) {
    return core.users.connectGuest({ nick, client: 'test', remoteAddress: '192.0.2.1', secure: true }, guest(core, `probe${probes++}`));
  }
  let probes = 0;
});
