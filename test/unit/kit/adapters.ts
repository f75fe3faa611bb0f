/** How the contract drives the bundled bridges against their scripted peers. */
import irc from '../../../plugins/irc-link/index.ts';
import xmpp from '../../../plugins/xmpp/index.ts';
import type { Attachment, ContractAdapter, KitServer } from '../../kit/index.ts';
import { InspircdSide } from './inspircd-side.ts';
import { NgircdSide } from './ngircd-side.ts';
import { XmppSide } from './xmpp-side.ts';

export const ircTable = {
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

async function openIrc(server: KitServer, dials: boolean): Promise<Attachment> {
  const side = new InspircdSide(server, dials);
  if (!dials) side.listen();
  const [network] = ircTable.networks;
  const table = dials ? ircTable : { networks: [{ ...network, address: 'scripted.example:7000' }] };
  const plugin = await server.start(irc, table);
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
    breaks: () => side.break(),
    async returns(nicks) {
      side.reset(nicks);
      await side.link();
    },
    raves: (bytes) => side.peer.send(bytes),
  };
}

/** The other server dials us. */
export const ircLink: ContractAdapter = { kind: 'mirror', open: (server) => openIrc(server, true) };
/** We dial the other server. */
export const ircLinkDialling: ContractAdapter = { kind: 'mirror', open: (server) => openIrc(server, false) };

async function openNgircd(server: KitServer): Promise<Attachment> {
  const { server_id: _, ...network } = ircTable.networks[0]!;
  const plugin = await server.start(irc, { ...ircTable, networks: [{ ...network, dialect: 'ngircd' }] });
  const side = new NgircdSide(server);
  await side.link();
  return {
    plugin,
    joins: (nick) => side.join(nick),
    leaves(nick) {
      side.send(nick, 'PART #lounge :bye');
      side.gone(nick);
    },
    says: (nick, text) => side.send(nick, `PRIVMSG #lounge :${text}`),
    tells: (nick, to, text) => side.send(nick, `PRIVMSG ${to} :${text}`),
    renames: (nick, to) => side.rename(nick, to),
    topic: (nick, text) => side.send(nick, `TOPIC #lounge :${text}`),
    kicks(nick, target) {
      side.send(nick, `KICK #lounge ${target} :out`);
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

/** An ngIRCd dials us. */
export const ngircdLink: ContractAdapter = { kind: 'mirror', open: openNgircd };

export const xmppTable = { listen: ['127.0.0.1:5269'], listen_tls: [], require_tls: false };

async function openXmpp(server: KitServer): Promise<Attachment> {
  const plugin = await server.start(xmpp, xmppTable);
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

/** Between XMPP servers there is no link whose loss is an event: who cannot be reached goes when that is noticed. */
export const xmppFederation: ContractAdapter = { kind: 'remote-members', cannotCarry: ['split'], open: openXmpp };
