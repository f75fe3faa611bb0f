import { expect } from 'chai';
import { pino } from 'pino';
import { Failures } from '../../../server/host/failures.ts';
import { VirtualClock } from '../core/support.ts';

interface Line {
  readonly msg: string;
  readonly level: number;
  readonly lines?: number;
}

describe('the log', () => {
  it('A18 floods: is not filled by what somebody makes it say again and again, and tells how often', () => {
    const written: Line[] = [];
    const clock = new VirtualClock();
    const failures = new Failures(clock);
    const told: unknown[] = [];
    failures.told = (error) => told.push(error);
    const log = pino({ hooks: failures.hooks, level: 'debug' }, { write: (text: string) => void written.push(JSON.parse(text) as Line) });
    const child = log.child({ plugin: 'x' });
    for (let round = 0; round < 500; round++) {
      child.info({ round }, 'a stream ended');
      log.error({ err: new Error('again') }, 'it failed');
      log.debug({ round }, 'asked for');
      if (round % 100 === 0) log.warn('seldom');
    }
    const count = (msg: string): number => written.filter((line) => line.msg === msg).length;
    expect([count('a stream ended'), count('it failed'), count('asked for'), count('seldom')]).to.deep.equal([50, 50, 500, 5]);
    expect(told).to.have.length(500);
    written.length = 0;
    clock.advance(60_000);
    expect(written.map(({ msg, level, lines }) => [msg, level, lines])).to.deep.equal([
      ['and more like this: a stream ended', 30, 450],
      ['and more like this: it failed', 50, 450],
    ]);
    log.info('a stream ended');
    expect(written.at(-1)!.msg).to.equal('a stream ended');
  });
});
