import { expect } from 'chai';
import fc from 'fast-check';
import { parse, type Element } from 'ltx';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDomain } from '../../../server/model/address.ts';
import { dialbackAnswer } from '../../../plugins/xmpp/stream/dialback.ts';
import { StreamError, streamErrorElement } from '../../../plugins/xmpp/stream/errors.ts';
import { bare, append } from '../../../plugins/xmpp/xml/element.ts';
import { ns } from '../../../plugins/xmpp/xml/namespaces.ts';
import { addressed, serialise, serialiseAddressable } from '../../../plugins/xmpp/xml/serialise.ts';
import { peerLimits, strangerLimits, Tokenizer, type TokenizerLimits } from '../../../plugins/xmpp/xml/tokenizer.ts';
import { repository } from '../../support/root.ts';

const head = `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='${ns.streams}' xmlns:db='${ns.dialback}' from='a.example' to='b.example' version='1.0'>`;

const [a, b] = [parseDomain('a.example'), parseDomain('b.example')];

interface Read {
  readonly elements: Element[];
  readonly headers: number;
  readonly ended: boolean;
  readonly error: string | undefined;
}

/** What a stream says, given in these pieces. Anything but a StreamError is thrown on. */
function read(pieces: readonly Buffer[], limits: TokenizerLimits = peerLimits): Read {
  const elements: Element[] = [];
  let [headers, ended, error] = [0, false, undefined as string | undefined];
  const tokenizer = new Tokenizer(ns.server, limits, {
    header: () => (headers += 1),
    element: (element) => elements.push(element),
    end: () => (ended = true),
  });
  try {
    for (const piece of pieces) tokenizer.write(piece);
  } catch (failure) {
    if (!(failure instanceof StreamError)) throw failure;
    error = failure.condition;
  }
  return { elements, headers, ended, error };
}

/** A tree in the plugin's normal form, comparable. */
function plain(element: Element): unknown {
  const children: unknown[] = [];
  for (const child of element.children) {
    if (typeof child !== 'string') children.push(plain(child));
    else if (child !== '') {
      const before = children.at(-1);
      if (typeof before === 'string') children[children.length - 1] = before + child;
      else children.push(child);
    }
  }
  return { name: element.name, attributes: Object.fromEntries(Object.entries(element.attrs)), children };
}

const names = fc.constantFrom('message', 'body', 'x', 'item', 'Ünïcode', '_u', 'a-b.c');
const text = fc.string({
  unit: fc.constantFrom('a', ' ', '\n', '\r', '\t', '&', '<', '>', '"', "'", ']]>', 'é', '€', '\u{1f332}', '\u0085'),
});
const attributes = fc.dictionary(fc.constantFrom('id', 'from', 'to', 'xml:lang', '{urn:q}k', '__proto__', 'constructor'), text, {
  maxKeys: 4,
});
const namespaces = fc.constantFrom(ns.client, 'urn:a', 'urn:b', ns.dialback, "urn:'&<");

const tree: fc.Arbitrary<Element> = fc.letrec<{ element: Element }>((tie) => ({
  element: fc
    .tuple(names, namespaces, attributes, fc.array(fc.oneof({ maxDepth: 4, depthSize: 'small' }, text, tie('element')), { maxLength: 4 }))
    .map(([name, namespace, attrs, children]) => {
      const made = bare(name, namespace);
      for (const [key, value] of Object.entries(attrs)) made.attrs[key] = value;
      for (const child of children) append(made, child);
      return made;
    }),
})).element;

describe('the XML of streams', () => {
  it('comes back as it was written, whatever is in it', () => {
    fc.assert(
      fc.property(tree, (element) => {
        const result = read([Buffer.from(head + serialise(element))]);
        expect(result.error).to.equal(undefined);
        expect(result.elements.map(plain)).to.deep.equal([plain(element)]);
      }),
      { numRuns: 500 },
    );
  });

  it('reads the same however it is cut, inside characters too', () => {
    const bytes = Buffer.from(
      `${head}<message to='a@b.example'><body>é€\u{1f332} &amp; &#x1f332;<![CDATA[<]]></body><x xmlns='urn:a' a="&quot;"/></message> \n<db:result from='a' to='b'>k</db:result></stream:stream>`,
    );
    const whole = read([bytes]);
    expect(whole).to.deep.include({ headers: 1, ended: true, error: undefined });
    expect(whole.elements.map((element) => element.name)).to.deep.equal(['message', 'result']);
    expect(whole.elements[0]!.getChildText('body')).to.equal('é€\u{1f332} & \u{1f332}<');
    for (let at = 0; at <= bytes.length; at++) {
      const cut = read([bytes.subarray(0, at), bytes.subarray(at)]);
      expect({ ...cut, elements: cut.elements.map(plain) }, `cut at ${at}`).to.deep.equal({
        ...whole,
        elements: whole.elements.map(plain),
      });
    }
    const single = read([...bytes].map((byte) => Buffer.from([byte])));
    expect(single.elements.map(plain)).to.deep.equal(whole.elements.map(plain));
  });

  it('never fails otherwise than by a stream error, on any bytes', () => {
    const shred = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom(
          ...[
            '<',
            '>',
            '/',
            '</',
            '<a',
            '<a>',
            "='",
            '"',
            '&',
            '&amp;',
            '&lt',
            ';',
            '<!--',
            '<![CDATA[',
            ']]>',
            '<?x',
            '?>',
            '<!DOCTYPE a>',
          ],
          ...["xmlns:p='u'", 'p:a', ' ', 'é', '</stream:stream>', head, '<message/>', '\u0000', '&#0;', '&#xD800;', "xmlns='x'"],
        )
        .map((piece) => Buffer.from(piece)),
    );
    fc.assert(
      fc.property(fc.boolean(), fc.array(shred, { maxLength: 30 }), (started, pieces) => {
        read([...(started ? [Buffer.from(head)] : []), ...pieces], strangerLimits);
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes prefixes for what they are, not for how they are spelled', () => {
    const { elements } = read([
      Buffer.from(`${head}<q:message xmlns:q='jabber:server' q:k='1'><q:body>hi</q:body><r:x xmlns:r='urn:a' r:s='2' s='3'/></q:message>`),
    ]);
    const message = elements[0]!;
    expect([message.name, message.attrs['xmlns']]).to.deep.equal(['message', ns.client]);
    expect(message.getChild('body', ns.client)?.text()).to.equal('hi');
    expect(message.getChild('x', 'urn:a')?.attrs).to.include({ '{urn:a}s': '2', s: '3' });
  });

  it('is legal for others whatever text a bridge brought along', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.array(fc.nat(0xffff), { maxLength: 20 }), (some, units) => {
        const body = bare('body', ns.client);
        append(body, some + String.fromCharCode(...units));
        body.attrs['id'] = String.fromCharCode(...units) + some;
        const written = serialise(body);
        // Char of XML 1.0 section 2.2.
        for (const unit of written) {
          const code = unit.codePointAt(0)!;
          expect(code >= 0x20 || code === 9 || code === 10, `U+${code.toString(16)}`).to.equal(true);
          expect(code < 0xd800 || (code > 0xdfff && code !== 0xfffe && code !== 0xffff)).to.equal(true);
        }
        expect(read([Buffer.from(`${head}${written}`)]).error).to.equal(undefined);
        expect(() => parse(written)).to.not.throw();
      }),
      { numRuns: 500 },
    );
  });

  it('encodes once for many recipients', () => {
    const presence = bare('presence', ns.client);
    presence.attrs['from'] = "room@b.example/o'hara";
    append(presence, 'x');
    const once = serialiseAddressable(presence);
    presence.attrs['to'] = 'a@b.example/<&>';
    const many = read([Buffer.from(head + addressed(once, 'a@b.example/<&>'))]);
    expect(many.elements.map(plain)).to.deep.equal([plain(presence)]);
  });

  it('writes features, errors and dialback with the prefixes by which alone some servers know them', () => {
    expect(serialise(streamErrorElement('conflict', ''))).to.match(/^<stream:error><conflict xmlns='[^']*'\/><\/stream:error>$/);
    const verdict = dialbackAnswer('result', { from: a, to: b }, { kind: 'error', condition: 'item-not-found' });
    expect(serialise(verdict)).to.match(/^<db:result [^>]*><error type='cancel'><item-not-found xmlns='[^']*'\/><\/error><\/db:result>$/);
  });

  it('reads what real servers wrote', async () => {
    const folder = join(repository, 'test', 'fixtures', 'xmpp');
    let count = 0;
    for (const file of await readdir(folder)) {
      for (const line of (await readFile(join(folder, file), 'utf8')).split('\n')) {
        const xml = /^ *[\d.]+ #\d+ \S+ (?:->|<-) \S+ (<(?:message|presence|iq|db:result|db:verify)[ >].*>)$/.exec(line)?.[1];
        if (xml === undefined) continue;
        const { elements, error } = read([Buffer.from(`${head}${xml}`)]);
        expect(error, xml).to.equal(undefined);
        expect(elements, xml).to.have.lengthOf(1);
        const again = read([Buffer.from(head + serialise(elements[0]!))]);
        expect(again.elements.map(plain), xml).to.deep.equal(elements.map(plain));
        count++;
      }
    }
    expect(count).to.be.greaterThan(100);
  });
});
