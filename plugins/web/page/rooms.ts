/** Rooms: entering and leaving, what happens in them, and their history. */
import type { ServerFrame, WireEvent, WireMember } from '../protocol.ts';
import type { Reply } from './connection.ts';
import { Conversation, entryOf } from './conversation.ts';
import { loadRooms, saveRooms } from './identity.ts';
import { heard, open, readUp } from './reading.ts';
import { connection, conversations, currentAddress, phase, tell, welcome, you } from './state.ts';
import type { Entry } from './timeline.ts';

const pageSize = 60;
const catchUpSize = 500;
const mostCatchUps = 4;
const typingLife = 8_000;

/** The room that one asked for, until it is there. */
let wanted: string | undefined = roomOfHash();
const leaving = new Set<string>();

/** After signing in: the rooms of the last time, or, for who is new, the server's. `again`: it is the same person as before. */
export async function enterAll(again: boolean): Promise<void> {
  const inside = [...conversations.value.values()].filter((each) => each.kind === 'room' && each.inside).map((each) => each.name);
  const names = new Set(again && inside.length > 0 ? inside : (loadRooms() ?? welcome.value?.rooms ?? []));
  if (wanted !== undefined) names.add(wanted);
  const entered = new Map(await Promise.all(Array.from(names, async (name) => [name, await joinQuietly(name)] as const)));
  const wish = wanted === undefined ? undefined : entered.get(wanted);
  wanted = undefined;
  const first = conversations.value.keys().next().value;
  if (wish !== undefined) open(wish);
  else if (currentAddress.value === undefined && first !== undefined) open(first);
}

/** Answers with the room's address. */
async function joinQuietly(name: string): Promise<string | undefined> {
  const reply = await connection.ask({ type: 'join', room: name });
  if (reply.ok) return String(reply.result['room']);
  if (reply.code === 'disconnected') return undefined;
  tell(`#${name}: ${reply.text}`, true);
  const known = byName(name);
  if (known !== undefined) {
    known.inside = false;
    known.outsideReason = reply.text;
    known.changed();
  }
  return undefined;
}

function byName(name: string): Conversation | undefined {
  return [...conversations.value.values()].find((each) => each.kind === 'room' && each.name === name);
}

export async function entered(frame: Extract<ServerFrame, { type: 'room' }>): Promise<void> {
  const known = conversations.value.get(frame.room);
  const room = known ?? new Conversation('room', frame.room, frame.name);
  leaving.delete(frame.room);
  room.inside = true;
  room.outsideReason = '';
  room.topic = frame.topic;
  room.config = frame.config;
  room.members = new Map(frame.members.map((member) => [member.address, member]));
  room.peopleChanged();
  // Who was never here has nothing to catch up with.
  room.read = Math.max(room.read, frame.read === 0 ? frame.last : frame.read);
  if (known === undefined) conversations.value = new Map([...conversations.value, [room.address, room]]);
  keepRooms();
  // The first room that comes is shown, unless one asked for another: that is on its way.
  if (wanted === frame.name || (wanted === undefined && currentAddress.value === undefined)) {
    wanted = undefined;
    open(room.address);
  }
  room.changed();
  if (room.entries.length === 0) await loadOlder(room);
  else await catchUp(room, frame.last);
  if (currentAddress.value === room.address && room.unread(you.value?.address ?? '') > 0) room.unreadAfter = room.read;
  settleWaiting(room);
  room.changed();
}

function keepRooms(): void {
  saveRooms([...conversations.value.values()].filter((each) => each.kind === 'room' && each.inside).map((each) => each.name));
}

/** Asks for what was said while the connection was broken. */
async function catchUp(room: Conversation, last: number): Promise<void> {
  for (let i = 0; i < mostCatchUps && room.newest < last; i++) {
    const reply = await connection.ask({ type: 'history', room: room.address, after: room.newest, limit: catchUpSize });
    if (!reply.ok) return;
    const events = reply.result['events'] as WireEvent[];
    takeEvents(room, events);
    if (events.length < catchUpSize) return;
  }
  if (room.newest >= last) return;
  // Very much was said: the newest are shown, the rest comes with scrolling.
  room.forget();
  await loadOlder(room);
}

/** Loads what was before the first entry. */
export async function loadOlder(room: Conversation): Promise<void> {
  if (room.loading || room.complete || room.kind !== 'room') return;
  room.loading = true;
  room.changed();
  const first = room.entries[0]?.number;
  const reply = await connection.ask({
    type: 'history',
    room: room.address,
    limit: pageSize,
    ...(first === undefined ? {} : { before: first }),
  });
  room.loading = false;
  if (reply.ok) {
    const events = reply.result['events'] as WireEvent[];
    takeEvents(room, events);
    room.complete = events.length < pageSize;
  }
  room.changed();
}

function takeEvents(room: Conversation, events: readonly WireEvent[]): Entry[] {
  return room.insert(events.map(entryOf).filter((entry) => entry !== undefined));
}

export function happened(frame: Extract<ServerFrame, { type: 'events' }>): void {
  const room = conversations.value.get(frame.room);
  if (room === undefined) return;
  const fresh: Entry[] = [];
  for (const item of frame.items) {
    if ('number' in item) {
      fresh.push(...takeEvents(room, [item as WireEvent]));
      applyRecord(room, item as WireEvent);
    } else applyChange(room, item);
  }
  for (const entry of fresh) if (entry.kind === 'message') heard(room, entry);
  if (currentAddress.value === room.address) readUp(room);
  room.changed();
}

function applyRecord(room: Conversation, event: WireEvent): void {
  const author = event['author'] as { nick: string } | undefined;
  if (event.kind === 'topic') room.topic = { text: String(event['topic']), by: author?.nick ?? '', at: event.at };
  else if (event.kind === 'config') room.config = { ...room.config, ...(event['changes'] as object) };
}

function applyChange(room: Conversation, change: Readonly<Record<string, unknown>>): void {
  switch (change['kind']) {
    case 'joined':
      for (const member of change['members'] as WireMember[]) room.members.set(member.address, member);
      room.peopleChanged();
      break;
    case 'left':
      for (const address of change['addresses'] as string[]) {
        room.members.delete(address);
        room.typing.delete(address);
        if (address === you.value?.address && !leaving.has(room.address)) {
          const by = change['by'] as { nick: string } | null;
          const reason = change['reason'] as string;
          room.outsideReason = by === null ? reason : `${by.nick} removed you${reason === '' ? '' : `: ${reason}`}`;
        }
      }
      room.peopleChanged();
      break;
    case 'member': {
      const member = change['member'] as WireMember;
      if (room.members.has(member.address)) room.members.set(member.address, member);
      room.peopleChanged();
      break;
    }
    case 'typing': {
      const address = String(change['address']);
      if (address === you.value?.address) break;
      if (change['state'] === 'active') room.typing.set(address, { nick: String(change['nick']), until: Date.now() + typingLife });
      else room.typing.delete(address);
      setTimeout(() => expireTyping(room), typingLife + 50);
      break;
    }
  }
}

function expireTyping(room: Conversation): void {
  const now = Date.now();
  for (const [address, { until }] of room.typing) if (until <= now) room.typing.delete(address);
  room.changed();
}

export function left(address: string): void {
  const room = conversations.value.get(address);
  if (room === undefined) return;
  room.inside = false;
  room.members = new Map();
  if (leaving.delete(address)) drop(address);
  else keepRooms();
  room.peopleChanged();
}

/** Closes a conversation on this page. */
export function drop(address: string): void {
  const rest = new Map(conversations.value);
  rest.delete(address);
  conversations.value = rest;
  keepRooms();
  if (currentAddress.value === address) {
    currentAddress.value = undefined;
    const next = rest.keys().next().value;
    if (next !== undefined) open(next);
  }
}

export async function leave(room: Conversation, reason: string): Promise<void> {
  if (room.kind === 'person' || !room.inside) {
    drop(room.address);
    return;
  }
  leaving.add(room.address);
  const reply = await connection.ask({ type: 'leave', room: room.address, reason });
  if (reply.ok) return;
  leaving.delete(room.address);
  tell(reply.text, true);
}

/** After a reconnect: what was sent and is in the log has arrived; the rest has not. */
function settleWaiting(room: Conversation): void {
  for (const waiting of [...room.waiting]) {
    const arrived = room.entries.some(
      (entry) =>
        entry.kind === 'message' &&
        entry.author.address === you.value?.address &&
        entry.text === waiting.text &&
        entry.at >= waiting.since - 120_000,
    );
    if (arrived && waiting.failed === 'disconnected') room.waiting.splice(room.waiting.indexOf(waiting), 1);
  }
}

function roomOfHash(): string | undefined {
  try {
    const name = decodeURIComponent(location.hash.slice(1));
    return name === '' ? undefined : name;
  } catch {
    return undefined;
  }
}

addEventListener('hashchange', () => {
  const name = roomOfHash();
  if (name === undefined || phase.value !== 'present') return;
  const known = byName(name);
  if (known !== undefined) open(known.address);
  else void enter(name);
});

/** Joins a room and shows it. */
export async function enter(name: string, key = ''): Promise<Reply> {
  const plain = name.replace(/^#/, '');
  wanted = plain;
  const reply = await connection.ask({ type: 'join', room: plain, ...(key === '' ? {} : { key }) });
  if (reply.ok) {
    const address = String(reply.result['room']);
    open(address);
    // Of a room that one is in already nothing more comes; it may have another name than was asked for.
    if (conversations.value.get(address)?.inside === true) wanted = undefined;
  } else wanted = undefined;
  return reply;
}
