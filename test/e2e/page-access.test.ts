/** The page by the keyboard, on a telephone, and for those who do not see it. */
import axe, { type AxeResults } from 'axe-core';
import { expect } from 'chai';
import { eventually } from '../support/wait.ts';
import { animations, focusedName, outsideOfDialog, overflows } from './in-page.ts';
import { by, focused, roomItem, say, visitors } from './visitors.ts';

const widths = [390, 820, 1440] as const;
const schemes = ['light', 'dark'] as const;

describe('the page, for everybody', function () {
  this.timeout(60_000);
  const here = visitors();
  const { open, visit, guest } = here;

  it('needs no mouse', async () => {
    const bob = await guest('bob', 'keys');
    const page = await open({}, `${here.banyan.page}#keys`);
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
    const page = await open({}, `${here.banyan.page}#axe`);
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
});
