import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeComplaint } from '../../../server/cli/node-version.ts';
import { serveControl, askServer, controlPath, NoServerError } from '../../../server/cli/control.ts';
import { startProcess } from '../../support/process.ts';
import { compiled, removeFolder, repository, temporaryFolder } from '../../support/root.ts';
import { stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { once } from 'node:events';

const main = join(compiled, 'server', 'main.js');

async function banyan(...args: readonly string[]): Promise<{ readonly code: number | string; readonly output: string }> {
  const run = await startProcess(process.execPath, [main, ...args]);
  return { code: await run.ended(), output: run.output() };
}

describe('the command banyan', () => {
  it('wants the Node.js that package.json names', () => {
    const { engines } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { engines: { node: string } };
    expect(nodeComplaint('18.20.4')).to.include('this is Node.js 18.20.4').and.include(engines.node.replace('>=', ''));
    expect(nodeComplaint('20.18.9')).to.be.a('string');
    for (const version of ['20.19.0', '22.1.0', process.versions.node]) expect(nodeComplaint(version)).to.equal(undefined);
  });

  it('has help on everything, and a word for mistakes', async () => {
    const help = await banyan('--help');
    expect(help.code).to.equal(0);
    for (const command of ['serve', 'check', 'account', 'room', 'link', 'version']) expect(help.output).to.include(`\n  ${command}`);
    const add = await banyan('account', 'add', '--help');
    expect(add.code).to.equal(0);
    expect(add.output)
      .to.include('--password-stdin')
      .and.include('--admin')
      .and.include('--config <file>')
      .and.not.match(/--password[ =<]/);
    const wrong = await banyan('acount');
    expect(wrong.code).to.equal(1);
    expect(wrong.output).to.include('Did you mean account?');
    expect((await banyan('room', 'show')).output).to.include("missing required argument 'name'");
    expect((await banyan('version')).output).to.match(/^\d+\.\d+\.\d+\n$/);
  }).timeout(60_000);

  it('checks a file: says "no mistakes", or all of them with code 1', async () => {
    const folder = await temporaryFolder('cli');
    try {
      expect(await banyan('check', join(repository, 'config.example.toml'))).to.deep.equal({
        code: 0,
        output: `${join(repository, 'config.example.toml')}: no mistakes\n`,
      });
      const file = join(folder, 'banyan.toml');
      await writeFile(file, 'titel = "x"\n[plugins.web]\norigin = []\n');
      const { code, output } = await banyan('check', file);
      expect(code).to.equal(1);
      expect(output.trimEnd().split('\n')).to.deep.equal([
        `${file}:1: titel: is not known here; did you mean title?`,
        `${file}:3: plugins.web.origin: is not known here; did you mean origins?`,
      ]);
      expect((await banyan('serve', '--config', file)).output, 'serve says the same').to.include(output);
    } finally {
      await removeFolder(folder);
    }
  }).timeout(60_000);
});

describe('the local socket', () => {
  let folder: string;
  beforeEach(async () => (folder = await temporaryFolder('control')));
  afterEach(() => removeFolder(folder));

  it('is for its owner only, takes the place of one that was left behind, and answers errors as such', async () => {
    await writeFile(controlPath(folder), '');
    const server = await serveControl(folder, (request) =>
      request.command === 'status' ? Promise.resolve({ fine: true }) : Promise.reject(new Error('on purpose')),
    );
    expect((await stat(controlPath(folder))).mode & 0o777).to.equal(0o600);
    expect(await askServer(folder, { command: 'status' })).to.deep.equal({ fine: true });
    const failed: unknown = await askServer(folder, { command: 'room-list' }).catch((error: unknown) => error);
    expect((failed as Error).message).to.equal('on purpose');
    for (const nonsense of ['what?\n', `"${'x'.repeat(70_000)}`]) {
      const socket = connect(controlPath(folder));
      socket.on('error', () => undefined);
      socket.resume().write(nonsense);
      await once(socket, 'close');
    }
    expect(await askServer(folder, { command: 'status' }), 'nonsense hurts nobody').to.deep.equal({ fine: true });
    server.close();
  });

  it('says when nobody is there, or the folder is too deep', async () => {
    const failed: unknown = await askServer(folder, { command: 'status' }).catch((error: unknown) => error);
    expect(failed).to.be.instanceOf(NoServerError);
    const deep = join(folder, 'x'.repeat(120));
    const refused: unknown = await serveControl(deep, () => Promise.resolve()).catch((error: unknown) => error);
    expect((refused as Error).message).to.include('too long for a socket');
  });
});
