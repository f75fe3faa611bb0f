/** Who speaks: the two sides of a link, and what is on which. */
import type { Effect } from './effects.ts';
import type { Ref } from './facts.ts';
import { findServer, findUser, type NetServer, type NetState, type NetUser } from './state.ts';

/** Facts that came over the link, and facts that we are about to send. */
export type Side = 'theirs' | 'ours';

export function dropped(why: string): Effect[] {
  return [{ kind: 'dropped', why }];
}

/** A user of the side that speaks. */
export function speaker(state: NetState, side: Side, ref: Ref): NetUser | undefined {
  const user = findUser(state, ref);
  return user !== undefined && user.ours === (side === 'ours') ? user : undefined;
}

/** A user or server of the side that speaks. */
export function source(state: NetState, side: Side, ref: Ref): NetUser | NetServer | undefined {
  const user = speaker(state, side, ref);
  if (user !== undefined) return user;
  const server = findServer(state, ref);
  return server !== undefined && server.ours === (side === 'ours') ? server : undefined;
}

export function isUser(one: NetUser | NetServer): one is NetUser {
  return 'nick' in one;
}

export function nameOf(one: NetUser | NetServer): string {
  return isUser(one) ? one.nick : one.name;
}
