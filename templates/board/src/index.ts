/** Shows what is said in some rooms to whoever asks: the last lines as a page, new ones over a WebSocket. */
import { WebSocketServer, type WebSocket } from 'ws';
import { definePlugin, type Host, type LogRecord, type Room } from 'banyan/plugin';
import { z } from 'zod';

const config = z.strictObject({
  /** Rooms that everybody may read here. */
  rooms: z.array(z.string()).min(1),
});

/** What is said, as one line; undefined for everything else that a log has. */
function lineOf({ content }: LogRecord): string | undefined {
  return content.kind === 'message' ? `<${content.author.nick}> ${content.text.plain.replace(/\s+/g, ' ')}` : undefined;
}

/** Sends what is said from now on, until the WebSocket is closed. */
function follow(host: Host, room: Room, socket: WebSocket): void {
  const following = host.rooms.follow(room, {
    deliver(batch) {
      for (const item of batch.items) {
        const line = item.kind === 'record' ? lineOf(item.record) : undefined;
        if (line !== undefined) socket.send(line);
      }
    },
  });
  socket.on('message', () => socket.close(1008, 'this is for reading'));
  socket.on('error', () => undefined);
  socket.on('close', () => following.stop());
}

export default definePlugin<z.output<typeof config>>({
  name: 'board',
  version: '0.1.0',
  config,
  enabledByDefault: false,
  start(host, { rooms }) {
    // Names come from the network: they are looked up in what is allowed, and nowhere else.
    const shown = new Set(rooms);
    const roomAt = (url = '') => {
      const name = url.split('?')[0]!.slice('/board/'.length);
      return shown.has(name) ? host.rooms.byName(name) : undefined;
    };

    host.http.route({
      path: '/board/',
      async handle(request, response) {
        const room = roomAt(request.url);
        const found = room === undefined ? undefined : await host.rooms.history(undefined, room, { limit: 50, take: 'last' });
        response.setHeader('content-type', 'text/plain; charset=utf-8');
        if (found?.ok !== true) response.writeHead(404).end('No such room.\n');
        else response.end(found.value.flatMap((record) => lineOf(record) ?? []).join('\n'));
      },
    });

    const sockets = new WebSocketServer({
      noServer: true,
      maxPayload: 1_024,
      handleProtocols: (offered) => offered.has('board.v1') && 'board.v1',
    });
    host.http.upgrade({
      path: '/board/',
      handle(request, stream, head) {
        const room = roomAt(request.url);
        if (room === undefined) {
          stream.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
          return;
        }
        sockets.handleUpgrade(request, stream, head, (socket) => follow(host, room, socket));
      },
    });

    return Promise.resolve({
      stop() {
        for (const socket of sockets.clients) socket.close(1001, 'the server is stopping');
        return Promise.resolve();
      },
      status: () => ({ summary: `${sockets.clients.size} readers`, links: [] }),
    });
  },
});
