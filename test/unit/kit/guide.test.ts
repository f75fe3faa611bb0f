/** The guide cannot rot: its code is that of the template, its examples are read by what they are examples for. */
import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { configSchema } from '../../../templates/bridge/src/config.ts';
import { parseTranscript } from '../../kit/index.ts';
import { repository } from '../../support/root.ts';

const template = join(repository, 'templates/bridge');
const guide = readFileSync(join(repository, 'docs/plugins.md'), 'utf8');

function blocks(language: string, text = guide): { readonly file: string; readonly code: string }[] {
  const found = text.matchAll(new RegExp(`^\`\`\`${language} ?(.*)\\n([^]*?)^\`\`\`$`, 'gm'));
  return [...found].map(([, file, code]) => ({ file: file!, code: code! }));
}

describe('docs/plugins.md', () => {
  it('shows code of the template, word for word', () => {
    const shown = blocks('ts');
    expect(shown.length).to.be.greaterThan(8);
    for (const { file, code } of shown) {
      const source = readFileSync(join(file.startsWith('templates/') ? repository : template, file), 'utf8');
      for (const part of code.split('\n\n// …\n\n'))
        expect(source, `${file} has changed; the guide shows:\n${part}`).to.contain(part.trimEnd());
    }
    const files = readdirSync(join(template, 'src')).map((name) => `src/${name}`);
    expect(shown.map(({ file }) => file)).to.include.members(files);
  });

  it('names files and chapters that are there', () => {
    for (const [, file] of guide.matchAll(/`((?:server|plugins)\/[\w./-]+)`/g))
      expect(existsSync(join(repository, file!)), file).to.equal(true);
    const chapters = [...guide.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
      title!
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );
    for (const [, chapter] of guide.matchAll(/\]\(#([^)]+)\)/g)) expect(chapters).to.include(chapter);
  });

  it('has a configuration and a transcript that are valid', () => {
    const [table] = blocks('toml');
    expect(readFileSync(join(template, 'README.md'), 'utf8'), 'the README has the same').to.contain(table!.code);
    const { plugins } = parse(table!.code) as { plugins: { parley: Record<string, unknown> } };
    const { module, ...own } = plugins.parley;
    expect(module).to.equal('banyan-parley');
    expect(configSchema.parse(own).rooms).to.deep.equal(['lounge']);
    const transcript = guide.slice(guide.indexOf('    banyan transcript 1'), guide.indexOf('- The first line names the format'));
    expect(parseTranscript(transcript.replaceAll(/^ {4}/gm, '').trim())).to.have.lengthOf(4);
  });

  it('tells of every option in the README of the template', () => {
    const readme = readFileSync(join(template, 'README.md'), 'utf8');
    for (const option of Object.keys(configSchema.shape)) expect(readme).to.match(new RegExp(`^\\| \`${option}\` `, 'm'));
  });
});
