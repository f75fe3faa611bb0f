/** Rooms as people of other XMPP servers see them (XEP-0045). */
import { expect } from 'chai';
import type { Element } from 'ltx';
import { quiet, text, value, type Recorder } from '../core/support.ts';
import {
  codes,
  condition,
  enterStanza,
  far,
  lounge,
  mucAdmin,
  mucOwner,
  mucUser,
  query,
  roomWorld,
  rooms,
  sentTo,
  xmppWorld,
  type Line,
  type RoomWorld,
  type World,
} from './support.ts';

describe('rooms for other XMPP servers', () => {
  let world: World;
  let line: Line;
  let wanda: Recorder;
  const alice = `alice@${far}/desk`;
  const bob = `bob@${far}/phone`;

  let send: RoomWorld['send'];
  const came = async (): Promise<Element[]> => {
    await quiet();
    return world.server(far).take();
  };
  const form = (fields: Readonly<Record<string, string>>): string =>
    `<query xmlns='${mucOwner}'><x xmlns='jabber:x:data' type='submit'>${Object.entries(fields)
      .map(([name, said]) => `<field var='${name}'><value>${said}</value></field>`)
      .join('')}</x></query>`;
  const item = (presence: Element): Record<string, unknown> => presence.getChild('x', mucUser)!.getChild('item')!.attrs;
  let room: RoomWorld['room'];

  beforeEach(async () => {
    ({ world, line, wanda, send, room } = await roomWorld());
  });
  afterEach(() => world.stop());

  it('does not give an address away to IRC: the host is a lasting name that can be banned', async () => {
    await send(enterStanza(alice, `${lounge}/Alice`), enterStanza(bob, `${lounge}/Bob`));
    const user = (nick: string) => world.core.users.get([...room().members.values()].find((member) => member.nick === nick)!.user)!;
    const { ident, host, realName } = user('Alice');
    expect({ ident, realName }).to.deep.equal({ ident: 'xmpp', realName: 'Alice' });
    expect(host)
      .to.match(/^[0-9a-f]{12}\./)
      .and.satisfy((name: string) => name.endsWith(`.${far}`));
    expect(user('Bob').host).to.not.equal(host);
  });

  it('handle what a client sends right behind its entering when it has entered, in order', async () => {
    const say = (words: string): string =>
      `<message from='${alice}' to='${lounge}' type='groupchat' id='${words}'><body>${words}</body></message>`;
    const seen = await send(
      enterStanza(alice, `${lounge}/Alice`),
      say('one'),
      say('two'),
      `<presence from='${alice}' to='${lounge}/Alice' type='unavailable'/>`,
    );
    expect(seen.filter((stanza) => stanza.attrs['type'] === 'error')).to.deep.equal([]);
    expect(wanda.seen.filter((line) => line.includes('Alice'))).to.deep.equal([
      'lounge joined Alice',
      'lounge <Alice> one',
      'lounge <Alice> two',
      'lounge left Alice by leave',
    ]);
  });

  it('show others, oneself, history, subject, in that order', async () => {
    value(await world.core.rooms.say(wanda.session.user, room(), text('before'), wanda));
    const seen = sentTo(await send(enterStanza(alice, `${lounge}/Alice`)), alice);
    expect(seen.map((stanza) => stanza.name)).to.deep.equal(['presence', 'presence', 'message', 'message']);
    expect(seen[0]!.attrs['from']).to.equal(`${lounge}/wanda`);
    expect(item(seen[0]!)).to.include({ affiliation: 'none', role: 'participant' }).and.not.have.property('jid');
    expect(codes(seen[1]!)).to.have.members(['110', '170']);
    expect(item(seen[1]!)['jid']).to.equal(alice);
    expect(seen[2]!.getChildText('body')).to.equal('before');
    expect(seen[2]!.getChild('delay')?.attrs['from']).to.equal(lounge);
    expect(seen[3]!.getChildText('subject')).to.equal('');
    const others = await send(enterStanza(bob, `${lounge}/Bob`));
    const told = sentTo(others, alice);
    expect(told.map((stanza) => `${String(stanza.attrs['from'])} ${codes(stanza).join(' ')}`)).to.deep.equal([`${lounge}/Bob `]);
  });

  it('keep back what happens meanwhile until the subject was sent', async () => {
    line.receive(enterStanza(alice, `${lounge}/Alice`));
    void world.core.rooms.say(wanda.session.user, room(), text('meanwhile'), wanda);
    await quiet();
    await quiet();
    const seen = sentTo(await came(), alice).filter((stanza) => stanza.name === 'message');
    expect(seen.map((stanza) => stanza.getChildText('body') ?? 'subject').filter((said) => said !== 'subject')).to.deep.equal([
      'meanwhile',
    ]);
    const subject = seen.findIndex((stanza) => stanza.getChild('subject') !== undefined);
    const live = seen.findIndex((stanza) => stanza.getChild('body') !== undefined && stanza.getChild('delay') === undefined);
    if (live !== -1) expect(live).to.be.greaterThan(subject);
  });

  it('give as much history as is asked: by number, characters, seconds, date', async () => {
    for (let index = 1; index <= 30; index++) {
      value(await world.core.rooms.say(wanda.session.user, room(), text(`line ${index}`), wanda));
      world.clock.advance(1_000);
    }
    const at = (index: number): string => new Date(world.clock.now() - (31 - index) * 1_000).toISOString();
    const asked = async (history: string): Promise<string[]> => {
      const seen = sentTo(await send(enterStanza(alice, `${lounge}/Alice`, history)), alice);
      await send(`<presence from='${alice}' to='${lounge}/Alice' type='unavailable'/>`);
      return seen.filter((stanza) => stanza.getChild('delay') !== undefined).flatMap((stanza) => stanza.getChildText('body') ?? []);
    };
    const lines = (first: number, last = 30): string[] => Array.from({ length: last - first + 1 }, (_, index) => `line ${first + index}`);
    expect(await asked('')).to.deep.equal(lines(11));
    expect(await asked(`<history maxstanzas='3'/>`)).to.deep.equal(lines(28));
    expect(await asked(`<history maxstanzas='0'/>`)).to.deep.equal([]);
    expect(await asked(`<history maxchars='0'/>`)).to.deep.equal([]);
    expect(await asked(`<history seconds='5'/>`)).to.deep.equal(lines(26));
    expect(await asked(`<history since='${at(8)}'/>`)).to.deep.equal(lines(8));
    expect(await asked(`<history since='${at(8)}' maxstanzas='2'/>`)).to.deep.equal(lines(29));
    expect(await asked(`<history since='9999-01-01T00:00:00Z'/>`)).to.deep.equal([]);
    expect(await asked(`<history maxstanzas='-1' seconds='x' since='yesterday'/>`)).to.deep.equal(lines(11));
    const few = await asked(`<history maxchars='1000'/>`);
    expect(few.length).to.be.within(1, 5);
    expect(few).to.deep.equal(lines(31 - few.length));
  });

  it('refuse to let in by the errors of XEP-0045 section 7.2', async () => {
    const den = `den@${rooms}`;
    expect(codes(sentTo(await send(enterStanza(alice, `${den}/Alice`)), alice)[0]!)).to.include('201');
    const refused = async (from: string, nick: string, inside = '', where = den): Promise<string | undefined> =>
      condition(sentTo(await send(enterStanza(from, `${where}/${nick}`, inside)), from).find((stanza) => stanza.attrs['type'] === 'error'));
    expect(await refused(bob, 'Alice')).to.equal('conflict');
    expect(condition((await send(enterStanza(bob, den)))[0])).to.equal('jid-malformed');
    expect(condition((await send(`<presence from='${bob}' to='${den}/Bob'/>`))[0])).to.equal('not-acceptable');
    expect(await refused(bob, 'Bob', '', `sp\\20ace@${rooms}`)).to.equal('jid-malformed');
    await send(query(alice, 'set', form({ 'muc#roomconfig_passwordprotectedroom': '1', 'muc#roomconfig_roomsecret': 'sesame' }), den));
    expect(await refused(bob, 'Bob')).to.equal('not-authorized');
    expect(await refused(bob, 'Bob', '<password>wrong</password>')).to.equal('not-authorized');
    expect(await refused(bob, 'Bob', '<password>sesame</password>')).to.equal(undefined);
    await send(`<presence from='${bob}' to='${den}/Bob' type='unavailable'/>`);
    await send(
      query(
        alice,
        'set',
        form({ 'muc#roomconfig_passwordprotectedroom': '0', 'muc#roomconfig_roomsecret': 'sesame', 'muc#roomconfig_maxusers': '1' }),
        den,
      ),
    );
    expect(await refused(bob, 'Bob')).to.equal('service-unavailable');
    await send(query(alice, 'set', form({ 'muc#roomconfig_maxusers': '', 'muc#roomconfig_membersonly': '1' }), den));
    expect(await refused(bob, 'Bob')).to.equal('registration-required');
    await send(query(alice, 'set', `<query xmlns='${mucAdmin}'><item jid='bob@${far}' affiliation='outcast'/></query>`, den));
    expect(await refused(bob, 'Bob')).to.equal('forbidden');
    const error = sentTo(await send(enterStanza(bob, `${den}/Bob`)), bob)[0]!;
    expect(error.attrs['from']).to.equal(`${den}/Bob`);
    expect(error.getChild('error')?.getChildText('text')).to.be.a('string').and.not.equal('');
    expect(world.core.users.byAddress(`xmpp:bob@${far}` as never)?.sessions.size ?? 0).to.equal(0);
  });

  it('tell a second client by 210 that the person has a nick already', async () => {
    await send(enterStanza(alice, `${lounge}/Alice`));
    const second = `alice@${far}/sofa`;
    const own = sentTo(await send(enterStanza(second, `${lounge}/Another`)), second).find((stanza) => codes(stanza).includes('110'))!;
    expect(own.attrs['from']).to.equal(`${lounge}/Alice`);
    expect(codes(own)).to.include('210');
    expect(room().members.size).to.equal(2);
  });

  it('begin anew for a client that lost its state, and tell nobody else', async () => {
    await send(enterStanza(alice, `${lounge}/Alice`), enterStanza(bob, `${lounge}/Bob`));
    const seen = await send(enterStanza(alice, `${lounge}/Alice`));
    expect(sentTo(seen, bob)).to.deep.equal([]);
    expect(sentTo(seen, alice).map((stanza) => stanza.name)).to.deep.equal(['presence', 'presence', 'presence', 'message']);
  });

  it('say in numbers why somebody goes', async () => {
    const den = `den@${rooms}`;
    await send(enterStanza(alice, `${den}/Alice`));
    const out = async (act: () => Promise<Element[]>): Promise<Element> => {
      await send(enterStanza(bob, `${den}/Bob`));
      const seen = await act();
      const gone = sentTo(seen, bob).find((stanza) => stanza.attrs['type'] === 'unavailable' && stanza.attrs['from'] === `${den}/Bob`)!;
      const told = sentTo(seen, alice).find((stanza) => stanza.attrs['type'] === 'unavailable' && stanza.attrs['from'] === `${den}/Bob`)!;
      expect(codes(gone)).to.include('110');
      expect(codes(told)).to.deep.equal(codes(gone).filter((code) => code !== '110'));
      expect(item(gone)['role']).to.equal('none');
      return told;
    };
    const change = (inside: string) => () => send(query(alice, 'set', `<query xmlns='${mucAdmin}'>${inside}</query>`, den));
    const left = await out(() => send(`<presence from='${bob}' to='${den}/Bob' type='unavailable'><status>bye</status></presence>`));
    expect([codes(left), left.getChildText('status')]).to.deep.equal([[], 'bye']);
    const kicked = await out(change(`<item nick='Bob' role='none'><reason>enough</reason></item>`));
    expect(codes(kicked)).to.deep.equal(['307']);
    const why = kicked.getChild('x', mucUser)!.getChild('item')!;
    expect([why.getChild('actor')?.attrs['nick'], why.getChildText('reason')]).to.deep.equal(['Alice', 'enough']);
    const banned = await out(change(`<item jid='bob@${far}' affiliation='outcast'/>`));
    expect([codes(banned), item(banned)['affiliation']]).to.deep.equal([['301'], 'outcast']);
    await send(query(alice, 'set', `<query xmlns='${mucAdmin}'><item jid='bob@${far}' affiliation='none'/></query>`, den));
    expect(codes(await out(() => send(query(alice, 'set', form({ 'muc#roomconfig_membersonly': '1' }), den))))).to.deep.equal(['322']);
    await send(query(alice, 'set', `<query xmlns='${mucAdmin}'><item jid='bob@${far}' affiliation='member'/></query>`, den));
    expect(codes(await out(change(`<item jid='bob@${far}' affiliation='none'/>`)))).to.deep.equal(['321']);
    await send(query(alice, 'set', form({ 'muc#roomconfig_membersonly': '0' }), den));
    const lost = (name: string) => () =>
      send(
        `<message from='${bob}' to='${den}' type='error'><error type='cancel'><${name} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
      );
    await send(enterStanza(bob, `${den}/Bob`));
    await lost('feature-not-implemented')();
    expect(room('den').members.size).to.equal(2);
    expect(codes(await out(lost('service-unavailable')))).to.deep.equal(['333']);
    const destroyed = await out(() =>
      send(query(alice, 'set', `<query xmlns='${mucOwner}'><destroy><reason>the end</reason></destroy></query>`, den)),
    );
    expect(destroyed.getChild('x', mucUser)?.getChild('destroy')?.getChildText('reason')).to.equal('the end');
  });

  it('say 332 to everybody when the server stops', async () => {
    await send(enterStanza(alice, `${lounge}/Alice`));
    const server = world.server(far);
    await world.stop();
    await quiet();
    const last = sentTo(server.take(), alice).find((stanza) => codes(stanza).includes('332'));
    expect(last?.attrs).to.include({ type: 'unavailable', from: `${lounge}/Alice` });
    world = await xmppWorld();
  });

  it('change nicks by 303, refuse taken ones, keep nicks by room', async () => {
    await send(enterStanza(alice, `${lounge}/Alice`), enterStanza(bob, `${lounge}/Bob`));
    const seen = await send(`<presence from='${alice}' to='${lounge}/Alicia'/>`);
    const [gone, here] = sentTo(seen, bob);
    expect([codes(gone!), item(gone!)['nick'], here!.attrs['from']]).to.deep.equal([['303'], 'Alicia', `${lounge}/Alicia`]);
    expect(sentTo(seen, alice).every((stanza) => codes(stanza).includes('110'))).to.equal(true);
    expect(condition((await send(`<presence from='${alice}' to='${lounge}/Bob'/>`))[0])).to.equal('conflict');
    await send(enterStanza(alice, `den@${rooms}/Queen`));
    await send(`<presence from='${alice}' to='den@${rooms}/Empress'/>`);
    expect([...room('den').members.values()].map((member) => member.nick)).to.deep.equal(['Empress']);
    expect(room().memberByNick('Alicia')).to.not.equal(undefined);
  });

  it('show rank: affiliations, roles, real addresses for whoever rises', async () => {
    const den = `den@${rooms}`;
    await send(enterStanza(alice, `${den}/Alice`), enterStanza(bob, `${den}/Bob`));
    const rise = await send(query(alice, 'set', `<query xmlns='${mucAdmin}'><item jid='bob@${far}' affiliation='admin'/></query>`, den));
    expect(
      sentTo(rise, bob)
        .find((stanza) => codes(stanza).includes('110'))
        ?.getChild('x')
        ?.getChild('item')?.attrs,
    ).to.include({
      affiliation: 'admin',
      role: 'moderator',
    });
    expect(sentTo(rise, bob).some((stanza) => stanza.attrs['from'] === `${den}/Alice` && item(stanza)['jid'] === alice)).to.equal(true);
    const list = async (which: string): Promise<unknown[]> => {
      const [answer] = await send(query(alice, 'get', `<query xmlns='${mucAdmin}'><item affiliation='${which}'/></query>`, den));
      return answer!
        .getChild('query')!
        .getChildren('item')
        .map((one) => one.attrs['jid'] as unknown);
    };
    expect(await list('owner')).to.deep.equal([`alice@${far}`]);
    expect(await list('admin')).to.deep.equal([`bob@${far}`]);
    expect(await list('member')).to.deep.equal([]);
    await send(query(alice, 'set', `<query xmlns='${mucAdmin}'><item jid='bob@${far}' affiliation='none'/></query>`, den));
    const moderated = await send(query(alice, 'set', form({ 'muc#roomconfig_moderatedroom': '1' }), den));
    expect(sentTo(moderated, bob).some((stanza) => codes(stanza).includes('104'))).to.equal(true);
    const roles = sentTo(moderated, bob).filter((stanza) => stanza.name === 'presence');
    expect(roles.map((stanza) => `${String(stanza.attrs['from'])} ${String(item(stanza)['role'])}`)).to.deep.equal([`${den}/Bob visitor`]);
    const mute = await send(`<message from='${bob}' to='${den}' type='groupchat' id='m'><body>may I?</body></message>`);
    expect(condition(mute[0])).to.equal('forbidden');
    await send(query(alice, 'set', `<query xmlns='${mucAdmin}'><item nick='Bob' role='participant'/></query>`, den));
    const voiced = await send(`<message from='${bob}' to='${den}' type='groupchat' id='m2'><body>may I?</body></message>`);
    expect(sentTo(voiced, alice)[0]?.getChildText('body')).to.equal('may I?');
    const open = await send(query(alice, 'set', form({ 'muc#roomconfig_whois': 'anyone' }), den));
    expect(sentTo(open, bob).some((stanza) => codes(stanza).includes('172'))).to.equal(true);
    expect(codes(sentTo(await send(enterStanza(bob, `${den}/Bob`)), bob).find((stanza) => codes(stanza).includes('110'))!)).to.include(
      '100',
    );
  });

  it('give owners the form and take it back, field by field', async () => {
    const den = `den@${rooms}`;
    await send(enterStanza(alice, `${den}/Alice`));
    const [answer] = await send(query(alice, 'get', `<query xmlns='${mucOwner}'/>`, den));
    const fields = answer!
      .getChild('query')!
      .getChild('x')!
      .getChildren('field')
      .map((field) => String(field.attrs['var']));
    expect(fields).to.include.members([
      'FORM_TYPE',
      'muc#roomconfig_roomname',
      'muc#roomconfig_membersonly',
      'muc#roomconfig_roomsecret',
      'muc#roomconfig_whois',
    ]);
    await send(query(alice, 'set', form({ 'muc#roomconfig_roomname': 'The den', 'muc#roomconfig_changesubject': '0' }), den));
    expect(room('den').config).to.include({ title: 'The den', topicLocked: true, membersOnly: false });
    expect(condition((await send(query(alice, 'set', form({ 'muc#roomconfig_maxusers': 'many' }), den)))[0])).to.equal('not-acceptable');
    await send(query(alice, 'set', `<query xmlns='${mucOwner}'><x xmlns='jabber:x:data' type='cancel'/></query>`, den));
    expect(room('den').config.title).to.equal('The den');
  });

  it('answer whether one is still inside (XEP-0410), after a crash too', async () => {
    await send(enterStanza(alice, `${lounge}/Alice`));
    const ping = (from: string, where: string): string => query(from, 'get', `<ping xmlns='urn:xmpp:ping'/>`, where);
    expect((await send(ping(alice, `${lounge}/Alice`)))[0]!.attrs['type']).to.equal('result');
    expect(condition((await send(ping(alice, `${lounge}/Nobody`)))[0])).to.equal('item-not-found');
    expect(condition((await send(ping(`alice@${far}/other`, `${lounge}/Alice`)))[0])).to.equal('not-acceptable');
    // A room that the crash of a server took along is one that nobody is in.
    expect(condition((await send(ping(alice, `vanished@${rooms}/Alice`)))[0])).to.equal('not-acceptable');
    expect(condition((await send(`<message from='${bob}' to='${lounge}' type='groupchat' id='x'><body>x</body></message>`))[0])).to.equal(
      'not-acceptable',
    );
  });

  it('keep ids: id, origin-id, one stanza-id, one occupant-id a person and room', async () => {
    await send(enterStanza(alice, `${lounge}/Alice`), enterStanza(alice, `den@${rooms}/Alice`));
    const say = (where: string): string =>
      `<message from='${alice}' to='${where}' type='groupchat' id='mine'><origin-id xmlns='urn:xmpp:sid:0' id='origin'/><body>hi</body></message>`;
    const [first] = await send(say(lounge));
    const [second] = await send(say(`den@${rooms}`));
    expect(first!.attrs['id']).to.equal('mine');
    expect(first!.getChild('origin-id')?.attrs['id']).to.equal('origin');
    const id = (stanza: Element | undefined): unknown => stanza?.getChild('occupant-id')?.attrs['id'];
    expect(id(first)).to.be.a('string').and.not.equal(id(second));
    await send(`<presence from='${alice}' to='${lounge}/Other'/>`);
    expect(id((await send(say(lounge)))[0])).to.equal(id(first));
  });
});
