/** Rooms that have their home elsewhere: what the core asks of whoever knows the way there, and what it takes from there. */
import { deepEqual, equal, rejects } from 'node:assert/strict';
import {
  accepted,
  definePlugin,
  refused,
  ircNetworkAddress,
  ircUserAddress,
  xmppNetworkAddress,
  xmppOccupantAddress,
  parseDomain,
  parseRoomAddress,
  type HomeCopy,
  type Host,
  type Outcome,
  type Room,
} from '../../../server/plugin.ts';
import { z } from 'zod';
import { openServer, type KitServer } from '../../kit/index.ts';

const den = parseRoomAddress('xmpp:den@rooms.far.example');

/** A plugin that knows one room elsewhere; the test plays the home. */
class Home {
  host!: Host;
  copy: HomeCopy | undefined;
  readonly told: string[] = [];
  readonly waiting: ((outcome: Outcome<void>) => void)[] = [];
  /** Whether it takes what is said to the home. */
  takes = true;

  readonly plugin = definePlugin({
    name: 'home',
    version: '1',
    enabledByDefault: false,
    config: z.strictObject({}),
    start: (host) => {
      this.host = host;
      const network = host.networks.declare(
        { address: xmppNetworkAddress(parseDomain('rooms.far.example')), title: 'far', label: 'far' },
        { privateMessage: () => undefined, unicast: () => undefined, userChanged: () => undefined, killed: () => undefined },
      );
      host.networks.homes('xmpp', {
        addressOf: (name) =>
          name.endsWith('@rooms.chat.example')
            ? host.rooms.byName(name.split('@')[0]!)?.address
            : name === 'den@rooms.far.example'
              ? den
              : undefined,
        opened: (room) => {
          this.told.push(`opened ${room.name}`);
          this.copy = network.home(room, { deliver: () => undefined });
        },
        closed: (room) => {
          this.told.push(`closed ${room.name}`);
          this.copy?.detach('closed');
        },
      });
      const ask = (what: string): { readonly elsewhere: Promise<Outcome<void>> } => {
        this.told.push(what);
        return { elsewhere: new Promise((resolve) => this.waiting.push(resolve)) };
      };
      host.hooks.filter('join', 0, (subject) =>
        subject.room.home === den ? ask(`join ${subject.nick} ${subject.key ?? ''}`) : { pass: subject },
      );
      host.hooks.filter('act', 0, (subject) =>
        subject.room.home === den && this.takes ? ask(`act ${subject.act.kind}`) : { pass: subject },
      );
      return Promise.resolve({ stop: () => Promise.resolve(), status: () => ({ summary: '', links: [] }) });
    },
  });

  answer(outcome: Outcome<void> = accepted(undefined)): void {
    for (const resolve of this.waiting.splice(0)) resolve(outcome);
  }
}

describe('rooms that have their home elsewhere', () => {
  let server: KitServer;
  let home: Home;
  beforeEach(async () => {
    server = await openServer();
    home = new Home();
    await server.start(home.plugin);
  });
  afterEach(() => server.stop());
  const copyHere = (): Room => server.room('den@rooms.far.example');

  it('are entered by their address, when the home says so, and forgotten when nobody is in them', async () => {
    const anna = await server.guest('anna');
    const joining = anna.join('den@rooms.far.example');
    await server.settle();
    deepEqual(home.told, ['opened den@rooms.far.example', 'join anna ']);
    deepEqual(server.nicks('den@rooms.far.example'), [], 'nobody is in it before');
    home.answer();
    await joining;
    deepEqual(server.nicks('den@rooms.far.example'), ['anna']);
    equal(copyHere().home, den);
    equal(copyHere().config.hidden, true);
    home.copy?.detach('');
    anna.leave('den@rooms.far.example');
    await server.settle();
    equal(server.core.rooms.byName('den@rooms.far.example'), undefined);
    equal(home.told.at(-1), 'closed den@rooms.far.example');
  });

  it('are not entered when the home refuses, and leave nothing behind', async () => {
    const anna = await server.guest('anna');
    const joining = anna.join('den@rooms.far.example');
    await server.settle();
    home.copy?.detach('');
    home.answer(refused('wrong-key', 'It needs a password.'));
    await rejects(joining, /wrong-key/);
    equal(server.core.rooms.byName('den@rooms.far.example'), undefined);
    await rejects(anna.join('den@nowhere.example'), /bad-name/);
  });

  it('are not entered by somebody who has gone meanwhile', async () => {
    const anna = await server.guest('anna');
    const joining = anna.join('den@rooms.far.example');
    await server.settle();
    anna.quit();
    home.answer();
    await rejects(joining, /no-such-room/);
  });

  it('may be rooms of ours after all', async () => {
    const anna = await server.guest('anna');
    await anna.join('lounge@rooms.chat.example');
    deepEqual(server.nicks('lounge'), ['anna']);
  });

  it('have a name here by an alias, until it is taken from them', async () => {
    const anna = await server.guest('anna', 'lounge');
    equal(server.core.aliases.alias('lounge', 'den@rooms.far.example').ok, true);
    deepEqual(home.told, ['opened lounge']);
    equal(server.core.rooms.byName('den@rooms.far.example'), server.room('lounge'));
    await rejects(anna.say('lounge', 'to whom?'), /unavailable/, 'nobody takes it there');
    equal(server.core.aliases.alias('other', 'den@rooms.far.example').ok, false, 'one room has one copy');
    equal(server.core.aliases.alias('other', 'lounge@rooms.chat.example').ok, false, 'a room of ours is none elsewhere');
    equal(server.core.aliases.unalias('lounge').ok, true);
    equal(home.told.at(-1), 'closed lounge');
    await anna.say('lounge', 'to us');
    equal(server.core.aliases.unalias('lounge').ok, false);
  });

  it('keep the room of their alias when nobody is in it, and leave no room behind by an address that is none', async () => {
    const anna = await server.guest('anna');
    await anna.join('shed');
    server.core.aliases.alias('shed', 'den@rooms.far.example');
    anna.leave('shed');
    equal(server.core.rooms.byName('shed')?.home !== undefined, true);
    equal(server.core.aliases.alias('attic', 'nowhere').ok, false);
    equal(server.core.rooms.byName('attic'), undefined);
  });

  it('keep their alias over a restart', async () => {
    server.core.aliases.alias('hall', 'den@rooms.far.example');
    await server.stop();
    server = await openServer({ storage: server.storage, clock: server.clock });
    home = new Home();
    await server.start(home.plugin);
    deepEqual(home.told, ['opened hall']);
  });

  it('judge what is done in them, whatever somebody is here', async () => {
    const chief = await server.member('chief', { administrator: true }, 'lounge');
    await server.guest('anna', 'lounge');
    server.core.aliases.alias('lounge', 'den@rooms.far.example');
    const kicking = chief.kick('lounge', 'anna');
    await server.settle();
    equal(home.told.at(-1), 'act kick');
    home.answer(refused('not-permitted', 'Not you.'));
    await rejects(kicking, /not-permitted/);
    deepEqual(server.nicks('lounge'), ['anna', 'chief']);
    home.takes = false;
    await rejects(chief.kick('lounge', 'anna'), /unavailable/);
    const { rooms } = server.core;
    for (const done of [
      rooms.configure(chief.user, server.room('lounge'), { moderated: true }),
      rooms.ban(chief.user, server.room('lounge'), '*!*@*', ''),
      rooms.setRoomNick(chief.user, server.room('lounge'), 'boss'),
    ])
      equal((await done).ok, false);
  });

  it('say what counts: words, topics, kicks and standing of whomever', async () => {
    const anna = await server.guest('anna', 'lounge');
    const dora = await server.guest('dora', 'lounge');
    server.core.aliases.alias('lounge', 'den@rooms.far.example');
    anna.take();
    const copy = home.copy!;
    await copy.accepted(anna.user, { text: { plain: 'hello', spans: [] }, style: 'normal' }, undefined);
    copy.standing(anna.user.id, { operator: true, voice: true, affiliation: 'admin' });
    await copy.topicOf(anna.user, 'tea');
    equal(copy.removed(anna.user, dora.user.id, 'out', false), true);
    await server.settle();
    deepEqual(
      anna.take().filter((line) => !line.startsWith('lounge member')),
      ['lounge <anna> hello', 'lounge topic anna: tea', 'lounge kick dora by anna: out'],
    );
    equal(server.room('lounge').members.get(anna.user.id)?.affiliation, 'admin');
    deepEqual([...server.room('lounge').affiliations], [], 'it is the home that remembers');
  });

  it('are asked when a network that shares them sets a topic or throws somebody out', async () => {
    await server.guest('anna', 'lounge');
    server.core.aliases.alias('lounge', 'den@rooms.far.example');
    const { networks } = home.host;
    const there = networks.get(xmppNetworkAddress(parseDomain('rooms.far.example')))!;
    const person = { ident: 'x', host: 'x.example', realName: 'x' };
    const [bert] = there.introduce([{ ...person, address: xmppOccupantAddress(den, 'bert'), nick: 'bert' }]);
    home.copy!.joined([{ user: bert! }], false);
    const testnet = ircNetworkAddress('testnet', parseDomain('chat.example'));
    const network = networks.declare(
      { address: testnet, title: 'TestNet', label: 'testnet' },
      { privateMessage: () => undefined, unicast: () => undefined, userChanged: () => undefined, killed: () => undefined },
    );
    const mirror = network.mirror(server.room('lounge'), { deliver: () => undefined });
    const [inga] = network.introduce([{ ...person, address: ircUserAddress(testnet, 'inga'), nick: 'inga' }]);
    mirror.joined([{ user: inga! }], false);
    equal((await mirror.topic('a server', 'tea')).ok, false, 'nobody can be asked in the name of a server');
    equal((await mirror.topic(inga!, 'tea')).ok, false, 'no filter takes topics in this test');
    equal(server.room('lounge').topic.text, '');
    equal(mirror.kicked(inga!, bert!.id, 'out'), false, 'it is the home that throws out its own people');
    equal(home.told.at(-1), 'act kick');
    home.answer(refused('not-permitted', 'Not you.'));
    await server.settle();
    deepEqual(server.nicks('lounge'), ['anna', 'bert', 'inga']);
    const anna = server.core.users.byNick('anna')!;
    equal(mirror.kicked(inga!, anna.id, 'out'), true, 'whoever else may be taken out of the copy');
    network.withdraw('the end');
  });
});
