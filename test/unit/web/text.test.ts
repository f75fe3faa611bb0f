/** What the page makes of texts, lines typed, and events: the parts of it that need no browser. */
import { expect } from 'chai';
import fc from 'fast-check';
import { completions, parseCommand } from '../../../plugins/web/page/commands.ts';
import { findLinks, findMentions, pieces, safeHref, type Span } from '../../../plugins/web/page/text.ts';
import { rows, tellPresence, type Entry, type Message, type Presence } from '../../../plugins/web/page/timeline.ts';

const kinds = ['bold', 'italic', 'underline', 'strike', 'code', 'quote', 'colour', 'link', 'mention', 'unheard-of'];
const span: fc.Arbitrary<Span> = fc.record({
  start: fc.nat(40),
  end: fc.nat(60),
  style: fc.record({
    kind: fc.constantFrom(...kinds),
    href: fc.oneof(fc.webUrl(), fc.string(), fc.constantFrom('javascript:alert(1)', ' javascript:x', 'data:text/html,x')),
    foreground: fc.oneof(fc.string(), fc.constant('#ff0000')),
  }),
});

describe('the text of the page', () => {
  it('is cut into pieces that are the text again, whatever the spans say', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 50 }), fc.array(span, { maxLength: 6 }), fc.string({ maxLength: 4 }), (text, spans, nick) => {
        const cut = pieces(text, spans, nick);
        expect(cut.map((piece) => piece.text).join('')).to.equal(text);
        for (const { href, colour } of cut) {
          if (href !== undefined) expect(href).to.match(/^(?:https?|mailto|xmpp|ircs?):/i);
          if (colour !== undefined) expect(colour).to.match(/^#[0-9a-f]{6}$/i);
        }
      }),
    );
  });

  it('links web addresses without the punctuation around them', () => {
    const linked = (text: string): string[] => findLinks(text).map(({ start, end }) => text.slice(start, end));
    expect(linked('see https://example.org/a_(b), or http://example.net.')).to.deep.equal([
      'https://example.org/a_(b)',
      'http://example.net',
    ]);
    expect(linked('(https://example.org/x) <https://example.org/y> "https://example.org/z"')).to.deep.equal([
      'https://example.org/x',
      'https://example.org/y',
      'https://example.org/z',
    ]);
    expect(linked('https://example.org/\u202egpj.exe')).to.deep.equal(['https://example.org/']);
    expect(linked('xhttps://example.org, javascript:alert(1), https://, ftp://example.org')).to.deep.equal([]);
  });

  it('draws what stands between backticks as code, with the marks, and links nothing in it', () => {
    const drawn = pieces('try `npm start https://example.org` or ```two\nlines``` not `that\n one', []);
    expect(drawn.filter((piece) => piece.code).map((piece) => piece.text)).to.deep.equal([
      '`npm start https://example.org`',
      '```two\nlines```',
    ]);
    expect(drawn.some((piece) => piece.href !== undefined)).to.equal(false);
  });

  it('follows no address that could be a script', () => {
    for (const href of [
      'javascript:alert(1)',
      'JaVaScRiPt:x',
      ' javascript:x',
      '\tjavascript:x',
      'data:text/html,x',
      'vbscript:x',
      '//x',
      'x',
    ])
      expect(safeHref(href), href).to.equal(undefined);
    for (const href of ['https://example.org', 'mailto:a@example.org', 'xmpp:a@example.org', 'ircs://example.org/x'])
      expect(safeHref(href)).to.equal(href);
  });

  it('marks a nick where it is a word of its own', () => {
    const marked = (text: string, nick: string): number[] => findMentions(text, nick).map(({ start }) => start);
    expect(marked('Ann: are you ann? annual, Joann, @ann', 'ann')).to.deep.equal([0, 13, 34]);
    expect(marked('любовь, люб', 'люб')).to.deep.equal([8]);
    expect(marked('a.b axb', 'a.b')).to.deep.equal([0]);
    expect(marked('anything', '')).to.deep.equal([]);
  });
});

describe('the composer of the page', () => {
  it('understands commands, and says how they are used', () => {
    expect(parseCommand('/me waves')).to.deep.equal({ kind: 'say', text: 'waves', style: 'action' });
    expect(parseCommand('//me is a command')).to.deep.equal({ kind: 'say', text: '/me is a command', style: 'normal' });
    expect(parseCommand('/msg ann two\nlines')).to.deep.equal({ kind: 'private', to: 'ann', text: 'two\nlines' });
    expect(parseCommand('/ban ann!*@*')).to.deep.equal({ kind: 'mask', mask: 'ann!*@*', add: true });
    expect(parseCommand('/ban ann rude')).to.deep.equal({ kind: 'kick', nick: 'ann', reason: 'rude', ban: true });
    expect(parseCommand('/topic')).to.deep.equal({ kind: 'topic', topic: '' });
    expect(parseCommand('/weather in Rome')).to.deep.equal({ kind: 'server', name: 'weather', args: 'in Rome' });
    for (const line of ['/me', '/nick', '/join', '/msg ann', '/kick', '/op']) expect(parseCommand(line).kind, line).to.equal('wrong');
  });

  it('says every line that begins otherwise as it was typed', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!text.startsWith('/'));
        expect(parseCommand(text)).to.deep.equal({ kind: 'say', text, style: 'normal' });
      }),
    );
  });

  it('completes nicks in order, with and without @', () => {
    const nicks = ['bob', 'Anna', 'ann', 'carl'];
    expect(completions('hello an', nicks)).to.deep.equal({ start: 6, matches: ['ann', 'Anna'] });
    expect(completions('@AN', nicks)).to.deep.equal({ start: 0, matches: ['ann', 'Anna'] });
    expect(completions('hello ', nicks).matches).to.deep.equal([]);
  });
});

describe('the timeline of the page', () => {
  const noon = new Date(2026, 5, 1, 12).getTime();
  const person = (nick: string) => ({ address: `banyan://example.org/~${nick}`, nick, from: null });
  let number = 0;
  const said = (nick: string, at: number): Message => {
    number += 1;
    return { number, id: `m${number}`, at, kind: 'message', author: person(nick), text: 'x', spans: [], style: 'normal' };
  };
  const presence = (what: Presence['what'], who: string, to = ''): Presence => {
    number += 1;
    return { number, id: `p${number}`, at: noon, kind: 'presence', what, who, to, text: what === 'renamed' ? `${who} is now ${to}` : '' };
  };
  const drawn = (entries: readonly Entry[], unreadAfter?: number): string[] =>
    rows(entries, unreadAfter, person('me').address, (entry) => entry.number).map((row) =>
      row.kind === 'message' ? `${row.head ? 'head' : 'more'} ${row.message.author.nick}` : row.kind,
    );

  it('groups what one person says in one go, and begins anew after a pause, another person, another day', () => {
    const minute = 60_000;
    expect(
      drawn([
        said('ann', noon),
        said('ann', noon + minute),
        said('ann', noon + 10 * minute),
        said('bob', noon + 10 * minute),
        said('bob', noon + 24 * 60 * minute),
      ]),
    ).to.deep.equal(['day', 'head ann', 'more ann', 'head ann', 'head bob', 'day', 'head bob']);
  });

  it('draws the line "new" before the first message of others that was not read', () => {
    const [first, second, third] = [said('ann', noon), said('ann', noon), said('bob', noon)];
    expect(drawn([first, second, third], first.number)).to.deep.equal(['day', 'head ann', 'unread', 'head ann', 'head bob']);
    expect(drawn([first, said('me', noon)], first.number)).to.deep.equal(['day', 'head ann', 'head me']);
  });

  it('tells comings and goings in one line', () => {
    expect(tellPresence([presence('came', 'ann'), presence('came', 'bob'), presence('went', 'carl')])).to.equal(
      'ann and bob joined · carl left',
    );
    expect(tellPresence([presence('came', 'ann'), presence('went', 'ann')])).to.equal('ann came and went');
    expect(tellPresence([presence('came', 'an\u202en')])).to.equal('ann joined');
    expect(tellPresence([presence('renamed', 'ann', 'anna')])).to.equal('ann is now anna');
    expect(drawn([presence('came', 'ann'), presence('came', 'bob'), said('ann', noon)])).to.deep.equal(['day', 'line', 'head ann']);
  });
});
