/** Bytes to values and back, in each protocol: one thing that is said in a room. */
import { Express } from '../plugins/web/express.ts';
import { textFrame } from '../plugins/web/frame.ts';
import { clientFrame } from '../plugins/web/protocol.ts';
import { parseLine, serialiseLine } from '../plugins/irc/line.ts';
import type { Codec } from '../plugins/irc-link/dialect.ts';
import type { Fact } from '../plugins/irc-link/model/facts.ts';
import type { NetState } from '../plugins/irc-link/model/state.ts';
import { ns } from '../plugins/xmpp/xml/namespaces.ts';
import type { Element } from '../plugins/xmpp/xml/element.ts';
import { serialise } from '../plugins/xmpp/xml/serialise.ts';
import { peerLimits, Tokenizer } from '../plugins/xmpp/xml/tokenizer.ts';
import { nextRecord, origin } from '../server/log/record.ts';
import { parseDomain } from '../server/model/address.ts';
import { mintEventId } from '../server/model/ids.ts';
import { roomLog } from '../server/model/event.ts';
import { plainText } from '../server/model/text.ts';
import { definePlugin } from '../server/plugin.ts';
import { openServer } from '../test/kit/index.ts';
import { established, NgircdModel } from '../test/unit/irc-link/ngircd-support.ts';
import { codec as inspircdCodec, Model } from '../test/unit/irc-link/support.ts';
import { z } from 'zod';
import { repeat, type Group } from './measure.ts';

const words = 'It is a truth universally acknowledged, that a chat server must be in want of a user.';
const tagged = `@time=2026-01-01T00:00:00.000Z;msgid=0123456789abcdef;account=anna :anna!anna@host.example PRIVMSG #lounge :${words}`;
const stanza =
  `<message from='anna@far.example/phone' to='lounge@rooms.chat.example' type='groupchat' id='m1' xml:lang='en'>` +
  `<body>${words}</body><origin-id xmlns='urn:xmpp:sid:0' id='m1'/></message>`;

export const codecs: Group = async function* ({ seconds }) {
  yield await repeat('IRC: parse a line with tags', 'line', seconds, () => parseLine(tagged));
  const line = parseLine(tagged)!;
  yield await repeat('IRC: serialise a line with tags', 'line', seconds, () => serialiseLine(line));

  const inspircd = new Model();
  inspircd.user('0AAAAAAAA', 'anna');
  yield* dialect('InspIRCd', inspircdCodec(), inspircd.state, `:0AAAAAAAA PRIVMSG #lounge :${words}`, seconds);
  const ngircd = new NgircdModel();
  ngircd.ours('anna', 'anna');
  yield* dialect('ngIRCd', established().codec, ngircd.state, `:anna PRIVMSG #lounge :${words}`, seconds);

  yield* xml(seconds);
  yield* frames(seconds);
};

async function* dialect(name: string, codec: Codec, state: NetState, text: string, seconds: number): ReturnType<Group> {
  const parsed = parseLine(text)!;
  const facts = codec.decode(parsed) as readonly Fact[];
  yield await repeat(`IRC link, ${name}: decode a message`, 'line', seconds, () => codec.decode(parseLine(text)!));
  yield await repeat(`IRC link, ${name}: encode a message`, 'line', seconds, () => codec.encode(facts[0]!, state));
}

async function* xml(seconds: number): ReturnType<Group> {
  let found: Element | undefined;
  const tokenizer = new Tokenizer(ns.server, peerLimits, {
    header: () => undefined,
    element: (element) => {
      found = element;
    },
    end: () => undefined,
  });
  tokenizer.write(Buffer.from(`<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>`));
  const bytes = Buffer.from(stanza);
  yield await repeat('XML: tokenise a message', 'stanza', seconds, () => {
    tokenizer.write(bytes);
    return found;
  });
  yield await repeat('XML: serialise a message', 'stanza', seconds, () => serialise(found!));
}

async function* frames(seconds: number): ReturnType<Group> {
  const server = await openServer();
  try {
    let express: Express | undefined;
    await server.start(
      definePlugin({
        name: 'bench',
        version: '1.0.0',
        config: z.strictObject({}),
        enabledByDefault: true,
        start: (host) => {
          express = new Express(host);
          return Promise.resolve({ stop: () => Promise.resolve(), status: () => ({ summary: '', links: [] }) });
        },
      }),
    );
    const anna = await server.guest('anna', 'lounge');
    const room = server.room('lounge');
    const said = JSON.stringify({ type: 'say', id: 1, room: 'lounge', text: words });
    yield await repeat('native: read a frame of a client', 'frame', seconds, () => clientFrame.safeParse(JSON.parse(said)));
    const record = nextRecord(origin, {
      log: roomLog(room.address),
      epoch: '1.a',
      id: mintEventId(1),
      origin: parseDomain('chat.example'),
      born: 1,
      logged: 1,
      content: { kind: 'message', author: { address: anna.user.address, nick: 'anna' }, text: plainText(words), style: 'normal' },
    });
    yield await repeat('native: write a message as a frame', 'frame', seconds, () =>
      textFrame(
        JSON.stringify({ type: 'events', room: room.address, items: [express!.item(room, { kind: 'record', record, via: undefined })] }),
      ),
    );
  } finally {
    await server.stop();
  }
}
