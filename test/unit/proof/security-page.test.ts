import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
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

/** A title begins with another at the end of a word: "A1" is not the class of "A10 ...". */
function begins(whole: string, beginning: string): boolean {
  return whole.startsWith(beginning) && !/^\w/.test(whole.slice(beginning.length));
}

function testFiles(): readonly string[] {
  return readdirSync(join(repository, 'test'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts'));
}

/** Tests that no class stands above; what stands above is told by the indentation, which the formatter sees to. */
function withoutClass(file: string): readonly string[] {
  const source = readFileSync(join(repository, 'test', file), 'utf8');
  const above: { readonly indent: number; readonly title: string }[] = [];
  const found: string[] = [];
  for (const [, indent = '', kind = '', , title = ''] of source.matchAll(/^( *)(describe|it)\(\s*(['"`])((?:(?!\3)[^\\]|\\.)*)\3/gm)) {
    while (above.length > 0 && above.at(-1)!.indent >= indent.length) above.pop();
    if (kind === 'describe') above.push({ indent: indent.length, title });
    else if (![title, ...above.map((one) => one.title)].some((one) => /^A\d+ /.test(one))) found.push(title);
  }
  return found;
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
        expect(title, file).to.match(new RegExp(`^${name}(?: |$)`));
        expect(
          titles(file).some((one) => begins(one, title)),
          `${file}: ${title}`,
        ).to.equal(true);
      }
  });

  it('forgets no test whose title begins with a class', () => {
    const named = rows.flatMap(({ tests }) => tests);
    const forgotten = testFiles().flatMap((file) =>
      titles(file)
        .filter((one) => /^A\d+ /.test(one) && !named.some((test) => test.file === file && begins(one, test.title)))
        .map((one) => `${file}: ${one}`),
    );
    expect(forgotten).to.deep.equal([]);
  });

  it('knows the class of every test of test/security and test/soak: its title begins with it, or that of what it stands in', () => {
    const files = testFiles().filter((file) => /^(?:security|soak)\//.test(file));
    expect(files).to.have.length.above(20);
    expect(files.flatMap((file) => withoutClass(file).map((one) => `${file}: ${one}`))).to.deep.equal([]);
  });
});
