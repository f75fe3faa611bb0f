/** Federation with a real Prosody. */
import { expect } from 'chai';
import type { Element } from 'ltx';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { connectNative, nativeGuest, type NativeClient } from '../support/native-client.ts';
import { freePort } from '../support/ports.ts';
import { startProsody, type FederationMode, type Prosody } from '../support/prosody.ts';
import { eventually, quiet } from '../support/wait.ts';
import { connectXmpp, statusCodes, xml, type XmppClient } from '../support/xmpp-client.ts';

const domain = 'banyan.example';
const room = `lounge@rooms.${domain}`;
const mucUser = 'http://jabber.org/protocol/muc#user';
const mucAdmin = 'http://jabber.org/protocol/muc#admin';

interface Pair {
  readonly prosody: Prosody;
  readonly banyan: Banyan;
  stop(): Promise<void>;
}

/** A Prosody and a Banyan that find each other. */
async function startPair(mode: FederationMode, directTls = false): Promise<Pair> {
  const port = await freePort();
  const records = [domain, `rooms.${domain}`, `users.${domain}`].map((name) =>
    directTls ? { domain: name, directTlsPort: port } : { domain: name, port },
  );
  const prosody = await startProsody({ mode, records, users: ['amy'] });
  const certificate = mode === 'external' ? await prosody.authority.issue([domain, `rooms.${domain}`, `users.${domain}`]) : undefined;
  const peers = [prosody.domain, prosody.roomDomain]
    .map(
      (name) =>
        `[[plugins.xmpp.peers]]\ndomain = "${name}"\nhost = "127.0.0.1"\nport = ${directTls ? prosody.serverTlsPort : prosody.serverPort}\ndirect_tls = ${directTls}`,
    )
    .join('\n');
  const listen = directTls ? `listen = []\nlisten_tls = ["127.0.0.1:${port}"]` : `listen = ["127.0.0.1:${port}"]\nlisten_tls = []`;
  const banyan = await startBanyan({
    domain,
    tables: [
      `[plugins.xmpp]\n${listen}\nrequire_tls = ${mode !== 'plain'}\nauthentication = "${mode === 'external' ? 'certificate' : 'dialback'}"\n${peers}`,
      ...(certificate === undefined
        ? []
        : [
            `[tls]\ncertificate = "${certificate.certificateFile}"\nkey = "${certificate.keyFile}"\nauthorities = "${prosody.authority.file}"`,
          ]),
    ],
  });
  await banyan.account('chief', 'chief-password', { administrator: true });
  return {
    prosody,
    banyan,
    async stop() {
      await banyan.stop();
      await prosody.stop();
    },
  };
}

function login({ prosody }: Pair, user: string, resource = 'test'): Promise<XmppClient> {
  return connectXmpp({ service: prosody.websocket, domain: prosody.domain, user, resource });
}

async function chief({ banyan }: Pair): Promise<NativeClient> {
  const client = await connectNative(banyan.port('web'));
  await client.must({ type: 'sign-in', name: 'chief', password: 'chief-password' });
  await client.must({ type: 'join', room: 'lounge' });
  return client;
}

describe('federation with a real Prosody', function () {
  this.timeout(90_000);

  for (const [mode, direct] of [
    ['dialback', false],
    ['external', false],
    ['plain', false],
    ['dialback', true],
    ['external', true],
  ] as const) {
    it(`meets by ${mode}${direct ? ' over TLS from the first byte' : mode === 'plain' ? ' without TLS' : ' after STARTTLS'}`, async () => {
      const pair = await startPair(mode, direct);
      try {
        const web = await nativeGuest(pair.banyan.port('web'), 'wanda');
        const alice = await login(pair, 'alice');
        await alice.join(room, 'Alice').catch(async (error: unknown) => {
          throw new Error(
            `no federation; Banyan says:\n${pair.banyan.output().slice(-3000)}\nProsody says:\n${(await pair.prosody.log()).slice(-5000)}`,
            { cause: error },
          );
        });
        await alice.say(room, 'hello from afar');
        await web.expectItem('the message', (item) => item.type === undefined && item['text'] === 'hello from afar');
        await web.must({ type: 'say', room: 'lounge', text: 'hello Alice' });
        await alice.expect(
          'the message',
          (stanza) => stanza.getChildText('body') === 'hello Alice' && stanza.attrs.from === `${room}/wanda`,
        );
        await alice.stop();
        await web.stop();
      } finally {
        await pair.stop();
      }
    });
  }

  describe('as a room service', () => {
    let pair: Pair;
    let alice: XmppClient;
    let wanda: NativeClient;

    before(async () => {
      pair = await startPair('dialback');
    });
    after(async () => {
      await pair?.stop();
    });
    beforeEach(async () => {
      wanda = await nativeGuest(pair.banyan.port('web'), 'wanda');
      alice = await login(pair, 'alice');
      await alice.join(room, 'Alice');
      await wanda.expectItem('Alice', (item) => item['kind'] === 'joined' && JSON.stringify(item).includes('xmpp:alice@prosody.example'));
    });
    afterEach(async () => {
      await alice.stop();
      await wanda.stop();
      await quiet(() => wanda.frames.length, 200);
    });
    const presenceOf = (nick: string, type?: string) => (stanza: Element) =>
      stanza.is('presence') && stanza.attrs.from === `${room}/${nick}` && stanza.attrs.type === type;

    it('shows who is there, then oneself, then the history, then the subject', async () => {
      await wanda.must({ type: 'say', room: 'lounge', text: 'early words' });
      const amy = await login(pair, 'amy');
      await amy.join(room, 'Amy', { history: { maxstanzas: '5' } });
      await amy.expect('the subject', (stanza) => stanza.is('message') && stanza.getChild('subject') !== undefined);
      const seen = amy.stanzas.filter((stanza) => String(stanza.attrs.from).startsWith(room));
      const at = (matches: (stanza: Element) => boolean): number => seen.findIndex(matches);
      const order = [
        at(presenceOf('Alice')),
        at((stanza) => presenceOf('Amy')(stanza) && statusCodes(stanza).includes('110')),
        at((stanza) => stanza.getChildText('body') === 'early words' && stanza.getChild('delay') !== undefined),
        at((stanza) => stanza.is('message') && stanza.getChild('subject') !== undefined),
      ];
      expect(order, seen.join('\n')).to.deep.equal([...order].toSorted((a, b) => a - b));
      expect(order).to.not.include(-1);
      await amy.leave(room, 'Amy');
      await alice.expect('Amy to leave', presenceOf('Amy', 'unavailable'));
      await amy.stop();
    });

    it('keeps ids: the same id back, a stanza-id, an occupant-id of its own', async () => {
      const id = await alice.say(room, 'with an id');
      const back = await alice.expect('the reflection', (stanza) => stanza.is('message') && stanza.attrs.id === id);
      expect(back.getChild('stanza-id', 'urn:xmpp:sid:0')?.attrs.by).to.equal(room);
      const occupantId: unknown = back.getChild('occupant-id', 'urn:xmpp:occupant-id:0')?.attrs.id;
      const item = await wanda.expectItem('the message', (each) => each['text'] === 'with an id');
      expect(back.getChild('stanza-id', 'urn:xmpp:sid:0')?.attrs.id).to.equal(item['id']);
      const own = await alice.expect('own presence', (stanza) => presenceOf('Alice')(stanza) && statusCodes(stanza).includes('110'));
      expect(own.getChild('occupant-id', 'urn:xmpp:occupant-id:0')?.attrs.id).to.equal(occupantId);
    });

    it('carries actions and styles both ways', async () => {
      await alice.say(room, '/me waves');
      await wanda.expectItem('the action', (item) => item['text'] === 'waves' && item['style'] === 'action');
      await wanda.must({ type: 'say', room: 'lounge', text: 'bows', style: 'action' });
      await alice.expect('the action', (stanza) => stanza.getChildText('body') === '/me bows');
      await alice.say(room, 'a *bold* word');
      const styled = await wanda.expectItem('the style', (item) => item['text'] === 'a bold word');
      expect(styled['spans']).to.deep.equal([{ start: 2, end: 6, style: { kind: 'bold' } }]);
    });

    it('carries nick changes both ways', async () => {
      await alice.send(xml('presence', { to: `${room}/Alicia` }));
      await alice.expect(
        '303',
        (stanza) =>
          presenceOf('Alice', 'unavailable')(stanza) && statusCodes(stanza).includes('303') && statusCodes(stanza).includes('110'),
      );
      await alice.expect('the new nick', (stanza) => presenceOf('Alicia')(stanza) && statusCodes(stanza).includes('110'));
      await wanda.expect('the nick', (frame) => frame.type === 'user' && frame['kind'] === 'nick' && frame['nick'] === 'Alice');
      await wanda.must({ type: 'nick', nick: 'wanda2' });
      await alice.expect('303', (stanza) => presenceOf('wanda', 'unavailable')(stanza) && statusCodes(stanza).includes('303'));
      await alice.expect('the new nick', presenceOf('wanda2'));
      const since = alice.stanzas.length;
      await alice.send(xml('presence', { to: `${room}/wanda2` }));
      const refused = await alice.expect('conflict', (stanza) => stanza.is('presence') && stanza.attrs.type === 'error', { since });
      expect(refused.getChild('error')?.getChild('conflict')).to.not.equal(undefined);
    });

    it('carries private messages: through the room, and to addresses', async () => {
      await alice.send(
        xml('message', { to: `${room}/wanda`, type: 'chat', id: 'pm1' }, xml('body', {}, 'psst'), xml('x', { xmlns: mucUser })),
      );
      const got = await wanda.expect('it', (frame) => frame.type === 'private' && frame['text'] === 'psst');
      expect((got['author'] as { address: string }).address).to.equal('xmpp:alice@prosody.example');
      await wanda.must({ type: 'private', to: 'xmpp:alice@prosody.example', text: 'what?' });
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
      await alice.send(xml('message', { to: room, type: 'groupchat', id: 'subject1' }, xml('subject', {}, 'About trees')));
      await wanda.expectItem('the topic', (item) => item['kind'] === 'topic' && item['topic'] === 'About trees');
      const kicked = await alice.ask(
        room,
        'set',
        xml('query', { xmlns: mucAdmin }, xml('item', { nick: 'wanda', role: 'none' }, xml('reason', {}, 'enough'))),
      );
      expect(kicked.attrs.type, kicked.toString()).to.equal('result');
      await alice.expect('307', (stanza) => presenceOf('wanda', 'unavailable')(stanza) && statusCodes(stanza).includes('307'));
      await wanda.expect('that it is out', (frame) => frame.type === 'left');
      await wanda.must({ type: 'join', room: 'lounge' });
      const amy = await login(pair, 'amy');
      await amy.join(room, 'Amy');
      const banned = await alice.ask(
        room,
        'set',
        xml('query', { xmlns: mucAdmin }, xml('item', { jid: 'amy@prosody.example', affiliation: 'outcast' })),
      );
      expect(banned.attrs.type, banned.toString()).to.equal('result');
      await amy.expect(
        '301',
        (stanza) => presenceOf('Amy', 'unavailable')(stanza) && statusCodes(stanza).includes('301') && statusCodes(stanza).includes('110'),
      );
      expect(
        await amy.join(room, 'Amy').then(
          () => 'inside',
          (error: Error) => error.message,
        ),
      ).to.match(/forbidden/);
      const list = await alice.ask(room, 'get', xml('query', { xmlns: mucAdmin }, xml('item', { affiliation: 'outcast' })));
      expect(list.toString()).to.include('amy@prosody.example');
      await alice.ask(room, 'set', xml('query', { xmlns: mucAdmin }, xml('item', { jid: 'amy@prosody.example', affiliation: 'none' })));
      await amy.join(room, 'Amy');
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
      expect(items.toString()).to.include(room);
      const about = await alice.ask(room, 'get', xml('query', { xmlns: info }));
      expect(about.toString()).to.include('muc_public').and.include('muc#stable_id');
      const root = await alice.ask(domain, 'get', xml('query', { xmlns: 'http://jabber.org/protocol/disco#items' }));
      expect(root.toString()).to.include(`rooms.${domain}`);
      expect((await alice.ask(domain, 'get', xml('ping', { xmlns: 'urn:xmpp:ping' }))).attrs.type).to.equal('result');
      expect((await alice.ask(`${room}/Alice`, 'get', xml('ping', { xmlns: 'urn:xmpp:ping' }))).attrs.type).to.equal('result');
      await alice.leave(room, 'Alice');
      const outside = await alice.ask(`${room}/Alice`, 'get', xml('ping', { xmlns: 'urn:xmpp:ping' }));
      expect(outside.getChild('error')?.getChild('not-acceptable')).to.not.equal(undefined);
      expect((await alice.ask(domain, 'get', xml('query', { xmlns: 'jabber:iq:version' }))).toString()).to.include('Banyan');
      const unknown = await alice.ask(domain, 'get', xml('query', { xmlns: 'urn:example:nothing' }));
      expect(unknown.getChild('error')?.getChild('service-unavailable')).to.not.equal(undefined);
    });

    it('has one nick for two clients of a person; the last one to go leaves', async () => {
      const second = await login(pair, 'alice', 'phone');
      await second.join(room, 'Alice');
      await wanda.must({ type: 'say', room: 'lounge', text: 'to both of you' });
      for (const client of [alice, second])
        await client.expect('the message', (stanza) => stanza.getChildText('body') === 'to both of you');
      await second.leave(room, 'Alice');
      await second.stop();
      await quiet(() => wanda.frames.length);
      expect(wanda.items.filter((item) => item['kind'] === 'left')).to.deep.equal([]);
      await alice.leave(room, 'Alice');
      await wanda.expectItem('Alice to leave', (item) => item['kind'] === 'left' && JSON.stringify(item).includes('alice@prosody.example'));
    });

    it('tells who talks to the room from outside, and who is gone when its server is', async () => {
      await alice.leave(room, 'Alice');
      const id = await alice.say(room, 'am I in?');
      const refused = await alice.expect(
        'not-acceptable',
        (stanza) => stanza.is('message') && stanza.attrs.id === id && stanza.attrs.type === 'error',
      );
      expect(refused.getChild('error')?.getChild('not-acceptable')).to.not.equal(undefined);
      await alice.join(room, 'Alice');
      await pair.prosody.kill9();
      await eventually('Alice to be gone', async () => {
        await wanda.must({ type: 'say', room: 'lounge', text: 'still there?' });
        return wanda.items.some((item) => item['kind'] === 'left' && JSON.stringify(item).includes('alice@prosody.example'));
      });
      await pair.prosody.start();
    });
  });
});
