/** The page in Debian's Chromium, used as people use it. */
import { expect } from 'chai';
import { eventually } from '../support/wait.ts';
import { nicks, paste, recordNotifications, scrolled, scrollTo, type ElementLike } from './in-page.ts';
import { by, messages, roomItem, say, texts, visitors } from './visitors.ts';

describe('the page', function () {
  this.timeout(60_000);
  const here = visitors();
  const { open, visit, guest } = here;

  it('lets a guest in by a name, into the room of the server, with its topic and members', async () => {
    const bob = await guest('bob', 'lounge');
    const page = await open();
    await eventually('the title', async () => (await page.title()) === 'Test Community');
    await by(page, 'name').fill('ann');
    await by(page, 'enter').click();
    await by(page, 'composer').waitFor();
    expect(await by(page, 'title').textContent()).to.equal('#lounge');
    expect(await by(page, 'topic').textContent()).to.equal('Come in');
    await eventually('both members', async () => (await by(page, 'member').evaluateAll(nicks)).join() === 'ann,bob');
    await eventually('the title of the room', async () => (await page.title()) === '#lounge – Test Community');
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
    await here.banyan.account('carl', 'password of carl');
    const page = await open();
    await by(page, 'way-sign-in').click();
    await by(page, 'name').fill('carl');
    await by(page, 'password').fill('password of carl');
    await by(page, 'enter').click();
    await by(page, 'composer').waitFor();
    for (const again of [false, true]) {
      await say(page, '/join spare');
      await roomItem(page, 'spare').and(page.locator('[aria-current]')).waitFor();
      if (again) await roomItem(page, 'lounge').click();
    }
    await say(page, 'before the crash');
    await messages(page, 'before the crash').and(page.locator('[data-number]')).waitFor();
    await here.banyan.kill9();
    await page.locator('[data-testid=link]', { hasText: /broken|again/i }).waitFor();
    await say(page, 'into the void');
    await page.getByText('Not sent').waitFor();
    await here.banyan.start();
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

  it('tells who is typing, and notifies of private messages and mentions only whoever asked for it', async () => {
    const bob = await guest('bob', 'quiet');
    const page = await open({}, `${here.banyan.page}#quiet`);
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
});
