import type { JSX } from 'preact';
import { dialog } from '../../dialog-state.ts';
import { HelpDialog } from './help.tsx';
import { JoinDialog } from './join.tsx';
import { PersonDialog } from './person.tsx';
import { RoomDialog } from './room.tsx';
import { YouDialog } from './you.tsx';

export function Dialogs(): JSX.Element | null {
  const shown = dialog.value;
  switch (shown?.name) {
    case undefined:
      return null;
    case 'join':
      return <JoinDialog />;
    case 'help':
      return <HelpDialog />;
    case 'you':
      return <YouDialog />;
    case 'room':
      return <RoomDialog />;
    case 'person':
      return <PersonDialog key={shown.person.address} person={shown.person} />;
    default:
      return shown satisfies never;
  }
}
