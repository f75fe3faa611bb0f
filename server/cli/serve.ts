/** `banyan serve`: starts, says where to connect, ends cleanly. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import { ConfigError, describeMistake } from '../config/load.ts';
import { startServer, version, type RunningServer } from '../host/server.ts';
import { answerControl } from './answers.ts';
import { controlPath, serveControl } from './control.ts';
import { openStorage } from './storage.ts';

export interface ServeOptions {
  readonly config?: string;
  readonly data?: string;
  readonly readyFile?: string;
}

const drainMilliseconds = 10_000;

/** Runs until a signal ends it; answers the exit code. */
export async function serve(options: ServeOptions): Promise<void> {
  const log = logger();
  if (options.readyFile !== undefined) rmSync(options.readyFile, { force: true });
  const server = await startServer({
    configFile: options.config,
    dataFolder: options.data,
    readyFile: options.readyFile,
    openStorage,
    log,
  });
  log.level = server.config.log.level;
  const control = await serveControl(server.dataFolder, (request) => answerControl(server, request));
  process.stdout.write(greeting(server, options));
  let ending = false;
  const end = (signal: string): void => {
    if (ending) return;
    ending = true;
    log.info({ signal }, 'ending');
    setTimeout(() => process.exit(1), drainMilliseconds).unref();
    control.close();
    void server.stop('the server is ending').then(() => {
      rmSync(controlPath(server.dataFolder), { force: true });
      log.info('ended');
      process.exit(0);
    });
  };
  process.on('SIGTERM', () => end('SIGTERM'));
  process.on('SIGINT', () => end('SIGINT'));
  process.on('SIGHUP', () => void reload(server, log));
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'a promise failed and nobody looked; this is a bug'));
}

async function reload(server: RunningServer, log: Logger): Promise<void> {
  try {
    log.info({ reloaded: await server.reload() }, 'reloaded');
  } catch (error) {
    if (error instanceof ConfigError)
      log.error({ mistakes: error.mistakes.map(describeMistake) }, 'not reloaded: the configuration has mistakes');
    else log.error({ err: error }, 'not reloaded');
  }
}

/** One line a message, readable on a terminal; JSON where something else reads it. */
function logger(): Logger {
  const redact = ['*.password', '*.key', '*.token'];
  if (!process.stderr.isTTY) return pino({ redact }, pino.destination({ dest: 2, sync: true }));
  const write = (line: string): void => {
    const { level, time, msg, err, pid: _pid, hostname: _hostname, ...facts } = JSON.parse(line) as Record<string, unknown>;
    const name = pino.levels.labels[level as number] ?? '';
    const failure = err === undefined ? '' : `: ${(err as { message?: string }).message ?? ''}`;
    const rest = Object.keys(facts).length === 0 ? '' : ` ${JSON.stringify(facts)}`;
    process.stderr.write(`${new Date(time as number).toISOString().slice(11, 19)} ${name.padEnd(5)} ${String(msg)}${failure}${rest}\n`);
  };
  return pino({ redact }, { write });
}

function greeting(server: RunningServer, options: ServeOptions): string {
  const { services, config } = server;
  const lines = services.map(({ hint }) => `  ${hint}`);
  const where =
    options.config === undefined ? (options.data === undefined ? '' : ` --data ${options.data}`) : ` --config ${options.config}`;
  const banyan = `node ${join('dist', 'server', 'main.js')}`;
  return [
    '',
    `Banyan ${version} serves ${config.title} (${config.domain}).`,
    '',
    ...lines,
    '',
    `The first administrator:  ${banyan} account add NAME --admin${where}`,
    `Everything else:          ${banyan} --help`,
    '',
    '',
  ].join('\n');
}
