import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Conversation } from '../conversation.ts';
import { readUp } from '../reading.ts';
import { loadOlder } from '../rooms.ts';
import { connection, you } from '../state.ts';
import { rows, type Row } from '../timeline.ts';
import { Icon } from './icons.tsx';
import { TimelineRow, WaitingRow } from './rows.tsx';

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
    else if (anchor.current?.row.isConnected === true) {
      // By how much it moved, not to where it was: one may have scrolled since, unheard as yet.
      const moved = anchor.current.row.offsetTop - anchor.current.top;
      if (moved !== 0) element.scrollTop += moved;
      anchor.current.top += moved;
    }
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

/** A row that one sees, and where in the list it stands: it keeps its place in the window when rows come or go above it. */
interface Anchor {
  readonly row: HTMLElement;
  top: number;
}

function firstVisible(list: HTMLElement): Anchor | undefined {
  for (const row of list.children)
    if (row instanceof HTMLElement && row.matches('article') && row.offsetTop + row.offsetHeight > list.scrollTop)
      return { row, top: row.offsetTop };
  return undefined;
}
