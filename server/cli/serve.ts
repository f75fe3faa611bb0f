/** `banyan serve`: starts, says where to connect, ends cleanly. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { pino, type Logger } from 'pino';
import { ConfigError, describeMistake } from '../config/load.ts';
import { Failures } from '../host/failures.ts';
import { version } from '../host/assembly.ts';
import { systemClock } from '../host/services.ts';
import { startServer, type RunningServer } from '../host/server.ts';
import { answerControl } from './answers.ts';
import { controlPath, serveControl } from './control.ts';
import { greeting } from './greeting.ts';
import { openStorage } from './storage.ts';
import { crashed, supervise } from './supervise.ts';

export interface ServeOptions {
  readonly config?: string;
  readonly data?: string;
  readonly readyFile?: string;
  /** Run the server as a child, and start it again when it crashes. */
  readonly supervise?: boolean;
}

const drainMilliseconds = 10_000;
/** Ctrl-C reaches a server behind npm more than once; what comes so soon is the same wish. */
const sameSignalMilliseconds = 1_000;

/** Resolves when everything is up; the process then runs until a signal ends it. @throws what startServer throws */
export async function serve(options: ServeOptions): Promise<void> {
  if (options.supervise === true) {
    supervise();
    return;
  }
  const failures = new Failures(systemClock);
  const log = logger(failures);
  if (options.readyFile !== undefined) rmSync(options.readyFile, { force: true });
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'a promise failed and nobody looked; this is a bug'));
  const server = await startServer({
    configFile: options.config,
    dataFolder: options.data,
    openStorage,
    log,
    failures,
  });
  endOnException(server, log);
  try {
    const control = await serveControl(server.dataFolder, (request, asker) => answerControl(server, request, asker));
    endOnSignals(server, control, log);
    if (options.readyFile !== undefined) writeReadyFile(options.readyFile, server);
  } catch (error) {
    await server.stop('the server could not start');
    rmSync(controlPath(server.dataFolder), { force: true });
    throw error;
  }
  keepYoungGeneration();
  process.stdout.write(await greeting(server, options));
}

/**
 * Keeps V8's young generation as large as it became at the start, some 16 MB. It would double while many people come and not shrink while
 * people talk. Of a saturated server's time a larger one would save little, since what a message needs is garbage a tick later. Set here and not
 * by an option of node, so that it holds however the server is started; V8 reads it whenever it is about to grow the young generation.
 */
function keepYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** What a plugin throws where nobody catches it (a timer or a socket of its own) is the plugin's failure; anything else may have broken all. */
function endOnException(server: RunningServer, log: Logger): void {
  process.on('uncaughtException', (error) => {
    const plugin = server.guilty(error);
    if (plugin === undefined) {
      log.fatal({ err: error }, 'the server failed on an error of its own, and ends');
      process.exit(crashed);
    }
    log.error({ err: error, plugin }, 'a plugin failed where nobody looked');
  });
}

/** Written beside and renamed, so that a reader never sees half of it. */
function writeReadyFile(file: string, { config, services, listeners, off }: RunningServer): void {
  const ready = {
    pid: process.pid,
    domain: config.domain,
    version,
    services: services.map(({ service, address, port, tls }) => ({ service, address, port, tls })),
    listeners,
    off,
  };
  writeFileSync(`${file}.new`, `${JSON.stringify(ready, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

function endOnSignals(server: RunningServer, control: Server, log: Logger): void {
  let begun: number | undefined;
  const end = (signal: NodeJS.Signals): void => {
    if (begun !== undefined) {
      if (performance.now() - begun < sameSignalMilliseconds) return;
      log.warn({ signal }, 'ended at once, by a second signal');
      process.exit(1);
    }
    begun = performance.now();
    log.info({ signal }, 'ending; a second signal ends it at once');
    setTimeout(() => {
      log.error('not all parts stopped in time');
      process.exit(1);
    }, drainMilliseconds).unref();
    control.close();
    void server.stop('the server is ending').then(() => {
      rmSync(controlPath(server.dataFolder), { force: true });
      log.info('ended');
      process.exit(0);
    });
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  let reloading = Promise.resolve();
  process.on('SIGHUP', () => {
    reloading = reloading.then(() => reload(server, log));
  });
}

async function reload(server: RunningServer, log: Logger): Promise<void> {
  try {
    log.info({ done: await server.reload() }, 'reloaded');
  } catch (error) {
    if (error instanceof ConfigError)
      log.error({ mistakes: error.mistakes.map(describeMistake) }, 'not reloaded, and nothing changed: the configuration has mistakes');
    else log.error({ err: error }, 'not reloaded');
  }
}

/** One line a message, readable on a terminal; JSON where something else reads it. */
function logger({ hooks }: Failures): Logger {
  const redact = ['*.password', '*.key', '*.token'];
  if (!process.stderr.isTTY) return pino({ redact, hooks }, pino.destination({ dest: 2, sync: true }));
  const write = (line: string): void => {
    const { level, time, msg, err, pid: _pid, hostname: _hostname, ...facts } = JSON.parse(line) as Record<string, unknown>;
    const name = pino.levels.labels[level as number] ?? '';
    const failure = err === undefined ? '' : `: ${(err as { message?: string }).message ?? ''}`;
    const rest = Object.keys(facts).length === 0 ? '' : ` ${JSON.stringify(facts)}`;
    process.stderr.write(`${new Date(time as number).toISOString().slice(11, 19)} ${name.padEnd(5)} ${String(msg)}${failure}${rest}\n`);
  };
  return pino({ redact, hooks }, { write });
}
