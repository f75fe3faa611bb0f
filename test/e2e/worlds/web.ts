import type { Page } from 'playwright-core';
import { eventually, sleep } from '../../support/wait.ts';
import { Notebook, type Person, type Seen, type World } from './world.ts';

export interface WebWorldOptions {
  /** Address of the page. */
  readonly url: string;
  readonly nick: string;
  /** Name of the room, without #. */
  readonly room: string;
}

/** One thing drawn in a conversation. */
interface Drawn {
  readonly id: string;
  readonly seen: Seen | undefined;
}

const lookEvery = 40;

/** Somebody with a browser. Everything is done and seen on the page itself, as a person does and sees it. */
export async function webWorld(person: Person, page: Page, options: WebWorldOptions): Promise<World> {
  const notebook = new Notebook();
  const ids = new Set<string>();
  const by = (id: string) => page.getByTestId(id);
  const room = page.locator(`[data-testid=room][data-name="${options.room}"]`);
  let stopped = false;
  /** Acts and looks happen one after the other: a person has one pair of hands. */
  let hands: Promise<unknown> = Promise.resolve();
  const alone = <T>(act: () => Promise<T>): Promise<T> => {
    const done = hands.then(act, act);
    hands = done.catch(() => undefined);
    return done;
  };

  await page.goto(options.url);
  await by('name').fill(options.nick);
  await by('enter').click();
  await by('composer').waitFor();
  notebook.know(options.nick, person);

  /** What is drawn in the open conversation that was not there at the last look. */
  async function look(inRoom: boolean): Promise<void> {
    const drawn = await page.evaluate(readConversation, inRoom);
    const counted = new Map<string, number>();
    for (const { id, seen } of drawn) {
      const times = (counted.get(id) ?? 0) + 1;
      counted.set(id, times);
      // Drawn twice at once is seen twice.
      if (times === 1 && ids.has(id)) continue;
      ids.add(id);
      if (seen !== undefined) notebook.see(seen);
    }
  }

  async function watch(): Promise<void> {
    while (!stopped) {
      await alone(async () => {
        if (stopped) return;
        await lookAround();
      }).catch(() => undefined);
      await sleep(lookEvery);
    }
  }

  async function lookAround(): Promise<void> {
    if ((await room.getAttribute('aria-current')) !== null) await look(true);
    const unread = page.locator('[data-testid=person]:not([data-unread="0"])');
    for (let left = await unread.count(); left > 0; left -= 1) {
      await unread.first().click();
      await by('messages').waitFor();
      await look(false);
      await room.click();
      await look(true);
    }
  }

  const watching = watch();

  async function type(text: string): Promise<void> {
    await by('composer').fill(text);
    await by('composer').press('Enter');
  }

  /** Types, and waits until it is in the room with its number. */
  async function sayAndSee(line: string, shown: string): Promise<void> {
    await alone(async () => {
      await type(line);
      await page.locator('[data-testid=message][data-own=true]', { hasText: shown }).last().waitFor();
      await look(true);
    });
  }

  async function openMember(whom: Person): Promise<void> {
    await page.locator(`[data-testid=member][data-nick=${JSON.stringify(notebook.nameOf(whom))}]`).click();
    await by('dialog').waitFor();
  }

  async function remove(whom: Person, reason: string, button: 'kick' | 'ban'): Promise<void> {
    await alone(async () => {
      await openMember(whom);
      await by('reason').fill(reason);
      await by(button).click();
      await by('dialog').waitFor({ state: 'detached' });
    });
  }

  return {
    person,
    get observed() {
      return notebook.observed;
    },
    say: (text) => sayAndSee(text, text),
    mutter: (text) => alone(() => type(text)),
    act: (text) => sayAndSee(`/me ${text}`, text),
    async privateTo(whom, text) {
      await alone(async () => {
        await openMember(whom);
        await by('write-privately').click();
        await by('dialog').waitFor({ state: 'detached' });
        await type(text);
        await page.locator('[data-testid=message][data-own=true]', { hasText: text }).waitFor();
        await room.click();
      });
    },
    async nick(nick) {
      await alone(async () => {
        await by('you').click();
        await by('nick-field').fill(nick);
        await by('save-you').click();
        await by('dialog').waitFor({ state: 'detached' });
        await page.locator('[data-testid=own-nick]', { hasText: nick }).waitFor();
      });
      notebook.know(nick, person);
    },
    async topic(text) {
      await alone(async () => {
        await by('edit-room').click();
        await by('topic-field').fill(text);
        await by('save-topic').click();
        await by('dialog').waitFor({ state: 'detached' });
      });
    },
    kick: (whom, reason) => remove(whom, reason, 'kick'),
    ban: (whom, reason) => remove(whom, reason, 'ban'),
    async unban() {
      await alone(async () => {
        await by('edit-room').click();
        await by('lift').first().click();
        await by('lift').waitFor({ state: 'detached' });
        await page.keyboard.press('Escape');
        await by('dialog').waitFor({ state: 'detached' });
      });
    },
    async leave() {
      await alone(async () => {
        await by('leave').click();
        await room.waitFor({ state: 'detached' });
      });
    },
    async return() {
      await alone(async () => {
        await eventually('to be let in', async () => {
          if (await by('rejoin').isVisible()) await by('rejoin').click();
          else {
            await by('join-room').click();
            await by('room-name').fill(options.room);
            await by('join').click();
          }
          await by('composer').waitFor({ timeout: 2_000 });
          return true;
        });
      });
    },
    async reconnect() {
      await page.locator('[data-testid=link][data-state=open]').waitFor({ state: 'attached', timeout: 30_000 });
      await eventually('the members', async () => (await page.getByTestId('member').count()) > 0);
    },
    members: () =>
      alone(async () => {
        await room.click();
        await look(true);
        const names = await page
          .getByTestId('member')
          .evaluateAll((rows: readonly ElementLike[]) => rows.map((row) => row.getAttribute('data-nick') ?? ''));
        return names.map((name) => notebook.who(name));
      }),
    async stop() {
      stopped = true;
      await watching;
      await page.context().close();
    },
  };
}

interface ElementLike {
  getAttribute(name: string): string | null;
  readonly textContent: string | null;
  querySelector(selector: string): ElementLike | null;
}

/** Runs in the page. */
function readConversation(inRoom: boolean): Drawn[] {
  const { document } = globalThis as unknown as { document: { querySelectorAll(selector: string): Iterable<ElementLike> } };
  const drawn: Drawn[] = [];
  for (const element of document.querySelectorAll('[data-testid=message][data-id], [data-testid=line] [data-id]')) {
    const get = (name: string): string => element.getAttribute(`data-${name}`) ?? '';
    const id = get('id');
    let seen: Seen | undefined;
    switch (get('testid') === 'message' ? 'message' : get('what')) {
      case 'message': {
        const text = element.querySelector('[data-testid=said]')?.textContent ?? '';
        if (inRoom) seen = { kind: get('style') === 'action' ? 'action' : 'message', from: get('author'), text };
        else if (get('own') !== 'true') seen = { kind: 'private', from: get('author'), text };
        break;
      }
      case 'topic':
        seen = { kind: 'topic', from: get('by'), text: get('whom') };
        break;
      case 'kick':
        seen = { kind: 'removed', from: get('by'), who: get('whom') };
        break;
      case 'came':
        seen = { kind: 'joined', who: get('by') };
        break;
      case 'went':
        seen = { kind: 'left', who: get('by') };
        break;
      case 'renamed':
        seen = { kind: 'nick', from: get('by'), to: get('whom') };
        break;
      default:
        break;
    }
    drawn.push({ id, seen });
  }
  return drawn;
}
