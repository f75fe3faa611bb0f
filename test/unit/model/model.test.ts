import { expect } from 'chai';
import fc from 'fast-check';
import {
  AddressError,
  addressParts,
  parseDomain,
  parseRoomAddress,
  parseUserAddress,
  prepareName,
  roomAddress,
  userAddress,
} from '../../../server/model/address.ts';
import { roleOf } from '../../../server/model/affiliation.ts';
import { mintEventId, parseEventId } from '../../../server/model/ids.ts';
import { NickView } from '../../../server/model/nick-view.ts';
import type { UserId } from '../../../server/model/ids.ts';
import { cleanText, oneLine, plainText } from '../../../server/model/text.ts';
import { addressGroup, completeMask, globMatches, maskMatches } from '../../../server/directory/names.ts';

const domain = parseDomain('chat.example');

describe('addresses', () => {
  it('fold what is one name and keep apart what is two (A12 room merge)', () => {
    expect(roomAddress(domain, 'Lounge')).to.equal(roomAddress(domain, 'lounge'));
    expect(roomAddress(domain, 'Ångström')).to.equal(roomAddress(domain, 'a\u030angstro\u0308m'));
    expect(roomAddress(domain, '#a')).to.not.equal(roomAddress(domain, 'a'));
    expect(roomAddress(domain, 'a.')).to.not.equal(roomAddress(domain, 'a'));
    expect(roomAddress(domain, 'a%20b')).to.not.equal(roomAddress(domain, 'ab'));
    for (const bad of ['', ' ', 'a b', 'a\0b', 'a/b', 'a@b', '\u0301a', 'x'.repeat(300), 'a\u202eb', 'a\nb']) {
      expect(() => roomAddress(domain, bad), JSON.stringify(bad)).to.throw(AddressError);
    }
  });

  it('prepare names idempotently, or refuse', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (name) => {
        let prepared: string;
        try {
          prepared = prepareName(name);
        } catch (error) {
          expect(error).to.be.instanceOf(AddressError);
          return;
        }
        expect(prepareName(prepared)).to.equal(prepared);
        expect(addressParts(userAddress(domain, name)).name).to.equal(prepared);
        expect(parseRoomAddress(roomAddress(domain, name))).to.equal(roomAddress(domain, name));
      }),
    );
  });

  it('take apart every scheme', () => {
    expect(addressParts(parseUserAddress('xmpp:alice@prosody.example'))).to.deep.include({
      scheme: 'xmpp',
      name: 'alice',
      domain: 'prosody.example',
    });
    expect(addressParts(parseUserAddress('irc:libera@chat.example/bob'))).to.deep.include({
      scheme: 'irc',
      name: 'bob',
      label: 'libera',
      kind: 'user',
    });
    expect(() => parseUserAddress('bob')).to.throw(AddressError);
    expect(() => parseUserAddress('banyan://chat.example/@lounge')).to.throw(AddressError);
    for (const bad of ['', '.', 'a..b', '-a', 'a b', 'a/b', 'x'.repeat(64) + '.example'])
      expect(() => parseDomain(bad), bad).to.throw(AddressError);
  });
});

describe('text', () => {
  it('A1 line injection: clean text has no control characters, lone surrogates or carriage returns, and keeps its spans', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.nat(60), fc.nat(60), (plain, a, b) => {
        const start = Math.min(a, b, plain.length);
        const end = Math.min(Math.max(a, b), plain.length);
        const clean = cleanText({ plain, spans: [{ start, end, style: { kind: 'bold' } }] });
        expect(clean.plain).to.not.match(/[\u0000-\u0008\u000b-\u001f\u007f\ufffe\uffff]/);
        expect(Buffer.from(clean.plain).toString()).to.equal(clean.plain);
        for (const span of clean.spans) expect(span.end).to.be.within(span.start + 1, clean.plain.length);
        expect(cleanText(clean).plain).to.equal(clean.plain);
      }),
    );
    expect(cleanText(plainText('a\r\nb\rc\u0002d')).plain).to.equal('a\nb\ncd');
    expect(oneLine('a\r\n\tb\u2028c\0 ')).to.equal('a b c');
  });
});

describe('ids', () => {
  it('are 26 characters, in order of time, never twice', () => {
    const ids = Array.from({ length: 5_000 }, (_, index) => mintEventId(1_700_000_000_000 + index));
    expect(new Set(ids).size).to.equal(ids.length);
    expect(ids.toSorted()).to.deep.equal(ids);
    for (const id of ids.slice(0, 100)) expect(parseEventId(id)).to.equal(id);
    expect(parseEventId('x')).to.equal(undefined);
  });
});

describe('masks', () => {
  it('match as globs without blowing up', () => {
    expect(globMatches('*', '')).to.equal(true);
    expect(globMatches('a*b?c', 'axxbyc')).to.equal(true);
    expect(globMatches('a*b?c', 'axxbc')).to.equal(false);
    const started = process.cpuUsage();
    globMatches('*a'.repeat(50) + 'b', 'a'.repeat(5_000));
    expect(process.cpuUsage(started).user).to.be.lessThan(2_000_000);
    expect(maskMatches('*!*@*.EXAMPLE', { nick: 'n', ident: 'i', host: 'a.example' })).to.equal(true);
  });
  it('are completed from what people write', () => {
    expect(completeMask('bob')).to.equal('bob!*@*');
    expect(completeMask('b@h')).to.equal('*!b@h');
    expect(completeMask('host.example')).to.equal('*!*@host.example');
    expect(completeMask('n!i@h')).to.equal('n!i@h');
    expect(completeMask('a b')).to.equal(undefined);
  });
  it('group addresses by household', () => {
    expect(addressGroup('192.0.2.1')).to.equal('192.0.2.1');
    expect(addressGroup('2001:db8:1:2:3::1')).to.equal(addressGroup('2001:0db8:0001:0002::9'));
    expect(addressGroup('2001:db8:1:2::1')).to.not.equal(addressGroup('2001:db8:1:3::1'));
  });
});

describe('roles', () => {
  it('follow from affiliation, status and moderation', () => {
    const none = { affiliation: 'none', operator: false, voice: false } as const;
    expect(roleOf(none, false)).to.equal('participant');
    expect(roleOf(none, true)).to.equal('visitor');
    expect(roleOf({ ...none, voice: true }, true)).to.equal('participant');
    expect(roleOf({ ...none, operator: true }, true)).to.equal('moderator');
    expect(roleOf({ ...none, affiliation: 'admin' }, true)).to.equal('moderator');
    expect(roleOf({ ...none, affiliation: 'member' }, true)).to.equal('participant');
  });
});

describe('nick views', () => {
  const rules = {
    fold: (nick: string) => nick.toLowerCase(),
    legalise: (nick: string) => nick.replace(/[^a-z]/gi, '_').slice(0, 8) || 'x',
    variant: (nick: string, hint: string, attempt: number) => `${nick.slice(0, 4)}${attempt}${hint}`,
  };
  it('stay unique and reversible whatever happens', () => {
    const name = fc.constantFrom('bob', 'Bob', 'b b', 'b-b', 'alice', 'ALICE', '');
    const step = fc.record({ user: fc.integer({ min: 1, max: 6 }), nick: name, act: fc.constantFrom('assign', 'claim', 'release') });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const view = new NickView(rules);
        for (const { user, nick, act } of steps) {
          const id = `u${user}` as UserId;
          if (act === 'assign') {
            const given = view.assign(id, nick, 'net');
            expect(view.nickOf(id)).to.equal(given);
          } else if (act === 'claim') view.claim(id, nick || 'x');
          else view.release(id);
          const shown = [1, 2, 3, 4, 5, 6].flatMap((n) => view.nickOf(`u${n}` as UserId) ?? []);
          expect(new Set(shown.map(rules.fold)).size).to.equal(shown.length);
          for (let n = 1; n <= 6; n++) {
            const nickOf = view.nickOf(`u${n}` as UserId);
            if (nickOf !== undefined) expect(view.userOf(nickOf)).to.equal(`u${n}`);
          }
        }
      }),
    );
  });
});
