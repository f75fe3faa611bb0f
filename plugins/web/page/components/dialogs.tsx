import { useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { WireMember, WirePerson } from '../../protocol.ts';
import { help } from '../commands.ts';
import { shortAddress } from '../conversation.ts';
import { dialog, drawer, showDialog } from '../dialog-state.ts';
import { forgetIdentity, loadIdentity } from '../identity.ts';
import { notifying, setNotifying } from '../notifications.ts';
import { connection, current, enter, open, reset, talkWith, tell, you } from '../store.ts';
import { setTheme, theme, themes } from '../theme.ts';
import { Avatar } from './avatar.tsx';
import { Icon } from './icons.tsx';
import { standing } from './members.tsx';

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
    case 'topic':
      return <TopicDialog />;
    case 'person':
      return <PersonDialog key={shown.person.address} person={shown.person} />;
    default:
      return shown satisfies never;
  }
}

const close = (): void => showDialog(undefined);

/** A modal dialog of the browser: it keeps the focus and closes with Escape. */
function Frame({ title, children }: { readonly title: string; readonly children: ComponentChildren }): JSX.Element {
  const element = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const shown = element.current!;
    shown.showModal();
    return () => shown.close();
  }, []);
  return (
    <dialog
      ref={element}
      aria-labelledby="dialog-title"
      onClose={close}
      onClick={(event) => {
        if (event.target === element.current) close();
      }}
      data-testid="dialog"
    >
      <div class="dialog-inner">
        <header>
          <h2 id="dialog-title">{title}</h2>
          <button type="button" class="icon-button" aria-label="Close" onClick={close}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

interface Listed {
  readonly room: string;
  readonly name: string;
  readonly title: string;
  readonly topic: string;
  readonly members: number;
}

function JoinDialog(): JSX.Element {
  const listed = useSignal<readonly Listed[]>([]);
  const failure = useSignal('');
  useEffect(() => {
    void connection.ask({ type: 'rooms' }).then((reply) => {
      if (reply.ok) listed.value = (reply.result['rooms'] as Listed[]).toSorted((a, b) => b.members - a.members);
    });
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
          Name of the room
          <input
            name="room"
            required
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

function HelpDialog(): JSX.Element {
  return (
    <Frame title="What you can type">
      <dl class="help">
        {help.map(([usage, meaning]) => (
          <div key={usage}>
            <dt>
              <code>{usage}</code>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <p class="muted small">Enter sends, Shift and Enter begins a new line, Tab completes names.</p>
    </Frame>
  );
}

function TopicDialog(): JSX.Element {
  const room = current.value!;
  const failure = useSignal('');
  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const topic = new FormData(event.currentTarget as HTMLFormElement).get('topic');
    const reply = await connection.ask({ type: 'topic', room: room.address, topic: typeof topic === 'string' ? topic : '' });
    if (reply.ok) close();
    else failure.value = reply.text;
  }
  return (
    <Frame title={`Topic of ${room.title}`}>
      <form class="stack" onSubmit={(event) => void submit(event)}>
        <label>
          Topic
          <input name="topic" defaultValue={room.topic.text} maxLength={390} autocomplete="off" data-testid="topic-field" />
        </label>
        {room.topic.by !== '' && (
          <p class="muted small">
            by {room.topic.by}, {new Date(room.topic.at).toLocaleString()}
          </p>
        )}
        <p class="failure" role="alert">
          {failure.value}
        </p>
        <button type="submit" class="button primary" data-testid="save-topic">
          Save
        </button>
      </form>
    </Frame>
  );
}

function YouDialog(): JSX.Element {
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
        <input type="checkbox" checked={notifying.value} onChange={(event) => void setNotifying(event.currentTarget.checked)} />
        Notify me of private messages and mentions
      </label>
      <p class="muted small address">{me.address}</p>
      <button type="button" class="button wide" onClick={signOut} data-testid="sign-out">
        Sign out
      </button>
    </Frame>
  );
}

function PersonDialog({ person }: { readonly person: WirePerson | WireMember }): JSX.Element {
  const room = current.value?.kind === 'room' ? current.value : undefined;
  if (room !== undefined) void room.version.value;
  const member = room?.members.get(person.address);
  const own = room?.members.get(you.value?.address ?? '');
  const moderates = own !== undefined && (own.operator || own.affiliation === 'owner' || own.affiliation === 'admin');
  const self = person.address === you.value?.address;
  const reason = useSignal('');
  const shown = member ?? person;

  async function act(question: Parameters<typeof connection.ask>[0], leaves = true): Promise<void> {
    const reply = await connection.ask(question);
    if (!reply.ok) tell(reply.text, true);
    else if (leaves) close();
  }
  function write(): void {
    open(talkWith(shown).address);
    drawer.value = undefined;
    close();
  }
  return (
    <Frame title={shown.nick}>
      <div class="person">
        <Avatar nick={shown.nick} address={shown.address} />
        <dl>
          <dt>Comes from</dt>
          <dd>{shown.from ?? 'this server'}</dd>
          <dt>Is</dt>
          <dd>
            {[
              shown.kind === 'account' ? 'signed in' : shown.kind === 'guest' ? 'a guest' : 'a guest of another network',
              shown.bot ? 'a bot' : '',
              member === undefined ? '' : standing(member),
            ]
              .filter((word) => word !== '')
              .join(', ')}
          </dd>
          {shown.away !== null && (
            <>
              <dt>Away</dt>
              <dd>{shown.away}</dd>
            </>
          )}
          <dt>Address</dt>
          <dd class="address">{shortAddress(shown.address)}</dd>
        </dl>
      </div>
      {!self && (
        <button type="button" class="button primary wide" onClick={write} data-testid="write-privately">
          Write privately
        </button>
      )}
      {moderates && member !== undefined && !self && room !== undefined && (
        <fieldset class="plain">
          <legend>Moderation</legend>
          <label>
            Reason
            <input
              value={reason.value}
              onInput={(event) => (reason.value = event.currentTarget.value)}
              maxLength={300}
              autocomplete="off"
              data-testid="reason"
            />
          </label>
          <div class="buttons">
            <button
              type="button"
              class="button danger"
              onClick={() => void act({ type: 'kick', room: room.address, user: member.address, reason: reason.value })}
              data-testid="kick"
            >
              Remove
            </button>
            <button
              type="button"
              class="button danger"
              onClick={() => void act({ type: 'kick', room: room.address, user: member.address, reason: reason.value, ban: true })}
              data-testid="ban"
            >
              Ban
            </button>
            <button
              type="button"
              class="button"
              onClick={() => void act({ type: 'grant', room: room.address, user: member.address, operator: !member.operator }, false)}
              data-testid="operator"
            >
              {member.operator ? 'No operator' : 'Operator'}
            </button>
            <button
              type="button"
              class="button"
              onClick={() => void act({ type: 'grant', room: room.address, user: member.address, voice: !member.voice }, false)}
            >
              {member.voice ? 'No voice' : 'Voice'}
            </button>
          </div>
        </fieldset>
      )}
    </Frame>
  );
}
