/** One test's world: the server, its people, and the other side. */
import { deepEqual } from 'node:assert/strict';
import { openServer, type KitServer } from '../server.ts';
import type { Person } from '../person.ts';
import type { UserAddress } from '../../../server/model/address.ts';
import type { Attachment, ContractAdapter, Sight } from './attachment.ts';

export const room = 'lounge';

export interface Scene<Side extends Attachment = Attachment> {
  readonly server: KitServer;
  readonly there: Side;
  /** Ours, in the room from the beginning. */
  readonly anna: Person;
}

/**
 * Opens a server with anna in the room, links the other side, lets `foreign` come in there, and forgets what was seen so far. After
 * the test the log must hold no error: what a plugin throws is caught by the server, and is a bug all the same.
 */
export async function play(adapter: ContractAdapter, foreign: readonly string[], run: (scene: Scene) => Promise<void>): Promise<void> {
  const server = await openServer({ rooms: [room] });
  try {
    const anna = await server.guest('anna', room);
    const there = await adapter.open(server);
    await server.settle();
    for (const nick of foreign) await there.joins(nick);
    await server.settle();
    for (const nick of foreign) there.saw(nick);
    anna.take();
    await run({ server, there, anna });
    deepEqual(server.log.atLeast('error'), [], 'the log must hold no error');
  } finally {
    await server.stop();
  }
}

/** What was seen over there, without what has no word here. */
export async function sawThere({ server, there }: Scene, nick: string): Promise<string[]> {
  await server.settle();
  return there
    .saw(nick)
    .filter((sight) => sight.kind !== 'other')
    .map(describeSight);
}

export function describeSight(sight: Sight): string {
  switch (sight.kind) {
    case 'join':
    case 'leave':
      return `${sight.kind} ${sight.nick}`;
    case 'kick':
      return `kick ${sight.nick} by ${sight.by}`;
    case 'nick':
      return `nick ${sight.nick} now ${sight.to}`;
    case 'say':
      return `<${sight.nick}> ${sight.text}`;
    case 'private':
      return `private <${sight.nick}> ${sight.text}`;
    case 'topic':
      return `topic ${sight.text}`;
    case 'other':
      return `other: ${sight.text}`;
    default:
      return sight satisfies never;
  }
}

/** What somebody here saw in the room, without the room's name and without changes of status. */
export async function sawHere({ server }: Scene, person: Person): Promise<string[]> {
  await server.settle();
  return person
    .take()
    .map((line) => line.replace(/^lounge /, ''))
    .filter((line) => !/^(?:member|attached|detached|config|affiliation)\b/.test(line));
}

/** The address of a member by the nick shown in the room. @throws Error when nobody has it */
export function addressOf({ server }: Scene, nick: string): UserAddress {
  const member = server.room(room).memberByNick(nick);
  if (member === undefined) throw new Error(`nobody called ${nick} is in the room; there are ${server.nicks(room).join(' ')}`);
  return member.address;
}

/** Gives a member operator status, by an administrator who is not in the room. */
export async function makeOperator(scene: Scene, nick: string): Promise<Person> {
  const { server, there } = scene;
  const chief = await server.member('chief', { administrator: true }, room);
  const member = server.room(room).memberByNick(nick);
  if (member !== undefined) void server.core.rooms.grant(chief.user, server.room(room), member.user, { operator: true });
  await server.settle();
  there.saw(nick);
  scene.anna.take();
  return chief;
}

export function sorted(nicks: readonly string[]): string[] {
  return nicks.toSorted((a, b) => (a < b ? -1 : 1));
}

/** A number generator of a seed (mulberry32): random bytes that are the same in every run. */
export function randomBytesOf(seed: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    bytes[i] = (mixed ^ (mixed >>> 14)) & 255;
  }
  return bytes;
}
