import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Conversation } from '../../conversation.ts';
import { shortAddress } from '../../conversation.ts';
import { connection, current, tell, you } from '../../state.ts';
import { close, Frame } from './frame.tsx';

/** Topic, settings and bans of the room that is open. */
export function RoomDialog(): JSX.Element {
  const room = current.value!;
  void room.version.value;
  const own = room.members.get(you.value?.address ?? '');
  const owner = own?.affiliation === 'owner' || you.value?.administrator === true;
  const moderates = owner || own?.operator === true || own?.affiliation === 'admin';
  return (
    <Frame title={room.title}>
      <Topic room={room} locked={room.config['topicLocked'] === true && !moderates} />
      {moderates && <Settings room={room} owner={owner} />}
      {moderates && <Bans room={room} />}
      <p class="muted small address">{room.address}</p>
    </Frame>
  );
}

function Topic({ room, locked }: { readonly room: Conversation; readonly locked: boolean }): JSX.Element {
  const failure = useSignal('');
  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const topic = new FormData(event.currentTarget as HTMLFormElement).get('topic');
    const reply = await connection.ask({ type: 'topic', room: room.address, topic: typeof topic === 'string' ? topic : '' });
    if (reply.ok) close();
    else failure.value = reply.text;
  }
  return (
    <form class="stack" onSubmit={(event) => void submit(event)}>
      <label>
        Topic
        <input name="topic" defaultValue={room.topic.text} maxLength={390} autocomplete="off" readOnly={locked} data-testid="topic-field" />
      </label>
      {room.topic.by !== '' && (
        <p class="muted small">
          by {room.topic.by}, {new Date(room.topic.at).toLocaleString()}
        </p>
      )}
      <p class="failure" role="alert">
        {failure.value}
      </p>
      {locked ? (
        <p class="muted small">Operators of this room change the topic.</p>
      ) : (
        <button type="submit" class="button primary" data-testid="save-topic">
          Save the topic
        </button>
      )}
    </form>
  );
}

const switches: readonly (readonly [key: string, meaning: string, ownersOnly: boolean])[] = [
  ['topicLocked', 'Only operators change the topic', false],
  ['moderated', 'Moderated: only members and those with voice speak', false],
  ['membersSpeak', 'Only people in the room speak', false],
  ['membersOnly', 'Only members and the invited come in', false],
  ['hidden', 'Not in the list of rooms', false],
  ['showJoins', 'Tell who comes and goes', true],
];

async function configure(room: Conversation, changes: Readonly<Record<string, unknown>>): Promise<void> {
  const reply = await connection.ask({ type: 'configure', room: room.address, changes });
  if (!reply.ok) tell(reply.text, true);
  room.changed();
}

function Settings({ room, owner }: { readonly room: Conversation; readonly owner: boolean }): JSX.Element {
  function setKey(event: SubmitEvent): void {
    event.preventDefault();
    const key = new FormData(event.currentTarget as HTMLFormElement).get('key');
    void configure(room, { key: typeof key === 'string' && key !== '' ? key : null });
  }
  return (
    <fieldset class="plain">
      <legend>Settings</legend>
      {switches.map(([key, meaning, ownersOnly]) => (
        <label key={key} class="check">
          <input
            type="checkbox"
            checked={room.config[key] === true}
            disabled={ownersOnly && !owner}
            onChange={(event) => void configure(room, { [key]: event.currentTarget.checked })}
          />
          {meaning}
        </label>
      ))}
      <label>
        Who reads what was said before
        <select
          value={String(room.config['history'])}
          disabled={!owner}
          onChange={(event) => void configure(room, { history: event.currentTarget.value })}
        >
          <option value="all">everybody in the room, all of it</option>
          <option value="joined">everybody, from when they first came</option>
          <option value="none">nobody</option>
        </select>
      </label>
      <form class="row" onSubmit={setKey}>
        <label>
          Password of the room
          <input name="key" autocomplete="off" placeholder={room.config['key'] === null ? 'none' : 'set; empty takes it away'} />
        </label>
        <button type="submit" class="button">
          Set
        </button>
      </form>
    </fieldset>
  );
}

type Ban = { readonly mask: string; readonly by: string; readonly reason: string } | { readonly address: string };

function Bans({ room }: { readonly room: Conversation }): JSX.Element {
  const bans = useSignal<readonly Ban[]>([]);
  async function load(): Promise<void> {
    const reply = await connection.ask({ type: 'bans', room: room.address });
    if (reply.ok) bans.value = reply.result['bans'] as Ban[];
  }
  useEffect(() => void load(), []);
  async function lift(ban: Ban): Promise<void> {
    const reply = await connection.ask(
      'mask' in ban
        ? { type: 'unban', room: room.address, mask: ban.mask }
        : { type: 'affiliation', room: room.address, user: ban.address, affiliation: 'none' },
    );
    if (!reply.ok) tell(reply.text, true);
    await load();
  }
  return (
    <fieldset class="plain">
      <legend>Kept out</legend>
      {bans.value.length === 0 && <p class="muted small">Nobody.</p>}
      <ul class="choices" data-testid="bans">
        {bans.value.map((ban) => {
          const name = 'mask' in ban ? ban.mask : shortAddress(ban.address);
          return (
            <li key={name} class="row">
              <span class="address">
                {name}
                {'mask' in ban && <span class="muted small"> by {ban.by}</span>}
              </span>
              <button type="button" class="button" aria-label={`Let ${name} in again`} onClick={() => void lift(ban)} data-testid="lift">
                Let in again
              </button>
            </li>
          );
        })}
      </ul>
    </fieldset>
  );
}
