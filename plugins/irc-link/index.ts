/** Links into IRC networks, as one of their servers. */
import { definePlugin, type AcceptedConnection, type Host, type LinkFinding, type RunningPlugin } from '../../server/plugin.ts';
import { Bridge } from './bridge/bridge.ts';
import { bounceForRemoved } from './bridge/removed.ts';
import { configSchema, type Config } from './config.ts';
import { handshakeMilliseconds, shakeHands } from './link/handshaking.ts';
import { rehearse } from './link/rehearsal.ts';
import { Supervisor } from './link/supervisor.ts';

export default definePlugin<Config>({
  name: 'irc-link',
  version: '1.0.0',
  config: configSchema,
  enabledByDefault: false,
  start,
  rehearse: rehearseAlone,
});

/** What is known of the rooms is what the last server left. */
function rehearseAlone(host: Host, config: Config, link: string): Promise<readonly LinkFinding[]> | undefined {
  const network = config.networks.find(({ label }) => label === link);
  if (network === undefined) return undefined;
  const rooms = network.rooms.flatMap(({ room }) => host.rooms.byName(room) ?? []);
  return rehearse({ host, settings: config, network }, rooms);
}

async function start(host: Host, config: Config): Promise<RunningPlugin> {
  await bounceForRemoved(host, new Set(config.networks.map(({ label }) => label)));
  const links: { readonly bridge: Bridge; readonly supervisor: Supervisor }[] = [];
  for (const network of config.networks) {
    const isElsewhere = (server: string): boolean => links.some(({ bridge: other }) => other.config !== network && other.hasServer(server));
    const bridge = new Bridge(host, config, network, isElsewhere);
    await bridge.start();
    links.push({ bridge, supervisor: new Supervisor(host, config, network, bridge) });
  }
  const unresolve = host.networks.resolver('irc', (address) => {
    for (const { bridge } of links) {
      const user = bridge.resolve(address);
      if (user !== undefined) return user;
    }
    return undefined;
  });

  async function accept(connection: AcceptedConnection): Promise<void> {
    const supervisorOf = (label: string): Supervisor => links.find(({ supervisor }) => supervisor.network.label === label)!.supervisor;
    const peer = await shakeHands({
      host,
      side: 'accepted',
      connection,
      candidates: config.networks,
      timeout: handshakeMilliseconds,
      refuse: (network) => supervisorOf(network.label).refusal(),
    });
    if ('refused' in peer) {
      host.log.warn({ from: connection.remoteAddress, reason: peer.refused }, 'a server that wanted to link was refused');
      return;
    }
    connection.admit();
    supervisorOf(peer.network.label).linked(peer);
  }

  const listeners = [
    ...config.listen.map((address) => ({ address, name: 'irc-link', tls: false })),
    ...config.listen_tls.map((address) => ({ address, name: 'irc-link-tls', tls: true })),
  ];
  for (const { address, name, tls } of listeners) {
    const listener = await host.net.listen(
      { name, address, outboxLimit: config.outbox_bytes, ...(tls ? { tls: { requestCertificate: true } } : {}) },
      (connection) => void accept(connection),
    );
    const shown = listener.host.includes(':') ? `[${listener.host}]` : listener.host;
    host.announce({
      service: name,
      address: listener.host,
      port: listener.port,
      tls,
      hint: `IRC servers    ${shown}:${listener.port}${tls ? ' (TLS)' : ''}`,
    });
  }
  for (const { supervisor } of links) supervisor.start();
  return {
    async stop() {
      unresolve();
      await Promise.all(
        links.map(async ({ bridge, supervisor }) => {
          await supervisor.stop('The server is stopping');
          await bridge.positions.save();
          await bridge.stop();
        }),
      );
    },
    rehearse: (link) => links.find(({ supervisor }) => supervisor.network.label === link)?.supervisor.rehearse(),
    wire: (link) => links.find(({ supervisor }) => supervisor.network.label === link)?.supervisor.wire(),
    status: () => ({
      summary: `${links.filter(({ bridge }) => bridge.phase === 'up').length} of ${links.length} networks linked`,
      links: links.map(({ supervisor }) => supervisor.status()),
    }),
  };
}
