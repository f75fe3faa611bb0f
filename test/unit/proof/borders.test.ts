import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeFolder, repository, temporaryFolder } from '../../support/root.ts';

/** What scripts/check-borders.mjs says about a repository with these files. */
async function complaintsAbout(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const folder = await temporaryFolder('borders');
  try {
    for (const [path, text] of Object.entries({ 'package.json': '{"dependencies":{"zod":"1"}}', ...files })) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const run = spawnSync(process.execPath, [join(repository, 'scripts', 'check-borders.mjs'), folder], { encoding: 'utf8' });
    const complaints = run.stderr.split('\n').filter((line) => line !== '');
    expect(run.status).to.equal(complaints.length === 0 ? 0 : 1);
    return complaints;
  } finally {
    await removeFolder(folder);
  }
}

describe('the borders of the source', () => {
  it('let through what the architecture allows', async () => {
    expect(
      await complaintsAbout({
        'plugins/web/index.ts': `import { z } from 'zod';\nimport type { Host } from '../../server/plugin.ts';\nimport './session.ts';\n`,
        'plugins/web/build.mjs': `import { build } from 'esbuild';\n`,
        'plugins/irc-link/index.ts': `import { parse } from '../irc/line.ts';\nimport { createHash } from 'node:crypto';\n`,
        'server/core.ts': `import { openLog } from './log/logbook.ts';\nimport type { Storage } from './storage.ts';\n`,
        'storage/sqlite/index.ts': `import type { Storage } from '../../server/storage.ts';\nimport type { Position } from '../../server/model/event.ts';\n`,
        'test/unit/x.test.ts': `import { expect } from 'chai';\nimport { a } from '../../plugins/web/index.ts';\n`,
      }),
    ).to.deep.equal([]);
  });

  const refused: readonly (readonly [string, string, string, RegExp])[] = [
    ['a plugin that looks into the server', 'plugins/web/a.ts', `import { x } from '../../server/core.ts';`, /server\/plugin\.ts/],
    ['a plugin that uses another', 'plugins/web/a.ts', `import { x } from '../xmpp/jid.ts';`, /own folder/],
    ['a plugin for something else that uses the IRC library', 'plugins/xmpp/a.ts', `export { x } from '../irc/line.ts';`, /own folder/],
    ['a plugin that opens sockets', 'plugins/web/a.ts', `import { connect } from 'node:net';`, /host\.net/],
    ['the server that knows a plugin', 'server/host/a.ts', `import web from '../../plugins/web/index.ts';`, /loaded by name/],
    ['the server that knows a test', 'server/a.ts', `const x = await import('../test/a.ts');`, /no test/],
    ['a model that knows the core', 'server/model/a.ts', `import type { Core } from '../core.ts';`, /only itself/],
    ['a storage that knows the core', 'storage/sqlite/a.ts', `import type { Core } from '../../server/core.ts';`, /server\/storage\.ts/],
    ['a product that needs a development package', 'server/a.ts', `import { expect } from 'chai';`, /"dependencies"/],
    ['the kit that needs a development package', 'test/kit/a.ts', `import { expect } from 'chai';`, /"dependencies"/],
    ['the kit that uses what is not published', 'test/kit/a.ts', `import { x } from '../support/wait.ts';`, /is published/],
    [
      'a template that looks into the server',
      'templates/bridge/src/a.ts',
      `import { x } from '../../../server/plugin.ts';`,
      /banyan\/plugin/,
    ],
    ['a page that wants Node', 'plugins/web/page/a.ts', `import { join } from 'node:path';`, /browser/],
    ['a file outside', 'test/a.ts', `import x from '../../elsewhere/x.ts';`, /stands alone/],
    ['guessable randomness', 'server/a.ts', `const token = Math.random();`, /node:crypto/],
    ['a test alone', 'test/a.test.ts', ['describe.on', `ly('x', () => {});`].join(''), /\.only/],
    ['a test that is left out', 'test/a.test.ts', ['it.sk', `ip('x', () => {});`].join(''), /repair it/],
    ['silenced lint', 'server/a.ts', ['// ox', 'lint-disable-next-line'].join(''), /instead of silencing/],
  ];
  for (const [what, file, text, remedy] of refused) {
    it(`refuse ${what}, with the remedy`, async () => {
      const complaints = await complaintsAbout({ [file]: `${text}\n` });
      expect(complaints).to.have.length(1);
      expect(complaints[0]).to.match(remedy).and.include(`${file}:1:`);
    });
  }
});
