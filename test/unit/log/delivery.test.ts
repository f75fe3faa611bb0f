import { expect } from 'chai';
import fc from 'fast-check';
import { hash } from 'node:crypto';
import pino from 'pino';
import type { Batch, Follower } from '../../../server/contract/rooms.ts';
import { Delivery, type FollowedRoom, type FollowerKind } from '../../../server/log/delivery.ts';
import { beginEpoch, endEpoch, Logbook } from '../../../server/log/logbook.ts';
import { origin } from '../../../server/log/record.ts';
import { parseDomain, roomAddress, userAddress } from '../../../server/model/address.ts';
import { roomLog, type LogRecord } from '../../../server/model/event.ts';
import { plainText } from '../../../server/model/text.ts';
import { StorageError, type Storage } from '../../../server/storage.ts';
import { openMemoryStorage } from '../../../storage/memory/index.ts';
import { VirtualClock } from '../core/support.ts';

const domain = parseDomain('chat.example');
const address = roomAddress(domain, 'garden');
const log = roomLog(address);

function message(text: string): LogRecord['content'] {
  return { kind: 'message', author: { address: userAddress(domain, 'ann'), nick: 'ann' }, text: plainText(text), style: 'normal' };
}

/** A logbook and a delivery on a storage in memory that refuses when told to. */
async function parts(): Promise<{
  readonly logbook: Logbook;
  readonly delivery: Delivery;
  readonly storage: Storage;
  readonly room: FollowedRoom;
  readonly followers: Map<Follower, FollowerKind>;
  refuse: boolean;
}> {
  const storage = openMemoryStorage();
  const followers = new Map<Follower, FollowerKind>();
  const made = { refuse: false };
  const unreliable: Storage = Object.create(storage, {
    append: {
      value: async (records: readonly LogRecord[]) => {
        await new Promise((resolve) => setImmediate(resolve));
        if (made.refuse) throw new StorageError('full');
        await storage.append(records);
      },
    },
  }) as Storage;
  const logbook = new Logbook({ positions: await storage.allPositions(), forgotten: 0, epoch: '1.a', domain, clock: new VirtualClock() });
  const delivery = new Delivery(unreliable, pino({ level: 'silent' }), {
    recover: (logs) => logbook.reset(logs, storage),
    failed: () => undefined,
  });
  const room = { address, followers } as unknown as FollowedRoom;
  return Object.assign(made, { logbook, delivery, storage, room, followers });
}

const textOf = (record: LogRecord): string => (record.content.kind === 'message' ? record.content.text.plain : '');

describe('the log and its delivery', () => {
  it('show nothing before it is durable, everything once and in order, one batch a tick', async () => {
    const { logbook, delivery, storage, room, followers } = await parts();
    const batches: string[][] = [];
    followers.set(
      {
        deliver: (batch: Batch) => {
          batches.push(batch.items.map((item) => (item.kind === 'record' ? textOf(item.record) : item.change.kind)));
        },
      },
      'session',
    );
    for (const text of ['a', 'b', 'c']) delivery.record(room, logbook.next(log, message(text)));
    expect(batches).to.deep.equal([]);
    expect((await storage.lastPosition(log)).number).to.equal(0);
    await delivery.shown();
    expect(batches).to.deep.equal([['a', 'b', 'c']]);
    expect((await storage.lastPosition(log)).number).to.equal(3);
  });

  it('part by a step no more rooms than it names', async () => {
    const { logbook, delivery, room, followers } = await parts();
    const other = { address: roomAddress(domain, 'cellar'), followers: new Map<Follower, FollowerKind>() } as unknown as FollowedRoom;
    const otherLog = roomLog(other.address);
    const seen: string[] = [];
    const writeDown: Follower = {
      deliver: (batch) => {
        const texts = batch.items.map((item) => (item.kind === 'record' ? textOf(item.record) : ''));
        seen.push(`${batch.room.address === address ? 'garden' : 'cellar'} ${texts.join(' ')}`);
      },
    };
    followers.set(writeDown, 'session');
    other.followers.set(writeDown, 'session');
    const say = (text: string): void => {
      delivery.record(room, logbook.next(log, message(text)));
      delivery.record(other, logbook.next(otherLog, message(text)));
    };
    say('a');
    delivery.step(
      (one) => one === room,
      () => seen.push('a step'),
    );
    say('b');
    await delivery.shown();
    expect(seen).to.have.members(['garden a', 'a step', 'garden b', 'cellar a b']);
    expect(seen.slice(0, 2)).to.deep.equal(['garden a', 'a step']);
  });

  it('gather what a busy room says, but keep nobody waiting who waits for an answer', async () => {
    const { logbook, delivery, room, followers } = await parts();
    const seen: string[] = [];
    let batches = 0;
    followers.set(
      {
        deliver: (batch: Batch) => {
          batches++;
          for (const item of batch.items) if (item.kind === 'record') seen.push(textOf(item.record));
        },
      },
      'session',
    );
    const said = Array.from({ length: 60 }, (_, index) => String(index));
    for (const text of said.slice(0, 20)) delivery.record(room, logbook.next(log, message(text)));
    await delivery.shown();
    for (const text of said.slice(20)) {
      delivery.record(room, logbook.next(log, message(text)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await delivery.shown();
    expect(seen).to.deep.equal(said);
    expect(batches).to.be.below(40);
    delivery.record(room, logbook.next(log, message('last')));
    while (seen.length === said.length) await new Promise((resolve) => setImmediate(resolve));
    expect(seen.at(-1)).to.equal('last');
  });

  it('cut what happens in one tick into several writes when it is very much', async () => {
    const { logbook, delivery, storage, room, followers } = await parts();
    const sizes: number[] = [];
    const seen: string[] = [];
    followers.set(
      {
        deliver: (batch: Batch) => {
          sizes.push(batch.items.length);
          for (const item of batch.items) if (item.kind === 'record') seen.push(textOf(item.record));
        },
      },
      'session',
    );
    const said = Array.from({ length: 10_000 }, (_, index) => String(index));
    for (const text of said) {
      delivery.record(room, logbook.next(log, message(text)));
      // one connection after another is read
      await Promise.resolve();
    }
    await delivery.shown();
    expect(seen).to.deep.equal(said);
    expect(sizes.length).to.be.greaterThan(1);
    expect((await storage.lastPosition(log)).number).to.equal(said.length);
  });

  it('lose nothing but what the storage refused: its authors are told, its numbers are given again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 4 }), fc.nat(3)), { minLength: 1, maxLength: 12 }),
        async (ticks) => {
          const all = await parts();
          const { logbook, delivery, storage, room, followers } = all;
          const seen: string[] = [];
          followers.set(
            { deliver: (batch: Batch) => batch.items.forEach((item) => item.kind === 'record' && seen.push(textOf(item.record))) },
            'session',
          );
          const accepted: string[] = [];
          const refused: string[] = [];
          let said = 0;
          for (const [refuse, count, turns] of ticks) {
            all.refuse = refuse;
            for (let i = 0; i < count; i++) {
              const text = String(said++);
              delivery.record(room, logbook.next(log, message(text)), undefined, {
                settled: (error) => void (error === undefined ? accepted : refused).push(text),
              });
            }
            // Nobody waits for the storage before speaking: more may be queued while an append is under way, or fails.
            for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
          }
          await delivery.shown();
          expect(seen).to.deep.equal(accepted);
          expect(accepted.length + refused.length).to.equal(said);
          const kept = await storage.read(log, { limit: 100, take: 'first' });
          expect(kept.map(textOf)).to.deep.equal(accepted);
          expect(kept.map(({ number }) => number)).to.deep.equal(kept.map((_, index) => index + 1));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('chain every record to the one before, by what docs say is in the chain', async () => {
    const { logbook, delivery, storage, room } = await parts();
    for (const text of ['a', 'b', 'c']) delivery.record(room, logbook.next(log, message(text)));
    await delivery.shown();
    let chain = origin.chain;
    for (const one of await storage.read(log, { limit: 10, take: 'first' })) {
      expect(one.digest).to.equal(hash('sha256', one.salt + JSON.stringify(one.content), 'base64url'));
      const head = [one.log, one.epoch, one.number, one.id, one.origin, one.born, one.logged, one.content.kind, one.digest];
      chain = hash('sha256', [chain, ...head].join('\n'), 'base64url');
      expect(one.chain).to.equal(chain);
    }
  });

  it('begin a new epoch after an unclean stop only', async () => {
    const storage = openMemoryStorage();
    expect(await beginEpoch(storage, 'x')).to.equal('1.x');
    await endEpoch(storage);
    expect(await beginEpoch(storage, 'y'), 'a clean stop').to.equal('1.x');
    expect(await beginEpoch(storage, 'z'), 'an unclean stop').to.equal('2.z');
  });
});
