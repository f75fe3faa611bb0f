/** The plugins that are fuzzed, and what each is told. */
import ircClients from '../../plugins/irc-clients/index.ts';
import web from '../../plugins/web/index.ts';
import { openServer, type KitServer } from '../kit/index.ts';
import { parseUserAddress } from '../../server/model/address.ts';
import { InspircdSide } from '../unit/kit/inspircd-side.ts';
import { XmppSide } from '../unit/kit/xmpp-side.ts';
import ircLink from '../../plugins/irc-link/index.ts';
import xmpp from '../../plugins/xmpp/index.ts';
import { parseIrcLine } from '../support/irc-client.ts';
import { stop, type Target } from './cases.ts';
import {
  ircClientConversation,
  ircLoginConversation,
  type lines,
  recordedBy,
  recordedInspircd,
  recordedNgircd,
  recordedXmpp,
  webConversation,
} from './conversations.ts';
import { openWebSocket } from './websocket.ts';

const network = {
  label: 'testnet',
  server_name: 'irc.chat.example',
  server_id: '9BN',
  peer_name: 'scripted.example',
  password_send: 'linkpassword',
  password_receive: 'linkpassword',
  tls: false,
  rooms: ['lounge'],
};

async function startLink(server: KitServer): Promise<void> {
  await server.start(ircLink, { listen: ['127.0.0.1:7000'], networks: [network] });
}

async function startXmpp(server: KitServer): Promise<XmppSide> {
  await server.start(xmpp, { listen: ['127.0.0.1:5269'], listen_tls: [], require_tls: false });
  const side = new XmppSide(server);
  await side.link();
  return side;
}

/** What we may say to an InspIRCd; a command that is none of these was made by somebody's text (A1). */
const linkCommands = new Set(
  (
    'CAPAB SERVER BURST ENDBURST SINFO PING PONG UID FJOIN IJOIN PART QUIT NICK KICK KILL PRIVMSG NOTICE TAGMSG FTOPIC TOPIC FMODE MODE ' +
    'METADATA AWAY FNAME FHOST FIDENT ENCAP INVITE SQUIT IDLE SAVE NUM OPERTYPE ERROR'
  ).split(' '),
);

/** Shares the room with an IRC network and an XMPP server, who see what the clients here do. @returns what is wrong with what they saw */
async function linked(server: KitServer): Promise<() => Promise<readonly string[]>> {
  await startLink(server);
  const side = new InspircdSide(server, true);
  await side.link();
  side.join('anna');
  // Its peer reads our XML as a parser does, and fails on what is none.
  const xmppSide = await startXmpp(server);
  xmppSide.enter('xavier');
  await server.settle();
  return async () => {
    await xmppSide.stream.take();
    const told = (await side.peer.takeLines()).map(parseIrcLine);
    return told
      .filter(({ command }) => !linkCommands.has(command))
      .map(({ command, raw }) => `an IRC server was sent the command ${command}: ${JSON.stringify(raw)}`);
  };
}

/** A server on which the conversations of the kit's own peers are recorded. */
async function recording(run: (server: KitServer) => Promise<void>): Promise<void> {
  const server = await openServer();
  await server.start(ircClients, { listen: ['127.0.0.1:6667'], listen_tls: [] });
  const alice = await server.guest('alice', 'lounge');
  await run(server);
  await alice.say('lounge', 'goodbye');
  await stop(server);
}

export const targets: readonly Target[] = [
  {
    name: 'irc-clients',
    material: () =>
      Promise.resolve({
        conversations: [ircClientConversation, ircLoginConversation],
        words: ['#lounge', 'alice', 'witness', '+b', '\x01', '@label=x '],
      }),
    async open(server) {
      const wrong = await linked(server);
      const peer = server.connect('irc', { lineEnd: '' });
      return { say: (bytes) => peer.send(bytes), wrong };
    },
  },
  {
    name: 'irc-link',
    async material() {
      const conversations: ReturnType<typeof lines>[] = [];
      await recording(async (server) => {
        await startLink(server);
        const side = new InspircdSide(server, true);
        await side.link();
        const handshake = recordedBy(side.peer);
        for (const nick of ['anna', 'bert']) side.join(nick);
        await server.settle();
        side.send('anna', 'PRIVMSG #lounge :hello');
        side.send('anna', `PRIVMSG ${side.idOf('alice')} :hello`);
        side.topic('anna', 'a topic');
        side.rename('bert', 'berta');
        side.send('anna', `KICK #lounge ${side.idOf('berta')} :out`);
        side.send('anna', 'FMODE #lounge 1 +ntbo *!*@example 0AAA00001');
        side.send('anna', `METADATA ${side.idOf('anna')} accountname :anna`);
        side.send('anna', 'AWAY 1 :gone');
        side.send('anna', 'PART #lounge :bye');
        side.send('anna', 'QUIT :bye');
        await server.settle();
        conversations.push(recordedBy(side.peer), recordedInspircd(handshake));
      });
      return {
        conversations,
        words: ['0AA', '9BN', '9BNAAAAAA', '0AAA00001', ':0AA ', '#lounge', 'FJOIN', 'SQUIT', 'SJOIN', 'KILL', 'ENCAP', '+ov'],
      };
    },
    async open(server) {
      await startLink(server);
      const peer = server.connect('irc-link', { lineEnd: '' });
      return { say: (bytes) => peer.send(bytes) };
    },
  },
  {
    name: 'irc-link-ngircd',
    material: () =>
      Promise.resolve({
        conversations: [recordedNgircd('ngircd-link.txt', 'fed.test'), recordedNgircd('ngircd-pair.txt', 'ngircd-a.peer.test')],
        words: [
          'ngircd-a.peer.test',
          'irc.chat.example',
          '#test',
          'NJOIN',
          'CHANINFO',
          'SQUIT',
          'KILL',
          'METADATA',
          '+ov',
          'alice',
          'witness',
        ],
      }),
    async open(server) {
      const ngircd = (letter: string): object => ({
        ...network,
        label: `ng${letter}`,
        dialect: 'ngircd',
        server_id: undefined,
        peer_name: `ngircd-${letter}.peer.test`,
        password_receive: 'linkpass',
        rooms: [{ room: 'lounge', channel: '#test' }],
      });
      await server.start(ircLink, { listen: ['127.0.0.1:7000'], networks: [ngircd('a'), ngircd('b')] });
      const peer = server.connect('irc-link', { lineEnd: '' });
      return { say: (bytes) => peer.send(bytes) };
    },
  },
  {
    name: 'irc-link-dialling',
    async material() {
      const conversations: ReturnType<typeof lines>[] = [];
      await recording(async (server) => {
        const side = new InspircdSide(server, false);
        side.listen();
        await server.start(ircLink, { networks: [{ ...network, address: 'scripted.example:7000' }] });
        await side.link();
        side.join('anna');
        side.send('anna', 'PRIVMSG #lounge :hello');
        await server.settle();
        conversations.push(recordedBy(side.peer));
      });
      return { conversations, words: ['CAPAB', 'SERVER', '0AA', '9BN', 'linkpassword', 'CASEMAPPING=', 'CHANMODES', 'ERROR :'] };
    },
    async open(server) {
      const host = server.host('scripted.example', 7000, { lineEnd: '' });
      await server.start(ircLink, { networks: [{ ...network, address: 'scripted.example:7000' }] });
      const peer = await host.accepted();
      return { say: (bytes) => peer.send(bytes) };
    },
  },
  {
    name: 'xmpp-answering',
    material: () =>
      Promise.resolve({
        conversations: recordedXmpp('<-'),
        words: [
          'far.example',
          'chat.example',
          "type='valid'",
          "type='error'",
          '<proceed',
          '<failure',
          "<a xmlns='urn:xmpp:sm:3' h='5'/>",
          '</stream:stream>',
        ],
      }),
    async open(server) {
      await server.start(xmpp, { listen: ['127.0.0.1:5269'], listen_tls: [], require_tls: false });
      const host = server.host('far.example', 5269, { lineEnd: '' });
      const writer = await server.guest('writer', 'lounge');
      // Nobody has answered yet, so it waits, and goes out if the answers are good.
      void writer.tell(parseUserAddress('xmpp:anna@far.example'), 'hello').catch(() => undefined);
      const peer = await host.accepted();
      return { say: (bytes) => peer.send(bytes) };
    },
  },
  {
    name: 'xmpp',
    async material() {
      const conversations = recordedXmpp('->');
      await recording(async (server) => {
        const side = await startXmpp(server);
        for (const nick of ['anna', 'bert']) side.enter(nick);
        await server.settle();
        side.message('anna', '<body>hello</body>');
        side.message('anna', '<subject>a topic</subject>');
        side.message('bert', '<body>hello</body>', side.addressOf('alice'), 'chat');
        side.rename('bert', 'berta');
        side.kick('anna', 'berta');
        side.leave('anna');
        await server.settle();
        conversations.push(recordedBy(side.stream));
      });
      const words = [
        'far.example',
        'chat.example',
        'rooms.chat.example',
        'lounge@rooms.chat.example/x',
        "xmlns='jabber:server'",
        '<!DOCTYPE',
        '&amp;',
        '&x;',
        '<![CDATA[',
      ];
      return { conversations, words };
    },
    async open(server) {
      const side = await startXmpp(server);
      side.enter('xavier');
      const peer = server.connect('xmpp-server', { lineEnd: '' });
      return { say: (bytes) => peer.send(bytes) };
    },
  },
  {
    name: 'web',
    material: () =>
      Promise.resolve({
        conversations: [webConversation],
        words: ['"type":', '{"a":', '[[[[', '"lounge"', '"alice"', '\\u0000', '\\ud800', 'banyan://chat.example/~alice'],
      }),
    async open(server) {
      const wrong = await linked(server);
      await server.start(web);
      return { say: openWebSocket(server), wrong };
    },
  },
];
