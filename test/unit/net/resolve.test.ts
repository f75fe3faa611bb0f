import { expect } from 'chai';
import { startOddDns, type OddDns, type OddRecord } from '../../support/odd-dns.ts';
import { testNet, type TestNet } from './support.ts';

describe('the way to a service (RFC 2782, XEP-0368)', () => {
  let dns: OddDns | undefined;
  let test: TestNet | undefined;
  afterEach(async () => {
    dns?.stop();
    await test?.stop();
  });

  async function start(zone: Readonly<Record<string, readonly OddRecord[]>>): Promise<() => Promise<string>> {
    dns = await startOddDns((name) => zone[name] ?? []);
    test = await testNet({ dnsServers: [dns.address] });
    const { net } = test;
    return async () => {
      const found = await net.resolve({
        domain: 'Peer.Example',
        service: '_xmpp-server._tcp',
        directTlsService: '_xmpps-server._tcp',
        fallbackPort: 5269,
      });
      return found.map(({ host, port, directTls }) => `${host}:${port}${directTls ? ' tls' : ''}`).join(', ');
    };
  }

  it('takes both services together, by priority', async () => {
    const resolve = await start({
      '_xmpp-server._tcp.peer.example': [
        { type: 'SRV', target: ['late', 'example'], port: 3, priority: 30 },
        { type: 'SRV', target: ['first', 'example'], port: 1, priority: 5 },
      ],
      '_xmpps-server._tcp.peer.example': [{ type: 'SRV', target: ['second', 'example'], port: 2, priority: 20 }],
    });
    expect(await resolve()).to.equal('first.example:1, second.example:2 tls, late.example:3');
  });

  it('takes the same priority by weight, in the long run', async () => {
    const resolve = await start({
      '_xmpp-server._tcp.peer.example': [
        { type: 'SRV', target: ['heavy', 'example'], weight: 90 },
        { type: 'SRV', target: ['light', 'example'], weight: 10 },
      ],
    });
    let heavyFirst = 0;
    for (let i = 0; i < 100; i++) {
      const found = await resolve();
      expect(found.split(', ').toSorted()).to.deep.equal(['heavy.example:5269', 'light.example:5269']);
      if (found.startsWith('heavy')) heavyFirst++;
    }
    expect(heavyFirst).to.be.within(65, 100);
  });

  it('without any record it is the domain itself, and an address is an address', async () => {
    const resolve = await start({});
    expect(await resolve()).to.equal('peer.example:5269');
    const ask = (domain: string): Promise<unknown> => test!.net.resolve({ domain, service: '_x._tcp', fallbackPort: 7 });
    expect(await ask('192.0.2.7')).to.deep.equal([{ host: '192.0.2.7', port: 7, directTls: false }]);
    expect(await ask('[2001:db8::7]')).to.deep.equal([{ host: '2001:db8::7', port: 7, directTls: false }]);
    const asked = dns!.asked();
    await ask('bücher.example');
    expect(dns!.asked()).to.be.above(asked);
  });
});
