import { expect } from 'chai';
import fc from 'fast-check';
import { decodeFrame, encodeFrame } from '../../../storage/sqlite/journal.ts';
import { records } from './records.ts';

describe('the journal format', () => {
  it('reads back what was written, and knows every cut', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.nat(), (count, cut) => {
        const made = records(count);
        const bytes = encodeFrame(made);
        expect(decodeFrame(bytes, 0)).to.deep.equal({ kind: 'frame', records: made, next: bytes.length });
        expect(decodeFrame(bytes.subarray(0, cut % bytes.length), 0)).to.deep.equal({ kind: 'incomplete' });
      }),
    );
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
});
