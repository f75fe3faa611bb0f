/** The drivers of the matrix, proved against the real peers alone: what they report must be right before it can judge Banyan. */
import { expect } from 'chai';
import type { Element } from 'ltx';
import { describeMatrix, everybodyInside, introduceEverybody } from '../e2e/matrix.ts';
import { ircWorld } from '../e2e/worlds/irc.ts';
import type { World } from '../e2e/worlds/world.ts';
import { xmppWorld } from '../e2e/worlds/xmpp.ts';
import { connectIrc, type IrcClient } from '../support/irc-client.ts';
import { startInspircd, type Inspircd } from '../support/inspircd.ts';
import { startProsody, type Prosody } from '../support/prosody.ts';
import { eventually } from '../support/wait.ts';
import { connectXmpp, xml, type XmppClient } from '../support/xmpp-client.ts';

describe('two people on one InspIRCd, seen by the matrix', function () {
  this.timeout(60_000);
  const worlds = new Map<string, World>();
  let server: Inspircd;
  let founder: IrcClient;

  before(async () => {
    server = await startInspircd();
    founder = await connectIrc({ port: server.port, nick: 'founder' });
    founder.send('OPER oper operpass');
    await founder.join('#lounge');
    for (const person of ['anna', 'bert']) {
      const connect = () => connectIrc({ port: server.port, nick: person });
      worlds.set(person, await ircWorld(person, { channel: '#lounge', connect }));
    }
    await introduceEverybody(worlds.values());
    await founder.sync();
    founder.send('PRIVMSG #lounge :I am founder');
    await everybodyInside({ persons: ['anna', 'bert'], bystanders: ['founder'], worlds: () => worlds });
  });
  after(async () => {
    await server.stop();
  });

  describeMatrix({
    persons: ['anna', 'bert'],
    bystanders: ['founder'],
    worlds: () => worlds,
    async restoreRights() {
      for (const name of await founder.names('#lounge')) founder.send(`MODE #lounge +o ${name.replace(/^[@+]+/, '')}`);
      await founder.sync();
    },
  });
});

describe('two people in a room of one Prosody, seen by the matrix', function () {
  this.timeout(60_000);
  const worlds = new Map<string, World>();
  let server: Prosody;
  let founder: XmppClient;
  let room: string;

  before(async () => {
    server = await startProsody({ users: ['amy', 'founder'], mode: 'plain' });
    room = `lobby@${server.roomDomain}`;
    const login = (user: string) => connectXmpp({ service: server.websocket, domain: server.domain, user });
    founder = await login('founder');
    await founder.join(room, 'founder');
    for (const person of ['alice', 'amy']) {
      worlds.set(person, await xmppWorld(person, { room, nick: `nick-of-${person}`, connect: () => login(person) }));
    }
    await introduceEverybody(worlds.values());
    await founder.say(room, 'I am founder');
    await everybodyInside({ persons: [...worlds.keys()], bystanders: ['founder'], worlds: () => worlds });
  });
  after(async () => {
    await server.stop();
  });

  describeMatrix({
    persons: ['alice', 'amy'],
    bystanders: ['founder'],
    worlds: () => worlds,
    async restoreRights() {
      for (const person of worlds.keys()) {
        const item = xml('item', { jid: `${person}@${server.domain}`, affiliation: 'owner' });
        await founder.ask(room, 'set', xml('query', { xmlns: 'http://jabber.org/protocol/muc#admin' }, item));
      }
    },
  });

  it('tells what came when it was said, though it was held back, from what only the history brought', async () => {
    const world = worlds.get('amy')!;
    const message = (body: string, ...delay: Element[]) =>
      xml('message', { to: room, type: 'groupchat', id: body }, xml('body', {}, body), ...delay);
    const seen = (text: string): boolean | undefined => {
      const observation = world.observed.find((each) => each.text === text);
      return observation === undefined ? undefined : observation.replayed === true;
    };
    const stamped = xml('delay', { xmlns: 'urn:xmpp:delay', from: server.domain, stamp: new Date().toISOString() });
    await founder.send(message('held back', stamped));
    await eventually('what was held back', () => seen('held back') !== undefined);
    await world.leave();
    await founder.say(room, 'missed');
    // Two connections: without that, amy might be inside again before it is said.
    await founder.expect('that it is said', (stanza) => stanza.is('message') && stanza.getChildText('body') === 'missed');
    await world.reconnect();
    expect([seen('held back'), seen('missed')]).to.deep.equal([false, true]);
  });
});
