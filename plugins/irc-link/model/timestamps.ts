/** The rules by which servers of an IRC network agree without asking each other: whoever was there first prevails. */

/** What becomes of the two sides' modes and statuses when their ideas of a channel meet. */
export type ChannelVerdict =
  /** Theirs is older: ours loses modes, lists and statuses, takes their time. */
  | 'take-theirs'
  /** Same time: both together. */
  | 'merge'
  /** Ours is older: their members come in without status, their modes are dropped. */
  | 'keep-ours';

/** Compares channel times (seconds). A channel without a time (no TS in the dialect) merges. */
export function compareChannels(ours: number, theirs: number | null): ChannelVerdict {
  if (theirs === null || theirs === ours) return 'merge';
  return theirs < ours ? 'take-theirs' : 'keep-ours';
}

/** A mode change made on an idea of the channel that is newer than ours is void. */
export function modeChangeCounts(ours: number, theirs: number | null): boolean {
  return theirs === null || theirs <= ours;
}

export interface TopicState {
  readonly text: string;
  readonly at: number;
}

/** Whether an incoming topic replaces the known one: the newer one; in the same second the text that sorts higher. */
export function topicReplaces(known: TopicState, incoming: { readonly text: string; readonly at: number | null }): boolean {
  if (incoming.at === null) return true;
  if (incoming.at !== known.at) return incoming.at > known.at;
  return incoming.text > known.text;
}

export interface NickClaim {
  readonly nickTs: number;
  readonly ident: string;
  readonly ip: string;
}

export interface CollisionVerdict {
  readonly existingLoses: boolean;
  readonly incomingLoses: boolean;
}

/**
 * Two users with one nick. Different people: the older nick stays. The same person (equal ident and address): the newer
 * one stays, since the older is the ghost of a reconnect. Equal times: both lose.
 */
export function judgeCollision(existing: NickClaim, incoming: NickClaim): CollisionVerdict {
  if (existing.nickTs === incoming.nickTs) return { existingLoses: true, incomingLoses: true };
  const samePerson = existing.ident === incoming.ident && existing.ip === incoming.ip;
  const existingOlder = existing.nickTs < incoming.nickTs;
  const existingLoses = existingOlder === samePerson;
  return { existingLoses, incomingLoses: !existingLoses };
}

/** The nick time of somebody who lost a collision and is called by its id. */
export const savedNickTs = 100;
