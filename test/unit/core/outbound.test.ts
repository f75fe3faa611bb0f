/** The outbound log of a network: what must cross to it and belongs to no room. */
import { expect } from 'chai';
import type { Network, NetworkHandler } from '../../../server/contract/networks.ts';
import type { Core } from '../../../server/core.ts';
import type { NetworkAddress, UserAddress } from '../../../server/model/address.ts';
import { openMemoryStorage } from '../../../storage/memory/index.ts';
import { guest, quiet, refusalOf, testCore, text, value } from './support.ts';

const address = 'xmpp:far.example' as NetworkAddress;
const alice = 'xmpp:alice@far.example' as UserAddress;

const bob = 'xmpp:bob@far.example' as UserAddress;

function declare(core: Core, shown: number[] = [], waits: NetworkHandler['privateMessageWaits'] = () => undefined): Network {
  const handler: NetworkHandler = {
    privateMessage: (record) => shown.push(record.number),
    privateMessageWaits: waits,
    unicast: () => undefined,
    userChanged: () => undefined,
    killed: () => undefined,
  };
  const network = core.networks.declare({ address, title: 'far.example', label: 'far.example' }, handler);
  network.introduce([{ address: alice, nick: 'alice', ident: 'alice', host: 'far.example', realName: 'alice' }]);
  return network;
}

describe('the outbound log of a network', () => {
  it('is read after a number, and is still there after a restart, whether the network is declared or not', async () => {
    const storage = openMemoryStorage();
    const { core } = await testCore({ storage });
    const shown: number[] = [];
    const network = declare(core, shown);
    expect([...core.networks.outbound()]).to.deep.equal([]);
    expect([network.outbound.last, await network.outbound.read(0, 10)]).to.deep.equal([0, []]);
    const wanda = guest(core, 'wanda');
    const sent = [1, 2, 3].map((each) => core.users.sendPrivate(wanda.session.user, alice, text(`message ${each}`), wanda.session));
    // What has a number is durable and shown before it is read.
    const read = await network.outbound.read(1, 10);
    expect(read.map(({ number, content }) => [number, content.kind === 'private' && content.text.plain])).to.deep.equal([
      [2, 'message 2'],
      [3, 'message 3'],
    ]);
    expect(shown).to.deep.equal([1, 2, 3]);
    expect((await network.outbound.read(0, 2)).map(({ number }) => number)).to.deep.equal([1, 2]);
    expect(network.outbound.last).to.equal(3);
    for (const each of sent) value(await each);
    await quiet();

    const again = await testCore({ storage });
    expect([...again.core.networks.outbound()]).to.deep.equal([[address, 3]]);
    expect((await declare(again.core).outbound.read(2, 10)).map(({ number }) => number)).to.deep.equal([3]);
  });

  it('holds what is written to somebody out of reach whom the resolver expects back', async () => {
    const { core } = await testCore();
    const shown: number[] = [];
    const waiting: string[] = [];
    const network = declare(core, shown, (record) => waiting.push(`${record.content.to.nick} at ${record.content.to.address}`));
    network.split([...network.users.values()], 'here', 'there');
    const wanda = guest(core, 'wanda');
    expect(refusalOf(await core.users.sendPrivate(wanda.session.user, alice, text('hello')))).to.equal('no-such-user');
    core.networks.resolver('xmpp', (wanted) => (wanted === alice ? { expectedBy: address, nick: 'Alice' } : undefined));
    value(await core.users.sendPrivate(wanda.session.user, alice, text('hello')));
    expect(refusalOf(await core.users.sendPrivate(wanda.session.user, bob, text('hello')))).to.equal('no-such-user');
    expect(wanda.take()).to.deep.equal(['private <wanda> to Alice: hello']);
    expect([waiting, shown]).to.deep.equal([[`Alice at ${alice}`], []]);
    expect((await network.outbound.read(0, 10)).map(({ content }) => content.kind)).to.deep.equal(['private']);
    expect(core.users.count.foreign).to.equal(0);
  });
});
