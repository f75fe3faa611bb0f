/** What every attachment must do, whatever its kind. */
import { deepEqual, equal, ok } from 'node:assert/strict';
import type { AttachmentKind, ContractAdapter, Feature } from './attachment.ts';
import { addressOf, makeOperator, play, randomBytesOf, room, sawHere, sawThere, sorted } from './scene.ts';

/** One check: a sentence, and what proves it. */
export interface Check {
  readonly title: string;
  /** Left out when the attachment cannot carry it. */
  readonly needs?: Feature;
  /** The only kinds that it is for; default all. */
  readonly kinds?: readonly AttachmentKind[];
  run(adapter: ContractAdapter): Promise<void>;
}

/** Their own lines come back to the people of ours and of remote members, and to nobody else. */
function ownLine(adapter: ContractAdapter, line: string): string[] {
  return adapter.kind === 'remote-members' ? [line] : [];
}

export const memberChecks: readonly Check[] = [
  {
    title: 'people over there are members here, and the lists of both sides are equal',
    run: (adapter) =>
      play(adapter, ['bert', 'carl'], async (scene) => {
        const { server, there } = scene;
        deepEqual(server.nicks(room), ['anna', 'bert', 'carl']);
        equal(server.room(room).memberByNick('bert')?.who.kind, 'foreign');
        await server.guest('dora', room);
        for (const nick of ['bert', 'carl']) deepEqual(sorted(there.members(nick)), ['anna', 'bert', 'carl', 'dora']);
      }),
  },
  {
    title: 'whoever comes and goes over there comes and goes here, once',
    run: (adapter) =>
      play(adapter, ['bert'], async (scene) => {
        await scene.there.joins('carl');
        deepEqual(await sawHere(scene, scene.anna), ['join carl']);
        await scene.there.leaves('carl');
        const left = await sawHere(scene, scene.anna);
        equal(left.length, 1, left.join('; '));
        ok(/^(?:leave|quit) carl\b/.test(left[0]!), left[0]);
        deepEqual(scene.server.nicks(room), ['anna', 'bert']);
        deepEqual(
          (await sawThere(scene, 'bert')).filter((line) => !line.endsWith(' carl')),
          [],
          'nothing else is shown over there',
        );
      }),
  },
  {
    title: 'whoever comes and goes here comes and goes over there, once',
    run: (adapter) =>
      play(adapter, ['bert'], async (scene) => {
        const dora = await scene.server.guest('dora', room);
        deepEqual(await sawThere(scene, 'bert'), ['join dora']);
        dora.leave(room);
        deepEqual(await sawThere(scene, 'bert'), ['leave dora']);
        await dora.join(room);
        deepEqual(await sawThere(scene, 'bert'), ['join dora']);
        dora.quit();
        deepEqual(await sawThere(scene, 'bert'), ['leave dora']);
        deepEqual(sorted(scene.there.members('bert')), ['anna', 'bert']);
      }),
  },
  {
    title: 'a change of nick is one on the other side',
    needs: 'nick',
    run: (adapter) =>
      play(adapter, ['bert'], async (scene) => {
        scene.anna.rename('annette');
        deepEqual(await sawThere(scene, 'bert'), ['nick anna now annette']);
        scene.anna.take();
        await scene.there.renames('bert', 'bertram');
        const seen = await sawHere(scene, scene.anna);
        equal(seen.filter((line) => line.startsWith('nick')).length <= 1, true, seen.join('; '));
        deepEqual(scene.server.nicks(room), ['annette', 'bertram']);
        deepEqual(sorted(scene.there.members('bertram')), ['annette', 'bertram']);
      }),
  },
];

/** Nicks that most protocols cannot show as they are. */
const strange = ['Zoë', 'a'.repeat(32), '日本語', '{curly}'];

export const nameChecks: readonly Check[] = [
  {
    title: 'of two who have one nick each is somebody of its own over there',
    run: (adapter) =>
      play(adapter, ['bert'], async (scene) => {
        const other = await scene.server.guest('bert', room);
        const there = sorted(scene.there.members('bert'));
        equal(new Set(there).size, 3, there.join(' '));
        deepEqual(there.slice(0, 2), ['anna', 'bert']);
        await sawThere(scene, 'bert');
        await other.say(room, 'not the one you know');
        deepEqual(await sawThere(scene, 'bert'), [`<${there[2]}> not the one you know`]);
      }),
  },
  {
    title: 'whatever the nick, its owner is somebody over there, and says what it says',
    run: (adapter) =>
      play(adapter, ['bert'], async (scene) => {
        for (const [index, nick] of strange.entries()) {
          const person = await scene.server.guest(nick, room);
          const members = scene.there.members('bert');
          equal(members.length, index + 3, `${nick}: ${members.join(' ')}`);
          await sawThere(scene, 'bert');
          await person.say(room, 'hello');
          const seen = await sawThere(scene, 'bert');
          equal(seen.length, 1, seen.join('; '));
          const shown = /^<([^>]+)> hello$/.exec(seen[0]!)?.[1];
          ok(shown !== undefined && members.includes(shown), `${nick}: ${seen.join('; ')}`);
        }
      }),
  },
];

export const talkChecks: readonly Check[] = [
  {
    title: 'what is said here is shown over there once, and here once',
    run: (adapter) =>
      play(adapter, ['bert'], async (scene) => {
        const dora = await scene.server.guest('dora', room);
        await sawThere(scene, 'bert');
        await sawHere(scene, scene.anna);
        await scene.anna.say(room, 'hello');
        await scene.anna.say(room, 'world');
        deepEqual(await sawThere(scene, 'bert'), ['<anna> hello', '<anna> world']);
        deepEqual(await sawHere(scene, dora), ['<anna> hello', '<anna> world']);
        const own = await sawHere(scene, scene.anna);
        deepEqual(
          own.map((line) => line.replace(' (own)', '')),
          ['<anna> hello', '<anna> world'],
        );
      }),
  },
  {
    title: 'a long text arrives whole, in as many lines as it takes',
    run: (adapter) =>
      play(adapter, ['bert'], async (scene) => {
        const text = Array.from({ length: 700 }, (_, index) => `w\u00f6rt${index}`).join(' ');
        await scene.anna.say(room, text);
        await scene.server.settle();
        const seen = scene.there.saw('bert');
        const said = seen.flatMap((sight) => (sight.kind === 'say' && sight.nick === 'anna' ? [sight.text.trim()] : []));
        equal(said.length, seen.length, 'nothing but lines of hers');
        equal(said.join(' '), text);
      }),
  },
  {
    title: 'what is said over there is shown here once, and never returns to where it came from',
    run: (adapter) =>
      play(adapter, ['bert', 'carl'], async (scene) => {
        await scene.there.says('bert', 'hello');
        await scene.there.says('carl', 'world');
        deepEqual(await sawHere(scene, scene.anna), ['<bert> hello', '<carl> world']);
        for (const nick of ['bert', ...(adapter.kind === 'remote-members' ? ['carl'] : [])])
          deepEqual(await sawThere(scene, nick), [...ownLine(adapter, '<bert> hello'), ...ownLine(adapter, '<carl> world')]);
      }),
  },
  {
    title: 'a private message reaches the one person, both ways',
    needs: 'private',
    run: (adapter) =>
      play(adapter, ['bert', 'carl'], async (scene) => {
        const dora = await scene.server.guest('dora', room);
        for (const nick of ['bert', 'carl']) await sawThere(scene, nick);
        await sawHere(scene, scene.anna);
        await scene.anna.tell(addressOf(scene, 'bert'), 'psst');
        deepEqual(await sawThere(scene, 'bert'), ['private <anna> psst']);
        if (adapter.kind === 'remote-members') deepEqual(await sawThere(scene, 'carl'), []);
        deepEqual(await sawHere(scene, scene.anna), ['private <anna> psst (own)']);
        await scene.there.tells('bert', 'anna', 'what?');
        deepEqual(await sawHere(scene, scene.anna), ['private <bert> what?']);
        deepEqual(await sawThere(scene, 'bert'), []);
        deepEqual(await sawHere(scene, dora), []);
      }),
  },
  {
    title: 'a topic crosses both ways, once',
    needs: 'topic',
    run: (adapter) =>
      play(adapter, ['bert'], async (scene) => {
        const chief = await makeOperator(scene, 'bert');
        await chief.topic(room, 'from here');
        deepEqual(await sawThere(scene, 'bert'), ['topic from here']);
        await sawHere(scene, scene.anna);
        await scene.there.topic('bert', 'from there');
        deepEqual(await sawHere(scene, scene.anna), ['topic bert: from there']);
        deepEqual(await sawThere(scene, 'bert'), ownLine(adapter, 'topic from there'));
        equal(scene.server.room(room).topic.text, 'from there');
      }),
  },
  {
    title: 'a kick takes the person out on both sides, whoever gives it',
    needs: 'kick',
    run: (adapter) =>
      play(adapter, ['bert', 'carl'], async (scene) => {
        const chief = await makeOperator(scene, 'bert');
        await chief.kick(room, 'carl', 'out');
        deepEqual(await sawThere(scene, 'bert'), ['kick carl by chief']);
        deepEqual(await sawHere(scene, scene.anna), ['kick carl by chief: out']);
        await scene.there.kicks('bert', 'anna');
        await scene.server.settle();
        const seen = (await sawHere(scene, chief)).filter((line) => line.startsWith('kick anna'));
        equal(seen.length, 1, 'one kick');
        ok(seen[0]!.startsWith('kick anna by bert'), seen[0]);
        deepEqual(await sawThere(scene, 'bert'), ownLine(adapter, 'kick anna by bert'));
        deepEqual(scene.server.nicks(room), ['bert', 'chief']);
        deepEqual(sorted(scene.there.members('bert')), ['bert', 'chief']);
      }),
  },
];

/** What could end a line, a string or an element in some protocol, each followed by what could be a command there. */
const wicked = [
  'one\r\nQUIT :two',
  'one\nquit anna two',
  'one\rkick lounge anna bert',
  'one\0two',
  'one</body></message><presence/>',
  '\u2028a\u0085b',
];

export const safetyChecks: readonly Check[] = [
  {
    title: 'no text becomes a command over there',
    run: (adapter) =>
      play(adapter, ['bert'], async (scene) => {
        for (const text of wicked) {
          await scene.anna.say(room, text);
          await scene.server.settle();
          const seen = scene.there.saw('bert');
          deepEqual(
            seen.filter((sight) => sight.kind !== 'say' || sight.nick !== 'anna'),
            [],
            `what came of ${JSON.stringify(text)}`,
          );
          ok(seen.length > 0, `nothing came of ${JSON.stringify(text)}`);
        }
        scene.anna.leave(room, 'bye\r\nQUIT :two\nquit bert');
        await scene.server.settle();
        deepEqual(await sawThere(scene, 'bert'), ['leave anna']);
        deepEqual(sorted(scene.there.members('bert')), ['bert']);
      }),
  },
  {
    title: 'bytes may come in any pieces',
    run: (adapter) =>
      play(adapter, ['bert'], async (scene) => {
        for (const pieceBytes of [1, 2, 3, 7]) {
          scene.server.net.pieceBytes = pieceBytes;
          await scene.there.joins('carl');
          await scene.server.settle();
          await scene.there.says('carl', 'zw\u00f6lf \u20ac');
          await scene.server.settle();
          await scene.there.leaves('carl');
          const seen = await sawHere(scene, scene.anna);
          deepEqual(seen.slice(0, 2), ['join carl', '<carl> zw\u00f6lf \u20ac']);
          equal(seen.length, 3, seen.join('; '));
        }
      }),
  },
  {
    title: 'random bytes cost the peer its connection at most',
    run: (adapter) => raving(adapter, 12, (seed) => [randomBytesOf(seed, 40 * seed), Buffer.from(`${seed}\r\n<a b='&c;'>\n`)]),
  },
  {
    title: 'so does what was said before, said again with mistakes',
    run: (adapter) => raving(adapter, 25, (seed, heard) => [mistaken(seed, heard)]),
  },
];

/** For each seed: a little talk, then nonsense, of which nobody here may notice anything but that people over there go. */
async function raving(
  adapter: ContractAdapter,
  seeds: number,
  nonsense: (seed: number, heard: Buffer) => readonly Buffer[],
): Promise<void> {
  for (let seed = 1; seed <= seeds; seed++) {
    await play(adapter, ['bert'], async (scene) => {
      await scene.there.says('bert', 'hello');
      await scene.server.settle();
      for (const bytes of nonsense(seed, scene.server.net.heard)) {
        await scene.there.raves(bytes);
        await scene.server.settle();
      }
      await scene.server.advance(1_000);
      ok(scene.server.core.users.byNick('anna') !== undefined, `seed ${seed}: who is not concerned stays`);
      if (!scene.server.room(room).members.has(scene.anna.user.id)) await scene.anna.join(room);
      await sawHere(scene, scene.anna);
      // A home that cannot be reached for the moment may refuse; it must not keep people waiting.
      if (adapter.kind === 'foreign-home') await scene.anna.say(room, 'still here').catch(() => undefined);
      else {
        await scene.anna.say(room, 'still here');
        const seen = await sawHere(scene, scene.anna);
        ok(
          seen.some((line) => line.startsWith('<anna> still here')),
          `seed ${seed}: ${seen.join('; ')}`,
        );
      }
    });
  }
}

/** Pieces of a conversation in another order, some of them cut, doubled, or with other bytes in them. */
function mistaken(seed: number, heard: Buffer): Buffer {
  const dice = randomBytesOf(seed, 400);
  let thrown = 0;
  const roll = (sides: number): number => (sides === 0 ? 0 : ((dice[thrown++ % 400]! << 8) | dice[thrown++ % 400]!) % sides);
  const lines = heard.toString('latin1').split(/(?<=[\n>])/);
  const said: string[] = [];
  for (let count = 0; count < 30; count++) {
    const line = lines[roll(lines.length)]!;
    const other = lines[roll(lines.length)]!;
    const at = roll(line.length);
    const ways = [
      line,
      line + line,
      line.slice(0, at) + other.slice(roll(other.length)),
      line.slice(0, at) + String.fromCharCode(roll(256)) + line.slice(at + 1),
      line.replace(/[^ ]+ /, ''),
      line.replace(/\d+/, String(roll(65_536) - 9)),
    ];
    said.push(ways[roll(ways.length)]!);
  }
  return Buffer.from(said.join(''), 'latin1');
}
