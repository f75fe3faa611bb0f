/** What a row of a conversation looks like. */
import { memo } from 'preact/compat';
import type { JSX } from 'preact';
import type { Conversation, Waiting } from '../conversation.ts';
import { showDialog } from '../dialog-state.ts';
import { discard, sendAgain } from '../sending.ts';
import { findMentions } from '../text.ts';
import type { Message, Row } from '../timeline.ts';
import { Avatar, hueOf } from './avatar.tsx';
import { MessageText } from './message-text.tsx';

interface RowProps {
  readonly row: Row;
  readonly ownAddress: string;
  readonly ownNick: string;
}

/** A row is drawn again only when it says something else. */
export const TimelineRow = memo(drawRow, (before: RowProps, after: RowProps) => {
  if (before.ownNick !== after.ownNick || before.ownAddress !== after.ownAddress) return false;
  const [a, b] = [before.row, after.row];
  if (a.kind !== b.kind) return false;
  if (a.kind === 'message' && b.kind === 'message') return a.message === b.message && a.head === b.head;
  if (a.kind === 'line' && b.kind === 'line') return a.text === b.text && a.told.length === b.told.length;
  return a.key === b.key;
});

function drawRow({ row, ownAddress, ownNick }: RowProps): JSX.Element {
  switch (row.kind) {
    case 'day':
      return (
        <h2 class="day">
          <span>{date.format(row.at)}</span>
        </h2>
      );
    case 'unread':
      return (
        <p class="unread-line">
          <span>New</span>
        </p>
      );
    case 'line':
      return (
        <p class="line" data-testid="line">
          <time dateTime={new Date(row.at).toISOString()}>{time.format(row.at)}</time> <span>{row.text}</span>
          {row.told.map((each) => (
            <span
              key={each.id}
              hidden
              data-id={each.id}
              data-what={each.what}
              data-by={each.kind === 'line' ? each.by : each.who}
              data-whom={each.kind === 'line' ? each.whom : each.to}
            />
          ))}
        </p>
      );
    case 'message':
      return <MessageRow message={row.message} head={row.head} own={row.message.author.address === ownAddress} ownNick={ownNick} />;
    default:
      return row satisfies never;
  }
}

/** One form everywhere, and short enough for the gutter. */
const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const date = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });

function MessageRow(props: {
  readonly message: Message;
  readonly head: boolean;
  readonly own: boolean;
  readonly ownNick: string;
}): JSX.Element {
  const { message, head, own, ownNick } = props;
  const { author } = message;
  const action = message.style === 'action';
  const classes = [
    'message',
    head ? 'head' : '',
    action ? 'action' : '',
    message.style === 'notice' ? 'notice-message' : '',
    !own && findMentions(message.text, ownNick).length > 0 ? 'mentioned' : '',
  ]
    .filter((name) => name !== '')
    .join(' ');
  const iso = new Date(message.at).toISOString();
  const name = (
    <button
      type="button"
      class={`author ${hueOf(author.address)}`}
      onClick={() =>
        showDialog({ name: 'person', person: { ...author, kind: author.from === null ? 'account' : 'foreign', away: null, bot: false } })
      }
    >
      <bdi>{author.nick}</bdi>
    </button>
  );
  return (
    <article
      class={classes}
      data-testid="message"
      data-id={message.id}
      data-author={author.nick}
      data-from={author.from ?? ''}
      data-style={message.style}
      data-number={message.number}
      data-own={own}
    >
      {head && !action ? (
        <Avatar nick={author.nick} address={author.address} />
      ) : (
        <span class="gutter">
          <time dateTime={iso}>{time.format(message.at)}</time>
        </span>
      )}
      <div class="body">
        {head && !action && (
          <div class="byline">
            {name}
            {author.from !== null && <span class="from">{author.from}</span>}
            <time dateTime={iso}>{time.format(message.at)}</time>
          </div>
        )}
        {!head && !action && <span class="hidden">{author.nick}: </span>}
        <div class="text" dir="auto" data-testid="text">
          {action && (
            <>
              <span aria-hidden="true">∗ </span>
              {name}{' '}
            </>
          )}
          <span data-testid="said">
            <MessageText text={message.text} spans={message.spans} {...(own ? {} : { ownNick })} />
          </span>
        </div>
      </div>
    </article>
  );
}

export function WaitingRow(props: {
  readonly conversation: Conversation;
  readonly waiting: Waiting;
  readonly failed: string | undefined;
}): JSX.Element {
  const { conversation, waiting, failed } = props;
  return (
    <div class={failed === undefined ? 'message waiting' : 'message failed'} data-testid="waiting">
      <span class="gutter" />
      <div class="body">
        <div class="text" dir="auto">
          {waiting.text}
        </div>
        {failed !== undefined && (
          <p class="failure small">
            Not sent{failed === 'disconnected' ? ': the connection broke' : `: ${failed}`}{' '}
            <button type="button" class="link-button" onClick={() => sendAgain(conversation, waiting)}>
              Send again
            </button>{' '}
            <button type="button" class="link-button" onClick={() => discard(conversation, waiting)}>
              Discard
            </button>
          </p>
        )}
      </div>
    </div>
  );
}
