/** Everything that the page knows, and how the server's frames change it. */
import { computed, signal } from '@preact/signals';
import type { ServerFrame, WireEvent, WireMember, WirePerson } from '../protocol.ts';
import { Connection, type Reply } from './connection.ts';
import { Conversation, entryOf, shortAddress } from './conversation.ts';
import {
  forgetIdentity,
  type Identity,
  loadIdentity,
  loadRooms,
  loadTalkRead,
  saveIdentity,
  saveRooms,
  saveTalkRead,
  updateIdentity,
} from './identity.ts';
import { notify } from './notifications.ts';
import type { Entry, Message } from './timeline.ts';

export type You = Extract<ServerFrame, { type: 'signed-in' }>['you'];
type Welcome = Extract<ServerFrame, { type: 'welcome' }>;
type PrivateFrame = Extract<ServerFrame, { type: 'private' }>;

const pageSize = 60;
const catchUpSize = 500;
const mostCatchUps = 4;
const typingLife = 8_000;

export const welcome = signal<Welcome | undefined>(undefined);
export const you = signal<You | undefined>(undefined);
/** Whether the page shows the sign-in card, is coming back by a token, or is in. */
export const phase = signal<'starting' | 'sign-in' | 'present'>('starting');
/** By address, in the order of opening. */
export const conversations = signal<ReadonlyMap<string, Conversation>>(new Map());
export const currentAddress = signal<string | undefined>(undefined);
export const current = computed(() => {
  const address = currentAddress.value;
  return address === undefined ? undefined : conversations.value.get(address);
});
/** A short message at the edge of the page; gone after a while. */
export const notice = signal<{ readonly text: string; readonly bad: boolean; readonly serial: number } | undefined>(undefined);

/** How the tab keeps who one is; decided at signing in. */
let staying = true;
let wanted: string | undefined = roomOfHash();
const leaving = new Set<string>();
let noticeSerial = 0;

export const connection = new Connection(receive);

export function tell(text: string, bad = false): void {
  noticeSerial += 1;
  const serial = noticeSerial;
  notice.value = { text, bad, serial };
  setTimeout(() => {
    if (notice.value?.serial === serial) notice.value = undefined;
  }, 6_000);
}

export function setStaying(stay: boolean): void {
  staying = stay;
}

function receive(frame: ServerFrame): void {
  switch (frame.type) {
    case 'welcome':
      welcome.value = frame;
      comeBack();
      break;
    case 'signed-in':
      void signedIn(frame);
      break;
    case 'room':
      void entered(frame);
      break;
    case 'events':
      happened(frame);
      break;
    case 'left':
      left(frame.room);
      break;
    case 'user':
      userChanged(frame);
      break;
    case 'private':
      privately(frame, true);
      break;
    case 'ended':
      tell(frame.reason, true);
      break;
    case 'reply':
      break;
    default:
      frame satisfies never;
  }
}

/** Signs in as who one was. */
function comeBack(): void {
  const identity = loadIdentity();
  if (identity === undefined) {
    phase.value = 'sign-in';
    return;
  }
  const question =
    identity.kind === 'guest'
      ? { type: 'guest' as const, nick: you.value?.nick ?? identity.nick, token: identity.token }
      : { type: 'token' as const, token: identity.token };
  void connection.ask(question).then((reply) => notRecognised(identity, reply));
}

function notRecognised(identity: Identity, reply: Reply): void {
  if (reply.ok || reply.code === 'disconnected') return;
  if (reply.code !== 'busy' && reply.code !== 'too-many') forgetIdentity();
  reset();
  tell(identity.kind === 'account' ? `${reply.text} Sign in again.` : reply.text, true);
}

/** Back to the sign-in card. */
export function reset(): void {
  you.value = undefined;
  conversations.value = new Map();
  currentAddress.value = undefined;
  phase.value = 'sign-in';
}

async function signedIn(frame: Extract<ServerFrame, { type: 'signed-in' }>): Promise<void> {
  const again = you.value?.address === frame.you.address;
  if (you.value !== undefined && !again) conversations.value = new Map();
  you.value = frame.you;
  const identity =
    frame.token !== undefined
      ? ({ kind: 'account', name: frame.you.account ?? frame.you.nick, token: frame.token } as const)
      : frame.guestToken !== undefined
        ? ({ kind: 'guest', nick: frame.you.nick, token: frame.guestToken } as const)
        : undefined;
  if (identity !== undefined) {
    if (loadIdentity() === undefined) saveIdentity(identity, staying);
    else updateIdentity(identity);
  }
  phase.value = 'present';
  const open = [...conversations.value.values()].filter((each) => each.kind === 'room' && each.inside).map((each) => each.name);
  const names = new Set(again && open.length > 0 ? open : (loadRooms() ?? welcome.value?.rooms ?? []));
  if (wanted !== undefined) names.add(wanted);
  await Promise.all([...names].map((name) => joinQuietly(name)));
  await loadPrivate();
}

async function joinQuietly(name: string): Promise<void> {
  const reply = await connection.ask({ type: 'join', room: name });
  if (reply.ok || reply.code === 'disconnected') return;
  tell(`#${name}: ${reply.text}`, true);
  const known = byName(name);
  if (known !== undefined) {
    known.inside = false;
    known.outsideReason = reply.text;
    known.changed();
  }
}

function byName(name: string): Conversation | undefined {
  return [...conversations.value.values()].find((each) => each.kind === 'room' && each.name === name);
}

async function entered(frame: Extract<ServerFrame, { type: 'room' }>): Promise<void> {
  const known = conversations.value.get(frame.room);
  const room = known ?? new Conversation('room', frame.room, frame.name);
  leaving.delete(frame.room);
  room.inside = true;
  room.outsideReason = '';
  room.topic = frame.topic;
  room.config = frame.config;
  room.members = new Map(frame.members.map((member) => [member.address, member]));
  // Who was never here has nothing to catch up with.
  room.read = Math.max(room.read, frame.read === 0 ? frame.last : frame.read);
  if (known === undefined) conversations.value = new Map([...conversations.value, [room.address, room]]);
  keepRooms();
  if (currentAddress.value === undefined || wanted === frame.name) {
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

export function keepRooms(): void {
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

function happened(frame: Extract<ServerFrame, { type: 'events' }>): void {
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
      break;
    case 'member': {
      const member = change['member'] as WireMember;
      if (room.members.has(member.address)) room.members.set(member.address, member);
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

function left(address: string): void {
  const room = conversations.value.get(address);
  if (room === undefined) return;
  room.inside = false;
  room.members = new Map();
  if (leaving.delete(address)) drop(address);
  else keepRooms();
  room.changed();
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

function userChanged(frame: Extract<ServerFrame, { type: 'user' }>): void {
  const own = frame.address === you.value?.address;
  if (own && frame.now !== undefined && you.value !== undefined) {
    you.value = { ...you.value, ...frame.now };
    const identity = loadIdentity();
    if (identity?.kind === 'guest') updateIdentity({ ...identity, nick: frame.now.nick });
  }
  for (const each of conversations.value.values()) {
    const member = each.members.get(frame.address);
    if (frame.kind === 'quit') {
      if (each.members.delete(frame.address)) each.changed();
    } else if (member !== undefined && frame.now !== undefined) {
      // The address of people of an IRC network is made of their nick.
      if (frame.now.address !== frame.address) each.members.delete(frame.address);
      each.members.set(frame.now.address, { ...member, ...frame.now });
      each.changed();
    }
    if (each.address === frame.address && frame.now !== undefined) {
      each.name = frame.now.nick;
      each.changed();
    }
  }
}

async function loadPrivate(): Promise<void> {
  const newest = Math.max(0, ...[...conversations.value.values()].filter((each) => each.kind === 'person').map((each) => each.newest));
  const reply = await connection.ask({ type: 'private-history', limit: 300, ...(newest > 0 ? { after: newest } : {}) });
  if (!reply.ok) return;
  for (const frame of reply.result['messages'] as PrivateFrame[]) privately(frame, newest > 0);
}

function privately(frame: PrivateFrame, live: boolean): void {
  const peer = frame.own ? frame.to : frame.author;
  const talk = talkWith(peer);
  const author = frame.author;
  const text =
    frame.kind === 'invitation' ? `invites you to ${roomTitle(frame.room)}${frame.text === '' ? '' : `: ${frame.text}`}` : frame.text;
  const message: Message = {
    number: frame.number,
    id: frame.id,
    at: frame.at,
    kind: 'message',
    author,
    text,
    spans: frame.spans,
    style: frame.kind === 'invitation' ? 'action' : frame.style,
  };
  const [fresh] = talk.insert([message]);
  // Whoever answered has read what was before.
  if (frame.own) talk.read = Math.max(talk.read, message.at);
  if (fresh !== undefined && live) {
    heard(talk, message);
    if (currentAddress.value === talk.address) readUp(talk);
  }
  talk.changed();
}

function roomTitle(address: string | null): string {
  return address === null ? 'a room' : `#${address.replace(/^.*@/, '')}`;
}

/** The conversation with a person, made when there is none. */
export function talkWith(person: Pick<WirePerson, 'address' | 'nick' | 'from'>): Conversation {
  const known = conversations.value.get(person.address);
  if (known !== undefined) return known;
  const talk = new Conversation('person', person.address, person.nick === '' ? shortAddress(person.address) : person.nick);
  talk.from = person.from;
  talk.complete = true;
  talk.read = loadTalkRead(person.address);
  conversations.value = new Map([...conversations.value, [talk.address, talk]]);
  return talk;
}

/** A new message, live. */
function heard(conversation: Conversation, message: Message): void {
  conversation.typing.delete(message.author.address);
  if (message.author.address === you.value?.address) {
    const at = conversation.waiting.findIndex((waiting) => waiting.text === message.text && waiting.style === message.style);
    if (at !== -1) conversation.waiting.splice(at, 1);
    return;
  }
  const own = you.value?.nick ?? '';
  const watching = document.visibilityState === 'visible' && document.hasFocus() && currentAddress.value === conversation.address;
  if (!watching) notify(conversation, message, own);
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

/** Everything in a conversation is read, if one looks at it. */
export function readUp(conversation: Conversation): void {
  if (document.visibilityState !== 'visible' || !document.hasFocus() || conversation.last <= conversation.read) return;
  conversation.read = conversation.last;
  conversation.changed();
  if (conversation.kind === 'room') sendRead(conversation);
  else saveTalkRead(conversation.address, conversation.read);
}

const readTimers = new Map<string, ReturnType<typeof setTimeout>>();

function sendRead(room: Conversation): void {
  if (readTimers.has(room.address)) return;
  readTimers.set(
    room.address,
    setTimeout(() => {
      readTimers.delete(room.address);
      void connection.ask({ type: 'read', room: room.address, number: room.read });
    }, 1_000),
  );
}

export function open(address: string): void {
  const conversation = conversations.value.get(address);
  if (conversation === undefined) return;
  if (currentAddress.value !== address) {
    const before = current.value;
    if (before !== undefined) before.unreadAfter = undefined;
    conversation.unreadAfter = conversation.unread(you.value?.address ?? '') > 0 ? conversation.read : undefined;
  }
  currentAddress.value = address;
  readUp(conversation);
  conversation.changed();
  const hash = conversation.kind === 'room' ? `#${encodeURIComponent(conversation.name)}` : ' ';
  if (location.hash !== hash) history.replaceState(null, '', hash === ' ' ? location.pathname : hash);
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

for (const event of ['focus', 'visibilitychange'] as const)
  addEventListener(event, () => {
    if (current.value !== undefined) readUp(current.value);
  });

/** Joins a room and shows it. */
export async function enter(name: string, key = ''): Promise<Reply> {
  const plain = name.replace(/^#/, '');
  wanted = plain;
  const reply = await connection.ask({ type: 'join', room: plain, ...(key === '' ? {} : { key }) });
  if (reply.ok) {
    const address = reply.result['room'];
    if (typeof address === 'string') open(address);
  } else wanted = undefined;
  return reply;
}

/** Everything unread, for the title of the page. */
export const unreadTotal = computed(() => {
  let total = 0;
  for (const each of conversations.value.values()) {
    void each.version.value;
    total += each.unread(you.value?.address ?? '');
  }
  return total;
});
