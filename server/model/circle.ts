/** Messages to some of a room's members: those who hold a standing in it (the STATUSMSG of IRC). */
import { roomName } from './address.ts';
import { roleOf, type Affiliation } from './affiliation.ts';
import type { LoggedContent } from './event.ts';
import { prefixed, type RichText } from './text.ts';

/** Everybody with at least that: voice, what makes a moderator, an affiliation. */
export type Circle = 'voice' | 'operator' | 'admin' | 'owner';

const names: Readonly<Record<Circle, string>> = {
  voice: 'those with voice in',
  operator: 'the operators of',
  admin: 'the admins of',
  owner: 'the owner of',
};

/** Whether a member belongs to it now. */
export function isWithin(
  member: { readonly affiliation: Affiliation; readonly operator: boolean; readonly voice: boolean },
  circle: Circle,
  moderatedRoom: boolean,
): boolean {
  switch (circle) {
    case 'voice':
      return member.voice || roleOf(member, true) === 'moderator' || (moderatedRoom && member.affiliation === 'member');
    case 'operator':
      return roleOf(member, moderatedRoom) === 'moderator';
    case 'admin':
      return member.affiliation === 'admin' || member.affiliation === 'owner';
    case 'owner':
      return member.affiliation === 'owner';
    default:
      return circle satisfies never;
  }
}

/** The text of a private message, for whoever has no other way to show to whom it was said. */
export function withCircle(content: Extract<LoggedContent, { readonly kind: 'private' }>): RichText {
  const { text, circle, room } = content;
  return circle === undefined || room === undefined ? text : prefixed(text, `(to ${names[circle]} #${roomName(room)}) `);
}
