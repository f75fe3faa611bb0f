/** What people send to do something to those who read it in a browser. */
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { launchBrowser } from '../support/browser.ts';
import { nativeGuest, type NativeClient } from '../support/native-client.ts';
import { eventually } from '../support/wait.ts';

const title = '</title><script>window.hacked=1</script>Attacked <b>community</b>';
const html = [
  '<img src=x onerror="window.hacked=1">',
  '<script>window.hacked=1</script>',
  '<svg/onload=window.hacked=1>',
  '"><iframe srcdoc="<script>parent.hacked=1</script>">',
  "';window.hacked=1;//",
  '{{constructor.constructor("window.hacked=1")()}}',
  '&lt;b&gt;&#x3c;b&#x3e;',
  '<a href="javascript:window.hacked=1">x</a> javascript:window.hacked=1 JaVaScRiPt://%0awindow.hacked=1',
  '<style>*{display:none}</style><base href="https://evil.example/"><meta http-equiv="refresh" content="0;url=https://evil.example">',
];

describe('A15 the page under attack', function () {
  this.timeout(60_000);
  let banyan: Banyan;
  let browser: Browser;
  let page: Page;
  let attacker: NativeClient;
  const violations: string[] = [];

  before(async () => {
    banyan = await startBanyan({ settings: `title = '${title}'`, tables: ['[limits]\nguests_per_address = 50'] });
    browser = await launchBrowser();
    attacker = await nativeGuest(banyan.port('web'), 'mallory');
    page = await (await browser.newContext()).newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') violations.push(message.text());
    });
    page.on('pageerror', (error) => violations.push(error.message));
    page.on('dialog', (dialog) => violations.push(dialog.message()));
    await page.goto(banyan.page);
    await page.getByTestId('name').fill('ann');
    await page.getByTestId('enter').click();
    await page.getByTestId('composer').waitFor();
  });
  afterEach(async () => {
    expect(await page.evaluate('window.hacked')).to.equal(undefined);
    expect(page.url()).to.match(/^http:\/\/127\.0\.0\.1:\d+\//);
    expect(await page.locator('#page :is(img, iframe, script, style, base, meta, object, embed, form[action])').count()).to.equal(0);
    expect(violations).to.deep.equal([]);
  });
  after(async () => {
    attacker?.drop();
    await browser?.close();
    await banyan?.stop();
  });

  const said = async (): Promise<string[]> => page.getByTestId('said').allTextContents();

  it('shows HTML in messages, actions and private messages as the text that it is', async () => {
    for (const text of html) await attacker.must({ type: 'say', room: 'lounge', text });
    for (const text of html) await attacker.must({ type: 'say', room: 'lounge', text, style: 'action' });
    await eventually('all of it', async () => (await said()).length === html.length * 2);
    expect(await said()).to.deep.equal([...html, ...html]);
    expect(await page.locator('[data-testid=said] b').count()).to.equal(0);
    await attacker.must({ type: 'private', to: 'ann', text: html[0] });
    await page.getByTestId('person').click();
    await eventually('the private message', async () => (await said())[0] === html[0]);
    await page.locator('[data-testid=room][data-name=lounge]').click();
  });

  it('makes links of web addresses only, which say where they lead', async () => {
    const text =
      'https://example.org/"onmouseover="window.hacked=1 javascript:window.hacked=1 data:text/html,x https://example.org/\u202egpj.exe';
    await attacker.must({ type: 'say', room: 'lounge', text });
    await eventually('it', async () => (await said()).at(-1) === text);
    const links = page.getByTestId('message').last().getByRole('link');
    const hrefs = await links.evaluateAll((all: readonly { getAttribute(name: string): string | null }[]) =>
      all.map((a) => a.getAttribute('href')),
    );
    expect(hrefs).to.deep.equal(['https://example.org/', 'https://example.org/']);
    for (const link of await page.getByRole('link').all()) {
      const href = (await link.getAttribute('href')) ?? '';
      if (!href.startsWith('#')) expect(href).to.match(/^https?:\/\//);
      if (!href.startsWith('#'))
        expect(await link.getAttribute('rel'))
          .to.include('noopener')
          .and.include('noreferrer');
    }
  });

  it('lets no text turn the direction of what stands around it', async () => {
    await attacker.must({ type: 'say', room: 'lounge', text: '\u202e\u2066turned around' });
    await eventually('it', async () => (await said()).at(-1)?.includes('turned'));
    const last = page.getByTestId('message').last();
    expect(await last.getByTestId('text').getAttribute('dir')).to.equal('auto');
    expect(await attacker.ask({ type: 'nick', nick: 'mal\u202elory' })).to.include({ code: 'bad-nick' });
    expect(await page.locator('[data-testid=member] .nick > bdi').count()).to.equal(await page.getByTestId('member').count());
  });

  it('shows HTML in topics, reasons, away texts and names of rooms and of the server as text', async () => {
    const evil = html[0]!;
    await attacker.must({ type: 'join', room: 'trap' });
    await page.getByTestId('join-room').click();
    await page.getByTestId('room-name').fill('trap');
    await page.getByTestId('join').click();
    await page.locator('[data-testid=room][data-name=trap][aria-current]').waitFor();
    await attacker.must({ type: 'topic', room: 'trap', topic: evil });
    await attacker.must({ type: 'away', text: evil });
    await eventually('the topic', async () => (await page.getByTestId('topic').textContent()) === evil);
    await page.locator('[data-testid=member][data-nick=mallory]').click();
    await page.getByTestId('dialog').getByText(evil).waitFor();
    await page.keyboard.press('Escape');
    await attacker.must({ type: 'kick', room: 'trap', user: 'ann', reason: evil });
    await page.getByTestId('outside').getByText(evil).waitFor();
    for (const name of ['<b>bold</b>', 'a"b', "a'onclick=x"]) {
      const joined = await attacker.ask({ type: 'join', room: name });
      if (joined['ok'] === true) await attacker.must({ type: 'topic', room: name, topic: evil });
    }
    await page.getByTestId('join-room').click();
    await page.getByTestId('dialog').getByText('#lounge').waitFor();
    await page.keyboard.press('Escape');
    expect(await page.title()).to.include('Attacked <b>community</b>');
    expect(await page.locator('.server').textContent()).to.equal(title);
  });

  it('cannot be framed, and is not moved by addresses made for it', async () => {
    const outside = await (await browser.newContext()).newPage();
    try {
      await outside.setContent(`<iframe src="${banyan.page}"></iframe>`);
      const frame = await eventually('the frame', () => outside.frames().find((each) => each !== outside.mainFrame()));
      await eventually(
        () => `the refusal, at ${frame.url()}`,
        () => frame.url().startsWith('chrome-error:'),
      );
      for (const hash of ['#%', '#<img src=x onerror=window.hacked=1>', '#javascript:window.hacked=1', `#${'x'.repeat(5_000)}`]) {
        await outside.goto(banyan.page + hash);
        await outside.getByTestId('name').waitFor();
        expect(await outside.evaluate('window.hacked')).to.equal(undefined);
      }
    } finally {
      await outside.context().close();
    }
  });
});
