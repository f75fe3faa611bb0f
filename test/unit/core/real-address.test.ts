/** Who may know the address of somebody of another server. Threat class A13. */
import { expect } from 'chai';
import { mayKnowAddress } from '../../../server/contract/real-address.ts';
import type { NetworkHandler } from '../../../server/contract/networks.ts';
import { parseDomain, xmppNetworkAddress, xmppUserAddress } from '../../../server/model/address.ts';
import { openServer } from '../../kit/index.ts';
import { value } from './support.ts';

const silent: NetworkHandler = {
  privateMessage: () => undefined,
  unicast: () => undefined,
  userChanged: () => undefined,
  killed: () => undefined,
};

describe('addresses of people of other servers', () => {
  it('are for moderators of a room where both are, for administrators, and for all in a room that shows them', async () => {
    const server = await openServer({ rooms: ['lounge', 'elsewhere'] });
    const { rooms, networks } = server.core;
    const far = parseDomain('far.example');
    const network = networks.declare({ address: xmppNetworkAddress(far), title: 'Far', label: 'far' }, silent);
    const [alice] = network.introduce([
      { address: xmppUserAddress('alice', far), nick: 'Al', ident: 'xmpp', host: 'x.far.example', realName: 'Al' },
    ]);
    const inside = await server.guest('inside', 'lounge');
    const outside = await server.guest('outside', 'elsewhere');
    const host = await server.member('host', { administrator: true });
    const knowing = (): string[] =>
      [inside, outside, host].filter((person) => mayKnowAddress(person.user, alice!)).map((person) => person.user.nick);
    expect(knowing()).to.deep.equal(['host']);
    value(await rooms.join(alice!, 'lounge'));
    expect(knowing()).to.deep.equal(['host']);
    await host.join('lounge');
    value(await rooms.grant(host.user, server.room('lounge'), inside.user.id, { operator: true }));
    value(await rooms.grant(host.user, server.room('lounge'), alice!.id, { operator: true }));
    expect(knowing()).to.deep.equal(['inside', 'host']);
    value(await rooms.grant(host.user, server.room('lounge'), inside.user.id, { operator: false }));
    expect(knowing()).to.deep.equal(['host']);
    value(await rooms.configure(host.user, server.room('lounge'), { nonAnonymous: true }));
    expect(knowing()).to.deep.equal(['inside', 'host']);
    expect(mayKnowAddress(outside.user, inside.user)).to.equal(true);
    await server.stop();
  });
});
