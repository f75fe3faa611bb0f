import { expect } from 'chai';
import type { LogRecord } from '../../../server/model/event.ts';
import type { Outcome } from '../../../server/model/outcome.ts';
import { guest, quiet, refusalOf, testCore, text, value, type Recorder, type TestCore } from './support.ts';

describe('filters of what is said', () => {
  let test: TestCore;
  let anna: Recorder;
  const say = (plain: string): Promise<Outcome<LogRecord>> =>
    test.core.rooms.say(anna.session.user, test.core.rooms.byName('lounge')!, text(plain), anna);

  beforeEach(async () => {
    test = await testCore();
    anna = guest(test.core, 'anna');
    value(await test.core.rooms.join(anna.session.user, 'lounge', { session: anna.session }));
    await quiet();
    anna.take();
  });

  it('change, refuse, or let pass, in their order', async () => {
    const remove = test.core.hooks.filter('content', 2, (subject) =>
      subject.content.kind === 'message' && subject.content.text.plain.includes('!')
        ? { refuse: { code: 'refused-by-hook', text: 'Not so loud.' } }
        : { pass: subject },
    );
    test.core.hooks.filter('content', 1, (subject) =>
      subject.content.kind === 'message'
        ? { pass: { ...subject, content: { ...subject.content, text: text(subject.content.text.plain.replace('?', '!')).text } } }
        : { pass: subject },
    );
    expect(refusalOf(await say('what?'))).to.equal('refused-by-hook');
    remove();
    value(await say('what?'));
    expect(anna.take()).to.deep.equal(['lounge <anna> what! (own)']);
  });

  it('take it elsewhere: nothing is logged before it comes back, and the speaker is answered then', async () => {
    let comesBack: (() => void) | undefined;
    let back = false;
    test.core.hooks.filter('content', 0, (subject) => {
      const { user, room, content, via } = subject;
      if (back || content.kind !== 'message') return { pass: subject };
      const elsewhere = new Promise<Outcome<LogRecord>>((resolve) => {
        comesBack = () => {
          back = true;
          resolve(test.core.rooms.say(user, room, { text: content.text, style: content.style }, via));
        };
      });
      return { elsewhere };
    });
    const { number } = test.core.rooms.byName('lounge')!.last;
    const saying = say('hello');
    await quiet();
    expect(anna.take()).to.deep.equal([]);
    expect(test.core.rooms.byName('lounge')!.last.number).to.equal(number);
    comesBack!();
    expect(value(await saying).number).to.equal(number + 1);
    expect(anna.take()).to.deep.equal(['lounge <anna> hello (own)']);
  });
});
