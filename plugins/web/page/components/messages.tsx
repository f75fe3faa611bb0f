import { useSignal } from '@preact/signals';
import { memo } from 'preact/compat';
import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Conversation, Waiting } from '../conversation.ts';
import { showDialog } from '../dialog-state.ts';
import { readUp } from '../reading.ts';
import { loadOlder } from '../rooms.ts';
import { discard, sendAgain } from '../sending.ts';
import { connection, you } from '../state.ts';
import { findMentions } from '../text.ts';
import { rows, type Message, type Row } from '../timeline.ts';
import { Avatar, hueOf } from './avatar.tsx';
import { Icon } from './icons.tsx';
import { MessageText } from './message-text.tsx';

const nearEnd = 60;
const nearStart = 200;
/** So many rows are drawn at once; more of them are known, and come as one scrolls. */
const mostDrawn = 300;
const step = 120;

export function Messages({ conversation }: { readonly conversation: Conversation }): JSX.Element {
  void conversation.version.value;
  const own = you.value!;
  const list = useRef<HTMLDivElement>(null);
  const pinned = useRef(true);
  const anchor = useRef<Anchor | undefined>(undefined);
  /** Key of the last row that is drawn; undefined: the newest, whichever it is. */
  const lastDrawn = useSignal<string | undefined>(undefined);
  const away = useSignal(false);
  const { entries } = conversation;
  const known = rows(entries, conversation.unreadAfter, own.address, (entry) => conversation.position(entry));
  const found = lastDrawn.value === undefined ? -1 : known.findIndex((row) => row.key === lastDrawn.value);
  const to = found === -1 ? known.length : found + 1;
  const from = Math.max(0, to - mostDrawn);
  const shown = known.slice(from, to);
  const atBeginning = conversation.complete && from === 0;

  useLayoutEffect(() => {
    const element = list.current!;
    if (pinned.current) element.scrollTop = element.scrollHeight;
    else if (anchor.current?.row.isConnected === true) element.scrollTop = anchor.current.row.offsetTop - anchor.current.above;
    // Older ones came while one waits for them at the upper edge, where nothing can be scrolled any more.
    if (!pinned.current && element.scrollTop < nearStart && from > 0) drawOlder();
    // A window that is not filled cannot be scrolled, so nobody could ask for more.
    if (!atBeginning && !conversation.loading && element.scrollHeight <= element.clientHeight && connected()) void loadOlder(conversation);
  });
  useLayoutEffect(() => {
    const element = list.current!;
    const watcher = new ResizeObserver(() => {
      if (pinned.current) element.scrollTop = element.scrollHeight;
    });
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);

  function drawOlder(): void {
    lastDrawn.value = stableKey(known, Math.max(to - step, mostDrawn) - 1);
  }

  function scrolled(): void {
    const element = list.current!;
    const below = element.scrollHeight - element.scrollTop - element.clientHeight;
    pinned.current = lastDrawn.value === undefined && below < nearEnd;
    away.value = !pinned.current;
    anchor.current = firstVisible(element);
    if (pinned.current) {
      const oldest = from === 0 ? undefined : shown.find((row) => row.kind === 'message');
      if (oldest !== undefined) conversation.trimBefore(oldest.key);
      readUp(conversation);
    }
    if (element.scrollTop < nearStart) {
      if (from > 0) drawOlder();
      else if (connected()) void loadOlder(conversation);
    } else if (below < nearStart && lastDrawn.value !== undefined)
      lastDrawn.value = to + step >= known.length ? undefined : stableKey(known, to + step - 1);
  }

  function toEnd(): void {
    pinned.current = true;
    away.value = false;
    lastDrawn.value = undefined;
    list.current!.scrollTop = list.current!.scrollHeight;
  }

  return (
    <div class="messages-frame">
      <div
        class="messages"
        ref={list}
        onScroll={scrolled}
        role="log"
        aria-label={`Messages in ${conversation.title}`}
        aria-live="polite"
        tabIndex={0}
        data-testid="messages"
      >
        {atBeginning && conversation.kind === 'room' && <p class="beginning muted">This is the beginning of {conversation.title}.</p>}
        {conversation.kind === 'person' && (
          <p class="beginning muted">
            This is between you and <bdi>{conversation.name}</bdi>
            {conversation.from === null ? '.' : `; it passes through ${conversation.from}.`}
            {own.account === null && ' You are a guest: the server keeps it only as long as you stay.'}
          </p>
        )}
        {!atBeginning && (
          <button
            type="button"
            class="link-button centre-block"
            onClick={() => void loadOlder(conversation)}
            disabled={conversation.loading}
            data-testid="older"
          >
            {conversation.loading ? 'Loading …' : 'Load older messages'}
          </button>
        )}
        {shown.map((row) => (
          <TimelineRow key={row.key} row={row} ownAddress={own.address} ownNick={own.nick} />
        ))}
        {conversation.waiting.map((waiting) => (
          <WaitingRow key={waiting.key} conversation={conversation} waiting={waiting} failed={waiting.failed} />
        ))}
      </div>
      {away.value && (
        <button type="button" class="to-end" onClick={toEnd} aria-label="To the newest messages" data-testid="to-end">
          <Icon name="down" /> Newest
        </button>
      )}
    </div>
  );
}

function connected(): boolean {
  return connection.link.value.name === 'open';
}

/** Lines of comings and goings get other keys when older ones join them: a message near by keeps its own. */
function stableKey(known: readonly Row[], at: number): string {
  const message = known.slice(Math.max(0, at + 1 - step), at + 1).findLast((row) => row.kind === 'message');
  return (message ?? known[at]!).key;
}

/** A row, and how far below the upper edge it stands: it stays there when rows come or go above it. */
interface Anchor {
  readonly row: HTMLElement;
  readonly above: number;
}

function firstVisible(list: HTMLElement): Anchor | undefined {
  for (const row of list.children)
    if (row instanceof HTMLElement && row.matches('article') && row.offsetTop + row.offsetHeight > list.scrollTop)
      return { row, above: row.offsetTop - list.scrollTop };
  return undefined;
}

interface RowProps {
  readonly row: Row;
  readonly ownAddress: string;
  readonly ownNick: string;
}

/** A row is drawn again only when it says something else. */
const TimelineRow = memo(drawRow, (before: RowProps, after: RowProps) => {
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

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const date = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });

/** Without "AM" and "PM", to fit into the gutter. */
function shortClock(at: number): string {
  return time
    .formatToParts(at)
    .filter(({ type }) => type !== 'dayPeriod')
    .map(({ value }) => value)
    .join('')
    .trim();
}

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
          <time dateTime={iso}>{shortClock(message.at)}</time>
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

function WaitingRow(props: {
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
