/** Messages to those of a room who hold a standing: to nobody else, and in nobody else's log. */
import { expect } from 'chai';
import type { Core } from '../../../server/core.ts';
import { ircNetworkAddress, ircUserAddress, parseDomain } from '../../../server/model/address.ts';
import type { Circle } from '../../../server/model/circle.ts';
import { guest, quiet, refusalOf, signedIn, testCore, text, value, type Recorder } from './support.ts';

describe('what is said to some of a room', () => {
  let core: Core;
  let people: Readonly<Record<'owner' | 'prefect' | 'operator' | 'voice' | 'member' | 'anna', Recorder>>;

  beforeEach(async () => {
    ({ core } = await testCore());
    value(await core.accounts.add('chief', 'a-good-password', true));
    for (const name of ['owner', 'prefect', 'member']) value(await core.accounts.add(name, 'a-good-password', false));
    const root = signedIn(core, 'chief');
    people = {
      owner: signedIn(core, 'owner'),
      prefect: signedIn(core, 'prefect'),
      operator: guest(core, 'operator'),
      voice: guest(core, 'voice'),
      member: signedIn(core, 'member'),
      anna: guest(core, 'anna'),
    };
    const room = core.rooms.byName('lounge')!;
    const { user } = root.session;
    value(await core.rooms.join(user, 'lounge', { session: root.session }));
    for (const { session } of Object.values(people)) value(await core.rooms.join(session.user, 'lounge', { session }));
    for (const [name, affiliation] of [
      ['owner', 'owner'],
      ['prefect', 'admin'],
      ['member', 'member'],
    ] as const)
      value(await core.rooms.setAffiliation(user, room, people[name].session.user.address, affiliation, ''));
    value(await core.rooms.grant(user, room, people.operator.session.user.id, { operator: true }));
    value(await core.rooms.grant(user, room, people.voice.session.user.id, { voice: true }));
    value(core.rooms.leave(user, room, ''));
    await quiet();
    for (const person of Object.values(people)) person.take();
  });

  /** Who was shown anything. */
  const reached = (): string[] =>
    Object.entries(people).flatMap(([name, person]) => (person.take().some((line) => line.startsWith('private')) ? [name] : []));

  for (const [circle, names] of [
    ['voice', ['owner', 'prefect', 'operator', 'voice']],
    ['operator', ['owner', 'prefect', 'operator']],
    ['admin', ['owner', 'prefect']],
    ['owner', ['owner']],
  ] as const satisfies readonly (readonly [Circle, readonly string[]])[])
    it(`reaches "${circle}" and above, once each, and nobody's log but theirs`, async () => {
      const room = core.rooms.byName('lounge')!;
      const { number } = room.last;
      const { user } = people.anna.session;
      expect(value(await core.rooms.confide(user, room, circle, text('psst')))).to.equal(names.length);
      expect(reached()).to.deep.equal(names);
      expect(room.last.number).to.equal(number);
      expect(await core.users.readPrivate(user, { limit: 10 })).to.deep.equal([]);
      const [kept] = await core.users.readPrivate(people.owner.session.user, { limit: 10 });
      expect(kept!.content).to.include({ circle, room: room.address });
    });

  it('does not come back to its author, and is refused to whoever may not speak', async () => {
    const room = core.rooms.byName('lounge')!;
    expect(value(await core.rooms.confide(people.operator.session.user, room, 'operator', text('psst')))).to.equal(2);
    expect(reached()).to.deep.equal(['owner', 'prefect']);
    value(await core.rooms.configure(people.owner.session.user, room, { moderated: true }));
    expect(refusalOf(await core.rooms.confide(people.anna.session.user, room, 'operator', text('psst')))).to.equal('moderated');
    expect(value(await core.rooms.confide(people.voice.session.user, room, 'voice', text('psst')))).to.equal(4);
    // In a moderated room members may speak, which is what voice is.
    expect(reached()).to.deep.equal(['owner', 'prefect', 'operator', 'member']);
    expect(refusalOf(await core.rooms.confide(people.owner.session.user, room, 'voice', text('')))).to.equal('too-large');
  });

  it('from a network goes to those of others alone, each of whom may be of a network too', async () => {
    const room = core.rooms.byName('lounge')!;
    const heard: string[] = [];
    const declare = (label: string): ReturnType<Core['networks']['declare']> =>
      core.networks.declare(
        { address: ircNetworkAddress(label, parseDomain('chat.example')), title: label, label },
        {
          privateMessage: ({ content }, to) => void heard.push(`${label} ${content.author.nick} to ${to.nick}`),
          unicast: () => undefined,
          userChanged: () => undefined,
          killed: () => undefined,
        },
      );
    const [one, other] = [declare('one'), declare('other')];
    const mirrors = [one, other].map((network) => {
      const address = ircUserAddress(network.address, 'op');
      const [user] = network.introduce([{ address, nick: `op-${network.label}`, ident: 'i', host: 'h', realName: '' }]);
      const mirror = network.mirror(room, { deliver: () => undefined });
      mirror.joined([{ user: user!, operator: true }], true);
      return { mirror, user: user! };
    });
    await quiet();
    expect(value(await mirrors[0]!.mirror.confided(mirrors[0]!.user, 'operator', text('psst')))).to.equal(4);
    expect(heard).to.deep.equal(['other op-one to op-other']);
    expect(reached()).to.deep.equal(['owner', 'prefect', 'operator']);
  });
});
