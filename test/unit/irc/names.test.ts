import { expect } from 'chai';
import fc from 'fast-check';
import { foldName, parseCaseMapping, type CaseMapping } from '../../../plugins/irc/casemapping.ts';
import { globMatches, safeHost, safeIdent } from '../../../plugins/irc/mask.ts';
import { ircNickRules } from '../../../plugins/irc/nick.ts';
import { NickView, type UserId } from '../../../server/plugin.ts';

const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.string());

describe('irc: case mapping', () => {
  it('folds as each mapping says', () => {
    const folds = (mapping: CaseMapping): string => foldName('AZ[]\\^{}|~Ä', mapping);
    expect(folds('ascii')).to.equal('az[]\\^{}|~Ä');
    expect(folds('strict-rfc1459')).to.equal('az{}|^{}|~Ä');
    expect(folds('rfc1459')).to.equal('az{}|~{}|~Ä');
  });

  it('folding twice changes nothing more, and never the length', () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom<CaseMapping>('ascii', 'rfc1459', 'strict-rfc1459'), (text, mapping) => {
        const folded = foldName(text, mapping);
        expect(foldName(folded, mapping)).to.equal(folded);
        expect(folded.length).to.equal(text.length);
      }),
    );
  });

  it('reads ISUPPORT words; what is unknown merges most', () => {
    expect(['ASCII', 'strict-rfc1459', 'rfc1459', 'rfc7613'].map(parseCaseMapping)).to.deep.equal([
      'ascii',
      'strict-rfc1459',
      'rfc1459',
      'rfc1459',
    ]);
  });
});

describe('irc: nicks', () => {
  const plain = ircNickRules({ caseMapping: 'rfc1459', maxBytes: 30 });
  const unicode = ircNickRules({ caseMapping: 'ascii', maxBytes: 96, unicode: true });

  it('are always legal, always the same, and stay what they are when legal', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const nick = plain.legalise(text);
        expect(nick).to.match(/^[A-Za-z_[\]\\^{}|`][A-Za-z0-9_[\]\\^{}|`-]*$/);
        expect(Buffer.byteLength(nick)).to.be.at.most(30);
        expect(plain.legalise(text)).to.equal(nick);
        expect(plain.legalise(nick)).to.equal(nick);
        const wide = unicode.legalise(text);
        expect(wide).to.match(/^[\p{L}_[\]\\^{}|`][\p{L}\p{N}\p{M}_[\]\\^{}|`-]*$/u);
        expect(Buffer.byteLength(wide)).to.be.within(1, 96);
        expect(unicode.legalise(wide)).to.equal(wide);
      }),
      { numRuns: 500 },
    );
  });

  it('A1, A2: hold nothing that could end a word, a source or a line', () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom(' ', '\r', '\n', '\0', '\u0001', ':', '!', '@', ',', '*', '\u2028'), (text, evil) => {
        for (const rules of [plain, unicode]) expect(rules.legalise(`${text}${evil}${text}`)).to.not.match(/[\s\0\u0001:!@,*#\u2028]/);
      }),
    );
  });

  it('variants are legal, differ from attempt to attempt, and keep the limit', () => {
    fc.assert(
      fc.property(anyText, anyText, (text, hint) => {
        const nick = plain.legalise(text);
        const variants = [1, 2, 3, 10].map((attempt) => plain.variant(nick, hint, attempt));
        expect(new Set([nick, ...variants]).size).to.equal(5);
        for (const variant of variants) {
          expect(plain.legalise(variant)).to.equal(variant);
          expect(Buffer.byteLength(variant)).to.be.at.most(30);
        }
      }),
    );
  });

  it('transliterate what a network cannot carry', () => {
    expect(['Jürgen', 'Олег', 'Σωκράτης', '2fast', 'Anna Karenina', '山田', 'ærø'].map((nick) => plain.legalise(nick))).to.deep.equal([
      'Jurgen',
      'Oleg',
      'Sokratis',
      '_2fast',
      'Anna_Karenina',
      plain.legalise('山田'),
      'aero',
    ]);
    expect(plain.legalise('山田')).to.match(/^u[a-z0-9]+$/);
  });

  it('A11: two people whose nicks fold alike are shown under two nicks', () => {
    const view = new NickView(unicode);
    const shown = ['Bob', 'bob', 'ＢＯＢ', 'BOB'].map((nick, index) => view.assign(`u${index}` as UserId, nick, 'far.example'));
    expect(new Set(shown.map((nick) => unicode.fold(nick))).size).to.equal(4);
    expect(shown[0]).to.equal('Bob');
    for (const [index, nick] of shown.entries()) expect(view.userOf(nick.toUpperCase())).to.equal(`u${index}`);
  });
});

describe('irc: masks', () => {
  it('globs match as they are written', () => {
    expect(globMatches('*!*@*.example', 'a!b@c.example')).to.equal(true);
    expect(globMatches('a?c', 'abc')).to.equal(true);
    expect(globMatches('a?c', 'ac')).to.equal(false);
    expect(globMatches('*', '')).to.equal(true);
    expect(globMatches('', 'a')).to.equal(false);
    expect(globMatches('a*b*c', 'aXbXbXc')).to.equal(true);
  });

  it('a glob made from a text by leaving out parts meets it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1, maxLength: 4 }), { maxLength: 8 }),
        fc.array(fc.boolean(), { maxLength: 8 }),
        (parts, kept) => {
          const glob = parts.map((part, index) => (kept[index] === true ? part.replace(/[*?]/g, '?') : '*')).join('');
          expect(globMatches(glob, parts.join(''))).to.equal(true);
        },
      ),
    );
  });

  it('a glob full of stars costs no more than its length times the text', () => {
    expect(globMatches(`${'*a'.repeat(200)}b`, 'a'.repeat(5_000))).to.equal(false);
  });

  it('A2: hosts and idents can stand in a source', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(safeHost(text)).to.match(/^[^\s!@:\0-\x1f][^\s!@\0-\x1f]{0,63}$/);
        expect(safeIdent(text)).to.match(/^[A-Za-z0-9._~-]{1,10}$/);
      }),
    );
    expect([safeHost('::1'), safeHost('a b.example'), safeHost('')]).to.deep.equal(['0::1', 'a-b.example', '0']);
  });
});
