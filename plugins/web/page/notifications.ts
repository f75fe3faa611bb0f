/** Notifications of the desktop: for private messages and where one is named, when one asked for them. */
import { signal } from '@preact/signals';
import type { Conversation } from './conversation.ts';
import { loadChoice, saveChoice } from './identity.ts';
import { findMentions } from './text.ts';
import type { Message } from './timeline.ts';

export const notifying = signal(loadChoice('notify') === 'yes' && 'Notification' in window && Notification.permission === 'granted');

export async function setNotifying(wanted: boolean): Promise<void> {
  const allowed = wanted && 'Notification' in window && (await Notification.requestPermission()) === 'granted';
  notifying.value = allowed;
  saveChoice('notify', allowed ? 'yes' : 'no');
}

export function notify(conversation: Conversation, message: Message, ownNick: string): void {
  if (!notifying.value) return;
  if (conversation.kind === 'room' && findMentions(message.text, ownNick).length === 0) return;
  const title = conversation.kind === 'room' ? `${message.author.nick} in ${conversation.title}` : message.author.nick;
  const shown = new Notification(title, { body: message.text.slice(0, 200), tag: conversation.address });
  shown.addEventListener('click', () => {
    window.focus();
    shown.close();
  });
}
