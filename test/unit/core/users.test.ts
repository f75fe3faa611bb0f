import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { expect } from 'chai';
import { defaultCoreLimits } from '../../../server/core.ts';
import { userAddress, parseDomain } from '../../../server/model/address.ts';
import { guest, quiet, Recorder, refusalOf, signedIn, testCore, text, value } from './support.ts';

const connection = { client: 'test', remoteAddress: '192.0.2.1', secure: true };

describe('users', () => {
  it('keep nicks unique, and account names for their owners', async () => {
    const { core } = await testCore();
    value(await core.accounts.register('Alice', 'correct horse', '192.0.2.1'));
    guest(core, 'bob');
    expect(refusalOf(core.users.connectGuest({ ...connection, nick: 'BOB' }, new Recorder()))).to.equal('nick-in-use');
    expect(refusalOf(core.users.connectGuest({ ...connection, nick: 'alice' }, new Recorder()))).to.equal('name-taken');
    expect(refusalOf(core.users.connectGuest({ ...connection, nick: 'a b' }, new Recorder()))).to.equal('bad-nick');
    expect(refusalOf(core.users.connectGuest({ ...connection, nick: 'NickServ' }, new Recorder()))).to.equal('bad-nick');
    expect(value(core.users.connectGuest({ ...connection, nick: 'bob', anyNick: true }, new Recorder())).user.nick).to.equal('bob_2');
  });

  it('give a guest its address back by token, also after it left, and nobody else', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const { address } = ann.session.user;
    const token = core.users.guestToken(ann.session);
    core.users.disconnect(ann.session, 'lost');
    await quiet();
    const again = value(core.users.connectGuest({ ...connection, nick: 'ann', token }, new Recorder()));
    expect(again.user.address).to.equal(address);
    const forged = token.replace(/^guest-./, (head) => (head.endsWith('0') ? 'guest-1' : 'guest-0'));
    expect(refusalOf(core.users.connectGuest({ ...connection, nick: 'eve', token: forged }, new Recorder()))).to.equal('bad-credentials');
  });

  it('let a user linger for a reconnect and then quit', async () => {
    const { core, clock } = await testCore();
    const ann = guest(core, 'ann');
    const bob = guest(core, 'bob');
    await core.rooms.join(ann.session.user, 'lounge');
    await core.rooms.join(bob.session.user, 'lounge');
    const token = core.users.guestToken(ann.session);
    core.users.disconnect(ann.session, 'lost', 10_000);
    clock.advance(5_000);
    const again = new Recorder();
    again.session = value(core.users.connectGuest({ ...connection, nick: 'ann', token }, again));
    clock.advance(60_000);
    await quiet();
    expect(again.take()).to.deep.equal(['attached lounge']);
    core.users.disconnect(again.session, 'lost again', 10_000);
    clock.advance(10_000);
    await quiet();
    expect(bob.take()).to.include('quit ann: lost again').and.not.include('quit ann: lost');
  });

  it('send private messages to all sessions of both, and keep those of accounts', async () => {
    const { core } = await testCore();
    value(await core.accounts.add('alice', 'correct horse', false));
    value(await core.accounts.add('bob', 'battery staple', false));
    const phone = signedIn(core, 'alice');
    const desk = signedIn(core, 'alice');
    const domain = parseDomain('chat.example');
    value(await core.users.sendPrivate(phone.session.user, userAddress(domain, 'bob'), text('are you there?'), phone.session));
    const bob = signedIn(core, 'bob');
    value(await core.users.sendPrivate(bob.session.user, phone.session.user.address, text('now I am'), bob.session));
    await quiet();
    expect(phone.take()).to.deep.equal(['private <alice> to bob: are you there? (own)', 'private <bob> to alice: now I am']);
    expect(desk.take()).to.deep.equal(['private <alice> to bob: are you there?', 'private <bob> to alice: now I am']);
    const kept = await core.users.readPrivate(bob.session.user, { limit: 10 });
    expect(kept.map((record) => (record.content.kind === 'private' ? record.content.text.plain : ''))).to.deep.equal([
      'are you there?',
      'now I am',
    ]);
    expect(refusalOf(await core.users.sendPrivate(bob.session.user, userAddress(domain, 'nobody'), text('hello')))).to.equal(
      'no-such-user',
    );
  });

  it('keep away, account and profile changes in order for who shares a room', async () => {
    const { core } = await testCore();
    const ann = guest(core, 'ann');
    const bob = guest(core, 'bob');
    const carol = guest(core, 'carol');
    await core.rooms.join(ann.session.user, 'lounge');
    await core.rooms.join(bob.session.user, 'lounge');
    ann.take();
    core.users.setAway(bob.session.user, 'lunch');
    core.users.setAway(bob.session.user, 'lunch');
    core.users.setAway(bob.session.user, null);
    await quiet();
    expect(ann.take().filter((line) => line.startsWith('away'))).to.have.lengthOf(2);
    expect(carol.take()).to.deep.equal([]);
  });
});

describe('accounts', () => {
  it('verify passwords and tokens, and forget tokens with a new password', async () => {
    const { core } = await testCore();
    value(await core.accounts.register('Alice', 'correct horse', '192.0.2.1'));
    expect(value(await core.accounts.verify('ALICE', 'correct horse', '192.0.2.1')).name).to.equal('alice');
    expect(refusalOf(await core.accounts.verify('alice', 'wrong horse', '192.0.2.1'))).to.equal('bad-credentials');
    expect(refusalOf(await core.accounts.verify('nobody', 'wrong horse', '192.0.2.1'))).to.equal('bad-credentials');
    const token = await core.accounts.issueToken('alice');
    expect(value(await core.accounts.verifyToken(token)).name).to.equal('alice');
    expect(refusalOf(await core.accounts.verifyToken(`${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`))).to.equal(
      'bad-credentials',
    );
    value(await core.accounts.setPassword('alice', 'another horse'));
    expect(refusalOf(await core.accounts.verifyToken(token))).to.equal('bad-credentials');
    expect(refusalOf(await core.accounts.register('alice', 'correct horse', '192.0.2.1'))).to.equal('name-taken');
    expect(refusalOf(await core.accounts.register('guest-1', 'correct horse', '192.0.2.1'))).to.equal('bad-name');
    expect(refusalOf(await core.accounts.register('carol', 'short', '192.0.2.1'))).to.equal('bad-credentials');
  });

  it('A7 identity: tokens end, unused for long, by signing out, and when there are very many', async () => {
    const { core, clock, storage } = await testCore({ limits: { ...defaultCoreLimits, tokenDays: 90 } });
    value(await core.accounts.add('alice', 'correct horse', false));
    const day = 86_400_000;
    const used = await core.accounts.issueToken('alice');
    const unused = await core.accounts.issueToken('alice');
    for (let month = 0; month < 12; month++) {
      clock.advance(30 * day);
      expect(refusalOf(await core.accounts.verifyToken(used)), `month ${month}`).to.equal('accepted');
    }
    expect(refusalOf(await core.accounts.verifyToken(unused))).to.equal('bad-credentials');
    clock.advance(-300 * day);
    expect(refusalOf(await core.accounts.verifyToken(unused)), 'when the clock steps back').to.equal('bad-credentials');
    // Signed out by one tab while another one reconnects.
    clock.advance(302 * day);
    await Promise.all([core.accounts.verifyToken(used), core.accounts.revokeToken(used)]);
    expect(refusalOf(await core.accounts.verifyToken(used))).to.equal('bad-credentials');
    const many: string[] = [];
    for (let index = 0; index < 120; index++) {
      many.push(await core.accounts.issueToken('alice'));
      clock.advance(1);
    }
    expect(await storage.entries('core/tokens', '')).to.have.length(100);
    expect(refusalOf(await core.accounts.verifyToken(many[0]!))).to.equal('bad-credentials');
    expect(refusalOf(await core.accounts.verifyToken(many[119]!))).to.equal('accepted');
  });

  it('slow down who guesses', async () => {
    const { core, clock } = await testCore();
    value(await core.accounts.add('alice', 'correct horse', false));
    const exchange = (): Promise<unknown> => core.accounts.sasl('SCRAM-SHA-256', '192.0.2.9').step(Buffer.from('n,,n=alice,r=x'));
    for (let i = 0; i < 20; i++) await core.accounts.verify('alice', `wrong ${i}`, '192.0.2.9');
    expect(refusalOf(await core.accounts.verify('alice', 'correct horse', '192.0.2.9'))).to.equal('too-fast');
    expect(await exchange()).to.deep.equal({ kind: 'failure', reason: 'too-fast' });
    expect(refusalOf(await core.accounts.verify('alice', 'correct horse', '192.0.2.10'))).to.equal('accepted');
    clock.advance(600_000);
    expect(refusalOf(await core.accounts.verify('alice', 'correct horse', '192.0.2.9'))).to.equal('accepted');
  }).timeout(20_000);

  it('A7 identity: PLAIN and SCRAM sign in who proved it, and nobody as another', async () => {
    const { core } = await testCore();
    value(await core.accounts.add('alice', 'correct horse', false));
    value(await core.accounts.add('bob', 'battery staple', false));
    const plain = (message: string): Promise<unknown> => core.accounts.sasl('PLAIN', '192.0.2.1').step(Buffer.from(message));
    expect(await plain('\0alice\0correct horse')).to.deep.include({ kind: 'success' });
    expect(await plain('bob\0alice\0correct horse')).to.deep.equal({ kind: 'failure', reason: 'bad-credentials' });
    expect(await plain('alice\0correct horse')).to.deep.equal({ kind: 'failure', reason: 'malformed' });

    const scram = async (
      user: string,
      password: string,
      change: (final: string) => string = (final) => final,
      header = 'n,,',
    ): Promise<{ kind: string; account?: { name: string }; message?: Buffer }> => {
      const server = core.accounts.sasl('SCRAM-SHA-256', '192.0.2.1');
      const bare = `n=${user},r=clientnonce`;
      const challenge = await server.step(Buffer.from(header + bare));
      if (challenge.kind !== 'challenge') return challenge;
      const sent = challenge.message.toString();
      const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(sent)!;
      const salted = pbkdf2Sync(password, Buffer.from(salt!, 'base64'), Number(iterations), 32, 'sha256');
      const clientKey = createHmac('sha256', salted).update('Client Key').digest();
      const withoutProof = `c=${Buffer.from(header).toString('base64')},r=${nonce}`;
      const signature = createHmac('sha256', createHash('sha256').update(clientKey).digest())
        .update(`${bare},${sent},${withoutProof}`)
        .digest();
      const proof = Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!)).toString('base64');
      return server.step(Buffer.from(change(`${withoutProof},p=${proof}`)));
    };
    const good = await scram('alice', 'correct horse');
    expect(good).to.deep.include({ kind: 'success' });
    expect(good.account!.name).to.equal('alice');
    expect(good.message!.toString()).to.match(/^v=/);
    expect(await scram('alice', 'wrong horse')).to.deep.equal({ kind: 'failure', reason: 'bad-credentials' });
    expect(await scram('nobody', 'correct horse')).to.deep.equal({ kind: 'failure', reason: 'bad-credentials' });
    expect(await scram('alice', 'correct horse', undefined, 'n,a=bob,')).to.deep.equal({ kind: 'failure', reason: 'bad-credentials' });
    expect(await scram('alice', 'correct horse', (final) => final.replace(/r=[^,]+/, 'r=clientnonceother'))).to.deep.equal({
      kind: 'failure',
      reason: 'malformed',
    });
    expect(await scram('alice', 'correct horse', (final) => final.replace(/c=[^,]+/, 'c=eSws'))).to.deep.equal({
      kind: 'failure',
      reason: 'malformed',
    });
    expect(await scram('alice', 'correct horse', undefined, 'p=tls-exporter,,')).to.deep.equal({ kind: 'failure', reason: 'malformed' });
  }).timeout(20_000);
});
