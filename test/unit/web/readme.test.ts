/** The README of the plugin says what is so. */
import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import web from '../../../plugins/web/index.ts';
import { protocolDocument } from '../../../plugins/web/protocol-document.ts';
import { clientFrames, serverFrames } from '../../../plugins/web/protocol.ts';
import { repository } from '../../support/root.ts';

describe('the README of the page', () => {
  let text: string;
  before(async () => {
    text = await readFile(join(repository, 'plugins', 'web', 'README.md'), 'utf8');
  });

  it('has a row for every option, with its default', () => {
    for (const [key, value] of Object.entries(web.config.parse({})))
      expect(text, key).to.match(new RegExp(`\\| \`${key}\` +\\| \`${JSON.stringify(value).replaceAll(/[[\]]/g, '\\$&')}\` +\\|`));
  });

  it('names every frame, and has the bot of the protocol document', () => {
    for (const schema of [...clientFrames, ...serverFrames]) {
      const type = schema.shape.type.value;
      if (type !== 'ping') expect(text, type).to.include(`\`${type}\``);
    }
    const bot = (markdown: string): string | undefined => /```js\n([\s\S]*?)```/.exec(markdown)?.[1];
    expect(bot(text)).to.equal(bot(protocolDocument()));
  });
});
