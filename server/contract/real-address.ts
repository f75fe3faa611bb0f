/** Who learns the address of somebody of another server: one rule for whatever tells about people (IRC WHOIS, the page). */
import type { User } from './users.ts';

/**
 * Addresses of people of other servers are for those who have to moderate them, in a room where both are, and for everybody in
 * a room that says openly that it shows them. Threat class A13.
 */
export function mayKnowAddress(asker: User, user: User): boolean {
  if (user.kind === 'local' || asker.administrator) return true;
  for (const room of user.rooms) {
    const member = room.members.get(asker.id);
    if (member !== undefined && (room.config.nonAnonymous || member.role === 'moderator')) return true;
  }
  return false;
}
