import { expect } from 'chai';
import fc from 'fast-check';
import { clientLimits, decodeLine, LineFramer, serverLimits, type FramingLimits } from '../../../plugins/irc/framing.ts';

const tooLong = '<too long>';

/** Pushes bytes in pieces; answers with what was told. */
function frame(pieces: readonly Buffer[], limits: FramingLimits = clientLimits): string[] {
  const framer = new LineFramer(limits);
  const told: string[] = [];
  for (const piece of pieces) {
    framer.push(piece, { onLine: (line) => told.push(line), onTooLong: () => told.push(tooLong) });
    expect(framer.pending).to.be.lessThan(limits.tags + limits.body);
  }
  return told;
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const edges = [0, ...at.toSorted((a, b) => a - b), bytes.length];
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
}

describe('irc: framing', () => {
  it('finds the same lines at every cut point', () => {
    const bytes = Buffer.from('@a=b;c=ä\\s PRIVMSG #ü :größer\r\nNICK x\n\r\n\nPING :🦄 zebra\r\r\nQUIT');
    const whole = frame([bytes]);
    expect(whole).to.deep.equal(['@a=b;c=ä\\s PRIVMSG #ü :größer', 'NICK x', 'PING :🦄 zebra']);
    for (let at = 0; at <= bytes.length; at++) expect(frame(cut(bytes, [at])), `cut at ${at}`).to.deep.equal(whole);
    expect(frame([...bytes].map((byte) => Buffer.from([byte])))).to.deep.equal(whole);
  });

  it('never throws on random bytes in random pieces, and every line is within the limits', () => {
    const bytes = fc.uint8Array({ maxLength: 3_000 });
    const noisy = fc.array(fc.oneof(bytes, fc.constantFrom(Buffer.from('\r\n'), Buffer.from('@t='), Buffer.alloc(700, 97))), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(noisy, fc.array(fc.nat(3_000), { maxLength: 6 }), (parts, cuts) => {
        const all = Buffer.concat(parts);
        const told = frame(
          cut(
            all,
            cuts.map((at) => Math.min(at, all.length)),
          ),
        );
        expect(told).to.deep.equal(frame([all]));
        for (const line of told) expect(line).to.not.match(/[\n]|^$/);
      }),
    );
  });

  it('takes 510 bytes of line and 4094 of tags, and tells once of more', () => {
    const body = 'x'.repeat(510);
    expect(frame([Buffer.from(`${body}\r\n`)])).to.deep.equal([body]);
    expect(frame([Buffer.from(`${body}x\r\nPING\r\n`)])).to.deep.equal([tooLong, 'PING']);
    const tagged = `@${'t'.repeat(4_094)} ${body}`;
    expect(frame([Buffer.from(`${tagged}\r\n`)])).to.deep.equal([tagged]);
    expect(frame([Buffer.from(`@t${tagged.slice(1)}\r\nPING\r\n`)])).to.deep.equal([tooLong, 'PING']);
    expect(frame([Buffer.from(`${tagged}x\r\nPING\r\n`)])).to.deep.equal([tooLong, 'PING']);
    const long = `@${'t'.repeat(8_188)} ${body}`;
    expect(frame([Buffer.from(`${long}\r\n`)], serverLimits)).to.deep.equal([long]);
  });

  it('A4: an endless line is told of once and holds no memory', () => {
    const framer = new LineFramer(clientLimits);
    let told = 0;
    for (let pieces = 0; pieces < 10_000; pieces++) {
      framer.push(Buffer.alloc(100, 97), { onLine: () => expect.fail('no line ended'), onTooLong: () => told++ });
      expect(framer.pending).to.be.lessThan(512);
    }
    expect(told).to.equal(1);
    const lines: string[] = [];
    framer.push(Buffer.from('aaa\r\nPING\r\n'), { onLine: (line) => lines.push(line), onTooLong: () => told++ });
    expect([lines, told]).to.deep.equal([['PING'], 1]);
  });

  it('reads what is no UTF-8 as Latin-1', () => {
    expect(decodeLine(Buffer.from([0x67, 0x72, 0xfc, 0x6e]))).to.equal('grün');
    expect(decodeLine(Buffer.from('grün'))).to.equal('grün');
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void expect(decodeLine(Buffer.from(bytes))).to.be.a('string')));
  });
});
