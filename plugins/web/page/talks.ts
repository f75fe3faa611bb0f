/** Private conversations. */
import type { ServerFrame, WirePerson } from '../protocol.ts';
import { calledName, Conversation } from './conversation.ts';
import { loadTalkRead } from './identity.ts';
import { heard, readUp } from './reading.ts';
import { connection, conversations, currentAddress } from './state.ts';
import type { Message } from './timeline.ts';

type PrivateFrame = Extract<ServerFrame, { type: 'private' }>;

export async function loadPrivate(): Promise<void> {
  const newest = Math.max(0, ...[...conversations.value.values()].filter((each) => each.kind === 'person').map((each) => each.newest));
  const reply = await connection.ask({ type: 'private-history', limit: 300, ...(newest > 0 ? { after: newest } : {}) });
  if (!reply.ok) return;
  for (const frame of reply.result['messages'] as PrivateFrame[]) privately(frame, newest > 0);
}

export function privately(frame: PrivateFrame, live: boolean): void {
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

/** The conversation with a person goes on under the new nick, and the new address where that is made of the nick. */
export function renamed(address: string, now: WirePerson): void {
  const talk = conversations.value.get(address);
  if (talk === undefined) return;
  talk.name = now.nick;
  if (now.address !== address && !conversations.value.has(now.address)) {
    talk.address = now.address;
    conversations.value = new Map(Array.from(conversations.value.values(), (each) => [each.address, each]));
    if (currentAddress.value === address) currentAddress.value = now.address;
  }
  talk.changed();
}

/** The conversation with a person, made when there is none. */
export function talkWith(person: Pick<WirePerson, 'address' | 'nick' | 'from'>): Conversation {
  const known = conversations.value.get(person.address);
  if (known !== undefined) return known;
  const talk = new Conversation('person', person.address, calledName(person));
  talk.from = person.from;
  talk.complete = true;
  talk.read = loadTalkRead(person.address);
  conversations.value = new Map([...conversations.value, [talk.address, talk]]);
  return talk;
}
