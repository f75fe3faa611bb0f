/** What a room is like beside its log and its members: it follows from the log, and the leader's heads vouch for it. */
import { hash } from 'node:crypto';
import type { RoomAddress, UserAddress } from '../model/address.ts';
import type { Affiliation } from '../model/affiliation.ts';
import type { BanMask, LogRecord, RoomConfig } from '../model/event.ts';
import { canonical } from './canonical.ts';

export interface RoomFacts {
  readonly address: RoomAddress;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Number of the room's first record: earlier ones belong to a closed room of the same name. */
  readonly first: number;
  readonly config: RoomConfig;
  readonly topic: { readonly text: string; readonly by: string; readonly at: number };
  /** Sorted by address. */
  readonly affiliations: readonly (readonly [UserAddress, Affiliation])[];
  /** Sorted by mask. */
  readonly bans: readonly BanMask[];
}

const digests = new WeakMap<RoomFacts, string>();

export function factsDigest(facts: RoomFacts): string {
  const known = digests.get(facts);
  if (known !== undefined) return known;
  const digest = hash('sha256', canonical(facts), 'base64url');
  digests.set(facts, digest);
  return digest;
}

/** The facts after a record; the same object when it changes none. */
export function afterRecord(facts: RoomFacts, record: LogRecord): RoomFacts {
  const { content } = record;
  switch (content.kind) {
    case 'topic':
      return { ...facts, topic: { text: content.topic, by: content.author.nick, at: record.born } };
    case 'config':
      return { ...facts, config: { ...facts.config, ...content.changes } };
    case 'affiliation':
      return withAffiliation(facts, content.address, content.affiliation);
    case 'kick':
      return content.banned ? withAffiliation(facts, content.target.address, 'outcast') : facts;
    case 'ban': {
      const others = facts.bans.filter(({ mask }) => mask !== content.ban.mask);
      const bans = content.add ? [...others, content.ban].toSorted((a, b) => (a.mask < b.mask ? -1 : 1)) : others;
      return { ...facts, bans };
    }
    case 'message':
    case 'join':
    case 'leave':
    case 'nick':
    case 'network':
    case 'private':
    case 'invitation':
      return facts;
    default:
      return content satisfies never;
  }
}

function withAffiliation(facts: RoomFacts, address: UserAddress, affiliation: Affiliation): RoomFacts {
  const others = facts.affiliations.filter(([other]) => other !== address);
  if (affiliation === 'none') return { ...facts, affiliations: others };
  return { ...facts, affiliations: [...others, [address, affiliation] as const].toSorted(([a], [b]) => (a < b ? -1 : 1)) };
}
