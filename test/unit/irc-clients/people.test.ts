/** Everybody as IRC clients see them. */
import { expect } from 'chai';
import { Encoder } from '../../../plugins/irc-clients/encode.ts';
import { People } from '../../../plugins/irc-clients/people.ts';
import type { Host } from '../../../server/plugin.ts';
import { ircNetworkAddress, ircUserAddress, parseDomain } from '../../../server/model/address.ts';
import type { UserChange } from '../../../server/model/event.ts';
import { guest, signedIn, testCore, value } from '../core/support.ts';

describe('IRC clients: people', () => {
  it('A7 have an account only if it is one of this server', async () => {
    const { core, clock } = await testCore();
    const domain = parseDomain('chat.example');
    const people = new People({ users: core.users, networks: core.networks, clock, domain } as unknown as Host);
    people.start();
    value(await core.accounts.add('alice', 'correct horse', false));
    const alice = signedIn(core, 'alice');
    expect(people.of(alice.session.user).account).to.equal('alice');
    const address = ircNetworkAddress('testnet', domain);
    const handler = { privateMessage: () => undefined, unicast: () => undefined, userChanged: () => undefined, killed: () => undefined };
    const network = core.networks.declare({ address, title: 'Test', label: 'testnet' }, handler);
    const facts = { address: ircUserAddress(address, 'eve'), nick: 'eve', ident: 'eve', host: 'irc.example', realName: 'Eve' };
    const [eve] = network.introduce([{ ...facts, account: 'alice' }]);
    expect(people.of(eve!).account).to.equal(null);
    const changed: UserChange = { kind: 'account', before: { ...eve!, account: null }, after: eve! };
    expect(new Encoder(people, 'chat.example').userChange(changed, clock.now())).to.deep.equal([]);
  });

  it('who were lost with a network can be written to by the nick for an hour, and make way for who takes it', async () => {
    const { core, clock } = await testCore();
    const domain = parseDomain('chat.example');
    const people = new People({ users: core.users, networks: core.networks, clock, domain } as unknown as Host);
    people.start();
    const address = ircNetworkAddress('testnet', domain);
    const handler = { privateMessage: () => undefined, unicast: () => undefined, userChanged: () => undefined, killed: () => undefined };
    const network = core.networks.declare({ address, title: 'Test', label: 'testnet' }, handler);
    const facts = (nick: string) => ({ address: ircUserAddress(address, nick), nick, ident: nick, host: 'irc.example', realName: nick });
    network.introduce([facts('eve'), facts('dan')]);
    expect([people.byNick('eve')?.nick, people.lostByNick('eve')]).to.deep.equal(['eve', undefined]);
    network.split([...network.users.values()], 'here', 'there');
    people.sweep();
    clock.advance(3_000_000);
    people.sweep();
    expect([people.byNick('eve'), people.lostByNick('eve')?.address]).to.deep.equal([undefined, ircUserAddress(address, 'eve')]);
    guest(core, 'dan');
    expect([people.byNick('dan')?.network, people.lostByNick('dan')]).to.deep.equal([null, undefined]);
    clock.advance(3_000_000);
    people.sweep();
    expect(people.lostByNick('eve')).to.equal(undefined);
  });
});
