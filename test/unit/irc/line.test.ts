import { expect } from 'chai';
import fc from 'fast-check';
import {
  breaksLine,
  escapeTag,
  isMiddle,
  isTagKey,
  parseLine,
  serialiseLine,
  serialiseTags,
  UnsafeLineError,
  type OutgoingMessage,
} from '../../../plugins/irc/line.ts';

const word = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).filter((text) => isMiddle(text) && !breaksLine(text));
const trailing = fc.string({ unit: 'binary', maxLength: 30 }).filter((text) => !breaksLine(text));
const command = fc.oneof(fc.constantFrom('PRIVMSG', 'MODE', 'JOIN', '001'), fc.stringMatching(/^[A-Z]{1,10}$/));
const key = fc.stringMatching(/^\+?(?:[a-z.]{1,6}\/)?[a-zA-Z0-9-]{1,8}$/);
const value = fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replaceAll('\0', ''));
const message = fc.record({
  tags: fc.dictionary(key, value, { maxKeys: 4, noNullPrototype: true }).map((tags) => new Map(Object.entries(tags))),
  source: fc.option(word, { nil: undefined }),
  command,
  params: fc.tuple(fc.array(word, { maxLength: 14 }), fc.option(trailing, { nil: undefined })),
});

describe('irc: lines', () => {
  it('what is serialised is parsed as the same', () => {
    fc.assert(
      fc.property(message, ({ tags, source, command, params: [middle, last] }) => {
        const params = last === undefined ? middle : [...middle, last];
        const parsed = parseLine(serialiseLine({ tags, source, command, params }));
        expect(parsed).to.deep.equal({ tags, source, command, params });
      }),
    );
  });

  it('never throws on any text, and finds no line end in what it parsed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const parsed = parseLine(text);
        if (parsed === undefined) return;
        expect([parsed.source ?? '', parsed.command, ...parsed.params].some(breaksLine)).to.equal(false);
      }),
      { numRuns: 500 },
    );
  });

  it('A1, A2: whatever is given, serialising refuses or makes exactly the one line that was meant', () => {
    const wild = fc.string({
      unit: fc.oneof(fc.constantFrom(' ', ':', '\r', '\n', '\0', '\u0001', '\u2028', '@', ';'), fc.string({ minLength: 1, maxLength: 1 })),
    });
    fc.assert(
      fc.property(fc.option(wild, { nil: undefined }), wild, fc.array(wild, { maxLength: 5 }), (source, verb, params) => {
        let line: string;
        try {
          line = serialiseLine({ source, command: verb, params });
        } catch (error) {
          expect(error).to.be.instanceOf(UnsafeLineError);
          return;
        }
        expect(line).to.not.match(/[\r\n\0]/);
        expect(parseLine(line)).to.deep.equal({ tags: new Map(), source, command: verb.toUpperCase(), params });
      }),
      { numRuns: 500 },
    );
  });

  it('names the part that cannot be said', () => {
    const refuses = (part: string, message: OutgoingMessage): void => {
      expect(() => serialiseLine(message))
        .to.throw(UnsafeLineError)
        .with.property('part', part);
    };
    refuses('parameter', { command: 'JOIN', params: ['#a b', 'key'] });
    refuses('parameter', { command: 'MODE', params: ['', '+o'] });
    refuses('parameter', { command: 'MODE', params: [':x', '+o'] });
    refuses('parameter', { command: 'PRIVMSG', params: ['#a', 'hi\r\nQUIT'] });
    refuses('source', { source: 'a b', command: 'QUIT' });
    refuses('source', { source: 'a\nb', command: 'QUIT' });
    refuses('command', { command: 'QUIT :x' });
    refuses('tag', { tags: new Map([['a b', '']]), command: 'QUIT' });
  });

  it('reads tags as IRCv3 escapes them', () => {
    const tags = parseLine('@a=\\:\\s\\\\\\r\\n\\x;b;c=;+d.e/f=1;b=2;z=x\\ PING y')?.tags;
    expect([...tags!]).to.deep.equal([
      ['a', '; \\\r\nx'],
      ['b', '2'],
      ['c', ''],
      ['+d.e/f', '1'],
      ['z', 'x'],
    ]);
  });

  it('an escaped value holds nothing that ends a tag or the line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(escapeTag(text)).to.not.match(/[; \r\n\0]/);
        expect(parseLine(`@k=${escapeTag(text)} X`)?.tags.get('k')).to.equal(text.replaceAll('\0', ''));
      }),
    );
  });

  it('knows tag keys', () => {
    for (const good of ['time', '+typing', 'znc.in/self-message', '+draft/reply', 'a-1']) expect(isTagKey(good), good).to.equal(true);
    for (const bad of ['', '+', 'a b', 'a;b', 'a=b', '++a', 'a/b/c', 'ä', 'a\n']) expect(isTagKey(bad), bad).to.equal(false);
    expect(
      serialiseTags(
        new Map([
          ['a', ''],
          ['b', ' '],
        ]),
      ),
    ).to.equal('a;b=\\s');
  });

  it('reads the odd forms that clients send', () => {
    expect(parseLine('privmsg   #a   :two  words ')).to.deep.include({ command: 'PRIVMSG', params: ['#a', 'two  words '] });
    expect(parseLine('JOIN #a ')).to.deep.include({ params: ['#a'] });
    expect(parseLine('AWAY :')).to.deep.include({ params: [''] });
    expect(parseLine(':src PING ::x')).to.deep.include({ source: 'src', params: [':x'] });
    for (const none of ['', '   ', ':', ':src', '@tags', '@tags ', '@a :src ', 'PING\0', 'A\nB', 'PRIV MSG\rX', '$$ x'])
      expect(parseLine(none), JSON.stringify(none)).to.equal(undefined);
  });
});
