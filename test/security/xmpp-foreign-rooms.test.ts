/** Attacks by rooms of other XMPP servers, and by people in them, on our people who are inside. */
import { deepEqual, equal, match, rejects } from 'node:assert/strict';
import { openServer, type KitServer, type Person } from '../kit/index.ts';
import type { ScriptedMuc } from '../support/scripted-muc.ts';
import { MucSide, startBeside } from '../unit/kit/muc-side.ts';

const den = 'den@conference.far.example';
const user = 'http://jabber.org/protocol/muc#user';

describe('rooms of other XMPP servers that attack', () => {
  let server: KitServer;
  let side: MucSide;
  let muc: ScriptedMuc;
  let anna: Person;
  let jid: string;
  async function open(options: ConstructorParameters<typeof MucSide>[1] = {}): Promise<void> {
    server = await openServer();
    side = new MucSide(server, options);
    ({ muc } = side);
    await startBeside(server, side);
    anna = await server.guest('anna', 'lounge');
    muc.joins('bert');
    await enter(anna);
    jid = muc.ours('anna');
    anna.take();
  }
  beforeEach(() => open());
  afterEach(async () => {
    deepEqual(server.log.atLeast('error'), [], 'the log must hold no error');
    await server.stop();
  });
  const enter = async (who: Person, room = den): Promise<void> => {
    const entering = who.join(room);
    await server.settle();
    await entering;
    await server.settle();
  };
  const groupchat = (from: string, body: string, more = '', to = jid): string =>
    `<message type='groupchat' id='m' from='${from}' to='${to}'><body>${body}</body>${more}</message>`;
  const records = async (): Promise<readonly { readonly address: string; readonly nick: string; readonly text: string }[]> => {
    const read = await server.core.rooms.history(undefined, server.room(den), { limit: 1_000, take: 'last' });
    return (read.ok ? read.value : []).flatMap(({ content }) =>
      content.kind === 'message' ? [{ address: content.author.address, nick: content.author.nick, text: content.text.plain }] : [],
    );
  };
  const seen = (): string[] => anna.take().filter((line) => !/^\S+ (?:member|attached|detached)\b/.test(line));

  it('A10 spoofed envelopes: what comes from elsewhere, or for somebody else, is no word of the room', async () => {
    for (const from of [
      'other@conference.far.example/bert',
      'conference.far.example/bert',
      'den@evil.example/bert',
      `den@rooms.chat.example/bert`,
    ])
      await side.say(groupchat(from, 'from elsewhere'));
    await side.say(groupchat(`${den}/bert`, 'for nobody', '', 'guest-0000000000@chat.example/x'));
    await side.say(
      `<presence from='den@evil.example/eve' to='${jid}'><x xmlns='${user}'><item role='moderator' affiliation='owner'/></x></presence>`,
    );
    await side.say(
      `<presence type='unavailable' from='other@conference.far.example/anna' to='${jid}'><x xmlns='${user}'><item/><status code='110'/><status code='307'/></x></presence>`,
    );
    deepEqual(seen(), []);
    deepEqual(await records(), []);
    deepEqual(server.nicks(den), ['anna', 'bert']);
  });

  it('A10 spoofed envelopes: a room cannot make ours say what they have not said, nor be somebody else', async () => {
    await side.say(groupchat(`${den}/anna`, 'I never said this'));
    const [forged] = await records();
    equal(forged?.text, 'I never said this');
    equal(forged.address, `xmpp:${den}/anna`, 'it is the word of the room about its occupant');
    await side.say(groupchat(`${den}/ghost`, 'whoever I am'));
    equal((await records()).at(-1)?.address, `xmpp:${den}/ghost`);
    deepEqual(server.nicks(den), ['anna', 'bert'], 'who says something is not a member for that');
    // Real addresses are the room's word and identify nobody.
    await side.say(
      `<presence from='${den}/carl' to='${jid}'><x xmlns='${user}'><item role='participant' affiliation='none' jid='victim@bank.example/x'/></x></presence>`,
    );
    equal(server.room(den).memberByNick('carl')?.address, `xmpp:${den}/carl`);
    equal(server.core.users.byAddress('xmpp:victim@bank.example' as never), undefined);
  });

  it('A10 spoofed envelopes: nobody is told to be another occupant than the one that he is', async () => {
    for (const nick of ['bert', 'somebody']) {
      await side.say(
        `<presence from='${den}/${nick}' to='${jid}'><x xmlns='${user}'><item role='moderator' affiliation='owner'/><status code='110'/></x></presence>`,
      );
      await side.say(
        `<presence type='unavailable' from='${den}/${nick}' to='${jid}'><x xmlns='${user}'><item role='none'/><status code='110'/><status code='307'/></x></presence>`,
      );
    }
    deepEqual(server.nicks(den), ['anna', 'bert']);
    equal(server.room(den).memberByNick('anna')?.operator, false);
    await anna.say(den, 'still I');
    equal((await records()).at(-1)?.address, anna.user.address);
  });

  it('A10 spoofed envelopes: ids that the room has not given make no message a repetition', async () => {
    const given = (by: string, id: string): string => `<stanza-id xmlns='urn:xmpp:sid:0' by='${by}' id='${id}'/>`;
    await side.say(groupchat(`${den}/bert`, 'first', given(den, 'a')));
    await side.say(groupchat(`${den}/bert`, 'from somebody else', given('bert@evil.example', 'a')));
    await side.say(groupchat(`${den}/bert`, 'given twice', given(den, 'a') + given(den, 'b')));
    await side.say(groupchat(`${den}/bert`, 'first', given(den, 'a')));
    deepEqual(
      (await records()).map(({ text }) => text),
      ['first', 'from somebody else', 'given twice'],
    );
    await server.stop();
    await open({ ids: false });
    await side.say(groupchat(`${den}/bert`, 'first', given(den, 'a')));
    await side.say(groupchat(`${den}/carl`, 'made to look like it', given(den, 'a')));
    deepEqual(
      (await records()).map(({ text }) => text),
      ['first', 'made to look like it'],
    );
  });

  it('A10 spoofed envelopes: answers to our questions count from the room that was asked only', async () => {
    const chief = await server.member('chief', { administrator: true });
    await enter(chief);
    muc.silent = true;
    const kicking = chief.kick(den, 'bert').catch((error: Error) => error.message);
    await server.settle();
    const question = muc.received.findLast((stanza) => stanza.is('iq') && stanza.attrs['type'] === 'set')!;
    await side.say(`<iq type='result' id='${question.attrs['id']}' from='other@conference.far.example' to='${question.attrs['from']}'/>`);
    await side.say(`<iq type='result' id='${question.attrs['id']}' from='${den}' to='${jid}'/>`);
    await server.advance(30_000);
    match(String(await kicking), /unavailable/);
  });

  it('A13 leaks: what one of ours alone gets is for that one alone', async () => {
    const dora = await server.guest('dora');
    await enter(dora);
    const doras = muc.ours('dora');
    anna.take();
    dora.take();
    await side.say(groupchat(`${den}/bert`, 'only dora gets this', '', doras));
    await side.say(groupchat(den, 'a word of the room to dora', '', doras));
    await side.say(`<message type='chat' id='p' from='${den}/bert' to='${doras}'><body>psst</body></message>`);
    deepEqual(seen(), []);
    deepEqual(
      dora.take().filter((line) => line.startsWith('private')),
      [`private -den- ${den}: a word of the room to dora`, 'private <bert> psst'],
    );
    anna.leave(den);
    await server.settle();
    deepEqual(await records(), [], 'nor when dora becomes the one whose view counts');
  });

  it('A13 leaks: real addresses that moderators alone see are told nobody; rooms are seen by those inside, and read from their entering on', async () => {
    await side.say(
      `<presence from='${den}/bert' to='${jid}'><x xmlns='${user}'><item role='participant' affiliation='none' jid='bert@home.example/phone'/></x></presence>`,
    );
    equal(server.room(den).memberByNick('bert')?.who.realName, 'bert');
    muc.says('bert', 'before dora');
    await server.settle();
    const dora = await server.guest('dora');
    const { rooms } = server.core;
    equal((await rooms.history(dora.user, server.room(den), { limit: 10, take: 'last' })).ok, false);
    equal(server.room(den).config.hidden, true);
    await enter(dora);
    const read = await rooms.history(dora.user, server.room(den), { limit: 10, take: 'last' });
    deepEqual(read.ok && read.value.filter(({ content }) => content.kind === 'message'), []);
  });

  it('A12 room merge: names that are written alike are one room, others are none or another', async () => {
    for (const name of ['DEN@Conference.Far.Example', 'xmpp:den@conference.far.example', 'xmpp:den@conference.far.example?join'])
      equal(server.core.rooms.byName(name), server.room(den), name);
    for (const name of [
      'den@conference.far.example.',
      'den@conference.far.example/x',
      '@conference.far.example',
      'd en@conference.far.example',
      'den@@x',
      'den@chat.example',
      'den@users.chat.example',
      'de\u202en@conference.far.example',
    ])
      equal(name.endsWith('.') || server.core.rooms.byName(name) === undefined, true, name);
    equal(server.core.rooms.byName('den'), undefined);
    await rejects(anna.join('den@chat.example'), /bad-name/);
    // Nicks that hide or reorder text are those of nobody.
    for (const nick of ['b\u202eert', 'x\u200b', '', '\u2028'])
      await side.say(
        `<presence from='${den}/${nick}' to='${jid}'><x xmlns='${user}'><item role='participant' affiliation='none'/></x></presence>`,
      );
    deepEqual(server.nicks(den), ['anna', 'bert']);
  });

  it('A18 loops: our own rooms are our own, and two servers with a copy of each other do not feed each other', async () => {
    await anna.join('lounge@rooms.chat.example');
    equal(server.core.aliases.alias('lounge', 'lounge@rooms.chat.example').ok, false);
    // The other server has a copy of our hall, of which ours is a copy: its people may not come by ours.
    server.core.aliases.alias('hall', 'hall@conference.far.example');
    await side.say(
      `<presence from='eve@conference.far.example/x' to='hall@rooms.chat.example/eve'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
    );
    deepEqual(server.nicks('hall'), []);
    const answer = await side.heard((stanza) => stanza.attrs['to'] === 'eve@conference.far.example/x');
    equal(answer.getChild('error')?.getChildText('gone'), 'xmpp:hall@conference.far.example', 'they are told where it is');
    // By an escaped address nobody comes into rooms elsewhere.
    await side.say(
      `<presence from='eve@conference.far.example/x' to='den\\40conference.far.example@rooms.chat.example/eve'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
    );
    deepEqual(server.nicks(den), ['anna', 'bert']);
  });

  it('A18 floods: a room brings no more people than one domain may', async () => {
    await server.stop();
    server = await openServer();
    side = new MucSide(server);
    ({ muc } = side);
    for (let count = 0; count < 2_100; count++) muc.joins(`p${count}`);
    await startBeside(server, side);
    anna = await server.guest('anna');
    await enter(anna);
    equal(server.room(den).members.size, 2_001);
    muc.says('p2099', 'unseen');
    muc.says('p0', 'seen');
    await server.settle();
    deepEqual(
      (await records()).map(({ text }) => text),
      ['seen'],
    );
  });
});
