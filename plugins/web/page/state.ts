/** What all parts of the page share: the connection, who one is, and which conversations there are. */
import { computed, signal } from '@preact/signals';
import type { ServerFrame } from '../protocol.ts';
import { Connection } from './connection.ts';
import type { Conversation } from './conversation.ts';

type You = Extract<ServerFrame, { type: 'signed-in' }>['you'];
type Welcome = Extract<ServerFrame, { type: 'welcome' }>;

const noticeLife = 4_000;
const perCharacter = 60;

export const connection = new Connection();
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
let noticeSerial = 0;

export function tell(text: string, bad = false): void {
  noticeSerial += 1;
  const serial = noticeSerial;
  notice.value = { text, bad, serial };
  setTimeout(
    () => {
      if (notice.value?.serial === serial) notice.value = undefined;
    },
    noticeLife + perCharacter * text.length,
  );
}

/** Back to the sign-in card. */
export function reset(): void {
  you.value = undefined;
  conversations.value = new Map();
  currentAddress.value = undefined;
  phase.value = 'sign-in';
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
