import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { forgetIdentity, loadIdentity } from '../../identity.ts';
import { notifying, setNotifying } from '../../notifications.ts';
import { connection, reset, you } from '../../state.ts';
import { setTheme, theme, themes } from '../../theme.ts';
import { close, Frame } from './frame.tsx';

export function YouDialog(): JSX.Element {
  const me = you.value!;
  const failure = useSignal('');
  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const field = (name: string): string => {
      const value = form.get(name);
      return typeof value === 'string' ? value.trim() : '';
    };
    const nick = field('nick');
    const away = field('away') === '' ? null : field('away');
    failure.value = '';
    if (nick !== '' && nick !== me.nick) {
      const reply = await connection.ask({ type: 'nick', nick });
      if (!reply.ok) {
        failure.value = reply.text;
        return;
      }
    }
    if (away !== me.away) await connection.ask({ type: 'away', text: away });
    close();
  }
  function signOut(): void {
    const identity = loadIdentity();
    void connection.ask({ type: 'sign-out', ...(identity?.kind === 'account' ? { token: identity.token } : {}) });
    forgetIdentity();
    close();
    reset();
  }
  return (
    <Frame title="You">
      <form class="stack" onSubmit={(event) => void submit(event)}>
        <label>
          Nick
          <input
            name="nick"
            defaultValue={me.nick}
            maxLength={64}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            data-testid="nick-field"
          />
        </label>
        <label>
          Away, because
          <input name="away" defaultValue={me.away ?? ''} maxLength={200} autocomplete="off" placeholder="empty: you are here" />
        </label>
        <p class="failure" role="alert" data-testid="you-failure">
          {failure.value}
        </p>
        <button type="submit" class="button primary" data-testid="save-you">
          Save
        </button>
      </form>
      <fieldset class="plain">
        <legend>Colours</legend>
        <div class="segments">
          {themes.map((each) => (
            <button key={each} type="button" aria-pressed={theme.value === each} onClick={() => setTheme(each)}>
              {each === 'auto' ? 'System' : each === 'light' ? 'Light' : 'Dark'}
            </button>
          ))}
        </div>
      </fieldset>
      <label class="check">
        <input
          type="checkbox"
          checked={notifying.value}
          onChange={(event) => void setNotifying(event.currentTarget.checked)}
          data-testid="notify"
        />
        Notify me of private messages and mentions
      </label>
      <p class="muted small address">{me.address}</p>
      <button type="button" class="button wide" onClick={signOut} data-testid="sign-out">
        Sign out
      </button>
    </Frame>
  );
}
