/** The server in memory: people, plugins, time. */
import { expect } from 'chai';
import { z } from 'zod';
import { definePlugin } from '../../../server/plugin.ts';
import { joins, openServer, said, type KitServer } from '../../kit/index.ts';

/** Takes one of everything that a host gives. */
const greedy = definePlugin({
  name: 'greedy',
  version: '1.0.0',
  config: z.strictObject({ beats: z.int().default(1) }),
  enabledByDefault: false,
  async start(host, { beats }) {
    let beaten = 0;
    host.clock.every(1_000 / beats, () => beaten++);
    host.clock.after(500, () => {
      throw new Error('a bug in a timer');
    });
    host.http.route({ path: '/greedy', handle: () => undefined });
    host.commands.offer({ name: 'greedy', usage: '', help: '', run: () => Promise.resolve('') });
    await host.net.listen({ name: 'greedy', address: '127.0.0.1:0' }, (connection) =>
      connection.handle({ onData: () => undefined, onClose: () => undefined }),
    );
    await host.store.set('started', (((await host.store.get('started')) as number | undefined) ?? 0) + 1);
    const started = await host.store.get('started');
    return { stop: () => Promise.resolve(), status: () => ({ summary: `${beaten} beats, start ${String(started)}`, links: [] }) };
  },
});

describe('kit: the server', () => {
  let server: KitServer;

  beforeEach(async () => {
    server = await openServer();
  });
  afterEach(() => server.stop());

  it('a plugin that waits at its stop for what does not come is waited for in virtual time', async () => {
    const patient = await server.start(
      definePlugin({
        name: 'patient',
        version: '1.0.0',
        config: z.strictObject({}),
        enabledByDefault: false,
        start: (host) =>
          Promise.resolve({
            stop: () => new Promise<void>((resolve) => void host.clock.after(2_000, resolve)),
            status: () => ({ summary: '', links: [] }),
          }),
      }),
    );
    const before = server.clock.now();
    await patient.stop();
    expect(server.clock.now() - before).to.equal(2_000);
  });

  it('A24 a plugin that never starts is given up, and gets nothing when it goes on after all', async () => {
    const before = server.footprint();
    let wake: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (wake = resolve));
    const went: string[] = [];
    const starting = server.start(
      definePlugin({
        name: 'sleeper',
        version: '1.0.0',
        config: z.strictObject({}),
        enabledByDefault: false,
        async start(host) {
          host.http.route({ path: '/sleeper', handle: () => undefined });
          await gate;
          const listening = host.net.listen({ name: 'sleeper', address: '127.0.0.1:0' }, () => undefined);
          await listening.catch((error: unknown) => went.push(String(error)));
          return { stop: () => Promise.resolve(void went.push('stopped')), status: () => ({ summary: '', links: [] }) };
        },
      }),
    );
    const failed = starting.then(
      () => 'started',
      (error: unknown) => String(error),
    );
    await server.advance(20_000);
    expect(await failed).to.equal('Error: did not start within 20 seconds');
    expect(server.footprint()).to.deep.equal(before);
    wake();
    await server.settle();
    expect(went).to.deep.equal(['Error: the plugin was stopped, and can be given nothing more', 'stopped']);
    expect(server.footprint()).to.deep.equal(before);
  });

  it('shows each person in words what happens', async () => {
    const anna = await server.guest('anna', 'lounge');
    const chief = await server.member('chief', { administrator: true }, 'lounge');
    await anna.say('lounge', 'hello');
    await anna.tell(chief.user.address, 'psst');
    await chief.topic('lounge', 'tea');
    anna.rename('annette');
    await server.settle();
    expect(anna.take()).to.deep.equal([
      'lounge join chief',
      'lounge <anna> hello (own)',
      'private <anna> psst (own)',
      'lounge topic chief: tea',
      'nick anna now annette',
    ]);
    await chief.kick('lounge', 'annette', 'out');
    await server.settle();
    expect(anna.take()).to.deep.equal(['lounge kick annette by chief: out', 'lounge detached']);
    const seen = chief.take();
    expect(said(seen)).to.deep.equal(['<anna> hello']);
    expect(seen).to.include('private <anna> psst');
    await anna.join('lounge');
    await server.settle();
    expect(joins(chief.take())).to.deep.equal(['annette']);
    expect(server.nicks('lounge')).to.deep.equal(['annette', 'chief']);
  });

  it('throws what the core refuses, by its code', async () => {
    const anna = await server.guest('anna');
    const failure = await anna.say('lounge', 'hello').then(String, String);
    expect(failure).to.contain('refused: not-a-member');
    await server.guest('bert');
    expect(await server.guest('bert').then(String, String)).to.contain('refused: nick-in-use');
  });

  it('runs plugins in virtual time, and counts what they hold', async () => {
    const before = server.footprint();
    const plugin = await server.start(greedy, { beats: 2 });
    const peer = server.connect('greedy');
    await server.advance(3_000);
    expect(plugin.status().summary).to.equal('6 beats, start 1');
    expect(server.log.atLeast('error').join()).to.contain('a bug in a timer');
    const { timers, listeners, connections, routes, commands } = server.footprint();
    expect({ timers, listeners, connections, routes, commands }).to.deep.equal({
      timers: before.timers + 2,
      listeners: 1,
      connections: 1,
      routes: 1,
      commands: 1,
    });
    await plugin.stop();
    expect(server.footprint()).to.deep.equal(before);
    expect(peer.closed).to.deep.equal({ error: undefined });
    expect(await server.start(greedy, { beats: 0.5 }).then(String, String)).to.contain('beats');
  });

  it('comes back on its data', async () => {
    const anna = await server.guest('anna', 'lounge');
    await anna.say('lounge', 'before');
    await server.start(greedy);
    await server.stop();
    const again = await openServer({ storage: server.storage, clock: server.clock });
    const plugin = await again.start(greedy);
    expect(plugin.status().summary).to.equal('0 beats, start 2');
    const history = await again.core.rooms.history(undefined, again.room('lounge'), { limit: 100, take: 'last' });
    const messages = history.ok ? history.value.flatMap(({ content }) => (content.kind === 'message' ? [content.text.plain] : [])) : [];
    expect(messages).to.deep.equal(['before']);
    await again.stop();
  });
});
