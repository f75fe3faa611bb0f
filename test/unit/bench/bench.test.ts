/** That the benchmarks run and their table is whole. How fast anything is, no test says. */
import { expect } from 'chai';
import { groups } from '../../../bench/groups.ts';
import type { Row, Sizes } from '../../../bench/measure.ts';
import { heading, readRun, rowLine, writeRun } from '../../../bench/table.ts';

const tiny: Sizes = {
  seconds: 0.001,
  talkSeconds: 0.05,
  members: [6],
  pacedDeliveries: 600,
  webMembers: 6,
  pairs: 2,
  connections: { plain: 2, tls: 2, web: 2 },
  burst: { theirs: 50, ours: 5 },
  stalls: { theirs: 50, leaving: 5, ours: 5, irc: 2, web: 2 },
};

/** What has to be in each group's rows. */
const expected: Readonly<Record<string, readonly RegExp[]>> = {
  codecs: [
    /^IRC: parse/,
    /^IRC: serialise/,
    /InspIRCd: decode/,
    /InspIRCd: encode/,
    /ngIRCd: decode/,
    /ngIRCd: encode/,
    /^XML: tokenise/,
    /^XML: serialise/,
    /^native: read/,
    /^native: write/,
  ],
  append: [/^log: make/, /^journal: encode/, /^journal: decode/, /, 1 at once/, /, 10 at once/, /, 100 at once/],
  crossing: [/IRC link in, XMPP out/],
  burst: [/ours to an IRC network/, /IRC network in/],
  stalls: [/in, 5 of ours out/, /more in/, /quit one by one/, /in a split/],
  private: [/bare Node/, /banyan/],
  fanout: [
    /IRC clients, saturated, bare Node/,
    /IRC clients, 100\/s, bare Node/,
    /IRC clients, saturated, banyan/,
    /IRC clients, 100\/s, banyan/,
    /web clients, saturated, banyan/,
    /web clients, 100\/s, banyan/,
  ],
  connections: [/plain IRC/, /TLS/, /web/],
};

describe('benchmarks', function () {
  this.timeout(60_000);

  for (const [name, group] of Object.entries(groups)) {
    it(`${name}: every row is there, with figures, and the paced ones stand beside the floor`, async () => {
      const rows: Row[] = [];
      for await (const row of group(tiny)) rows.push(row);
      const titles = rows.map(({ what }) => what);
      for (const title of expected[name]!)
        expect(
          titles.filter((each) => title.test(each)),
          String(title),
        ).to.have.length(1);
      expect(new Set(titles).size, 'titles are distinct').to.equal(titles.length);
      for (const row of rows) {
        expect(row.cpu, row.what).to.be.at.least(0);
        expect(row.perSecond, row.what).to.be.above(0);
        if (row.what.includes('IRC clients') && row.what.endsWith('banyan')) expect(row.note, row.what).to.match(/x bare Node$/);
      }
    });
  }

  it('a run is kept and compared with a later one', () => {
    const row: Row = { what: 'a thing', unit: 'thing', cpu: 2, perSecond: 10, bytes: { count: 12.3, of: 'heap' }, note: 'odd' };
    const kept = readRun(writeRun([row, { what: 'other', unit: 'thing', cpu: 1, perSecond: 1 }]));
    expect(kept.rows[0]).to.deep.equal(row);
    expect(rowLine({ ...row, cpu: 3 }, kept.rows[0])).to.match(/^a thing +thing +3\.00 +10\.0 +12\.3 heap +2\.00 \+50 % +odd$/);
    expect(heading(true)).to.match(/^what +unit +CPU us +per second +bytes +CPU before$/);
  });

  it('what is no run is refused', () => {
    expect(() => readRun('{"rows": 3}')).to.throw();
  });
});
