/** Addresses of XMPP people, with a real Prosody: rooms promise them that only moderators see these. */
import { expect } from 'chai';
import { addressOf, chief, domain, login, lounge, mucUser, startPair, type Pair } from '../interop/xmpp-pair.ts';
import { nativeGuest, type NativeClient } from '../support/native-client.ts';
import { xml, type XmppClient } from '../support/xmpp-client.ts';

describe('A13 leaks: addresses of XMPP people on the native protocol', function () {
  this.timeout(60_000);
  const jid = 'alice@prosody.example';
  let pair: Pair;
  let alice: XmppClient;
  let owner: NativeClient;
  let guest: NativeClient;
  let hidden: string;

  before(async () => {
    pair = await startPair({ mode: 'dialback' });
  });
  after(() => pair?.stop());
  beforeEach(async () => {
    owner = await chief(pair);
    guest = await nativeGuest(pair.banyan.port('web'), 'gus');
    alice = await login(pair, 'alice');
    await alice.join(lounge, 'Al');
    hidden = await addressOf(guest, 'Al');
  });
  afterEach(async () => {
    await alice.stop();
    await Promise.all([guest.stop(), owner.stop()]);
  });

  const person = async (client: NativeClient, user: string): Promise<Readonly<Record<string, unknown>>> =>
    (await client.must({ type: 'who', user }))['user'] as Record<string, unknown>;

  it('a guest is told none by anything that happens, and by no answer', async () => {
    expect(hidden).to.match(/^hidden:/);
    await alice.say(lounge, 'hello');
    await alice.send(
      xml('message', { to: lounge, type: 'groupchat' }, xml('composing', { xmlns: 'http://jabber.org/protocol/chatstates' })),
    );
    await guest.expectItem('typing', (item) => item['kind'] === 'typing' && item['address'] === hidden);
    const late = await nativeGuest(pair.banyan.port('web'), 'late');
    expect(await addressOf(late, 'Al')).to.equal(hidden);
    const { events } = await late.must({ type: 'history', room: 'lounge' });
    expect(JSON.stringify(events)).to.include('hello').and.include(hidden);

    await alice.send(xml('message', { to: `${lounge}/gus`, type: 'chat' }, xml('body', {}, 'psst'), xml('x', { xmlns: mucUser })));
    await guest.expect('the message', (frame) => frame.type === 'private' && frame['text'] === 'psst');
    await guest.must({ type: 'private', to: hidden, text: 'what?' });
    const answer = await alice.expect('the answer', (stanza) => stanza.getChildText('body') === 'what?');
    await alice.message(String(answer.attrs.from), 'directly');
    await guest.expect('the message', (frame) => frame.type === 'private' && frame['text'] === 'directly');
    expect(JSON.stringify(await guest.must({ type: 'private-history', with: hidden })))
      .to.include('psst')
      .and.include('directly');

    await alice.join(lounge, 'Ally');
    await guest.expect('the nick', (frame) => frame.type === 'user' && frame['kind'] === 'nick');
    expect(await person(guest, hidden)).to.include({ nick: 'Ally', address: hidden, realAddress: null });
    expect(await person(guest, 'Ally')).to.include({ address: hidden, realAddress: null });
    await owner.must({ type: 'affiliation', room: 'lounge', user: hidden, affiliation: 'member' });
    await owner.must({ type: 'grant', room: 'lounge', user: hidden, voice: true });
    await owner.must({ type: 'kick', room: 'lounge', user: hidden, reason: 'enough', ban: true });
    await guest.expectItem('the kick', (item) => item['kind'] === 'kick');
    const { bans } = await guest.must({ type: 'bans', room: 'lounge' });
    expect(bans).to.deep.equal([{ address: hidden }]);
    await owner.must({ type: 'affiliation', room: 'lounge', user: hidden, affiliation: 'none' });
    await alice.join(lounge, 'Al');
    await alice.leave(lounge, 'Al');
    await guest.expectItem('the leave', (item) => item['kind'] === 'left' && item['cause'] === 'leave');
    for (const client of [guest, late]) expect(JSON.stringify(client.frames)).to.not.include(jid).and.not.include('xmpp:');
    await late.stop();
  });

  it('moderators, administrators, and everybody in a room that shows addresses may ask for it', async () => {
    expect(await person(owner, hidden)).to.include({ realAddress: `xmpp:${jid}` });
    await guest.must({ type: 'join', room: 'den' });
    expect(await person(guest, hidden)).to.include({ realAddress: null });
    await alice.join(`den@rooms.${domain}`, 'Al');
    expect(await person(guest, hidden)).to.include({ realAddress: `xmpp:${jid}` });
    await alice.leave(`den@rooms.${domain}`, 'Al');
    await guest.expectItem('the leave', (item) => item['kind'] === 'left');
    expect(await person(guest, hidden)).to.include({ realAddress: null });
    await owner.must({ type: 'affiliation', room: 'lounge', user: `xmpp:${jid}`, affiliation: 'outcast' });
    const { bans } = await owner.must({ type: 'bans', room: 'lounge' });
    expect(bans).to.deep.equal([{ address: `xmpp:${jid}` }]);
    await owner.must({ type: 'affiliation', room: 'lounge', user: `xmpp:${jid}`, affiliation: 'none' });
  });

  it('an address that is guessed is no question that tells who has it, and a forged name is nobody', async () => {
    const refusal = async (question: object): Promise<unknown> => (await guest.ask(question))['code'];
    const forged = `${hidden.slice(0, -3)}AAA`;
    for (const user of [`xmpp:${jid}`, forged, 'xmpp:nobody@prosody.example']) {
      expect(await refusal({ type: 'who', user }), user).to.equal('no-such-user');
      expect(await refusal({ type: 'kick', room: 'lounge', user }), user).to.equal('no-such-user');
      expect(await refusal({ type: 'grant', room: 'lounge', user, voice: true }), user).to.equal('no-such-user');
    }
    expect(await refusal({ type: 'kick', room: 'lounge', user: hidden })).to.equal('not-permitted');
    for (const question of [
      { type: 'private', to: forged, text: 'x' },
      { type: 'private-history', with: forged },
      { type: 'invite', room: 'lounge', user: forged },
      { type: 'affiliation', room: 'lounge', user: forged, affiliation: 'none' },
    ])
      expect(await refusal(question), question.type).to.equal('no-such-user');
    // Whoever knows an address may write to it.
    const { to } = await guest.must({ type: 'private', to: `xmpp:${jid}`, text: 'hello' });
    expect(to).to.include({ address: hidden });
    await alice.expect('it', (stanza) => stanza.getChildText('body') === 'hello');
  });
});
