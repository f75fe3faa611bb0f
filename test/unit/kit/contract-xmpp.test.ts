/** Federation with XMPP servers keeps the contract of remote members. */
import xmpp from '../../../plugins/xmpp/index.ts';
import { contract, type Attachment, type KitServer } from '../../kit/index.ts';
import { XmppSide } from './xmpp-side.ts';

const table = { listen: ['127.0.0.1:5269'], listen_tls: [], require_tls: false };

async function open(server: KitServer): Promise<Attachment> {
  const plugin = await server.start(xmpp, table);
  const side = new XmppSide(server);
  await side.link();
  return {
    plugin,
    joins: (nick) => side.enter(nick),
    leaves: (nick) => side.leave(nick),
    says: (nick, text) => side.message(nick, `<body>${text}</body>`),
    tells: (nick, to, text) => side.message(nick, `<body>${text}</body>`, side.addressOf(to), 'chat'),
    renames: (nick, to) => side.rename(nick, to),
    topic: (nick, topic) => side.message(nick, `<subject>${topic}</subject>`),
    kicks: (nick, target) => side.kick(nick, target),
    saw: (nick) => side.client(nick).sights.splice(0),
    members: (nick) => [...side.client(nick).members],
    breaks: () => side.break(),
    async returns(nicks) {
      await side.link();
      for (const nick of nicks) side.enter(nick);
      await server.settle();
    },
    raves: (bytes) => side.stream.send(bytes),
  };
}

// Between XMPP servers there is no link whose loss is an event: who cannot be reached goes when that is noticed.
contract('xmpp', { kind: 'remote-members', cannotCarry: ['split'], open });
