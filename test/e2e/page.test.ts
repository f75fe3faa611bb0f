/** The page in Debian's Chromium, used as people use it. */
import axe, { type AxeResults } from 'axe-core';
import { expect } from 'chai';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { WebSocket } from 'ws';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { launchBrowser } from '../support/browser.ts';
import { connectNative, nativeGuest, type NativeClient } from '../support/native-client.ts';
import { repository } from '../support/root.ts';
import { eventually } from '../support/wait.ts';
import { signInTo, startScene, type Scene } from './scene.ts';

const widths = [390, 820, 1440] as const;
const schemes = ['light', 'dark'] as const;

describe('the page', function () {
  this.timeout(60_000);
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

  const by = (page: Page, id: string) => page.getByTestId(id);
  const messages = (page: Page, text?: string) => by(page, 'message').filter(text === undefined ? {} : { hasText: text });
  const roomItem = (page: Page, name: string) => page.locator(`[data-testid=room][data-name="${name}"]`);

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

  /** A guest at the page, in that room. */
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

  /** People who enter and do not listen, which would cost more than all else here. */
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

  async function say(page: Page, text: string): Promise<void> {
    await by(page, 'composer').fill(text);
    await by(page, 'composer').press('Enter');
  }

  const texts = (page: Page): Promise<string[]> => by(page, 'said').allTextContents();

  it('lets a guest in by a name, into the room of the server, with its topic and members', async () => {
    const bob = await guest('bob', 'lounge');
    const page = await open();
    expect(await page.title()).to.equal('Test Community');
    await by(page, 'name').fill('ann');
    await by(page, 'enter').click();
    await by(page, 'composer').waitFor();
    expect(await by(page, 'title').textContent()).to.equal('#lounge');
    expect(await by(page, 'topic').textContent()).to.equal('Come in');
    await eventually('both members', async () => (await by(page, 'member').evaluateAll(nicks)).join() === 'ann,bob');
    expect(await page.title()).to.equal('#lounge – Test Community');
    await say(page, 'hello bob');
    await bob.expectItem('the greeting', (item) => item['text'] === 'hello bob');
    await bob.must({ type: 'say', room: 'lounge', text: 'hello ann' });
    await messages(page, 'hello ann').waitFor();
    await page.reload();
    await messages(page, 'hello bob').waitFor();
    expect(await by(page, 'own-nick').textContent()).to.equal('ann');
  });

  it('registers, signs in and out; says inline what was wrong; stays signed in over a reload', async () => {
    const page = await open();
    await by(page, 'way-register').click();
    await by(page, 'name').fill('rita');
    await by(page, 'password').fill('password of rita');
    await by(page, 'password-again').fill('something else');
    await by(page, 'enter').click();
    await page.getByText('The two passwords are not the same.').waitFor();
    await by(page, 'password-again').fill('password of rita');
    await by(page, 'enter').click();
    await by(page, 'composer').waitFor();
    await page.reload();
    await by(page, 'composer').waitFor();
    expect(await by(page, 'you').textContent())
      .to.include('rita')
      .and.include('signed in');
    await by(page, 'you').click();
    await by(page, 'sign-out').click();
    await by(page, 'sign-in').waitFor();
    await page.reload();
    await by(page, 'way-sign-in').click();
    await by(page, 'name').fill('rita');
    await by(page, 'password').fill('wrong password');
    await by(page, 'enter').click();
    await eventually('the refusal', async () => (await by(page, 'failure').textContent()) !== '');
    await by(page, 'password').fill('password of rita');
    await by(page, 'enter').click();
    await by(page, 'composer').waitFor();
  });

  it('shows what is said as it is said: messages, actions, links, names, several lines', async () => {
    const page = await visit('ann', 'talk');
    const bob = await guest('bob', 'talk');
    await say(page, '/me waves');
    const wave = await bob.expectItem('the wave', (item) => item['text'] === 'waves');
    expect(wave['style']).to.equal('action');
    await bob.must({ type: 'say', room: 'talk', text: 'dances', style: 'action' });
    await page.locator('[data-testid=message][data-style=action]', { hasText: 'bob dances' }).waitFor();
    await bob.must({ type: 'say', room: 'talk', text: 'ann: see https://example.org/x?y=1.' });
    const link = messages(page, 'ann: see').getByRole('link');
    expect(await link.getAttribute('href')).to.equal('https://example.org/x?y=1');
    expect(await link.getAttribute('rel')).to.include('noopener');
    expect(await messages(page, 'ann: see').locator('mark').textContent()).to.equal('ann');
    await by(page, 'composer').focus();
    await page.evaluate(paste, 'first line\nsecond line');
    await by(page, 'composer').press('Enter');
    const lines = await bob.expectItem('both lines', (item) => String(item['text']).startsWith('first line'));
    expect(lines['text']).to.equal('first line\nsecond line');
    await eventually('four messages, each once', async () => (await texts(page)).length === 4);
  });

  it('goes back in history by scrolling, and stays where one reads while others speak', async () => {
    const bob = await guest('bob', 'archive');
    for (let i = 1; i < 150; i += 1) bob.send({ type: 'say', room: 'archive', text: `line ${i}` });
    await bob.must({ type: 'say', room: 'archive', text: 'line 150' });
    const page = await visit('ann', 'archive');
    await messages(page, 'line 150').waitFor();
    expect(await messages(page).count()).to.be.below(100);
    await eventually('the first line', async () => {
      await by(page, 'messages').evaluate(scrollTo, 0);
      return (await texts(page))[0] === 'line 1';
    });
    expect(await texts(page)).to.deep.equal(Array.from({ length: 150 }, (_, at) => `line ${at + 1}`));
    await by(page, 'messages').evaluate(scrollTo, 1_000);
    const before = await by(page, 'messages').evaluate(scrolled);
    await bob.must({ type: 'say', room: 'archive', text: 'said meanwhile' });
    await eventually('the message', async () => (await texts(page)).at(-1) === 'said meanwhile');
    expect(await by(page, 'messages').evaluate(scrolled)).to.equal(before);
    await by(page, 'to-end').click();
    await messages(page, 'said meanwhile').waitFor();
    await by(page, 'to-end').waitFor({ state: 'detached' });
  });

  it('counts what is unread, in another room and in private, in the list, the title and the icon', async () => {
    const page = await visit('ann', 'first');
    const bob = await guest('bob', 'second');
    await by(page, 'join-room').click();
    await by(page, 'room-name').fill('second');
    await by(page, 'join').click();
    await bob.must({ type: 'say', room: 'second', text: 'read already' });
    await messages(page, 'read already').waitFor();
    await roomItem(page, 'first').click();
    const plain = await page.locator('link[rel=icon]').getAttribute('href');
    for (const text of ['one', 'two']) await bob.must({ type: 'say', room: 'second', text });
    await bob.must({ type: 'private', to: 'ann', text: 'psst' });
    await page.locator('[data-testid=room][data-name=second][data-unread="2"]').waitFor();
    await page.locator('[data-testid=person][data-name=bob][data-unread="1"]').waitFor();
    await eventually('the title', async () => (await page.title()).startsWith('(3) #first'));
    const badges = () => by(page, 'badge').evaluateAll((all: readonly ElementLike[]) => all.map((each) => each.getAttribute('class')));
    expect(await badges()).to.deep.equal(['badge quiet', 'badge']);
    await bob.must({ type: 'say', room: 'second', text: 'ann?' });
    await eventually('the room to call', async () => (await badges()).join() === 'badge,badge');
    expect(await page.locator('link[rel=icon]').getAttribute('href')).not.to.equal(plain);
    await roomItem(page, 'second').click();
    await page.getByText('New', { exact: true }).waitFor();
    await by(page, 'person').click();
    await messages(page, 'psst').waitFor();
    await say(page, 'what is it?');
    await bob.expect('the answer', (frame) => frame.type === 'private' && frame['text'] === 'what is it?');
    await eventually('nothing unread', async () => (await page.title()) === 'bob – Test Community');
    // A conversation keeps what one was about to say.
    await by(page, 'composer').fill('half a thou');
    await roomItem(page, 'first').click();
    expect(await by(page, 'composer').inputValue()).to.equal('');
    await by(page, 'person').click();
    expect(await by(page, 'composer').inputValue()).to.equal('half a thou');
  });

  it('changes nick and topic, and says inline why it cannot', async () => {
    const bob = await guest('bob', 'names');
    const page = await visit('ann', 'names');
    await by(page, 'you').click();
    await by(page, 'nick-field').fill('bob');
    await by(page, 'save-you').click();
    await eventually('the refusal', async () => (await by(page, 'you-failure').textContent())?.includes('bob'));
    await by(page, 'nick-field').fill('anna');
    await by(page, 'save-you').click();
    await by(page, 'dialog').waitFor({ state: 'detached' });
    expect(await by(page, 'own-nick').textContent()).to.equal('anna');
    await page.locator('[data-testid=member][data-nick=anna]').waitFor();
    await bob.must({ type: 'topic', room: 'names', topic: 'What things are called' });
    await eventually('the topic', async () => (await by(page, 'topic').textContent()) === 'What things are called');
    await bob.must({ type: 'grant', room: 'names', user: 'anna', operator: true });
    await by(page, 'edit-room').click();
    await by(page, 'topic-field').fill('Names');
    await by(page, 'save-topic').click();
    await bob.expectItem('the new topic', (item) => item['topic'] === 'Names');
    await by(page, 'dialog').waitFor({ state: 'detached' });
    await say(page, '/nick two words');
    await eventually('the refusal', async () => (await by(page, 'refusal').textContent())?.includes('blank'));
    expect(await by(page, 'composer').inputValue()).to.equal('/nick two words');
  });

  it('comes back by itself after the server was killed, and misses nothing', async () => {
    await banyan.account('carl', 'password of carl');
    const page = await open();
    await by(page, 'way-sign-in').click();
    await by(page, 'name').fill('carl');
    await by(page, 'password').fill('password of carl');
    await by(page, 'enter').click();
    await by(page, 'composer').waitFor();
    await say(page, 'before the crash');
    await messages(page, 'before the crash').and(page.locator('[data-number]')).waitFor();
    await banyan.kill9();
    await page.locator('[data-testid=link]', { hasText: /broken|again/i }).waitFor();
    await say(page, 'into the void');
    await page.getByText('Not sent').waitFor();
    await banyan.start();
    const bob = await guest('bobby', 'lounge');
    for (const text of ['missed one', 'missed two']) await bob.must({ type: 'say', room: 'lounge', text });
    await messages(page, 'missed two').waitFor({ timeout: 30_000 });
    expect(await by(page, 'link').textContent()).to.equal('');
    await page.getByRole('button', { name: 'Send again' }).click();
    await bob.expectItem('what was written meanwhile', (item) => item['text'] === 'into the void');
    await eventually('all of it, each once', async () => {
      const seen = (await texts(page)).filter((text) => /crash|missed|void/.test(text));
      return seen.join() === 'before the crash,missed one,missed two,into the void';
    });
  });

  it('needs no mouse', async () => {
    const bob = await guest('bob', 'keys');
    const page = await open({}, `${banyan.page}#keys`);
    await by(page, 'name').waitFor();
    await page.keyboard.type('ann');
    await page.keyboard.press('Enter');
    await eventually('the composer to have the focus', async () => (await focused(page)) === 'composer');
    await page.keyboard.type('bo');
    await page.keyboard.press('Tab');
    expect(await by(page, 'composer').inputValue()).to.equal('bob: ');
    await page.keyboard.type('hi');
    await page.keyboard.press('Enter');
    await bob.expectItem('the greeting', (item) => item['text'] === 'bob: hi');
    // With nothing to complete, Tab goes on: commands, send (nothing to send), the members.
    await page.keyboard.press('Tab');
    expect(await page.evaluate(focusedName)).to.equal('Commands');
    await page.keyboard.press('Enter');
    await by(page, 'dialog').waitFor();
    for (let i = 0; i < 12; i += 1) {
      await page.keyboard.press('Tab');
      expect(await page.evaluate(outsideOfDialog)).to.equal(false);
    }
    await page.keyboard.press('Escape');
    await by(page, 'dialog').waitFor({ state: 'detached' });
    expect(await page.evaluate(focusedName)).to.equal('Commands');
    await page.keyboard.press('Escape');
    expect(await focused(page)).to.equal('composer');
    await page.keyboard.press('Control+k');
    await by(page, 'room-name').waitFor();
    await eventually('the name to have the focus', async () => (await focused(page)) === 'room-name');
    await page.keyboard.type('other');
    await page.keyboard.press('Enter');
    await roomItem(page, 'other').and(page.locator('[aria-current]')).waitFor();
    await page.keyboard.press('Alt+ArrowUp');
    await roomItem(page, 'keys').and(page.locator('[aria-current]')).waitFor();
    // The first stop of all leads past the lists.
    await page.locator('.skip').focus();
    await page.keyboard.press('Enter');
    expect(await focused(page)).to.equal('composer');
  });

  it('has its lists in drawers on a telephone, with the focus where one looks', async () => {
    await guest('bob', 'pocket');
    const page = await visit('ann', 'pocket', { viewport: { width: 390, height: 844 } });
    expect(await by(page, 'sidebar').isVisible()).to.equal(false);
    await by(page, 'show-rooms').focus();
    await page.keyboard.press('Enter');
    await by(page, 'sidebar').waitFor();
    await eventually('the focus in the drawer', async () => (await focused(page)) === 'room');
    await page.keyboard.press('Escape');
    await by(page, 'sidebar').waitFor({ state: 'hidden' });
    await eventually('the focus where it was', async () => (await focused(page)) === 'show-rooms');
    await by(page, 'show-members').click();
    await page.locator('[data-testid=member][data-nick=bob]').click();
    await by(page, 'write-privately').click();
    await by(page, 'members').waitFor({ state: 'detached' });
    expect(await by(page, 'title').textContent()).to.equal('bob');
    expect(await page.evaluate(overflows)).to.equal(false);
  });

  it('has no accessibility violation that axe knows, at any width, in light and dark', async () => {
    const bob = await guest('bob', 'axe');
    const page = await open({}, `${banyan.page}#axe`);
    const found: string[] = [];
    const everywhere = async (what: string): Promise<void> => {
      await page.evaluate(axe.source);
      for (const width of widths)
        for (const colorScheme of schemes) {
          await page.setViewportSize({ width, height: 900 });
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
          const { violations } = await page.evaluate<AxeResults>('axe.run(document, { resultTypes: ["violations"] })');
          for (const { id, nodes } of violations)
            found.push(
              `${what}, ${width}, ${colorScheme}: ${id}: ${nodes
                .map((node) => node.html)
                .join(' ')
                .slice(0, 300)}`,
            );
          if (await page.evaluate(overflows)) found.push(`${what}, ${width}: wider than the window`);
        }
    };
    await by(page, 'name').waitFor();
    await everywhere('signing in');
    await by(page, 'way-register').click();
    await everywhere('registering');
    await by(page, 'way-guest').click();
    await by(page, 'name').fill('ann');
    await by(page, 'enter').click();
    await by(page, 'composer').waitFor();
    await bob.must({ type: 'grant', room: 'axe', user: 'ann', operator: true });
    await bob.must({ type: 'say', room: 'axe', text: `ann: https://example.org ${'long'.repeat(60)}` });
    await bob.must({ type: 'say', room: 'axe', text: 'acts', style: 'action' });
    await bob.must({ type: 'private', to: 'ann', text: 'psst' });
    await say(page, 'my own words');
    await by(page, 'person').waitFor({ state: 'attached' });
    await everywhere('a room');
    await page.setViewportSize({ width: 1440, height: 900 });
    for (const dialog of ['you', 'edit-room', 'join-room']) {
      await by(page, dialog).click();
      await by(page, 'dialog').waitFor();
      await everywhere(dialog);
      await page.keyboard.press('Escape');
      await by(page, 'dialog').waitFor({ state: 'detached' });
      await page.setViewportSize({ width: 1440, height: 900 });
    }
    await page.locator('[data-testid=member][data-nick=bob]').click();
    await everywhere('a person');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Commands' }).click();
    await everywhere('help');
    await page.keyboard.press('Escape');
    expect(found.join('\n')).to.equal('');
  });

  it('tells who is typing, and notifies of private messages and mentions only whoever asked for it', async () => {
    const bob = await guest('bob', 'quiet');
    const page = await open({}, `${banyan.page}#quiet`);
    await page.addInitScript(recordNotifications);
    await page.reload();
    await by(page, 'name').fill('ann');
    await by(page, 'enter').click();
    await roomItem(page, 'quiet').and(page.locator('[aria-current]')).waitFor();
    await bob.must({ type: 'typing', room: 'quiet', state: 'active' });
    await page.getByText('bob is typing …').waitFor();
    await bob.must({ type: 'say', room: 'quiet', text: 'done' });
    await messages(page, 'done').waitFor();
    expect(await by(page, 'typing').textContent()).to.equal('');
    await by(page, 'composer').fill('hm');
    await bob.expectItem('ann typing', (item) => item['kind'] === 'typing' && item['state'] === 'active');
    await bob.must({ type: 'private', to: 'ann', text: 'not asked for' });
    await by(page, 'person').waitFor();
    await by(page, 'you').click();
    await by(page, 'notify').check();
    await page.keyboard.press('Escape');
    await bob.must({ type: 'private', to: 'ann', text: 'asked for' });
    await bob.must({ type: 'say', room: 'quiet', text: 'ann, seen at once' });
    await bob.must({ type: 'join', room: 'lounge' });
    await bob.must({ type: 'say', room: 'lounge', text: 'nobody is named here' });
    await bob.must({ type: 'say', room: 'lounge', text: 'ann is named here' });
    await eventually('the notifications', async () => {
      const shown = await page.evaluate<string[]>('window.shown');
      return shown.join() === 'bob: asked for,bob in #lounge: ann is named here';
    });
  });

  it('keeps the colours that one chose', async () => {
    const page = await visit('ann', 'colours', { colorScheme: 'light' });
    const ground = (): Promise<string> => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    const light = await ground();
    await by(page, 'you').click();
    await page.getByRole('button', { name: 'Dark' }).click();
    expect(await ground()).not.to.equal(light);
    await page.reload();
    await by(page, 'composer').waitFor();
    expect(await ground()).not.to.equal(light);
  });

  it('moves nothing for those who asked for that', async () => {
    const page = await open({ reducedMotion: 'reduce' });
    await by(page, 'way-register').click();
    await by(page, 'name').fill('stella');
    await by(page, 'password').fill('password of stella');
    await by(page, 'password-again').fill('password of stella');
    await by(page, 'enter').click();
    await by(page, 'notice').waitFor();
    expect(await page.evaluate(animations)).to.equal(0);
  });

  it('draws a bounded number of rows in a room of 1,000 members and 5,000 messages', async () => {
    const speaker = await guest('speaker', 'crowd');
    for (let i = 1; i < 5_000; i += 1) speaker.send({ type: 'say', room: 'crowd', text: `number ${i}` });
    await speaker.must({ type: 'say', room: 'crowd', text: 'number 5000' });
    await gather(1_000, 'crowd');
    const page = await visit('ann', 'crowd');
    await messages(page, 'number 5000').waitFor();
    await eventually('the members', async () => (await by(page, 'members').getAttribute('data-count')) === '1002');
    expect(await by(page, 'member').count()).to.be.at.most(300);
    await by(page, 'find-member').fill('member999');
    await eventually('the one that was looked for', async () => (await by(page, 'member').evaluateAll(nicks)).join() === 'member999');
    await by(page, 'find-member').fill('');
    let read = 5_000;
    let most = 0;
    await eventually(
      () => `older messages than number ${read}`,
      async () => {
        await by(page, 'messages').evaluate(scrollTo, 0);
        read = Number((await texts(page))[0]?.replace('number ', ''));
        most = Math.max(most, await page.evaluate(countElements));
        return read < 4_300;
      },
      30_000,
    );
    expect(most).to.be.below(12_000);
    await by(page, 'to-end').click();
    await messages(page, 'number 5000').waitFor();
    await say(page, 'still quick');
    await speaker.expectItem('the answer', (item) => item['text'] === 'still quick');
    await eventually('it on the page', async () => (await texts(page)).at(-1) === 'still quick');
    expect(await page.evaluate(countElements)).to.be.below(12_000);
  });

  it('shows people of three worlds, each with where they come from', async () => {
    const scene: Scene = await startScene();
    try {
      const page = await open({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' }, scene.banyan.page);
      await signInTo(page, scene);
      await eventually('the groups', async () => {
        const groups = await by(page, 'group').allTextContents();
        return groups.join() === 'Operators1,This server2,GardenNetIRC2,prosody.exampleXMPP1';
      });
      expect(await messages(page, 'firmware').getAttribute('data-from')).to.equal('GardenNet');
      expect(await messages(page, 'on the train').getAttribute('data-from')).to.equal('prosody.example');
      expect(await page.locator('[data-testid=member][data-nick=lena]').textContent()).to.include('away');
      await page.locator('[data-testid=person]').nth(1).waitFor();
      if (process.env['BANYAN_SCREENSHOT'] !== undefined) {
        await mkdir(join(repository, 'docs', 'images'), { recursive: true });
        await page.mouse.move(0, 0);
        await page.screenshot({ path: join(repository, 'docs', 'images', 'web.png') });
      }
    } finally {
      await scene.stop();
    }
  });

  async function focused(page: Page): Promise<string | null> {
    return await page.evaluate(focusedHook);
  }
});

/* What follows runs in the page: the compiler knows no DOM here, so each function names what it uses of it. */

interface ElementLike {
  scrollTop: number;
  readonly scrollWidth: number;
  readonly clientWidth: number;
  readonly textContent: string | null;
  getAttribute(name: string): string | null;
  closest(selector: string): ElementLike | null;
}

interface DocumentLike {
  readonly activeElement: ElementLike | null;
  readonly body: ElementLike;
  readonly documentElement: ElementLike;
  querySelectorAll(selector: string): { readonly length: number };
  getAnimations(): readonly unknown[];
  execCommand(command: string, interface_: boolean, text: string): void;
}

function nicks(rows: readonly ElementLike[]): string[] {
  return rows.map((row) => row.getAttribute('data-nick') ?? '').toSorted((a, b) => (a < b ? -1 : 1));
}

function scrollTo(list: ElementLike, to: number): void {
  list.scrollTop = to;
}

function scrolled(list: ElementLike): number {
  return list.scrollTop;
}

function paste(text: string): void {
  (globalThis as unknown as { document: DocumentLike }).document.execCommand('insertText', false, text);
}

function focusedHook(): string | null {
  return (globalThis as unknown as { document: DocumentLike }).document.activeElement?.getAttribute('data-testid') ?? null;
}

function focusedName(): string | null {
  return (globalThis as unknown as { document: DocumentLike }).document.activeElement?.getAttribute('aria-label') ?? null;
}

/** The browser's own controls are not outside: there the body has the focus. */
function outsideOfDialog(): boolean {
  const { activeElement, body } = (globalThis as unknown as { document: DocumentLike }).document;
  return activeElement !== null && activeElement !== body && activeElement.closest('dialog') === null;
}

function overflows(): boolean {
  const { documentElement } = (globalThis as unknown as { document: DocumentLike }).document;
  return documentElement.scrollWidth > documentElement.clientWidth;
}

function animations(): number {
  return (globalThis as unknown as { document: DocumentLike }).document.getAnimations().length;
}

function countElements(): number {
  return (globalThis as unknown as { document: DocumentLike }).document.querySelectorAll('*').length;
}

/** The browser shows no notifications without a desktop: they are written down instead. */
function recordNotifications(): void {
  const shown: string[] = [];
  class Recorder {
    static readonly permission = 'granted';
    static requestPermission(): Promise<string> {
      return Promise.resolve('granted');
    }
    readonly addEventListener = (): void => undefined;
    constructor(title: string, options: { readonly body: string }) {
      shown.push(`${title}: ${options.body}`);
    }
  }
  Object.assign(globalThis, { shown, Notification: Recorder });
}
