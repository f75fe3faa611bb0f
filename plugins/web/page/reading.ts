/** What is open and what is read. */
import type { Conversation } from './conversation.ts';
import { saveTalkRead } from './identity.ts';
import { notify } from './notifications.ts';
import { connection, conversations, current, currentAddress, you } from './state.ts';
import type { Message } from './timeline.ts';

const readTimers = new Map<string, ReturnType<typeof setTimeout>>();

/** A new message, live. */
export function heard(conversation: Conversation, message: Message): void {
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

/** Everything in a conversation is read, if one looks at it. */
export function readUp(conversation: Conversation): void {
  if (document.visibilityState !== 'visible' || !document.hasFocus() || conversation.last <= conversation.read) return;
  conversation.read = conversation.last;
  conversation.changed();
  if (conversation.kind === 'room') sendRead(conversation);
  else saveTalkRead(conversation.address, conversation.read);
}

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

for (const event of ['focus', 'visibilitychange'] as const)
  addEventListener(event, () => {
    if (current.value !== undefined) readUp(current.value);
  });
