/**
 * What a newcomer does, in a clean clone: `npm start`, look at the page, connect an IRC client, make the first administrator by the
 * command that was printed, stop it. The last line is `N passed, N failed`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from './prepare.mjs';

const installMinutes = 15;
const scratch = mkdtempSync(join(tmpdir(), 'banyan-smoke-'));
const readyFile = join(scratch, 'ready.json');
const server = spawn('npm', ['start', '--', '--data', join(scratch, 'data'), '--ready-file', readyFile], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'inherit'],
});
let printed = '';
server.stdout.setEncoding('utf8').on('data', (text) => {
  printed += text;
  process.stdout.write(text);
});
const ended = once(server, 'exit');
let pid;
const totals = { passed: 0, failed: 0 };

async function check(title, run) {
  try {
    await run();
    totals.passed += 1;
    console.log(`ok     ${title}`);
  } catch (error) {
    totals.failed += 1;
    console.log(`FAILED ${title}: ${error.message}`);
  }
}

try {
  let ready;
  await check('npm start installs, builds and serves without a configuration', async () => {
    const deadline = Date.now() + installMinutes * 60_000;
    while (!existsSync(readyFile)) {
      if (server.exitCode !== null) throw new Error(`npm start ended with ${server.exitCode}`);
      if (Date.now() > deadline) throw new Error(`not ready after ${installMinutes} minutes`);
      await sleep(200);
    }
    ready = JSON.parse(readFileSync(readyFile, 'utf8'));
    pid = ready.pid;
  });
  const port = (service) => ready.services.find((each) => each.service === service).port;
  await check('the page comes over HTTP', async () => {
    const response = await fetch(`http://127.0.0.1:${port('web')}/`);
    const text = await response.text();
    if (!response.ok || !text.includes('<!doctype html>')) throw new Error(`${response.status}: ${text.slice(0, 200)}`);
  });
  await check('an IRC client is greeted', async () => {
    const socket = connect(port('irc'), '127.0.0.1').setEncoding('utf8').setTimeout(15_000);
    socket.on('timeout', () => socket.destroy(new Error('no greeting')));
    socket.write('NICK newcomer\r\nUSER newcomer 0 * :Newcomer\r\n');
    let text = '';
    for await (const part of socket) {
      text += part;
      const ping = /^PING (.*)\r$/m.exec(text);
      if (ping) socket.write(`PONG ${ping[1]}\r\n`);
      if (/^:\S+ 001 newcomer /m.test(text)) break;
    }
    socket.destroy();
    if (!/ 001 newcomer /.test(text)) throw new Error(text.slice(0, 300));
  });
  await check('without a configuration, unencrypted client ports answer on this machine only', () => {
    const open = ready.listeners.filter(({ name, host, tls }) => !tls && host !== '127.0.0.1' && name !== 'xmpp-server');
    if (open.length > 0) throw new Error(JSON.stringify(open));
  });
  await check('the printed command makes the first administrator', async () => {
    const command = /First admin +(.+)/.exec(printed)?.[1];
    if (command === undefined) throw new Error('no command was printed');
    const [, ...args] = `${command.replace('NAME', 'newcomer')} --password-stdin`.split(' ');
    const run = spawnSync(process.execPath, args, { cwd: root, input: 'a long password', encoding: 'utf8' });
    if (run.status !== 0 || !run.stdout.includes('account newcomer added, an administrator')) throw new Error(run.stdout + run.stderr);
  });
  await check('SIGTERM ends it cleanly', async () => {
    process.kill(pid, 'SIGTERM');
    const late = new AbortController();
    const result = await Promise.race([ended, sleep(20_000, undefined, { signal: late.signal })]);
    late.abort();
    if (result === undefined) throw new Error('still running after 20 s');
    if (result[0] !== 0) throw new Error(`exit code ${result[0]}, signal ${result[1]}`);
  });
} finally {
  if (server.exitCode === null) {
    // Not SIGKILL: that is a crash, after which npm start starts it again.
    if (pid !== undefined) process.kill(pid, 'SIGTERM');
    server.kill('SIGKILL');
  }
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed === 0 ? 0 : 1;
