/** The schemas of the native protocol, the frames on the wire, and the document that is made from them. */
import { expect } from 'chai';
import fc from 'fast-check';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { textFrame } from '../../../plugins/web/frame.ts';
import { protocolDocument } from '../../../plugins/web/protocol-document.ts';
import { clientFrame, clientFrames, serverFrames } from '../../../plugins/web/protocol.ts';
import { repository } from '../../support/root.ts';

/** One right frame of every type. */
const examples: Readonly<Record<string, object>> = {
  guest: { nick: 'ann' },
  'sign-in': { name: 'ann', password: 'secret secret' },
  token: { token: 'a.b' },
  register: { name: 'ann', password: 'secret secret', stay: true },
  'sign-out': {},
  join: { room: 'lounge', key: 'k' },
  leave: { room: 'lounge' },
  say: { room: 'lounge', text: 'hello' },
  private: { to: 'bob', text: 'hello', style: 'action' },
  nick: { nick: 'bob' },
  away: { text: null },
  topic: { room: 'lounge', topic: '' },
  kick: { room: 'lounge', user: 'bob', ban: true },
  grant: { room: 'lounge', user: 'bob', operator: true },
  affiliation: { room: 'lounge', user: 'banyan://example.org/~bob', affiliation: 'owner' },
  ban: { room: 'lounge', mask: 'bob!*@*' },
  unban: { room: 'lounge', mask: 'bob!*@*' },
  bans: { room: 'lounge' },
  configure: { room: 'lounge', changes: { moderated: true, key: null } },
  invite: { room: 'lounge', user: 'bob' },
  read: { room: 'lounge', number: 7 },
  history: { room: 'lounge', before: 12 },
  'private-history': {},
  rooms: {},
  who: { user: 'bob' },
  typing: { room: 'lounge', state: 'active' },
  command: { name: 'help' },
  ping: {},
};
const types = Object.keys(examples);
const accepts = (frame: unknown): boolean => clientFrame.safeParse(frame).success;

describe('the native protocol', () => {
  it('accepts a right frame of every type, with and without an id', () => {
    expect(types).to.have.members(clientFrames.map((schema) => schema.shape.type.value));
    for (const [type, frame] of Object.entries(examples)) {
      expect(accepts({ type, ...frame }), type).to.equal(true);
      expect(accepts({ type, id: 1, ...frame }), type).to.equal(true);
    }
  });

  it('never throws on any JSON, and takes only objects of a known type', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(accepts(value)).to.equal(false);
      }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.dictionary(fc.string(), fc.jsonValue()), (type, fields) => {
        clientFrame.safeParse({ ...fields, type });
      }),
    );
  });

  it('refuses unknown fields, and types that nobody defined', () => {
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.string({ minLength: 1 }), fc.jsonValue(), (type, name, value) => {
        const known = clientFrames.find((schema) => schema.shape.type.value === type)!;
        fc.pre(!Object.hasOwn(known.shape, name) && name !== '__proto__');
        expect(accepts({ type, ...examples[type], [name]: value })).to.equal(false);
      }),
    );
    for (const type of ['', 'SAY', 'constructor', '__proto__', 'toString', null, 1, ['say']]) expect(accepts({ type })).to.equal(false);
    expect(accepts(JSON.parse('{"type":"ping","__proto__":{"a":1}}'))).to.equal(false);
  });

  it('refuses every field of a wrong type, and every needed field that is missing', () => {
    const wrong = [undefined, {}, [], ['x'], 1.5, Number.MAX_VALUE, Symbol.iterator, () => undefined];
    for (const [type, frame] of Object.entries(examples)) {
      const schema = clientFrames.find((each) => each.shape.type.value === type)!;
      for (const [name, field] of Object.entries(frame)) {
        if (name === 'changes') continue;
        for (const value of wrong) {
          const optional = schema.shape[name as keyof typeof schema.shape] as { safeParse(value: unknown): { success: boolean } };
          if (value === undefined && optional.safeParse(undefined).success) continue;
          expect(
            accepts({ type, ...frame, [name]: value }),
            `${type}.${name} = wrong value ${wrong.indexOf(value)} instead of ${String(field)}`,
          ).to.equal(false);
        }
      }
    }
    for (const id of [-1, 0.5, '1', null, 2 ** 60]) expect(accepts({ type: 'ping', id }), String(id)).to.equal(false);
  });

  it('refuses what is too large before anybody works on it', () => {
    const long = (length: number): string => 'x'.repeat(length);
    expect(accepts({ type: 'say', room: 'lounge', text: long(65_536) })).to.equal(true);
    expect(accepts({ type: 'say', room: 'lounge', text: long(65_537) })).to.equal(false);
    expect(accepts({ type: 'say', room: long(256), text: 'x' })).to.equal(false);
    expect(accepts({ type: 'guest', nick: long(101) })).to.equal(false);
    expect(accepts({ type: 'sign-in', name: 'ann', password: long(1_025) })).to.equal(false);
    expect(accepts({ type: 'topic', room: 'lounge', topic: long(4_097) })).to.equal(false);
    expect(accepts({ type: 'history', room: 'lounge', limit: 501 })).to.equal(false);
    expect(accepts({ type: 'history', room: 'lounge', limit: 0 })).to.equal(false);
  });

  it('frames every text as RFC 6455 section 5.2 says, with the shortest length', () => {
    const check = (text: string): void => {
      const bytes = Buffer.from(text);
      const frame = textFrame(text);
      const form = frame[1]!;
      expect(frame[0]).to.equal(0x81);
      const [header, length] = form < 126 ? [2, form] : form === 126 ? [4, frame.readUInt16BE(2)] : [10, Number(frame.readBigUInt64BE(2))];
      expect(length).to.equal(bytes.length);
      expect(form < 126 || (form === 126 ? length > 125 : length > 65_535)).to.equal(true);
      expect(frame.subarray(header).equals(bytes)).to.equal(true);
    };
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), check));
    for (const length of [0, 125, 126, 127, 65_535, 65_536, 70_000]) check('é'.repeat(length >> 1) + 'x'.repeat(length & 1));
  });

  it('is described in docs/native-protocol.md as it is (remedy: npm run document)', async () => {
    const document = protocolDocument();
    expect(await readFile(join(repository, 'docs', 'native-protocol.md'), 'utf8')).to.equal(document);
    for (const schema of [...clientFrames, ...serverFrames]) {
      const type = schema.shape.type.value;
      expect(document, type).to.include(`### \`${type}\``);
      for (const field of Object.keys(schema.shape)) if (field !== 'type') expect(document, type).to.include(`| \`${field}\` |`);
    }
  });
});
