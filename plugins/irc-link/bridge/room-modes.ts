/** Settings of a room as modes of a channel. */
import type { RoomConfig } from '../../../server/plugin.ts';
import type { ModeChange } from '../model/facts.ts';

const switches: readonly (readonly [keyof RoomConfig, string])[] = [
  ['moderated', 'moderated'],
  ['membersOnly', 'inviteonly'],
  ['hidden', 'secret'],
  ['topicLocked', 'topiclock'],
  ['membersSpeak', 'noextmsg'],
];

export function configModes(config: Partial<RoomConfig>): ModeChange[] {
  const changes: ModeChange[] = [];
  for (const [key, mode] of switches) {
    const value = config[key];
    if (typeof value === 'boolean') changes.push({ add: value, mode });
  }
  const { key, limit } = config;
  if (key !== undefined) changes.push(key === null ? { add: false, mode: 'key', param: '*' } : { add: true, mode: 'key', param: key });
  if (limit !== undefined)
    changes.push(limit === null ? { add: false, mode: 'limit' } : { add: true, mode: 'limit', param: String(limit) });
  return changes;
}
