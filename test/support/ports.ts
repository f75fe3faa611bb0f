import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { eventually } from './wait.ts';

const given = new Set<number>();

/** A free TCP port of 127.0.0.1 for a peer that cannot choose one itself; never the same twice in this process. */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
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
