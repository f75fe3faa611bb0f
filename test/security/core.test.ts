import { expect } from 'chai';
import fc from 'fast-check';
import { birthTime } from '../../server/log/logbook.ts';
import { mintEventId, parseEventId } from '../../server/model/ids.ts';
import { roomLog } from '../../server/model/event.ts';
import { guest, quiet, text, testCore, value, VirtualClock } from '../unit/core/support.ts';

describe('A21 time', () => {
  it('ids are well-formed, different, and in the order of their times, whatever the clock does', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 253_402_300_799_999 }), { minLength: 2, maxLength: 20 }), (times) => {
        const ids = times.map((time) => mintEventId(time));
        for (const id of ids) expect(parseEventId(id)).to.equal(id);
        expect(new Set(ids).size).to.equal(ids.length);
        for (const [index, time] of times.entries())
          for (const [other, later] of times.entries()) if (time < later) expect(ids[index]! < ids[other]!).to.equal(true);
      }),
    );
  });

  it('what another server says of the time is believed only between 1970 and now', () => {
    const now = 1_700_000_000_000;
    for (const told of [now + 1, 253_402_300_799_999, Number.MAX_SAFE_INTEGER, Infinity])
      expect(birthTime(told, now), String(told)).to.equal(now);
    for (const told of [-1, -62_135_596_800_000, NaN, -Infinity]) expect(birthTime(told, now), String(told)).to.equal(now);
    expect(birthTime(now - 5_000, now)).to.equal(now - 5_000);
    expect(birthTime(0, now)).to.equal(0);
    expect(birthTime(undefined, now)).to.equal(now);
  });

  it('a clock that steps back and forward changes no order and loses nothing', async () => {
    const { core, clock, storage } = await testCore();
    const ann = guest(core, 'ann');
    const bob = guest(core, 'bob');
    const { room } = value(await core.rooms.join(ann.session.user, 'lounge'));
    value(await core.rooms.join(bob.session.user, 'lounge'));
    await quiet();
    bob.take();
    bob.numbers.length = 0;
    const steps = [0, -3_600_000, 86_400_000, -86_400_000 * 365, 86_400_000 * 365 * 30, -1];
    for (const [index, step] of steps.entries()) {
      clock.advance(step);
      value(await core.rooms.say(ann.session.user, room, text(`message ${index}`)));
      await quiet();
    }
    expect(bob.take().filter((line) => line.includes('<ann>'))).to.deep.equal(steps.map((_, index) => `lounge <ann> message ${index}`));
    expect(bob.numbers).to.deep.equal(bob.numbers.toSorted((a, b) => a - b));
    const records = await storage.read(roomLog(room.address), { limit: 100, take: 'first' });
    expect(records.map(({ number }) => number)).to.deep.equal(records.map((_, index) => index + 1));
    for (const { born, logged } of records) expect(born).to.be.at.most(logged);
    await core.close('done');
  });

  it('opens again with a clock that stands before everything that was written', async () => {
    const first = await testCore();
    const ann = guest(first.core, 'ann');
    const { room } = value(await first.core.rooms.join(ann.session.user, 'lounge'));
    value(await first.core.rooms.say(ann.session.user, room, text('from the future')));
    await first.core.close('done');
    const clock = new VirtualClock();
    clock.advance(-1_600_000_000_000);
    const { core } = await testCore({ storage: first.storage, clock });
    const late = guest(core, 'late');
    const again = value(await core.rooms.join(late.session.user, 'lounge')).room;
    value(await core.rooms.say(late.session.user, again, text('from the past')));
    await quiet();
    const records = await first.storage.read(roomLog(again.address), { limit: 100, take: 'first' });
    expect(records.map(({ number }) => number)).to.deep.equal(records.map((_, index) => index + 1));
    expect(records.at(-1)!.logged).to.be.below(records[0]!.logged);
    await core.close('done');
  });
});

describe('A18 floods: rooms that come and go', () => {
  it('leave nothing in memory or in the storage, and no number is given twice to one name', async () => {
    const { core, storage } = await testCore();
    const before = await storage.allPositions();
    const { user } = guest(core, 'ann').session;
    let last = 0;
    for (let round = 0; round < 300; round++) {
      const { room } = value(await core.rooms.join(user, `room-${round % 7 === 0 ? 'again' : round}`));
      value(await core.rooms.say(user, room, text(`in round ${round}`)));
      const [record] = value(await core.rooms.history(user, room, { limit: 1, take: 'last' }));
      if (round % 7 === 0) {
        expect(record!.number).to.be.above(last);
        last = record!.number;
      }
      value(core.rooms.leave(user, room, ''));
      await quiet();
    }
    expect(await storage.allPositions()).to.deep.equal(before);
    expect((await storage.rooms()).map(({ address }) => address)).to.have.length(1);
    const { room } = value(await core.rooms.join(user, 'room-again'));
    await core.close('done');
    const later = await testCore({ storage });
    const positions = await storage.allPositions();
    expect(positions.some(([log]) => log === roomLog(room.address))).to.equal(false);
    const back = guest(later.core, 'ann').session.user;
    const again = value(await later.core.rooms.join(back, 'room-again')).room;
    value(await later.core.rooms.say(back, again, text('after a restart')));
    expect(again.last.number).to.be.above(last);
    await later.core.close('done');
  });

  it('who leaves and comes back at once goes on in the same log', async () => {
    const { core, storage } = await testCore();
    const { user } = guest(core, 'ann').session;
    const first = value(await core.rooms.join(user, 'hall')).room;
    value(core.rooms.leave(user, first, ''));
    const { room } = value(await core.rooms.join(user, 'hall'));
    await quiet();
    value(await core.rooms.say(user, room, text('still here')));
    const records = await storage.read(roomLog(room.address), { limit: 100, take: 'first' });
    expect(records.map(({ number }) => number)).to.deep.equal(records.map((_, index) => index + 1));
    expect(records.at(-1)!.content).to.deep.include({ kind: 'message' });
    await core.close('done');
  });
});
