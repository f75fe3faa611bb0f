import { expect } from 'chai';
import fc from 'fast-check';
import { fromBody, fromStyling, toBody } from '../../../plugins/xmpp/text.ts';
import type { RichText, Span } from '../../../server/model/text.ts';

const styled = (plain: string, ...spans: readonly (readonly [number, number, string])[]): RichText => ({
  plain,
  spans: spans.map(([start, end, kind]) => ({ start, end, style: { kind } }) as Span),
});

describe('message styling (XEP-0393)', () => {
  for (const [body, expected] of [
    ['plain', styled('plain')],
    ['a *bold* word', styled('a bold word', [2, 6, 'bold'])],
    ['_i_ ~s~ `c`', styled('i s c', [0, 1, 'italic'], [2, 3, 'strike'], [4, 5, 'code'])],
    ['*_both_*', styled('both', [0, 4, 'bold'], [0, 4, 'italic'])],
    ['`*no*`', styled('*no*', [0, 4, 'code'])],
    ['2*3*4', styled('2*3*4')],
    ['* not* bold', styled('* not* bold')],
    ['*not bold *', styled('*not bold *')],
    ['*open', styled('*open')],
    ['**', styled('**')],
    ['snake_case_name', styled('snake_case_name')],
    ['> quoted\nanswer', styled('quoted\nanswer', [0, 6, 'quote'])],
    ['```\nif (a*b*c)\n```', styled('if (a*b*c)', [0, 10, 'code'])],
    ['```js\n*x*', styled('js\n*x*', [0, 6, 'code'])],
  ] as const) {
    it(`reads ${JSON.stringify(body)}`, () => {
      const read = fromStyling(body);
      expect(read.plain).to.equal(expected.plain);
      expect(read.spans).to.have.deep.members([...expected.spans]);
    });
  }

  it('is written so that it is read the same', () => {
    for (const text of [
      styled('a bold word', [2, 6, 'bold']),
      styled('both', [0, 4, 'bold'], [0, 4, 'italic']),
      styled('x y', [0, 1, 'strike'], [2, 3, 'code']),
      styled('quoted\nanswer', [0, 6, 'quote']),
      styled('one\ntwo', [0, 7, 'code']),
    ]) {
      const read = fromStyling(toBody(text, 'normal'));
      expect(read.plain).to.equal(text.plain);
      expect(read.spans).to.have.deep.members([...text.spans]);
    }
  });

  it('knows /me (XEP-0245), and unstyled text', () => {
    expect(fromBody('/me waves')).to.deep.equal({ text: styled('waves'), style: 'action' });
    expect(fromBody('/me')).to.deep.include({ style: 'normal' });
    expect(fromBody('/menu')).to.deep.include({ style: 'normal' });
    expect(fromBody('*a*', false)).to.deep.equal({ text: styled('*a*'), style: 'normal' });
    expect(toBody(styled('waves'), 'action')).to.equal('/me waves');
  });

  it('takes time that grows no faster than the text', () => {
    // Were it quadratic, these would take minutes and not a moment.
    for (const piece of ['*a ', '*a _b ', '`a ', '> ', '*_~`', 'a* ', '```\n'])
      for (const end of ['', '*', '_ a_', '`']) fromStyling(piece.repeat(40_000) + end);
  });

  it('never loses a word, keeps spans inside the text, and stays quick on marks', () => {
    const marks = fc.string({ unit: fc.constantFrom('*', '_', '~', '`', ' ', '\n', 'a', 'é', '>', '\u{1f332}'), maxLength: 80 });
    fc.assert(
      fc.property(marks, (body) => {
        const read = fromStyling(body);
        const letters = (text: string): string => text.replace(/[^aé\u{1f332}]/gu, '');
        expect(letters(read.plain)).to.equal(letters(body));
        for (const span of read.spans) {
          expect(span.start).to.be.at.least(0);
          expect(span.end).to.be.at.most(read.plain.length).and.greaterThan(span.start);
        }
        toBody(read, 'normal');
      }),
      { numRuns: 2_000 },
    );
  });
});
