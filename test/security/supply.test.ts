import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../support/root.ts';

/** All source files of the product, with their text. */
function product(): readonly (readonly [file: string, text: string])[] {
  const files: [string, string][] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(repository, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else if (/\.tsx?$/.test(entry.name)) files.push([path, readFileSync(join(repository, path), 'utf8')]);
    }
  };
  for (const folder of ['server', 'storage', 'plugins']) walk(folder);
  return files;
}

describe('A22 supply', () => {
  interface Locked {
    readonly version?: string;
    readonly integrity?: string;
    readonly resolved?: string;
    readonly link?: boolean;
  }
  const text = readFileSync(join(repository, 'package-lock.json'), 'utf8');
  const { packages } = JSON.parse(text) as { packages: Readonly<Record<string, Locked>> };

  it('every package of the lock file has a strong checksum, and no host to take it from', () => {
    const entries = Object.entries(packages).filter(([path]) => path !== '');
    expect(entries).to.have.length.above(50);
    for (const [path, { integrity, resolved, link }] of entries) {
      expect(integrity, path).to.match(/^sha512-[A-Za-z0-9+/]{86}==$/);
      expect(resolved, path).to.equal(undefined);
      expect(link, path).to.equal(undefined);
    }
    expect(text).to.not.match(
      /"resolved"|git\+|https?:\/\/(?!(?:opencollective\.com|github\.com\/sponsors|paulmillr\.com|[^"]*fund)[^"]*")[^"]*\.tgz/,
    );
  });

  it('every package is pinned exactly, and few may run scripts at installation', () => {
    const manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
      devDependencies: Record<string, string>;
      allowScripts: Record<string, boolean>;
    };
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect(version, name).to.match(/^\d+\.\d+\.\d+$/);
      expect(packages[`node_modules/${name}`]?.version, name).to.equal(version);
    }
    const scripts = Object.keys(manifest.allowScripts).filter((name) => manifest.allowScripts[name]);
    expect(scripts.toSorted()).to.deep.equal(['better-sqlite3', 'esbuild']);
  });
});

describe('A17 random and timing', () => {
  it('nothing that anybody must not guess comes from Math.random', () => {
    // The page spreads its reconnects by it, which is no secret; elsewhere nothing is random but by node:crypto.
    const guessable = product().filter(([file, text]) => /\bMath\.random\b/.test(text) && !file.startsWith('plugins/web/page/'));
    expect(guessable.map(([file]) => file)).to.deep.equal([]);
  });

  it('secrets are compared in constant time', () => {
    // A digest, signature or password on either side of === leaks by time how much of it was right.
    const secret = /\b\w*(?:password|secret|digest|signature|proof|token|storedKey|serverKey|config\.key)(?![A-Za-z]*\.)\b/i;
    const comparison = new RegExp(`${secret.source} [!=]== (?!undefined|null|true|false|''|\\d)\\S+`, 'gi');
    const found = product().flatMap(([file, text]) =>
      file.startsWith('plugins/web/page/') ? [] : [...text.matchAll(comparison)].map(([match]) => `${file}: ${match}`),
    );
    expect(found).to.deep.equal([]);
    for (const user of ['server/directory/scram.ts', 'plugins/xmpp/stream/dialback.ts', 'plugins/irc-link/link/handshaking.ts']) {
      const [, text] = product().find(([file]) => file === user)!;
      expect(text, user).to.include('timingSafeEqual(');
    }
  });
});

describe('A14 requests to addresses that a stranger chose', () => {
  it('are not made: nothing in the server fetches a URL', () => {
    // Dialling is host.net.dial, for links and federation only. Whoever adds a fetch adds the tests of A14 with it.
    const fetching = product().filter(
      ([file, text]) =>
        !file.startsWith('plugins/web/page/') &&
        /(?<![.\w#]|async )fetch\(|from 'node:https?'.*\b(?:get|request)\b|\bhttps?\.(?:get|request)\(|\bundici\b/.test(text),
    );
    expect(fetching.map(([file]) => file)).to.deep.equal([]);
  });
});
