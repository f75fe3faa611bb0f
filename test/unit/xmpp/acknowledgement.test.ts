/** The counts of XEP-0198. */
import { expect } from 'chai';
import fc from 'fast-check';
import { answerElement, Handled, handledCount, Unacknowledged } from '../../../plugins/xmpp/stream/acknowledgement.ts';
import { element } from '../../../plugins/xmpp/xml/element.ts';

const modulus = 2 ** 32;

describe('what was sent', () => {
  it('is kept until it is acknowledged, in order, over the end of the counter', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: modulus - 1 }), fc.array(fc.integer({ min: 0, max: 20 })), (start, steps) => {
        const kept = new Unacknowledged<number>(start);
        let sent = 0;
        let taken = 0;
        for (const step of steps) {
          for (let each = 0; each < step; each++) kept.push(sent++);
          const done = Math.min(taken + Math.floor(step / 2), sent);
          const got = kept.acknowledge((start + done) % modulus)!;
          expect(got).to.deep.equal(Array.from({ length: done - taken }, (_, index) => taken + index));
          taken = done;
        }
        expect(kept.clear()).to.have.lengthOf(sent - taken);
      }),
    );
  });

  it('cannot be acknowledged before it was sent, nor fewer than before', () => {
    const kept = new Unacknowledged<string>(5);
    kept.push('a');
    expect(kept.acknowledge(7)).to.equal(undefined);
    expect(kept.acknowledge(6)).to.deep.equal(['a']);
    expect(kept.acknowledge(5)).to.equal(undefined);
  });

  it('is acknowledged by numbers only', () => {
    for (const h of ['', '-1', '1.5', '0x1', '4294967296', '99999999999', ' 1'])
      expect(handledCount(element('a', 'urn:xmpp:sm:3', { h })), h).to.equal(undefined);
    expect(handledCount(answerElement(modulus + 3))).to.equal(3);
  });
});

describe('what came', () => {
  const tick = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));

  it('counts when it is dealt with, and only after all before it', async () => {
    const handled = new Handled();
    const answers: number[] = [];
    let finish = (): void => undefined;
    handled.received(undefined);
    handled.asked((count) => answers.push(count));
    handled.received(new Promise((resolve) => (finish = resolve)));
    handled.received(Promise.resolve());
    handled.received(undefined);
    handled.asked((count) => answers.push(count));
    await tick();
    expect(answers).to.deep.equal([1]);
    finish();
    await tick();
    expect(answers).to.deep.equal([1, 4]);
    handled.asked((count) => answers.push(count));
    expect(answers).to.deep.equal([1, 4, 4]);
  });
});
