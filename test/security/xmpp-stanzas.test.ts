/** Stanzas of every shape, in every order, from a server that has proved its name. */
import { expect } from 'chai';
import fc from 'fast-check';
import { tryParseJid } from '../../plugins/xmpp/jid.ts';
import { far, lounge, own, rooms, xmppWorld } from '../unit/xmpp/support.ts';
import { guest, quiet, value } from '../unit/core/support.ts';

const muc = 'http://jabber.org/protocol/muc';
const nobody = fc.constantFrom(undefined, '', 'x');
const from = fc.constantFrom(`a@${far}/1`, `a@${far}/2`, `b@${far}`, far, `A@${far}/1`, `@${far}`, `a@${far}/`, `"@${far}/1`);
const to = fc.constantFrom(
  ...[
    lounge,
    `${lounge}/a`,
    `${lounge}/b`,
    `${lounge}/wanda`,
    `${lounge}/`,
    `den@${rooms}`,
    `den@${rooms}/a`,
    `den@${rooms}/b`,
    rooms,
    `@${rooms}`,
  ],
  ...[`a b@${rooms}/a`, `${rooms}/x`, `%@${rooms}/x`, `\\20@${rooms}/x`],
);
const type = fc.constantFrom(
  ...[undefined, 'groupchat', 'chat', 'error', 'headline', 'unavailable', 'subscribe', 'probe', 'get', 'set', 'result', 'odd', ''],
);
const leaf = fc.constantFrom(
  ...['<body>hi</body>', '<body/>', '<subject>s</subject>', '<subject/>', '<show>away</show>', '<show>odd</show>', '<status>s</status>'],
  ...[`<x xmlns='${muc}'/>`, `<x xmlns='${muc}'><history maxstanzas='3'/><password>p</password></x>`, `<x xmlns='${muc}#user'/>`],
  ...[`<x xmlns='${muc}#user'><invite to='wanda@${own}'/></x>`, `<x xmlns='${muc}#user'><invite/><decline/></x>`],
  ...[`<x xmlns='${muc}#user'><decline to='wanda@${own}'/></x>`, `<x xmlns='jabber:x:conference'/>`],
  ...[`<error/>`, `<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`],
  ...[`<error type='cancel'><feature-not-implemented xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`],
  ...['admin', 'owner'].flatMap((what) => [
    `<query xmlns='${muc}#${what}'/>`,
    `<query xmlns='${muc}#${what}'><item/></query>`,
    `<query xmlns='${muc}#${what}'><item nick='b' role='none'/></query>`,
    `<query xmlns='${muc}#${what}'><item jid='b@${far}' affiliation='owner'/></query>`,
    `<query xmlns='${muc}#${what}'><item jid='@' affiliation='member'/></query>`,
    `<query xmlns='${muc}#${what}'><x xmlns='jabber:x:data' type='submit'/></query>`,
    `<query xmlns='${muc}#${what}'><x xmlns='jabber:x:data' type='submit'><field/><field var='muc#roomconfig_membersonly'><value>1</value></field></x></query>`,
    `<query xmlns='${muc}#${what}'><destroy/></query>`,
  ]),
  ...[`<ping xmlns='urn:xmpp:ping'/>`, `<query xmlns='http://jabber.org/protocol/disco#info' node='n'/>`, `<vCard xmlns='vcard-temp'/>`],
  ...[`<query xmlns='http://jabber.org/protocol/disco#items'/>`, `<composing xmlns='http://jabber.org/protocol/chatstates'/>`, 'text', ''],
);

const stanza = fc
  .record({ name: fc.constantFrom('message', 'presence', 'iq'), from, to, type, id: nobody, inside: fc.array(leaf, { maxLength: 3 }) })
  .map(({ name, inside, ...attributes }) => {
    const written = Object.entries(attributes).flatMap(([key, said]) => (said === undefined ? [] : [` ${key}='${said}'`]));
    return { name, from: attributes.from, type: attributes.type, xml: `<${name}${written.join('')}>${inside.join('')}</${name}>` };
  });

describe('XMPP stanzas', () => {
  it('A20 order: any stanzas in any order leave the server whole, and every question has one answer', async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(fc.array(stanza, { minLength: 5, maxLength: 40 }), async (stanzas) => {
        const world = await xmppWorld();
        const wanda = guest(world.core, 'wanda');
        value(await world.core.rooms.join(wanda.session.user, 'lounge', { session: wanda.session }, wanda));
        const line = await world.proved();
        const server = world.server(far);
        for (const each of stanzas) {
          server.take();
          line.receive(each.xml);
          await quiet();
          await quiet();
          expect(line.closed, `${each.xml} ended it: ${String(line.streamError)}`).to.equal(false);
          const answers = server.take().filter((answer) => answer.name === 'iq');
          const question = each.name === 'iq' && each.type !== 'result' && each.type !== 'error';
          // Who has no address cannot be answered.
          expect(answers, each.xml).to.have.lengthOf(question && tryParseJid(each.from) !== undefined ? 1 : 0);
        }
        expect(world.log.filter((entry) => Number(entry['level']) >= 50)).to.deep.equal([]);
        // It serves on, and who is a member is an occupant: lists of both agree.
        const other = await world.proved('other.example');
        other.receive(`<iq from='z@other.example/1' to='${rooms}' type='get' id='alive'><ping xmlns='urn:xmpp:ping'/></iq>`);
        await quiet();
        expect(world.server('other.example').stanzas.map((answer) => String(answer.attrs['id']))).to.include('alive');
        await world.stop();
        expect(world.core.users.count.foreign).to.equal(0);
      }),
      { numRuns: 120 },
    );
  });
});
