import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { drawer } from '../../dialog-state.ts';
import { enter } from '../../rooms.ts';
import { connection } from '../../state.ts';
import { close, Frame } from './frame.tsx';

interface Listed {
  readonly room: string;
  readonly name: string;
  readonly title: string;
  readonly topic: string;
  readonly members: number;
}

export function JoinDialog(): JSX.Element {
  const listed = useSignal<readonly Listed[]>([]);
  const failure = useSignal('');
  async function load(): Promise<void> {
    const reply = await connection.ask({ type: 'rooms' });
    if (reply.ok) listed.value = (reply.result['rooms'] as Listed[]).toSorted((a, b) => b.members - a.members);
  }
  useEffect(() => {
    void load();
  }, []);
  async function join(name: string, key = ''): Promise<void> {
    const reply = await enter(name, key);
    if (!reply.ok) {
      failure.value = reply.text;
      return;
    }
    drawer.value = undefined;
    close();
  }
  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const [name, key] = [form.get('room'), form.get('key')];
    if (typeof name === 'string' && name.trim() !== '') void join(name.trim(), typeof key === 'string' ? key : '');
  }
  return (
    <Frame title="Join a room">
      <form class="stack" onSubmit={submit}>
        <label>
          Name of the room, or its address elsewhere
          <input
            name="room"
            required
            autofocus
            autocapitalize="off"
            autocomplete="off"
            spellcheck={false}
            placeholder="lounge"
            data-testid="room-name"
          />
        </label>
        <label>
          Password, if it has one
          <input name="key" type="password" autocomplete="off" />
        </label>
        <p class="failure" role="alert">
          {failure.value}
        </p>
        <button type="submit" class="button primary" data-testid="join">
          Join
        </button>
      </form>
      {listed.value.length > 0 && (
        <>
          <h3>Open rooms</h3>
          <ul class="choices">
            {listed.value.map((each) => (
              <li key={each.room}>
                <button type="button" class="choice" onClick={() => void join(each.name)}>
                  <strong>#{each.name}</strong>
                  <span class="muted small">
                    {each.members} {each.members === 1 ? 'member' : 'members'}
                    {each.topic === '' ? '' : ` · ${each.topic}`}
                  </span>
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </Frame>
  );
}
