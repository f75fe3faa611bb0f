/** At a start: rooms as they were saved, brought up to date from their logs, and the configured ones. */
import type { CoreOptions } from '../core.ts';
import { roomAddress, type RoomAddress } from '../model/address.ts';
import { roomOfLog } from '../model/event.ts';
import type { StoredRoom } from '../storage.ts';
import { defaultRoomConfig, type Context } from './context.ts';
import { RoomState } from './state.ts';
import { applyContent } from './talk.ts';

export async function restoreRooms(context: Context, configured: CoreOptions['rooms']): Promise<void> {
  for (const stored of await context.storage.rooms()) await restoreRoom(context, stored);
  for (const { name, config, topic, home } of configured) {
    const address = roomAddress(context.domain, name);
    const known = context.directory.rooms.get(address);
    if (known !== undefined) {
      if (home !== undefined) context.homes.settle(known, home);
      continue;
    }
    const now = context.clock.now();
    const room = new RoomState(
      { address, created: now, config: { ...defaultRoomConfig, ...config, persistent: true } },
      context.logbook,
      now,
    );
    if (topic !== undefined) room.topic = { text: topic, by: context.domain, at: room.created };
    context.directory.rooms.set(address, room);
    if (home !== undefined) context.homes.settle(room, home);
    await context.storage.saveRoom(room.stored());
  }
  forgetClosedRooms(context);
}

/** Logs of rooms that are no more: a stop came between the end of the room and that of its log. */
function forgetClosedRooms({ logbook, directory, saver }: Context): void {
  for (const [log] of [...logbook.all()]) {
    const room = roomOfLog(log);
    if (room !== undefined && !directory.rooms.has(room)) saver.remove(room);
  }
}

/** What accounts have read. */
export async function restoreReadPositions(context: Context): Promise<void> {
  const { readPositions } = context.directory;
  for (const [key, number] of await context.storage.entries('core/read', '')) {
    const blank = key.indexOf(' ');
    const account = key.slice(0, blank);
    const positions = readPositions.get(account) ?? new Map<RoomAddress, number>();
    readPositions.set(account, positions);
    if (typeof number === 'number') positions.set(key.slice(blank + 1) as RoomAddress, number);
  }
}

async function restoreRoom(context: Context, stored: StoredRoom): Promise<void> {
  const facts = { ...stored, first: stored.first ?? 1, config: { ...defaultRoomConfig, ...stored.config } };
  const room = new RoomState(facts, context.logbook, context.clock.now());
  room.topic = stored.topic;
  for (const [address, affiliation] of stored.affiliations) room.affiliations.set(address, affiliation);
  room.bans = stored.bans;
  for (const [address, number] of stored.since) room.readableFrom.set(address, number);
  // What the state has beyond the log was never durable, so nobody saw it.
  let applied = Math.min(stored.applied, room.last.number);
  while (applied < room.last.number) {
    const records = await context.storage.read(room.log, { after: applied, limit: 500, take: 'first' });
    if (records.length === 0) break;
    for (const record of records) applyContent(room, record);
    applied = records[records.length - 1]!.number;
  }
  if (!room.config.persistent) {
    // Nobody can be inside a room that was temporary when the server stopped.
    context.saver.remove(room.address);
    return;
  }
  context.directory.rooms.set(room.address, room);
  if (stored.home !== undefined) context.homes.settle(room, stored.home);
  if (applied !== stored.applied) context.saver.room(room);
}
