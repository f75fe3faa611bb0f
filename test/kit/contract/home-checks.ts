/** What must hold besides where the room is theirs. */
import { deepEqual } from 'node:assert/strict';
import type { Attachment, ForeignHome } from './attachment.ts';
import { play, room, sawHere, sawThere, type Scene } from './scene.ts';
import type { Check } from './suites.ts';

/** @throws Error when the adapter lacks the verbs of a foreign home */
function home(there: Attachment): ForeignHome {
  if (!('holds' in there) || !('accepts' in there)) throw new Error('the adapter of a foreign home needs holds() and accepts()');
  return there as ForeignHome;
}

async function here(scene: Scene): Promise<string[]> {
  return (await sawHere(scene, scene.anna)).map((line) => line.replace(' (own)', ''));
}

export const homeChecks: readonly Check[] = [
  {
    kinds: ['foreign-home'],
    title: 'what is said here counts when it comes back, in the order of its home',
    run: (adapter) =>
      play(adapter, ['bert'], async (scene) => {
        const there = home(scene.there);
        there.holds();
        const said = scene.anna.say(room, 'first said');
        deepEqual(await sawThere(scene, 'bert'), ['<anna> first said']);
        deepEqual(await here(scene), [], 'nobody sees it before');
        await there.says('bert', 'first accepted');
        await there.accepts();
        deepEqual(await here(scene), ['<bert> first accepted', '<anna> first said']);
        await said;
      }),
  },
  {
    kinds: ['foreign-home'],
    title: 'the log is a copy of theirs, though several of ours are inside',
    run: (adapter) =>
      play(adapter, ['bert'], async (scene) => {
        await scene.server.guest('dora', room);
        await sawHere(scene, scene.anna);
        await scene.there.says('bert', 'once');
        deepEqual(await here(scene), ['<bert> once']);
      }),
  },
];
