import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, copyFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConfigError, describeMistake, parseConfig } from '../../../server/config/load.ts';
import { checkConfig } from '../../../server/host/check.ts';
import { makeAuthority } from '../../support/certificates.ts';
import { removeFolder, repository, temporaryFolder } from '../../support/root.ts';
import { startProcess } from '../../support/process.ts';
import { testNet } from '../net/support.ts';

/** Every document of the repository, by its path. */
function documents(folder = ''): readonly string[] {
  return readdirSync(join(repository, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return /^(?:node_modules|dist.*|data|\.git|\.cache)$/.test(entry.name) ? [] : documents(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

const texts = documents().map((file) => ({ file, text: readFileSync(join(repository, file), 'utf8') }));

/** Mistakes and warnings about a configuration. */
async function complaints(file: string, toml: string): Promise<readonly string[]> {
  try {
    return (await checkConfig(parseConfig(file, toml))).warnings.map(describeMistake);
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes.map(describeMistake);
    throw error;
  }
}

describe('the documents', () => {
  it('are found', () => {
    expect(texts.map(({ file }) => file)).to.include.members(['README.md', 'docs/hosting.md', 'certs/README.md', 'plugins/xmpp/README.md']);
  });

  it('link to files that exist', () => {
    const broken = texts.flatMap(({ file, text }) =>
      [...text.replace(/```[\s\S]*?```|`[^`\n]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)]
        .map((match) => match[1]!)
        .filter((target) => !/^(?:[a-z]+:|#)/.test(target))
        .filter((target) => !existsSync(join(repository, dirname(file), target.split('#')[0]!)))
        .map((target) => `${file}: ${target}`),
    );
    expect(broken).to.deep.equal([]);
  });

  it('show configurations that the server takes, each as it stands', async () => {
    const folder = await temporaryFolder('documents');
    try {
      const authority = await makeAuthority(join(folder, 'authority'));
      const { certificateFile, keyFile } = await authority.issue(['chat.example.org', '*.chat.example.org']);
      await mkdir(join(folder, 'certs'));
      await copyFile(certificateFile, join(folder, 'certs', 'fullchain.pem'));
      await copyFile(keyFile, join(folder, 'certs', 'privkey.pem'));
      const blocks = texts.flatMap(({ file, text }) =>
        [...text.matchAll(/^ *```toml\n([\s\S]*?)^ *```/gm)].map((match) => ({ file, toml: match[1]!.replace(/^ {4}/gm, '') })),
      );
      expect(blocks).to.have.length.above(5);
      for (const { file, toml } of blocks) {
        const said = await complaints(join(folder, `${file.replaceAll('/', '-')}.toml`), toml);
        // A plugin that the reader writes, or gets from elsewhere, cannot be there.
        const plugin = /^\[plugins\.[^\]]+\]\nmodule = "[^"]+"/m.test(toml);
        expect(
          plugin ? said.filter((one) => !/ is not installed here; run: |: there is no file /.test(one)) : said,
          `${file}:\n${toml}`,
        ).to.deep.equal([]);
      }
    } finally {
      await removeFolder(folder);
    }
  });
});

describe('certs/fingerprint.mjs', () => {
  const print = (...args: readonly string[]): { readonly status: number | null; readonly stdout: string } =>
    spawnSync(process.execPath, [join(repository, 'certs', 'fingerprint.mjs'), ...args], { encoding: 'utf8' });

  it('prints what a link wants, of a file and of a server, and an error for anything else', async () => {
    const folder = await temporaryFolder('fingerprint');
    const test = await testNet();
    try {
      const authority = await makeAuthority(folder);
      const { certificateFile, keyFile, fingerprint } = await authority.issue(['irc.example.net']);
      expect(print(certificateFile)).to.include({ status: 0, stdout: `${fingerprint}\n` });
      expect(fingerprint).to.match(/^[0-9a-f]{64}$/);
      const listener = await test.listen({ tls: {} });
      const run = await startProcess(process.execPath, [join(repository, 'certs', 'fingerprint.mjs'), `127.0.0.1:${listener.port}`]);
      expect(await run.ended()).to.equal(0);
      expect(run.output()).to.equal(`${test.tls.certificate.fingerprint256.replaceAll(':', '').toLowerCase()}\n`);
      for (const wrong of [keyFile, join(folder, 'gone.pem'), '127.0.0.1:1', ''])
        expect(print(wrong), wrong).to.include({ status: 1, stdout: '' });
    } finally {
      await test.stop();
      await removeFolder(folder);
    }
  });
});
