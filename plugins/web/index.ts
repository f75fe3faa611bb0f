/** The web client: the page, and the native protocol by which it (and any bot) talks to the server. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { z } from 'zod';
import { definePlugin, type Host, type RunningPlugin } from '../../server/plugin.ts';
import { Express } from './express.ts';
import { Hints } from './hints.ts';
import { pageRoute } from './pages.ts';
import { subProtocol } from './protocol.ts';
import { WebSession } from './session.ts';

const config = z.strictObject({
  /** Other origins than the server's own whose pages may connect. */
  origins: z.array(z.url()).default([]),
  /** Largest frame from a client, bytes. */
  max_frame_bytes: z.int().min(1_024).max(1_048_576).default(131_072),
  /** Frames a client may send a second in the long run, and at once. */
  frames_per_second: z.int().positive().default(20),
  frames_at_once: z.int().positive().default(200),
  /** Connections from one address that have not signed in. */
  strangers_per_address: z.int().positive().default(20),
  /** Seconds until an unsigned connection is closed. */
  sign_in_seconds: z.int().positive().default(600),
  /** Seconds for which somebody who lost the connection stays present. */
  linger_seconds: z.int().nonnegative().default(20),
});
export type WebConfig = z.output<typeof config>;

const pingMilliseconds = 30_000;

export default definePlugin<WebConfig>({
  name: 'web',
  version: '1.0.0',
  config,
  enabledByDefault: true,
  start: (host, settings) => Promise.resolve(start(host, settings)),
});

function start(host: Host, settings: WebConfig): RunningPlugin {
  const express = new Express(host);
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    maxPayload: settings.max_frame_bytes,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(subProtocol) ? subProtocol : false),
  });
  const strangers = new Map<string, number>();
  const options = {
    rate: settings.frames_per_second,
    burst: settings.frames_at_once,
    linger: settings.linger_seconds * 1_000,
    registration: host.registration,
  };
  const sessions = new Set<WebSession>();
  const hints = new Hints(host.log);
  const origins = new Set([...settings.origins, ...host.http.urls].map((url) => new URL(url).origin));

  function upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const refusal = mayConnect(request, origins);
    if (refusal !== undefined) {
      if (refusal === foreignOrigin) hints.refusedOrigin(request);
      stream.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\n\r\n`);
      return;
    }
    const remoteAddress = host.http.remoteAddress(request);
    hints.forwarded(request, remoteAddress);
    const waiting = strangers.get(remoteAddress) ?? 0;
    if (waiting >= settings.strangers_per_address) {
      stream.end('HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, stream, head, (socket) => {
      strangers.set(remoteAddress, waiting + 1);
      let strange = true;
      const known = (): void => {
        if (!strange) return;
        strange = false;
        deadline.cancel();
        const left = (strangers.get(remoteAddress) ?? 1) - 1;
        if (left > 0) strangers.set(remoteAddress, left);
        else strangers.delete(remoteAddress);
      };
      const deadline = host.clock.after(settings.sign_in_seconds * 1_000, () => socket.close(1008, 'sign-in took too long'));
      const secure = host.http.secure(request);
      const session = new WebSession({ host, express, socket, stream, remoteAddress, secure, options, signedIn: known });
      sessions.add(session);
      let alive = true;
      const ping = host.clock.every(pingMilliseconds, () => {
        if (!alive) socket.terminate();
        alive = false;
        socket.ping();
      });
      socket.on('pong', () => (alive = true));
      socket.on('ping', () => session.pinged());
      socket.on('message', (data: Buffer, binary: boolean) => {
        alive = true;
        if (binary) session.close(1003, 'text frames only');
        else session.receive(data.toString('utf8'));
      });
      // Package ws closes with the right code and hears out the rest: cutting off at once would lose the reason on its way.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        ping.cancel();
        known();
        sessions.delete(session);
        session.closed();
      });
    });
  }

  host.http.upgrade({ path: '/socket', handle: upgrade });
  host.http.route({ path: '/', handle: pageRoute(host) });
  for (const url of host.http.urls) {
    const parsed = new URL(url);
    const tls = parsed.protocol === 'https:';
    host.announce({
      service: tls ? 'web-tls' : 'web',
      address: parsed.hostname,
      port: Number(parsed.port || (tls ? 443 : 80)),
      tls,
      hint: `Web page       ${url}`,
    });
  }
  return {
    stop: () => {
      for (const session of sessions) session.close(1001, 'the server is ending');
      sockets.close();
      return Promise.resolve();
    },
    status: () => ({ summary: `${sessions.size} connected`, links: [] }),
  };
}

/** Node drops the headers after the hundredth: the Origin might have been among those. */
const mostHeaders = 99;
const longestProtocolHeader = 200;
const foreignOrigin = '403 Forbidden';

/** Why not. A page of another site must not act in a person's name. Threat class A6. */
function mayConnect(request: IncomingMessage, origins: ReadonlySet<string>): string | undefined {
  const { origin, host } = request.headers;
  if (request.rawHeaders.length > 2 * mostHeaders) return '431 Request Header Fields Too Large';
  if ((request.headers['sec-websocket-protocol'] ?? '').length > longestProtocolHeader) return '400 Bad Request';
  if (origin === undefined) return undefined;
  if (!URL.canParse(origin)) return foreignOrigin;
  const parsed = new URL(origin);
  return parsed.host === host || origins.has(parsed.origin) ? undefined : foreignOrigin;
}
