/** Everything that lasts as long as one link. */
import type { NetUser } from '../model/state.ts';
import type { Live } from './live.ts';
import type { Ours } from './ours.ts';
import type { Theirs } from './theirs.ts';

export interface Standing {
  readonly live: Live;
  readonly ours: Ours;
  readonly theirs: Theirs;
  /** Our one visible member; `gone` when it was killed. Undefined until it is known who there has its nick, where that would kill both. */
  service: NetUser | undefined;
  /** The network has not told everything yet, or we are still taking it in. */
  bursting: boolean;
}
