import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { parseIrcLine, type IrcLine } from './irc-client.ts';
import { eventually } from './wait.ts';

export interface ScriptedServerOptions {
  readonly port: number;
  readonly name?: string;
  readonly sid?: string;
  readonly password?: string;
  /** Connect with TLS and show this certificate. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** A peer of the InspIRCd protocol that says exactly what a test wants, true or not. Answers PING. */
export interface ScriptedServer {
  readonly sid: string;
  readonly lines: readonly IrcLine[];
  readonly open: boolean;
  send(...lines: readonly string[]): void;
  sendBytes(bytes: Uint8Array): void;
  expect(what: string, matches: (line: IrcLine) => boolean, since?: number): Promise<IrcLine>;
  /** Waits until the other side has worked off everything sent so far. */
  sync(): Promise<void>;
  /** Stops reading. */
  pause(): void;
  drop(): void;
  /** CAPAB and SERVER; resolves when the other side's SERVER has come. */
  handshake(): Promise<void>;
  /** The handshake, and a burst of these lines. */
  link(...burst: readonly string[]): Promise<void>;
}

export const unixNow = (): number => Math.floor(Date.now() / 1_000);

/** Dials a listener for servers. */
export async function scriptedServer(options: ScriptedServerOptions): Promise<ScriptedServer> {
  const { name = 'scripted.example', sid = '0AA', password = 'linkpassword', tls } = options;
  const socket: Socket =
    tls === undefined
      ? connectTcp(options.port, '127.0.0.1')
      : connectTls({ host: '127.0.0.1', port: options.port, rejectUnauthorized: false, ...tls });
  await once(socket, tls === undefined ? 'connect' : 'secureConnect');
  const lines: IrcLine[] = [];
  let open = true;
  let rest = '';
  let us = '';
  let syncs = 0;
  socket.on('close', () => (open = false));
  socket.on('error', () => undefined);
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop()!;
    for (const part of parts) {
      const line = parseIrcLine(part.replace(/\r$/, ''));
      if (line.command === 'PING') server.send(`:${sid} PONG ${line.source}`);
      if (line.command === 'SERVER') us = line.params[3] ?? '';
      lines.push(line);
    }
  });
  const server: ScriptedServer = {
    sid,
    lines,
    get open() {
      return open;
    },
    send: (...all) => void socket.write(all.map((line) => `${line}\r\n`).join('')),
    sendBytes: (bytes) => void socket.write(bytes),
    async expect(what, matches, since = 0) {
      const seen = (): string =>
        lines
          .slice(since)
          .slice(-30)
          .map((line) => line.raw)
          .join('\n');
      return await eventually(
        () => `the scripted server to see ${what}${open ? '' : ' (closed)'}; it saw:\n${seen()}`,
        () => lines.slice(since).find(matches),
      );
    },
    async sync() {
      const since = lines.length;
      syncs += 1;
      server.send(`:${sid} PING ${us}`);
      await server.expect(`PONG ${syncs}`, (line) => line.command === 'PONG', since);
    },
    pause: () => void socket.pause(),
    drop: () => socket.destroy(),
    async handshake() {
      server.send('CAPAB START 1205');
      await server.expect('CAPAB START', (line) => line.command === 'CAPAB' && line.params[0] === 'START');
      server.send(
        'CAPAB MODULES :m_ircv3_ctctags.so',
        'CAPAB CHANMODES :list:ban=b list:banexception=e param-set:limit=l param:key=k prefix:10000:voice=+v prefix:30000:op=@o simple:inviteonly=i simple:moderated=m simple:noextmsg=n simple:secret=s simple:topiclock=t',
        'CAPAB CAPABILITIES :NICKMAX=30 CHANMAX=64 MAXMODES=20 IDENTMAX=10 MAXQUIT=255 MAXTOPIC=307 MAXKICK=255 MAXREAL=128 MAXAWAY=200 MAXHOST=64 MAXLINE=512 CASEMAPPING=rfc1459',
        'CAPAB END',
        `SERVER ${name} ${password} 0 ${sid} :scripted`,
      );
      await server.expect('SERVER', (line) => line.command === 'SERVER');
    },
    async link(...burst) {
      await server.handshake();
      server.send(`:${sid} BURST ${unixNow()}`, ...burst, `:${sid} ENDBURST`);
      await server.expect('our service in a channel', (line) => line.command === 'FJOIN');
    },
  };
  return server;
}

/** The line that introduces somebody. */
export function uidLine(sid: string, number: number, nick: string, changes: { readonly ts?: number; readonly host?: string } = {}): string {
  const { ts = unixNow(), host = 'host.example' } = changes;
  return `:${sid} UID ${uid(sid, number)} ${ts} ${nick} ${host} ${host} ident 127.0.0.9 ${ts} + :Real ${nick}`;
}

export function uid(sid: string, number: number): string {
  return `${sid}A${number.toString(36).toUpperCase().padStart(5, '0')}`;
}
