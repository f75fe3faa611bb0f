/** The commands that look at, or change, what a server keeps. */
import { appendFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pino } from 'pino';
import { coreConfig, defaultConfig, loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Account } from '../contract/accounts.ts';
import type { LinkFinding } from '../contract/host.ts';
import { defaultCoreLimits, openCore } from '../core.ts';
import type { RoomConfig } from '../model/event.ts';
import { droppedInAll, type LinkFigures } from '../host/links.ts';
import { forgetOff } from '../host/off-notes.ts';
import type { PluginState } from '../host/plugin-table.ts';
import { rehearseAlone } from '../host/rehearse.ts';
import { serverSecret } from '../host/secret.ts';
import { systemClock } from '../host/services.ts';
import { answerAccount, type RoomFacts } from './answers.ts';
import { askServer, NoServerError, type AccountRequest, type ControlRequest } from './control.ts';
import { day, facts, print, table } from './output.ts';
import { readPassword } from './password.ts';
import { openStorage } from './storage.ts';

export interface Where {
  readonly config?: string;
  readonly data?: string;
}

function configOf(where: Where): Config {
  return coreConfig(where.config === undefined ? defaultConfig() : loadConfig(where.config));
}

function dataFolder(where: Where): string {
  return resolve(where.data ?? configOf(where).data);
}

function ask(where: Where, request: ControlRequest): Promise<unknown> {
  return askServer(dataFolder(where), request);
}

interface AccountAnswer {
  readonly value: unknown;
  /** For the person: where it was done, when no server runs that could have done it. */
  readonly where: string;
}

/** Accounts can be changed without a running server: the command opens the storage itself then. */
async function askOrOpen(where: Where, request: AccountRequest): Promise<AccountAnswer> {
  const folder = dataFolder(where);
  try {
    return { value: await askServer(folder, request), where: '' };
  } catch (error) {
    if (!(error instanceof NoServerError)) throw error;
  }
  const log = pino({ level: 'silent' });
  const storage = await openStorage(folder, log);
  try {
    const core = await openCore({
      domain: configOf(where).domain,
      storage,
      clock: systemClock,
      log,
      secret: serverSecret(folder),
      rooms: [],
      limits: defaultCoreLimits,
      registration: 'closed',
    });
    try {
      return { value: await answerAccount(core.accounts, request), where: ` (in ${folder}; no server is running there)` };
    } finally {
      await core.close('done');
    }
  } finally {
    await storage.close();
  }
}

export async function accountAdd(
  name: string,
  options: Where & { readonly admin?: boolean; readonly passwordStdin?: boolean },
): Promise<void> {
  const password = await readPassword(options.passwordStdin === true, `Password for ${name}: `);
  const done = await askOrOpen(options, { command: 'account-add', name, password, administrator: options.admin === true });
  const account = done.value as Account;
  print(`account ${account.name} added${account.administrator ? ', an administrator' : ''}${done.where}`);
}

export async function accountPassword(name: string, options: Where & { readonly passwordStdin?: boolean }): Promise<void> {
  const password = await readPassword(options.passwordStdin === true, `New password for ${name}: `);
  const done = await askOrOpen(options, { command: 'account-password', name, password });
  print(`password of ${name} changed; signed-in browsers must sign in again${done.where}`);
}

export async function accountList(options: Where): Promise<void> {
  const accounts = (await askOrOpen(options, { command: 'account-list' })).value as readonly Account[];
  if (accounts.length === 0) print('there are no accounts yet; add the first administrator: banyan account add NAME --admin');
  else
    table(
      ['NAME', 'SINCE', ''],
      accounts.map((account) => [account.name, day(account.created), account.administrator ? 'administrator' : '']),
    );
}

export async function accountRemove(name: string, options: Where): Promise<void> {
  const done = await askOrOpen(options, { command: 'account-remove', name });
  print(`account ${name} removed${done.where}`);
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
  const room = (await ask(options, { command: 'room-show', name })) as RoomFacts;
  const { config } = room;
  facts({
    room: `#${room.name}`,
    address: room.address,
    ...(room.home === undefined ? {} : { home: room.home }),
    since: new Date(room.created).toISOString(),
    title: config.title,
    topic: room.topic.text,
    events: room.events,
    networks: room.networks.join(', '),
    history: config.history,
    key: config.key ?? '',
    limit: config.limit ?? '',
    settings: Object.keys(config)
      .filter((key) => config[key as keyof RoomConfig] === true)
      .map((key) => key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`))
      .join(', '),
  });
  section(
    ['MEMBER', 'ADDRESS', 'AFFILIATION', 'STATUS', 'FROM'],
    room.members.map(({ nick, address, affiliation, operator, voice, from }) => {
      const status = [...(operator ? ['operator'] : []), ...(voice ? ['voice'] : [])].join(', ');
      return [nick, address, affiliation, status, from];
    }),
  );
  section(
    ['AFFILIATION', 'ADDRESS'],
    Object.entries(room.affiliations).map(([address, affiliation]) => [affiliation, address]),
  );
  section(
    ['BAN', 'BY', 'SINCE', 'REASON'],
    room.bans.map(({ mask, by, at, reason }) => [mask, by, day(at), reason]),
  );
}

/** A table below something else; nothing where it would be empty. */
function section(head: readonly string[], rows: readonly (readonly string[])[]): void {
  if (rows.length === 0) return;
  print('');
  table(head, rows);
}

export async function roomAlias(name: string, address: string, options: Where): Promise<void> {
  const room = (await ask(options, { command: 'room-alias', name, address })) as { readonly name: string };
  print(`#${room.name} is ${address} from now on`);
}

export async function roomUnalias(name: string, options: Where): Promise<void> {
  await ask(options, { command: 'room-unalias', name });
  print(`#${name.replace(/^#/, '')} is a room of this server from now on`);
}

export async function linkList(options: Where): Promise<void> {
  const links = (await ask(options, { command: 'link-list' })) as readonly LinkFigures[];
  if (links.length === 0) print('there are no links');
  else
    table(
      ['LINK', 'KIND', 'STATE', 'PEER', 'TLS', 'SINCE', 'IN', 'OUT', 'WAITING', 'DROPPED'],
      links.map((link) => [
        link.name,
        link.kind,
        link.state,
        link.peer,
        link.tls ? 'yes' : 'no',
        new Date(link.since).toISOString().slice(0, 19),
        ...[link.in, link.out, link.waiting, droppedInAll(link)].map(String),
      ]),
    );
}

export async function linkShow(name: string, options: Where): Promise<void> {
  const link = (await ask(options, { command: 'link-show', name })) as LinkFigures;
  const { details, dropped, ...rest } = link;
  facts({ ...rest, since: new Date(link.since).toISOString(), dropped: droppedInAll(link), ...details });
  for (const [reason, count] of Object.entries(dropped).toSorted(([, a], [, b]) => b - a))
    print(`  ${String(count).padStart(8)} ${reason}`);
}

const verdicts = { good: 'ok', loss: 'lost', mistake: 'wrong' } as const;

/** Asks the running server; without one, the command logs in itself, by the configuration. */
async function rehearse(name: string, where: Where): Promise<readonly LinkFinding[]> {
  const folder = dataFolder(where);
  try {
    return (await askServer(folder, { command: 'link-check', name })) as readonly LinkFinding[];
  } catch (error) {
    if (!(error instanceof NoServerError)) throw error;
    if (where.config === undefined)
      throw new Error(
        `${error.message}; or name the configuration, to try the link without a server: banyan link check ${name} --config FILE`,
        {
          cause: error,
        },
      );
  }
  return rehearseAlone(name, { configFile: where.config, dataFolder: folder, openStorage, log: pino({ level: 'silent' }) });
}

/** A rehearsal of a link; code 1 when it would not work. */
export async function linkCheck(name: string, options: Where): Promise<void> {
  const findings = await rehearse(name, options);
  for (const { verdict, text } of findings) print(`${verdicts[verdict].padEnd(6)}${text}`);
  if (findings.some(({ verdict }) => verdict === 'mistake')) throw new Error(`the link "${name}" would not work`);
}

const mostTraceSeconds = 86_400;

/** A transcript of what crosses the link's connection; Ctrl-C ends it earlier. */
export async function linkTrace(name: string, options: Where & { readonly seconds: string; readonly file?: string }): Promise<void> {
  const { file } = options;
  const seconds = Number(options.seconds);
  if (!(seconds > 0 && seconds <= mostTraceSeconds)) throw new Error(`--seconds must be a number up to ${mostTraceSeconds}`);
  // What people say is in it: for nobody else.
  if (file !== undefined) writeFileSync(file, '', { mode: 0o600 });
  const write = (text: string): void => {
    if (text === '') process.stderr.write(`tracing ${name}, from the next connection on if there is none\n`);
    else if (file === undefined) process.stdout.write(text);
    else appendFileSync(file, text);
  };
  const reason = await askServer(dataFolder(options), { command: 'link-trace', name, seconds }, write);
  process.stderr.write(`the trace is over: ${String(reason)}${file === undefined ? '' : `; see ${file}`}\n`);
}

export async function pluginList(options: Where): Promise<void> {
  const plugins = (await ask(options, { command: 'plugin-list' })) as readonly PluginState[];
  table(
    ['PLUGIN', 'STATE', ''],
    plugins.map(({ name, state, summary }) => [name, state, summary]),
  );
}

/** Without a running server, what kept the plugin off is forgotten, so that the next start tries it. */
export async function pluginStart(name: string, options: Where): Promise<void> {
  const folder = dataFolder(options);
  try {
    await askServer(folder, { command: 'plugin-start', name });
    print(`plugin ${name} runs`);
  } catch (error) {
    if (!(error instanceof NoServerError)) throw error;
    if (!forgetOff(folder, name))
      throw new Error(`nothing keeps the plugin "${name}" off in ${folder}, and no server is running there`, { cause: error });
    print(`plugin ${name} is started with the server (in ${folder}; no server is running there)`);
  }
}
