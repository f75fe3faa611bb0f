import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseConfig } from '../../../server/config/load.ts';
import { checkConfig } from '../../../server/host/check.ts';
import { configSchema } from '../../../plugins/xmpp/config.ts';
import { makeAuthority } from '../../support/certificates.ts';
import { removeFolder, repository, temporaryFolder } from '../../support/root.ts';

const file = join(repository, 'plugins', 'xmpp', 'README.md');
const text = readFileSync(file, 'utf8');
const examples = [...text.matchAll(/^```toml\n(.*?)^```$/gms)].map((match) => match[1]!);

describe('the README of the xmpp plugin', () => {
  let folder: string;
  before(async () => {
    // The certificate that the examples name.
    folder = await temporaryFolder('readme');
    const authority = await makeAuthority(join(folder, 'certs'));
    const { certificateFile, keyFile } = await authority.selfSigned(['chat.example.org', '*.chat.example.org']);
    await copyFile(certificateFile, join(folder, 'certs', 'fullchain.pem'));
    await copyFile(keyFile, join(folder, 'certs', 'privkey.pem'));
  });
  after(() => removeFolder(folder));

  it('has examples', () => {
    expect(examples).to.have.length.greaterThan(2);
  });
  for (const [index, example] of examples.entries()) {
    it(`has an example ${index + 1} that is a configuration`, async () => {
      const { selected, warnings } = await checkConfig(parseConfig(join(folder, 'banyan.toml'), example));
      expect(warnings).to.deep.equal([]);
      expect(selected.map(({ plugin }) => plugin.name)).to.include('xmpp');
    });
  }
  it('lists every option with its default', () => {
    const table = new Map(
      [...text.matchAll(/^\| `(\w+)` +\| (.*?) +\|/gm)].map((match) => [match[1]!, match[2]!.replaceAll('`', '')] as const),
    );
    for (const [key, fallback] of Object.entries(configSchema.parse({})))
      expect(table.get(key), key).to.equal(key === 'peers' ? 'none' : JSON.stringify(fallback));
  });
});
