/**
 * The local socket by which `banyan` commands talk to the running server: one JSON request a line, one JSON answer a line. Before its
 * answer a request may get pieces of text, each a line of its own, for as long as whoever asked stays connected.
 */
import { existsSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';

export type ControlRequest =
  | { readonly command: 'status' }
  | { readonly command: 'account-add'; readonly name: string; readonly password: string; readonly administrator: boolean }
  | { readonly command: 'account-password'; readonly name: string; readonly password: string }
  | { readonly command: 'account-list' }
  | { readonly command: 'account-remove'; readonly name: string }
  | { readonly command: 'room-list' }
  | { readonly command: 'room-show'; readonly name: string }
  | { readonly command: 'room-alias'; readonly name: string; readonly address: string }
  | { readonly command: 'room-unalias'; readonly name: string }
  | { readonly command: 'link-list' }
  | { readonly command: 'link-show'; readonly name: string }
  | { readonly command: 'link-check'; readonly name: string }
  | { readonly command: 'link-trace'; readonly name: string; readonly seconds: number }
  | { readonly command: 'plugin-list' }
  | { readonly command: 'plugin-start'; readonly name: string };

export type AccountRequest = Extract<ControlRequest, { command: `account-${string}` }>;

export type ControlAnswer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string };

/** The way to whoever asked, while the answer is not there yet. */
export interface Asker {
  /** False: the pieces are not taken as fast as they come, and no more are. */
  more(text: string): boolean;
  /** Aborted when it is gone. */
  readonly gone: AbortSignal;
}

type Answerer = (request: ControlRequest, asker: Asker) => Promise<unknown>;

/** No server answers in that data folder. */
export class NoServerError extends Error {
  override readonly name = 'NoServerError';
}

const mostRequestBytes = 65_536;
const mostWaitingBytes = 16_777_216;

/** A path of more than about 100 bytes cannot be a socket; the folder's name is the host's choice, so say so. */
export function controlPath(dataFolder: string): string {
  return join(dataFolder, 'control.sock');
}

/** Serves requests until the answer is closed. @throws Error when the socket cannot be made */
export async function serveControl(dataFolder: string, answer: Answerer): Promise<Server> {
  const path = controlPath(dataFolder);
  if (Buffer.byteLength(path) > 100) throw new Error(`the path ${path} is too long for a socket; choose a data folder with a shorter path`);
  // Whoever holds the storage is the one server of this folder: what lies here was left by one that was killed.
  if (existsSync(path)) rmSync(path);
  const server = createServer((socket) => {
    let text = '';
    const gone = new AbortController();
    const asker: Asker = {
      more(piece) {
        if (socket.writableLength > mostWaitingBytes) return false;
        socket.write(`${JSON.stringify({ more: piece })}\n`);
        return true;
      },
      gone: gone.signal,
    };
    socket.setEncoding('utf8');
    socket.on('error', () => socket.destroy());
    socket.on('close', () => gone.abort());
    socket.on('data', (piece: string) => {
      text += piece;
      if (text.length > mostRequestBytes) socket.destroy();
      const end = text.indexOf('\n');
      if (end < 0) return;
      const line = text.slice(0, end);
      text = '';
      void reply(line, answer, asker).then((said) => socket.end(`${JSON.stringify(said)}\n`));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // The socket must never be there for others, not even for a moment; it is made before listen returns.
    const mask = process.umask(0o177);
    server.listen(path, resolve);
    process.umask(mask);
  });
  return server;
}

async function reply(line: string, answer: Answerer, asker: Asker): Promise<ControlAnswer> {
  try {
    return { ok: true, value: (await answer(JSON.parse(line) as ControlRequest, asker)) ?? null };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

/** Asks the running server; pieces of text that come before the answer are handed to `more`. @throws NoServerError, or Error with what the server said */
export function askServer(dataFolder: string, request: ControlRequest, more: (text: string) => void = () => undefined): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(controlPath(dataFolder));
    let text = '';
    let answer: ControlAnswer | undefined;
    socket.setEncoding('utf8');
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'EACCES')
        reject(new Error(`this user may not talk to the server of ${dataFolder}; run the command as the user that runs the server`));
      else
        reject(
          new NoServerError(
            `no server is running with the data folder ${dataFolder}; start it with: npm start (or name the right folder with --data or --config)`,
          ),
        );
    });
    socket.once('connect', () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on('data', (piece: string) => {
      const lines = `${text}${piece}`.split('\n');
      text = lines.pop()!;
      for (const line of lines) {
        const said = JSON.parse(line) as ControlAnswer | { readonly more: string };
        if ('more' in said) more(said.more);
        else answer = said;
      }
    });
    socket.once('close', () => {
      if (answer === undefined) reject(new Error('the server ended before it answered; look into its log'));
      else if (answer.ok) resolve(answer.value);
      else reject(new Error(answer.error));
    });
  });
}
