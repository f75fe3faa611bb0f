/** Rooms of a real Prosody with people of ours in them: by their address, and under a name here that an IRC network shares. */
import { expect } from 'chai';
import type { Element } from 'ltx';
import { startInspircd, type Inspircd } from '../support/inspircd.ts';
import { connectIrc, type IrcClient } from '../support/irc-client.ts';
import { linkTable } from '../support/irc-link-table.ts';
import { connectNative, nativeGuest, type NativeClient } from '../support/native-client.ts';
import { eventually } from '../support/wait.ts';
import { statusCodes, xml, type XmppClient } from '../support/xmpp-client.ts';
import { login, mucAdmin, mucOwner, mucUser, startPair, type Pair } from './xmpp-pair.ts';

const den = 'den@rooms.prosody.example';
const hall = 'hall@rooms.prosody.example';

const nicks = (names: readonly string[]): string[] => names.map((name) => name.replace(/^[~&@%+]+/, '')).toSorted();
const presenceOf = (room: string, nick: string, type?: string) => (stanza: Element) =>
  stanza.is('presence') && stanza.attrs.from === `${room}/${nick}` && stanza.attrs.type === type;
const said =
  (nick: string, text: string, room = den) =>
  (stanza: Element) =>
    stanza.is('message') && stanza.attrs.from === `${room}/${nick}` && stanza.getChildText('body') === text;

describe('rooms of a real Prosody, with our people in them', function () {
  this.timeout(90_000);
  let inspircd: Inspircd;
  let pair: Pair;
  let alice: XmppClient;
  let ira: IrcClient;
  let wanda: NativeClient;
  before(async () => {
    inspircd = await startInspircd();
    pair = await startPair({
      mode: 'dialback',
      tables: [`[[rooms]]\nname = "lounge"\n[[rooms]]\nname = "hall"\nhome = "xmpp:${hall}"`, linkTable(inspircd, { rooms: '["hall"]' })],
    });
  });
  after(async () => {
    await pair?.stop();
    await inspircd?.stop();
  });
  beforeEach(async () => {
    alice = await login(pair, 'alice');
    ira = await connectIrc({ port: pair.banyan.port('irc'), nick: 'ira' });
    wanda = await nativeGuest(pair.banyan.port('web'), 'wanda');
  });
  afterEach(async () => {
    await Promise.all([alice.stop(), ira.quit(), wanda.stop()]);
  });

  it('are entered by address, from the page and from an IRC client; words, nicks, topics, and private messages cross both ways', async () => {
    await alice.join(den, 'Alice');
    await alice.say(den, 'before you came');
    await alice.expect('the echo', said('Alice', 'before you came'));
    await ira.join(`#${den}`);
    await alice.expect('ira', presenceOf(den, 'ira'));
    expect(nicks(await ira.names(`#${den}`))).to.include.members(['Alice', 'ira']);
    await ira.expect('the history', (line) => line.command === 'PRIVMSG' && line.params[1] === 'before you came');
    const joined = await wanda.must({ type: 'join', room: `xmpp:${den}` });
    expect(joined['room']).to.equal(`xmpp:${den}`);
    await alice.expect('wanda', presenceOf(den, 'wanda'));

    ira.send(`PRIVMSG #${den} :hello from IRC`);
    await alice.expect('it', said('ira', 'hello from IRC'));
    await wanda.expectItem('it', (item) => item['text'] === 'hello from IRC');
    await wanda.must({ type: 'say', room: String(joined['room']), text: 'hello from the page' });
    await alice.expect('it', said('wanda', 'hello from the page'));
    await ira.expect('it', (line) => line.nick === 'wanda' && line.params[1] === 'hello from the page');
    await alice.say(den, '/me waves');
    await wanda.expectItem('it', (item) => item['text'] === 'waves' && item['style'] === 'action');

    await alice.send(xml('message', { to: `${den}/ira`, type: 'chat', id: 'pm' }, xml('body', {}, 'psst'), xml('x', { xmlns: mucUser })));
    await ira.expect('it', (line) => line.nick === 'Alice' && line.params[0] === 'ira' && line.params[1] === 'psst');
    ira.send(`PRIVMSG Alice :what?`);
    await alice.expect('it', (stanza) => stanza.attrs.type === 'chat' && said('ira', 'what?')(stanza));

    await alice.send(xml('presence', { to: `${den}/Alicia` }));
    await ira.expect('the nick', (line) => line.command === 'NICK' && line.nick === 'Alice' && line.params[0] === 'Alicia');
    ira.send('NICK irina');
    await alice.expect('the nick', presenceOf(den, 'irina'));
    await alice.send(xml('message', { to: den, type: 'groupchat', id: 'subject' }, xml('subject', {}, 'About trees')));
    await ira.expect('the topic', (line) => line.command === 'TOPIC' && line.params[1] === 'About trees');
    expect((await wanda.ask({ type: 'topic', room: `xmpp:${den}`, topic: 'mine' }))['code'], 'the room says who may').to.equal(
      'not-permitted',
    );

    const kick = xml('query', { xmlns: mucAdmin }, xml('item', { nick: 'wanda', role: 'none' }, xml('reason', {}, 'enough')));
    expect((await alice.ask(den, 'set', kick)).attrs.type).to.equal('result');
    await wanda.expect('that it is out', (frame) => frame.type === 'left');
    await ira.expect(
      'the kick',
      (line) => line.command === 'KICK' && line.nick === 'Alicia' && line.params[1] === 'wanda' && line.params[2] === 'enough',
    );
    await alice.leave(den, 'Alicia');
    await ira.expect('the leave', (line) => (line.command === 'PART' || line.command === 'QUIT') && line.nick === 'Alicia');
    ira.send(`PART #${den}`);
    await eventually('nobody of ours in it', async () => !(await pair.banyan.command(['room', 'list'])).output.includes('den@'));
  });

  it('tell who may not come in why, in the words of each client; a password is given with the name', async () => {
    const vault = 'vault@rooms.prosody.example';
    await alice.join(vault, 'Alice');
    const configure = async (fields: Readonly<Record<string, string>>): Promise<void> => {
      const form = Object.entries({ FORM_TYPE: 'http://jabber.org/protocol/muc#roomconfig', ...fields }).map(([name, value]) =>
        xml('field', { var: name }, xml('value', {}, value)),
      );
      const answer = await alice.ask(
        vault,
        'set',
        xml('query', { xmlns: mucOwner }, xml('x', { xmlns: 'jabber:x:data', type: 'submit' }, ...form)),
      );
      expect(answer.attrs.type, answer.toString()).to.equal('result');
    };
    const refused = async (params: string): Promise<string> => {
      const since = ira.lines.length;
      ira.send(`JOIN ${params}`);
      return (await ira.expect('a refusal', (line) => /^4\d\d$/.test(line.command), { since, within: 20_000 })).command;
    };
    await configure({ 'muc#roomconfig_roomsecret': 'sesame' });
    expect(await refused(`#${vault}`)).to.equal('475');
    expect(await refused(`#${vault} wrong`)).to.equal('475');
    expect((await wanda.ask({ type: 'join', room: vault }))['code']).to.equal('wrong-key');
    await wanda.must({ type: 'join', room: vault, key: 'sesame' });
    await alice.expect('wanda', presenceOf(vault, 'wanda'));
    await configure({ 'muc#roomconfig_roomsecret': '', 'muc#roomconfig_membersonly': '1' });
    await wanda.expect('that it is out, being no member', (frame) => frame.type === 'left');
    expect(await refused(`#${vault}`)).to.equal('473');
    await configure({ 'muc#roomconfig_membersonly': '0' });
    ira.send(`JOIN #${vault}`);
    await alice.expect('ira', presenceOf(vault, 'ira'));
    const ban = xml('query', { xmlns: mucAdmin }, xml('item', { nick: 'ira', affiliation: 'outcast' }));
    expect((await alice.ask(vault, 'set', ban)).attrs.type).to.equal('result');
    await ira.expect('the kick', (line) => line.command === 'KICK' && line.params[1] === 'ira');
    expect(await refused(`#${vault}`)).to.equal('474');
    expect(await refused('#nobody@nowhere.example')).to.equal('400');
    await alice.leave(vault, 'Alice');
  });

  it('give another nick to who comes with one that is taken, and say so', async () => {
    const other = await login(pair, 'amy');
    await other.join(den, 'ira');
    await ira.join(`#${den}`);
    await other.expect('ira under another nick', presenceOf(den, 'ira (banyan.example)'));
    await ira.expect('a word about it', (line) => line.command === 'NOTICE' && String(line.params[1]).includes('is taken'));
    ira.send(`PRIVMSG #${den} :it is me`);
    await other.expect('it', said('ira (banyan.example)', 'it is me'));
    ira.send(`PART #${den}`);
    await other.expect('that it left', presenceOf(den, 'ira (banyan.example)', 'unavailable'));
    await other.leave(den, 'ira');
    await other.stop();
  });

  it('have a name here, under which an IRC network shares them: everybody talks with everybody', async () => {
    const inga = await connectIrc({ port: inspircd.port, nick: 'inga' });
    await alice.join(hall, 'Alice');
    await ira.join('#hall');
    await wanda.must({ type: 'join', room: 'hall' });
    await inga.join('#hall');
    for (const nick of ['ira', 'wanda', 'inga']) await alice.expect(nick, presenceOf(hall, nick));
    await eventually('Alice on the network', async () => (await inga.names('#hall')).some((name) => name.endsWith('Alice')));
    inga.send(`PRIVMSG #hall :from the network`);
    await alice.expect('it', said('inga', 'from the network', hall));
    await wanda.expectItem('it', (item) => item['text'] === 'from the network');
    await alice.say(hall, 'from the room');
    for (const client of [inga, ira]) await client.expect('it', (line) => line.nick === 'Alice' && line.params[1] === 'from the room');
    ira.send(`PRIVMSG #hall :from a client`);
    await alice.expect('it', said('ira', 'from a client', hall));
    await inga.expect('it', (line) => line.nick === 'ira' && line.params[1] === 'from a client');
    expect(inga.lines.filter((line) => line.params[1] === 'from the network')).to.have.lengthOf(0);

    // A room that becomes moderated is moderated over there.
    const since = inga.lines.length;
    const moderated = (value: string): Element =>
      xml(
        'query',
        { xmlns: mucOwner },
        xml(
          'x',
          { xmlns: 'jabber:x:data', type: 'submit' },
          xml('field', { var: 'FORM_TYPE' }, xml('value', {}, 'http://jabber.org/protocol/muc#roomconfig')),
          xml('field', { var: 'muc#roomconfig_moderatedroom' }, xml('value', {}, value)),
        ),
      );
    await alice.ask(hall, 'set', moderated('1'));
    await inga.expect('+m', (line) => line.command === 'MODE' && line.params[1] === '+m', { since });
    await inga.expect(
      'a voice',
      (line) => line.command === 'MODE' && line.params[1]?.startsWith('+v') === true && line.params.includes('inga'),
      {
        since,
      },
    );
    inga.send('PRIVMSG #hall :who was inside has a voice');
    await alice.expect('it', said('inga', 'who was inside has a voice', hall));
    await alice.ask(hall, 'set', moderated('0'));
    await inga.expect('-m', (line) => line.command === 'MODE' && line.params[1] === '-m', { since });

    const kick = xml('query', { xmlns: mucAdmin }, xml('item', { nick: 'inga', role: 'none' }));
    expect((await alice.ask(hall, 'set', kick)).attrs.type).to.equal('result');
    await inga.expect('the kick', (line) => line.command === 'KICK' && line.params[1] === 'inga');
    await inga.join('#hall');
    await alice.expect('inga again', presenceOf(hall, 'inga'), {
      since: alice.stanzas.findIndex((stanza) => statusCodes(stanza).includes('307')),
    });
    const ina = await connectIrc({ port: pair.banyan.port('irc'), nick: 'ina' });
    ina.send(`JOIN #${hall}`);
    await ina.expect('where that is', (line) => line.command === '470' && line.params[2] === '#hall');
    await ina.expect('that it is in', (line) => line.command === 'JOIN' && line.params[0] === '#hall');
    await ina.quit();
    await inga.quit();
    await alice.expect('that inga left', presenceOf(hall, 'inga', 'unavailable'));
    await alice.leave(hall, 'Alice');
  });

  it('get their names by a command, which also takes them away', async () => {
    await alice.join(den, 'Alice');
    expect((await pair.banyan.command(['room', 'alias', 'garden', den])).output).to.include('#garden is');
    await ira.join('#garden');
    await alice.expect('ira', presenceOf(den, 'ira'));
    await alice.say(den, 'roses');
    await ira.expect('it', (line) => line.params[0] === '#garden' && line.params[1] === 'roses');
    await pair.banyan.command(['room', 'unalias', 'garden']);
    await alice.expect('that ira left', presenceOf(den, 'ira', 'unavailable'));
    await alice.leave(den, 'Alice');
  });

  it('are entered again when their server was killed', async () => {
    await alice.join(hall, 'Alice');
    await wanda.must({ type: 'join', room: 'hall' });
    await alice.expect('wanda', presenceOf(hall, 'wanda'));
    await wanda.must({ type: 'say', room: 'hall', text: 'counted' });
    await pair.prosody.kill9();
    await pair.prosody.start();
    const again = await login(pair, 'alice');
    await again.join(hall, 'Alice');
    await again.expect('wanda again', presenceOf(hall, 'wanda'), { within: 60_000 });
    await again.say(hall, 'we are back');
    await wanda.expectItem('it', (item) => item['text'] === 'we are back');
    await wanda.must({ type: 'say', room: 'hall', text: 'indeed' });
    await again.expect('it', said('wanda', 'indeed', hall));
    await again.leave(hall, 'Alice');
    await again.stop();
  });

  it('are entered again when ours was killed, and what was said meanwhile is in the log, once', async () => {
    await alice.join(hall, 'Alice');
    const before = await chiefIn('hall');
    await alice.expect('the chief', presenceOf(hall, 'chief'));
    await before.must({ type: 'say', room: 'hall', text: 'first words' });
    await alice.say(hall, 'second words');
    await before.expectItem('it', (item) => item['text'] === 'second words');
    await pair.banyan.kill9();
    await alice.say(hall, 'to nobody of yours');
    await pair.banyan.start();
    const after = await chiefIn('hall');
    await after.expectItem('what was said meanwhile', (item) => item['text'] === 'to nobody of yours', { within: 60_000 });
    const { events } = (await after.must({ type: 'history', room: 'hall', limit: 200 })) as {
      readonly events: readonly Record<string, unknown>[];
    };
    const texts = events.flatMap((event) => (/words|nobody of yours/.test(String(event['text'])) ? [event['text']] : []));
    expect(texts).to.deep.equal(['first words', 'second words', 'to nobody of yours']);
    await after.must({ type: 'say', room: 'hall', text: 'here again' });
    await alice.expect('it', said('chief', 'here again', hall));
    await after.stop();
    await alice.leave(hall, 'Alice');
  });

  async function chiefIn(room: string): Promise<NativeClient> {
    const client = await connectNative(pair.banyan.port('web'));
    await client.must({ type: 'sign-in', name: 'chief', password: 'chief-password' });
    await client.must({ type: 'join', room });
    return client;
  }
});
