/**
 * Five people in five worlds, in one room: one with the page in Chromium, one with an IRC client here, one on a real
 * InspIRCd, one on a real ngIRCd, one on a real Prosody. A sixth, the room's owner, only looks on.
 */
import type { Browser } from 'playwright-core';
import { inspectable, startBanyan, type Banyan } from '../support/banyan.ts';
import { launchBrowser } from '../support/browser.ts';
import { startInspircd, type Inspircd } from '../support/inspircd.ts';
import { connectIrc, type IrcClient } from '../support/irc-client.ts';
import { startNgircd, type Ngircd } from '../support/ngircd.ts';
import { freePort } from '../support/ports.ts';
import { startProsody, type Prosody } from '../support/prosody.ts';
import { eventually } from '../support/wait.ts';
import { startRelay, type Relay } from '../support/relay.ts';
import { connectXmpp } from '../support/xmpp-client.ts';
import { roomRecords } from './log.ts';
import { everybodyInside, introduceEverybody } from './matrix.ts';
import { ircWorld } from './worlds/irc.ts';
import { webWorld } from './worlds/web.ts';
import { introduction, type Person, type World } from './worlds/world.ts';
import { xmppWorld } from './worlds/xmpp.ts';

export const persons = ['web', 'irc', 'net', 'ng', 'xmpp'] as const;
export const owner = 'owner';

const domain = 'banyan.example';
const room = 'lounge';
const service = 'banyan';

export interface Environment {
  readonly banyan: Banyan;
  readonly inspircd: Inspircd;
  readonly ngircd: Ngircd;
  readonly prosody: Prosody;
  readonly browser: Browser;
  readonly channel: string;
  readonly persons: readonly Person[];
  readonly bystanders: readonly Person[];
  readonly worlds: () => ReadonlyMap<Person, World>;
  /** Those whose clients catch up by the log after a break. */
  readonly catchingUp: readonly Person[];
  /** The owner's client, who may read the whole log. */
  reader(): IrcClient;
  /** Gives everybody the rights again that come with a visit. */
  restoreRights(): Promise<void>;
  /** The connections between Banyan and the others, each in both directions. */
  readonly cables: { readonly irc: readonly Relay[]; readonly ng: readonly Relay[]; readonly xmpp: readonly Relay[] };
  /** After a break: everybody comes back as their clients do. */
  comeBack(): Promise<void>;
  /** Stops the server and checks every record of the room's log. */
  verifyLog(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts everything; nobody is left running when it fails. */
export async function startEnvironment(): Promise<Environment> {
  const undo: (() => Promise<unknown>)[] = [];
  const started = async <T>(thing: Promise<T>, stop: (thing: T) => Promise<unknown>): Promise<T> => {
    const done = await thing;
    undo.push(() => stop(done));
    return done;
  };
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    return await assemble(started, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function assemble(
  started: <T>(thing: Promise<T>, stop: (thing: T) => Promise<unknown>) => Promise<T>,
  stop: () => Promise<void>,
): Promise<Environment> {
  const federation = await freePort();
  const inward = await started(startRelay(federation), (relay) => relay.stop());
  const records = [domain, `rooms.${domain}`, `users.${domain}`].map((name) => ({ domain: name, port: inward.port }));
  const inspircd = await started(startInspircd(), (server) => server.stop());
  const ngircd = await started(startNgircd({ peerName: `irc.${domain}` }), (server) => server.stop());
  const prosody = await started(startProsody({ mode: 'dialback', records }), (server) => server.stop());
  const outward = await started(startRelay(prosody.serverPort), (relay) => relay.stop());
  const link = await started(startRelay(inspircd.linkPort), (relay) => relay.stop());
  const ngLink = await started(startRelay(ngircd.port), (relay) => relay.stop());
  const configuration = tables({ inspircd, ngircd, prosody, federation, link: link.port, ngLink: ngLink.port, outward: outward.port });
  const banyan = await started(startBanyan({ domain, tables: configuration, nodeOptions: [inspectable] }), (server) => server.stop());
  const browser = await started(launchBrowser(), (one) => one.close());
  await banyan.account(owner, 'owner-password', { administrator: true });

  const channel = `#${room}`;
  const worlds = new Map<Person, World>();
  let ownerClient = await ownerIn(banyan, channel);

  const net = ircWorld('net', {
    channel,
    services: [service],
    connect: (nick) => connectIrc({ port: inspircd.port, nick }),
  });
  worlds.set('net', await started(net, (world) => world.stop()));
  const ng = ircWorld('ng', {
    channel,
    services: [service],
    connect: (nick) => connectIrc({ port: ngircd.port, nick }),
  });
  worlds.set('ng', await started(ng, (world) => world.stop()));
  const web = (await browser.newContext()).newPage().then((page) => webWorld('web', page, { url: banyan.page, nick: 'web', room }));
  worlds.set('web', await started(web, (world) => world.stop()));
  const irc = ircWorld('irc', {
    channel,
    connect: (nick) =>
      connectIrc({
        port: banyan.port('irc'),
        nick,
        capabilities: ['message-tags', 'server-time', 'batch', 'draft/chathistory'],
      }),
  });
  worlds.set('irc', await started(irc, (world) => world.stop()));
  const xmpp = xmppWorld('xmpp', {
    room: `${room}@rooms.${domain}`,
    nick: 'xmpp',
    connect: () => connectXmpp({ service: prosody.websocket, domain: prosody.domain, user: 'alice' }),
  });
  worlds.set('xmpp', await started(xmpp, (world) => world.stop()));

  const environment: Environment = {
    banyan,
    inspircd,
    ngircd,
    prosody,
    browser,
    channel,
    persons,
    bystanders: [owner],
    worlds: () => worlds,
    catchingUp: ['web', 'irc', 'xmpp'],
    cables: { irc: [link], ng: [ngLink], xmpp: [inward, outward] },
    reader: () => ownerClient,
    async restoreRights() {
      for (const name of await ownerClient.names(channel)) {
        const nick = name.replace(/^[~&@%+]+/, '');
        if (nick === ownerClient.nick) continue;
        // By XMPP, only admins and owners of a room bar somebody (XEP-0045 section 9.1).
        ownerClient.send(nick.startsWith('xmp') ? `MODE ${channel} +oa ${nick} ${nick}` : `MODE ${channel} +o ${nick}`);
      }
      await ownerClient.sync();
    },
    async comeBack() {
      if (!ownerClient.open) ownerClient = await ownerIn(banyan, channel);
      await Promise.all([...worlds.values()].map((world) => world.reconnect()));
    },
    async verifyLog() {
      await banyan.halt();
      await roomRecords(banyan, room);
    },
    stop,
  };
  await everybodyKnown(environment, ownerClient);
  return environment;
}

function tables({
  inspircd,
  ngircd,
  prosody,
  federation,
  link,
  ngLink,
  outward,
}: {
  readonly inspircd: Inspircd;
  readonly ngircd: Ngircd;
  readonly prosody: Prosody;
  readonly federation: number;
  readonly link: number;
  readonly ngLink: number;
  readonly outward: number;
}): string[] {
  const peers = [prosody.domain, prosody.roomDomain]
    .map((name) => `[[plugins.xmpp.peers]]\ndomain = "${name}"\nhost = "127.0.0.1"\nport = ${outward}`)
    .join('\n');
  return [
    `[plugins.irc-link]\n\n[[plugins.irc-link.networks]]\nlabel = "testnet"\ntitle = "TestNet"\nserver_name = "irc.${domain}"\nserver_id = "9BN"
peer_name = "${inspircd.name}"\naddress = "127.0.0.1:${link}"\ntls = false
password_send = "${inspircd.password}"\npassword_receive = "${inspircd.password}"\nrooms = ["${room}"]\nservice_nick = "${service}"

[[plugins.irc-link.networks]]\nlabel = "ngnet"\ntitle = "NgNet"\ndialect = "ngircd"\nserver_name = "irc.${domain}"
peer_name = "${ngircd.name}"\naddress = "127.0.0.1:${ngLink}"\ntls = false
password_send = "${ngircd.passwordWanted}"\npassword_receive = "${ngircd.passwordSent}"\nrooms = ["${room}"]\nservice_nick = "${service}"`,
    `[plugins.xmpp]\nlisten = ["127.0.0.1:${federation}"]\nlisten_tls = []\n${peers}`,
  ];
}

async function ownerIn(banyan: Banyan, channel: string): Promise<IrcClient> {
  const client = await connectIrc({
    port: banyan.port('irc'),
    nick: owner,
    account: { name: owner, password: 'owner-password' },
    capabilities: ['message-tags', 'server-time', 'batch', 'draft/chathistory'],
  });
  await client.sync();
  if (!client.lines.some((line) => line.command === 'JOIN' && line.nick === owner)) await client.join(channel);
  return client;
}

async function everybodyKnown(environment: Environment, ownerClient: IrcClient): Promise<void> {
  await everybodyCounted(environment);
  await introduceEverybody(environment.worlds().values());
  ownerClient.send(`PRIVMSG ${environment.channel} :${introduction(owner)}`);
  await ownerClient.sync();
  await everybodyInside(environment);
}

/** Before anybody is introduced, only their number can be compared. */
async function everybodyCounted({ worlds, persons: acting, bystanders }: Environment): Promise<void> {
  for (const world of worlds().values()) {
    let listed: readonly string[] = [];
    await eventually(
      () => `${world.person} to list ${acting.length + bystanders.length} people; listed are ${listed.join(' ')}`,
      async () => (listed = await world.members()).length === acting.length + bystanders.length,
      30_000,
    );
  }
}
