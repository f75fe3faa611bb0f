/**
 * The watchdog's thread. When the main thread has not moved for too long, it is stopped where it is by the debugger's means (which work
 * inside an endless loop too), its stack tells whose code that is, the plugin is noted as off, and the process is killed: whoever
 * supervises it starts it again. Killing loses nothing that anybody has read, see docs/architecture.md.
 */
import { writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import { workerData } from 'node:worker_threads';
import { blame } from './blame.ts';
import { noteOff } from './off-notes.ts';
import type { WatchdogData } from './watchdog.ts';

const lookMilliseconds = 1_000;
/** Native code (a huge JSON text, a file on a dead disk) cannot be stopped, so there may be no answer. */
const answerMilliseconds = 5_000;
const { seconds, dataFolder, plugins, beat } = workerData as WatchdogData;
const counter = new Int32Array(beat);
let last = -1;
let silent = 0;

/** Looks are counted, not time: a process that was stopped, or starved, as a whole is not stuck. */
const timer = setInterval(() => {
  const now = Atomics.load(counter, 0);
  silent = now === last ? silent + lookMilliseconds : 0;
  last = now;
  if (silent < seconds * 1_000) return;
  clearInterval(timer);
  ask();
}, lookMilliseconds);

function ask(): void {
  setTimeout(() => end([]), answerMilliseconds);
  const session = new Session();
  session.connectToMainThread();
  // A frame has the number of its script only; all scripts are told first.
  const scripts = new Map<string, string>();
  session.on('Debugger.scriptParsed', ({ params }) => void scripts.set(params.scriptId, params.url));
  session.on('Debugger.paused', ({ params }) =>
    end(
      params.callFrames.map(
        ({ functionName, location }) =>
          `${functionName || 'a function'} (${scripts.get(location.scriptId) ?? ''}:${location.lineNumber + 1})`,
      ),
    ),
  );
  session.post('Debugger.enable');
  session.post('Debugger.pause');
}

function end(places: readonly string[]): void {
  const plugin = blame(places, plugins);
  const where = places[0] === undefined ? 'where cannot be told' : `in ${places[0]}`;
  const stuck = `was stuck for ${seconds} s ${where}`;
  try {
    if (plugin !== undefined) noteOff(dataFolder, plugin, `${stuck} on ${new Date().toISOString().slice(0, 16)}`);
    say(
      plugin === undefined
        ? `the server ${stuck}; it ends itself`
        : `the plugin ${plugin} ${stuck}; the server ends itself, and leaves it off`,
    );
  } finally {
    process.kill(process.pid, 'SIGKILL');
  }
}

/** In the form of the log, which lives in the thread that is stuck. */
function say(words: string): void {
  writeSync(2, `${JSON.stringify({ level: 60, time: Date.now(), pid: process.pid, msg: words })}\n`);
}
