import { expect } from 'chai';
import fc from 'fast-check';
import { buildCtcp, parseCtcp, parseCtcpUnicast } from '../../../plugins/irc/ctcp.ts';
import { fromIrcText, readable, toIrcText } from '../../../plugins/irc/formatting.ts';
import { ircLines, slice } from '../../../plugins/irc/split.ts';
import { plainText, type RichText, type Span, type SpanStyle } from '../../../server/plugin.ts';

const hex = fc.constantFrom('#ffffff', '#7f0000', '#123456', '#fefefe', '#00fc00');
const style: fc.Arbitrary<SpanStyle> = fc.oneof(
  fc.constantFrom<SpanStyle>({ kind: 'bold' }, { kind: 'italic' }, { kind: 'underline' }, { kind: 'strike' }, { kind: 'code' }),
  fc
    .record({ foreground: hex, background: fc.option(hex, { nil: undefined }) })
    .map(({ foreground, background }): SpanStyle => ({ kind: 'colour', foreground, ...(background === undefined ? {} : { background }) })),
);
const words = fc.array(fc.constantFrom('a', 'word', '5,', ',7', '12', 'größe', '日本語', '🦄', '👩‍👩‍👧', 'x'.repeat(40), 'e\u0301'), {
  minLength: 1,
  maxLength: 30,
});
const rich = fc.tuple(words, fc.array(fc.tuple(fc.nat(300), fc.nat(60), style), { maxLength: 5 })).map(([parts, places]): RichText => {
  const plain = parts.join(' ');
  const spans = places
    .map(([start, length, style]): Span => ({ start: Math.min(start, plain.length), end: Math.min(start + length, plain.length), style }))
    .filter(({ start, end }) => end > start && whole(plain, start) && whole(plain, end));
  return { plain, spans };
});

function whole(plain: string, at: number): boolean {
  const unit = plain.charCodeAt(at);
  return !(unit >= 0xdc00 && unit <= 0xdfff);
}

/** The look of every character: which styles are on, and the colours. */
function look(text: RichText): string[] {
  return Array.from({ length: text.plain.length }, (_, at) => {
    const on = new Set<string>();
    let [foreground, background]: (string | undefined)[] = [];
    for (const { start, end, style } of text.spans) {
      if (start > at || end <= at) continue;
      if (style.kind === 'colour') [foreground, background] = [style.foreground ?? foreground, style.background ?? background];
      else on.add(style.kind);
    }
    return `${text.plain[at]!} ${[...on].toSorted((a, b) => a.localeCompare(b)).join(' ')} ${foreground ?? ''} ${background ?? ''}`;
  });
}

describe('irc: formatting', () => {
  it('canonical text comes back from mIRC codes as it was', () => {
    fc.assert(
      fc.property(rich, (text) => {
        const back = fromIrcText(toIrcText(text));
        expect(back.plain).to.equal(text.plain);
        expect(look(back)).to.deep.equal(look(text));
      }),
      { numRuns: 500 },
    );
  });

  it('reads the codes that clients send', () => {
    const of = (text: string): string[] =>
      fromIrcText(text).spans.map(
        ({ start, end, style }) =>
          `${start}-${end} ${style.kind}${style.kind === 'colour' ? ` ${style.foreground ?? '-'} ${style.background ?? '-'}` : ''}`,
      );
    expect(of('\u0002bold\u0002 \u001ditalic\u000f plain')).to.deep.equal(['0-4 bold', '5-11 italic']);
    expect(of('\u00034,1red\u00033 green\u0003 none')).to.deep.equal(['0-3 colour #ff0000 #000000', '3-9 colour #009300 #000000']);
    expect(of('\u0003045 five')).to.deep.equal(['0-6 colour #ff0000 -']);
    expect(fromIrcText('\u0003045 five').plain).to.equal('5 five');
    expect(of('\u0004ABCDEFx')).to.deep.equal(['0-1 colour #abcdef -']);
    expect(of('\u001funder \u001estrike')).to.deep.equal(['0-12 underline', '6-12 strike']);
    expect(fromIrcText('\u0016reverse').plain).to.equal('reverse');
  });

  it('any text is read without a throw, with spans inside the text', () => {
    const codes = fc.constantFrom(
      '\u0002',
      '\u0003',
      '\u0003',
      '\u0004',
      '\u000f',
      '\u0011',
      '\u0016',
      '\u001d',
      '\u001e',
      '\u001f',
      '1',
      ',',
      'f',
      'ä',
    );
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: codes }), fc.string({ unit: 'binary' })), (text) => {
        const { plain, spans } = fromIrcText(text);
        for (const { start, end } of spans) expect(start >= 0 && start < end && end <= plain.length).to.equal(true);
        expect(plain).to.not.match(/[\u0002-\u0004\u000f\u0011\u0016\u001d-\u001f]/);
      }),
    );
  });

  it('A1: no control character of the text itself passes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (plain) => {
        expect(toIrcText(plainText(plain))).to.not.match(/[\u0000-\u0009\u000b-\u001f\u007f]/);
      }),
    );
  });

  it('writes out links and quotes', () => {
    const link: RichText = {
      plain: 'see here now',
      spans: [{ start: 4, end: 8, style: { kind: 'link', href: 'https://a.example/\r\nQUIT' } }],
    };
    expect(toIrcText(readable(link))).to.equal('see here <https://a.example/QUIT> now');
    const quote: RichText = { plain: 'a\nb\nc', spans: [{ start: 0, end: 3, style: { kind: 'quote' } }] };
    expect(readable(quote).plain).to.equal('> a\n> b\nc');
  });
});

describe('irc: splitting', () => {
  const more = (left: number): string => `(${left} more)`;
  const letters = (text: string): string => text.replace(/\s+/g, '');

  it('keeps within the bytes, divides no character, loses nothing', () => {
    fc.assert(
      fc.property(rich, fc.integer({ min: 40, max: 400 }), (text, bytes) => {
        const lines = ircLines(text, { bytes, lines: 1_000, more });
        for (const line of lines) {
          expect(Buffer.byteLength(line)).to.be.at.most(bytes);
          expect(Buffer.from(line).toString()).to.equal(line);
          expect(line).to.not.match(/[\r\n\0]/);
        }
        const back = lines.map(fromIrcText);
        expect(letters(back.map(({ plain }) => plain).join(''))).to.equal(letters(text.plain));
        const looks = (texts: readonly RichText[]): string[] => texts.flatMap(look).filter((one) => !one.startsWith(' '));
        expect(looks(back)).to.deep.equal(looks([text]));
      }),
      { numRuns: 300 },
    );
  });

  it('cuts at blanks where there are some, and keeps joined characters together', () => {
    expect(ircLines(plainText('one two three four'), { bytes: 9, lines: 10, more })).to.deep.equal(['one two', 'three', 'four']);
    const family = '👩‍👩‍👧';
    for (const line of ircLines(plainText(family.repeat(10)), { bytes: 40, lines: 50, more }))
      expect(line.length % family.length).to.equal(0);
    expect(ircLines(plainText('a\n\n \nb'), { bytes: 40, lines: 50, more })).to.deep.equal(['a', 'b']);
  });

  it('says how many lines were left out', () => {
    expect(ircLines(plainText('1\n2\n3\n4\n5'), { bytes: 40, lines: 3, more })).to.deep.equal(['1', '2', '(3 more)']);
  });

  it('A1: random text becomes lines, never a line end in one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.integer({ min: 10, max: 100 }), (plain, bytes) => {
        for (const line of ircLines(plainText(plain), { bytes, lines: 20, more })) expect(line).to.not.match(/[\r\n\0\u0001]/);
      }),
    );
  });

  it('a slice has the styles of its place', () => {
    fc.assert(
      fc.property(rich, fc.nat(200), fc.nat(200), (text, a, b) => {
        const [start, end] = [Math.min(a, b, text.plain.length), Math.min(Math.max(a, b), text.plain.length)];
        expect(look(slice(text, start, end))).to.deep.equal(look(text).slice(start, end));
      }),
    );
  });
});

describe('irc: CTCP', () => {
  it('comes back as it was built', () => {
    const verb = fc.stringMatching(/^[A-Z]{1,12}$/);
    const text = fc.string({ unit: 'binary', minLength: 1 }).map((each) => each.replace(/[\0\u0001\r\n]/g, ''));
    fc.assert(
      fc.property(verb, text, (verb, text) => {
        expect(parseCtcp(buildCtcp({ verb, text }))).to.deep.equal({ verb, text });
      }),
    );
  });

  it('is read leniently, and ordinary text is none', () => {
    expect(parseCtcp('\u0001action waves')).to.deep.equal({ verb: 'ACTION', text: 'waves' });
    expect(parseCtcp('\u0001PING 1\u0001 tail')).to.deep.equal({ verb: 'PING', text: '1' });
    for (const none of ['', 'hi', 'hi \u0001ACTION x\u0001', '\u0001\u0001', '\u0001', '\u0001 x\u0001'])
      expect(parseCtcp(none)).to.equal(undefined);
  });

  it('A1: what is built holds one message and no line end, whatever is put in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (verb, text) => {
        const built = buildCtcp({ verb, text });
        expect(built).to.match(/^\u0001[^\u0001\r\n\0]*\u0001$/u);
      }),
    );
  });

  it('data of another plugin is checked', () => {
    expect(parseCtcpUnicast({ answer: true, verb: 'ping', text: 'x' })).to.deep.equal({ answer: true, verb: 'PING', text: 'x' });
    fc.assert(fc.property(fc.anything(), (data) => void parseCtcpUnicast(data)));
    for (const bad of [null, 1, {}, { answer: true, verb: 'A B', text: '' }, { answer: 1, verb: 'A', text: '' }])
      expect(parseCtcpUnicast(bad)).to.equal(undefined);
  });
});
