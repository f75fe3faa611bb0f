import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { writeFile, appendFile } from 'node:fs/promises';
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

describe('A24 crash containment', () => {
  let server: Banyan;
  beforeEach(async () => (server = await startBanyan({ settings: 'motd = ["hello"]' })));
  afterEach(() => server.stop());

  async function withPlugin(start: string): Promise<void> {
    await server.halt();
    await writeFile(join(server.folder, 'faulty.mjs'), pluginText('faulty', start));
    await appendFile(server.configFile, '\n[plugins.faulty]\nmodule = "./faulty.mjs"\n');
  }

  const told = (words: string): number => server.output().split(words).length - 1;

  it('a plugin that throws in start: the server does not start, says which and what to do, and leaves nothing behind', async () => {
    await withPlugin("await host.net.listen({ name: 'faulty', address: config.listen[0] }, () => {}); throw new Error('on purpose');");
    const run = await startProcess(process.execPath, [main, 'serve', '--config', server.configFile]);
    expect(await run.ended()).to.equal(1);
    expect(run.output()).to.include('the plugin faulty could not start: on purpose').and.include('[plugins.faulty] enabled = false');
    await appendFile(server.configFile, 'enabled = false\n');
    await server.start();
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

describe('a full disk', () => {
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
