/** What the configuration allows a domain, and how much of everything one domain may bring. */
import { expect } from 'chai';
import type { UserAddress } from '../../server/model/address.ts';
import { guest, quiet, text, value } from '../unit/core/support.ts';
import { certificate, condition, enterStanza, far, header, lounge, own, rooms, xmppWorld, type World } from '../unit/xmpp/support.ts';

const other = 'other.example';

describe('what one XMPP domain is allowed', () => {
  let world: World;
  afterEach(() => world.stop());

  const offered = (from: string, tls?: Parameters<World['accept']>[0]): string => {
    const line = world.accept(tls);
    line.receive(header(rooms, from));
    return line.out;
  };

  it('A8 policy: one domain needs TLS or a certificate though others do not, and the other way round', async () => {
    world = await xmppWorld({
      require_tls: false,
      peers: [
        { domain: far, require_tls: true },
        { domain: 'bank.example', authentication: 'certificate' },
      ],
    });
    expect(offered(far)).to.include('<required').and.not.include('urn:xmpp:features:dialback');
    expect(offered(other)).to.include('urn:xmpp:features:dialback').and.not.include('<required');
    expect(offered('bank.example', certificate([], false))).to.not.include('urn:xmpp:features:dialback');
    expect(offered('bank.example', certificate(['bank.example']))).to.include('EXTERNAL');
    // Whoever names nobody in the header does not get round it.
    const sly = world.accept();
    sly.receive(header(rooms, other));
    sly.receive(`<db:result from='${far}' to='${rooms}'>key</db:result>`);
    await quiet();
    expect(sly.out).to.include('policy-violation').and.not.include("type='valid'");
    // Towards it no more than from it: nothing is said without TLS.
    const wanda = guest(world.core, 'wanda');
    const server = world.server(far);
    value(await world.core.users.sendPrivate(wanda.session.user, `xmpp:alice@${far}` as UserAddress, text('secret'), wanda.session));
    await quiet();
    expect(server.stanzas).to.deep.equal([]);
    expect(wanda.take().join()).to.include('TLS is needed');
  });

  it('A8 policy: one domain may do without TLS though others need it', async () => {
    world = await xmppWorld({ require_tls: true, peers: [{ domain: far, require_tls: false }] });
    expect(offered(far)).to.include('urn:xmpp:features:dialback').and.not.include('<required');
    expect(offered(other)).to.include('<required').and.not.include('urn:xmpp:features:dialback');
  });

  it('A8 policy: a blocked domain is heard by no way, and written to by none', async () => {
    world = await xmppWorld({ peers: [{ domain: far, blocked: true }] });
    expect(offered(far)).to.include('policy-violation');
    const line = await world.proved(other);
    line.receive(`<db:result from='${far}' to='${rooms}'>key</db:result>`);
    await quiet();
    expect(line.out).to.include('forbidden');
    const wanda = guest(world.core, 'wanda');
    value(await world.core.users.sendPrivate(wanda.session.user, `xmpp:alice@${far}` as UserAddress, text('hello'), wanda.session));
    await quiet();
    expect(wanda.take().join()).to.include('is not spoken with');
    expect(world.dialled.map(({ host }) => host)).to.not.include(far);
  });

  it('A2 size: the largest stanza is what the domain may send, on a shared stream the smaller', async () => {
    world = await xmppWorld({ stanza_bytes: 100_000, peers: [{ domain: far, stanza_bytes: 20_000 }] });
    const message = (from: string, size: number): string =>
      `<message from='a@${from}/1' to='${lounge}' type='chat'><body>${'x'.repeat(size)}</body></message>`;
    const line = await world.proved(other);
    line.receive(message(other, 50_000));
    expect(line.closed).to.equal(false);
    world.server(far);
    line.receive(`<db:result from='${far}' to='${rooms}'>key</db:result>`);
    await quiet();
    line.receive(message(other, 19_000));
    expect(line.closed).to.equal(false);
    line.receive(message(other, 50_000));
    expect(line.streamError).to.equal('policy-violation');
  });

  it('A18 floods: a domain that sends faster than it may is read later, and others are not', async () => {
    world = await xmppWorld({ peers: [{ domain: far, bytes_per_second: 1_000, bytes_at_once: 20_000 }] });
    const slow = await world.proved(far);
    const quick = await world.proved(other);
    for (const line of [slow, quick]) for (let each = 0; each < 30; each++) line.receive(' '.repeat(1_000));
    expect([slow.paused, quick.paused]).to.deep.equal([true, false]);
    world.clock.advance(60_000);
    expect(slow.paused).to.equal(false);
  });

  it('A18 floods: a domain brings so many people and so many clients, and room becomes free again', async () => {
    world = await xmppWorld({ people_per_domain: 5, occupants_per_domain: 7, peers: [{ domain: other, people: 2 }] });
    const enter = async (who: string, nick: string, through: Awaited<ReturnType<World['proved']>>): Promise<string> => {
      const domain = who.split('@')[1]!.split('/')[0]!;
      world.server(domain).take();
      through.receive(enterStanza(who, `${lounge}/${nick}`));
      await quiet();
      const error = world
        .server(domain)
        .take()
        .find((stanza) => stanza.attrs['type'] === 'error');
      return error === undefined ? 'inside' : (condition(error) ?? 'error');
    };
    const line = await world.proved(far);
    for (let each = 0; each < 5; each++) expect(await enter(`user${each}@${far}/1`, `user${each}`, line)).to.equal('inside');
    expect(await enter(`user5@${far}/1`, 'user5', line)).to.equal('resource-constraint');
    expect(await enter(`user0@${far}/2`, 'user0', line)).to.equal('inside');
    expect(await enter(`user0@${far}/3`, 'user0', line)).to.equal('inside');
    expect(await enter(`user0@${far}/4`, 'user0', line)).to.equal('resource-constraint');
    line.receive(`<presence type='unavailable' from='user1@${far}/1' to='${lounge}/user1'/>`);
    await quiet();
    expect(await enter(`user0@${far}/4`, 'user0', line)).to.equal('inside');
    // One left, so one may come; who is not known beyond that writes to nobody, who is known does.
    const people = await world.proved(far, own);
    const wanda = guest(world.core, 'wanda');
    people.receive(`<message from='newcomer@${far}/1' to='wanda@${own}' type='chat'><body>hello</body></message>`);
    people.receive(`<message from='stranger@${far}/1' to='wanda@${own}' type='chat'><body>spam</body></message>`);
    people.receive(`<message from='user2@${far}/1' to='wanda@${own}' type='chat'><body>hello</body></message>`);
    await quiet();
    expect(wanda.take()).to.deep.equal(['private <newcomer> to wanda: hello', 'private <user2> to wanda: hello']);
    // Another domain has its own measure.
    const elsewhere = await world.proved(other);
    for (const [each, expected] of ['inside', 'inside', 'resource-constraint'].entries())
      expect(await enter(`person${each}@${other}/1`, `person${each}`, elsewhere)).to.equal(expected);
  });

  it('A18 floods: all domains together bring so many people', async () => {
    world = await xmppWorld({ people: 3 });
    for (let each = 0; each < 5; each++) {
      const line = await world.proved(`d${each}.example`);
      line.receive(enterStanza(`a@d${each}.example/1`, `${lounge}/a${each}`));
      await quiet();
    }
    expect([...world.core.rooms.byName('lounge')!.members.values()].map(({ nick }) => nick)).to.deep.equal(['a0', 'a1', 'a2']);
  });
});
