/** The configurations in the README are valid. */
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ircLink from '../../../plugins/irc-link/index.ts';
import { parseConfig } from '../../../server/config/load.ts';
import { checkConfig } from '../../../server/host/check.ts';
import { repository } from '../../support/root.ts';

const text = readFileSync(join(repository, 'plugins/irc-link/README.md'), 'utf8');
const blocks = [...text.matchAll(/^```toml\n([\s\S]*?)^```/gm)].map((match) => match[1]!);

describe('plugins/irc-link/README.md', () => {
  it('has configurations for both directions, without TLS, and for ngIRCd', () => {
    expect(blocks.length).to.equal(4);
  });
  for (const [index, block] of blocks.entries())
    it(`configuration ${index + 1} is valid`, async () => {
      const { selected } = await checkConfig(parseConfig('README.md', block));
      expect(selected.map(({ plugin }) => plugin.name)).to.include('irc-link');
    });

  it('names every option', () => {
    const tables = text.slice(text.indexOf('## Options'), text.indexOf('## What crosses'));
    const { networks, ...rest } = ircLink.config.parse({
      networks: [
        {
          label: 'a',
          server_name: 'a.example',
          server_id: '9BN',
          peer_name: 'b.example',
          password_send: 'x',
          password_receive: 'y',
          rooms: ['lounge'],
        },
      ],
    });
    for (const key of [...Object.keys(rest), ...Object.keys(networks[0]!)]) expect(tables, key).to.include(`\`${key}\``);
  });
});
