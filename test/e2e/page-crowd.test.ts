/** The page with very many people and messages, and with people of three worlds. */
import { expect } from 'chai';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '../support/root.ts';
import { eventually } from '../support/wait.ts';
import { countElements, nicks, scrollTo } from './in-page.ts';
import { signInTo, startScene, type Scene } from './scene.ts';
import { by, messages, roomItem, say, texts, visitors } from './visitors.ts';

describe('the page, in company', function () {
  this.timeout(60_000);
  const here = visitors();
  const { open, visit, guest, gather } = here;

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
      await say(page, '/msg raj are you there?');
      await page.getByText('Nobody called "raj" is here.').waitFor();
      await by(page, 'composer').fill('');
      for (const nick of ['lena', 'juliet']) {
        await roomItem(page, 'lounge').click();
        await say(page, `/msg ${nick} a word with ${nick}`);
        await eventually(`the talk with ${nick}`, async () => (await by(page, 'title').textContent()) === nick);
        await messages(page, `a word with ${nick}`).and(page.locator('[data-number]')).waitFor();
      }
      await roomItem(page, 'lounge').click();
      await page.locator('[data-testid=member][data-nick=juliet]').click();
      expect(await by(page, 'address').textContent()).to.equal('alice@prosody.example');
      await page.keyboard.press('Escape');
      // A guest's browser is not even sent it.
      const stranger = await open({}, scene.banyan.page);
      const frames: string[] = [];
      stranger.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => frames.push(payload.toString())));
      await stranger.reload();
      await by(stranger, 'name').fill('stranger');
      await by(stranger, 'enter').click();
      await stranger.locator('[data-testid=member][data-nick=juliet]').click();
      await eventually('the answer', () => frames.some((frame) => frame.includes('"realAddress":null')));
      await by(stranger, 'write-privately').waitFor();
      expect(await by(stranger, 'address').count()).to.equal(0);
      expect(frames.join('')).to.include('hidden:').and.not.include('alice@');
    } finally {
      await scene.stop();
    }
  });
});
