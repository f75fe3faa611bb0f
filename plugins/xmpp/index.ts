/** XMPP federation: other servers' people in our rooms, and private messages both ways. */
import {
  addressParts,
  definePlugin,
  parseDomain,
  type AcceptedConnection,
  type Domain,
  type Host,
  type NetworkHandler,
  type RunningPlugin,
} from '../../server/plugin.ts';
import { configSchema, type Config } from './config.ts';
import { Disco } from './disco.ts';
import { Federation } from './federation/federation.ts';
import { ForeignRooms } from './foreign-rooms/foreign-rooms.ts';
import { domainOf, tryParseJid } from './jid.ts';
import { RoomService } from './muc/service.ts';
import { Outbound } from './outbound.ts';
import { People } from './people.ts';
import { PrivateMessages, type Fate } from './private-messages.ts';
import { Policies } from './policy.ts';
import { Router } from './router.ts';
import { bounce } from './stanza-error.ts';
import { attribute, type Element } from './xml/element.ts';
import { serialise } from './xml/serialise.ts';

const sweepMilliseconds = 60_000;
const expiryMilliseconds = 1_000;
const outboxLimit = 16_777_216;

export default definePlugin<Config>({
  name: 'xmpp',
  version: '1.0.0',
  config: configSchema,
  enabledByDefault: true,
  start,
});

async function start(host: Host, config: Config): Promise<RunningPlugin> {
  const roomsDomain = parseDomain(`rooms.${host.domain}`);
  const usersDomain = parseDomain(`users.${host.domain}`);
  const own: ReadonlySet<Domain> = new Set([host.domain, roomsDomain, usersDomain]);

  const handler: NetworkHandler = {
    privateMessage: (record, to) => outbound.shown(addressParts(to.address).domain, record),
    unicast: () => undefined,
    userChanged: (change) => foreignRooms.userChanged(change),
    killed: (user) => people.networkOf(user).retire(user, 'removed by an administrator'),
  };
  const policies = new Policies(config);
  const people = new People(host, usersDomain, handler, { perDomain: (domain) => policies.of(domain).people, inAll: config.people });
  const federation = new Federation({
    host,
    config,
    policies,
    own,
    secret: host.secret('dialback'),
    receive: (stanza) => router.receive(stanza),
    broken: (from, to) => {
      if (from === roomsDomain) rooms.probe(to);
      foreignRooms.broken(to);
    },
  });

  /** A stanza of ours to another server. What cannot be delivered comes back as an error would from there. */
  function send(stanza: Element, fate?: Fate): void {
    const from = domainOf(attribute(stanza, 'from'));
    const to = domainOf(attribute(stanza, 'to'));
    if (from === undefined || to === undefined || !own.has(from) || own.has(to)) {
      fate?.failed('that is no address of another server');
      return;
    }
    federation.send(from, to, {
      ...(fate?.patience === undefined ? {} : { patience: fate.patience }),
      xml: serialise(stanza),
      delivered: () => fate?.delivered?.(),
      failed: (condition, text) => {
        if (fate !== undefined) fate.failed(text);
        else if (bounce(stanza, { condition }) !== undefined) lost(stanza, text);
      },
    });
  }

  /** Whoever a room cannot reach is not in it any more. */
  function lost(stanza: Element, why: string): void {
    const to = tryParseJid(attribute(stanza, 'to'));
    if (domainOf(attribute(stanza, 'from')) === roomsDomain && to !== undefined) rooms.unreachable(to, why);
  }

  const rooms = new RoomService({
    host,
    people,
    domain: roomsDomain,
    historyMessages: config.history_messages,
    patience: config.queue_seconds * 1_000,
    mostOccupants: (domain) => policies.of(domain).occupants,
    send: (to, xml, last) =>
      federation.send(roomsDomain, to.domain, { xml, beyondLimits: last, failed: (_, why) => rooms.unreachable(to, why) }),
    reply: send,
  });
  const foreignRooms = new ForeignRooms({ host, people, roomsDomain, own, historyMessages: config.history_messages, send });
  const privateMessages = new PrivateMessages({ host, people, rooms, foreignRooms, send, patience: config.message_seconds * 1_000 });
  const outbound = new Outbound({
    host,
    network: (domain) => people.network(domain),
    deliver: (record, settled) => privateMessages.deliver(record, settled),
  });
  const router = new Router({ host, people, rooms, foreignRooms, disco: new Disco(host, rooms, people), privateMessages, send });
  await outbound.start();
  const unresolve = host.networks.resolver('xmpp', (address) => people.resolve(address));

  foreignRooms.start();
  const accept = (connection: AcceptedConnection): void => federation.accept(connection);
  const listeners = [
    ...config.listen.map((address) => ({ address, name: 'xmpp-server', tls: false })),
    ...config.listen_tls.map((address) => ({ address, name: 'xmpp-server-tls', tls: true })),
  ];
  for (const { address, name, tls } of listeners) {
    const listener = await host.net.listen(
      { name, address, outboxLimit, ...(tls ? { tls: { requestCertificate: true, alpn: ['xmpp-server'] } } : {}) },
      accept,
    );
    const shown = listener.host.includes(':') ? `[${listener.host}]` : listener.host;
    host.announce({
      service: name,
      address: listener.host,
      port: listener.port,
      tls,
      hint: tls
        ? `XMPP servers   ${shown}:${listener.port} (TLS)`
        : `XMPP           rooms are NAME@${roomsDomain}; servers reach us at ${shown}:${listener.port}`,
    });
  }
  host.clock.every(expiryMilliseconds, () => federation.expire());
  host.clock.every(sweepMilliseconds, () => {
    people.sweep((domain) => foreignRooms.uses(domain));
    federation.sweep();
  });
  host.metrics.gauge('xmpp_occupants', 'Clients of other XMPP servers in rooms here', () => rooms.count);
  return {
    stop: async () => {
      unresolve();
      foreignRooms.stop();
      rooms.stop();
      await federation.stop();
      await outbound.stop();
      people.withdraw('the server is stopping');
    },
    wire: (link) => federation.wire(link),
    status: () => {
      const { incoming, outgoing } = federation.count;
      return {
        summary: `${rooms.count} occupants, ${foreignRooms.count} of ours in rooms elsewhere, ${incoming} streams in, ${outgoing} out`,
        links: federation.links(),
      };
    },
  };
}
