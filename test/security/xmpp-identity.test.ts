/** Servers that are not who they say, and stanzas that say they are from elsewhere. */
import { expect } from 'chai';
import { Resolver } from 'node:dns/promises';
import { dialbackKey } from '../../plugins/xmpp/stream/dialback.ts';
import { DialError } from '../../server/contract/net.ts';
import { resolveService } from '../../server/net/dial.ts';
import { certificate, enterStanza, far, header, lounge, own, rooms, xmppWorld, type Line, type World } from '../unit/xmpp/support.ts';
import { guest, quiet, value, type Recorder } from '../unit/core/support.ts';

const external = (claim: string): string =>
  `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>${claim === '=' ? claim : Buffer.from(claim).toString('base64')}</auth>`;

describe('XMPP servers', () => {
  let world: World;
  let wanda: Recorder;

  const begin = async (config: Record<string, unknown> = {}): Promise<void> => {
    world = await xmppWorld(config);
    wanda = guest(world.core, 'wanda');
    value(await world.core.rooms.join(wanda.session.user, 'lounge', { session: wanda.session }, wanda));
    await quiet();
    wanda.take();
  };
  beforeEach(() => begin());
  afterEach(() => world.stop());

  const speech = (from = `mallory@${far}/x`, to = lounge): string =>
    `${enterStanza(from, `${to}/mallory`)}<message from='${from}' to='${to}' type='groupchat'><body>heard</body></message>`;
  /** Nothing reached the room, and nobody was introduced. */
  const unheard = async (): Promise<void> => {
    await quiet();
    expect(wanda.take()).to.deep.equal([]);
    expect(world.core.users.count.foreign).to.equal(0);
  };
  const named = (name: string): void => void expect(JSON.stringify(world.log)).to.include(name);
  const verdictOf = (line: Line): unknown => line.elements.findLast((element) => element.name === 'db:result')?.attrs['type'];

  it('A8 impersonation: a key that the real server did not make proves nothing, and ends the stream', async () => {
    world.server(far).verdict = () => 'invalid';
    const line = world.accept();
    line.receive(`${header(rooms)}<db:result from='${far}' to='${rooms}'>forged</db:result>`);
    await quiet();
    expect(verdictOf(line)).to.equal('invalid');
    expect(line.streamError).to.equal('not-authorized');
    line.receive(speech());
    await unheard();
    named(far);
  });

  it('A8 impersonation: the proof counts for that very domain, not for one that begins or ends alike', async () => {
    for (const from of [`mallory@sub.${far}/x`, `mallory@x${far}/x`, `mallory@${far}.evil.example/x`, `mallory@evil.example/${far}`]) {
      const line = await world.proved();
      line.receive(speech(from));
      expect(line.streamError, from).to.equal('invalid-from');
      await unheard();
      named('that domain was not proved');
    }
  });

  it('A8 impersonation: the proof counts for the domain of ours that it named, and no relaying', async () => {
    const line = await world.proved(far, own);
    line.receive(speech());
    expect(line.streamError).to.equal('invalid-from');
    await unheard();
    const relay = await world.proved();
    relay.receive(`<message from='a@${far}/x' to='b@third.example'><body>x</body></message>`);
    expect(relay.streamError).to.equal('host-unknown');
    expect(world.dialled.map((options) => options.host)).to.not.include('third.example');
  });

  it('A8 impersonation: the same name in other letters is the same name', async () => {
    const line = await world.proved();
    line.receive(enterStanza(`Mallory@FAR.Example./x`, `Lounge@ROOMS.${own}/mallory`));
    await quiet();
    expect(wanda.take()).to.deep.equal(['lounge joined mallory']);
    expect(line.closed).to.equal(false);
  });

  it('A8 impersonation: nobody speaks for us, nor for a domain that is blocked', async () => {
    await world.stop();
    await begin({ blocked: ['bad.example'] });
    for (const name of [own, rooms, 'bad.example']) {
      const line = world.accept();
      line.receive(header(rooms, name));
      expect(line.streamError, name).to.equal('policy-violation');
      const other = world.accept();
      other.receive(`${header(rooms)}<db:result from='${name}' to='${rooms}'>k</db:result>`);
      await quiet();
      expect(verdictOf(other), name).to.equal('error');
      expect(world.dialled).to.deep.equal([]);
    }
    await unheard();
  });

  it('A8 impersonation: an answer that nobody waits for, or for another stream, is not believed', async () => {
    const server = world.server(far);
    server.verdict = () => 'silence';
    const line = world.accept();
    line.receive(`${header(rooms)}<db:result from='${far}' to='${rooms}'>k</db:result>`);
    await quiet();
    // On the stream itself that wants to be believed.
    const asked = server.lines[0]!.elements.find((element) => element.name === 'db:verify')!;
    // From another domain's stream, with another id, with the names exchanged; then once as asked, after which the same proves nothing more.
    const answer = (from: string, to: string, id: unknown): string =>
      `<db:verify from='${from}' to='${to}' id='${String(id)}' type='valid'/>`;
    for (const text of [
      answer(far, rooms, 'other'),
      answer(rooms, far, asked.attrs['id']),
      answer('evil.example', rooms, asked.attrs['id']),
      answer(far, own, asked.attrs['id']),
      `<db:result from='${far}' to='${rooms}' type='maybe'/>`,
    ])
      server.lines[0]!.receive(text);
    await quiet();
    expect(verdictOf(line)).to.equal(undefined);
    line.receive(answer(far, rooms, asked.attrs['id']));
    expect(line.streamError).to.equal('improper-addressing');
    await unheard();
  });

  it('A8 impersonation: what comes on a stream that we opened is no stanza', async () => {
    await world.proved();
    for (const line of world.server(far).lines) line.receive(speech());
    await unheard();
  });

  it('A8 impersonation: we say valid only of keys that we made, for that domain and that stream', () => {
    const line = world.accept();
    line.receive(header(own));
    const secret = world.core.secret('dialback');
    const ask = (to: string, id: string, key: string): unknown => {
      line.receive(`<db:verify from='${far}' to='${to}' id='${id}'>${key}</db:verify>`);
      return line.elements.at(-1)!.attrs['type'];
    };
    expect(ask(rooms, 'id', dialbackKey(secret, far, rooms, 'id'))).to.equal('valid');
    expect(ask(own, 'id', dialbackKey(secret, far, rooms, 'id'))).to.equal('invalid');
    expect(ask(rooms, 'id2', dialbackKey(secret, far, rooms, 'id'))).to.equal('invalid');
    expect(ask(rooms, 'id', dialbackKey(secret, 'other.example', rooms, 'id'))).to.equal('invalid');
    expect(ask(rooms, 'id', '')).to.equal('invalid');
    expect(ask('third.example', 'id', dialbackKey(secret, far, 'third.example', 'id'))).to.equal('error');
    expect(line.admitted).to.equal(false);
  });

  it('A7 identity: EXTERNAL is taken from who shows a certificate for that name, as that name', async () => {
    const line = world.accept(certificate([far]));
    line.receive(header(rooms));
    expect(line.out).to.include('EXTERNAL');
    line.receive(external('other.example'));
    expect(line.out).to.include('invalid-authzid');
    line.receive(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>`);
    expect(line.out).to.include('invalid-mechanism');
    line.receive(external(far));
    expect(line.out).to.include('<success');
    line.receive(header(rooms));
    line.receive(external(far));
    expect(line.streamError).to.equal('policy-violation');
    await unheard();
  });

  for (const [what, facts] of [
    ['none', undefined],
    ['one for another name', certificate(['other.example'])],
    ['one for a name above', certificate(['example'])],
    ['one that nobody vouches for', certificate([far], false)],
  ] as const) {
    it(`A7 identity: with ${what} as its certificate a server proves nothing where certificates are demanded`, async () => {
      await world.stop();
      await begin({ authentication: 'certificate' });
      world.server(far);
      const line = world.accept(facts);
      line.receive(header(rooms));
      expect(line.out).to.not.include('EXTERNAL').and.not.include('features:dialback');
      line.receive(external(far));
      line.receive(external('='));
      expect(line.out).to.include('not-authorized').and.not.include('<success');
      line.receive(`<db:result from='${far}' to='${rooms}'>k</db:result>`);
      await quiet();
      expect(verdictOf(line)).to.equal('error');
      line.receive(speech());
      expect(line.streamError).to.equal('not-authorized');
      await unheard();
      expect(world.dialled).to.deep.equal([]);
    });
  }

  it('A7 identity: a proof by certificate is for the names of the stream, more needs more', async () => {
    world.server('second.example').verdict = () => 'invalid';
    const line = world.accept(certificate([far]));
    line.receive(header(rooms));
    line.receive(external('='));
    line.receive(header(rooms, 'second.example'));
    line.receive(speech('mallory@second.example/x'));
    expect(line.streamError).to.equal('invalid-from');
    await unheard();
  });

  it('A8 impersonation: what is for a domain goes to no server that has not its certificate, where certificates are demanded', async () => {
    await world.stop();
    await begin({ authentication: 'certificate', require_tls: false });
    world.server(far);
    value(
      await world.core.users.sendPrivate(wanda.session.user, `xmpp:bob@${far}` as never, {
        text: { plain: 'secret', spans: [] },
        style: 'normal',
      }),
    );
    await quiet();
    expect(world.server(far).stanzas).to.deep.equal([]);
    expect(world.server(far).lines[0]!.out).to.include('not-authorized').and.not.include('secret');
    expect(wanda.take().at(-1)).to.match(/not delivered/);
  });

  it('A23 DNS data: what is no host name is not dialled, and too many answers are cut', async () => {
    class Odd extends Resolver {
      answers: { name: string; port: number; priority: number; weight: number }[] = [];
      override resolveSrv = (): Promise<typeof this.answers> => Promise.resolve(this.answers);
    }
    const odd = new Odd();
    const ask = () => resolveService({ domain: far, service: '_xmpp-server._tcp', fallbackPort: 5269 }, odd);
    const record = (name: string, port = 5269) => ({ name, port, priority: 0, weight: 0 });
    odd.answers = [
      ...['a b.example', 'a\r\nb.example', 'a\u0000.example', '', '.', '-a.example', `${'a'.repeat(64)}.example`, `${'a.'.repeat(127)}aa`],
      ...['http://a.example', 'a.example/x', 'a.example:25', 'user@a.example', '../a', '[::1]'],
    ].map((name) => record(name));
    await ask().then(
      () => expect.fail('it answered'),
      (error: unknown) => expect(error).to.be.instanceOf(DialError),
    );
    odd.answers = [record('good.example'), record('good2.example', 0), record('bad name')];
    expect(await ask()).to.deep.equal([{ host: 'good.example', port: 5269, directTls: false }]);
    odd.answers = Array.from({ length: 1_000 }, (_, index) => record(`h${index}.example`));
    expect(await ask()).to.have.lengthOf(16);
    for (const domain of ['a b', 'x'.repeat(300), 'a..b'])
      await resolveService({ domain, service: '_xmpp-server._tcp', fallbackPort: 5269 }, odd).then(
        () => expect.fail('it answered'),
        (error: unknown) => expect(error).to.be.instanceOf(DialError),
      );
  });
});
