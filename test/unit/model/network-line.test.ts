/** The line of a room about a network. */
import { expect } from 'chai';
import type { NetworkAddress } from '../../../server/model/address.ts';
import { networkLine, networkName } from '../../../server/model/network-line.ts';

const network = 'irc:libre@example.org' as NetworkAddress;
const away = { kind: 'network', network, present: false, count: 0, reason: '' } as const;
const back = { ...away, present: true } as const;

describe('the line about a network', () => {
  it('calls one that is not there any more as people know it', () => {
    expect(['xmpp:example.net' as NetworkAddress, network].map(networkName)).to.deep.equal(['example.net', 'libre']);
    expect(networkLine(away)).to.equal('libre is cut off');
  });

  it('says with whom it went, and why; with whom it is back, what crosses and what does not', () => {
    expect(networkLine({ ...away, count: 1, reason: 'Ping timeout' }, 'Libre')).to.equal('Libre is cut off, with 1 person (Ping timeout)');
    expect(networkLine({ ...back, count: 2 }, 'Libre')).to.equal('Libre is linked, with 2 people');
    expect(networkLine({ ...back, crossing: 0, leftOut: 0 }, 'Libre')).to.equal('Libre is linked');
    expect(networkLine({ ...back, crossing: 1, leftOut: 0 }, 'Libre')).to.equal('Libre is linked; 1 message that waited crosses now');
    expect(networkLine({ ...back, count: 3, crossing: 20, leftOut: 10 }, 'Libre')).to.equal(
      'Libre is linked, with 3 people; 20 messages that waited cross now; 10 messages are left out',
    );
    expect(networkLine({ ...back, crossing: 2, leftOut: 1 }, 'Libre')).to.equal(
      'Libre is linked; 2 messages that waited cross now; 1 message is left out',
    );
  });
});
