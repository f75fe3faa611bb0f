import { expect } from 'chai';
import { connect, createServer, type AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { TokenBucket } from '../../../server/net/bucket.ts';
import { Outbox } from '../../../server/net/outbox.ts';
import { addressMatcher } from '../../../server/net/ranges.ts';
import type { Clock } from '../../../server/contract/host.ts';

/** Remembers each write to the "kernel". */
class Sink extends Writable {
  readonly writes: string[] = [];
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.writes.push(chunk.toString());
    done();
  }
  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.writes.push(chunks.map(({ chunk }) => chunk.toString()).join(''));
    done();
  }
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the outbox', () => {
  it('makes one write of a tick, small or large', async () => {
    const sink = new Sink();
    const outbox = new Outbox(sink);
    for (const piece of ['a', 'b', 'c']) outbox.push(Buffer.from(piece));
    expect(outbox.queued).to.equal(3);
    await tick();
    expect(sink.writes).to.deep.equal(['abc']);
    const large = Buffer.alloc(20_000, 'x');
    outbox.push(large);
    outbox.push(large);
    await tick();
    expect(sink.writes.slice(1).map((text) => text.length)).to.deep.equal([40_000]);
    outbox.push(Buffer.from('d'));
    await tick();
    expect(sink.writes.at(-1)).to.equal('d');
  });

  it('lets others have their turn when very much is written, and keeps the order of each', async () => {
    const sinks = Array.from({ length: 4 }, () => new Sink());
    const outboxes = sinks.map((sink) => new Outbox(sink));
    const large = Buffer.alloc(5_000_000, 'x');
    for (const outbox of outboxes) outbox.push(large);
    let others = 0;
    await new Promise<void>((resolve) => process.nextTick(resolve));
    const waiting = (): number => outboxes.filter((outbox) => outbox.queued > 0).length;
    expect(waiting()).to.be.within(1, 3);
    for (const outbox of outboxes) outbox.push(Buffer.from('end'));
    while (waiting() > 0) {
      await tick();
      others++;
    }
    expect(others).to.be.above(0);
    for (const { writes } of sinks) {
      const all = writes.join('');
      expect(all.length).to.equal(large.length + 3);
      expect(all.endsWith('xend')).to.equal(true);
    }
  });

  it('puts text and bytes together in their order', async () => {
    const sink = new Sink();
    const outbox = new Outbox(sink);
    for (const piece of ['a', 'ä', Buffer.from('ö'), 'c', Buffer.from('d')]) outbox.push(piece);
    expect(outbox.queued).to.equal(7);
    await tick();
    expect(sink.writes.join('')).to.equal('aäöcd');
    outbox.push('only text, ü');
    await tick();
    expect(sink.writes.at(-1)).to.equal('only text, ü');
  });

  it('loses nothing of what a slow reader has not taken yet', async () => {
    const server = createServer((socket) => {
      const outbox = new Outbox(socket);
      const say = (round: number): void => {
        for (let i = 0; i < 50; i++) outbox.push(i % 2 === 0 ? `${round}:${i} ` : Buffer.from(`${round}:${i} `));
        if (round < 2_000) setImmediate(say, round + 1);
        else setImmediate(() => socket.end());
      };
      say(1);
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    let read = '';
    for await (const chunk of client) {
      read += String(chunk);
      if (read.length % 7 === 0) await tick();
    }
    server.close();
    const expected = Array.from({ length: 2_000 }, (_, round) => Array.from({ length: 50 }, (_unused, i) => `${round + 1}:${i} `).join(''));
    expect(read).to.equal(expected.join(''));
  });

  it('keeps everything while it is held, and goes on over another stream', async () => {
    const [plain, secure] = [new Sink(), new Sink()];
    const outbox = new Outbox(plain);
    outbox.held = true;
    outbox.push(Buffer.from('a'));
    await tick();
    expect(plain.writes).to.deep.equal([]);
    outbox.moveTo(secure);
    outbox.push(Buffer.from('b'));
    await tick();
    expect(secure.writes.join('')).to.equal('ab');
    expect(plain.writes).to.deep.equal([]);
  });

  it('drops what nobody will read', async () => {
    const sink = new Sink();
    const outbox = new Outbox(sink);
    outbox.push(Buffer.from('a'));
    outbox.drop();
    await tick();
    sink.destroy();
    outbox.push(Buffer.from('b'));
    await tick();
    expect(sink.writes).to.deep.equal([]);
  });
});

describe('a bucket', () => {
  it('gives what it holds at once, and refills over time', () => {
    let now = 1_000;
    const clock: Clock = { now: () => now, after: () => ({ cancel: () => undefined }), every: () => ({ cancel: () => undefined }) };
    const bucket = new TokenBucket(clock, 3, 2);
    expect([bucket.take(), bucket.take(), bucket.take(), bucket.take()]).to.deep.equal([true, true, true, false]);
    expect(bucket.wait).to.equal(500);
    now += 500;
    expect([bucket.take(), bucket.take()]).to.deep.equal([true, false]);
    now += 60_000;
    expect(bucket.take(3)).to.equal(true);
    expect(bucket.take(4), 'never more than it holds').to.equal(false);
  });

  it('A21 time: a clock that steps back takes nothing away, and one that steps forward gives no more than fits', () => {
    let now = 1_000_000;
    const clock: Clock = { now: () => now, after: () => ({ cancel: () => undefined }), every: () => ({ cancel: () => undefined }) };
    const bucket = new TokenBucket(clock, 2, 1);
    expect(bucket.take()).to.equal(true);
    now -= 900_000;
    expect(bucket.take()).to.equal(true);
    expect(bucket.take()).to.equal(false);
    now += 1_000;
    expect(bucket.take(), 'time goes on from where the clock is').to.equal(true);
    now += 10 ** 12;
    expect([bucket.take(), bucket.take(), bucket.take()]).to.deep.equal([true, true, false]);
  });
});

describe('ranges of addresses', () => {
  it('hold single addresses and prefixes of both kinds, and nothing else', () => {
    const matches = addressMatcher(['127.0.0.1', '10.1.0.0/16', '2001:db8::/32', '::1']);
    for (const inside of ['127.0.0.1', '10.1.255.1', '2001:db8:1::5', '::1', '0:0:0:0:0:0:0:1'])
      expect(matches(inside), inside).to.equal(true);
    for (const outside of ['127.0.0.2', '10.2.0.1', '2001:db9::1', '', 'localhost', '127.0.0.1, 10.1.0.1', '10.1.0'])
      expect(matches(outside), outside).to.equal(false);
  });
});
