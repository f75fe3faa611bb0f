/** The plugins that are fuzzed, and what each is told. */
import ircClients from '../../plugins/irc-clients/index.ts';
import web from '../../plugins/web/index.ts';
import { openServer, type KitServer } from '../kit/index.ts';
import { InspircdSide } from '../unit/kit/inspircd-side.ts';
import { XmppSide } from '../unit/kit/xmpp-side.ts';
import ircLink from '../../plugins/irc-link/index.ts';
import xmpp from '../../plugins/xmpp/index.ts';
import { stop, type Target } from './cases.ts';
import {
  ircClientConversation,
  ircLoginConversation,
  type lines,
  recordedBy,
  recordedInspircd,
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
    open(server) {
      const peer = server.connect('irc', { lineEnd: '' });
      return Promise.resolve((bytes) => peer.send(bytes));
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
      return (bytes) => peer.send(bytes);
    },
  },
  {
    name: 'xmpp',
    async material() {
      const conversations = recordedXmpp();
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
      return (bytes) => peer.send(bytes);
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
      await server.start(web);
      return openWebSocket(server.upgrade('/socket'));
    },
  },
];
