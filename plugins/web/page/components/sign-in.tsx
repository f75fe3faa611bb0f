import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { setStaying } from '../frames.ts';
import { connection, tell, welcome } from '../state.ts';

type Way = 'guest' | 'sign-in' | 'register';

export function SignIn(): JSX.Element {
  const way = useSignal<Way>('guest');
  const failure = useSignal('');
  const busy = useSignal(false);
  const first = useRef<HTMLInputElement>(null);
  const server = welcome.value;

  useEffect(() => first.current?.focus(), []);

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string): string => {
      const value = form.get(name);
      return typeof value === 'string' ? value : '';
    };
    const name = text('name').trim();
    if (way.value === 'register' && text('password') !== text('again')) {
      failure.value = 'The two passwords are not the same.';
      return;
    }
    busy.value = true;
    failure.value = '';
    const stay = way.value === 'guest' || form.get('stay') !== null;
    setStaying(stay);
    const reply = await connection.ask(
      way.value === 'guest' ? { type: 'guest', nick: name } : { type: way.value, name, password: text('password'), stay: true },
    );
    busy.value = false;
    if (!reply.ok) failure.value = reply.text;
    else if (way.value === 'register') tell(`Welcome, ${name}. Your account is made.`);
  }

  const choose = (chosen: Way) => () => {
    way.value = chosen;
    failure.value = '';
    first.current?.focus();
  };
  const account = way.value !== 'guest';
  const ways: readonly (readonly [Way, string])[] = [
    ['guest', 'Guest'],
    ['sign-in', 'Sign in'],
    ...(server?.registration === false ? [] : ([['register', 'Register']] as const)),
  ];

  return (
    <main class="sign-in">
      <form class="card" onSubmit={(event) => void submit(event)} data-testid="sign-in" aria-labelledby="sign-in-title">
        <Tree />
        <h1 id="sign-in-title">{server?.title ?? 'Chat'}</h1>
        <p class="muted centre">
          {server?.domain}
          {server !== undefined && server.rooms.length > 0 && ` · #${server.rooms.join(', #')}`}
        </p>
        <div class="segments" role="group" aria-label="How to come in">
          {ways.map(([key, title]) => (
            <button key={key} type="button" aria-pressed={way.value === key} onClick={choose(key)} data-testid={`way-${key}`}>
              {title}
            </button>
          ))}
        </div>
        <label>
          {account ? 'Account name' : 'Your name'}
          <input
            ref={first}
            name="name"
            required
            maxLength={64}
            autocomplete={account ? 'username' : 'nickname'}
            autocapitalize="off"
            spellcheck={false}
            data-testid="name"
          />
        </label>
        {account && (
          <label>
            Password
            <input
              name="password"
              type="password"
              required
              autocomplete={way.value === 'register' ? 'new-password' : 'current-password'}
              data-testid="password"
            />
          </label>
        )}
        {way.value === 'register' && (
          <label>
            Password again
            <input name="again" type="password" required autocomplete="new-password" data-testid="password-again" />
          </label>
        )}
        {account && (
          <label class="check">
            <input name="stay" type="checkbox" defaultChecked data-testid="stay" /> Stay signed in on this device
          </label>
        )}
        <p class="failure" role="alert" data-testid="failure">
          {failure.value}
        </p>
        <button type="submit" class="button primary wide" disabled={busy.value} data-testid="enter">
          {way.value === 'guest' ? 'Join as a guest' : way.value === 'sign-in' ? 'Sign in' : 'Make the account'}
        </button>
        {!account && (
          <p class="muted small centre">No account is needed. With one, your name is yours and private messages wait for you.</p>
        )}
      </form>
    </main>
  );
}

function Tree(): JSX.Element {
  return (
    <svg class="emblem" viewBox="0 0 32 32" width="56" height="56" aria-hidden="true">
      <rect width="32" height="32" rx="8" class="emblem-ground" />
      <path d="M7 13c0-4.400 4-7 9-7s9 2.600 9 7-4 6-9 6-9-1.600-9-6z" class="emblem-leaf" />
      <path d="M16 14v12M11.500 16v7M20.500 16v7M16 26h-4M16 26h4" class="emblem-trunk" />
    </svg>
  );
}
