/**
 * One round: everybody talks, the server is killed without warning, started again on the same data, and everything that
 * anybody had read must be there: in the log, once, and with everybody who comes back.
 */
import { expect } from 'chai';
import { ircHistory } from '../support/irc-client.ts';
import type { Random } from '../support/random.ts';
import { eventually, quiet, sleep } from '../support/wait.ts';
import type { Environment } from './environment.ts';
import { everybodyInside } from './matrix.ts';
import type { Person, World } from './worlds/world.ts';

export interface CrashReport {
  readonly said: number;
  readonly read: number;
  readonly logged: number;
}

export async function crashRound(environment: Environment, random: Random, round: string): Promise<CrashReport> {
  const { banyan } = environment;
  const worlds = environment.worlds();
  const said = new Map<string, Person>();
  let talking = true;

  async function talk(world: World): Promise<void> {
    for (let turn = 1; talking; turn += 1) {
      const text = `${round} ${world.person} ${turn}`;
      said.set(text, world.person);
      await world.mutter(text).catch(() => undefined);
      await sleep(random.integer(5, 80));
    }
  }

  const talks = [...worlds.values()].map(talk);
  await sleep(random.integer(400, 2500));
  await banyan.kill9();
  talking = false;
  await Promise.all(talks);
  await quiet(() => countObserved(worlds));

  // What somebody else than its author has seen.
  const read = new Set<string>();
  for (const [person, world] of worlds) {
    for (const { kind, by, text } of world.observed) {
      if (kind === 'message' && by !== person && said.get(text) === by) read.add(text);
    }
  }

  await environment.restart();
  await everybodyInside(environment);

  const history = await ircHistory(environment.reader(), environment.channel);
  const logged = history.filter((text) => said.has(text));
  expect(
    [...read].filter((text) => !logged.includes(text)),
    'read by somebody, and missing from the log',
  ).to.deep.equal([]);
  expect(logged, 'a message is in the log twice').to.have.length(new Set(logged).size);

  // Those who keep up by the log have all of it, once, each by the right person.
  for (const person of environment.catchingUp) {
    const world = worlds.get(person)!;
    const others = logged.filter((text) => said.get(text) !== person);
    const missing = (): string[] => {
      const seen = new Set(world.observed.map((each) => each.text));
      return others.filter((text) => !seen.has(text));
    };
    await eventually(
      () => `${person} to catch up; missing are ${missing().join(', ')}`,
      () => missing().length === 0,
    );
    for (const text of others) {
      const times = world.observed.filter((each) => each.kind === 'message' && each.text === text);
      expect(
        times.map((each) => each.by),
        `"${text}" as seen by ${person}`,
      ).to.deep.equal([said.get(text)]);
    }
  }

  // All ways are open again.
  for (const [person, world] of worlds) {
    const text = `${round} ${person} is back`;
    await world.say(text);
    for (const [other, its] of worlds) {
      await eventually(`${other} to see "${text}"`, () => its.observed.some((each) => each.text === text && each.by === person));
    }
  }
  return { said: said.size, read: read.size, logged: logged.length };
}

function countObserved(worlds: ReadonlyMap<Person, World>): number {
  return [...worlds.values()].reduce((sum, world) => sum + world.observed.length, 0);
}
