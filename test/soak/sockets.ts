/** Very many connections from very many addresses of this machine. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** 127.1.0.1 and on, one for every number. */
export function addressOf(number: number): string {
  return `127.${1 + (Math.floor(number / 62_500) % 250)}.${Math.floor(number / 250) % 250}.${1 + (number % 250)}`;
}

export class Sockets {
  readonly #open = new Set<Socket>();
  #connected = 0;

  get open(): number {
    return this.#open.size;
  }

  /** How many were let in, if only for a moment. */
  get connected(): number {
    return this.#connected;
  }

  /** Connects; resolves with the socket, or undefined when it was not let in. */
  async connect(port: number, localAddress: string): Promise<Socket | undefined> {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    this.#open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#open.delete(socket));
    socket.resume();
    const come = new AbortController();
    try {
      await Promise.race([once(socket, 'connect', come), once(socket, 'close', come)]);
      if (socket.destroyed || socket.connecting) return undefined;
      this.#connected += 1;
      return socket;
    } catch {
      return undefined;
    } finally {
      come.abort();
    }
  }

  destroyAll(): void {
    for (const socket of this.#open) socket.destroy();
  }
}

/** Does something `count` times, so many at once. */
export async function manyAtOnce(count: number, atOnce: number, work: (number: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

/** Does something again and again, so many at once, for that many milliseconds. */
export async function manyFor(milliseconds: number, atOnce: number, work: (number: number) => Promise<unknown>): Promise<void> {
  const until = performance.now() + milliseconds;
  let next = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < until) await work(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

/** Writes until all is written or the other side has closed. */
export async function pour(socket: Socket, bytes: string | Buffer): Promise<void> {
  if (socket.destroyed) return;
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.write(bytes, () => resolve());
  });
}

/** Resolves when the other side has closed. */
export async function closed(socket: Socket): Promise<void> {
  if (!socket.destroyed) await once(socket, 'close');
}
