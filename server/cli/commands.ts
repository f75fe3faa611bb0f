/** The commands that look at, or change, what a server keeps. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { loadConfig, defaultConfig } from '../config/load.ts';
import type { Account } from '../contract/accounts.ts';
import type { LinkStatus } from '../contract/host.ts';
import { defaultCoreLimits, openCore } from '../core.ts';
import { serverSecret } from '../host/secret.ts';
import { systemClock } from '../host/services.ts';
import { askServer, NoServerError, type ControlRequest } from './control.ts';
import { openStorage } from './storage.ts';

export interface Where {
  readonly config?: string;
  readonly data?: string;
}

function loaded(where: Where): ReturnType<typeof loadConfig> {
  return where.config === undefined ? defaultConfig() : loadConfig(where.config);
}

function dataFolder(where: Where): string {
  return where.data ?? loaded(where).config.data;
}

function ask(where: Where, request: ControlRequest): Promise<unknown> {
  return askServer(dataFolder(where), request);
}

/** Accounts can be changed without a running server: the command opens the storage itself then. */
async function askOrOpen(where: Where, request: Extract<ControlRequest, { command: `account-${string}` }>): Promise<unknown> {
  try {
    return await ask(where, request);
  } catch (error) {
    if (!(error instanceof NoServerError)) throw error;
  }
  const { config } = loaded(where);
  const folder = dataFolder(where);
  const log = pino({ level: 'silent' });
  const storage = await openStorage(folder, log);
  const core = await openCore({
    domain: config.domain,
    storage,
    clock: systemClock,
    log,
    secret: serverSecret(folder),
    rooms: [],
    limits: defaultCoreLimits,
    registration: 'closed',
  });
  try {
    const { answerControl } = await import('./answers.ts');
    return await answerControl({ core } as Parameters<typeof answerControl>[0], request);
  } finally {
    await core.close('done');
    await storage.close();
  }
}

export async function accountAdd(
  name: string,
  options: Where & { readonly admin?: boolean; readonly passwordStdin?: boolean },
): Promise<void> {
  const password = await readPassword(options.passwordStdin === true, `Password for ${name}: `);
  const account = (await askOrOpen(options, { command: 'account-add', name, password, administrator: options.admin === true })) as Account;
  print(`account ${account.name} added${account.administrator ? ', an administrator' : ''}`);
}

export async function accountPassword(name: string, options: Where & { readonly passwordStdin?: boolean }): Promise<void> {
  const password = await readPassword(options.passwordStdin === true, `New password for ${name}: `);
  await askOrOpen(options, { command: 'account-password', name, password });
  print(`password of ${name} changed; signed-in browsers must sign in again`);
}

export async function accountList(options: Where): Promise<void> {
  const accounts = (await askOrOpen(options, { command: 'account-list' })) as readonly Account[];
  table(
    ['NAME', 'SINCE', ''],
    accounts.map((account) => [account.name, day(account.created), account.administrator ? 'administrator' : '']),
  );
}

export async function accountRemove(name: string, options: Where): Promise<void> {
  await askOrOpen(options, { command: 'account-remove', name });
  print(`account ${name} removed`);
}

export async function roomList(options: Where): Promise<void> {
  const rooms = (await ask(options, { command: 'room-list' })) as readonly {
    name: string;
    members: number;
    topic: string;
    hidden: boolean;
    events: number;
  }[];
  table(
    ['ROOM', 'MEMBERS', 'EVENTS', 'TOPIC'],
    rooms.map((room) => [`#${room.name}`, String(room.members), String(room.events), room.topic]),
  );
}

export async function roomShow(name: string, options: Where): Promise<void> {
  print(JSON.stringify(await ask(options, { command: 'room-show', name }), null, 2));
}

export async function linkList(options: Where): Promise<void> {
  const links = (await ask(options, { command: 'link-list' })) as readonly LinkStatus[];
  table(
    ['LINK', 'KIND', 'STATE', 'PEER', 'TLS', 'SINCE'],
    links.map((link) => [
      link.name,
      link.kind,
      link.state,
      link.peer,
      link.tls ? 'yes' : 'no',
      new Date(link.since).toISOString().slice(0, 19),
    ]),
  );
}

export async function linkShow(name: string, options: Where): Promise<void> {
  const link = (await ask(options, { command: 'link-show', name })) as LinkStatus;
  const { details, ...facts } = link;
  const rows = Object.entries({ ...facts, since: new Date(link.since).toISOString(), ...details });
  for (const [key, value] of rows) print(`${key.padEnd(20)} ${String(value)}`);
}

/** @throws Error when no password comes */
async function readPassword(fromStdin: boolean, prompt: string): Promise<string> {
  if (fromStdin || !process.stdin.isTTY) {
    let text = '';
    for await (const piece of process.stdin) text += String(piece);
    const password = text.replace(/\r?\n$/, '');
    if (password === '') throw new Error('no password came on the standard input; run it on a terminal, or give one with --password-stdin');
    return password;
  }
  process.stdout.write(prompt);
  const silent = new Writable({ write: (_piece, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await terminal.question('');
  } finally {
    terminal.close();
    process.stdout.write('\n');
  }
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function day(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  for (const row of [head, ...rows])
    print(
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]! + 2)))
        .join('')
        .trimEnd(),
    );
}
