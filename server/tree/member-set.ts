/** Sets of members as values: their tags, and what changed between two. */
import { hash } from 'node:crypto';
import { addressParts, type Domain, type UserAddress } from '../model/address.ts';
import { canonical } from './canonical.ts';
import type { MemberEntry, MemberSet, NodeName } from './message.ts';
import type { TreeSetup } from './port.ts';

const digests = new WeakMap<MemberEntry, bigint>();
const tags = new WeakMap<MemberSet, string>();

function memberDigest(member: MemberEntry): bigint {
  const known = digests.get(member);
  if (known !== undefined) return known;
  const digest = BigInt(`0x${hash('sha256', canonical(member), 'hex').slice(0, 32)}`);
  digests.set(member, digest);
  return digest;
}

/** Equal sets have equal tags. Members are summed up, so that one more in a thousand costs one hash more. */
export function tagOf(set: MemberSet): string {
  const known = tags.get(set);
  if (known !== undefined) return known;
  let sum = 0n;
  for (const member of set.members) sum += memberDigest(member);
  const tag = hash('sha256', `${set.owner}\n${set.incarnation}\n${set.version}\n${set.members.length}\n${sum}`, 'base64url').slice(0, 22);
  tags.set(set, tag);
  return tag;
}

export function rosterDigest(owners: readonly (readonly [NodeName, string])[]): string {
  const lines = owners.map((pair) => pair.join(' ')).toSorted((a, b) => (a < b ? -1 : 1));
  return hash('sha256', lines.join('\n'), 'base64url').slice(0, 22);
}

export const emptyDigest = rosterDigest([]);

export interface MemberChange {
  readonly joined: readonly MemberEntry[];
  readonly left: readonly UserAddress[];
}

export function changeBetween(before: MemberSet, after: MemberSet): MemberChange {
  const had = new Map(before.members.map((member) => [member.address, member]));
  const joined: MemberEntry[] = [];
  for (const member of after.members) {
    const known = had.get(member.address);
    had.delete(member.address);
    if (known !== member && (known === undefined || memberDigest(known) !== memberDigest(member))) joined.push(member);
  }
  return { joined, left: [...had.keys()] };
}

export function changed(set: MemberSet, change: MemberChange & { readonly incarnation: number; readonly version: number }): MemberSet {
  const gone = new Set([...change.left, ...change.joined.map(({ address }) => address)]);
  const members = [...set.members.filter(({ address }) => !gone.has(address)), ...change.joined];
  members.sort((a, b) => (a.address < b.address ? -1 : 1));
  return { owner: set.owner, incarnation: change.incarnation, version: change.version, members };
}

/** Whether the owner may bring all of them: nobody else's people, and nobody twice. */
export function speaksForAll({ speaksFor }: TreeSetup, set: MemberSet): boolean {
  const domains = new Set<Domain>();
  const addresses = new Set<UserAddress>();
  for (const { address } of set.members) {
    addresses.add(address);
    const domain = domainOf(address);
    if (domain === undefined) return false;
    domains.add(domain);
  }
  return addresses.size === set.members.length && [...domains].every((domain) => speaksFor(set.owner, domain));
}

function domainOf(address: UserAddress): Domain | undefined {
  try {
    return addressParts(address).domain;
  } catch {
    return undefined;
  }
}
