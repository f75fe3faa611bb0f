/** The page: mounts the app and keeps the title of the tab. */
import { effect } from '@preact/signals';
import { render } from 'preact';
import { App } from './components/app.tsx';
import { receive } from './frames.ts';
import { connection, current, unreadTotal, welcome } from './state.ts';
import { theme } from './theme.ts';

const iconLink = document.querySelector<HTMLLinkElement>('link[rel=icon]')!;
const icons = { plain: iconLink.href, unread: iconLink.dataset['unread'] ?? iconLink.href };

effect(() => {
  const name = current.value?.title;
  const server = welcome.value?.title ?? 'Chat';
  const unread = unreadTotal.value;
  iconLink.href = unread > 0 ? icons.unread : icons.plain;
  document.title = `${unread > 0 ? `(${unread}) ` : ''}${name === undefined ? '' : `${name} – `}${server}`;
});
effect(() => {
  if (theme.value === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme.value;
});

connection.start(receive);
render(<App />, document.querySelector('#page')!);
