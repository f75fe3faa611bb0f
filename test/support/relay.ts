import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A cable between two programs of this machine that a test can cut. */
export interface Relay {
  /** Where to connect instead of the real port. */
  readonly port: number;
  /** Breaks every connection, without a word to either end, and refuses new ones. */
  cut(): void;
  heal(): void;
  /** Keeps what either end sends from the other, until `release`. */
  hold(): void;
  release(): void;
  stop(): Promise<void>;
}

/** Passes on to `to`, a port of 127.0.0.1 that may be known later only. */
export async function startRelay(to: number | (() => number)): Promise<Relay> {
  const open = new Set<Socket>();
  const ways = new Set<readonly [from: Socket, to: Socket]>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(typeof to === 'number' ? to : to(), '127.0.0.1');
    for (const way of [
      [near, far],
      [far, near],
    ] as const) {
      const [one, other] = way;
      open.add(one);
      ways.add(way);
      one.setNoDelay(true);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        ways.delete(way);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    isCut = true;
    for (const socket of open) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    heal: () => {
      isCut = false;
    },
    hold() {
      for (const [from, to] of ways) from.unpipe(to);
    },
    release() {
      for (const [from, to] of ways) from.pipe(to);
    },
    async stop() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
