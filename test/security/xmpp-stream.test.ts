/** Attacks on the XML of streams and on what comes before authentication. */
import { expect } from 'chai';
import fc from 'fast-check';
import { certificate, far, header, type Line, lounge, own, rooms, xmppWorld, type World } from '../unit/xmpp/support.ts';
import { quiet } from '../unit/core/support.ts';

/** Feeds what never ends until the line closes; answers with the bytes that were taken. */
function feed(line: Line, start: string, piece: string, mostBytes = 4_194_304): number {
  line.receive(start);
  let taken = start.length;
  while (!line.closed && taken < mostBytes) {
    line.receive(piece);
    taken += piece.length;
  }
  return taken;
}

describe('XMPP streams', () => {
  let world: World;
  let line: Line;

  beforeEach(async () => {
    world = await xmppWorld();
    line = world.accept();
  });
  afterEach(() => world.stop());

  const ends = (condition: string): void => {
    expect(line.streamError, line.out).to.equal(condition);
    expect(line.closed).to.equal(true);
    expect(line.out.endsWith('</stream:stream>')).to.equal(true);
    expect(world.log.some((entry) => String(entry['reason']).startsWith(condition))).to.equal(true);
  };

  const bombs: readonly (readonly [string, string, string])[] = [
    ['a document type', `<?xml version='1.0'?><!DOCTYPE stream>`, 'restricted-xml'],
    ['entities that multiply', `<?xml version='1.0'?><!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>`, 'restricted-xml'],
    ['an entity from a file', `<?xml version='1.0'?><!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>`, 'restricted-xml'],
    ['an entity that nobody declared', `${header(rooms)}<message><body>&lol;</body></message>`, 'not-well-formed'],
    ['a comment', `${header(rooms)}<!-- hi -->`, 'restricted-xml'],
    ['a processing instruction', `${header(rooms)}<?php x ?>`, 'restricted-xml'],
    ['a byte that is not UTF-8', `${header(rooms)}<message><body>\u0000`, 'not-well-formed'],
    ['a character reference to NUL', `${header(rooms)}<message><body>&#0;</body>`, 'not-well-formed'],
    ['text between stanzas', `${header(rooms)}hello<message/>`, 'bad-format'],
    ['tags that do not match', `${header(rooms)}<message></iq>`, 'not-well-formed'],
    ['a prefix that is not bound', `${header(rooms)}<x:message/>`, 'not-well-formed'],
    ['the same attribute twice', `${header(rooms)}<message id='a' id='b'/>`, 'not-well-formed'],
    ['another encoding', `<?xml version='1.0' encoding='ISO-8859-1'?>${header(rooms).slice(21)}`, 'unsupported-encoding'],
    ['another root', `<html xmlns='jabber:server'>`, 'invalid-namespace'],
    ['the namespace of clients', header(rooms).replace('jabber:server', 'jabber:client'), 'invalid-namespace'],
    ['another version', header(rooms, far, " version='2.0'"), 'unsupported-version'],
    ['nobody as its aim', header('').replace(" to=''", ''), 'improper-addressing'],
    ['somebody else as its aim', header('elsewhere.example'), 'host-unknown'],
    ['HTTP', 'GET / HTTP/1.1\r\nHost: chat.example\r\n\r\n', 'not-well-formed'],
  ];
  for (const [what, bytes, condition] of bombs) {
    it(`A3 XML bombs: ${what} ends the stream with ${condition}`, () => {
      line.receive(bytes);
      ends(condition);
    });
  }

  it('A3 XML bombs: bytes that are not UTF-8 end it, a character cut in two does not', () => {
    line.receive(header(rooms));
    const stanza = Buffer.from(`<db:verify from='${far}' to='${rooms}' id='é\u{1f332}'>k</db:verify>`);
    for (const byte of stanza) line.receive(Buffer.from([byte]));
    expect(line.elements.at(-1)?.attrs).to.include({ type: 'invalid', id: 'é\u{1f332}' });
    line.receive(Buffer.from([0x3c, 0x61, 0xc3, 0x28]));
    ends('not-well-formed');
  });

  it('A3 XML bombs: 100,000 nested elements cost sixty-four', () => {
    const taken = feed(line, header(rooms), '<a>'.repeat(100));
    ends('policy-violation');
    expect(taken).to.be.lessThan(2_000);
  });

  it('A3 XML bombs: 10,000 attributes cost sixty-four', () => {
    line.receive(header(rooms));
    line.receive(`<message ${Array.from({ length: 10_000 }, (_, index) => `a${index}=''`).join(' ')}/>`);
    ends('policy-violation');
  });

  for (const [what, start, piece] of [
    ['an attribute of a mebibyte', `<message id='`, 'a'.repeat(1_024)],
    ['text without an end', '<message><body>', 'a'.repeat(1_024)],
    ['a tag name without an end', '<', 'a'.repeat(1_024)],
    ['an attribute name without an end', '<message ', 'a'.repeat(1_024)],
    ['a CDATA section without an end', '<message><body><![CDATA[', 'a'.repeat(1_024)],
    ['an entity name without an end', '<message><body>&', 'a'.repeat(1_024)],
    ['many small children', '<message>', '<a/>'.repeat(100)],
    ['many small texts', '<message>', 'a<a/>'.repeat(100)],
    ['a header without an end', '', 'a'.repeat(1_024)],
  ] as const) {
    it(`A3 XML bombs: ${what} is cut at ten thousand bytes from a stranger`, () => {
      const taken = what.startsWith('a header') ? feed(line, `<stream:stream a='`, piece) : feed(line, header(rooms) + start, piece);
      expect(line.closed).to.equal(true);
      expect(line.streamError).to.equal('policy-violation');
      expect(taken).to.be.lessThan(20_000);
    });
  }

  it('A3 XML bombs: a server that has proved itself may send more, but not without end', async () => {
    line = await world.proved();
    expect(feed(line, `<message from='a@${far}' to='${lounge}'><body>`, 'a'.repeat(65_536))).to.be.lessThan(700_000);
    ends('policy-violation');
    line = await world.proved();
    expect(feed(line, `<message from='a@${far}' to='${lounge}'>`, '<a/>'.repeat(1_000))).to.be.lessThan(200_000);
    ends('policy-violation');
  });

  it('A3 XML bombs: after the end of the root there is nothing more', () => {
    line.receive(`${header(rooms)}</stream:stream>${header(rooms)}<message/>`);
    expect(line.closed).to.equal(true);
    expect(line.out.split('<stream:stream').length).to.equal(2);
    line = world.accept();
    // A root inside a root is an element that nobody knows.
    line.receive(`${header(rooms)}${header(rooms).replace(/^<[?][^>]*>/, '')}</stream:stream>`);
    expect(line.streamError).to.equal('unsupported-stanza-type');
  });

  it('A3 XML bombs: one stream that is ended hurts no other', async () => {
    const other = await world.proved();
    line.receive('<!DOCTYPE a>');
    other.receive(`<iq from='a@${far}/x' to='${rooms}' type='get' id='ping'><ping xmlns='urn:xmpp:ping'/></iq>`);
    await quiet();
    expect(world.server(far).stanzas.find((stanza) => stanza.attrs['id'] === 'ping')?.attrs['type']).to.equal('result');
  });

  it('A4 before login: a stanza before any proof ends the stream, and nothing of it is done', async () => {
    for (const stanza of ['message', 'presence', 'iq']) {
      line = world.accept();
      line.receive(`${header(rooms)}<${stanza} from='a@${far}/x' to='${lounge}/a'><x xmlns='http://jabber.org/protocol/muc'/></${stanza}>`);
      ends('not-authorized');
      expect(line.admitted).to.equal(false);
    }
    await quiet();
    expect(world.core.users.count.foreign).to.equal(0);
  });

  it('A4 before login: a stranger dials out through us only so often at once, and with keys of a sane size', async () => {
    line.receive(header(rooms));
    line.receive(`<db:result from='${far}' to='${rooms}'>${'k'.repeat(300)}</db:result>`);
    expect(world.dialled).to.have.lengthOf(0);
    for (let index = 0; index < 100; index++) {
      world.server(`s${index}.example`).verdict = () => 'silence';
      line.receive(`<db:result from='s${index}.example' to='${rooms}'>k</db:result>`);
    }
    await quiet();
    expect(world.dialled.length).to.be.at.most(8);
    expect(line.admitted).to.equal(false);
    world.clock.advance(60_000);
    await quiet();
    expect(line.elements.filter((element) => element.name === 'db:result' && element.attrs['type'] === 'error')).to.have.lengthOf(101);
  });

  it('A4 before login: STARTTLS forgets what was said before it, and takes nothing that came with it', async () => {
    const secured = world.accept(undefined, certificate([far]));
    secured.receive(`${header(rooms)}<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><message from='a@${far}' to='${lounge}'/>`);
    await quiet();
    expect(secured.closed).to.equal(false);
    secured.receive(`<message xmlns='jabber:server' from='a@${far}' to='${lounge}'/>`);
    expect(secured.streamError).to.equal('invalid-namespace');
    // While dialback is under way the plain stream's proof would count for the encrypted one.
    world.server(far).verdict = () => 'silence';
    line.receive(`${header(rooms)}<db:result from='${far}' to='${rooms}'>k</db:result><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`);
    ends('policy-violation');
  });

  it('A4 before login: where TLS is required, nothing but TLS is offered, and no key is judged', async () => {
    await world.stop();
    world = await xmppWorld({ require_tls: true });
    world.server(far);
    line = world.accept();
    line.receive(header(rooms));
    const features = line.elements[0]!;
    expect(features.getChildElements().map((child) => child.name)).to.deep.equal(['starttls', 'limits']);
    expect(features.getChild('starttls')?.getChild('required')).to.not.equal(undefined);
    line.receive(`<db:result from='${far}' to='${rooms}'>k</db:result>`);
    await quiet();
    expect(line.out).to.include('policy-violation');
    expect(world.dialled).to.deep.equal([]);
    line.receive(`<message from='a@${far}' to='${lounge}'><body>x</body></message>`);
    ends('not-authorized');
  });

  it('A5 compression is offered nowhere', async () => {
    for (const tls of [undefined, certificate([far])]) {
      const offered = world.accept(tls);
      offered.receive(header(rooms));
      expect(offered.out).to.include('features').and.not.include('compress');
      offered.receive(`<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>`);
      expect(offered.streamError).to.equal('unsupported-stanza-type');
    }
  });

  it('A4 before login: a server that sends faster than it may is read later, not cut', async () => {
    await world.stop();
    world = await xmppWorld({ bytes_at_once: 5_000, bytes_per_second: 1_000 });
    line = world.accept();
    line.receive(header(rooms));
    for (let index = 0; index < 10 && !line.paused; index++) line.receive(' '.repeat(1_000));
    expect(line.paused).to.equal(true);
    world.clock.advance(10_000);
    expect(line.paused).to.equal(false);
    expect(line.closed).to.equal(false);
  });

  it('A20 order: whatever comes in whatever state, only a proved pair is heard and the process lives', async () => {
    const pieces = [
      header(rooms),
      header(own),
      `<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`,
      `<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`,
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>`,
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>`,
      `<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`,
      `<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`,
      `<db:result from='${far}' to='${rooms}' type='valid'/>`,
      `<db:verify from='${far}' to='${rooms}' id='x' type='valid'/>`,
      `<db:result from='${far}' to='${rooms}'>k</db:result>`,
      `<db:verify from='${far}' to='${rooms}' id='x'>k</db:verify>`,
      `<bidi xmlns='urn:xmpp:bidi'/>`,
      `<enable xmlns='urn:xmpp:sm:3'/>`,
      `<stream:features/>`,
      `<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`,
      `<message from='mallory@${far}/x' to='${lounge}' type='groupchat'><body>heard</body></message>`,
      `<presence from='mallory@${far}/x' to='${lounge}/mallory'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
      `<iq from='mallory@${far}/x' to='${own}' type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>`,
      `</stream:stream>`,
      ' ',
    ];
    await world.stop();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...pieces), { maxLength: 12 }),
        fc.constantFrom(undefined, certificate(['other.example']), certificate([far], false)),
        async (sequence, tls) => {
          // The server of that domain denies every key, and its certificate is for another name: nothing may be heard.
          world = await xmppWorld();
          world.server(far).verdict = () => 'invalid';
          line = world.accept(tls, certificate(['other.example']));
          for (const piece of sequence) {
            line.receive(piece);
            await quiet();
          }
          expect(line.admitted).to.equal(false);
          expect(world.core.users.count.foreign).to.equal(0);
          expect(world.log.filter((entry) => Number(entry['level']) >= 50)).to.deep.equal([]);
          await world.stop();
        },
      ),
      { numRuns: 150 },
    );
    world = await xmppWorld();
  });
});
