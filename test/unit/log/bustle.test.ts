import { expect } from 'chai';
import { Bustle } from '../../../server/log/bustle.ts';

describe('how busy a room is', () => {
  it('follows what was shown, and fades', () => {
    const bustle = new Bustle();
    expect(bustle.isBusy(0)).to.equal(false);
    for (let now = 1_000; now < 1_100; now++) bustle.shown(1, now);
    expect(bustle.isBusy(1_100)).to.equal(true);
    expect(bustle.isBusy(1_150)).to.equal(false);
  });

  it('does not call a quick talk busy', () => {
    const bustle = new Bustle();
    for (let now = 0; now < 1_000; now += 5) bustle.shown(1, now);
    expect(bustle.isBusy(1_000)).to.equal(false);
  });
});
