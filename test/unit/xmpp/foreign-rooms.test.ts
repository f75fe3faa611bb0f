/** Our people in a room of another server that a script plays: what counts, what is repeated, and who feeds the log. */
import { deepEqual, equal, match, rejects } from 'node:assert/strict';
import { openServer, type KitServer, type Person } from '../../kit/index.ts';
import type { ScriptedMuc } from '../../support/scripted-muc.ts';
import { ircLinkDialling } from '../kit/adapters.ts';
import { MucSide, startBeside } from '../kit/muc-side.ts';

const den = 'den@conference.far.example';

describe('rooms of other XMPP servers', () => {
  let server: KitServer;
  let side: MucSide;
  let muc: ScriptedMuc;
  let anna: Person;
  async function open(options: ConstructorParameters<typeof MucSide>[1] = {}): Promise<void> {
    server = await openServer();
    side = new MucSide(server, options);
    ({ muc } = side);
    await startBeside(server, side);
    anna = await server.guest('anna');
  }
  beforeEach(() => open());
  afterEach(async () => {
    deepEqual(server.log.atLeast('error'), [], 'the log must hold no error');
    await server.stop();
  });
  const enter = async (who = anna): Promise<void> => {
    const entering = who.join(den);
    await server.settle();
    await entering;
    await server.settle();
  };
  /** What is in the log, for somebody who reads all. */
  const logged = async (): Promise<string[]> => {
    const read = await server.core.rooms.history(undefined, server.room(den), { limit: 1_000, take: 'last' });
    return (read.ok ? read.value : []).flatMap(({ content }) =>
      content.kind === 'message' ? [`<${content.author.nick}> ${content.text.plain}`] : [],
    );
  };
  const bodies = (): (string | null)[] =>
    muc.received.filter((stanza) => stanza.is('message')).flatMap((stanza) => stanza.getChildText('body') ?? []);

  it('log the history on entering, and nothing of it twice when they are entered again', async () => {
    muc.joins('bert');
    muc.says('bert', 'one');
    muc.says('bert', 'two');
    await enter();
    deepEqual(
      anna.take().filter((line) => line.includes('>')),
      [`${den} <bert> one`, `${den} <bert> two`],
    );
    deepEqual(server.nicks(den), ['anna', 'bert']);
    muc.says('bert', 'three');
    await server.settle();
    muc.forget();
    await server.advance(1_000_000);
    muc.says('bert', 'four');
    await server.settle();
    deepEqual(await logged(), ['<bert> one', '<bert> two', '<bert> three', '<bert> four']);
  });

  it('of which nobody gives ids: the same words with the same id are one message', async () => {
    await server.stop();
    await open({ ids: false });
    muc.joins('bert');
    muc.says('bert', 'yes');
    muc.says('bert', 'yes');
    await enter();
    muc.forget();
    await server.advance(1_000_000);
    deepEqual(await logged(), ['<bert> yes', '<bert> yes']);
  });

  it('bounce what they do not take, with the reason', async () => {
    muc.joins('bert');
    await enter();
    muc.forget();
    await rejects(anna.say(den, 'anybody?'), /not-a-member/);
    await server.advance(20_000);
    equal(muc.occupants.has('anna'), true, 'it found out that it is outside, and entered again');
    await anna.say(den, 'somebody?');
    deepEqual(await logged(), ['<anna> somebody?']);
  });

  it('get once more what is missing in their history after a break, and only that', async () => {
    await enter();
    muc.held = [];
    const taken = anna.say(den, 'they have it');
    await server.settle();
    // It is accepted, but nobody of ours is told: the stream breaks in that moment.
    const [accept] = muc.held;
    muc.held = undefined;
    await side.break();
    muc.forget();
    accept!();
    muc.held = [];
    side.listen();
    await side.dial();
    muc.held = undefined;
    await server.advance(130_000);
    await taken;
    deepEqual(bodies(), ['they have it']);
    deepEqual(await logged(), ['<anna> they have it']);
  });

  it('are told again what never arrived', async () => {
    await enter();
    muc.silent = true;
    const said = anna.say(den, 'is it lost?');
    await server.settle();
    muc.silent = false;
    await server.advance(60_000);
    await said;
    deepEqual(bodies(), ['is it lost?', 'is it lost?']);
    deepEqual(await logged(), ['<anna> is it lost?']);
  });

  it('that say nothing at all: the message comes back, and whether they have it is not known', async () => {
    await enter();
    muc.silent = true;
    const said = rejects(anna.say(den, 'hello?'), /unavailable/);
    await server.advance(200_000);
    await said;
    deepEqual(await logged(), []);
  });

  it('are fed by the one who has been inside longest, and by the next when that one leaves', async () => {
    muc.joins('bert');
    await enter();
    const dora = await server.guest('dora');
    await enter(dora);
    muc.says('bert', 'one');
    await server.settle();
    anna.leave(den);
    await server.settle();
    muc.says('bert', 'two');
    await dora.say(den, 'three');
    deepEqual(await logged(), ['<bert> one', '<bert> two', '<dora> three']);
    deepEqual(server.nicks(den), ['bert', 'dora']);
  });

  it('go on from what the next in line has seen, when the one who fed was lost unseen', async () => {
    muc.joins('bert');
    await enter();
    const dora = await server.guest('dora');
    await enter(dora);
    const gone = muc.occupants.get('anna')!;
    muc.occupants.delete('anna');
    muc.says('bert', 'only dora gets this from now on');
    await server.settle();
    deepEqual(await logged(), []);
    await side.say(
      `<presence type='unavailable' from='${den}/anna' to='${gone.jid}'><x xmlns='http://jabber.org/protocol/muc#user'>` +
        `<item affiliation='none' role='none'/><status code='110'/><status code='333'/></x></presence>`,
    );
    deepEqual(await logged(), ['<bert> only dora gets this from now on']);
    await server.advance(10_000);
    equal(muc.occupants.has('anna'), true, 'she came back by herself');
    deepEqual(server.nicks(den), ['anna', 'bert', 'dora']);
  });

  it('are asked after a silence whether we are inside, and entered again when we are not (XEP-0410)', async () => {
    muc.joins('bert');
    await enter();
    muc.forget();
    muc.leaves('bert');
    muc.joins('carl');
    await server.advance(1_000_000);
    deepEqual(server.nicks(den), ['anna', 'carl']);
    equal(muc.occupants.has('anna'), true);
  });

  it('whose server cannot be reached: their people go, words are refused, and all is as before when it is back', async () => {
    muc.joins('bert');
    await enter();
    await side.break();
    muc.forget();
    await server.advance(200_000);
    deepEqual(server.nicks(den), ['anna']);
    await rejects(anna.say(den, 'hello?'), /unavailable/);
    side.listen();
    await side.dial();
    await server.advance(130_000);
    deepEqual(server.nicks(den), ['anna', 'bert']);
    await anna.say(den, 'again');
    equal(bodies().at(-1), 'again');
  });

  it('are what people elsewhere are invited to, by their own address', async () => {
    await enter();
    const invited = server.core.rooms.invite(anna.user, server.room(den), 'xmpp:eve@conference.far.example' as never, 'come');
    equal((await invited).ok, true);
    const invitation = await side.heard((stanza) => stanza.attrs['to'] === 'eve@conference.far.example');
    equal(invitation.getChild('x', 'jabber:x:conference')?.attrs['jid'], den);
  });

  it('are shared with an IRC network under a name here: its people are occupants, and told when they may not be', async () => {
    equal(server.core.aliases.alias('lounge', den).ok, true);
    const network = await ircLinkDialling.open(server);
    muc.joins('bert');
    await network.joins('inga');
    await server.settle();
    match(muc.ours('inga'), /^inga%testnet@users\.chat\.example\//);
    await network.says('inga', 'hello');
    await server.settle();
    equal(bodies().at(-1), 'hello');
    network.saw('');
    muc.says('bert', 'hello inga');
    await server.settle();
    deepEqual(network.saw(''), [{ kind: 'say', nick: 'bert', text: 'hello inga' }]);
    muc.refuses = (nick) => (nick === 'ivan' ? 'forbidden' : undefined);
    await network.joins('ivan');
    await server.settle();
    network.saw('');
    await network.says('ivan', 'can you hear me?');
    await server.settle();
    match(JSON.stringify(network.saw('')), /nobody else got your message\. You are banned/);
    equal(bodies().at(-1), 'hello');
  });

  it('tell the real address of somebody where everybody there sees it, as the room says it, and as no identity', async () => {
    await server.stop();
    await open({ features: ['muc_nonanonymous'] });
    muc.joins('bert');
    await enter();
    await side.say(
      `<presence from='${den}/bert' to='${muc.ours('anna')}'><x xmlns='http://jabber.org/protocol/muc#user'>` +
        `<item affiliation='none' role='participant' jid='bert@home.example/phone'/></x></presence>`,
    );
    const bert = server.room(den).memberByNick('bert')!;
    deepEqual([bert.who.realName, bert.address], ['bert@home.example', `xmpp:${den}/bert`]);
    equal(server.room(den).config.nonAnonymous, true);
  });

  it('are left by who quits, and forgotten with the last', async () => {
    await enter();
    anna.quit();
    await server.settle();
    equal(muc.occupants.has('anna'), false);
    equal(server.core.rooms.byName(den), undefined);
  });

  it('throw out whom they throw out: kicked, banned, or closed', async () => {
    muc.joins('bert');
    await enter();
    muc.kicks('bert', 'anna');
    await server.settle();
    match(anna.take().join('\n'), /kick anna by bert: out/);
    equal(server.core.rooms.byName(den), undefined);
    await enter();
    await side.say(
      `<presence type='unavailable' from='${den}/anna' to='${muc.ours('anna')}'><x xmlns='http://jabber.org/protocol/muc#user'>` +
        `<item affiliation='none' role='none'/><destroy><reason>moved</reason></destroy><status code='110'/></x></presence>`,
    );
    match(anna.take().join('\n'), /kick anna by den@conference\.far\.example: the room is closed: moved/);
  });

  it('that do not answer who wants to enter refuse, and later let in', async () => {
    muc.silent = true;
    const refused = rejects(anna.join(den), /unavailable/);
    await server.advance(60_000);
    await refused;
    equal(server.core.rooms.byName(den), undefined);
    muc.silent = false;
    await enter();
    deepEqual(server.nicks(den), ['anna']);
  });

  it('answer 409 for a nick that is taken: another one is tried, and said', async () => {
    muc.joins('anna');
    await enter();
    deepEqual([...muc.occupants.keys()], ['anna', 'anna (chat.example)']);
    match(anna.take().join('\n'), /is taken/);
    await anna.say(den, 'hello');
    deepEqual(server.nicks(den), ['anna', 'anna']);
  });
});
