/** What was logged in a room while the network did not hear it: read page by page, and weighed. */
import type { Host, LogRecord, NetworkAddress, Room, RoomConfig } from '../../../server/plugin.ts';
import type { KilledHere } from './killed-here.ts';

/** Records behind the peer's position that are looked at; what lies before is left out without being counted exactly. */
const farthestBack = 20_000;
const page = 1_000;

export interface Waited {
  /** Messages for the network, in order. */
  readonly messages: readonly LogRecord[];
  /** Messages that are too old or too many. */
  readonly leftOut: number;
  /** There were more than could be counted. */
  readonly more: boolean;
  /** Number of the last record that was looked at. */
  readonly last: number;
  /** What became of the configuration meanwhile, last values. */
  readonly config: Partial<RoomConfig>;
  /** Masks of bans that were lifted meanwhile. */
  readonly unbanned: ReadonlySet<string>;
}

export interface WaitedLimits {
  readonly events: number;
  readonly minutes: number;
}

/** Undefined when the log cannot be read. */
export async function whatWaited(
  host: Host,
  room: Room,
  network: NetworkAddress,
  after: number,
  limits: WaitedLimits,
  killed: KilledHere,
): Promise<Waited | undefined> {
  const oldest = host.clock.now() - limits.minutes * 60_000;
  const floor = Math.max(after, room.last.number - farthestBack);
  const kicked = new Map<string, number>();
  const unbanned = new Set<string>();
  let messages: LogRecord[] = [];
  let config: Partial<RoomConfig> = {};
  let leftOut = 0;
  let last = floor;
  for (;;) {
    const found = await host.rooms.history(undefined, room, { after: last, limit: page, take: 'first' });
    if (!found.ok) return undefined;
    for (const record of found.value) {
      last = record.number;
      const { content } = record;
      if (content.kind === 'kick') kicked.set(content.target.address, record.number);
      if (record.origin === network) continue;
      if (content.kind === 'config') config = { ...config, ...content.changes };
      else if (content.kind === 'ban' && content.add) unbanned.delete(content.ban.mask);
      else if (content.kind === 'ban') unbanned.add(content.ban.mask);
      else if (content.kind === 'message') {
        if (record.logged >= oldest && limits.events > 0) messages.push(record);
        else leftOut++;
      }
    }
    if (messages.length > limits.events) {
      leftOut += messages.length - limits.events;
      messages = messages.slice(-limits.events);
    }
    if (found.value.length < page) break;
  }
  const heard = messages.filter((record) => !isSilenced(room, record, kicked, killed));
  return { messages: heard, leftOut: leftOut + messages.length - heard.length, more: floor > after, last, config, unbanned };
}

/** Who was thrown out since is not brought back over there to say it. */
function isSilenced(room: Room, record: LogRecord, kicked: ReadonlyMap<string, number>, killed: KilledHere): boolean {
  if (record.content.kind !== 'message') return false;
  const { address } = record.content.author;
  if (room.affiliations.get(address) === 'outcast' || killed.since(record, address)) return true;
  if ((kicked.get(address) ?? 0) < record.number) return false;
  for (const member of room.members.values()) if (member.address === address) return false;
  return true;
}
