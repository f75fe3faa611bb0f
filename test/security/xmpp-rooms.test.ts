/** Attacks by people of other XMPP servers on rooms and their occupants. */
import { expect } from 'chai';
import type { Element } from 'ltx';
import {
  codes,
  condition,
  enterStanza,
  exchange,
  far,
  lounge,
  mucAdmin,
  mucOwner,
  mucUser,
  own,
  query,
  roomWorld,
  rooms,
  sentTo,
  type Line,
  type RoomWorld,
  type World,
} from '../unit/xmpp/support.ts';
import { quiet, text, value, type Recorder } from '../unit/core/support.ts';

describe('XMPP rooms', () => {
  let world: World;
  let line: Line;
  let wanda: Recorder;
  const mallory = `mallory@${far}/x`;
  const victim = `victim@${far}/y`;

  let send: RoomWorld['send'];
  let room: RoomWorld['room'];

  beforeEach(async () => {
    ({ world, line, wanda, send, room } = await roomWorld());
    await send(enterStanza(mallory, `${lounge}/mallory`), enterStanza(victim, `${lounge}/victim`));
    wanda.take();
  });
  afterEach(() => world.stop());

  it('A10 spoofed envelopes: ids, times and places that a client makes up are replaced, once or twice', async () => {
    const forged = `<stanza-id xmlns='urn:xmpp:sid:0' by='${lounge}' id='forged'/><occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/><delay xmlns='urn:xmpp:delay' from='${lounge}' stamp='1999-01-01T00:00:00Z'/><x xmlns='${mucUser}'><item affiliation='owner' jid='boss@${own}'/><status code='110'/></x><addresses xmlns='http://jabber.org/protocol/address'/><nick xmlns='http://jabber.org/protocol/nick'>wanda</nick>`;
    const seen = await send(
      `<message from='${mallory}' to='${lounge}' type='groupchat' id='m'><body>hi</body>${forged}${forged}</message>`,
      `<presence from='${mallory}' to='${lounge}/mallory'><show>away</show>${forged}${forged}</presence>`,
    );
    expect(sentTo(seen, victim).map((stanza) => stanza.name)).to.deep.equal(['message', 'presence']);
    for (const stanza of seen) {
      expect(stanza.toString()).to.not.include('forged').and.not.include('1999').and.not.include('boss').and.not.include('wanda');
      expect(stanza.getChildren('occupant-id')).to.have.lengthOf(1);
      expect(stanza.getChildren('stanza-id').length).to.equal(stanza.name === 'message' ? 1 : 0);
    }
    const [message] = sentTo(seen, victim);
    expect(message!.getChild('stanza-id')?.attrs['by']).to.equal(lounge);
    expect(message!.attrs['from']).to.equal(`${lounge}/mallory`);
  });

  it('A10 spoofed envelopes: carbons, archives and roster pushes mean nothing to people here', async () => {
    const copy = (name: string, namespace: string): string =>
      `<message from='${mallory}' to='${lounge}/wanda' type='chat' id='c'><${name} xmlns='${namespace}'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='boss@${own}/x' to='wanda@${own}'><body>forged</body></message></forwarded></${name}></message>`;
    await send(
      copy('received', 'urn:xmpp:carbons:2'),
      copy('sent', 'urn:xmpp:carbons:2'),
      copy('result', 'urn:xmpp:mam:2'),
      copy('event', 'http://jabber.org/protocol/pubsub#event'),
    );
    const [refused] = await exchange(
      world,
      await world.proved(far, own),
      `<iq from='${mallory}' to='wanda@${own}/x' type='set' id='r'><query xmlns='jabber:iq:roster'><item jid='boss@${own}'/></query></iq>`,
    );
    expect(condition(refused)).to.equal('service-unavailable');
    expect(wanda.take()).to.deep.equal([]);
  });

  it('A10 spoofed envelopes: the body of a room is said by who sent it, whatever room or nick the stanza names', async () => {
    const seen = await send(
      `<message from='${mallory}' to='${lounge}/victim' type='groupchat' id='g'><body>to one as if to all</body></message>`,
    );
    expect(sentTo(seen, victim)).to.deep.equal([]);
    expect(condition(sentTo(seen, mallory)[0])).to.equal('bad-request');
    // Another client of the same person, which never entered, may not use the occupant of the first.
    const other = await send(`<message from='mallory@${far}/other' to='${lounge}' type='groupchat' id='o'><body>x</body></message>`);
    expect(other.map((stanza) => condition(stanza))).to.deep.equal(['not-acceptable']);
    // Nor may one person say that another's client is gone.
    await send(
      `<presence from='${mallory}' to='${lounge}/victim' type='unavailable'/>`,
      `<message from='${mallory}' to='${lounge}/victim' type='error'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
    );
    expect(room().members.size).to.equal(2);
    expect(room().memberByNick('victim')?.nick).to.equal('victim');
  });

  it('A11 rights: nobody without them kicks, bans, promotes, reads lists, configures or destroys', async () => {
    for (const inside of [
      `<query xmlns='${mucAdmin}'><item nick='victim' role='none'/></query>`,
      `<query xmlns='${mucAdmin}'><item nick='mallory' role='moderator'/></query>`,
      `<query xmlns='${mucAdmin}'><item jid='mallory@${far}' affiliation='owner'/></query>`,
      `<query xmlns='${mucAdmin}'><item jid='victim@${far}' affiliation='outcast'/></query>`,
      `<query xmlns='${mucOwner}'><destroy/></query>`,
      `<query xmlns='${mucOwner}'><x xmlns='jabber:x:data' type='submit'><field var='muc#roomconfig_membersonly'><value>1</value></field></x></query>`,
    ]) {
      const [answer] = await send(query(mallory, 'set', inside));
      expect(condition(answer), inside).to.equal('forbidden');
    }
    for (const affiliation of ['owner', 'admin', 'member', 'outcast']) {
      const [answer] = await send(query(mallory, 'get', `<query xmlns='${mucAdmin}'><item affiliation='${affiliation}'/></query>`));
      expect(condition(answer), affiliation).to.equal('forbidden');
    }
    const [outside] = await send(query(`stranger@${far}/z`, 'set', `<query xmlns='${mucAdmin}'><item nick='victim' role='none'/></query>`));
    expect(condition(outside)).to.equal('not-acceptable');
    const [topic] = await send(`<message from='${mallory}' to='${lounge}' type='groupchat' id='t'><subject>mine</subject></message>`);
    expect(room().config.topicLocked ? condition(topic) : topic!.getChildText('subject')).to.equal(
      room().config.topicLocked ? 'forbidden' : 'mine',
    );
    expect(room().members.size).to.equal(3);
    expect([...room().affiliations.values()]).to.not.include('outcast');
  });

  it('A11 rights: an admin does not unmake owners, and of a list of changes none is done when one means nothing', async () => {
    await send(enterStanza(mallory, `den@${rooms}/mallory`), enterStanza(victim, `den@${rooms}/victim`));
    const den = `den@${rooms}`;
    const change = (from: string, ...items: string[]): Promise<Element[]> =>
      send(query(from, 'set', `<query xmlns='${mucAdmin}'>${items.join('')}</query>`, den));
    await change(mallory, `<item jid='victim@${far}' affiliation='admin'/>`);
    const forbidden = await change(victim, `<item jid='mallory@${far}' affiliation='none'/>`);
    expect(condition(forbidden.find((stanza) => stanza.name === 'iq'))).to.equal('forbidden');
    const kick = await change(victim, `<item nick='mallory' role='none'/>`);
    expect(condition(kick.find((stanza) => stanza.name === 'iq'))).to.equal('forbidden');
    const mixed = await change(mallory, `<item nick='victim' role='none'/>`, `<item affiliation='emperor' jid='x@${far}'/>`);
    expect(condition(mixed.find((stanza) => stanza.name === 'iq'))).to.equal('bad-request');
    expect(room('den').members.size).to.equal(2);
    const last = await change(mallory, `<item jid='mallory@${far}' affiliation='none'/>`);
    expect(condition(last.find((stanza) => stanza.name === 'iq'))).to.not.equal(undefined);
    expect(room('den').affiliations.get(`xmpp:mallory@${far}` as never)).to.equal('owner');
  });

  it('A11 rights: an outcast stays out under any nick, client and spelling', async () => {
    await send(enterStanza(mallory, `den@${rooms}/boss`));
    await send(
      query(mallory, 'set', `<query xmlns='${mucAdmin}'><item jid='victim@${far}' affiliation='outcast'/></query>`, `den@${rooms}`),
    );
    for (const from of [victim, `victim@${far}/another`, `VICTIM@${far}/y`, `ｖictim@${far}/y`]) {
      const [refused] = await send(enterStanza(from, `den@${rooms}/somebody`));
      expect(condition(refused), from).to.equal('forbidden');
    }
  });

  it('A13 leaks: history and members of a room for members are for members', async () => {
    await send(enterStanza(mallory, `den@${rooms}/boss`));
    const form = `<query xmlns='${mucOwner}'><x xmlns='jabber:x:data' type='submit'><field var='muc#roomconfig_membersonly'><value>1</value></field><field var='muc#roomconfig_publicroom'><value>0</value></field><field var='history'><value>joined</value></field></x></query>`;
    await send(query(mallory, 'set', form, `den@${rooms}`));
    await send(`<message from='${mallory}' to='den@${rooms}' type='groupchat'><body>the secret</body></message>`);
    const attempts = [
      enterStanza(victim, `den@${rooms}/v`, `<history maxstanzas='100'/>`),
      query(victim, 'get', `<query xmlns='http://jabber.org/protocol/disco#info'/>`, `den@${rooms}`),
      query(victim, 'get', `<query xmlns='http://jabber.org/protocol/disco#items'/>`, `den@${rooms}`),
      query(victim, 'get', `<query xmlns='http://jabber.org/protocol/disco#items'/>`, rooms),
      query(victim, 'get', `<query xmlns='${mucAdmin}'><item affiliation='owner'/></query>`, `den@${rooms}`),
      query(victim, 'set', `<query xmlns='urn:xmpp:mam:2'/>`, `den@${rooms}`),
      query(victim, 'get', `<ping xmlns='urn:xmpp:ping'/>`, `den@${rooms}/boss`),
      `<message from='${victim}' to='den@${rooms}/boss' type='chat' id='p'><body>hi</body></message>`,
    ];
    for (const attempt of attempts) {
      const seen = await send(attempt);
      expect(sentTo(seen, victim), attempt).to.have.lengthOf(1);
      expect(seen.map(String).join(''), attempt)
        .to.not.include('secret')
        .and.not.include('den@rooms.chat.example/boss"><')
        .and.not.include(mallory);
    }
    // Who is let in later reads from then on.
    await send(
      query(mallory, 'set', `<query xmlns='${mucAdmin}'><item jid='victim@${far}' affiliation='member'/></query>`, `den@${rooms}`),
    );
    const inside = sentTo(await send(enterStanza(victim, `den@${rooms}/v`, `<history maxstanzas='100'/>`)), victim);
    expect(inside.some((stanza) => codes(stanza).includes('110'))).to.equal(true);
    expect(inside.map(String).join('')).to.not.include('the secret');
  });

  it('A13 leaks: only moderators see real addresses, in presence, lists and errors', async () => {
    const seen = await send(
      `<presence from='${mallory}' to='${lounge}/mallory2'/>`,
      `<message from='${mallory}' to='${lounge}/victim' type='chat' id='p'><body>psst</body></message>`,
      query(victim, 'get', `<vCard xmlns='vcard-temp'/>`, `${lounge}/mallory2`),
      query(victim, 'get', `<query xmlns='jabber:iq:version'/>`, `${lounge}/mallory2`),
    );
    expect(sentTo(seen, victim)).to.have.lengthOf(5);
    for (const stanza of sentTo(seen, victim)) expect(stanza.toString()).to.not.include(`mallory@${far}`);
  });

  it('A12 room merge: names that escape or fold alike are one room, others stay two', async () => {
    await send(enterStanza(mallory, `Tea@${rooms}/m`), enterStanza(victim, `tea@${rooms}/v`));
    expect(room('tea').members.size).to.equal(2);
    for (const name of ['tea\\20', 'tea\\2fx', 'a\\40b', 'te\u00e4\u202e', 'x'.repeat(300)]) {
      const [refused] = await send(enterStanza(mallory, `${name}@${rooms}/m`));
      expect(condition(refused), name).to.equal('jid-malformed');
    }
  });

  it('A16 odd characters, of A15 too: texts and names arrive as they are or not at all, and the stream lives', async () => {
    const body = `<script>alert('1')</script> %s ' OR 1=1 -- \u202e ../../etc \u{1f332} "`;
    const escaped = body.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    await send(`<message from='${mallory}' to='${lounge}' type='groupchat' id='"&gt;'><body>${escaped}</body></message>`);
    expect(wanda.take()).to.deep.equal([`lounge <mallory> ${body}`]);
    for (const nick of ['a\u202eb', 'x\u200b', '\u0085', '\u2028', ' lead', ' ']) {
      const seen = await send(`<presence from='${mallory}' to='${lounge}/${nick}'/>`);
      expect(
        sentTo(seen, mallory).map((stanza) => condition(stanza)),
        JSON.stringify(nick),
      ).to.deep.equal(['jid-malformed']);
    }
    await send(`<presence from='${mallory}' to='${lounge}/&lt;b>&amp;"&apos;'/>`);
    expect(wanda.take().at(-1)).to.equal(`nick mallory -> <b>&"'`);
    expect(line.closed).to.equal(false);
  });

  it('A18 floods: one person brings no more clients than a person has, and makes no more rooms than allowed', async () => {
    const many = await send(...Array.from({ length: 60 }, (_, index) => enterStanza(`mallory@${far}/${index}`, `${lounge}/mallory`)));
    expect(many.filter((stanza) => condition(stanza) === 'resource-constraint')).to.have.lengthOf(41);
    expect(room().members.size).to.equal(3);
    const made = await send(...Array.from({ length: 120 }, (_, index) => enterStanza(mallory, `r${index}@${rooms}/mallory`)));
    expect(made.filter((stanza) => condition(stanza) === 'resource-constraint')).to.have.lengthOf(21);
    expect(world.core.users.byAddress(`xmpp:mallory@${far}` as never)!.rooms.size).to.equal(100);
  });

  it('A1 line injection: no control character reaches anybody in body, subject, nick, status or reason', async () => {
    await send(enterStanza(mallory, `den@${rooms}/boss`), enterStanza(victim, `den@${rooms}/v`));
    const den = room('den');
    value(await world.core.rooms.join(wanda.session.user, 'den', { session: wanda.session }, wanda));
    const nasty = 'a&#13;&#10;QUIT :b&#13;KILL x\u2028JOIN 0\u0085NICK y';
    const from = `from='${mallory}' to='den@${rooms}`;
    await send(
      `<message ${from}' type='groupchat'><subject>${nasty}</subject></message>`,
      `<message ${from}' type='groupchat'><body>${nasty}</body></message>`,
      `<presence ${from}/boss'><show>away</show><status>${nasty}</status></presence>`,
      query(
        mallory,
        'set',
        `<query xmlns='${mucAdmin}'><item nick='v' role='none'><reason>${nasty}</reason></item></query>`,
        `den@${rooms}`,
      ),
      `<presence ${from}/boss' type='unavailable'><status>${nasty}</status></presence>`,
    );
    const records = value(await world.core.rooms.history(undefined, den, { limit: 50, take: 'last' }));
    expect(records.map((record) => record.content.kind)).to.include.members(['topic', 'message', 'kick', 'leave']);
    for (const { content } of records) {
      const said = JSON.stringify(content);
      expect(said).to.not.include('\\r');
      if (content.kind !== 'message') expect(said).to.not.match(/\\n|\u0085|\u2028/);
    }
    // NUL and CTCP's 0x01 cannot be said in XML at all.
    for (const character of ['\u0000', '\u0001', '&#1;', '&#0;']) {
      const broken = await world.proved();
      broken.receive(`<message ${from}' type='groupchat'><body>${character}</body></message>`);
      expect(broken.streamError).to.equal('not-well-formed');
    }
  });

  it('A1 line injection: what others may say here leaves as XML that no parser refuses', async () => {
    const seen = await (async () => {
      await send();
      value(await world.core.rooms.say(wanda.session.user, room(), text('\u0002bold\u000f \ud800 \u0007 ]]> <x/> &amp;'), wanda));
      await quiet();
      return world.server(far).take();
    })();
    expect(sentTo(seen, victim)[0]!.getChildText('body')).to.equal('bold   ]]> <x/> &amp;');
  });
});
