import { once } from 'node:events';
import { WebSocket } from 'ws';
import { eventually } from './wait.ts';

type Frame = Readonly<Record<string, unknown>> & { readonly type: string };

/** A client of the native protocol, as a bot would be one. Keeps every frame. */
export interface NativeClient {
  readonly frames: readonly Frame[];
  send(frame: object): void;
  sendText(text: string): void;
  /** Sends with an id and resolves with the reply. */
  ask(frame: object): Promise<Frame>;
  /** The reply's result; rejects when it was refused. */
  must(frame: object): Promise<Readonly<Record<string, unknown>>>;
  expect(what: string, matches: (frame: Frame) => boolean, options?: { readonly since?: number; readonly within?: number }): Promise<Frame>;
  /** All items of `events` frames, oldest first. */
  readonly items: readonly Frame[];
  expectItem(
    what: string,
    matches: (item: Frame) => boolean,
    options?: { readonly since?: number; readonly within?: number },
  ): Promise<Frame>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly open: boolean;
  /** Signs out. */
  stop(): Promise<void>;
  /** Breaks the connection without a word. */
  drop(): void;
}

export async function connectNative(port: number, options: { readonly origin?: string } = {}): Promise<NativeClient> {
  const socket = new WebSocket(
    `ws://127.0.0.1:${port}/socket`,
    'banyan.v1',
    options.origin === undefined ? {} : { origin: options.origin },
  );
  const frames: Frame[] = [];
  let ids = 0;
  socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString('utf8')) as Frame));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await once(socket, 'open');
  socket.on('error', () => undefined);
  const client: NativeClient = {
    frames,
    get items() {
      return frames.filter((frame) => frame.type === 'events').flatMap((frame) => frame['items'] as Frame[]);
    },
    send: (frame) => socket.send(JSON.stringify(frame)),
    sendText: (text) => socket.send(text),
    async ask(frame) {
      ids += 1;
      const id = ids;
      client.send({ ...frame, id });
      return await client.expect(`the reply to ${JSON.stringify(frame)}`, (each) => each.type === 'reply' && each['id'] === id);
    },
    async must(frame) {
      const reply = await client.ask(frame);
      if (reply['ok'] !== true) throw new Error(`${JSON.stringify(frame)} was refused: ${JSON.stringify(reply)}`);
      return reply['result'] as Record<string, unknown>;
    },
    async expect(what, matches, { since = 0, within } = {}) {
      return await eventually(
        () =>
          `a native client to see ${what}; since then it saw:\n${frames
            .slice(since)
            .slice(-20)
            .map((frame) => JSON.stringify(frame))
            .join('\n')}`,
        () => frames.slice(since).find(matches),
        within,
      );
    },
    async expectItem(what, matches, { since = 0, within } = {}) {
      return await eventually(
        () =>
          `a native client to see ${what}; since then it saw:\n${client.items
            .slice(since)
            .slice(-20)
            .map((item) => JSON.stringify(item))
            .join('\n')}`,
        () => client.items.slice(since).find(matches),
        within,
      );
    },
    closed,
    get open() {
      return socket.readyState === WebSocket.OPEN;
    },
    async stop() {
      if (client.open) client.send({ type: 'sign-out' });
      const timer = setTimeout(() => socket.terminate(), 3_000);
      await closed;
      clearTimeout(timer);
    },
    drop: () => socket.terminate(),
  };
  await client.expect('the welcome', (frame) => frame.type === 'welcome');
  return client;
}

/** Connects, signs in as a guest and enters the room. */
export async function nativeGuest(port: number, nick: string, room = 'lounge'): Promise<NativeClient> {
  const client = await connectNative(port);
  await client.must({ type: 'guest', nick });
  await client.must({ type: 'join', room });
  return client;
}
