/** A bridge outside of this repository: made from the packed package, built and tested there, and loaded by a real server. */
import { expect } from 'chai';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connectIrc, type IrcClient } from '../support/irc-client.ts';
import { freePort } from '../support/ports.ts';
import { startProcess, type TestProcess } from '../support/process.ts';
import { removeFolder, repository, temporaryFolder } from '../support/root.ts';
import { eventually } from '../support/wait.ts';

describe('a bridge from the template, in a folder of its own', function () {
  this.timeout(60_000);
  let folder: string;
  let bridge: string;

  async function run(command: string, args: readonly string[], at: string): Promise<string> {
    const ran = await startProcess(command, args, { folder: at });
    const code = await ran.ended();
    expect(code, `${command} ${args.join(' ')}:\n${ran.output()}`).to.equal(0);
    return ran.output();
  }

  before(async () => {
    folder = await temporaryFolder('bridge');
    bridge = join(folder, 'bridge');
    await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], repository);
    const [packed] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
    await run('tar', ['xzf', packed!], folder);
    await run(process.execPath, ['package/scripts/create-bridge.mjs', 'parley', bridge], folder);
    // As after `npm install`, but for the network: the package is the packed one, what it needs is what is installed here.
    const modules = join(bridge, 'node_modules');
    mkdirSync(modules);
    for (const name of readdirSync(join(repository, 'node_modules')))
      if (name !== 'banyan' && !name.startsWith('.')) symlinkSync(join(repository, 'node_modules', name), join(modules, name));
    renameSync(join(folder, 'package'), join(modules, 'banyan'));
  });
  after(() => removeFolder(folder));

  it('is not made over something that is there, nor under a name that cannot be', async () => {
    for (const [args, words] of [
      [['parley', bridge], 'is not empty'],
      [['Parley!', join(folder, 'other')], 'the name must be'],
      [['parley'], 'the folder is missing'],
    ] as const) {
      const ran = await startProcess(process.execPath, [join(repository, 'scripts/create-bridge.mjs'), ...args], { folder });
      expect(await ran.ended()).to.equal(1);
      expect(ran.output()).to.contain(words).and.contain('usage:');
    }
  });

  it('is built against the Banyan that made it', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(bridge, 'package.json'), 'utf8')) as {
      devDependencies: Readonly<Record<string, string>>;
    };
    expect(devDependencies['banyan']).to.equal(`file:${realpathSync(folder)}/package`);
  });

  it('has the name that it is given', async () => {
    const other = join(folder, 'hermes');
    await run(process.execPath, [join(repository, 'scripts/create-bridge.mjs'), 'hermes', other], folder);
    const files = readdirSync(other, { recursive: true, encoding: 'utf8' });
    expect(files).to.include.members(['package.json', '.gitignore', join('test', 'hermes-side.ts')]);
    const texts = files.filter((name) => /\.(?:ts|json|md)$/.test(name)).map((name) => readFileSync(join(other, name), 'utf8'));
    expect(texts.join('')).to.not.match(/parley|\{\{/i);
  });

  it('compiles, and passes its own tests', async () => {
    await run(process.execPath, ['node_modules/typescript/bin/tsc'], bridge);
    const output = await run(process.execPath, ['node_modules/mocha/bin/mocha.js', 'dist/test'], bridge);
    expect(output).to.contain('the contract of mirror').and.not.contain('failing');
  });

  it('links a real server to one that people use with netcat', async () => {
    const [parleyPort, ircPort] = [await freePort(), await freePort()];
    const ready = join(folder, 'ready.json');
    const readme = readFileSync(join(bridge, 'README.md'), 'utf8');
    const table = /```toml\n(.*?)```/s.exec(readme)![1]!.replace('7788', String(parleyPort));
    const config = `domain = "chat.example"\ndata = "data"\n[http]\nlisten = []\nlisten_tls = []\n[plugins.irc-clients]\nlisten = ["127.0.0.1:${ircPort}"]\nlisten_tls = []\n[plugins.xmpp]\nenabled = false\n${table}`;
    writeFileSync(join(bridge, 'banyan.toml'), config);
    const started: TestProcess[] = [];
    const clients: (IrcClient | Socket)[] = [];
    try {
      started.push(await startProcess(process.execPath, ['dist/demo/server.js', String(parleyPort)], { folder: bridge }));
      await eventually('the other server', () => started[0]!.output().includes('Parley on'));
      const args = ['node_modules/banyan/dist/server/main.js', 'serve', '--config', 'banyan.toml', '--ready-file', ready];
      const server = await startProcess(process.execPath, args, { folder: bridge });
      started.push(server);
      await eventually(
        () => `the server:\n${server.output()}`,
        () => existsSync(ready) || !server.running(),
        30_000,
      );

      const bert = connect(parleyPort, '127.0.0.1');
      clients.push(bert);
      let shown = '';
      bert.setEncoding('utf8').on('data', (text: string) => (shown += text));
      await once(bert, 'connect');
      bert.write('bert\n');
      const anna = await connectIrc({ port: ircPort, nick: 'anna' });
      clients.push(anna);
      await anna.join('#lounge');
      await eventually(
        () => `anna to come in:\n${shown}\n${server.output()}`,
        () => shown.includes('anna is in lounge'),
      );
      expect(await anna.names('#lounge')).to.include('bert');
      anna.send('PRIVMSG #lounge :hello from IRC');
      await eventually('the message there', () => shown.includes('<anna> hello from IRC'));
      bert.write('hello from netcat\n/msg anna psst\n');
      await anna.expect('it here', (line) => line.command === 'PRIVMSG' && line.nick === 'bert' && line.params[1] === 'hello from netcat');
      await anna.expect('the whisper', (line) => line.command === 'PRIVMSG' && line.params[0] === 'anna' && line.params[1] === 'psst');
      anna.send('PRIVMSG bert :what?');
      await eventually('the answer there', () => shown.includes('(anna) what?'));
      const said = shown.split('\n').filter((line) => line.startsWith('<'));
      expect(said).to.deep.equal(['<anna> hello from IRC', '<bert> hello from netcat']);
    } finally {
      for (const client of clients) 'quit' in client ? await client.quit() : client.destroy();
      for (const each of started.toReversed()) await each.stop();
    }
  });
});
