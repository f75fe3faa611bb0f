/** The peers themselves, without Banyan: what later tests build on must work first. */
import { expect } from 'chai';
import { connectIrc, type IrcClient } from '../support/irc-client.ts';
import { startInspircd, type Inspircd } from '../support/inspircd.ts';
import { startProsody, type Prosody } from '../support/prosody.ts';
import { connectXmpp, xml, type XmppClient } from '../support/xmpp-client.ts';
import { launchBrowser } from '../support/browser.ts';

describe('the peers that tests talk to', function () {
  this.timeout(60_000);

  it('InspIRCd starts, two clients meet, it stops and starts again on the same ports', async () => {
    const server: Inspircd = await startInspircd();
    try {
      const [anna, bert] = await Promise.all([
        connectIrc({ port: server.port, nick: 'anna' }),
        connectIrc({ port: server.port, nick: 'bert' }),
      ]);
      await anna.join('#lounge');
      expect(await bert.join('#lounge')).to.have.members(['@anna', 'bert']);
      bert.send('PRIVMSG #lounge :hello anna');
      const line = await anna.expect('the message', (each) => each.command === 'PRIVMSG');
      expect([line.nick, ...line.params]).to.deep.equal(['bert', '#lounge', 'hello anna']);
      await server.halt();
      await Promise.all([anna.closed, bert.closed]);
      await server.start();
      const again: IrcClient = await connectIrc({ port: server.port, nick: 'anna' });
      await again.quit();
    } finally {
      await server.stop();
    }
  });

  it('Prosody starts, two users meet in one of its rooms', async () => {
    const server: Prosody = await startProsody({ users: ['amy'], mode: 'external' });
    try {
      const login = (user: string): Promise<XmppClient> => connectXmpp({ service: server.websocket, domain: server.domain, user });
      const [alice, amy] = await Promise.all([login('alice'), login('amy')]);
      const room = `lobby@${server.roomDomain}`;
      await alice.join(room, 'Alice');
      await amy.join(room, 'Amy');
      await amy.say(room, 'hello');
      await alice.expect('the message', (stanza) => stanza.getChildText('body') === 'hello' && stanza.attrs.from === `${room}/Amy`);
      const answer = await alice.ask(server.domain, 'get', xml('query', { xmlns: 'http://jabber.org/protocol/disco#info' }));
      expect(answer.attrs.type).to.equal('result');
      await amy.leave(room, 'Amy');
      await Promise.all([alice.stop(), amy.stop()]);
    } finally {
      await server.stop();
    }
  });

  it('Chromium opens a page', async () => {
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      await page.setContent('<title>there</title>');
      expect(await page.title()).to.equal('there');
    } finally {
      await browser.close();
    }
  });
});
