import type { JSX } from 'preact';
import type { Conversation } from '../conversation.ts';
import { drawer, showDialog } from '../dialog-state.ts';
import { open } from '../reading.ts';
import { drop } from '../rooms.ts';
import { conversations, currentAddress, welcome, you } from '../state.ts';
import { Avatar } from './avatar.tsx';
import { Icon } from './icons.tsx';

export function Sidebar(): JSX.Element {
  const all = [...conversations.value.values()];
  const rooms = all.filter((each) => each.kind === 'room');
  const people = all.filter((each) => each.kind === 'person');
  const me = you.value!;
  return (
    <nav class="sidebar" aria-label="Conversations" data-testid="sidebar">
      <header class="bar">
        <strong class="server">{welcome.value?.title}</strong>
        <button
          type="button"
          class="icon-button"
          aria-label="Join a room"
          title="Join a room"
          onClick={() => showDialog({ name: 'join' })}
          data-testid="join-room"
        >
          <Icon name="plus" />
        </button>
      </header>
      <div class="scroll">
        <h2>Rooms</h2>
        <ul>
          {rooms.map((each) => (
            <Item key={each.address} conversation={each} />
          ))}
        </ul>
        {people.length > 0 && (
          <>
            <h2>Private</h2>
            <ul>
              {people.map((each) => (
                <Item key={each.address} conversation={each} />
              ))}
            </ul>
          </>
        )}
      </div>
      <button type="button" class="me" onClick={() => showDialog({ name: 'you' })} data-testid="you">
        <Avatar nick={me.nick} address={me.address} away={me.away !== null} />
        <span class="two-lines">
          <span class="nick" data-testid="own-nick">
            {me.nick}
          </span>
          <span class="muted small">
            {me.away === null ? (me.account === null ? 'guest' : me.administrator ? 'administrator' : 'signed in') : `away: ${me.away}`}
          </span>
        </span>
      </button>
    </nav>
  );
}

function Item({ conversation }: { readonly conversation: Conversation }): JSX.Element {
  void conversation.version.value;
  const own = you.value?.address ?? '';
  const unread = conversation.unread(own);
  const selected = currentAddress.value === conversation.address;
  const pick = (): void => {
    open(conversation.address);
    drawer.value = undefined;
  };
  return (
    <li class="item">
      <button
        type="button"
        class="pick"
        aria-current={selected ? 'page' : undefined}
        onClick={pick}
        data-testid={conversation.kind === 'room' ? 'room' : 'person'}
        data-name={conversation.name}
        data-unread={unread}
      >
        {conversation.kind === 'room' ? (
          <span class="hash" aria-hidden="true">
            #
          </span>
        ) : (
          <Avatar nick={conversation.name} address={conversation.address} small />
        )}
        <span class={conversation.inside ? 'label' : 'label outside'}>{conversation.name}</span>
        {unread > 0 && (
          <span class={conversation.calls(own, you.value?.nick ?? '') ? 'badge' : 'badge quiet'} data-testid="badge">
            {unread > 99 ? '99+' : unread}
            <span class="hidden"> unread</span>
          </span>
        )}
      </button>
      {conversation.kind === 'person' && (
        <button
          type="button"
          class="icon-button small shy"
          aria-label={`Close the conversation with ${conversation.name}`}
          onClick={() => drop(conversation.address)}
        >
          <Icon name="close" />
        </button>
      )}
    </li>
  );
}
