/** Light or dark, by the system or by choice. */
import { signal } from '@preact/signals';
import { loadChoice, saveChoice } from './identity.ts';

export const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const kept = loadChoice('theme');
export const theme = signal<Theme>(kept === 'light' || kept === 'dark' ? kept : 'auto');

export function setTheme(chosen: Theme): void {
  theme.value = chosen;
  saveChoice('theme', chosen);
}
