import pino, { type Logger } from 'pino';
import { systemClock } from '../../../server/host/services.ts';
import { selfSigned } from '../../../server/host/self-signed.ts';
import type { AcceptedConnection, ConnectionHandlers, Listener, ListenOptions, Net } from '../../../server/contract/net.ts';
import { createNet } from '../../../server/net/index.ts';
import { Strangers } from '../../../server/net/strangers.ts';
import { TlsStore } from '../../../server/net/tls.ts';
import { removeFolder, temporaryFolder } from '../../support/root.ts';

/** The network service alone, with a certificate of its own. */
export interface TestNet {
  readonly net: Net;
  readonly tls: TlsStore;
  readonly strangers: Strangers;
  readonly log: Logger;
  /** What was logged, as JSON lines. */
  readonly logged: readonly string[];
  /** Listens on a free port; the connections that came are kept, and handled by `handlers`. */
  listen(options?: Partial<ListenOptions>, handlers?: (connection: AcceptedConnection) => ConnectionHandlers): Promise<TestListener>;
  stop(): Promise<void>;
}

export interface TestListener extends Listener {
  readonly connections: readonly AcceptedConnection[];
  /** What was received on all connections, as text. */
  readonly received: string;
  /** Why connections were closed. */
  readonly closed: readonly (string | undefined)[];
}

export async function testNet(
  options: {
    readonly dnsServers?: readonly string[];
    readonly deadline?: number;
    readonly perAddress?: number;
    readonly authorityFile?: string;
  } = {},
): Promise<TestNet> {
  const folder = await temporaryFolder('net');
  const logged: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => logged.push(line) });
  const tls = new TlsStore({ ...(await selfSigned(folder, 'chat.example')), authorityFile: options.authorityFile });
  const strangers = new Strangers({
    maxUnadmittedPerAddress: options.perAddress ?? 100,
    maxUnadmitted: 200,
    maxConnectionsPerAddress: 300,
    admitDeadline: options.deadline ?? 30,
  });
  const net = createNet({ tls, strangers, clock: systemClock, log, dnsServers: options.dnsServers ?? [] });
  const listeners: Listener[] = [];
  return {
    net,
    tls,
    strangers,
    log,
    logged,
    async listen(chosen = {}, handlers) {
      const connections: AcceptedConnection[] = [];
      const closed: (string | undefined)[] = [];
      let received = '';
      const listener = await net.listen({ name: 'test', address: '127.0.0.1:0', ...chosen }, (connection) => {
        connections.push(connection);
        const own = handlers?.(connection);
        connection.handle({
          onData: (bytes) => {
            received += bytes.toString('latin1');
            own?.onData(bytes);
          },
          onClose: (error) => {
            closed.push(error);
            own?.onClose(error);
          },
        });
      });
      listeners.push(listener);
      return {
        ...listener,
        connections,
        closed,
        get received() {
          return received;
        },
      };
    },
    async stop() {
      await Promise.all(listeners.map((listener) => listener.close()));
      await removeFolder(folder);
    },
  };
}
