/** What becomes of stanzas when streams break, when nobody answers, and when too much waits. */
import { expect } from 'chai';
import type { UserAddress } from '../../../server/model/address.ts';
import { guest, quiet, text, value, type Recorder } from '../core/support.ts';
import { codes, enterStanza, far, header, lounge, own, xmppWorld, type FarServer, type Line, type World } from './support.ts';

const alice = `alice@${far}/desk`;
const sm = 'urn:xmpp:sm:3';

describe('delivery to other XMPP servers', () => {
  let world: World;
  let server: FarServer;
  let wanda: Recorder;

  const begin = async (config: Record<string, unknown> = {}, directory: Parameters<typeof xmppWorld>[1] = {}): Promise<void> => {
    world = await xmppWorld(config, directory);
    server = world.server(far);
    wanda = guest(world.core, 'wanda');
    value(await world.core.rooms.join(wanda.session.user, 'lounge', { session: wanda.session }, wanda));
    await quiet();
    wanda.take();
  };
  afterEach(() => world.stop());

  const say = async (plain: string): Promise<void> => {
    value(await world.core.rooms.say(wanda.session.user, world.core.rooms.byName('lounge')!, text(plain), wanda));
    await quiet();
  };
  const write = async (plain: string): Promise<void> => {
    value(await world.core.users.sendPrivate(wanda.session.user, `xmpp:alice@${far}` as UserAddress, text(plain), wanda.session));
    await quiet();
  };
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      world.clock.advance(1_000);
      await quiet();
    }
  };
  const bodies = (): (string | null)[] =>
    server.stanzas.filter((stanza) => stanza.getChild('body') !== undefined).map((stanza) => stanza.getChildText('body'));
  const entered = async (): Promise<Line> => {
    const line = await world.proved();
    line.receive(enterStanza(alice, `${lounge}/Alice`));
    await quiet();
    server.take();
    wanda.take();
    return line;
  };
  const breakAll = (): void => {
    for (const line of server.lines) line.break();
  };

  it('sends again what was not acknowledged when a stream broke, marked, and nothing else', async () => {
    await begin();
    server.acknowledges = 'always';
    await entered();
    await say('one');
    server.acknowledges = 'not now';
    await say('two');
    await say('three');
    server.acknowledges = 'always';
    breakAll();
    await pass(2);
    expect(bodies()).to.deep.equal(['one', 'two', 'three', 'two', 'three']);
    const marks = server.stanzas.filter((stanza) => stanza.getChild('body') !== undefined).map((stanza) => stanza.getChildText('delay'));
    expect(marks).to.deep.equal([null, null, null, 'sent again', 'sent again']);
    breakAll();
    await say('four');
    expect(bodies().slice(5)).to.deep.equal(['four']);
  });

  it('takes what was written for sent where the other side acknowledges nothing', async () => {
    await begin();
    await entered();
    await say('one');
    breakAll();
    await say('two');
    expect(bodies()).to.deep.equal(['one', 'two']);
  });

  it('writes no more than the network takes: what waits behind it is not lost with the stream', async () => {
    await begin();
    await entered();
    await say('one');
    const line = server.lines.at(-1)!;
    line.queued = 1_000_000;
    await say('two');
    await say('three');
    expect(bodies()).to.deep.equal(['one']);
    line.drain();
    await quiet();
    expect(bodies()).to.deep.equal(['one', 'two', 'three']);
    line.queued = 1_000_000;
    await say('four');
    breakAll();
    await pass(1);
    expect(bodies()).to.deep.equal(['one', 'two', 'three', 'four']);
  });

  it('gives up a stanza on which stream after stream breaks, and carries on behind it', async () => {
    await begin();
    server.acknowledges = 'always';
    await world.proved(far, own);
    await write('before');
    const dialled = server.dialled.bind(server);
    server.dialled = () => {
      const line = dialled();
      const { listener } = line;
      line.listener = (written) => {
        if (written.includes('poison')) line.break();
        else listener?.(written);
      };
      return line;
    };
    breakAll();
    await write('poison');
    await write('behind');
    await pass(10);
    expect(wanda.take().filter((line) => line.includes('not delivered'))).to.have.lengthOf(1);
    expect(bodies()).to.deep.equal(['before', 'behind']);
  });

  it('goes on without acknowledgements where they are refused, and ends where more is acknowledged than was sent', async () => {
    await begin();
    server.acknowledges = 'not now';
    await entered();
    await say('one');
    server.lines.at(-1)!.receive(`<failed xmlns='${sm}'/>`);
    breakAll();
    await say('two');
    expect(bodies()).to.deep.equal(['one', 'two']);
    const line = server.lines.at(-1)!;
    line.receive(`<a xmlns='${sm}' h='1000'/>`);
    expect(line.streamError).to.equal('undefined-condition');
  });

  it('waits for a domain that is away for a short while, in order, with the time', async () => {
    await begin();
    await entered();
    await world.proved(far, own);
    server.up = false;
    breakAll();
    await say('one');
    await write('private');
    await say('two');
    await pass(10);
    server.up = true;
    await pass(10);
    expect(bodies()).to.have.members(['one', 'two', 'private']);
    expect(bodies().filter((body) => body !== 'private')).to.deep.equal(['one', 'two']);
    for (const stanza of server.stanzas)
      if (stanza.getChild('body') !== undefined) expect(stanza.getChild('delay')?.attrs['stamp'], String(stanza)).to.match(/^20/);
    await say('three');
    expect(bodies().filter((body) => body !== 'private')).to.deep.equal(['one', 'two', 'three']);
    expect(server.stanzas.at(-1)!.getChild('delay')).to.equal(undefined);
    expect(wanda.take().filter((line) => line.includes('not delivered') || line.includes('left'))).to.deep.equal([]);
  });

  it('asks a server that is silent whether it is there, and loses its people when it is not', async () => {
    for (const acknowledges of ['always', 'never'] as const) {
      await begin();
      server.acknowledges = acknowledges;
      await entered();
      await pass(300);
      expect(wanda.take(), acknowledges).to.deep.equal([]);
      expect(server.lines.filter((line) => !line.closed)).to.have.length.greaterThan(0);
      // Stopped: connections stay, and new ones are taken by the kernel; nobody says a word.
      server.acknowledges = acknowledges === 'always' ? 'not now' : 'never';
      server.answersPings = false;
      const dialled = server.dialled.bind(server);
      server.dialled = () => Object.assign(dialled(), { listener: undefined });
      await pass(60 + 30 + 60 + 2);
      expect(wanda.take(), acknowledges).to.deep.equal(['lounge left Alice by leave']);
      if (acknowledges === 'always') await world.stop();
    }
  });

  it('never gives up a server that cannot answer since it cannot reach us', async () => {
    await begin();
    server.answersPings = false;
    await write('one way');
    const line = server.lines.at(-1)!;
    await pass(300);
    expect(line.closed).to.equal(false);
  });

  it('acknowledges what came when it is durable', async () => {
    await begin();
    const line = await entered();
    const since = line.elements.length;
    line.receive(`<r xmlns='${sm}'/><enable xmlns='${sm}'/><enable xmlns='${sm}'/>`);
    line.receive(`<message type='groupchat' from='${alice}' to='${lounge}'><body>hi</body></message><r xmlns='${sm}'/>`);
    const answers = (): string[] => line.elements.slice(since).map(({ name, attrs }) => `${name} ${String(attrs['h'] ?? '')}`.trim());
    expect(answers()).to.deep.equal(['enabled', 'failed']);
    await quiet();
    expect(answers()).to.deep.equal(['enabled', 'failed', 'a 1']);
    expect(wanda.take()).to.deep.equal(['lounge <Alice> hi']);
    line.receive(`<resume xmlns='${sm}' previd='x' h='0'/>`);
    expect(answers().at(-1)).to.equal('failed');
    const stranger = world.accept();
    stranger.receive(`${header(own)}<enable xmlns='${sm}'/>`);
    expect(stranger.elements.at(-1)!.name).to.equal('failed');
  });

  it('shows whoever enters a thousand messages while the stream is not ready, and cuts them at a mebibyte, the newest kept', async () => {
    await begin();
    for (let index = 0; index < 1_000; index++)
      void world.core.rooms.say(wanda.session.user, world.core.rooms.byName('lounge')!, text(`${index} ${'x'.repeat(2_000)}`), wanda);
    await quiet();
    const line = await world.proved();
    breakAll();
    server.up = false;
    line.receive(enterStanza(alice, `${lounge}/Alice`, `<history maxstanzas='1000'/>`));
    for (let round = 0; round < 5; round++) await quiet();
    server.up = true;
    await pass(10);
    const heard = bodies();
    expect(heard).to.have.length.within(300, 520);
    expect(heard.map((body) => Number.parseInt(body!, 10))).to.deep.equal(heard.map((_, index) => 1_000 - heard.length + index));
    expect(server.stanzas.at(-1)?.getChild('subject')).to.not.equal(undefined);
    expect([...world.core.rooms.byName('lounge')!.members.values()].map(({ nick }) => nick)).to.include('Alice');
  });

  it('tells whoever it throws out because too much waits', async () => {
    await begin({ queue_stanzas: 20 });
    await entered();
    breakAll();
    server.up = false;
    for (let index = 0; index < 30; index++) await say(`line ${index}`);
    expect(wanda.take().filter((line) => line.includes(' left '))).to.deep.equal(['lounge left Alice by leave']);
    server.up = true;
    await pass(10);
    const last = server.stanzas.at(-1)!;
    expect([last.name, last.attrs['type'], last.attrs['from'], last.attrs['to']]).to.deep.equal([
      'presence',
      'unavailable',
      `${lounge}/Alice`,
      alice,
    ]);
    expect(codes(last)).to.have.members(['110', '333']);
  });
});
