/** Who over there hears something: a channel, those who hold a status in it, or one person. */
import type { PrivateRecord } from '../../../server/plugin.ts';
import type { MessageTarget } from '../model/facts.ts';
import type { NetUser } from '../model/state.ts';
import type { Bridge } from './bridge.ts';
import type { Standing } from './standing.ts';

export interface Hearers {
  readonly target: MessageTarget;
  /** What they are called in a line. */
  readonly shown: string;
}

export function channelThere(name: string): Hearers {
  return { target: { kind: 'channel', name }, shown: name };
}

export function personThere({ id, nick }: NetUser): Hearers {
  return { target: { kind: 'user', user: id }, shown: nick };
}

/**
 * All who hold a status in the channel, in place of each of them: where the network has such messages, and whoever has that status
 * there has it here (right `status`), so that nobody else reads it.
 */
export function circleThere(
  bridge: Bridge,
  standing: Standing,
  { circle, room }: Extract<PrivateRecord['content'], { readonly kind: 'private' }>,
  target: NetUser,
): Hearers | undefined {
  const { modes, statusMessages } = standing.live.state.rules;
  const status = circle === 'operator' ? modes.byName('op') : circle === 'voice' ? modes.byName('voice') : undefined;
  if (status?.prefix === undefined || !statusMessages || !bridge.grants('status')) return undefined;
  const channel = bridge.rooms.find((shared) => shared.room.address === room)?.channel(standing);
  if (channel === undefined || modes.rank(channel.members.get(target)?.status ?? []) < status.prefix.rank) return undefined;
  return { target: { kind: 'channel', name: channel.name, status: status.name }, shown: `${status.prefix.symbol}${channel.name}` };
}
