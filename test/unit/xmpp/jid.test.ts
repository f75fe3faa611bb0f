import { expect } from 'chai';
import fc from 'fast-check';
import { AddressError } from '../../../server/model/address.ts';
import { domainOf, escapeLocal, parseJid, prepareLocal, prepareResource, tryParseJid, unescapeLocal } from '../../../plugins/xmpp/jid.ts';
import { legalNick, nickRules } from '../../../plugins/xmpp/muc/nicks.ts';

describe('XMPP addresses', () => {
  it('are taken apart and prepared, so that equal ones are equal strings', () => {
    expect(parseJid('Alice@Far.Example./Phone @ home')).to.deep.equal({
      local: 'alice',
      domain: 'far.example',
      resource: 'Phone @ home',
      bare: 'alice@far.example',
      full: 'alice@far.example/Phone @ home',
    });
    expect(parseJid('far.example')).to.include({ local: '', bare: 'far.example', full: 'far.example' });
    expect(parseJid('xn--bcher-kva.example').domain).to.equal(parseJid('BÜCHER.example').domain);
    expect(parseJid('ａｌｉｃｅ@a.example').local).to.equal('alice');
    expect(parseJid('a\u0301@a.example').local).to.equal('á');
    // Case of the resource matters, its blanks are all alike (RFC 8265 section 4.2).
    expect(prepareResource('A\u00a0b')).to.equal('A b');
  });

  it('are refused where RFC 7622 forbids a character, and never anything but refused', () => {
    for (const text of [
      '',
      '@a.example',
      'a@',
      'a@b@c.example',
      'a@b.example/',
      "o'hara@b.example",
      'a b@c.example',
      'a@b..example',
      'a@-b',
    ])
      expect(tryParseJid(text), text).to.equal(undefined);
    for (const resource of ['\u0000', 'a\nb', 'a\u202eb', 'a\u200bb', 'a\ud800', '\ue000', '\u2028'])
      expect(tryParseJid(`a@b.example/${resource}`), JSON.stringify(resource)).to.equal(undefined);
    expect(tryParseJid(`${'a'.repeat(1024)}@b.example`)).to.equal(undefined);
    expect(tryParseJid(`a@b.example/${'x'.repeat(4_000)}`)).to.equal(undefined);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const parsed = tryParseJid(text);
        domainOf(text);
        if (parsed !== undefined) expect(parseJid(parsed.full)).to.deep.equal(parsed);
      }),
      { numRuns: 2_000 },
    );
  });

  it('carry foreign names and give them back (XEP-0106)', () => {
    expect(escapeLocal('space cadet/O\'Hara@home:<&>"')).to.equal('space\\20cadet\\2fO\\27Hara\\40home\\3a\\3c\\26\\3e\\22');
    expect(escapeLocal('c:\\5commas')).to.equal('c\\3a\\5c5commas');
    expect(escapeLocal('a\\b')).to.equal('a\\b');
    const name = fc.string({ unit: fc.constantFrom('a', '2', '0', '5', 'c', '\\', ' ', '/', '@', '<', '&', '%', '[', 'é'), minLength: 1 });
    fc.assert(
      fc.property(name, (foreign) => {
        expect(unescapeLocal(escapeLocal(foreign))).to.equal(foreign);
        try {
          // What passes is an address as it stands; what does not is refused, not altered.
          expect(prepareLocal(escapeLocal(foreign))).to.equal(escapeLocal(foreign));
        } catch (error) {
          expect(error).to.be.instanceOf(AddressError);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('have legal nicks for whatever a nick was elsewhere', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (foreign) => {
        const nick = nickRules.legalise(foreign);
        expect(legalNick(nick)).to.equal(nick);
        expect(nickRules.legalise(nick)).to.equal(nick);
      }),
      { numRuns: 1_000 },
    );
    expect(nickRules.legalise(`${'a'.repeat(127)}\u{1f332}`)).to.equal('a'.repeat(127));
    expect(legalNick(' ')).to.equal(undefined);
    expect(legalNick('')).to.equal(undefined);
  });
});
