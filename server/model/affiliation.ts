/** Affiliations belong to an address and persist; roles belong to a member and end with the visit (XEP-0045 section 5). */

export type Affiliation = 'owner' | 'admin' | 'member' | 'none' | 'outcast';
export type Role = 'moderator' | 'participant' | 'visitor';

const rank: Readonly<Record<Affiliation, number>> = { owner: 4, admin: 3, member: 2, none: 1, outcast: 0 };

/** Negative, zero or positive as `a` is below, equal to or above `b`. */
export function compareAffiliation(a: Affiliation, b: Affiliation): number {
  return rank[a] - rank[b];
}

/** What a member may do now, from the standing that the home keeps. */
export function roleOf(
  standing: { readonly affiliation: Affiliation; readonly operator: boolean; readonly voice: boolean },
  moderatedRoom: boolean,
): Role {
  if (standing.operator || standing.affiliation === 'owner' || standing.affiliation === 'admin') return 'moderator';
  if (!moderatedRoom || standing.voice || standing.affiliation === 'member') return 'participant';
  return 'visitor';
}
