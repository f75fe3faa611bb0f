import { expect } from 'chai';
import type { PluginStatus } from '../../../server/contract/host.ts';
import { droppedInAll, linksOf, offerLinkMetrics } from '../../../server/host/links.ts';
import { MetricTable } from '../../../server/host/services.ts';
import { openServer } from '../../kit/index.ts';
import { ircLink } from '../kit/adapters.ts';

describe('the figures of links', () => {
  it('are the same in the metrics as in the status, whatever is in the names', () => {
    const link = { kind: 'irc', state: 'up', since: 1, peer: 'p', tls: true, in: 5, out: 6 } as const;
    const statuses = new Map<string, PluginStatus>([
      ['irc-link', { summary: '', links: [{ ...link, name: 'a "b"', waiting: 3, dropped: { 'too old': 2, odd: 1 } }] }],
      [
        'xmpp',
        {
          summary: '',
          links: [
            { ...link, name: 'bare', state: 'down' },
            { ...link, name: '< far', state: 'handshake', dropped: { late: 1 } },
            { ...link, name: '< far', dropped: { late: 2, odd: 1 } },
          ],
        },
      ],
    ]);
    expect(linksOf(statuses).map((each) => [each.name, each.waiting, droppedInAll(each)])).to.deep.equal([
      ['a "b"', 3, 3],
      ['bare', 0, 0],
      ['< far', 0, 1],
      ['< far', 0, 3],
    ]);
    const metrics = new MetricTable();
    offerLinkMetrics(metrics, () => linksOf(statuses));
    const lines = metrics.text().split('\n');
    expect(lines).to.include.members([
      '# TYPE banyan_link_in_total counter',
      'banyan_link_up{plugin="irc-link",link="a \\"b\\""} 1',
      'banyan_link_up{plugin="xmpp",link="bare"} 0',
      'banyan_link_in_total{plugin="xmpp",link="bare"} 5',
      'banyan_link_out_total{plugin="xmpp",link="bare"} 6',
      'banyan_link_waiting{plugin="irc-link",link="a \\"b\\""} 3',
      'banyan_link_dropped_total{plugin="irc-link",link="a \\"b\\"",reason="too old"} 2',
      'banyan_link_up{plugin="xmpp",link="< far"} 1',
      'banyan_link_in_total{plugin="xmpp",link="< far"} 10',
      'banyan_link_dropped_total{plugin="xmpp",link="< far",reason="late"} 3',
    ]);
    const series = lines.filter((line) => line !== '').map((line) => line.replace(/ \d+$/, ''));
    expect(new Set(series).size).to.equal(series.length);
  });

  it('of a link into an IRC network grow over breaks, and tell what waits and what was dropped', async () => {
    const server = await openServer();
    try {
      const link = await ircLink.open(server);
      await link.joins('anna');
      const bob = await server.guest('bob', 'lounge');
      await link.says('anna', 'hello');
      await link.raves(Buffer.from(':0AA FJOIN\r\n:0AA KICK #nowhere 0AAAAAAAZ :x\r\n'));
      await server.settle();
      const figures = (): ReturnType<typeof linksOf>[number] => linksOf(new Map([['irc-link', link.plugin.status()]]))[0]!;
      const before = figures();
      expect(before.state).to.equal('up');
      expect(before.dropped).to.not.deep.equal({});
      await link.breaks();
      await bob.say('lounge', 'meanwhile');
      await server.settle();
      expect(figures()).to.include({ state: 'down', in: before.in, out: before.out });
      expect(figures().waiting).to.be.above(0);
      await link.returns(['anna']);
      await server.advance(5_000);
      expect(figures()).to.include({ state: 'up', waiting: 0 });
      expect(figures().in).to.be.above(before.in);
      expect(figures().dropped).to.deep.equal(before.dropped);
    } finally {
      await server.stop();
    }
  });
});
