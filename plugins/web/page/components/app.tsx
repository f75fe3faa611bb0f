import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { drawer, drawerOpener, showDrawer } from '../dialog-state.ts';
import { shortcut } from '../shortcuts.ts';
import { connection, current, notice, phase, you } from '../state.ts';
import { Conversation } from './conversation.tsx';
import { Dialogs } from './dialogs/index.tsx';
import { Members } from './members.tsx';
import { Sidebar } from './sidebar.tsx';
import { SignIn } from './sign-in.tsx';

export function App(): JSX.Element {
  return (
    <>
      {phase.value === 'present' && you.value !== undefined ? <Chat /> : phase.value === 'sign-in' ? <SignIn /> : <Starting />}
      <Notice />
    </>
  );
}

function Starting(): JSX.Element {
  return (
    <main class="starting">
      <LinkBar />
      <p class="muted">Connecting …</p>
    </main>
  );
}

function Chat(): JSX.Element {
  const open = drawer.value;
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    addEventListener('keydown', shortcut);
    const columns = matchMedia('(min-width: 1100px)');
    const close = (): void => void (drawer.value = undefined);
    columns.addEventListener('change', close);
    return () => {
      removeEventListener('keydown', shortcut);
      columns.removeEventListener('change', close);
    };
  }, []);
  useEffect(() => {
    if (open === undefined) return undefined;
    frame.current!.querySelector<HTMLElement>(open === 'rooms' ? '.sidebar .pick' : '.members .icon-button')?.focus();
    return () => {
      // What opened the drawer gets the focus back, unless a choice in the drawer has taken it elsewhere.
      const taken = document.activeElement !== document.body && document.activeElement?.getClientRects().length !== 0;
      if (drawerOpener instanceof HTMLElement && !taken) drawerOpener.focus();
    };
  }, [open]);
  const conversation = current.value;
  return (
    <div class="chat" data-drawer={open} ref={frame}>
      <a class="skip" href="#composer" onClick={skip}>
        Skip to writing
      </a>
      <Sidebar />
      <main class="middle" inert={open !== undefined}>
        <LinkBar />
        {conversation === undefined ? <Empty /> : <Conversation key={conversation.address} conversation={conversation} />}
      </main>
      {conversation?.kind === 'room' && <Members key={conversation.address} room={conversation} />}
      {open !== undefined && <div class="veil" onClick={() => (drawer.value = undefined)} />}
      <Dialogs />
    </div>
  );
}

/** The part of the address after # names the room. */
function skip(event: MouseEvent): void {
  event.preventDefault();
  document.querySelector<HTMLElement>('#composer')?.focus();
}

function Empty(): JSX.Element {
  return (
    <div class="empty">
      <h1>No room is open</h1>
      <p class="muted">Pick one on the left, or join one.</p>
      <button type="button" class="button only-narrow" onClick={() => showDrawer('rooms')}>
        Show rooms
      </button>
    </div>
  );
}

/** Says that the connection is broken, and nothing while all is well. */
export function LinkBar(): JSX.Element {
  const link = connection.link.value;
  const broken = link.name === 'waiting' || (link.name === 'connecting' && phase.value === 'present');
  return (
    <div class="link-bar" role="status" data-testid="link" data-state={link.name}>
      {broken && (
        <>
          <span>{link.name === 'waiting' ? 'The connection is broken; trying again …' : 'Connecting again …'}</span>
          {link.name === 'waiting' && (
            <button type="button" class="link-button" onClick={() => connection.retry()}>
              Try now
            </button>
          )}
        </>
      )}
    </div>
  );
}

function Notice(): JSX.Element {
  const shown = notice.value;
  return (
    <div class="notices" role="status" aria-live="polite">
      {shown !== undefined && (
        <p key={shown.serial} class={shown.bad ? 'notice bad' : 'notice'} data-testid="notice">
          {shown.text}
        </p>
      )}
    </div>
  );
}
