/** Federation with a real Prosody: the ways to meet, and what becomes of rooms when a server is killed. */
import { expect } from 'chai';
import { startInspircd } from '../support/inspircd.ts';
import { connectIrc } from '../support/irc-client.ts';
import { linkTable } from '../support/irc-link-table.ts';
import { nativeGuest } from '../support/native-client.ts';
import { eventually } from '../support/wait.ts';
import { statusCodes, xml } from '../support/xmpp-client.ts';
import { addressOf, chief, domain, login, lounge, startPair } from './xmpp-pair.ts';

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

  it('gives people of a linked IRC network addresses, from which they answer', async () => {
    const inspircd = await startInspircd();
    const pair = await startPair({ mode: 'dialback', tables: [linkTable(inspircd)] });
    try {
      const irc = await connectIrc({ port: inspircd.port, nick: '[Ira]\\5c' });
      await irc.join('#lounge');
      const alice = await login(pair, 'alice');
      await alice.join(lounge, 'Alice');
      await irc.expect('Alice', (line) => line.command === 'JOIN' && line.nick === 'Alice');
      irc.send('PRIVMSG Alice :from the network');
      const greeting = await alice.expect('the message', (stanza) => stanza.getChildText('body') === 'from the network');
      const from = String(greeting.attrs.from);
      expect(from).to.match(/^\S+%testnet@users\.banyan\.example$/);
      await alice.message(from, 'to the network');
      const heard = await irc.expect('the message', (line) => line.command === 'PRIVMSG' && line.params[1] === 'to the network');
      expect([heard.nick, heard.params[0]]).to.deep.equal(['Alice', irc.nick]);
      irc.send('PRIVMSG Alice :and back');
      const answer = await alice.expect('the answer', (stanza) => stanza.getChildText('body') === 'and back');
      expect(answer.attrs.from).to.equal(from);
      await alice.message(`nobody%testnet@users.${domain}`, 'is there anybody?');
      await alice.expect(
        'the error',
        (stanza) => stanza.is('message') && stanza.attrs.type === 'error' && String(stanza.attrs.from).startsWith('nobody%'),
      );
      await alice.stop();
      await irc.quit();
    } finally {
      await pair.stop();
      await inspircd.stop();
    }
  });

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
    const pair = await startPair({ mode: 'external', settings: 'queue_seconds = 2' });
    try {
      const web = await nativeGuest(pair.banyan.port('web'), 'wanda');
      const [alice, amy] = [await login(pair, 'alice'), await login(pair, 'amy')];
      await alice.join(lounge, 'Alice');
      await amy.join(lounge, 'Amy');
      const addresses = [await addressOf(web, 'Alice'), await addressOf(web, 'Amy')];
      await pair.prosody.kill9();
      for (const address of addresses)
        await web.expectItem(`${address} to be gone`, (item) => item['kind'] === 'left' && JSON.stringify(item).includes(address));
      const since = web.items.length;
      await pair.prosody.start();
      const back = await login(pair, 'alice');
      const own = await back.join(lounge, 'Alice');
      expect(statusCodes(own)).to.include('110');
      await web.expectItem('Alice', (item) => item['kind'] === 'joined' && JSON.stringify(item).includes(addresses[0]!), { since });
      await back.stop();
      await web.stop();
    } finally {
      await pair.stop();
    }
  });
});
