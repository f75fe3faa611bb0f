import { expect } from 'chai';
import { spawn } from 'node:child_process';
import type { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { makeAuthority } from '../support/certificates.ts';
import { connectIrc } from '../support/irc-client.ts';
import { connectNative } from '../support/native-client.ts';
import { freePort } from '../support/ports.ts';
import { startProcess } from '../support/process.ts';
import { compiled } from '../support/root.ts';
import { eventually } from '../support/wait.ts';

const main = join(compiled, 'server', 'main.js');
const mode = async (file: string): Promise<number> => (await stat(file)).mode & 0o777;

/** The certificate that a port shows. */
async function certificateAt(port: number): Promise<X509Certificate> {
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const certificate = socket.getPeerX509Certificate();
  socket.destroy();
  return certificate!;
}

describe('a host', () => {
  let server: Banyan | undefined;
  afterEach(async () => {
    await server?.stop();
    server = undefined;
  });

  const everyPortFree = [
    '[http]\nlisten = ["127.0.0.1:0"]\nlisten_tls = ["127.0.0.1:0"]',
    '[plugins.irc-clients]\nlisten = ["127.0.0.1:0"]\nlisten_tls = ["127.0.0.1:0"]',
    '[plugins.xmpp]\nlisten = ["127.0.0.1:0"]\nlisten_tls = ["127.0.0.1:0"]',
  ];

  it('starts on free ports, and the ready file and the greeting say the truth', async () => {
    server = await startBanyan({ tables: everyPortFree });
    const ready = JSON.parse(await readFile(join(server.folder, 'ready.json'), 'utf8')) as {
      pid: number;
      listeners: { name: string; host: string; port: number; tls: boolean }[];
    };
    expect(ready.pid).to.equal(server.pid);
    expect(ready.listeners.map(({ name }) => name).toSorted()).to.deep.equal(
      ['irc', 'irc-tls', 'web', 'web-tls', 'xmpp-server', 'xmpp-server-tls'].toSorted(),
    );
    expect(new Set(ready.listeners.map(({ port }) => port)).has(0)).to.equal(false);
    for (const { port } of ready.listeners.filter(({ tls }) => tls)) {
      const certificate = await certificateAt(port);
      for (const name of ['banyan.example', 'rooms.banyan.example', 'users.banyan.example', 'localhost'])
        expect(certificate.checkHost(name, { subject: 'never' }), name).to.equal(name);
      expect(certificate.checkIP('127.0.0.1')).to.equal('127.0.0.1');
    }
    const irc = await connectIrc({ port: server.port('irc'), nick: 'ann' });
    await irc.quit();
    const began = server;
    await eventually('the greeting', () => began.output().includes('All commands'));
    expect(server.output()).to.include(`http://127.0.0.1:${server.port('web')}/`);
    expect(server.output()).to.match(/First admin +node .*main\.js account add NAME --admin --config .*banyan\.toml/);
    expect(await mode(server.dataFolder)).to.equal(0o700);
    for (const secret of ['certs/self-signed.key', 'secret', 'control.sock'])
      expect(await mode(join(server.dataFolder, secret)), secret).to.equal(0o600);

    await server.account('boss', 'a long password', { administrator: true });
    await server.halt();
    await server.start();
    await eventually('the greeting', () => began.output().includes('All commands'));
    expect(server.output())
      .to.match(/Administrators +boss/)
      .and.not.include('First admin');
  });

  it('looks after accounts, with a running server, without one, and after kill -9', async () => {
    server = await startBanyan();
    const running = server;
    const says = async (args: readonly string[], input = ''): Promise<string> => {
      const { code, output } = await running.command(args, input);
      return `${code} ${output.trim()}`;
    };
    expect(await says(['account', 'list'])).to.include('0 there are no accounts yet');
    expect(await says(['account', 'add', 'ann', '--password-stdin'], 'a long password\n')).to.equal('0 account ann added');
    expect(await says(['account', 'add', 'Ann', '--password-stdin'], 'a long password\n')).to.equal(
      '1 banyan: There is an account "ann" already.',
    );
    expect(await says(['account', 'add', 'bob', '--password-stdin'], 'short')).to.match(/^1 .*at least 8 characters/);
    expect(await says(['account', 'add', 'bob'])).to.match(/^1 .*no terminal.*--password-stdin/);
    await server.kill9();
    expect(existsSync(join(server.dataFolder, 'control.sock'))).to.equal(true);
    expect(await says(['account', 'add', 'bob', '--admin', '--password-stdin'], 'a long password')).to.match(
      /^0 account bob added, an administrator \(in .*; no server is running there\)/,
    );
    expect(await says(['account', 'passwd', 'ann', '--password-stdin'], 'another password')).to.match(/^0 password of ann changed/);
    expect(await says(['room', 'list'])).to.match(/^1 banyan: no server is running with the data folder .*; start it with: npm start/);
    await server.start();
    expect(await says(['account', 'list'])).to.match(/ann +\d{4}-\d\d-\d\d\nbob +\d{4}-\d\d-\d\d +administrator/);
    const irc = await connectIrc({ port: server.port('irc'), nick: 'ann', account: { name: 'ann', password: 'another password' } });
    expect(await says(['account', 'remove', 'ann'])).to.equal('0 account ann removed');
    await irc.closed;
    expect(await says(['account', 'remove', 'ann'])).to.equal('1 banyan: There is no account "ann".');
  });

  it('asks for a password on a terminal, without echo', async () => {
    server = await startBanyan();
    const command = `${process.execPath} ${main} account add ann --config ${server.configFile}`;
    const terminal = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    let screen = '';
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => (screen += text));
    const ended = once(terminal, 'close');
    await eventually('the question', () => screen.includes('Password for ann: '));
    terminal.stdin.write('a hidden password\r');
    await eventually('the second question', () => screen.includes('Once more: '));
    terminal.stdin.end('a hidden password\r');
    expect(await ended, screen).to.deep.equal([0, null]);
    expect(screen).to.include('account ann added').and.not.include('hidden');
    const irc = await connectIrc({ port: server.port('irc'), nick: 'ann', account: { name: 'ann', password: 'a hidden password' } });
    await irc.quit();
  });

  it('shows rooms and links', async () => {
    server = await startBanyan();
    const irc = await connectIrc({ port: server.port('irc'), nick: 'ann' });
    await irc.join('#lounge');
    const list = await server.command(['room', 'list']);
    expect(list.output).to.match(/ROOM +MEMBERS +EVENTS +TOPIC\n#lounge +1 /);
    await irc.join('#tea');
    for (const line of ['TOPIC #tea :green or black', 'MODE #tea +kb sesame evil!*@*']) irc.send(line);
    await irc.sync();
    const { output } = await server.command(['room', 'show', '#tea']);
    expect(output).to.match(/^room +#tea\naddress +banyan:\/\/banyan\.example\/@tea\nsince +\d{4}-/);
    expect(output).to.match(/^topic +green or black$/m);
    expect(output)
      .to.match(/^key +\(set\)$/m)
      .and.not.include('sesame');
    expect(output).to.match(/^settings +topic locked, members speak/m);
    expect(output).to.match(
      /\n\nMEMBER +ADDRESS +AFFILIATION +STATUS +FROM\nann +banyan:\/\/banyan\.example\/~guest-\S+ +none +operator +guest\n/,
    );
    expect(output).to.match(/\n\nBAN +BY +SINCE +REASON\nevil!\*@\* +ann +\d{4}-\d\d-\d\d\n$/);
    expect(output, 'what is empty is left out')
      .to.not.match(/^(?:title|networks|limit|home)/m)
      .and.not.include('AFFILIATION  ADDRESS\n');
    const missing = await server.command(['room', 'show', 'nowhere']);
    expect(missing).to.deep.equal({ code: 1, output: 'banyan: there is no room "nowhere"; see: banyan room list\n' });
    expect((await server.command(['link', 'list'])).output).to.equal('there are no links\n');
    expect((await server.command(['link', 'show', 'x'])).code).to.equal(1);
    await irc.quit();
  });

  it('refuses to start beside another server, or on a port that is taken, and leaves nothing half-started', async () => {
    server = await startBanyan();
    const second = await startProcess(process.execPath, [main, 'serve', '--config', server.configFile]);
    expect(await second.ended()).to.equal(1);
    expect(second.output()).to.match(/data folder .* is in use by another running server; stop that one/);
    expect((await server.command(['room', 'list'])).code, 'the first one still answers').to.equal(0);

    const { configFile, dataFolder } = server;
    const port = server.port('irc');
    await server.halt();
    const occupier: Server = createServer().listen(port, '127.0.0.1');
    await once(occupier, 'listening');
    const busy = await startProcess(process.execPath, [main, 'serve', '--config', configFile]);
    expect(await busy.ended()).to.equal(1);
    expect(busy.output()).to.match(
      new RegExp(
        `irc: cannot listen on 127\\.0\\.0\\.1, port ${port}: another program has that port; stop it, or set another port .*, table \\[plugins\\.irc-clients\\]`,
      ),
    );
    expect(existsSync(join(dataFolder, 'control.sock'))).to.equal(false);
    occupier.close();
    await once(occupier, 'close');
    await server.start();
  });

  it('reloads at SIGHUP: certificates, log level, plugins; and goes on when the file is wrong', async () => {
    server = await startBanyan({
      tables: [
        '[plugins.irc-clients]\nlisten = ["127.0.0.1:0"]\nlisten_tls = ["127.0.0.1:0"]\nadmin = ["one"]',
        `[http]\nlisten = ["127.0.0.1:0"]\nlisten_tls = ["127.0.0.1:${await freePort()}"]`,
      ],
    });
    const { pid, configFile, folder } = server;
    const running = server;
    const hangUp = async (answer: RegExp): Promise<string> => {
      const before = running.output().length;
      process.kill(pid, 'SIGHUP');
      await eventually(`${String(answer)} in ${running.output().slice(before)}`, () => answer.test(running.output().slice(before)));
      return running.output().slice(before);
    };
    const first = await certificateAt(server.port('web-tls'));
    const authority = await makeAuthority(join(folder, 'authority'));
    const { certificateFile, keyFile, fingerprint } = await authority.issue(['banyan.example']);
    await appendFile(configFile, `\n[tls]\ncertificate = "${certificateFile}"\nkey = "${keyFile}"\n\n[log]\nlevel = "debug"\n`);
    await hangUp(/log\.level: debug/);
    const second = await certificateAt(server.port('web-tls'));
    expect(second.fingerprint256).to.not.equal(first.fingerprint256);
    expect(second.fingerprint256.replaceAll(':', '').toLowerCase()).to.equal(fingerprint);

    const good = await readFile(configFile, 'utf8');
    await writeFile(configFile, `${good.replace('level = "debug"', 'level = "deafening"')}\n[nonsense]\n`);
    const said = await hangUp(/not reloaded/);
    expect(said).to.include('log.level: must be one of').and.include('nonsense: is not known here');
    const irc = await connectIrc({ port: server.port('irc'), nick: 'ann' });
    await writeFile(configFile, good.replace('admin = ["one"]', 'admin = ["two"]').replace('data = ', 'title = "New"\ndata = '));
    expect(await hangUp(/"reloaded"/)).to.match(
      /title: changed; waits for a restart.*plugins\.irc-clients: (?:has its new|stopped, and started)/,
    );
    irc.drop();

    const occupier = createServer().listen(0, '127.0.0.1');
    await once(occupier, 'listening');
    const { port } = occupier.address() as AddressInfo;
    await writeFile(
      configFile,
      good
        .replace('admin = ["one"]', `admin = ["two"]\nlisten = ["127.0.0.1:${port}"]`)
        .replace('listen = ["127.0.0.1:0"]\nlisten_tls = ["127.0.0.1:0"]\nadmin', 'admin'),
    );
    expect(await hangUp(/"reloaded"/)).to.include('plugins.irc-clients: goes on with its old settings');
    occupier.close();
    expect((await server.command(['room', 'list'])).code).to.equal(0);
  });

  it('shows its metrics to the addresses that may see them, also behind a proxy', async () => {
    server = await startBanyan({ tables: ['[http]\nlisten = ["127.0.0.1:0"]\nlisten_tls = []\ntrusted_proxies = ["127.0.0.1"]'] });
    const { page } = server;
    const get = async (forwarded?: string): Promise<Response> =>
      fetch(`${page}metrics`, forwarded === undefined ? {} : { headers: { 'x-forwarded-for': forwarded } });
    const metrics = await get();
    expect(metrics.status).to.equal(200);
    expect(await metrics.text()).to.match(/^# HELP banyan_users .*\n# TYPE banyan_users gauge\nbanyan_users\{kind="local"\} 0$/m);
    expect((await get('203.0.113.9')).status).to.equal(404);
    expect((await get('127.0.0.1, 203.0.113.9')).status).to.equal(404);
  });

  it('refuses a data folder or a ready file that cannot be one, in words, and leaves nothing half-started', async () => {
    server = await startBanyan();
    await server.halt();
    const { configFile } = server;
    const unready = await startProcess(process.execPath, [main, 'serve', '--config', configFile, '--ready-file', '/proc/nowhere/ready']);
    expect(await unready.ended()).to.equal(1);
    expect(unready.output()).to.include('/proc/nowhere/ready').and.not.include('All commands');
    expect(existsSync(join(server.dataFolder, 'control.sock'))).to.equal(false);
    const run = await startProcess(process.execPath, [main, 'serve', '--data', join(server.configFile, 'data')]);
    expect(await run.ended()).to.equal(1);
    expect(run.output()).to.match(/the data folder .* cannot be made or written \(ENOTDIR\); mend its permissions, or choose another/);
  });

  it('ends at SIGTERM with a goodbye to everybody and exit code 0', async () => {
    server = await startBanyan();
    const irc = await connectIrc({ port: server.port('irc'), nick: 'ann' });
    await irc.join('#lounge');
    const page = await connectNative(server.port('web'));
    expect(await server.halt()).to.equal(0);
    await irc.closed;
    expect(irc.lines.some(({ command }) => command === 'ERROR')).to.equal(true);
    expect((await page.closed).code).to.equal(1001);
    expect(existsSync(join(server.dataFolder, 'control.sock'))).to.equal(false);
  });

  it('ends at once at a second SIGTERM, and in bounded time without', async () => {
    server = await startBanyan();
    await server.halt();
    const plugin = join(server.folder, 'stubborn.mjs');
    await writeFile(
      plugin,
      `import { z } from '${join(compiled, '..', 'node_modules', 'zod', 'index.js')}';
       export default { name: 'stubborn', version: '1', config: z.object({}), enabledByDefault: false,
         start: async () => ({ stop: () => new Promise(() => {}), status: () => ({ summary: '', links: [] }) }) };\n`,
    );
    await appendFile(server.configFile, `\n[plugins.stubborn]\nmodule = "./stubborn.mjs"\n`);
    await server.start();
    expect(await server.halt(), 'a part that never stops is left behind').to.equal(0);
    await server.start();
    const { pid } = server;
    const running = server;
    process.kill(pid, 'SIGTERM');
    // What comes within a second is taken for the same wish, so ask until it is heard.
    await eventually('the second signal to be heard', () => {
      if (running.running()) process.kill(pid, 'SIGTERM');
      return !running.running();
    });
    expect(running.output()).to.include('ended at once, by a second signal');
  });
});
