/**
 * One round: everybody talks while something breaks and heals. Then everything that anybody had read must be in the log, once;
 * whoever keeps up by the log has all of it, once, by the right person; each IRC network has all of it, once but for the
 * unacknowledged tail, which is marked; everybody lists the same people; and all ways are open again.
 */
import { expect } from 'chai';
import { ircHistory } from '../support/irc-client.ts';
import type { Random } from '../support/random.ts';
import { eventually, quiet, sleep } from '../support/wait.ts';
import type { Environment } from './environment.ts';
import { everybodyInside } from './matrix.ts';
import type { Observation, Person, World } from './worlds/world.ts';

export const faults = [
  'banyan killed',
  'banyan stopped',
  'inspircd cut off',
  'inspircd stopped',
  'inspircd killed',
  'ngircd cut off',
  'ngircd stopped',
  'ngircd killed',
  'prosody cut off',
  'prosody stopped',
  'prosody killed',
] as const;
export type Fault = (typeof faults)[number];

export interface RoundReport {
  readonly said: number;
  readonly read: number;
  readonly logged: number;
  /** Lines that the IRC networks got twice, the second time marked as a repetition. */
  readonly again: number;
  /** What people said that was never logged, by person: said into a connection that was already dead, or cut off from us. */
  readonly unlogged: ReadonlyMap<Person, number>;
}

/** People of the IRC networks, whose clients miss what is said while their own server is dead. */
const networks: readonly (readonly [Person, Fault])[] = [
  ['net', 'inspircd killed'],
  ['ng', 'ngircd killed'],
];

/** What may cost somebody on the XMPP server live messages, which the history brings when the client enters again. */
const cutting: readonly Fault[] = ['banyan killed', 'banyan stopped', 'prosody cut off', 'prosody stopped', 'prosody killed'];

/** How a line that may have crossed before the break is marked when it crosses after it. */
const mark = '(again) ';

export async function chaosRound(environment: Environment, random: Random, round: string, fault: Fault): Promise<RoundReport> {
  const worlds = environment.worlds();
  const said = new Map<string, Person>();
  const begun = new Map([...worlds].map(([person, world]) => [person, world.observed.length]));
  await talkWhile(worlds, said, random, round, async () => {
    await sleep(random.integer(300, 1_500));
    const heal = await breakIt(environment, fault);
    if (heal === undefined) return;
    await sleep(random.integer(300, 4_000));
    await heal();
    await sleep(random.integer(300, 1_500));
  });
  await quiet(() => countObserved(worlds));

  // What somebody else than its author has seen.
  const read = new Set<string>();
  for (const [person, world] of worlds) {
    for (const { kind, by, text } of world.observed.slice(begun.get(person)))
      if (kind === 'message' && by !== person && said.get(text) === by) read.add(text);
  }

  if (fault === 'banyan killed') await environment.banyan.start();
  await environment.comeBack();
  await everybodyInside(environment);

  const history = await ircHistory(environment.reader(), environment.channel);
  const logged = history.filter((text) => said.has(text));
  expect(
    [...read].filter((text) => !logged.includes(text)),
    'read by somebody, and missing from the log',
  ).to.deep.equal([]);
  expect(logged, 'a message is in the log twice').to.have.length(new Set(logged).size);

  for (const person of environment.catchingUp) await hasAll(worlds.get(person)!, logged, said, begun.get(person)!, false, fault);
  let again = 0;
  for (const [person, itsEnd] of networks)
    if (fault !== itsEnd) again += await hasAll(worlds.get(person)!, logged, said, begun.get(person)!, true, fault);
  await allWaysAreOpen(worlds, round);
  return { said: said.size, read: read.size, logged: logged.length, again, unlogged: unloggedOf(said, logged) };
}

/** Everybody talks until `meanwhile` is over. */
async function talkWhile(
  worlds: ReadonlyMap<Person, World>,
  said: Map<string, Person>,
  random: Random,
  round: string,
  meanwhile: () => Promise<void>,
): Promise<void> {
  let talking = true;
  const talk = async (world: World): Promise<void> => {
    for (let turn = 1; talking; turn += 1) {
      const text = `${round} ${world.person} ${turn}`;
      said.set(text, world.person);
      await world.mutter(text).catch(() => undefined);
      await sleep(random.integer(10, 120));
    }
  };
  const talks = [...worlds.values()].map(talk);
  try {
    await meanwhile();
  } finally {
    talking = false;
    await Promise.all(talks);
  }
}

/** Answers with what makes it whole again; undefined when that has to wait for the end of the talk. */
async function breakIt(environment: Environment, fault: Fault): Promise<(() => Promise<void>) | undefined> {
  const { banyan, inspircd, ngircd, prosody, cables } = environment;
  const stopped = ({ pid }: { readonly pid: number }): (() => Promise<void>) => {
    process.kill(pid, 'SIGSTOP');
    return () => Promise.resolve(void process.kill(pid, 'SIGCONT'));
  };
  const cut = (cable: readonly { cut(): void; heal(): void }[]): (() => Promise<void>) => {
    for (const one of cable) one.cut();
    return () => Promise.resolve(cable.forEach((one) => one.heal()));
  };
  switch (fault) {
    case 'banyan killed':
      await banyan.kill9();
      return undefined;
    case 'banyan stopped':
      return stopped(banyan);
    case 'inspircd cut off':
      return cut(cables.irc);
    case 'inspircd stopped':
      return stopped(inspircd);
    case 'inspircd killed':
      await inspircd.kill9();
      return () => inspircd.start();
    case 'ngircd cut off':
      return cut(cables.ng);
    case 'ngircd stopped':
      return stopped(ngircd);
    case 'ngircd killed':
      await ngircd.kill9();
      return () => ngircd.start();
    case 'prosody cut off':
      return cut(cables.xmpp);
    case 'prosody stopped':
      return stopped(prosody);
    case 'prosody killed':
      await prosody.kill9();
      return () => prosody.start();
    default:
      return fault satisfies never;
  }
}

/**
 * Waits until that person has seen all that others said and was logged; each once, each author's in order. Where repetitions
 * are `marked`, these may come besides; their number is the answer. A stream without acknowledgements may lose what it carried when it broke: one
 * piece of the log, which the history brings when the client enters again. That comes behind what had come live, in its own order.
 */
async function hasAll(
  world: World,
  logged: readonly string[],
  said: ReadonlyMap<string, Person>,
  since: number,
  marked: boolean,
  fault: Fault,
): Promise<number> {
  const others = logged.filter((text) => said.get(text) !== world.person);
  const observed = (): readonly Observation[] =>
    world.observed.slice(since).filter((each) => each.kind === 'message' && said.get(plain(each.text)) === each.by);
  const seen = (): readonly string[] => observed().map(({ text }) => text);
  const plain = (text: string): string => (marked && text.startsWith(mark) ? text.slice(mark.length) : text);
  const missing = (): string[] => {
    const texts = new Set(seen().map(plain));
    return others.filter((text) => !texts.has(text));
  };
  await eventually(
    () => `${world.person} to have all; missing are ${missing().join(', ')}`,
    () => missing().length === 0,
    20_000,
  );
  const late = new Set(observed().flatMap(({ text, replayed }) => (replayed === true && others.includes(text) ? [text] : [])));
  if (!cutting.includes(fault)) expect([...late], `what ${world.person} missed though nothing cut it off`).to.deep.equal([]);
  const firstLate = others.findIndex((text) => late.has(text));
  const piece = others.slice(firstLate, others.findLastIndex((text) => late.has(text)) + 1);
  if (late.size > 0) expect([...late], `what ${world.person} missed is one piece of the log`).to.have.members(piece);
  const firsts = [...new Set(seen().map(plain))].filter((text) => others.includes(text));
  for (const author of new Set(said.values())) {
    for (const replayed of [false, true]) {
      const inOrder = (texts: readonly string[]): string[] =>
        texts.filter((text) => said.get(text) === author && late.has(text) === replayed);
      const how = replayed ? 'the history brought it' : 'it came';
      expect(inOrder(firsts), `what ${author} said, as ${how} to ${world.person}`).to.deep.equal(inOrder(others));
    }
  }
  const unmarked = seen().filter((text) => !marked || !text.startsWith(mark));
  const twice = unmarked.filter((text, index) => unmarked.indexOf(text) !== index);
  expect(twice, `seen twice by ${world.person}`).to.deep.equal([]);
  return seen().length - unmarked.length;
}

async function allWaysAreOpen(worlds: ReadonlyMap<Person, World>, round: string): Promise<void> {
  for (const [person, world] of worlds) {
    const text = `${round} ${person} is back`;
    await world.say(text);
    for (const [other, its] of worlds) {
      await eventually(`${other} to see "${text}"`, () => its.observed.some((each) => each.text === text && each.by === person));
    }
  }
}

function unloggedOf(said: ReadonlyMap<string, Person>, logged: readonly string[]): ReadonlyMap<Person, number> {
  const counts = new Map<Person, number>();
  const kept = new Set(logged);
  for (const [text, person] of said) if (!kept.has(text)) counts.set(person, (counts.get(person) ?? 0) + 1);
  return counts;
}

function countObserved(worlds: ReadonlyMap<Person, World>): number {
  return [...worlds.values()].reduce((sum, world) => sum + world.observed.length, 0);
}
