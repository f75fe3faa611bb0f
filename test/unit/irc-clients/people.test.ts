/** Everybody as IRC clients see them. */
import { expect } from 'chai';
import { Encoder } from '../../../plugins/irc-clients/encode.ts';
import { People } from '../../../plugins/irc-clients/people.ts';
import type { Host } from '../../../server/plugin.ts';
import { ircNetworkAddress, ircUserAddress, parseDomain } from '../../../server/model/address.ts';
import type { UserChange } from '../../../server/model/event.ts';
import { signedIn, testCore, value } from '../core/support.ts';

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
});
