/** Federation with a real Prosody: the ways to meet, and what becomes of rooms when a server is killed. */
import { expect } from 'chai';
import { nativeGuest } from '../support/native-client.ts';
import { eventually } from '../support/wait.ts';
import { statusCodes, xml } from '../support/xmpp-client.ts';
import { chief, domain, login, lounge, startPair } from './xmpp-pair.ts';

describe('federation with a real Prosody', function () {
  this.timeout(90_000);

  for (const [what, options] of [
    ['by dialback after STARTTLS', { mode: 'dialback' }],
    ['by certificates after STARTTLS', { mode: 'external' }],
    ['by dialback without TLS', { mode: 'plain' }],
    ['by dialback over TLS from the first byte', { mode: 'dialback', directTls: true }],
    ['by certificates over TLS from the first byte', { mode: 'external', directTls: true }],
    ['by certificates at places that DNS names', { mode: 'external', found: 'dns' }],
    ['by dialback at places that DNS names', { mode: 'dialback', found: 'dns' }],
  ] as const) {
    it(`meets ${what}`, async () => {
      const pair = await startPair(options);
      try {
        const web = await nativeGuest(pair.banyan.port('web'), 'wanda');
        const alice = await login(pair, 'alice');
        await alice.join(lounge, 'Alice').catch(async (error: unknown) => {
          throw new Error(
            `no federation; Banyan says:\n${pair.banyan.output().slice(-3000)}\nProsody says:\n${(await pair.prosody.log()).slice(-5000)}`,
            { cause: error },
          );
        });
        await alice.say(lounge, 'hello from afar');
        await web.expectItem('the message', (item) => item.type === undefined && item['text'] === 'hello from afar');
        await web.must({ type: 'say', room: 'lounge', text: 'hello Alice' });
        await alice.expect(
          'the message',
          (stanza) => stanza.getChildText('body') === 'hello Alice' && stanza.attrs.from === `${lounge}/wanda`,
        );
        const { output } = await pair.banyan.command(['link', 'list']);
        expect(output).to.include(`rooms.${domain} > prosody.example`);
        await alice.stop();
        await web.stop();
      } finally {
        await pair.stop();
      }
    });
  }

  it('brings everybody back after Banyan was killed: errors for who thinks to be inside, and what was missed, once', async () => {
    const pair = await startPair({ mode: 'dialback' });
    try {
      const owner = await chief(pair);
      const alice = await login(pair, 'alice');
      await alice.join(lounge, 'Alice');
      const heard = (): string[] =>
        alice.stanzas
          .filter((stanza) => stanza.is('message') && stanza.attrs.type === 'groupchat' && stanza.getChild('body') !== undefined)
          .map((stanza) => `${stanza.getChildText('body')} ${stanza.getChild('stanza-id')?.attrs.id}`);
      const said: string[] = [];
      const say = async (text: string): Promise<void> => {
        const { id } = await owner.must({ type: 'say', room: 'lounge', text });
        said.push(`${text} ${String(id)}`);
      };
      await say('before');
      await eventually('the message', () => heard().length === 1);
      const since = new Date().toISOString();
      // Speech goes on while the server is killed: whoever is answered has been heard.
      const talking = (async () => {
        for (let index = 0; ; index++) await say(`line ${index}`);
      })().catch(() => undefined);
      await eventually('talk', () => heard().length > 5);
      await pair.banyan.kill9();
      // Whatever had no answer by now never will have one.
      await Promise.race([talking, owner.closed]);
      await pair.banyan.start();
      const again = await chief(pair);
      const { id } = await again.must({ type: 'say', room: 'lounge', text: 'nobody from afar hears this' });
      said.push(`nobody from afar hears this ${String(id)}`);
      const ping = await alice.ask(`${lounge}/Alice`, 'get', xml('ping', { xmlns: 'urn:xmpp:ping' }));
      expect(ping.getChild('error')?.getChild('not-acceptable')).to.not.equal(undefined);
      const lost = await alice.say(lounge, 'am I inside?');
      await alice.expect('that it is not', (stanza) => stanza.attrs.id === lost && stanza.attrs.type === 'error');
      const before = alice.stanzas.length;
      await alice.join(lounge, 'Alice', { history: { since } });
      await alice.expect('the subject', (stanza) => stanza.getChild('subject') !== undefined, { since: before });
      const history = alice.stanzas
        .slice(before)
        .filter((stanza) => stanza.getChild('delay') !== undefined && stanza.getChild('body') !== undefined)
        .map((stanza) => `${stanza.getChildText('body')} ${stanza.getChild('stanza-id')?.attrs.id}`);
      expect(new Set(history).size).to.equal(history.length);
      // Whatever was answered or heard is there: with what was heard before `since`, all of it.
      const all = new Set([...heard()]);
      for (const line of said) expect(all, line).to.include(line);
      for (const line of heard().slice(1)) expect(history).to.include(line);
      await alice.say(lounge, 'back again');
      await again.expectItem('the message', (item) => item['text'] === 'back again');
      await alice.stop();
      await again.stop();
    } finally {
      await pair.stop();
    }
  });

  it('loses who was on a Prosody that was killed, without a word from anybody, and takes them again', async () => {
    const pair = await startPair({ mode: 'external' });
    try {
      const web = await nativeGuest(pair.banyan.port('web'), 'wanda');
      const [alice, amy] = [await login(pair, 'alice'), await login(pair, 'amy')];
      await alice.join(lounge, 'Alice');
      await amy.join(lounge, 'Amy');
      await web.expectItem('Amy', (item) => item['kind'] === 'joined' && JSON.stringify(item).includes('xmpp:amy@'));
      await pair.prosody.kill9();
      for (const name of ['alice', 'amy'])
        await web.expectItem(`${name} to be gone`, (item) => item['kind'] === 'left' && JSON.stringify(item).includes(`xmpp:${name}@`));
      const since = web.items.length;
      await pair.prosody.start();
      const back = await login(pair, 'alice');
      const own = await back.join(lounge, 'Alice');
      expect(statusCodes(own)).to.include('110');
      await web.expectItem('Alice', (item) => item['kind'] === 'joined' && JSON.stringify(item).includes('xmpp:alice@'), { since });
      await back.stop();
      await web.stop();
    } finally {
      await pair.stop();
    }
  });
});
