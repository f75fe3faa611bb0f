/** Rooms, and people, for people on a real Prosody (XEP-0045). */
import { expect } from 'chai';
import type { Element } from 'ltx';
import { connectIrc } from '../support/irc-client.ts';
import { nativeGuest, type NativeClient } from '../support/native-client.ts';
import { quiet } from '../support/wait.ts';
import { statusCodes, xml, type XmppClient } from '../support/xmpp-client.ts';
import { addressOf, chief, domain, login, lounge, mucAdmin, mucOwner, mucUser, startPair, type Pair } from './xmpp-pair.ts';

describe('rooms for people on a real Prosody', function () {
  this.timeout(60_000);

  let pair: Pair;
  let alice: XmppClient;
  let wanda: NativeClient;
  /** Of Alice, as everybody gets it. */
  let address: string;

  before(async () => {
    pair = await startPair({ mode: 'dialback' });
  });
  after(async () => {
    await pair?.stop();
  });
  beforeEach(async () => {
    wanda = await nativeGuest(pair.banyan.port('web'), 'wanda');
    alice = await login(pair, 'alice');
    await alice.join(lounge, 'Alice');
    address = await addressOf(wanda, 'Alice');
  });
  afterEach(async () => {
    await alice.stop();
    await wanda.stop();
    await quiet(() => wanda.frames.length, 200);
  });
  const presenceOf = (nick: string, type?: string) => (stanza: Element) =>
    stanza.is('presence') && stanza.attrs.from === `${lounge}/${nick}` && stanza.attrs.type === type;

  it('shows who is there, then oneself, then the history, then the subject', async () => {
    await wanda.must({ type: 'say', room: 'lounge', text: 'early words' });
    const amy = await login(pair, 'amy');
    await amy.join(lounge, 'Amy', { history: { maxstanzas: '5' } });
    await amy.expect('the subject', (stanza) => stanza.is('message') && stanza.getChild('subject') !== undefined);
    const seen = amy.stanzas.filter((stanza) => String(stanza.attrs.from).startsWith(lounge));
    const at = (matches: (stanza: Element) => boolean): number => seen.findIndex(matches);
    const order = [
      at(presenceOf('Alice')),
      at((stanza) => presenceOf('Amy')(stanza) && statusCodes(stanza).includes('110')),
      at((stanza) => stanza.getChildText('body') === 'early words' && stanza.getChild('delay') !== undefined),
      at((stanza) => stanza.is('message') && stanza.getChild('subject') !== undefined),
    ];
    expect(order, seen.join('\n')).to.deep.equal([...order].toSorted((a, b) => a - b));
    expect(order).to.not.include(-1);
    await amy.leave(lounge, 'Amy');
    await alice.expect('Amy to leave', presenceOf('Amy', 'unavailable'));
    await amy.stop();
  });

  it('keeps ids: the same id back, a stanza-id, an occupant-id of its own', async () => {
    const id = await alice.say(lounge, 'with an id');
    const back = await alice.expect('the reflection', (stanza) => stanza.is('message') && stanza.attrs.id === id);
    expect(back.getChild('stanza-id', 'urn:xmpp:sid:0')?.attrs.by).to.equal(lounge);
    const occupantId: unknown = back.getChild('occupant-id', 'urn:xmpp:occupant-id:0')?.attrs.id;
    const item = await wanda.expectItem('the message', (each) => each['text'] === 'with an id');
    expect(back.getChild('stanza-id', 'urn:xmpp:sid:0')?.attrs.id).to.equal(item['id']);
    const own = await alice.expect('own presence', (stanza) => presenceOf('Alice')(stanza) && statusCodes(stanza).includes('110'));
    expect(own.getChild('occupant-id', 'urn:xmpp:occupant-id:0')?.attrs.id).to.equal(occupantId);
  });

  it('carries actions and styles both ways', async () => {
    await alice.say(lounge, '/me waves');
    await wanda.expectItem('the action', (item) => item['text'] === 'waves' && item['style'] === 'action');
    await wanda.must({ type: 'say', room: 'lounge', text: 'bows', style: 'action' });
    await alice.expect('the action', (stanza) => stanza.getChildText('body') === '/me bows');
    await alice.say(lounge, 'a *bold* word');
    const styled = await wanda.expectItem('the style', (item) => item['text'] === 'a bold word');
    expect(styled['spans']).to.deep.equal([{ start: 2, end: 6, style: { kind: 'bold' } }]);
  });

  it('carries nick changes both ways', async () => {
    await alice.send(xml('presence', { to: `${lounge}/Alicia` }));
    await alice.expect(
      '303',
      (stanza) => presenceOf('Alice', 'unavailable')(stanza) && statusCodes(stanza).includes('303') && statusCodes(stanza).includes('110'),
    );
    await alice.expect('the new nick', (stanza) => presenceOf('Alicia')(stanza) && statusCodes(stanza).includes('110'));
    await wanda.expect('the nick', (frame) => frame.type === 'user' && frame['kind'] === 'nick' && frame['nick'] === 'Alice');
    await wanda.must({ type: 'nick', nick: 'wanda2' });
    await alice.expect('303', (stanza) => presenceOf('wanda', 'unavailable')(stanza) && statusCodes(stanza).includes('303'));
    await alice.expect('the new nick', presenceOf('wanda2'));
    const since = alice.stanzas.length;
    await alice.send(xml('presence', { to: `${lounge}/wanda2` }));
    const refused = await alice.expect('conflict', (stanza) => stanza.is('presence') && stanza.attrs.type === 'error', { since });
    expect(refused.getChild('error')?.getChild('conflict')).to.not.equal(undefined);
  });

  it('carries private messages: through the room, and to addresses', async () => {
    await alice.send(
      xml('message', { to: `${lounge}/wanda`, type: 'chat', id: 'pm1' }, xml('body', {}, 'psst'), xml('x', { xmlns: mucUser })),
    );
    const got = await wanda.expect('it', (frame) => frame.type === 'private' && frame['text'] === 'psst');
    expect((got['author'] as { address: string }).address).to.equal(address);
    await wanda.must({ type: 'private', to: address, text: 'what?' });
    const answer = await alice.expect('the answer', (stanza) => stanza.getChildText('body') === 'what?');
    expect(String(answer.attrs.from)).to.match(/^guest-[0-9a-f]+@banyan\.example$/);
    await alice.message(String(answer.attrs.from), 'directly');
    await wanda.expect('it', (frame) => frame.type === 'private' && frame['text'] === 'directly');
    await alice.message(`nobody@${domain}`, 'hello?');
    await alice.expect(
      'service-unavailable',
      (stanza) =>
        stanza.is('message') && stanza.attrs.type === 'error' && stanza.getChild('error')?.getChild('service-unavailable') !== undefined,
    );
  });

  it('lets a moderator change the subject, kick, ban and unban', async () => {
    const owner = await chief(pair);
    await owner.must({ type: 'affiliation', room: 'lounge', user: 'xmpp:alice@prosody.example', affiliation: 'admin' });
    await alice.expect(
      'admin',
      (stanza) => presenceOf('Alice')(stanza) && stanza.getChild('x', mucUser)?.getChild('item')?.attrs.affiliation === 'admin',
    );
    await alice.send(xml('message', { to: lounge, type: 'groupchat', id: 'subject1' }, xml('subject', {}, 'About trees')));
    await wanda.expectItem('the topic', (item) => item['kind'] === 'topic' && item['topic'] === 'About trees');
    const kicked = await alice.ask(
      lounge,
      'set',
      xml('query', { xmlns: mucAdmin }, xml('item', { nick: 'wanda', role: 'none' }, xml('reason', {}, 'enough'))),
    );
    expect(kicked.attrs.type, kicked.toString()).to.equal('result');
    await alice.expect('307', (stanza) => presenceOf('wanda', 'unavailable')(stanza) && statusCodes(stanza).includes('307'));
    await wanda.expect('that it is out', (frame) => frame.type === 'left');
    await wanda.must({ type: 'join', room: 'lounge' });
    const amy = await login(pair, 'amy');
    await amy.join(lounge, 'Amy');
    const banned = await alice.ask(
      lounge,
      'set',
      xml('query', { xmlns: mucAdmin }, xml('item', { jid: 'amy@prosody.example', affiliation: 'outcast' })),
    );
    expect(banned.attrs.type, banned.toString()).to.equal('result');
    await amy.expect(
      '301',
      (stanza) => presenceOf('Amy', 'unavailable')(stanza) && statusCodes(stanza).includes('301') && statusCodes(stanza).includes('110'),
    );
    expect(
      await amy.join(lounge, 'Amy').then(
        () => 'inside',
        (error: Error) => error.message,
      ),
    ).to.match(/forbidden/);
    const list = await alice.ask(lounge, 'get', xml('query', { xmlns: mucAdmin }, xml('item', { affiliation: 'outcast' })));
    expect(list.toString()).to.include('amy@prosody.example');
    await alice.ask(lounge, 'set', xml('query', { xmlns: mucAdmin }, xml('item', { jid: 'amy@prosody.example', affiliation: 'none' })));
    await amy.join(lounge, 'Amy');
    await owner.must({ type: 'kick', room: 'lounge', user: 'Amy', reason: 'and again' });
    await amy.expect('307', (stanza) => presenceOf('Amy', 'unavailable')(stanza) && statusCodes(stanza).includes('307'));
    await owner.must({ type: 'affiliation', room: 'lounge', user: 'xmpp:alice@prosody.example', affiliation: 'none' });
    await amy.stop();
    await owner.must({ type: 'leave', room: 'lounge' });
    await owner.stop();
  });

  it('answers disco, ping, self-ping, version', async () => {
    const info = 'http://jabber.org/protocol/disco#info';
    const service = await alice.ask(`rooms.${domain}`, 'get', xml('query', { xmlns: info }));
    expect(service.toString()).to.include('category="conference"').and.include('http://jabber.org/protocol/muc');
    const items = await alice.ask(`rooms.${domain}`, 'get', xml('query', { xmlns: 'http://jabber.org/protocol/disco#items' }));
    expect(items.toString()).to.include(lounge);
    const about = await alice.ask(lounge, 'get', xml('query', { xmlns: info }));
    expect(about.toString()).to.include('muc_public').and.include('muc#stable_id');
    const root = await alice.ask(domain, 'get', xml('query', { xmlns: 'http://jabber.org/protocol/disco#items' }));
    expect(root.toString()).to.include(`rooms.${domain}`);
    expect((await alice.ask(domain, 'get', xml('ping', { xmlns: 'urn:xmpp:ping' }))).attrs.type).to.equal('result');
    expect((await alice.ask(`${lounge}/Alice`, 'get', xml('ping', { xmlns: 'urn:xmpp:ping' }))).attrs.type).to.equal('result');
    await alice.leave(lounge, 'Alice');
    const outside = await alice.ask(`${lounge}/Alice`, 'get', xml('ping', { xmlns: 'urn:xmpp:ping' }));
    expect(outside.getChild('error')?.getChild('not-acceptable')).to.not.equal(undefined);
    expect((await alice.ask(domain, 'get', xml('query', { xmlns: 'jabber:iq:version' }))).toString()).to.include('Banyan');
    const unknown = await alice.ask(domain, 'get', xml('query', { xmlns: 'urn:example:nothing' }));
    expect(unknown.getChild('error')?.getChild('service-unavailable')).to.not.equal(undefined);
  });

  it('has one nick for two clients of a person; the last one to go leaves', async () => {
    const second = await login(pair, 'alice', 'phone');
    await second.join(lounge, 'Alice');
    await wanda.must({ type: 'say', room: 'lounge', text: 'to both of you' });
    for (const client of [alice, second]) await client.expect('the message', (stanza) => stanza.getChildText('body') === 'to both of you');
    await second.leave(lounge, 'Alice');
    await second.stop();
    await quiet(() => wanda.frames.length);
    expect(wanda.items.filter((item) => item['kind'] === 'left')).to.deep.equal([]);
    await alice.leave(lounge, 'Alice');
    await wanda.expectItem('Alice to leave', (item) => item['kind'] === 'left' && JSON.stringify(item).includes(address));
  });

  it('tells who talks to the room from outside', async () => {
    await alice.leave(lounge, 'Alice');
    const id = await alice.say(lounge, 'am I in?');
    const refused = await alice.expect(
      'not-acceptable',
      (stanza) => stanza.is('message') && stanza.attrs.id === id && stanza.attrs.type === 'error',
    );
    expect(refused.getChild('error')?.getChild('not-acceptable')).to.not.equal(undefined);
  });

  it('are made by who comes first, configured by their owner, closed with a password, for members, and destroyed', async () => {
    const den = `den@rooms.${domain}`;
    const made = await alice.join(den, 'Alice');
    expect(statusCodes(made)).to.include.members(['110', '201']);
    const form = await alice.ask(den, 'get', xml('query', { xmlns: mucOwner }));
    expect(form.toString()).to.include('muc#roomconfig_membersonly');
    const configure = async (fields: Readonly<Record<string, string>>): Promise<void> => {
      const answer = await alice.ask(
        den,
        'set',
        xml(
          'query',
          { xmlns: mucOwner },
          xml(
            'x',
            { xmlns: 'jabber:x:data', type: 'submit' },
            ...Object.entries(fields).map(([name, said]) => xml('field', { var: name }, xml('value', {}, said))),
          ),
        ),
      );
      expect(answer.attrs.type, answer.toString()).to.equal('result');
    };
    await configure({ 'muc#roomconfig_roomname': 'The den', 'muc#roomconfig_roomsecret': 'sesame' });
    await alice.expect('104', (stanza) => stanza.is('message') && statusCodes(stanza).includes('104'));
    const amy = await login(pair, 'amy');
    const attempt = (password?: string): Promise<string> =>
      amy.join(den, 'Amy', password === undefined ? {} : { password }).then(
        () => 'inside',
        (error: Error) => error.message,
      );
    expect(await attempt()).to.include('not-authorized');
    expect(await attempt('sesame')).to.equal('inside');
    await configure({ 'muc#roomconfig_passwordprotectedroom': '0', 'muc#roomconfig_membersonly': '1' });
    await amy.expect('322', (stanza) => stanza.is('presence') && statusCodes(stanza).includes('322'));
    expect(await attempt()).to.include('registration-required');
    await alice.send(
      xml('message', { to: den }, xml('x', { xmlns: mucUser }, xml('invite', { to: 'amy@prosody.example' }, xml('reason', {}, 'come')))),
    );
    const invitation = await amy.expect(
      'the invitation',
      (stanza) => stanza.is('message') && stanza.getChild('x', 'jabber:x:conference') !== undefined,
    );
    expect(invitation.attrs.from).to.equal(den);
    expect(invitation.getChild('x', mucUser)?.getChild('invite')?.getChildText('reason')).to.equal('come');
    expect(await attempt()).to.equal('inside');
    await alice.ask(den, 'set', xml('query', { xmlns: mucOwner }, xml('destroy', {}, xml('reason', {}, 'the end'))));
    const end = await amy.expect('the end', (stanza) => stanza.getChild('x', mucUser)?.getChild('destroy') !== undefined);
    expect(end.attrs.type).to.equal('unavailable');
    await amy.stop();
  });

  it('invite our people, by the room and directly; they invite back', async () => {
    const invited = (frame: { readonly type: string }): boolean => frame.type === 'invitation' || JSON.stringify(frame).includes('invit');
    const before = wanda.frames.length;
    const den = `den@rooms.${domain}`;
    await alice.join(den, 'Alice');
    await alice.send(xml('message', { to: den }, xml('x', { xmlns: mucUser }, xml('invite', { to: `wanda@${domain}` }))));
    await wanda.expect('the invitation', invited, { since: before });
    const second = wanda.frames.length;
    await alice.send(xml('message', { to: `wanda@${domain}` }, xml('x', { xmlns: 'jabber:x:conference', jid: den, reason: 'really' })));
    await wanda.expect('the invitation', (frame) => invited(frame) && JSON.stringify(frame).includes('really'), { since: second });
    await alice.leave(den, 'Alice');
  });

  it('answer subscriptions and messages that reach nobody, and tell ours of theirs', async () => {
    // Only clients that have asked for their roster are told of subscriptions (RFC 6121 section 3.1.4).
    await alice.ask('alice@prosody.example', 'get', xml('query', { xmlns: 'jabber:iq:roster' }));
    await alice.send(xml('presence', { to: `chief@${domain}`, type: 'subscribe' }));
    await alice.expect('an answer', (stanza) => stanza.is('presence') && stanza.attrs.from === `chief@${domain}`);
    await wanda.must({ type: 'private', to: 'xmpp:nobody@prosody.example', text: 'is there anybody?' });
    await wanda.expect('the error', (frame) => frame.type === 'private' && String(frame['text']).includes('service-unavailable'));
    await wanda.must({ type: 'private', to: 'xmpp:anybody@nowhere.example', text: 'is there anybody?' });
    await wanda.expect('the error', (frame) => frame.type === 'private' && String(frame['text']).includes('was not delivered'), {
      within: 30_000,
    });
  });

  it('reach people by account, also while they are away, and let them answer', async () => {
    await alice.message(`chief@${domain}`, 'for later');
    const owner = await chief(pair);
    await owner.must({ type: 'private', to: 'xmpp:alice@prosody.example', text: 'now it is later' });
    await alice.expect(
      'the answer',
      (stanza) => stanza.getChildText('body') === 'now it is later' && stanza.attrs.from === `chief@${domain}`,
    );
    await owner.must({ type: 'leave', room: 'lounge' });
    await owner.stop();
  });

  it('have addresses that IRC shows to moderators only', async () => {
    const port = pair.banyan.port('irc');
    const [irc, chief] = await Promise.all([
      connectIrc({ port, nick: 'ira' }),
      connectIrc({ port, nick: 'chief', account: { name: 'chief', password: 'chief-password' } }),
    ]);
    const whois = async (client: typeof irc): Promise<string> => {
      client.send('WHOIS Alice');
      return (await client.sync()).map((line) => line.raw).join('\n');
    };
    await irc.join('#lounge');
    expect(await whois(irc))
      .to.match(/ 311 ira Alice xmpp [0-9a-f]{12}\.\S+ /)
      .and.not.include('alice@');
    expect(await whois(chief))
      .to.include(' 320 ')
      .and.include('alice@');
    await Promise.all([irc.quit(), chief.quit()]);
  });

  it('A1 line injection: whatever somebody says there is one message for an IRC client here, in as many lines', async () => {
    const irc = await connectIrc({ port: pair.banyan.port('irc'), nick: 'ira' });
    await irc.join('#lounge');
    const since = irc.lines.length;
    const saying = 'one\r\nQUIT :two\nKILL ira\u2028JOIN 0 \u0085NICK x';
    await alice.say(lounge, saying);
    await alice.send(xml('message', { to: `ira@${domain}`, type: 'chat', id: 'a1' }, xml('body', {}, saying)));
    await alice.send(xml('presence', { to: `${lounge}/Alice` }, xml('show', {}, 'away'), xml('status', {}, saying)));
    await alice.say(lounge, 'the end');
    await irc.expect('the end', (line) => line.params[1] === 'the end', { since });
    await irc.sync();
    const heard = irc.lines.slice(since).filter((line) => line.nick.startsWith('Alice'));
    expect(heard.map((line) => line.command).filter((command) => command !== 'PRIVMSG')).to.deep.equal([]);
    expect(heard.map((line) => line.params[0])).to.include.members(['#lounge', 'ira']);
    expect(heard.filter((line) => line.params[0] === '#lounge').map((line) => line.params[1])).to.deep.equal([
      'one',
      'QUIT :two',
      'KILL ira\u2028JOIN 0 \u0085NICK x',
      'the end',
    ]);
    await irc.quit();
  });
});
