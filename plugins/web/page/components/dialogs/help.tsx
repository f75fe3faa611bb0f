import type { JSX } from 'preact';
import { help } from '../../commands.ts';
import { Frame } from './frame.tsx';

export function HelpDialog(): JSX.Element {
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
