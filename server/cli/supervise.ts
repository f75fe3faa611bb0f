/** `banyan serve --supervise`: keeps a server running where no service manager does. */
import { spawn, type ChildProcess } from 'node:child_process';

/** Exit code of a server that failed on an error of its own; a wrong configuration ends it with 1, which trying again would not mend. */
export const crashed = 70;

const firstDelay = 1_000;
const longestDelay = 60_000;
/** Who ran so long is no part of a row of crashes. */
const healthyMilliseconds = 60_000;

/** Goes on until the child ends of itself or by a signal that came to this process. */
export function supervise(): void {
  const args = process.argv.slice(1).filter((arg) => arg !== '--supervise');
  let child: ChildProcess | undefined;
  let ending = false;
  let delay = firstDelay;
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      ending = true;
      // Between two lives there is nobody to tell.
      if (child === undefined) process.exit(0);
      child.kill(signal);
    });
  process.on('SIGHUP', () => child?.kill('SIGHUP'));
  const start = (): void => {
    const begun = performance.now();
    child = spawn(process.execPath, [...process.execArgv, ...args], { stdio: 'inherit' });
    child.on('error', (error) => {
      process.stderr.write(`banyan: the server cannot be started: ${error.message}\n`);
      process.exit(1);
    });
    child.on('exit', (code, signal) => {
      child = undefined;
      if (ending || (signal === null && code !== crashed)) process.exit(code ?? 0);
      if (performance.now() - begun > healthyMilliseconds) delay = firstDelay;
      process.stderr.write(`banyan: the server crashed (${signal ?? 'see above'}), and is started again in ${delay / 1_000} s\n`);
      setTimeout(start, delay);
      delay = Math.min(delay * 2, longestDelay);
    });
  };
  start();
}
