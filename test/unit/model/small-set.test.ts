import { expect } from 'chai';
import fc from 'fast-check';
import { SmallSet } from '../../../server/model/small-set.ts';

describe('a small set', () => {
  const elements = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];
  const step = fc.record({ verb: fc.constantFrom('add', 'delete', 'clear'), which: fc.integer({ min: 0, max: 2 }) });

  it('holds what a set holds, in the same order, whatever is done to it', () => {
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const small = new SmallSet<{ name: string }>();
        const real = new Set<{ name: string }>();
        for (const { verb, which } of steps) {
          const element = elements[which]!;
          if (verb === 'add') {
            small.add(element);
            real.add(element);
          } else if (verb === 'delete') expect(small.delete(element)).to.equal(real.delete(element));
          else {
            small.clear();
            real.clear();
          }
          expect(small.size).to.equal(real.size);
          for (const each of elements) expect(small.has(each)).to.equal(real.has(each));
          expect([...small]).to.deep.equal([...real]);
          expect([...small.keys()]).to.deep.equal([...real.keys()]);
          expect([...small.entries()]).to.deep.equal([...real.entries()]);
          const told: unknown[] = [];
          small.forEach((value, key, set) => told.push([value, key, set === small]));
          expect(told).to.deep.equal([...real].map((value) => [value, value, true]));
        }
      }),
    );
  });

  it('may lose the element that is being looked at, as a set may', () => {
    const small = new SmallSet<object>();
    for (const element of elements) small.add(element);
    for (const element of small) small.delete(element);
    expect(small.size).to.equal(0);
    small.add(elements[0]!);
    for (const element of small) small.delete(element);
    expect(small.size).to.equal(0);
  });
});
