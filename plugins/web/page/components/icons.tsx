/** Line icons, drawn here. They say nothing to a screen reader: the buttons have names. */
import type { JSX } from 'preact';

const paths = {
  menu: 'M3 6h18M3 12h18M3 18h18',
  people: 'M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2 21c0-4 3-7 7-7s7 3 7 7M16 3.500a4 4 0 0 1 0 7.300M18 14.300c2.500.8 4 3.300 4 6.700',
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6L6 18',
  send: 'M4 12l16-8-5 17-4-7z',
  down: 'M6 9l6 6 6-6',
  settings: 'M4 7h9M19 7h1M4 17h1M11 17h9M16 4.500v5M8 14.500v5',
  leave: 'M10 4H5v16h5M10 12h11M17 8l4 4-4 4',
  help: 'M9 9a3 3 0 1 1 4 3c-1 .500-1 1-1 2M12 18v.010',
} as const;

export function Icon({ name }: { readonly name: keyof typeof paths }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" focusable="false">
      <path d={paths[name]} fill="none" stroke="currentColor" stroke-width="1.800" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
