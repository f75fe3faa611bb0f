/** Keys that work everywhere on the page. */
import { dialog, drawer, showDialog } from './dialog-state.ts';
import { open } from './reading.ts';
import { conversations, currentAddress, you } from './state.ts';

export const shortcuts: readonly (readonly [keys: string, meaning: string])[] = [
  ['Enter', 'sends; Shift and Enter begins a new line'],
  ['Tab', 'completes a name that one has begun'],
  ['Alt and Up or Down', 'the conversation above or below'],
  ['Alt and Shift and Up or Down', 'the one above or below in which something is unread'],
  ['Ctrl and K', 'join a room'],
  ['Escape', 'closes what is open; then back to writing'],
];

function composer(): HTMLElement | null {
  return document.querySelector<HTMLElement>('#composer');
}

/** The order of the list on the left: rooms before people. */
function neighbour(step: 1 | -1, unreadOnly: boolean): string | undefined {
  const all = [...conversations.value.values()];
  const listed = [...all.filter((each) => each.kind === 'room'), ...all.filter((each) => each.kind === 'person')];
  const at = listed.findIndex((each) => each.address === currentAddress.value);
  const own = you.value?.address ?? '';
  for (let i = 1; i <= listed.length; i++) {
    const candidate = listed[(at + step * i + listed.length * 2) % listed.length]!;
    if (candidate.address !== currentAddress.value && (!unreadOnly || candidate.unread(own) > 0)) return candidate.address;
  }
  return undefined;
}

function types(event: KeyboardEvent): boolean {
  return event.key.length === 1 && event.key !== ' ' && !event.ctrlKey && !event.metaKey && !event.altKey;
}

/** A letter typed where nothing takes letters is meant for the composer. */
function takesKeys(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea, select, [contenteditable]');
}

export function shortcut(event: KeyboardEvent): void {
  if (dialog.value !== undefined || event.isComposing) return;
  if (event.altKey && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
    event.preventDefault();
    const address = neighbour(event.key === 'ArrowDown' ? 1 : -1, event.shiftKey);
    if (address !== undefined) open(address);
  } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
    event.preventDefault();
    showDialog({ name: 'join' });
  } else if (event.key === 'Escape') {
    if (drawer.value === undefined) composer()?.focus();
    else drawer.value = undefined;
  } else if (types(event) && !takesKeys(event.target)) composer()?.focus();
}
