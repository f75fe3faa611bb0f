/** IRC clients: irssi, WeeChat, HexChat and the like talk to this server as to any IRC server. */
import { definePlugin, type AcceptedConnection, type Host, type RunningPlugin } from '../../server/plugin.ts';
import { Client } from './client.ts';
import { configSchema, type Config } from './config.ts';
import { IrcServer } from './server.ts';

const watchMilliseconds = 1_000;
const sweepMilliseconds = 60_000;

export default definePlugin<Config>({
  name: 'irc-clients',
  version: '1.0.0',
  config: configSchema,
  enabledByDefault: true,
  start,
});

async function start(host: Host, config: Config): Promise<RunningPlugin> {
  const server = new IrcServer(host, config);
  server.people.start();
  const accept = (connection: AcceptedConnection): void => void server.clients.add(new Client(server, connection));
  const listeners = [
    ...config.listen.map((address) => ({ address, name: 'irc', tls: false })),
    ...config.listen_tls.map((address) => ({ address, name: 'irc-tls', tls: true })),
  ];
  for (const { address, name, tls } of listeners) {
    const listener = await host.net.listen(
      { name, address, outboxLimit: config.send_queue, admitDeadline: config.registration_deadline, ...(tls ? { tls: {} } : {}) },
      accept,
    );
    const shown = listener.host.includes(':') ? `[${listener.host}]` : listener.host;
    host.announce({
      service: name,
      address: listener.host,
      port: listener.port,
      tls,
      hint: `${tls ? 'IRC (TLS)     ' : 'IRC           '} ${tls ? 'ircs' : 'irc'}://${shown}:${listener.port}/`,
    });
  }
  host.clock.every(watchMilliseconds, () => {
    const now = host.clock.now();
    for (const client of server.clients) client.checkAlive(now);
  });
  host.clock.every(sweepMilliseconds, () => server.people.sweep());
  host.metrics.gauge('irc_clients', 'Connections of IRC clients', () => server.clients.size);
  return {
    stop: () => {
      for (const client of server.clients) client.close('The server is stopping');
      server.people.stop();
      return Promise.resolve();
    },
    status: () => ({ summary: `${server.clients.size} connected`, links: [] }),
  };
}
