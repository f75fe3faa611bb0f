/** Clients that cost the machine little: they sign in, count what they get, and say things when told. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { once } from 'node:events';
import { eventually } from '../test/support/wait.ts';

export const text = 'x'.repeat(64);
const marker = Buffer.from(text);

/** A protocol, as much of it as a client needs. */
interface Wire {
  greeting(nick: string): string;
  /** What is said as soon as this came; the client is ready after the last. */
  readonly steps: readonly { readonly after: RegExp; readonly send?: (nick: string) => string }[];
  /** To a room (`#bench`) or a person. */
  message(target: string): string;
}

/** All come into the room that is named for them. */
export type RoomOf = (nick: string) => string;
const oneRoom: RoomOf = () => 'bench';

export function ircWire(room = oneRoom): Wire {
  return {
    greeting: (nick) => `NICK ${nick}\r\nUSER ${nick} 0 * :bench\r\n`,
    steps: [{ after: / (?:376|422) /, send: (nick) => `JOIN #${room(nick)}\r\n` }, { after: / 366 / }],
    message: (target) => `PRIVMSG ${target} :${text}\r\n`,
  };
}

export function webWire(room = oneRoom): Wire {
  return {
    greeting: () =>
      'GET /socket HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: banyan.v1\r\n\r\n',
    steps: [
      { after: /"type":"welcome"/, send: (nick) => frame({ type: 'guest', nick, id: 1 }) },
      { after: /"type":"reply","id":1,"ok":true/, send: (nick) => frame({ type: 'join', room: room(nick), id: 2 }) },
      { after: /"type":"reply","id":2,"ok":true/ },
    ],
    message: (target) => frame({ type: 'say', room: target.slice(1), text }),
  };
}

/** A text frame, masked with zeros: what is said is what is sent (RFC 6455 section 5.3). All are shorter than 126 bytes or 64 KB. */
function frame(what: object): string {
  const payload = JSON.stringify(what);
  const length = Buffer.byteLength(payload);
  const size = length < 126 ? [0x80 | length] : [0xfe, length >> 8, length & 0xff];
  return Buffer.from([0x81, ...size, 0, 0, 0, 0]).toString('latin1') + payload;
}

export class Client {
  readonly nick: string;
  readonly socket: Socket;
  readonly #wire: Wire;
  #step = 0;
  #heard = '';
  #rest: Buffer = Buffer.alloc(0);
  received = 0;

  constructor(wire: Wire, nick: string, to: { readonly port: number; readonly source: string; readonly tls?: boolean }) {
    this.nick = nick;
    this.#wire = wire;
    const raw = { port: to.port, host: '127.0.0.1', localAddress: to.source };
    this.socket = to.tls === true ? connectTls({ ...raw, rejectUnauthorized: false }) : connect(raw);
    this.socket.setNoDelay(true);
    this.socket.on('data', (bytes) => (this.ready ? this.#count(bytes) : this.#signIn(bytes)));
    this.socket.write(wire.greeting(nick), 'latin1');
  }

  get ready(): boolean {
    return this.#step === this.#wire.steps.length;
  }

  say(target: string): void {
    this.socket.write(this.#wire.message(target), 'latin1');
  }

  #signIn(bytes: Buffer): void {
    this.#heard += bytes.toString('latin1');
    for (let step = this.#wire.steps[this.#step]; step !== undefined; step = this.#wire.steps[this.#step]) {
      const found = step.after.exec(this.#heard);
      if (found === null) return;
      this.#heard = this.#heard.slice(found.index + found[0].length);
      this.#step += 1;
      if (step.send !== undefined) this.socket.write(step.send(this.nick), 'latin1');
    }
  }

  /** A message may be cut by the end of a read; the rest of it is counted with the next one. */
  #count(bytes: Buffer): void {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let end = 0;
    for (let at = all.indexOf(marker); at !== -1; at = all.indexOf(marker, end)) {
      this.received += 1;
      end = at + marker.length;
    }
    this.#rest = all.subarray(Math.max(end, all.length - marker.length + 1));
  }
}

/** So many at once are on their way in. */
const atOnce = 50;

/** Connects so many clients, from many addresses, and waits until all are in. */
export async function connectAll(count: number, make: (index: number, source: string) => Client): Promise<Client[]> {
  const clients: Client[] = [];
  const allReady = (): Promise<true> => eventually('the clients to be in', () => clients.every((client) => client.ready), 60_000);
  for (let index = 0; index < count; index += 1) {
    clients.push(make(index, `127.1.${index % 200}.1`));
    if (index % atOnce === atOnce - 1) await allReady();
  }
  await allReady();
  return clients;
}

export async function closeAll(clients: readonly Client[]): Promise<void> {
  for (const { socket } of clients) socket.destroy();
  await Promise.all(clients.filter(({ socket }) => !socket.closed).map(({ socket }) => once(socket, 'close')));
}
