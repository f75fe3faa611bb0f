import { expect } from 'chai';
import fc from 'fast-check';
import { groupModes, parseModes, type ModeChange, type ModeLetters } from '../../../plugins/irc/modes.ts';

const letters: ModeLetters = {
  list: 'be',
  always: 'k',
  whenSet: 'l',
  never: 'imnst',
  prefix: [
    { letter: 'o', sign: '@' },
    { letter: 'v', sign: '+' },
  ],
};
const takesParam = ({ add, letter }: { readonly add: boolean; readonly letter: string }): boolean =>
  'bekov'.includes(letter) || (letter === 'l' && add);

const param = fc.stringMatching(/^[a-z!*@]{1,12}$/);
const change = fc
  .record({ add: fc.boolean(), letter: fc.constantFrom(...'bekovlimnst'), param })
  .map(({ add, letter, param }): ModeChange => (takesParam({ add, letter }) ? { add, letter, param } : { add, letter }));

describe('irc: modes', () => {
  it('what is grouped is parsed as the same changes in the same order', () => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 40 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 20, max: 200 }),
        (changes, params, bytes) => {
          const lines = groupModes(changes, { params, bytes });
          const parsed = lines.flatMap((line) => {
            const one = parseModes(line.modes, line.params, letters);
            expect([one.queries, one.unknown, one.missing]).to.deep.equal([[], [], []]);
            return one.changes;
          });
          expect(parsed).to.deep.equal(changes);
          for (const line of lines) {
            expect(line.params.length).to.be.at.most(params);
            expect(Buffer.byteLength([line.modes, ...line.params].join(' '))).to.be.at.most(Math.max(bytes, 15));
          }
        },
      ),
    );
  });

  it('A11: reads several modes in one line, each with its own parameter', () => {
    const { changes } = parseModes('+ov-b+b', ['ann', 'bob', 'x!*@*', 'y!*@*'], letters);
    expect(changes).to.deep.equal([
      { add: true, letter: 'o', param: 'ann' },
      { add: true, letter: 'v', param: 'bob' },
      { add: false, letter: 'b', param: 'x!*@*' },
      { add: true, letter: 'b', param: 'y!*@*' },
    ]);
  });

  it('A11: `+b-b` with one parameter takes it once; what has none changes nothing', () => {
    expect(parseModes('+b-b', ['mask'], letters)).to.deep.equal({
      changes: [{ add: true, letter: 'b', param: 'mask' }],
      queries: ['b'],
      unknown: [],
      missing: [],
    });
    expect(parseModes('+oo', ['ann'], letters)).to.deep.include({
      changes: [{ add: true, letter: 'o', param: 'ann' }],
      missing: ['o'],
    });
    expect(parseModes('+k-l+l', [''], letters)).to.deep.include({ changes: [{ add: false, letter: 'l' }], missing: ['k', 'l'] });
    expect(parseModes('b', [], letters)).to.deep.include({ changes: [], queries: ['b'] });
  });

  it('an unknown letter takes nobody’s parameter', () => {
    expect(parseModes('+Zo', ['ann'], letters)).to.deep.include({ changes: [{ add: true, letter: 'o', param: 'ann' }], unknown: ['Z'] });
  });

  it('never throws, and every parameter is used at most once', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.array(fc.string(), { maxLength: 10 }), (modes, params) => {
        const { changes } = parseModes(modes, params, letters);
        const used = changes.flatMap(({ param }) => (param === undefined ? [] : [param]));
        const rest = [...params];
        for (const one of used) {
          const at = rest.indexOf(one);
          expect(at).to.be.at.least(0);
          rest.splice(0, at + 1);
        }
      }),
    );
  });
});
