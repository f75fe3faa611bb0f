/** The link into an IRC network keeps the contract of a mirror. */
import irc from '../../../plugins/irc-link/index.ts';
import { contract, type Attachment, type KitServer } from '../../kit/index.ts';
import { InspircdSide } from './inspircd-side.ts';

const table = {
  listen: ['127.0.0.1:7000'],
  networks: [
    {
      label: 'testnet',
      server_name: 'irc.chat.example',
      server_id: '9BN',
      peer_name: 'scripted.example',
      password_send: 'linkpassword',
      password_receive: 'linkpassword',
      tls: false,
      rooms: ['lounge'],
    },
  ],
};

async function open(server: KitServer): Promise<Attachment> {
  const plugin = await server.start(irc, table);
  const side = new InspircdSide(server);
  await side.link();
  return {
    plugin,
    joins: (nick) => side.join(nick),
    leaves(nick) {
      side.send(nick, 'PART #lounge :bye');
      side.gone(nick);
    },
    says: (nick, text) => side.send(nick, `PRIVMSG #lounge :${text}`),
    tells: (nick, to, text) => side.send(nick, `PRIVMSG ${side.idOf(to)} :${text}`),
    renames: (nick, to) => side.rename(nick, to),
    topic: (nick, text) => side.topic(nick, text),
    kicks(nick, target) {
      side.send(nick, `KICK #lounge ${side.idOf(target)} :out`);
      side.gone(target);
    },
    saw: () => side.take(),
    members: () => side.members(),
    breaks: () => side.peer.cut(),
    async returns(nicks) {
      side.reset(nicks);
      await side.link();
    },
    raves: (bytes) => side.peer.send(bytes),
  };
}

contract('irc-link', { kind: 'mirror', open });
