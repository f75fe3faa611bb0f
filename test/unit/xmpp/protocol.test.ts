import { expect } from 'chai';
import fc from 'fast-check';
import { parseDomain } from '../../../server/model/address.ts';
import { bounce, conditionOf, errorElement, refusalError, type Condition } from '../../../plugins/xmpp/stanza-error.ts';
import {
  dialbackAnswer,
  dialbackKey,
  dialbackRequest,
  isDialbackKey,
  isPresentableKey,
  Outstanding,
  readDialback,
} from '../../../plugins/xmpp/stream/dialback.ts';
import { describeStreamError, streamErrorElement } from '../../../plugins/xmpp/stream/errors.ts';
import { claimedDomain } from '../../../plugins/xmpp/stream/sasl.ts';
import { element, stanza } from '../../../plugins/xmpp/xml/element.ts';
import { ns } from '../../../plugins/xmpp/xml/namespaces.ts';

const [a, b] = [parseDomain('a.example'), parseDomain('b.example')];

describe('stanza errors', () => {
  it('carry the type that RFC 6120 gives the condition, and are read back', () => {
    const types: Partial<Record<Condition, string>> = {
      'bad-request': 'modify',
      conflict: 'cancel',
      forbidden: 'auth',
      'item-not-found': 'cancel',
      'jid-malformed': 'modify',
      'registration-required': 'auth',
      'remote-server-not-found': 'cancel',
      'remote-server-timeout': 'wait',
      'resource-constraint': 'wait',
      'service-unavailable': 'cancel',
    };
    for (const [condition, type] of Object.entries(types) as [Condition, string][]) {
      const error = errorElement({ condition, text: 'why' });
      expect(error.attrs['type']).to.equal(type);
      expect(conditionOf(stanza('message', { type: 'error' }, error))).to.deep.equal({ condition, text: 'why' });
    }
    expect(conditionOf(stanza('message', { type: 'error' }))).to.deep.equal({ condition: 'undefined-condition', text: '' });
  });

  it('answer everything but errors and results, with from and to exchanged and the same id', () => {
    const error = { condition: 'service-unavailable' } as const;
    const bounced = bounce(stanza('iq', { type: 'get', from: 'x@a.example/1', to: 'y@b.example', id: 'i' }), error)!;
    expect(bounced.attrs).to.include({ type: 'error', from: 'y@b.example', to: 'x@a.example/1', id: 'i' });
    expect(bounce(stanza('iq', { type: 'result' }), error)).to.equal(undefined);
    expect(bounce(stanza('iq', { type: 'error' }), error)).to.equal(undefined);
    expect(bounce(stanza('message', { type: 'error' }), error)).to.equal(undefined);
    expect(bounce(stanza('presence', { type: 'error' }), error)).to.equal(undefined);
    expect(bounce(stanza('presence', {}), error)).to.not.equal(undefined);
  });

  it('say what the core refused in the words of XEP-0045', () => {
    const said = (code: Parameters<typeof refusalError>[0]['code']) => refusalError({ code, text: 'because' });
    expect(said('banned')).to.include({ condition: 'forbidden', text: 'because' });
    expect(said('members-only').condition).to.equal('registration-required');
    expect(said('wrong-key').condition).to.equal('not-authorized');
    expect(said('full')).to.include({ condition: 'service-unavailable', type: 'wait' });
    expect(said('nick-in-use').condition).to.equal('conflict');
    expect(said('not-a-member')).to.include({ condition: 'not-acceptable', type: 'cancel' });
    expect(said('moderated').condition).to.equal('forbidden');
  });

  it('of streams are described for the log, and cut', () => {
    expect(describeStreamError(streamErrorElement('host-unknown', 'who?'))).to.deep.equal({
      condition: 'host-unknown',
      words: 'host-unknown (who?)',
    });
    expect(describeStreamError(streamErrorElement('conflict', 'x'.repeat(10_000))).words).to.have.length.lessThan(300);
  });
});

describe('dialback', () => {
  it('makes the keys of XEP-0185', () => {
    const secret = 's3cr3tf0rd14lb4ck';
    expect(dialbackKey(secret, 'xmpp.example.com', 'example.org', 'D60000229F')).to.equal(
      '37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643',
    );
    expect(dialbackKey(secret, 'montague.example', 'capulet.example', 'D60000229F')).to.equal(
      'b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3',
    );
  });

  it('knows its own keys by all four things that make them', () => {
    const key = dialbackKey('secret', 'b.example', 'a.example', 'id');
    expect(isDialbackKey('secret', 'b.example', 'a.example', 'id', key)).to.equal(true);
    for (const [secret, receiving, originating, id] of [
      ['other', 'b.example', 'a.example', 'id'],
      ['secret', 'c.example', 'a.example', 'id'],
      ['secret', 'b.example', 'c.example', 'id'],
      ['secret', 'b.example', 'a.example', 'id2'],
      ['secret', 'a.example', 'b.example', 'id'],
      // The text of the key is `receiving originating id`: no other cut of it makes the same key for a domain.
      ['secret', 'b.example a.example', 'id', ''],
    ] as const)
      expect(isDialbackKey(secret, receiving, originating, id, key)).to.equal(false);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (forged) => {
        expect(isDialbackKey('secret', 'b.example', 'a.example', 'id', forged)).to.equal(false);
      }),
    );
    expect([isPresentableKey(''), isPresentableKey('k'.repeat(256)), isPresentableKey('a b'), isPresentableKey('é')]).to.deep.equal(
      Array(4).fill(false),
    );
  });

  it('is written and read, with errors', () => {
    const asked = readDialback(dialbackRequest('verify', { from: a, to: b }, 'key', 'id'));
    expect(asked).to.deep.equal({ name: 'verify', from: a, to: b, id: 'id', key: 'key', verdict: undefined });
    for (const verdict of [{ kind: 'valid' }, { kind: 'invalid' }, { kind: 'error', condition: 'item-not-found' }] as const)
      expect(readDialback(dialbackAnswer('verify', { from: a, to: b }, verdict, 'id'))).to.deep.include({ from: b, to: a, verdict });
    expect(readDialback(element('result', ns.dialback, { from: 'x@a.example', to: 'b.example' }))).to.equal(undefined);
    expect(readDialback(element('result', ns.dialback, { from: 'a.example', to: 'b.example', type: 'maybe' }))).to.equal(undefined);
    expect(readDialback(element('result', ns.dialback, { from: 'a.example' }))).to.equal(undefined);
  });

  it('believes an answer once, and only to what was asked', () => {
    const outstanding = new Outstanding<string>();
    expect(outstanding.add({ from: b, to: a }, 'id', 'waiter')).to.equal(true);
    expect(outstanding.add({ from: b, to: a }, 'id', 'again')).to.equal(false);
    expect(outstanding.take({ from: b, to: a }, 'id')).to.equal(undefined);
    expect(outstanding.take({ from: a, to: b }, 'other')).to.equal(undefined);
    expect(outstanding.take({ from: a, to: b }, 'id')).to.equal('waiter');
    expect(outstanding.take({ from: a, to: b }, 'id')).to.equal(undefined);
  });
});

describe('SASL EXTERNAL', () => {
  const claim = (text: string) => claimedDomain(text, a);
  const base64 = (text: string): string => Buffer.from(text).toString('base64');

  it('takes the name of the stream, given or not, and no other', () => {
    expect(claim('')).to.equal(a);
    expect(claim('=')).to.equal(a);
    expect(claim(base64('A.example'))).to.equal(a);
    expect(claim(base64('b.example'))).to.deep.equal({ failure: 'invalid-authzid' });
    expect(claim(base64('a.example\u0000b.example'))).to.deep.equal({ failure: 'invalid-authzid' });
    expect(claim(Buffer.from([0xff, 0xfe]).toString('base64'))).to.deep.equal({ failure: 'invalid-authzid' });
    expect(claim('a.example')).to.deep.equal({ failure: 'incorrect-encoding' });
    expect(claim('A'.repeat(10_000))).to.deep.equal({ failure: 'incorrect-encoding' });
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const claimed = claim(text);
        if (typeof claimed === 'string') expect(claimed).to.equal(a);
      }),
    );
  });
});
