/**
 * Everybody does everything once, and everybody else has to have seen it exactly once, done by the right person. Each cell
 * "actor x act x observer" is a test case of its own.
 */
import { expect } from 'chai';
import { eventually, quiet } from '../support/wait.ts';
import { introduction, type Observation, type Person, type World } from './worlds/world.ts';

export interface MatrixOptions {
  /** Persons, fixed when the tests are generated; the first who is not the actor is removed by him. */
  readonly persons: readonly Person[];
  /** The worlds by person, once they are set up. */
  worlds(): ReadonlyMap<Person, World>;
  /** Persons in the room who do not act. */
  readonly bystanders?: readonly Person[];
  /** Gives everybody the rights again that come with a visit. */
  restoreRights(): Promise<void>;
  /** Whom an actor removes; by default the next person. */
  target?(actor: Person): Person;
}

interface Act {
  readonly name: string;
  perform(actor: World, mark: string): Promise<void>;
  /** Which of an observer's observations are this act's. */
  matches(observation: Observation, actor: Person, mark: string): boolean;
  /** Whether that observer must see it; otherwise it must not. */
  seenBy(observer: Person): boolean;
  /** What an observation must say besides. */
  verify?(observation: Observation, mark: string): void;
  /** Makes things as they were. */
  restore?(actor: World): Promise<void>;
}

let marks = 0;

export function describeMatrix(options: MatrixOptions): void {
  for (const actor of options.persons) {
    describe(`${actor} acts`, () => {
      for (const act of actsOf(actor, options)) describeAct(actor, act, options);
    });
  }
}

function describeAct(actor: Person, act: Act, options: MatrixOptions): void {
  describe(act.name, () => {
    const observers = options.persons.filter((person) => person !== actor);
    const seen = new Map<Person, readonly Observation[]>();
    let failure: unknown;
    const mark = `mark${(marks += 1)}`;

    before(async () => {
      const worlds = options.worlds();
      const world = worlds.get(actor)!;
      const from = new Map(observers.map((person) => [person, worlds.get(person)!.observed.length]));
      const matching = (person: Person): Observation[] =>
        worlds
          .get(person)!
          .observed.slice(from.get(person))
          .filter((observation) => act.matches(observation, actor, mark));
      try {
        await options.restoreRights();
        await act.perform(world, mark);
        const everybody = observers.filter((person) => act.seenBy(person));
        await eventually('everybody to see it', () => everybody.every((person) => matching(person).length > 0), 8000).catch(
          () => undefined,
        );
        await quiet(() => [...worlds.values()].reduce((sum, each) => sum + each.observed.length, 0), 300);
        for (const person of observers) seen.set(person, matching(person));
      } catch (error) {
        failure = error;
      }
      try {
        await act.restore?.(world);
      } catch (error) {
        failure ??= error;
      }
    });

    for (const observer of observers) {
      it(act.seenBy(observer) ? `${observer} sees it once` : `${observer} sees nothing of it`, () => {
        if (failure !== undefined) throw failure as Error;
        const observations = seen.get(observer)!;
        if (!act.seenBy(observer)) {
          expect(observations).to.deep.equal([]);
          return;
        }
        expect(observations, JSON.stringify(observations)).to.have.length(1);
        expect(observations[0]!.by, JSON.stringify(observations)).to.equal(actor);
        act.verify?.(observations[0]!, mark);
      });
    }
  });
}

function actsOf(actor: Person, options: MatrixOptions): Act[] {
  const others = options.persons.filter((person) => person !== actor);
  const target = options.target?.(actor) ?? options.persons[(options.persons.indexOf(actor) + 1) % options.persons.length]!;
  const everybody = (): boolean => true;
  const said = (kind: Observation['kind']) => (observation: Observation, _: Person, mark: string) =>
    observation.text === `${kind} ${mark}` && (kind === 'private' || observation.kind === kind);
  const removed = (observation: Observation): boolean =>
    (observation.kind === 'removed' && observation.whom === target) || (observation.kind === 'left' && observation.by === target);
  const comeBack = async (): Promise<void> => {
    const world = options.worlds().get(target)!;
    await world.return();
    await everybodyInside(options);
  };
  return [
    { name: 'says something', perform: (world, mark) => world.say(`message ${mark}`), matches: said('message'), seenBy: everybody },
    { name: 'does something', perform: (world, mark) => world.act(`action ${mark}`), matches: said('action'), seenBy: everybody },
    ...others.map((person): Act => ({
      name: `writes privately to ${person}`,
      perform: (world, mark) => world.privateTo(person, `private ${mark}`),
      matches: said('private'),
      seenBy: (observer) => observer === person,
      verify: (observation) => expect(observation.kind).to.equal('private'),
    })),
    {
      name: 'changes nick',
      perform: (world, mark) => world.nick(`${actor.slice(0, 3)}-${mark}`),
      matches: (observation, who) => observation.kind === 'nick' && (observation.by === who || observation.by.startsWith('?')),
      seenBy: everybody,
      verify: (observation, mark) => expect(observation.text).to.equal(`${actor.slice(0, 3)}-${mark}`),
    },
    { name: 'sets the topic', perform: (world, mark) => world.topic(`topic ${mark}`), matches: said('topic'), seenBy: everybody },
    {
      name: `kicks ${target}`,
      perform: (world, mark) => world.kick(target, mark),
      matches: removed,
      seenBy: everybody,
      restore: comeBack,
    },
    {
      name: `bans ${target}`,
      perform: (world, mark) => world.ban(target, mark),
      matches: removed,
      seenBy: everybody,
      async restore(world) {
        await world.unban();
        await comeBack();
      },
    },
    {
      name: 'leaves',
      perform: (world) => world.leave(),
      matches: (observation, who) =>
        (observation.kind === 'left' || observation.kind === 'removed') && (observation.whom ?? observation.by) === who,
      seenBy: everybody,
      verify: (observation) => expect(observation.kind).to.equal('left'),
    },
    {
      name: 'comes back',
      perform: (world) => world.return(),
      matches: (observation, who) => observation.kind === 'joined' && (observation.by === who || observation.by.startsWith('?')),
      seenBy: everybody,
      restore: () => everybodyInside(options),
    },
  ];
}

/** Everybody tells who he is, until every world knows everybody. */
export async function introduceEverybody(worlds: Iterable<World>): Promise<void> {
  const all = [...worlds];
  for (const world of all) {
    await world.say(introduction(world.person));
    for (const other of all) {
      await eventually(`${other.person} to see the introduction of ${world.person}`, () =>
        other.observed.some((each) => each.kind === 'message' && each.text === introduction(world.person) && each.by === world.person),
      );
    }
  }
}

/** Waits until every world lists the same persons: all of them, nobody else, nobody twice. */
export async function everybodyInside(options: Pick<MatrixOptions, 'persons' | 'bystanders' | 'worlds'>): Promise<void> {
  const wanted = [...options.persons, ...(options.bystanders ?? [])].toSorted((a, b) => a.localeCompare(b)).join(' ');
  for (const world of options.worlds().values()) {
    let listed = '';
    await eventually(
      () => `${world.person} to list ${wanted}; listed are ${listed}`,
      async () => {
        listed = (await world.members()).toSorted((a, b) => a.localeCompare(b)).join(' ');
        return listed === wanted;
      },
    );
  }
}
