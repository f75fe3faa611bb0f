/** Private messages to people of other servers, over restarts of this one. */
import { expect } from 'chai';
import type { UserAddress } from '../../../server/model/address.ts';
import { openMemoryStorage } from '../../../storage/memory/index.ts';
import { quiet, signedIn, text, value, type Recorder } from '../core/support.ts';
import { far, own, xmppWorld, type World } from './support.ts';

const alice = `xmpp:alice@${far}` as UserAddress;

describe('private messages for other XMPP servers', () => {
  let storage: ReturnType<typeof openMemoryStorage>;
  let world: World;
  let carol: Recorder;

  /** The server, on what the one before left: whether that one was stopped or not. */
  const start = async (config: Record<string, unknown> = {}): Promise<void> => {
    world = await xmppWorld(config, { storage });
    carol = signedIn(world.core, 'carol');
  };
  beforeEach(async () => {
    storage = openMemoryStorage();
    world = await xmppWorld({}, { storage });
    value(await world.core.accounts.add('carol', 'correct horse', false));
    carol = signedIn(world.core, 'carol');
  });

  const write = async (plain: string): Promise<void> => {
    value(await world.core.users.sendPrivate(carol.session.user, alice, text(plain), carol.session));
    await quiet();
  };
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      world.clock.advance(1_000);
      await quiet();
    }
  };
  const bodies = (): (string | null)[] => world.server(far).stanzas.map((stanza) => stanza.getChildText('body'));
  const notices = (): string[] => carol.take().filter((line) => line.includes('not delivered'));

  it('that had not crossed when it was killed cross afterwards: in order, with their time, and only these', async () => {
    world.server(far);
    await write('crossed');
    expect(bodies()).to.deep.equal(['crossed']);
    world.server(far).up = false;
    for (const line of world.server(far).lines) line.break();
    world.clock.advance(-10_000);
    await write('one');
    await write('two');

    await start();
    world.server(far);
    await write('three');
    await pass(1);
    expect(bodies()).to.deep.equal(['one', 'two', 'three']);
    const stamps = world.server(far).stanzas.map((stanza) => stanza.getChild('delay')?.attrs['stamp'] as string | undefined);
    expect(stamps.map((stamp) => stamp !== undefined)).to.deep.equal([true, true, false]);
    expect(new Date(stamps[0]!).getTime()).to.equal(world.clock.now() - 11_000);
    expect(world.server(far).stanzas[0]!.attrs['from']).to.equal(`carol@${own}`);

    await start();
    world.server(far);
    await write('four');
    await pass(1);
    expect(bodies()).to.deep.equal(['four']);
  });

  it('are sent again when they were not acknowledged, and only these', async () => {
    const server = world.server(far);
    server.acknowledges = 'always';
    await write('acknowledged');
    server.acknowledges = 'not now';
    await write('not acknowledged');
    await start();
    world.server(far);
    await pass(1);
    expect(bodies()).to.deep.equal(['not acknowledged']);
  });

  it('wait over an end in order too', async () => {
    world.server(far).up = false;
    await write('waits');
    await world.stop();
    expect(notices()).to.deep.equal([]);
    await start();
    world.server(far);
    await pass(1);
    expect(bodies()).to.deep.equal(['waits']);
  });

  it('go back to their sender, in words, when they have waited too long', async () => {
    world.server(far).up = false;
    await write('first\nand more');
    await start({ message_seconds: 30 });
    world.server(far).up = false;
    await pass(40);
    const [notice, ...more] = notices();
    expect(notice).to.include('first').and.not.include('and more');
    expect(more).to.deep.equal([]);
    // Whoever was away reads it in the inbox.
    const inbox = await world.core.users.readPrivate(carol.session.user, { limit: 10 });
    expect(inbox.map(({ content }) => content.kind === 'private' && content.text.plain.split(' ')[0])).to.include('Your');
    await start();
    world.server(far);
    await pass(1);
    expect(bodies()).to.deep.equal([]);
  });

  it('of a time when positions were not kept are not sent once more', async () => {
    world.server(far);
    await write('long ago');
    for (const [key] of await storage.entries('xmpp', '')) await storage.delete('xmpp', key);
    await start();
    world.server(far);
    await write('now');
    await pass(1);
    expect(bodies()).to.deep.equal(['now']);
  });
});
