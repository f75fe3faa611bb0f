/** Which dialog is open. */
import { signal } from '@preact/signals';
import type { WireMember, WirePerson } from '../protocol.ts';

export type Dialog =
  | { readonly name: 'join' }
  | { readonly name: 'help' }
  | { readonly name: 'you' }
  | { readonly name: 'room' }
  | { readonly name: 'person'; readonly person: WirePerson | WireMember };

export const dialog = signal<Dialog | undefined>(undefined);
/** Which drawer is open where there is no place for columns. */
export const drawer = signal<'rooms' | 'members' | undefined>(undefined);

/** What had the focus when the drawer opened, and gets it back. */
export let drawerOpener: Element | null = null;

export function showDrawer(wanted: 'rooms' | 'members'): void {
  drawerOpener = document.activeElement;
  drawer.value = wanted;
}

export function showDialog(wanted: Dialog | undefined): void {
  dialog.value = wanted;
}
