/** Streams to other servers, and what becomes of what cannot be delivered; people and queries. */
import { expect } from 'chai';
import type { Element } from 'ltx';
import { userAddress, parseDomain, type UserAddress } from '../../../server/model/address.ts';
import { guest, quiet, signedIn, text, value, type Recorder } from '../core/support.ts';
import { condition, enterStanza, far, lounge, mucUser, own, rooms, xmppWorld, type Line, type World } from './support.ts';

describe('streams to other XMPP servers', () => {
  let world: World;
  let wanda: Recorder;
  const bob = `xmpp:bob@${far}` as UserAddress;

  beforeEach(async () => {
    world = await xmppWorld();
    wanda = guest(world.core, 'wanda');
  });
  afterEach(() => world.stop());

  const write = async (plain: string, to = bob): Promise<void> => {
    value(await world.core.users.sendPrivate(wanda.session.user, to, text(plain), wanda.session));
    await quiet();
  };
  const bodies = (): (string | null)[] => world.server(far).stanzas.map((stanza) => stanza.getChildText('body'));
  const notices = (): string[] => wanda.take().filter((line) => line.includes('not delivered'));

  it('carry in order what waited for them, on one connection', async () => {
    world.server(far);
    for (const plain of ['one', 'two', 'three']) void world.core.users.sendPrivate(wanda.session.user, bob, text(plain), wanda.session);
    await quiet();
    await quiet();
    await write('four');
    expect(bodies()).to.deep.equal(['one', 'two', 'three', 'four']);
    expect(world.dialled).to.have.lengthOf(1);
    expect(notices()).to.deep.equal([]);
  });

  it('tell the sender honestly when there is no such server, once a message, and do not try again at once', async () => {
    await write('hello?');
    await write('hello??');
    expect(notices()).to.have.lengthOf(2);
    expect(world.dialled).to.have.lengthOf(1);
    world.server(far);
    await write('a moment later');
    expect(notices()).to.have.lengthOf(1);
    world.clock.advance(6_000);
    await write('later');
    expect(bodies()).to.deep.equal(['later']);
  });

  it('rest longer from failure to failure, and not at all when the other side comes', async () => {
    const dials: number[] = [];
    for (let second = 0; second < 300; second++) {
      const before = world.dialled.length;
      await write('?');
      if (world.dialled.length > before) dials.push(second);
      world.clock.advance(1_000);
    }
    expect(dials.length).to.be.within(4, 7);
    await world.proved(far, own);
    await write('welcome');
    expect(bodies()).to.deep.equal(['welcome']);
  });

  it('try one place after the other: where nobody is, where somebody hangs up, where somebody speaks something else', async () => {
    world.hosts.set(far, ['nowhere.example', 'busy.example', 'web.example', far, 'spare.example']);
    for (const [name, says] of [
      ['busy.example', '</stream:stream>'],
      ['web.example', 'HTTP/1.1 400 Bad Request'],
    ] as const) {
      const server = world.server(name);
      const answers = server.dialled.bind(server);
      server.dialled = () => {
        const line = answers();
        line.listener = () => queueMicrotask(() => line.receive(says));
        return line;
      };
    }
    world.server(far);
    await write('at last');
    await quiet();
    expect(bodies()).to.deep.equal(['at last']);
    expect(world.dialled.map((options) => options.host)).to.deep.equal(['nowhere.example', 'busy.example', 'web.example', far]);
    expect(notices()).to.deep.equal([]);
  });

  it('tell the sender when the other side does not believe us, or says nothing', async () => {
    await world.stop();
    world = await xmppWorld({ message_seconds: 60 });
    wanda = guest(world.core, 'wanda');
    const server = world.server(far);
    server.believes = false;
    await write('hello?');
    expect(notices()[0]).to.include('does not believe');
    server.believes = true;
    world.clock.advance(6_000);
    const answers = server.dialled.bind(server);
    server.dialled = () => {
      const line = answers();
      line.listener = undefined;
      return line;
    };
    await write('hello?');
    expect(notices()).to.deep.equal([]);
    world.clock.advance(31_000);
    await quiet();
    expect(notices()).to.deep.equal([]);
    world.clock.advance(31_000);
    await quiet();
    expect(notices()[0]).to.include('too long');
  });

  it('are opened again after an end, whoever ended them', async () => {
    await world.proved(far, own);
    await write('one');
    world.server(far).lines.at(-1)!.receive('</stream:stream>');
    await write('two');
    world.server(far).lines.at(-1)!.receive(`<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`);
    await write('three');
    world.server(far).lines.at(-1)!.break();
    await write('four');
    expect(bodies()).to.deep.equal(['one', 'two', 'three', 'four']);
    expect(notices()).to.deep.equal([]);
  });

  it('that carried only dialback are no failure when they end', async () => {
    await world.proved(far, own);
    for (const line of world.server(far).lines) line.break();
    await write('at once');
    expect(bodies()).to.deep.equal(['at once']);
  });

  it('are closed when nobody used them for long, and the peer is kept from thinking so before', async () => {
    const incoming = await world.proved(far, own);
    await write('one');
    const line = world.server(far).lines.at(-1)!;
    for (let minute = 0; minute < 130; minute++) {
      world.clock.advance(60_000);
      await quiet();
      if (minute === 3) expect(line.out).to.include(' <iq').and.not.include('</stream:stream>');
    }
    expect(line.out.trimEnd().endsWith('</stream:stream>')).to.equal(true);
    expect(incoming.streamError).to.equal('connection-timeout');
    await write('two');
    expect(bodies()).to.deep.equal(['one', 'two']);
  });

  it('hold no more than they should for a server that does not answer', async () => {
    await world.stop();
    world = await xmppWorld({ queue_stanzas: 1_000 });
    wanda = guest(world.core, 'wanda');
    const server = world.server(far);
    const answers = server.dialled.bind(server);
    server.dialled = () => {
      const line = answers();
      line.listener = undefined;
      return line;
    };
    for (let index = 0; index < 1_010; index++) void world.core.users.sendPrivate(wanda.session.user, bob, text('x'), wanda.session);
    for (let round = 0; round < 5; round++) await quiet();
    expect(notices()).to.have.lengthOf(10);
  });
});

describe('people for other XMPP servers', () => {
  let world: World;
  let line: Line;
  let wanda: Recorder;
  const alice = `alice@${far}/desk`;

  beforeEach(async () => {
    world = await xmppWorld();
    line = await world.proved(far, own);
    wanda = guest(world.core, 'wanda');
  });
  afterEach(() => world.stop());

  const send = async (stanza: string, through = line): Promise<Element[]> => {
    world.server(far).take();
    through.receive(stanza);
    await quiet();
    return world.server(far).take();
  };
  const message = (to: string, inside: string, type = 'chat'): string =>
    `<message from='${alice}' to='${to}' type='${type}' id='m'>${inside}</message>`;

  it('are reached by account, by guest address, by a guest’s nick; answers come from where they were written to', async () => {
    value(await world.core.accounts.add('carol', 'correct horse', false));
    const carol = signedIn(world.core, 'carol');
    await send(message(`Carol@${own}`, '<body>hi</body>'));
    expect(carol.take()).to.deep.equal(['private <alice> to carol: hi']);
    await send(message(`wanda@${own}`, '<body>hi</body>'));
    expect(wanda.take()).to.deep.equal(['private <alice> to wanda: hi']);
    const answer = async (): Promise<unknown> => {
      world.server(far).take();
      value(await world.core.users.sendPrivate(wanda.session.user, `xmpp:alice@${far}` as UserAddress, text('yes?'), wanda.session));
      await quiet();
      return world.server(far).take()[0]?.attrs['from'];
    };
    expect(await answer()).to.equal(`wanda@${own}`);
    const address = /~(.*)$/.exec(wanda.session.user.address)![1]!;
    await send(message(`${address}@${own}`, '<body>hi</body>'));
    expect(await answer()).to.equal(`${address}@${own}`);
    await send(message(`wanda@${own}`, '<body>hi</body>'));
    // The nick is no longer hers, so it is no address of hers either.
    value(world.core.users.rename(wanda.session.user, 'wanda2'));
    expect(await answer()).to.equal(`${address}@${own}`);
  });

  it('who have an account are written to while they are away', async () => {
    value(await world.core.accounts.add('carol', 'correct horse', false));
    expect(await send(message(`carol@${own}`, '<body>for later</body>'))).to.deep.equal([]);
    const carol = signedIn(world.core, 'carol');
    const kept = await world.core.users.readPrivate(carol.session.user, { limit: 10 });
    expect(kept.map((record) => record.content.kind === 'private' && record.content.text.plain)).to.deep.equal(['for later']);
    expect(carol.session.user.address).to.equal(userAddress(parseDomain(own), 'carol'));
  });

  it('are answered for by RFC 6121 section 8, whoever is not there', async () => {
    const errors: readonly (readonly [string, string | undefined])[] = [
      [message(`nobody@${own}`, '<body>x</body>'), 'service-unavailable'],
      [message(own, '<body>x</body>'), 'service-unavailable'],
      [message(`nobody@${own}`, '<body>x</body>', 'groupchat'), 'service-unavailable'],
      [message(`wanda@${own}`, '<body>x</body>', 'groupchat'), 'service-unavailable'],
      [message(`nobody@${own}`, '<body>x</body>', 'headline'), undefined],
      [message(`nobody@${own}`, '<body>x</body>', 'error'), undefined],
      [message(`nobody@${own}`, `<composing xmlns='http://jabber.org/protocol/chatstates'/>`), undefined],
      [message(`wanda@${own}`, `<composing xmlns='http://jabber.org/protocol/chatstates'/>`), undefined],
      [message(`a b@${own}`, '<body>x</body>'), 'jid-malformed'],
      [message(`wanda@${own}`, `<body>excuse</body><encrypted xmlns='eu.siacs.conversations.axolotl'/>`), 'not-acceptable'],
      [message(`wanda@${own}`, `<body>${'x'.repeat(20_000)}</body>`), 'policy-violation'],
      ...['vcard-temp', 'jabber:iq:version', 'jabber:iq:last', 'urn:example:x', 'jabber:iq:roster'].map(
        (namespace) =>
          [`<iq from='${alice}' to='wanda@${own}' type='get' id='q'><query xmlns='${namespace}'/></iq>`, 'service-unavailable'] as const,
      ),
      [`<iq from='${alice}' to='${own}' type='get' id='q'><query xmlns='urn:example:x'/></iq>`, 'service-unavailable'],
      [`<iq from='${alice}' to='${own}' type='get' id='q'/>`, 'bad-request'],
      [`<iq from='${alice}' to='${own}' type='odd' id='q'><query xmlns='urn:example:x'/></iq>`, 'bad-request'],
      [`<iq from='${alice}' to='${own}' type='result' id='q'/>`, undefined],
      [`<iq from='${alice}' to='${own}' type='error' id='q'/>`, undefined],
    ];
    for (const [stanza, expected] of errors) {
      const answers = await send(stanza);
      expect(
        answers.map((answer) => condition(answer)),
        stanza.slice(0, 200),
      ).to.deep.equal(expected === undefined ? [] : [expected]);
      if (answers[0] !== undefined) expect(answers[0].attrs['id']).to.be.oneOf(['m', 'q']);
    }
    expect(wanda.take()).to.deep.equal([]);
  });

  it('decline subscriptions and probes in words that every client knows', async () => {
    for (const type of ['subscribe', 'probe']) {
      const [answer] = await send(`<presence from='${alice}' to='wanda@${own}' type='${type}'/>`);
      expect(answer?.attrs).to.deep.include({ type: 'unsubscribed', from: `wanda@${own}`, to: `alice@${far}` });
    }
    for (const type of ['unsubscribe', 'unsubscribed', 'subscribed', 'unavailable', 'error'])
      expect(await send(`<presence from='${alice}' to='wanda@${own}' type='${type}'/>`)).to.deep.equal([]);
  });

  it('are invited: directly, through the room, to rooms elsewhere; and may decline', async () => {
    const through = await world.proved();
    await send(enterStanza(alice, `${lounge}/Alice`), through);
    await send(message(`wanda@${own}`, `<x xmlns='jabber:x:conference' jid='${lounge}' reason='tea'/>`, 'normal'));
    expect(wanda.take()).to.deep.equal(['private <Alice> to wanda: invited to banyan://chat.example/@lounge']);
    await send(`<message from='${alice}' to='${lounge}'><x xmlns='${mucUser}'><invite to='wanda@${own}'/></x></message>`, through);
    expect(wanda.take()).to.deep.equal(['private <Alice> to wanda: invited to banyan://chat.example/@lounge']);
    await send(message(`wanda@${own}`, `<x xmlns='jabber:x:conference' jid='other@rooms.${far}' reason='tea'/>`, 'normal'));
    expect(wanda.take()).to.deep.equal([`private <Alice> to wanda: Invitation to the room other@rooms.${far}: tea`]);
    const refused = await send(
      `<message from='${alice}' to='${lounge}'><x xmlns='${mucUser}'><invite to='nobody@${own}'/></x></message>`,
      through,
    );
    expect(condition(refused[0])).to.equal('item-not-found');
    value(await world.core.rooms.join(wanda.session.user, 'lounge', { session: wanda.session }, wanda));
    const room = world.core.rooms.byName('lounge')!;
    world.server(far).take();
    value(await world.core.rooms.invite(wanda.session.user, room, `xmpp:bob@${far}` as UserAddress, 'come'));
    await quiet();
    const invitation = world
      .server(far)
      .take()
      .find((stanza) => stanza.getChild('x', 'jabber:x:conference') !== undefined);
    expect(invitation?.attrs).to.include({ from: lounge, to: `bob@${far}` });
    expect(invitation?.getChild('x', mucUser)?.getChild('invite')?.getChildText('reason')).to.equal('come');
    wanda.take();
    const from = String(invitation!.getChild('x', mucUser)!.getChild('invite')!.attrs['from']);
    await send(
      `<message from='bob@${far}/1' to='${lounge}'><x xmlns='${mucUser}'><decline to='${from}'><reason>busy</reason></decline></x></message>`,
      through,
    );
    expect(wanda.take()).to.deep.equal(['private <bob> to wanda: I decline the invitation to lounge: busy']);
  });

  it('of IRC networks have addresses, and answer from them', async () => {
    const users = await world.proved(far, `users.${own}`);
    const told: string[] = [];
    const network = world.core.networks.declare(
      { address: `irc:net@${own}` as never, title: 'Net', label: 'net' },
      {
        privateMessage: (record) => told.push(record.content.kind === 'private' ? record.content.text.plain : ''),
        unicast: () => undefined,
        userChanged: () => undefined,
        killed: () => undefined,
      },
    );
    const nick = '[o]\\20^{x}|';
    const [irc] = network.introduce([{ address: `irc:net@${own}/${nick}` as UserAddress, nick, ident: 'i', host: 'h', realName: 'r' }]);
    value(await network.privateMessage(irc!, `xmpp:alice@${far}` as UserAddress, text('from irc')));
    await quiet();
    const [greeting] = world.server(far).take();
    expect(greeting?.attrs['from']).to.equal(`[o]\\5c20^{x}|%net@users.${own}`);
    await send(message(String(greeting!.attrs['from']), '<body>to irc</body>'), users);
    expect(told).to.deep.equal(['to irc']);
    expect(condition((await send(message(`gone%net@users.${own}`, '<body>x</body>'), users))[0])).to.equal('service-unavailable');
    expect(condition((await send(message(`x%nowhere@users.${own}`, '<body>x</body>'), users))[0])).to.equal('service-unavailable');
    expect(condition((await send(message(`x@users.${own}`, '<body>x</body>'), users))[0])).to.equal('service-unavailable');
  });

  it('tell their sender when the client for which a room’s private message was is gone', async () => {
    const through = await world.proved();
    await send(enterStanza(alice, `${lounge}/Alice`), through);
    await send(enterStanza(`bob@${far}/1`, `${lounge}/Bob`), through);
    value(await world.core.rooms.join(wanda.session.user, 'lounge', { session: wanda.session }, wanda));
    await quiet();
    wanda.take();
    const gone = `<error type='cancel'><recipient-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`;
    await send(`<message from='bob@${far}/1' to='${lounge}/wanda' type='error'>${gone}</message>`, through);
    expect(wanda.take()).to.include('private <Bob> to wanda: Your message was not delivered (recipient-unavailable).');
    expect(world.core.rooms.byName('lounge')!.memberByNick('Bob')).to.equal(undefined);
    const [bounced] = await send(`<message from='${alice}' to='${lounge}/Bob' type='chat' id='pm'><body>x</body></message>`, through);
    expect(condition(bounced)).to.equal('item-not-found');
  });

  it('notice that a server is gone with all its occupants, and that it is only the stream', async () => {
    const through = await world.proved();
    await send(enterStanza(alice, `${lounge}/Alice`), through);
    value(await world.core.rooms.join(wanda.session.user, 'lounge', { session: wanda.session }, wanda));
    await quiet();
    wanda.take();
    const server = world.server(far);
    for (const each of server.lines) each.break();
    await quiet();
    // It looks: a message that nobody is shown. The client is there, so nothing comes back.
    expect(server.take().map((stanza) => `${stanza.name} ${String(stanza.attrs['type'])} ${stanza.getChildText('body')}`)).to.deep.include(
      'message groupchat null',
    );
    expect(wanda.take()).to.deep.equal([]);
    server.up = false;
    for (const each of server.lines) each.break();
    for (let second = 0; second < 60; second++) {
      expect(wanda.take()).to.deep.equal([]);
      world.clock.advance(1_000);
      await quiet();
    }
    expect(wanda.take()).to.deep.equal(['lounge left Alice by leave']);
  });

  it('answer about the server: disco, version, time, uptime, ping', async () => {
    const ask = async (to: string, namespace: string, name = 'query'): Promise<Element> =>
      (await send(`<iq from='${alice}' to='${to}' type='get' id='q'><${name} xmlns='${namespace}'/></iq>`))[0]!;
    expect((await ask(own, 'urn:xmpp:ping', 'ping')).attrs['type']).to.equal('result');
    expect(String(await ask(own, 'jabber:iq:version'))).to.include('Banyan');
    expect(String(await ask(own, 'urn:xmpp:time', 'time'))).to.include('<utc>');
    expect(String(await ask(own, 'jabber:iq:last'))).to.include('seconds');
    expect(String(await ask(own, 'http://jabber.org/protocol/disco#info'))).to.include('category="server"');
    expect(String(await ask(own, 'http://jabber.org/protocol/disco#items'))).to.include(rooms);
    expect(String(await ask(`wanda@${own}`, 'http://jabber.org/protocol/disco#info'))).to.include('category="account"');
  });
});
