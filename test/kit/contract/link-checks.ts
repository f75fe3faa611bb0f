/** What must hold when the link goes and comes, and when the plugin stops. */
import { deepEqual, equal, ok } from 'node:assert/strict';
import { openServer } from '../server.ts';
import { addressOf, play, room, sawHere, sawThere, sorted } from './scene.ts';
import type { Check } from './suites.ts';

/** Time in which every plugin must have noticed that a link is lost, or tried again; milliseconds. */
const longEnough = 180_000;

export const linkChecks: readonly Check[] = [
  {
    title: 'the loss of the link takes its people out in one change, and the return brings them back in one',
    needs: 'split',
    run: (adapter) =>
      play(adapter, ['bert', 'carl'], async (scene) => {
        await scene.there.breaks();
        await scene.server.settle();
        const lost = (await sawHere(scene, scene.anna)).filter((line) => !line.startsWith('network'));
        deepEqual(lost, ['split bert carl']);
        deepEqual(scene.server.nicks(room), ['anna']);
        equal(scene.server.core.users.count.foreign, 0);
        await scene.there.returns(['bert', 'carl']);
        const back = (await sawHere(scene, scene.anna)).filter((line) => !line.startsWith('network'));
        deepEqual(back, ['burst bert carl']);
        deepEqual(scene.server.nicks(room), ['anna', 'bert', 'carl']);
        deepEqual(sorted(scene.there.members('bert')), ['anna', 'bert', 'carl']);
      }),
  },
  {
    title: 'after a loss and a return every event crosses once as before',
    run: (adapter) =>
      play(adapter, ['bert'], async (scene) => {
        await scene.there.breaks();
        await scene.server.advance(longEnough);
        await scene.there.returns(['bert']);
        await sawThere(scene, 'bert');
        await sawHere(scene, scene.anna);
        await scene.anna.say(room, 'again');
        deepEqual(await sawThere(scene, 'bert'), ['<anna> again']);
        await scene.there.says('bert', 'indeed');
        const seen = (await sawHere(scene, scene.anna)).map((line) => line.replace(' (own)', ''));
        deepEqual(seen, ['<anna> again', '<bert> indeed']);
        deepEqual(scene.server.nicks(room), ['anna', 'bert']);
      }),
  },
  {
    title: 'what is said here while the link is away crosses once, in order, when it is back',
    needs: 'catch-up',
    run: (adapter) =>
      play(adapter, ['bert'], async (scene) => {
        await scene.anna.say(room, 'before');
        await scene.server.advance(5_000);
        deepEqual(await sawThere(scene, 'bert'), ['<anna> before']);
        await scene.there.breaks();
        await scene.server.settle();
        const dora = await scene.server.guest('dora', room);
        await scene.anna.say(room, 'one');
        await dora.say(room, 'two');
        dora.quit();
        await scene.anna.say(room, 'three');
        const before = await sawHere(scene, scene.anna);
        if (adapter.kind === 'mirror') equal(before.filter((line) => line.startsWith('network')).length, 1, before.join('; '));
        await scene.there.returns(['bert']);
        await scene.server.advance(5_000);
        if (adapter.kind === 'mirror' && adapter.cannotCarry?.includes('waiting') !== true) {
          const back = (await sawHere(scene, scene.anna)).filter((line) => line.startsWith('network'));
          equal(back.length, 1, back.join('; '));
          ok(back[0]!.endsWith(' present 1 crossing 3 left out 0'), back[0]);
        }
        const told = (await sawThere(scene, 'bert')).filter((line) => line.startsWith('<'));
        deepEqual(
          told.map((line) => line.replace(/^<dora[^>]*>/, '<dora>')),
          ['<anna> one', '<dora> two', '<anna> three'],
        );
        deepEqual(sorted(scene.there.members('bert')), ['anna', 'bert'], 'who came back only to say it has left again');
        await scene.anna.say(room, 'after');
        deepEqual(await sawThere(scene, 'bert'), ['<anna> after']);
      }),
  },
  {
    title: 'what had not crossed when the server was restarted crosses afterwards, once',
    needs: 'catch-up',
    kinds: ['mirror'],
    async run(adapter) {
      const first = await openServer({ rooms: [room] });
      const anna = await first.guest('anna', room);
      const there = await adapter.open(first);
      await anna.say(room, 'before');
      await first.advance(5_000);
      await there.breaks();
      await anna.say(room, 'one');
      await first.stop();
      const second = await openServer({ rooms: [room], storage: first.storage, clock: first.clock });
      try {
        const again = await adapter.open(second);
        await second.advance(5_000);
        const told = again.saw('').filter((sight) => sight.kind === 'say');
        deepEqual(
          told.map(({ text }) => text),
          ['one'],
        );
        deepEqual(again.members(''), [], 'who said it is not here any more');
        for (const { log } of [first, second]) deepEqual(log.atLeast('error'), [], 'the log must hold no error');
      } finally {
        await second.stop();
      }
    },
  },
  {
    title: 'private messages to somebody whose link is away cross once, in order, when it is back',
    needs: 'waiting',
    kinds: ['mirror'],
    run: (adapter) =>
      play(adapter, ['bert'], async (scene) => {
        const bert = addressOf(scene, 'bert');
        await scene.there.breaks();
        await scene.server.settle();
        const dora = await scene.server.guest('dora');
        await scene.anna.tell(bert, 'one');
        await dora.tell(bert, 'two');
        dora.quit();
        await scene.anna.tell(bert, 'three');
        await scene.there.returns(['bert']);
        await scene.server.advance(5_000);
        const told = (await sawThere(scene, 'bert')).filter((line) => line.startsWith('private'));
        deepEqual(
          told.map((line) => line.replace(/^private <dora[^>]*>/, 'private <dora>')),
          ['private <anna> one', 'private <dora> two', 'private <anna> three'],
        );
        deepEqual(sorted(scene.there.members('bert')), ['anna', 'bert']);
      }),
  },
  {
    title: 'who wrote to somebody who does not come back with the link is told so, and what was written',
    needs: 'waiting',
    kinds: ['mirror'],
    run: (adapter) =>
      play(adapter, ['bert', 'carl'], async (scene) => {
        const carl = addressOf(scene, 'carl');
        await scene.there.breaks();
        await scene.server.settle();
        await scene.anna.tell(carl, 'a secret');
        await sawHere(scene, scene.anna);
        await scene.there.returns(['bert']);
        await scene.server.advance(5_000);
        deepEqual(
          (await sawThere(scene, 'bert')).filter((line) => line.startsWith('private')),
          [],
        );
        const told = (await sawHere(scene, scene.anna)).filter((line) => line.includes('a secret'));
        equal(told.length, 1, told.join('; '));
      }),
  },
  {
    title: 'stopped and started again it carries on',
    run: (adapter) =>
      play(adapter, ['bert'], async (scene) => {
        await scene.there.plugin.stop();
        deepEqual(scene.server.nicks(room), ['anna']);
        const again = { ...scene, there: await adapter.open(scene.server) };
        await again.there.joins('bert');
        await sawThere(again, 'bert');
        await sawHere(again, scene.anna);
        await scene.anna.say(room, 'again');
        deepEqual(await sawThere(again, 'bert'), ['<anna> again']);
        await again.there.says('bert', 'indeed');
        deepEqual(
          (await sawHere(again, scene.anna)).map((line) => line.replace(' (own)', '')),
          ['<anna> again', '<bert> indeed'],
        );
        deepEqual(sorted(again.there.members('bert')), ['anna', 'bert']);
      }),
  },
  {
    title: 'a stop leaves nothing behind: linked, broken, and talking',
    async run(adapter) {
      for (const state of ['linked', 'broken'] as const) {
        const server = await openServer({ rooms: [room] });
        try {
          const anna = await server.guest('anna', room);
          // Rooms that the plugin makes may stay; what is counted is what is in them.
          const before = server.footprint();
          const there = await adapter.open(server);
          await there.joins('bert');
          await server.settle();
          await anna.say(room, 'hello');
          if (state === 'broken') await there.breaks();
          await there.plugin.stop();
          await server.advance(longEnough);
          deepEqual(server.footprint(), before, `stopped while ${state}`);
          deepEqual(server.nicks(room), ['anna']);
          deepEqual(server.log.atLeast('error'), [], 'the log must hold no error');
        } finally {
          await server.stop();
        }
      }
    },
  },
];
