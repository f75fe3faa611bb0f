import { expect } from 'chai';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, describeMistake, loadConfig, parseConfig } from '../../../server/config/load.ts';
import { lineOf } from '../../../server/config/lines.ts';
import { checkConfig } from '../../../server/host/check.ts';
import { makeAuthority } from '../../support/certificates.ts';
import { removeFolder, temporaryFolder } from '../../support/root.ts';

/** What is said about a text, one mistake a line. */
async function complaints(text: string, file = '/etc/banyan.toml'): Promise<readonly string[]> {
  try {
    await checkConfig(parseConfig(file, text));
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.mistakes.map(describeMistake);
  }
}

describe('the configuration', () => {
  it('tells every mistake in one go, with file, line, key and remedy', async () => {
    const said = await complaints(
      [
        'domain = "no domain"',
        'titel = "x"',
        '[limits]',
        'rooms = "many"',
        'strangers = 0',
        '[log]',
        'level = "loud"',
        '[plugins.irc-clients]',
        'listen = ["127.0.0.1:99999"]',
        'ping_intervall = 3',
        '[plugins.ircclients]',
        '[plugins.xmpp]',
        'require_tls = "yes"',
        '[[plugins.xmpp.peers]]',
        'host = "a"',
      ].join('\n'),
    );
    const at = (line: number): string => said.filter((one) => one.startsWith(`/etc/banyan.toml:${line}: `)).join('\n');
    expect(at(1)).to.include('domain: ');
    expect(at(2)).to.include('titel: is not known here; did you mean title?');
    expect(at(4)).to.include('limits.rooms: must be a number, and is a text in quotes');
    expect(at(5)).to.match(/limits\.strangers: must be more than 0/);
    expect(at(7)).to.include('log.level: must be one of "trace", "debug", "info"');
    expect(at(9)).to.include('plugins.irc-clients.listen[1]: has a port above 65535');
    expect(at(10)).to.include('did you mean ping_interval?');
    expect(at(11)).to.include('did you mean irc-clients?');
    expect(at(13)).to.include('plugins.xmpp.require_tls: must be true or false, and is a text in quotes');
    expect(at(14)).to.include('plugins.xmpp.peers[1].domain: is missing; it must be a text in quotes');
    expect(said).to.have.length(10);
  });

  it('says once what is wrong with an address, and which room there is twice', async () => {
    expect(await complaints('[http]\nlisten = ["127.0.0.1"]')).to.have.length(1);
    const rooms = await complaints('[[rooms]]\nname = "a b"\n[[rooms]]\nname = "c d"');
    expect(rooms.join('\n')).to.include('blank').and.not.include('same room');
    expect(await complaints('[[rooms]]\nname = "lounge"\n[[rooms]]\nname = "Lounge"')).to.deep.equal([
      '/etc/banyan.toml:4: rooms[2].name: is the same room as rooms[1]',
    ]);
  });

  it('finds rooms and networks of a link that are wrong or there twice, each at its line', async () => {
    const network = (label: string, rooms: string): string =>
      [
        '[[plugins.irc-link.networks]]',
        `label = "${label}"`,
        'server_name = "banyan.example"',
        'server_id = "9BN"',
        'peer_name = "irc.example"',
        'password_send = "a"',
        'password_receive = "b"',
        `rooms = ${rooms}`,
      ].join('\n');
    const at = (line: number, message: string): string => `/etc/banyan.toml:${line}: plugins.irc-link.networks${message}`;
    expect(await complaints(network('one', '["a", "A", "b c", "c d", { room = "e", channel = "#a" }]'))).to.have.members([
      at(8, '[1].rooms[2]: has the same room as another: a'),
      at(8, '[1].rooms[2]: has the same channel as another: #a'),
      at(8, '[1].rooms[3]: a name must not contain a blank'),
      at(8, '[1].rooms[4]: a name must not contain a blank'),
      at(8, '[1].rooms[5]: has the same channel as another: #a'),
    ]);
    expect(await complaints(network('one', '["a", 5, ""]'))).to.have.length(1);
    const wrong = network('one', '["a"]').replace('"9BN"', '"9bn"').replace('password_send = "a"', 'password_send = ":"');
    expect((await complaints(wrong)).map((one) => one.split(': ')[1])).to.deep.equal(
      ['server_id', 'password_send'].map((key) => `plugins.irc-link.networks[1].${key}`),
    );
    expect(await complaints(network('one', '["a"]').replace('server_id = "9BN"', 'dialect = "other"'))).to.have.length(1);
    expect(await complaints(`${network('one', '["a"]')}\n${network('one', '["b"]')}`)).to.deep.equal([
      at(9, '[2]: has the same label as another: one'),
      at(9, '[2]: has the same peer_name as another: irc.example'),
    ]);
  });

  it('says where a text is no TOML, and when a file cannot be read', () => {
    expect(() => parseConfig('a.toml', 'domain = "x"\ntitle =\n')).to.throw(ConfigError, /^a\.toml:2: is not TOML/);
    expect(() => loadConfig('/nowhere/a.toml')).to.throw(ConfigError, '/nowhere/a.toml: cannot be read (ENOENT); check the path');
  });

  it('refuses two listeners on one address, and warns of open unencrypted ones', async () => {
    expect(await complaints('[http]\nlisten = ["127.0.0.1:6667"]')).to.have.length(1);
    expect(await complaints('[http]\nlisten = ["127.0.0.1:0"]\n[plugins.irc-clients]\nlisten = ["127.0.0.1:0"]')).to.deep.equal([]);
    const { warnings } = await checkConfig(parseConfig('a.toml', '[http]\nlisten = ["0.0.0.0:8080"]'));
    expect(warnings.map(describeMistake)).to.have.length(1);
    expect(warnings[0]!.message).to.include('without encryption');
  });

  it('names a plugin that cannot be loaded, by the key module and from the folder of the file', async () => {
    const folder = await temporaryFolder('config');
    try {
      const file = join(folder, 'banyan.toml');
      await mkdir(join(folder, 'own'));
      await writeFile(join(folder, 'own', 'package.json'), '{"type":"module"}');
      await writeFile(join(folder, 'own', 'empty.js'), 'export default {};\n');
      await writeFile(join(folder, 'own', 'broken.js'), 'throw new Error("on purpose");\n');
      const said = await complaints(
        [
          '[plugins.a]\nmodule = "./own/nothing.js"',
          '[plugins.b]\nmodule = "./own/empty.js"',
          '[plugins.c]\nmodule = "./own/broken.js"',
          '[plugins.d]\nmodule = "no-such-package"',
        ].join('\n'),
        file,
      );
      expect(said).to.have.length(4);
      expect(said[0]).to.include(`${file}:2: plugins.a.module: there is no file ${join(folder, 'own', 'nothing.js')}`);
      expect(said[1]).to.include('no default export with name, config and start');
      expect(said[2]).to.include('on purpose');
      expect(said[3]).to.include('npm install no-such-package');
    } finally {
      await removeFolder(folder);
    }
  });

  it('looks into the certificate: files, whether they belong together, names, end', async () => {
    const folder = await temporaryFolder('config');
    try {
      const authority = await makeAuthority(folder);
      const good = await authority.issue(['chat.example']);
      const other = await authority.issue(['other.example'], { days: 3 });
      const tls = (certificate: string, key: string): string =>
        `domain = "chat.example"\n[tls]\ncertificate = "${certificate}"\nkey = "${key}"\n`;
      expect(await complaints(tls('gone.crt', good.keyFile), join(folder, 'a.toml'))).to.satisfy(
        ([one, more]: readonly string[]) => one!.includes(`${join(folder, 'gone.crt')} cannot be read (ENOENT)`) && more === undefined,
      );
      const mixed = await complaints(tls(good.certificateFile, other.keyFile));
      expect(mixed).to.have.length(1);
      expect(mixed[0]).to.match(/:3: tls\.certificate: .*do not belong together/);
      expect(await complaints('[tls]\ncertificate = "a"')).to.satisfy(([one]: readonly string[]) => one!.includes('belong together'));
      const { warnings } = await checkConfig(parseConfig('/a.toml', tls(other.certificateFile, other.keyFile)));
      expect(warnings.map(({ message }) => message).join('\n')).to.match(/expires on .* in [23] days[\s\S]*does not name chat\.example/);
      const federated = await checkConfig(parseConfig('/a.toml', tls(good.certificateFile, good.keyFile)));
      expect(federated.warnings.map(({ message }) => message).join('\n')).to.include(
        'does not name rooms.chat.example and users.chat.example',
      );
      const alone = `${tls(good.certificateFile, good.keyFile)}[plugins.xmpp]\nenabled = false\n`;
      expect((await checkConfig(parseConfig('/a.toml', alone))).warnings).to.deep.equal([]);
    } finally {
      await removeFolder(folder);
    }
  });

  it('tells mistakes of all tables in one go: what is wrong in one hides nothing in another', async () => {
    const text = [
      'domain = "no domain"',
      'colour = "green"',
      '[tls]',
      'certificate = "gone.crt"',
      'key = "gone.key"',
      'authorities = "gone.pem"',
      '[http]',
      'listen = ["127.0.0.1:6667"]',
      '[limits]',
      'rooms = -1',
      '[plugins.irc-clients]',
      'listen = ["127.0.0.1:6667"]',
      'listen_tls = 3',
      '[plugins.xmpp]',
      'listen = ["127.0.0.1:6667"]',
    ].join('\n');
    const said = await complaints(text, '/nowhere/banyan.toml');
    const wanted = [
      /:1: domain: /,
      /:2: colour: is not known here/,
      /:4: tls\.certificate: .*\/nowhere\/gone\.crt cannot be read/,
      /:5: tls\.key: .*\/nowhere\/gone\.key cannot be read/,
      /:6: tls\.authorities: .*\/nowhere\/gone\.pem cannot be read/,
      /:10: limits\.rooms: /,
      /:13: plugins\.irc-clients\.listen_tls: /,
      /:15: plugins\.xmpp\.listen: "127\.0\.0\.1:6667" is taken by http\.listen/,
    ];
    expect(said, said.join('\n')).to.have.length(wanted.length);
    for (const [index, pattern] of wanted.entries()) expect(said[index]).to.match(pattern);
  });

  it('looks into files of authorities that stand alone', async () => {
    expect(await complaints('[tls]\nauthorities = "gone.pem"', '/nowhere/a.toml')).to.satisfy(
      ([one, more]: readonly string[]) => one!.includes('/nowhere/gone.pem cannot be read') && more === undefined,
    );
  });

  it('finds the line of keys in tables, lists of tables and below them', () => {
    const text = '[[a.b]]\nx = 1\n[[a.b]]\nx = 2\n[a.b.c]\ny = 3\n[[a.b.d]]\nz = 4\n"quo ted" = 5';
    expect(lineOf(text, ['a', 'b', 0, 'x'])).to.equal(2);
    expect(lineOf(text, ['a', 'b', 1, 'x'])).to.equal(4);
    expect(lineOf(text, ['a', 'b', 1, 'c', 'y'])).to.equal(6);
    expect(lineOf(text, ['a', 'b', 1, 'd', 0, 'z'])).to.equal(8);
    expect(lineOf(text, ['a', 'b', 1, 'd', 0, 'quo ted'])).to.equal(9);
    expect(lineOf(text, ['a', 'b', 1, 'missing'])).to.equal(3);
  });
});
