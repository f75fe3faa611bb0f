import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../../support/root.ts';

const page = readFileSync(join(repository, 'docs', 'security.md'), 'utf8');
const classes = Array.from({ length: 24 }, (_, index) => `A${index + 1}`);

interface Row {
  readonly name: string;
  readonly happens: string;
  readonly tests: readonly { readonly file: string; readonly title: string }[];
}

const rows = [...page.matchAll(/^\| (A\d+) \| [^|]+ \| ([^|]+) \| ([^|]+) \|$/gm)].map(([, name = '', happens = '', tests = '']): Row => ({
  name,
  happens,
  tests: [...tests.matchAll(/`([^`]+)` "([^"]+)"/g)].map(([, file = '', title = '']) => ({ file, title })),
}));

/** What describe and it are given, as it stands in the source. */
function titles(file: string): readonly string[] {
  const source = readFileSync(join(repository, 'test', file), 'utf8');
  return [...source.matchAll(/\b(?:describe|it)\(\s*(['"`])((?:(?!\1)[^\\]|\\.)*)\1/g)].map((match) => match[2]!);
}

describe('docs/security.md', () => {
  it('has every class once, in order, each with a test or with a word that there is no such feature', () => {
    expect(rows.map(({ name }) => name)).to.deep.equal(classes);
    for (const { name, happens, tests } of rows)
      expect(tests.length > 0 || happens.toLowerCase().includes('no such feature'), `${name} has no test`).to.equal(true);
  });

  it('names tests that exist, by titles that begin with the class', () => {
    for (const { name, tests } of rows)
      for (const { file, title } of tests) {
        expect(title, file).to.match(new RegExp(`^${name} `));
        expect(
          titles(file).some((one) => one.startsWith(title)),
          `${file}: ${title}`,
        ).to.equal(true);
      }
  });
});
