/** A real Prosody that is cut off and stopped: nothing is lost, nothing comes twice without its mark, and the dead are noticed. */
import { expect } from 'chai';
import type { Element } from 'ltx';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { nativeGuest } from '../support/native-client.ts';
import { eventually } from '../support/wait.ts';
import { statusCodes, xml, type XmppClient } from '../support/xmpp-client.ts';
import { addressOf, chief, login, lounge, startPair } from './xmpp-pair.ts';

/** A TCP proxy that can be cut. */
class Wire {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #target = 0;

  constructor() {
    this.#server = createServer((near) => {
      const far = connect(this.#target, '127.0.0.1');
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one);
        one.pipe(other);
        one.on('error', () => other.destroy()).on('close', () => this.#sockets.delete(one));
      }
    });
  }

  async listen(target: number): Promise<number> {
    this.#target = target;
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the wire has no port');
    return address.port;
  }
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }
  close(): void {
    this.cut();
    this.#server.close();
  }
}

const said = (client: XmppClient): Element[] =>
  client.stanzas.filter((stanza) => stanza.is('message') && stanza.attrs.type === 'groupchat' && stanza.getChild('body') !== undefined);

describe('a real Prosody that breaks', function () {
  this.timeout(90_000);

  it('acknowledges, and is acknowledged: whatever is cut arrives, in order, twice only with its mark', async () => {
    const wire = new Wire();
    const pair = await startPair({ mode: 'external', between: (port) => wire.listen(port) });
    try {
      const web = await nativeGuest(pair.banyan.port('web'), 'wanda');
      const alice = await login(pair, 'alice');
      await alice.join(lounge, 'Alice');
      const { output } = await pair.banyan.command(['link', 'show', 'rooms.banyan.example > prosody.example']);
      expect(output).to.match(/acknowledged\s+yes/);
      // The other direction: Prosody asks for acknowledgements of what it sends, and gets them.
      await alice.say(lounge, 'from there');
      await web.expectItem('the message', (item) => item['text'] === 'from there');
      await eventually('Prosody to be acknowledged', async () => /#queue = 0 \(acked: [1-9]/.test(await pair.prosody.log()));
      const lines = Array.from({ length: 200 }, (_, index) => `line ${index}`);
      for (const [index, line] of lines.entries()) {
        await web.must({ type: 'say', room: 'lounge', text: line });
        if (index % 40 === 20) wire.cut();
      }
      await eventually('the last line', () => said(alice).some((stanza) => stanza.getChildText('body') === lines.at(-1)), 30_000);
      const heard = said(alice).filter((stanza) => stanza.getChildText('body')?.startsWith('line ') === true);
      const first = [...new Set(heard.map((stanza) => stanza.getChildText('body')))];
      expect(first).to.deep.equal(lines);
      const counted = new Set<string | null>();
      for (const stanza of heard) {
        const body = stanza.getChildText('body');
        if (counted.has(body)) expect(stanza.getChildText('delay'), String(stanza)).to.equal('sent again');
        counted.add(body);
      }
      await alice.stop();
      await web.stop();
    } finally {
      await pair.stop();
      wire.close();
    }
  });

  it('is missed when it stands still and only answers pings, and comes back right afterwards', async () => {
    const pair = await startPair({ mode: 'dialback', settings: 'ping_seconds = 1\nping_timeout_seconds = 5\nqueue_seconds = 5' });
    try {
      const web = await nativeGuest(pair.banyan.port('web'), 'observer');
      const amy = await login(pair, 'amy');
      await amy.join(lounge, 'Amy');
      const address = await addressOf(web, 'Amy');
      const moved = (kind: string) => (item: Readonly<Record<string, unknown>>) =>
        item['kind'] === kind && JSON.stringify(item).includes(address);
      pair.prosody.suspend();
      await web.expectItem('Amy to be gone', moved('left'), { within: 30_000 });
      const since = web.items.length;
      pair.prosody.resume();
      // Whoever thinks to be inside learns that it is not, and enters again.
      await eventually(
        'Amy to learn that she is outside',
        async () => {
          const ping = await amy.ask(`${lounge}/Amy`, 'get', xml('ping', { xmlns: 'urn:xmpp:ping' }));
          return ping.getChild('error')?.getChild('not-acceptable') !== undefined;
        },
        30_000,
      );
      expect(statusCodes(await amy.join(lounge, 'Amy'))).to.include('110');
      await web.expectItem('Amy', moved('joined'), { since });
      await web.must({ type: 'say', room: 'lounge', text: 'welcome back' });
      await amy.expect('the message', (stanza) => stanza.getChildText('body') === 'welcome back');
      await amy.stop();
      await web.stop();
    } finally {
      pair.prosody.resume();
      await pair.stop();
    }
  });

  it('loses nothing while it stands still, where it acknowledges: not what was written to it, nor what was said meanwhile', async () => {
    const settings = 'ping_seconds = 1\nping_timeout_seconds = 3\nqueue_seconds = 120';
    const pair = await startPair({ mode: 'external', settings });
    try {
      const web = await nativeGuest(pair.banyan.port('web'), 'wanda');
      const amy = await login(pair, 'amy');
      await amy.join(lounge, 'Amy');
      const link = async (): Promise<string> =>
        (await pair.banyan.command(['link', 'show', 'rooms.banyan.example > prosody.example'])).output;
      await web.must({ type: 'say', room: 'lounge', text: 'line before' });
      await amy.expect('it', (stanza) => stanza.getChildText('body') === 'line before');
      expect(await link()).to.match(/acknowledged\s+yes/);
      pair.prosody.suspend();
      const lines = Array.from({ length: 150 }, (_, index) => `line ${index}`);
      for (const text of lines.slice(0, 75)) await web.must({ type: 'say', room: 'lounge', text });
      await eventually('the stream to be given up', async () => !/state\s+up/.test(await link()), 30_000);
      for (const text of lines.slice(75)) await web.must({ type: 'say', room: 'lounge', text });
      pair.prosody.resume();
      await eventually('the last line', () => said(amy).some((stanza) => stanza.getChildText('body') === lines.at(-1)), 60_000);
      const heard = said(amy).filter((stanza) => /^line \d/.test(stanza.getChildText('body') ?? ''));
      expect([...new Set(heard.map((stanza) => stanza.getChildText('body')))]).to.deep.equal(lines);
      const seen = new Set<string | null>();
      for (const stanza of heard) {
        const body = stanza.getChildText('body');
        if (seen.has(body)) expect(stanza.getChildText('delay'), String(stanza)).to.equal('sent again');
        seen.add(body);
      }
      await amy.stop();
      await web.stop();
    } finally {
      pair.prosody.resume();
      await pair.stop();
    }
  });

  it('acknowledges nothing on streams that dialback proved: it offers that before the proof, to nobody', async () => {
    const pair = await startPair({ mode: 'dialback' });
    try {
      const web = await nativeGuest(pair.banyan.port('web'), 'wanda');
      const amy = await login(pair, 'amy');
      await amy.join(lounge, 'Amy');
      await web.must({ type: 'say', room: 'lounge', text: 'hello' });
      await amy.expect('it', (stanza) => stanza.getChildText('body') === 'hello');
      const { output } = await pair.banyan.command(['link', 'show', 'rooms.banyan.example > prosody.example']);
      expect(output)
        .to.match(/acknowledged\s+no/)
        .and.match(/state\s+up/);
      await amy.stop();
      await web.stop();
    } finally {
      await pair.stop();
    }
  });

  it('takes a history of a thousand large messages, whole up to the limit, while people talk', async () => {
    const pair = await startPair({ mode: 'dialback' });
    try {
      const web = await nativeGuest(pair.banyan.port('web'), 'wanda');
      const alice = await login(pair, 'alice');
      await alice.join(lounge, 'Alice');
      const filling = 'x'.repeat(900);
      for (let index = 0; index < 1_000; index++) await alice.say(lounge, `large ${index} ${filling}`);
      const isLarge = (stanza: Element): boolean => stanza.getChildText('body')?.startsWith('large ') === true;
      await eventually('all of them', () => said(alice).filter(isLarge).length === 1_000, 60_000);
      const amy = await login(pair, 'amy');
      const entering = amy.join(lounge, 'Amy', { history: { maxstanzas: '1000' } });
      await web.must({ type: 'say', room: 'lounge', text: 'talk goes on' });
      await entering;
      await amy.expect('the subject behind the history', (stanza) => stanza.is('message') && stanza.getChild('subject') !== undefined, {
        within: 60_000,
      });
      await amy.expect('the talk', (stanza) => stanza.getChildText('body') === 'talk goes on', { within: 30_000 });
      const history = said(amy).filter((stanza) => isLarge(stanza) && stanza.getChild('delay') !== undefined);
      const numbers = history.map((stanza) => Number(stanza.getChildText('body')!.split(' ')[1]));
      // The newest, in order, without a gap; a history is at most 1 MiB.
      expect(numbers.at(-1)).to.equal(999);
      expect(numbers).to.deep.equal(Array.from(numbers, (_, index) => numbers[0]! + index));
      expect(numbers.length).to.be.greaterThan(600);
      await Promise.all([alice.stop(), amy.stop(), web.stop()]);
    } finally {
      await pair.stop();
    }
  });

  it('gets private messages written while it was away, in order, once, although Banyan was killed in between', async () => {
    const pair = await startPair({ mode: 'external' });
    try {
      const owner = await chief(pair);
      const write = async (text: string): Promise<unknown> => await owner.must({ type: 'private', to: 'xmpp:alice@prosody.example', text });
      const alice = await login(pair, 'alice');
      await write('before');
      const heard = (client: XmppClient): (string | null)[] =>
        client.stanzas
          .filter((stanza) => stanza.is('message') && stanza.getChild('body') !== undefined)
          .map((stanza) => stanza.getChildText('body'));
      await eventually('the first message', () => heard(alice).includes('before'));
      await pair.prosody.kill9();
      const waiting = Array.from({ length: 10 }, (_, index) => `waits ${index}`);
      for (const text of waiting) await write(text);
      await pair.banyan.kill9();
      await pair.prosody.start();
      const back = await login(pair, 'alice');
      await pair.banyan.start();
      const again = await chief(pair);
      await again.must({ type: 'private', to: 'xmpp:alice@prosody.example', text: 'after' });
      await eventually('the last message', () => heard(back).includes('after'), 30_000);
      expect(heard(back).filter((text) => text !== 'before')).to.deep.equal([...waiting, 'after']);
      await back.stop();
      await again.stop();
    } finally {
      await pair.stop();
    }
  });
});
