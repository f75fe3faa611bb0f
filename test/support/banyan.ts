import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { collectedHeap, inspectorOf } from './inspector.ts';
import { freePort } from './ports.ts';
import { startProcess, type TestProcess } from './process.ts';
import { compiled, removeFolder, temporaryFolder } from './root.ts';
import { eventually } from './wait.ts';

export interface BanyanOptions {
  readonly domain?: string;
  /** TOML of the top level, before the first table. */
  readonly settings?: string;
  /** TOML tables: `[plugins.irc-link] ...`. Those of [http], [plugins.irc-clients] and [plugins.xmpp] replace the defaults below. */
  readonly tables?: readonly string[];
  /** Options of Node.js for the server's process. */
  readonly nodeOptions?: readonly string[];
}

/** Option of Node.js for `collectedHeap`. The inspector is off until then: with it, the server would have no watchdog. */
export const inspectable = '--inspect-port=127.0.0.1:0';

export interface ReadyService {
  readonly service: string;
  readonly address: string;
  readonly port: number;
  readonly tls: boolean;
}

/** The real server as a process of its own, on loopback, with a data folder of its own. */
export interface Banyan {
  readonly domain: string;
  readonly folder: string;
  readonly dataFolder: string;
  readonly configFile: string;
  readonly pid: number;
  /** Of a service in the ready file: `web`, `irc`, `irc-link`, `xmpp-server`, ... Stays the same over restarts. */
  port(service: string): number;
  readonly services: readonly ReadyService[];
  /** Address of the page. */
  readonly page: string;
  output(): string;
  /** Bytes of the heap after a forced collection; of a server started with the option `inspectable`. */
  collectedHeap(): Promise<number>;
  running(): boolean;
  kill9(): Promise<void>;
  /** After `kill9` or `halt`: starts on the same data and ports. */
  start(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  halt(): Promise<number | string>;
  /** Runs the `banyan` command beside the server, with its configuration unless the arguments name another; answers with its output. */
  command(args: readonly string[], input?: string): Promise<{ readonly code: number | string; readonly output: string }>;
  /** Adds an account by the command. */
  account(name: string, password: string, options?: { readonly administrator?: boolean }): Promise<void>;
  /** Stops and removes the folder. */
  stop(): Promise<void>;
}

const main = join(compiled, 'server', 'main.js');

/**
 * Starts with the page, IRC clients and XMPP federation on free ports of 127.0.0.1, plain only, which is what most tests want;
 * whoever wants else gives the table.
 */
export async function startBanyan(options: BanyanOptions = {}): Promise<Banyan> {
  const domain = options.domain ?? 'banyan.example';
  const folder = await temporaryFolder('server');
  const dataFolder = join(folder, 'data');
  const configFile = join(folder, 'banyan.toml');
  const readyFile = join(folder, 'ready.json');
  const given = options.tables ?? [];
  const missing = (table: string): boolean => !given.some((text) => text.trimStart().startsWith(`[${table}]`));
  const tables = [
    ...(missing('http') ? [`[http]\nlisten = ["127.0.0.1:${await freePort()}"]\nlisten_tls = []`] : []),
    ...(missing('plugins.irc-clients') ? [`[plugins.irc-clients]\nlisten = ["127.0.0.1:${await freePort()}"]\nlisten_tls = []`] : []),
    ...(missing('plugins.xmpp') && existsSync(join(compiled, 'plugins/xmpp/index.js'))
      ? [`[plugins.xmpp]\nlisten = ["127.0.0.1:${await freePort()}"]\nlisten_tls = []`]
      : []),
    ...given,
  ];
  await writeFile(configFile, `domain = "${domain}"\ndata = "${dataFolder}"\n${options.settings ?? ''}\n\n${tables.join('\n\n')}\n`);

  let child: TestProcess | undefined;
  let services: readonly ReadyService[] = [];
  let inspector: string | undefined;
  const server: Banyan = {
    domain,
    folder,
    dataFolder,
    configFile,
    get pid() {
      return child!.pid;
    },
    get services() {
      return services;
    },
    port(service) {
      const found = services.find((candidate) => candidate.service === service);
      if (found === undefined) throw new Error(`no service ${service} among ${services.map((each) => each.service).join(', ')}`);
      return found.port;
    },
    get page() {
      return `http://127.0.0.1:${server.port('web')}/`;
    },
    output: () => child?.output() ?? '',
    async collectedHeap() {
      if (inspector === undefined) {
        const began = child!;
        began.signal('SIGUSR1');
        inspector = await eventually('the inspector', () => inspectorOf(began.output()));
      }
      return await collectedHeap(inspector);
    },
    running: () => child?.running() ?? false,
    async kill9() {
      await child?.kill9();
    },
    async start() {
      await rm(readyFile, { force: true });
      const command = [...(options.nodeOptions ?? []), main, 'serve', '--config', configFile, '--ready-file', readyFile];
      child = await startProcess(process.execPath, command, { folder });
      const began = child;
      const ready = await eventually(
        () => `the server to be ready:\n${began.output()}`,
        async () => {
          if (!began.running()) return 'ended';
          return existsSync(readyFile) && ((await readFile(readyFile, 'utf8')) || false);
        },
        30_000,
      );
      if (ready === 'ended') throw new Error(`the server ended with ${await began.ended()}:\n${began.output()}`);
      inspector = undefined;
      services = (JSON.parse(ready) as { services: ReadyService[] }).services;
    },
    async halt() {
      return (await child?.stop()) ?? 0;
    },
    async command(args, input = '') {
      const run = await startProcess(process.execPath, [main, ...args, ...(args.includes('--config') ? [] : ['--config', configFile])], {
        folder,
        input,
      });
      const code = await run.ended();
      return { code, output: run.output() };
    },
    async account(name, password, { administrator = false } = {}) {
      const { code, output } = await server.command(
        ['account', 'add', name, '--password-stdin', ...(administrator ? ['--admin'] : [])],
        password,
      );
      if (code !== 0) throw new Error(`account ${name} was not added: ${output}`);
    },
    async stop() {
      await child?.stop();
      await removeFolder(folder);
    },
  };
  await server.start();
  return server;
}
