/**
 * Expected outcomes are values, not exceptions: a refusal says why, in a code that a protocol maps to its own
 * numeric or stanza error, and in words for a person.
 */

/** Why the core refused something. Each protocol maps these to its own errors. */
export type RefusalCode =
  | 'no-such-room'
  | 'no-such-user'
  | 'no-such-account'
  | 'not-a-member'
  | 'already-a-member'
  | 'banned'
  | 'members-only'
  | 'wrong-key'
  | 'full'
  | 'moderated'
  | 'not-permitted'
  | 'nick-in-use'
  | 'bad-nick'
  | 'bad-name'
  | 'bad-credentials'
  | 'name-taken'
  | 'registration-closed'
  | 'too-large'
  | 'too-many'
  | 'too-fast'
  | 'unavailable'
  | 'refused-by-hook';

export interface Refusal {
  readonly code: RefusalCode;
  /** One sentence for a person, without a protocol's words. */
  readonly text: string;
}

export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal };

/** Called once with what came of it, in the moment in which it is known: for what happens all the time, since it costs less than a promise. */
export type Told<T> = (outcome: Outcome<T>) => void;

export function accepted<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

export function refused(code: RefusalCode, text: string): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal: { code, text } };
}
