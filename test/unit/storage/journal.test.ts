import { expect } from 'chai';
import fc from 'fast-check';
import type { LoggedContent } from '../../../server/model/event.ts';
import { plainText } from '../../../server/model/text.ts';
import { decodeBlock, decodeFrame, encodeFrame } from '../../../storage/sqlite/journal.ts';
import { records } from './records.ts';

describe('the journal format', () => {
  it('reads back what was written, and knows every cut', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.nat(), (count, cut) => {
        const made = records(count);
        const bytes = encodeFrame(made);
        const decoded = decodeFrame(bytes, 0);
        if (decoded.kind !== 'frame') throw new Error(decoded.kind);
        expect(decoded.next).to.equal(bytes.length);
        expect(decoded.records.map(({ log, number, id }) => [log, number, id])).to.deep.equal(
          made.map(({ log, number, id }) => [log, number, id]),
        );
        expect(decodeBlock(made[0]!.log, decoded.records.map(({ lines }) => lines).join(''))).to.deep.equal(
          made.map((one) => ({ ...one })),
        );
        expect(decodeFrame(bytes.subarray(0, cut % bytes.length), 0)).to.deep.equal({ kind: 'incomplete' });
      }),
    );
  });

  it('refuses to write a frame that it could not read again', () => {
    const [small] = records(1);
    const text = plainText('x'.repeat(1_048_576));
    const { content, ...head } = small!;
    const large = { ...head, content: { ...(content as Extract<LoggedContent, { kind: 'message' }>), text } };
    expect(decodeFrame(encodeFrame([large]), 0).kind).to.equal('frame');
    expect(() => encodeFrame(Array.from({ length: 64 }, () => large))).to.throw('too much for one frame');
  });

  it('notices every changed byte, and never throws on any bytes', () => {
    const bytes = encodeFrame(records(2));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(bytes);
        changed[at]! ^= flip;
        expect(decodeFrame(changed, 0).kind).to.not.equal('frame');
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
        expect(decodeFrame(Buffer.from(random), 0).kind).to.be.oneOf(['incomplete', 'damaged']);
      }),
    );
  });

  it('refuses a log whose name would be two lines', () => {
    const [record] = records(1);
    expect(() => encodeFrame([{ ...record!, log: 'room a\nb' as never }])).to.throw('line');
  });
});
