import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { connectIrc } from '../support/irc-client.ts';
import { connectNative } from '../support/native-client.ts';
import { startProcess } from '../support/process.ts';
import { compiled, repository } from '../support/root.ts';
import { eventually } from '../support/wait.ts';

const main = join(compiled, 'server', 'main.js');

/** A plugin outside the repository, with the text of its `start`. */
function pluginText(name: string, start: string): string {
  const zod = pathToFileURL(join(repository, 'node_modules', 'zod', 'index.js')).href;
  return `import { z } from '${zod}';
    export default { name: '${name}', version: '1', enabledByDefault: false,
      config: z.strictObject({ listen: z.array(z.string()).default(['127.0.0.1:0']) }),
      async start(host, config) {
        ${start}
        return { stop: async () => {}, status: () => ({ summary: 'runs', links: [] }) };
      } };\n`;
}

describe('A24 crash containment', function () {
  // Real seconds have to pass before a server counts as stuck.
  this.timeout(120_000);

  let server: Banyan;
  beforeEach(async () => (server = await startBanyan({ settings: 'motd = ["hello"]' })));
  afterEach(() => server.stop());

  async function withPlugin(start: string): Promise<void> {
    await server.halt();
    await writeFile(join(server.folder, 'faulty.mjs'), pluginText('faulty', start));
    await appendFile(server.configFile, '\n[plugins.faulty]\nmodule = "./faulty.mjs"\n');
  }

  const told = (words: string): number => server.output().split(words).length - 1;

  it('a plugin that throws in start is left off and reported, and the others serve', async () => {
    await withPlugin("await host.net.listen({ name: 'faulty', address: config.listen[0] }, () => {}); throw new Error('on purpose');");
    await server.start();
    const ready = JSON.parse(await readFile(join(server.folder, 'ready.json'), 'utf8')) as { off: unknown; listeners: { name: string }[] };
    expect(ready.off).to.deep.equal([{ plugin: 'faulty', reason: 'could not start: on purpose' }]);
    expect(ready.listeners.map(({ name }) => name)).to.not.include('faulty');
    await eventually('the greeting', () => /Not running +faulty: could not start: on purpose/.test(server.output()));
    expect((await server.command(['plugin', 'list'])).output).to.match(/faulty +off +could not start: on purpose\n/);
    expect(await server.command(['plugin', 'start', 'faulty'])).to.deep.equal({
      code: 1,
      output: 'banyan: the plugin faulty could not start: on purpose\n',
    });
    const ann = await connectIrc({ port: server.port('irc'), nick: 'ann' });
    await ann.quit();
  });

  it('a plugin that is required and throws in start: the server does not start, and leaves nothing behind', async () => {
    await withPlugin("await host.net.listen({ name: 'faulty', address: config.listen[0] }, () => {}); throw new Error('on purpose');");
    await appendFile(server.configFile, 'required = true\n');
    const run = await startProcess(process.execPath, [main, 'serve', '--config', server.configFile]);
    expect(await run.ended()).to.equal(1);
    expect(run.output()).to.include('the plugin faulty, which is required, does not run: could not start: on purpose');
    await appendFile(server.configFile, 'enabled = false\n');
    await server.start();
  });

  it('a plugin that never returns: the process ends, names it, and starts without it until the host says otherwise', async () => {
    await withPlugin(
      "host.http.route({ path: '/hang', handle: (request, response) => { response.end(); setImmediate(() => { for (;;); }); } });",
    );
    await appendFile(server.configFile, '\n[watchdog]\nstuck_seconds = 3\n');
    await server.start();
    await fetch(`${server.page}hang`);
    await eventually('the end of the process', () => !server.running(), 60_000);
    expect(server.output()).to.match(
      /the plugin faulty was stuck for 3 s in .*faulty\.mjs:\d+\); the server ends itself, and leaves it off/,
    );
    await server.start();
    expect((await server.command(['plugin', 'list'])).output).to.match(
      /faulty +off +was stuck for 3 s .*; once that is mended: banyan plugin/,
    );
    expect((await fetch(`${server.page}hang`)).status).to.equal(404);
    expect((await server.command(['plugin', 'start', 'faulty'])).output).to.equal('plugin faulty runs\n');
    expect((await server.command(['plugin', 'list'])).output).to.match(/faulty +runs +runs\n/);
    await server.halt();
    expect((await server.command(['plugin', 'start', 'faulty'])).output).to.include('nothing keeps the plugin "faulty" off');
  });

  it('a plugin that keeps failing is stopped and reported, also when nobody catches what it throws', async () => {
    await withPlugin(`
      host.http.route({ path: '/wrong', handle: () => { throw new Error('again'); } });
      setImmediate(() => { throw new Error('where nobody looks'); });
    `);
    await appendFile(server.configFile, '\n[watchdog]\nfailures_per_minute = 4\n');
    await server.start();
    for (let i = 0; i < 3; i++) expect((await fetch(`${server.page}wrong`)).status).to.equal(500);
    await eventually('its stop', () => told('a plugin keeps failing and is stopped; the others serve') === 1);
    await eventually('the end of its routes', async () => (await fetch(`${server.page}wrong`)).status === 404);
    expect((await server.command(['plugin', 'list'])).output).to.match(
      /faulty +off +was stopped, because it failed 4 times within a minute/,
    );
    const ann = await connectIrc({ port: server.port('irc'), nick: 'ann' });
    await ann.quit();
  });

  it('a server that crashes or hangs under --supervise is started again, without what hung; one that is told to end is not', async () => {
    await withPlugin(
      "host.http.route({ path: '/hang', handle: (request, response) => { response.end(); setImmediate(() => { for (;;); }); } });",
    );
    await appendFile(server.configFile, '\n[watchdog]\nstuck_seconds = 3\n');
    const readyFile = join(server.folder, 'supervised.json');
    const run = await startProcess(process.execPath, [
      main,
      'serve',
      '--supervise',
      '--config',
      server.configFile,
      '--ready-file',
      readyFile,
    ]);
    interface Ready {
      readonly pid: number;
      readonly services: readonly { readonly service: string; readonly port: number }[];
      readonly off: readonly { readonly plugin: string }[];
    }
    const ready = (): Ready => JSON.parse(readFileSync(readyFile, 'utf8')) as Ready;
    const first = await eventually('the server', ready, 30_000);
    process.kill(first.pid, 'SIGKILL');
    await eventually('the server again', () => ready().pid !== first.pid, 30_000);
    const second = ready();
    expect(second.off).to.deep.equal([]);
    await fetch(`http://127.0.0.1:${second.services.find(({ service }) => service === 'web')!.port}/hang`);
    await eventually('the server without the plugin', () => ready().pid !== second.pid, 60_000);
    expect(ready().off.map(({ plugin }) => plugin)).to.deep.equal(['faulty']);
    expect(await run.stop()).to.equal(0);
    expect(run.output()).to.include('the server crashed (SIGKILL), and is started again in 1 s');
    const wrong = await startProcess(process.execPath, [main, 'serve', '--supervise', '--config', join(server.folder, 'missing.toml')]);
    expect(await wrong.ended()).to.equal(1);
  });

  it('a plugin that throws in handlers: its connection dies, told once, and nothing else', async () => {
    await withPlugin(`
      const listener = await host.net.listen({ name: 'faulty', address: config.listen[0] }, (connection) => {
        connection.handle({ onData: () => { throw new Error('in a handler'); }, onClose: () => {} });
        connection.admit();
      });
      host.announce({ service: 'faulty', address: listener.host, port: listener.port, tls: false, hint: 'Faulty  here' });
      host.http.route({ path: '/faulty', handle: () => { throw new Error('in a request'); } });
      host.clock.after(50, () => { throw new Error('in a timer'); });
      host.clock.after(50, () => { void Promise.reject(new Error('in a promise')); });
      const [name] = host.defaultRooms;
      let delivered = 0;
      host.rooms.follow(host.rooms.byName(name), { deliver: () => { delivered++; throw new Error('in a delivery ' + delivered); } });
    `);
    await server.start();
    const ann = await connectIrc({ port: server.port('irc'), nick: 'ann' });
    const bob = await connectIrc({ port: server.port('irc'), nick: 'bob' });
    await ann.join('#lounge');
    await bob.join('#lounge');
    for (const text of ['one', 'two', 'three']) ann.send(`PRIVMSG #lounge :${text}`);
    await bob.expect('all three', ({ command, params }) => command === 'PRIVMSG' && params[1] === 'three');
    const faulty = await startProcess('bash', ['-c', `exec 3<>/dev/tcp/127.0.0.1/${server.port('faulty')}; echo hello >&3; cat <&3`]);
    await faulty.ended();
    expect((await fetch(`${server.page}faulty`)).status).to.equal(500);
    for (const words of ['in a handler', 'in a request', 'in a timer', 'in a promise', 'in a delivery 1'])
      await eventually(words, () => told(`Error: ${words}`) === 1);
    expect(told('in a delivery 2'), 'a follower that failed is cut off').to.equal(0);
    ann.send('PRIVMSG #lounge :still here');
    await bob.expect('the server stands', ({ command, params }) => command === 'PRIVMSG' && params[1] === 'still here');
    ann.drop();
    bob.drop();
  });

  it('a plugin whose status and stop fail is told, and the server ends cleanly', async () => {
    await withPlugin(`
      return { stop: async () => { throw new Error('at the stop'); }, status: () => { throw new Error('at the status'); } };
    `);
    await server.start();
    expect(await server.command(['link', 'list'])).to.deep.equal({ code: 0, output: 'there are no links\n' });
    expect(told('Error: at the status')).to.equal(1);
    const running = server;
    expect(await server.halt()).to.equal(0);
    await eventually('the failed stop in the log', () => running.output().includes('at the stop'));
  });
});

describe('A24 a full disk', () => {
  it('refuses messages with a word to their authors, shows them to nobody, and goes on when there is room', async () => {
    const server = await startBanyan();
    try {
      const ann = await connectIrc({ port: server.port('irc'), nick: 'ann' });
      const bob = await connectIrc({ port: server.port('irc'), nick: 'bob' });
      const page = await connectNative(server.port('web'));
      await ann.join('#lounge');
      await bob.join('#lounge');
      ann.send('PRIVMSG #lounge :before');
      await bob.expect('a message', ({ params }) => params[1] === 'before');
      // A file may not grow beyond a few bytes: what a full disk is for the journal.
      expect(spawnSync('prlimit', ['--pid', String(server.pid), '--fsize=10:']).status).to.equal(0);
      ann.send('PRIVMSG #lounge :lost');
      await ann.expect(
        'the refusal',
        ({ command, params }) => /^(?:4\d\d|NOTICE|FAIL)$/.test(command) && /store|sent/.test(params.at(-1)!),
      );
      expect(spawnSync('prlimit', ['--pid', String(server.pid), '--fsize=unlimited:']).status).to.equal(0);
      ann.send('PRIVMSG #lounge :after');
      await bob.expect('a message again', ({ params }) => params[1] === 'after');
      expect(bob.lines.some(({ raw }) => raw.includes('lost'))).to.equal(false);
      expect(server.running()).to.equal(true);
      const running = server;
      await server.kill9();
      await server.start();
      expect((await running.command(['room', 'list'])).output).to.match(/#lounge/);
      page.drop();
      ann.drop();
      bob.drop();
    } finally {
      await server.stop();
    }
  });
});
