import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import { completions } from '../commands.ts';
import type { Conversation } from '../conversation.ts';
import { showDialog } from '../dialog-state.ts';
import { submit, typing } from '../sending.ts';
import { inLine } from '../text.ts';
import { Icon } from './icons.tsx';

interface Completing {
  readonly start: number;
  readonly matches: readonly string[];
  at: number;
  end: number;
}

export function Composer({ conversation }: { readonly conversation: Conversation }): JSX.Element {
  void conversation.version.value;
  const field = useRef<HTMLTextAreaElement>(null);
  const completing = useRef<Completing | undefined>(undefined);
  const empty = useSignal(conversation.draft === '');
  const refusal = useSignal('');

  useEffect(() => {
    // On a telephone the keyboard would cover what one came to read.
    if (matchMedia('(pointer: fine)').matches) field.current?.focus();
  }, []);
  useLayoutEffect(grow, []);

  function grow(): void {
    const element = field.current!;
    element.style.height = 'auto';
    element.style.height = `${Math.min(element.scrollHeight, 200)}px`;
  }

  function set(text: string): void {
    field.current!.value = text;
    conversation.draft = text;
    empty.value = text.trim() === '';
    grow();
  }

  function typed(): void {
    completing.current = undefined;
    refusal.value = '';
    const text = field.current!.value;
    conversation.draft = text;
    empty.value = text.trim() === '';
    grow();
    typing(conversation, text !== '' && !text.startsWith('/'));
  }

  async function send(): Promise<void> {
    const text = field.current!.value.replace(/\s+$/u, '');
    if (text.trim() === '') return;
    set('');
    typing(conversation, false);
    refusal.value = (await submit(conversation, text)) ?? '';
    if (refusal.value !== '' && field.current?.value === '') set(text);
  }

  function complete(event: KeyboardEvent): void {
    const element = field.current!;
    const before = element.value.slice(0, element.selectionStart);
    let state = completing.current;
    if (state === undefined || state.end !== element.selectionStart) {
      const { start, matches } = completions(
        before,
        Array.from(conversation.members.values(), (member) => member.nick),
      );
      if (matches.length === 0) return;
      state = { start, matches, at: -1, end: element.selectionStart };
    }
    event.preventDefault();
    state.at = (state.at + 1) % state.matches.length;
    const word = `${state.matches[state.at]!}${state.start === 0 ? ': ' : ' '}`;
    const rest = element.value.slice(state.end);
    set(element.value.slice(0, state.start) + word + rest);
    state.end = state.start + word.length;
    element.setSelectionRange(state.end, state.end);
    completing.current = state;
  }

  function key(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      void send();
    } else if (event.key === 'Tab' && !event.shiftKey) complete(event);
  }

  const writers = Array.from(conversation.typing.values(), ({ nick }) => inLine(nick));
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <p class="typing muted small" aria-live="off" data-testid="typing">
        {writers.length > 0 &&
          (writers.length > 3 ? 'Several people are typing …' : `${writers.join(', ')} ${writers.length === 1 ? 'is' : 'are'} typing …`)}
      </p>
      <p class="failure small" role="alert" data-testid="refusal">
        {refusal.value}
      </p>
      <div class="field">
        <textarea
          id="composer"
          ref={field}
          rows={1}
          aria-label={`Write to ${conversation.title}`}
          placeholder={`Write to ${conversation.title}`}
          defaultValue={conversation.draft}
          onInput={typed}
          onKeyDown={key}
          maxLength={16_384}
          enterkeyhint="send"
          data-testid="composer"
        />
        <button type="button" class="icon-button" aria-label="Commands" title="Commands" onClick={() => showDialog({ name: 'help' })}>
          <Icon name="help" />
        </button>
        <button type="submit" class="icon-button send" aria-label="Send" disabled={empty.value} data-testid="send">
          <Icon name="send" />
        </button>
      </div>
    </form>
  );
}
