import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { drawer } from '../dialog-state.ts';
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
  useEffect(() => {
    const close = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') drawer.value = undefined;
    };
    addEventListener('keydown', close);
    return () => removeEventListener('keydown', close);
  }, []);
  const conversation = current.value;
  return (
    <div class="chat" data-drawer={open}>
      <a class="skip" href="#composer">
        Skip to writing
      </a>
      <Sidebar />
      <main class="middle">
        <LinkBar />
        {conversation === undefined ? <Empty /> : <Conversation key={conversation.address} conversation={conversation} />}
      </main>
      {conversation?.kind === 'room' && <Members room={conversation} />}
      {open !== undefined && <div class="veil" onClick={() => (drawer.value = undefined)} />}
      <Dialogs />
    </div>
  );
}

function Empty(): JSX.Element {
  return (
    <div class="empty">
      <h1>No room is open</h1>
      <p class="muted">Pick one on the left, or join one.</p>
      <button type="button" class="button only-narrow" onClick={() => (drawer.value = 'rooms')}>
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
          <span>{link.name === 'waiting' ? 'The connection is broken. Nothing is lost; trying again …' : 'Connecting again …'}</span>
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
