import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a port of this machine that a test can cut and mend. */
export interface CuttableWay {
  readonly port: number;
  /** Breaks what is connected; nothing gets through until `mend`. */
  cut(): void;
  mend(): void;
  stop(): Promise<void>;
}

export async function cuttableWay(to: number): Promise<CuttableWay> {
  const sockets = new Set<Socket>();
  let whole = true;
  const server = createServer((near) => {
    if (!whole) {
      near.destroy();
      return;
    }
    const far = connect(to, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const way: CuttableWay = {
    port: (server.address() as AddressInfo).port,
    cut() {
      whole = false;
      for (const socket of sockets) socket.destroy();
    },
    mend() {
      whole = true;
    },
    async stop() {
      way.cut();
      server.close();
      await once(server, 'close');
    },
  };
  return way;
}
