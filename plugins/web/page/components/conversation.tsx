import type { JSX } from 'preact';
import type { Conversation as Talk } from '../conversation.ts';
import { drawer, showDialog, showDrawer } from '../dialog-state.ts';
import { drop, enter, leave } from '../rooms.ts';
import { unreadTotal } from '../state.ts';
import { Composer } from './composer.tsx';
import { Icon } from './icons.tsx';
import { MessageText } from './message-text.tsx';
import { Messages } from './messages.tsx';

export function Conversation({ conversation }: { readonly conversation: Talk }): JSX.Element {
  void conversation.version.value;
  const room = conversation.kind === 'room';
  return (
    <section class="conversation" aria-label={conversation.title}>
      <header class="bar">
        <button
          type="button"
          class="icon-button only-narrow"
          aria-label="Rooms and private conversations"
          aria-expanded={drawer.value === 'rooms'}
          onClick={() => showDrawer('rooms')}
          data-testid="show-rooms"
        >
          <Icon name="menu" />
          {unreadTotal.value > 0 && <span class="dot" />}
        </button>
        <div class="heading">
          <h1 data-testid="title">{conversation.title}</h1>
          {room ? (
            <p class="topic" data-testid="topic" title={conversation.topic.text}>
              {conversation.topic.text === '' ? (
                <span class="muted">No topic</span>
              ) : (
                <MessageText text={conversation.topic.text} spans={[]} />
              )}
            </p>
          ) : (
            <p class="topic muted">{conversation.from === null ? 'Private conversation' : `Private conversation · ${conversation.from}`}</p>
          )}
        </div>
        {room && conversation.inside && (
          <>
            <button
              type="button"
              class="icon-button"
              aria-label="Topic and settings"
              title="Topic and settings"
              onClick={() => showDialog({ name: 'room' })}
              data-testid="edit-room"
            >
              <Icon name="settings" />
            </button>
            <button
              type="button"
              class="icon-button"
              aria-label="Leave the room"
              title="Leave the room"
              onClick={() => void leave(conversation, '')}
              data-testid="leave"
            >
              <Icon name="leave" />
            </button>
            <button
              type="button"
              class="icon-button only-drawer"
              aria-label={`Members: ${conversation.members.size}`}
              aria-expanded={drawer.value === 'members'}
              onClick={() => showDrawer('members')}
              data-testid="show-members"
            >
              <Icon name="people" />
            </button>
          </>
        )}
      </header>
      <Messages conversation={conversation} />
      {conversation.inside ? (
        <Composer conversation={conversation} />
      ) : (
        <div class="outside-bar" data-testid="outside">
          <p>You are not in this room{conversation.outsideReason === '' ? '.' : `. ${conversation.outsideReason}`}</p>
          <button type="button" class="button primary" onClick={() => void rejoin(conversation)} data-testid="rejoin">
            Join again
          </button>
          <button type="button" class="button" onClick={() => drop(conversation.address)}>
            Close
          </button>
        </div>
      )}
    </section>
  );
}

async function rejoin(conversation: Talk): Promise<void> {
  const reply = await enter(conversation.name);
  if (reply.ok) return;
  conversation.outsideReason = reply.text;
  conversation.changed();
}
