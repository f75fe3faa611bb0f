/** Links into IRC networks, as one of their servers. */
import { definePlugin, type AcceptedConnection, type Host, type RunningPlugin } from '../../server/plugin.ts';
import { Bridge } from './bridge/bridge.ts';
import { configSchema, type Config } from './config.ts';
import { shakeHands } from './link/handshaking.ts';
import { Supervisor } from './link/supervisor.ts';

const handshakeMilliseconds = 20_000;

export default definePlugin<Config>({
  name: 'irc-link',
  version: '1.0.0',
  config: configSchema,
  enabledByDefault: false,
  start,
});

async function start(host: Host, config: Config): Promise<RunningPlugin> {
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
          bridge.stop();
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
