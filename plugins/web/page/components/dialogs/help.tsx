import type { JSX } from 'preact';
import { help } from '../../commands.ts';
import { shortcuts } from '../../shortcuts.ts';
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
      <h3>Keys</h3>
      <dl class="help">
        {shortcuts.map(([keys, meaning]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Frame>
  );
}
