/** People at the page in Debian's Chromium, and others in the same rooms. */
import { expect } from 'chai';
import { once } from 'node:events';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { WebSocket } from 'ws';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { launchBrowser } from '../support/browser.ts';
import { connectNative, nativeGuest, type NativeClient } from '../support/native-client.ts';
import { eventually } from '../support/wait.ts';
import { focusedHook } from './in-page.ts';

export interface Visitors {
  readonly banyan: Banyan;
  /** A window of its own, with nothing kept. */
  readonly open: (options?: BrowserContextOptions, address?: string) => Promise<Page>;
  /** A guest at the page, in that room. */
  readonly visit: (nick: string, room: string, options?: BrowserContextOptions) => Promise<Page>;
  /** A guest by the native protocol. */
  readonly guest: (nick: string, room: string) => Promise<NativeClient>;
  /** People who enter and do not listen, which would cost more than all else here. */
  readonly gather: (count: number, room: string) => Promise<void>;
}

/** By the hook for tests. */
export const by = (page: Page, id: string): Locator => page.getByTestId(id);
export const messages = (page: Page, text?: string): Locator => by(page, 'message').filter(text === undefined ? {} : { hasText: text });
export const roomItem = (page: Page, name: string): Locator => page.locator(`[data-testid=room][data-name="${name}"]`);
/** What is said in the open conversation. */
export const texts = (page: Page): Promise<string[]> => by(page, 'said').allTextContents();
/** The hook of what has the focus. */
export const focused = (page: Page): Promise<string | null> => page.evaluate(focusedHook);

export async function say(page: Page, text: string): Promise<void> {
  await by(page, 'composer').fill(text);
  await by(page, 'composer').press('Enter');
}

/** Gives the suite that calls it a server and a browser; after every test all have left, and no page has complained. */
export function visitors(): Visitors {
  let banyan: Banyan;
  let browser: Browser;
  const clients: NativeClient[] = [];
  const pages: Page[] = [];
  const crowd: WebSocket[] = [];
  /** What pages complained about; a broken connection is told on the console by the browser itself. */
  const complaints: string[] = [];

  before(async () => {
    banyan = await startBanyan({
      settings: 'title = "Test Community"',
      tables: [
        '[limits]\nguests_per_address = 2000\nconnections_per_address = 2000\nstrangers_per_address = 2000\nfailed_logins = 100',
        '[plugins.web]\nframes_per_second = 5000\nframes_at_once = 10000\nstrangers_per_address = 2000\nlinger_seconds = 0',
        '[[rooms]]\nname = "lounge"\ntopic = "Come in"',
      ],
    });
    browser = await launchBrowser();
  });
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.context().close();
    for (const client of clients.splice(0)) client.drop();
    for (const socket of crowd.splice(0)) socket.terminate();
    await everybodyGone();
    expect(complaints.splice(0)).to.deep.equal([]);
  });
  after(async () => {
    await browser?.close();
    await banyan?.stop();
  });

  async function open(options: BrowserContextOptions = {}, address = banyan.page): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options });
    const page = await context.newPage();
    pages.push(page);
    page.on('console', (message) => {
      if (message.type() === 'error' && !/WebSocket connection to .* failed/.test(message.text())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(address);
    return page;
  }

  async function visit(nick: string, room: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await open(options, `${banyan.page}#${room}`);
    await by(page, 'name').fill(nick);
    await by(page, 'enter').click();
    await roomItem(page, room).and(page.locator('[aria-current]')).waitFor({ state: 'attached' });
    await by(page, 'composer').waitFor();
    return page;
  }

  async function guest(nick: string, room: string): Promise<NativeClient> {
    const client = await nativeGuest(banyan.port('web'), nick, room);
    clients.push(client);
    return client;
  }

  async function gather(count: number, room: string): Promise<void> {
    for (let at = 0; at < count; at += 50)
      await Promise.all(
        Array.from({ length: 50 }, async (_, i) => {
          const socket = new WebSocket(`ws://127.0.0.1:${banyan.port('web')}/socket`, 'banyan.v1');
          crowd.push(socket);
          await once(socket, 'open');
          socket.send(JSON.stringify({ type: 'guest', nick: `member${at + i}` }));
          socket.send(JSON.stringify({ type: 'join', room }));
          socket.pause();
        }),
      );
  }

  /** The next test uses the same names. */
  async function everybodyGone(): Promise<void> {
    const watcher = await connectNative(banyan.port('web'));
    await watcher.must({ type: 'guest', nick: 'watcher' });
    for (const user of ['ann', 'anna', 'bob', 'bobby', 'speaker'])
      await eventually(`${user} to be gone`, async () => (await watcher.ask({ type: 'who', user }))['code'] === 'no-such-user');
    await watcher.stop();
  }

  return {
    get banyan() {
      return banyan;
    },
    open,
    visit,
    guest,
    gather,
  };
}
