/** Rooms of other servers on the page, in Debian's Chromium: a real Prosody has them. */
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { login, mucOwner, startPair, type Pair } from '../interop/xmpp-pair.ts';
import { launchBrowser } from '../support/browser.ts';
import { eventually } from '../support/wait.ts';
import { xml } from '../support/xmpp-client.ts';
import { nicks } from './in-page.ts';
import { by, messages, say } from './visitors.ts';

const den = 'den@rooms.prosody.example';

describe('rooms of other servers on the page', function () {
  this.timeout(90_000);
  let pair: Pair;
  let browser: Browser;
  before(async () => {
    [pair, browser] = await Promise.all([startPair({ mode: 'dialback' }), launchBrowser()]);
  });
  after(async () => {
    await browser?.close();
    await pair?.stop();
  });

  it('are joined by their address in the dialog, with a password where they need one, and talk with who is there', async () => {
    const alice = await login(pair, 'alice');
    await alice.join(den, 'Alice');
    const secret = xml('field', { var: 'muc#roomconfig_roomsecret' }, xml('value', {}, 'sesame'));
    const form = xml('field', { var: 'FORM_TYPE' }, xml('value', {}, 'http://jabber.org/protocol/muc#roomconfig'));
    await alice.ask(den, 'set', xml('query', { xmlns: mucOwner }, xml('x', { xmlns: 'jabber:x:data', type: 'submit' }, form, secret)));
    await alice.say(den, 'before you came');

    const page = await browser.newPage();
    await page.goto(pair.banyan.page);
    await by(page, 'name').fill('wanda');
    await by(page, 'enter').click();
    await by(page, 'composer').waitFor();
    await by(page, 'join-room').click();
    await by(page, 'room-name').fill(`xmpp:${den}`);
    await by(page, 'join').click();
    await page.getByText('needs a password').waitFor();
    await page.locator('input[name=key]').fill('sesame');
    await by(page, 'join').click();
    await eventually('the room', async () => (await by(page, 'title').textContent()) === `#${den}`);
    await eventually('both members', async () => (await by(page, 'member').evaluateAll(nicks)).join() === 'Alice,wanda');
    await messages(page, 'before you came').waitFor();
    await say(page, 'hello Alice');
    await alice.expect('it', (stanza) => stanza.attrs.from === `${den}/wanda` && stanza.getChildText('body') === 'hello Alice');
    await alice.say(den, 'hello wanda');
    await messages(page, 'hello wanda').waitFor();
    expect(await messages(page, 'hello Alice').count(), 'once').to.equal(1);
    await page.close();
    await alice.stop();
  });
});
