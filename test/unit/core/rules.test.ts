/** Rules of rooms where they meet the log: repetitions, failures of the storage, rooms that come again. */
import { expect } from 'chai';
import type { NetworkHandler } from '../../../server/contract/networks.ts';
import type { User } from '../../../server/contract/users.ts';
import type { Core } from '../../../server/core.ts';
import { ircNetworkAddress, parseDomain } from '../../../server/model/address.ts';
import { roomLog } from '../../../server/model/event.ts';
import { mintEventId } from '../../../server/model/ids.ts';
import type { Outcome } from '../../../server/model/outcome.ts';
import { plainText } from '../../../server/model/text.ts';
import { StorageError, type Storage } from '../../../server/storage.ts';
import { openMemoryStorage } from '../../../storage/memory/index.ts';
import { guest, quiet, Recorder, refusalOf, signedIn, testCore, text, value } from './support.ts';

/** A storage in memory, with some of its calls replaced. */
function storageWith(replace: (inner: Storage) => Partial<Storage>): { readonly storage: Storage; readonly inner: Storage } {
  const inner = openMemoryStorage();
  const storage = Object.create(inner) as Storage;
  // the driver keeps its state in private fields, which only its own methods reach
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(inner)) as (keyof Storage)[])
    if (typeof inner[name] === 'function') Object.assign(storage, { [name]: inner[name].bind(inner) });
  return { storage: Object.assign(storage, replace(inner)), inner };
}

/** One that takes no records while `full`. */
function fullable(): { readonly storage: Storage; full: boolean } {
  const made = { full: false };
  const { storage } = storageWith((inner) => ({
    append: (records) => (made.full ? Promise.reject(new StorageError('full')) : inner.append(records)),
  }));
  return Object.assign(made, { storage });
}

async function saidIn(core: Core, who: Recorder, name: string): Promise<string[]> {
  const outcome = await core.rooms.history(who.session.user, core.rooms.byName(name)!, { limit: 100, take: 'last' });
  return value(outcome).flatMap(({ content }) => (content.kind === 'message' ? [content.text.plain] : []));
}

describe('rules of rooms', () => {
  it('A13 show nothing of a closed room to whoever takes its name', async () => {
    const { core, storage } = await testCore();
    const ann = guest(core, 'ann');
    const { room } = value(await core.rooms.join(ann.session.user, 'cellar'));
    value(await core.rooms.configure(ann.session.user, room, { membersOnly: true }));
    const secret = value(await core.rooms.say(ann.session.user, room, text('a secret')));
    value(core.rooms.leave(ann.session.user, room, ''));
    const eve = guest(core, 'eve');
    const again = value(await core.rooms.join(eve.session.user, 'cellar')).room;
    value(await core.rooms.say(eve.session.user, again, text('hello')));
    expect(await saidIn(core, eve, 'cellar')).to.deep.equal(['hello']);
    expect(await core.rooms.find(eve.session.user, again, secret.id)).to.equal(undefined);
    // nor after a restart, when the room stays
    value(await core.accounts.add('alice', 'correct horse', false));
    value(core.rooms.leave(eve.session.user, again, ''));
    const alice = signedIn(core, 'alice');
    value(await core.rooms.join(alice.session.user, 'cellar'));
    await core.close('');
    const restarted = await testCore({ storage });
    expect(await saidIn(restarted.core, signedIn(restarted.core, 'alice'), 'cellar')).to.deep.equal([]);
  });

  it('log an id once: twice in a tick, after a restart, and long after', async () => {
    const { core, storage, clock } = await testCore();
    const ann = guest(core, 'ann');
    const { room } = value(await core.rooms.join(ann.session.user, 'lounge'));
    const id = mintEventId(clock.now());
    const both = await Promise.all([1, 2].map(() => core.rooms.say(ann.session.user, room, { ...text('once'), id })));
    expect(both.map((outcome) => value(outcome).id)).to.deep.equal([id, id]);
    clock.advance(1_000);
    await Promise.all(Array.from({ length: 600 }, (_, index) => core.rooms.say(ann.session.user, room, text(`later ${index}`))));
    expect(value(await core.rooms.say(ann.session.user, room, { ...text('once'), id })).number).to.equal(value(both[0]!).number);
    clock.advance(1_000);
    const last = mintEventId(clock.now());
    value(await core.rooms.say(ann.session.user, room, { ...text('last'), id: last }));
    await core.close('');
    const restarted = await testCore({ storage, clock });
    const bob = guest(restarted.core, 'bob');
    const lounge = value(await restarted.core.rooms.join(bob.session.user, 'lounge')).room;
    for (const known of [id, last]) value(await restarted.core.rooms.say(bob.session.user, lounge, { ...text('again'), id: known }));
    expect((await saidIn(restarted.core, bob, 'lounge')).filter((said) => !said.startsWith('later'))).to.deep.equal(['last']);
  });

  it('take nothing into a room that is closed meanwhile', async () => {
    const { core, clock, storage } = await testCore();
    const ann = guest(core, 'ann');
    const { room } = value(await core.rooms.join(ann.session.user, 'garden'));
    const id = mintEventId(clock.now());
    clock.advance(100_000_000);
    const late = core.rooms.say(ann.session.user, room, { ...text('late'), id });
    value(core.rooms.leave(ann.session.user, room, ''));
    expect(refusalOf(await late)).to.equal('no-such-room');
    await core.close('');
    expect((await storage.allPositions()).map(([log]) => log)).to.not.include(`room ${room.address}`);
  });

  it('take a message again that the storage did not take, and forget what it would have changed', async () => {
    const store = fullable();
    const { core, clock } = await testCore({ storage: store.storage });
    const ann = guest(core, 'ann');
    const { room } = value(await core.rooms.join(ann.session.user, 'garden'));
    value(await core.rooms.setTopic(ann.session.user, room, 'flowers'));
    const id = mintEventId(clock.now());
    store.full = true;
    const lost = [
      core.rooms.say(ann.session.user, room, { ...text('hello'), id }),
      core.rooms.setTopic(ann.session.user, room, 'weeds'),
      core.rooms.setTopic(ann.session.user, room, 'more weeds'),
      core.rooms.ban(ann.session.user, room, 'bob', ''),
    ];
    for (const outcome of lost) expect(refusalOf(await outcome)).to.equal('unavailable');
    expect(room.topic.text).to.equal('flowers');
    expect(room.bans).to.deep.equal([]);
    store.full = false;
    value(await core.rooms.say(ann.session.user, room, { ...text('hello'), id }));
  });

  it('drop the original of a message that a hook changed', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const { room } = value(await core.rooms.join(ann.session.user, 'lounge'));
    core.hooks.filter('content', 0, (subject) => {
      const { content } = subject;
      return { pass: content.kind === 'message' ? { ...subject, content: { ...content, text: plainText('changed') } } : subject };
    });
    const original = { protocol: 'test', data: 'what was said' };
    const { content } = value(await core.rooms.say(ann.session.user, room, { ...text('said'), original }));
    expect(content).not.to.have.property('original');
  });

  it('give a nick in a room to one person only, and only if it is one', async () => {
    const { core } = await testCore();
    value(await core.accounts.add('alice', 'correct horse', false));
    const alice = signedIn(core, 'alice');
    const bob = guest(core, 'bob');
    const { room } = value(await core.rooms.join(alice.session.user, 'garden'));
    value(core.rooms.leave(alice.session.user, room, ''));
    value(await core.rooms.join(bob.session.user, 'garden'));
    expect(refusalOf(await core.rooms.join(alice.session.user, 'garden', { nick: 'BOB' }))).to.equal('nick-in-use');
    expect(refusalOf(await core.rooms.join(alice.session.user, 'garden', { nick: 'x'.repeat(500) }))).to.equal('bad-nick');
    expect(value(await core.rooms.join(alice.session.user, 'garden', { nick: 'al\r\nice' })).nick).to.equal('al ice');
  });

  it('let nobody who is banned inside change the topic', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const bob = guest(core, 'bob');
    const { room } = value(await core.rooms.join(ann.session.user, 'garden'));
    value(await core.rooms.configure(ann.session.user, room, { topicLocked: false }));
    await core.rooms.join(bob.session.user, 'garden');
    value(await core.rooms.ban(ann.session.user, room, 'bob', ''));
    expect(refusalOf(await core.rooms.setTopic(bob.session.user, room, 'mine'))).to.equal('banned');
  });

  it('let in whoever is invited last, however many were invited before', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const bob = guest(core, 'bob', '192.0.2.200');
    const { room } = value(await core.rooms.join(ann.session.user, 'garden'));
    value(await core.rooms.configure(ann.session.user, room, { membersOnly: true }));
    const others = Array.from({ length: 1_000 }, (_, index) => guest(core, `other${index}`, `198.51.${index >> 4}.1`));
    for (const other of others) value(await core.rooms.invite(ann.session.user, room, other.session.user.address, ''));
    value(await core.rooms.invite(ann.session.user, room, bob.session.user.address, ''));
    value(await core.rooms.join(bob.session.user, 'garden'));
  });

  it('take no settings that mean nothing', async () => {
    const { core } = await testCore();
    value(await core.accounts.add('alice', 'correct horse', false));
    const alice = signedIn(core, 'alice');
    const { room } = value(await core.rooms.join(alice.session.user, 'garden'));
    const configure = async (changes: Parameters<Core['rooms']['configure']>[2]): Promise<string> =>
      refusalOf(await core.rooms.configure(alice.session.user, room, changes));
    expect(await configure({ limit: -1 })).to.equal('bad-name');
    expect(await configure({ limit: Number.NaN })).to.equal('bad-name');
    expect(await configure({ key: '' })).to.equal('bad-name');
    expect(await configure({ key: 'a\nb' })).to.equal('bad-name');
    expect(await configure({ title: 'x'.repeat(2_000) })).to.equal('too-large');
    value(await core.rooms.configure(alice.session.user, room, { title: 'The\ngarden', key: 'a key', limit: 5 }));
    expect(room.config).to.include({ title: 'The garden', key: 'a key', limit: 5 });
  });

  it('show nothing of a new lasting room before the storage knows it: a start deletes the logs of no room', async () => {
    let known = (): void => undefined;
    const { storage: slow, inner: storage } = storageWith((inner) => ({
      saveRoom: (room) => new Promise<void>((resolve) => (known = resolve)).then(() => inner.saveRoom(room)),
    }));
    const { core } = await testCore({ storage: slow, rooms: [] });
    value(await core.accounts.add('alice', 'correct horse', false));
    const alice = signedIn(core, 'alice');
    const joining = core.rooms.join(alice.session.user, 'garden');
    const room = core.rooms.byName('garden')!;
    const saying = core.rooms.say(alice.session.user, room, text('hello'));
    await quiet();
    // Had the server died here, nobody would have read what is lost.
    expect(await storage.allPositions()).to.deep.equal([]);
    known();
    value(await joining);
    value(await saying);
    expect((await storage.rooms()).map(({ address }) => address)).to.deep.equal([room.address]);
    const restarted = await testCore({ storage });
    expect(await saidIn(restarted.core, signedIn(restarted.core, 'alice'), 'garden')).to.deep.equal(['hello']);
  });

  it('keep a room closed that was closed, also when nobody wrote its state any more', async () => {
    // The server dies before the room is removed there.
    const { storage: dying, inner: storage } = storageWith(() => ({ removeRoom: () => Promise.resolve() }));
    const { core } = await testCore({ storage: dying });
    value(await core.accounts.add('alice', 'correct horse', false));
    const alice = signedIn(core, 'alice');
    const { room } = value(await core.rooms.join(alice.session.user, 'garden'));
    await quiet();
    value(await core.rooms.close(alice.session.user, room, 'the end'));
    await quiet();
    expect(alice.take()).to.include.members(['garden left alice by room-closed', 'detached garden']);
    expect(core.rooms.byName('garden')).to.equal(undefined);
    await core.close('');
    expect((await storage.rooms()).map(({ address }) => address)).to.include(room.address);
    const restarted = await testCore({ storage });
    expect(restarted.core.rooms.byName('garden')).to.equal(undefined);
    await quiet();
    expect((await storage.rooms()).map(({ address }) => address)).to.not.include(room.address);
    expect((await storage.allPositions()).map(([log]) => log)).to.not.include(roomLog(room.address));
  });

  it('keep a room its last owner, who may go but not be banned', async () => {
    const { core } = await testCore();
    for (const name of ['alice', 'bob']) value(await core.accounts.add(name, 'correct horse', name === 'bob'));
    const alice = signedIn(core, 'alice').session.user;
    const administrator = signedIn(core, 'bob').session.user;
    const { room } = value(await core.rooms.join(alice, 'garden'));
    value(await core.rooms.join(administrator, 'garden'));
    const banned = (by: User): Promise<Outcome<void>> => core.rooms.kick(by, room, alice.id, 'out', { ban: true });
    for (const by of [alice, administrator]) {
      const refused = await banned(by);
      expect(refused.ok ? '' : refused.refusal.text).to.equal('A room needs an owner; name another one first.');
    }
    expect(room.members.get(alice.id)!.affiliation).to.equal('owner');
    value(await core.rooms.kick(alice, room, alice.id, 'a moment'));
    value(await core.rooms.join(alice, 'garden'));
    value(await core.rooms.setAffiliation(alice, room, administrator.address, 'owner', ''));
    value(await banned(alice));
    expect(refusalOf(await core.rooms.join(alice, 'garden'))).to.equal('banned');
  });

  it('close no room under a network that mirrors it', async () => {
    const { core } = await testCore();
    value(await core.accounts.add('alice', 'correct horse', false));
    const alice = signedIn(core, 'alice');
    const { room } = value(await core.rooms.join(alice.session.user, 'garden'));
    const handler: NetworkHandler = {
      privateMessage: () => undefined,
      unicast: () => undefined,
      userChanged: () => undefined,
      killed: () => undefined,
    };
    const address = ircNetworkAddress('testnet', parseDomain('chat.example'));
    const network = core.networks.declare({ address, title: 'Test', label: 'testnet' }, handler);
    const mirror = network.mirror(room, { deliver: () => undefined });
    expect(refusalOf(await core.rooms.close(alice.session.user, room, ''))).to.equal('not-permitted');
    mirror.detach('');
    value(await core.rooms.close(alice.session.user, room, ''));
  });

  it('end a session that fails on a delivery, so that its client does not go on deaf', async () => {
    const { core } = await testCore();
    const broken = new (class extends Recorder {
      override deliver(): void {
        throw new Error('broken');
      }
    })();
    broken.session = value(core.users.connectGuest({ nick: 'broken', client: 'test', remoteAddress: '192.0.2.1', secure: true }, broken));
    const ann = guest(core, 'ann');
    value(await core.rooms.join(broken.session.user, 'lounge'));
    value(await core.rooms.join(ann.session.user, 'lounge'));
    await quiet();
    expect(broken.take().some((line) => line.startsWith('ended: '))).to.equal(true);
    expect(core.users.byNick('broken')).to.equal(undefined);
  });
});
