import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { eventually } from './wait.ts';

const given = new Set<number>();
/** Where this process looks for ports, so that test processes side by side do not take each other's; undefined: anywhere. */
let next = process.env['BANYAN_TEST_PORTS'] === undefined ? undefined : Number(process.env['BANYAN_TEST_PORTS']);

/** A free TCP port of 127.0.0.1 for a peer that cannot choose one itself; never the same twice in this process. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await tryPort(next === undefined ? 0 : next++);
    if (port === undefined || given.has(port)) continue;
    given.add(port);
    return port;
  }
}

async function tryPort(wanted: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen(wanted, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return undefined;
  }
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Resolves once something accepts connections there. */
export async function portOpen(port: number, what: string, within = 20_000): Promise<void> {
  await eventually(
    `${what} to accept connections on port ${port}`,
    async () => {
      const socket = connect(port, '127.0.0.1');
      try {
        await once(socket, 'connect');
        return true;
      } finally {
        socket.destroy();
      }
    },
    within,
  );
}
