/** Where a channel is not as the room that is shared with it: by what, and the change that mends it. */
import type { Room } from '../../../server/plugin.ts';
import type { ModeChange } from '../model/facts.ts';
import type { NetChannel, NetState } from '../model/state.ts';
import { configModes } from './room-modes.ts';

/** Keys are names of modes, and bans with their masks. */
export type Differences = ReadonlyMap<string, ModeChange>;

export function banKey(mask: string): string {
  return `ban ${mask.toLowerCase()}`;
}

export function modeDifferences(room: Room, state: NetState, channel: NetChannel): Differences {
  const found = new Map<string, ModeChange>();
  for (const change of configModes(room.config)) {
    if (state.rules.modes.byName(change.mode) === undefined) continue;
    const has = channel.modes.get(change.mode);
    const wants = change.add ? (change.param ?? true) : undefined;
    if (has !== wants) found.set(change.mode, change);
  }
  return found;
}

/** Bans of the room that the channel lacks. */
export function missingBans(room: Room, channel: NetChannel): Differences {
  const listed = new Set([...(channel.lists.get('ban') ?? [])].map(banKey));
  return differences(room.bans, (key) => !listed.has(key), true);
}

/** Bans of the channel that the room has not. */
export function foreignBans(room: Room, channel: NetChannel): Differences {
  const wanted = new Set(room.bans.map(({ mask }) => banKey(mask)));
  const listed = [...(channel.lists.get('ban') ?? [])].map((mask) => ({ mask }));
  return differences(listed, (key) => !wanted.has(key), false);
}

function differences(bans: readonly { readonly mask: string }[], differs: (key: string) => boolean, add: boolean): Differences {
  const all = bans.map(({ mask }) => [banKey(mask), { add, mode: 'ban', param: mask }] as const);
  return new Map(all.filter(([key]) => differs(key)));
}
