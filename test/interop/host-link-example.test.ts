import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { startInspircd, type Inspircd } from '../support/inspircd.ts';
import { connectIrc } from '../support/irc-client.ts';
import { freePort } from '../support/ports.ts';
import { repository } from '../support/root.ts';
import { eventually } from '../support/wait.ts';

const readme = readFileSync(join(repository, 'README.md'), 'utf8');
const section = /^## Link it$([\s\S]*?)^## /m.exec(readme)![1]!;

describe('the link example of README.md', () => {
  let inspircd: Inspircd | undefined;
  let banyan: Banyan | undefined;
  afterEach(async () => {
    await banyan?.stop();
    await inspircd?.stop();
  });

  it('links a real InspIRCd, with nothing changed but addresses, fingerprint and files', async () => {
    const port = await freePort();
    const toml = /```toml\n([\s\S]*?)```/.exec(section)![1]!;
    const theirs = [...section.matchAll(/^ {4}(.*)$/gm)].map((match) => match[1]).join('\n');
    expect(theirs).to.include('<link name="banyan.example.org"');
    inspircd = await startInspircd({
      name: 'irc.example.net',
      peerName: 'somebody.else.example',
      extra: theirs
        .replace(/<module name="(?:spanningtree|ssl_gnutls)">\n/g, '')
        .replace(/<sslprofile .*>\n/, '')
        .replaceAll('sslprofile="Servers"', 'sslprofile="Links"')
        .replace('address=""', 'address="127.0.0.1"')
        .replaceAll('7001', String(port))
        .replaceAll('203.0.113.5', '127.0.0.1'),
    });
    banyan = await startBanyan({
      tables: [toml.replace('irc.example.net:7001', `127.0.0.1:${port}`).replace(/[0-9a-f]{64}/, inspircd.fingerprint)],
    });
    const running = banyan;
    await eventually(
      () => `the link to be up:\n${running.output().slice(-3_000)}`,
      async () => /^libre .* up /m.test((await running.command(['link', 'list'])).output),
      30_000,
    );
    expect((await banyan.command(['link', 'show', 'libre'])).output).to.match(/^tls +true$/m);
    const [here, there] = [
      await connectIrc({ port: banyan.port('irc'), nick: 'anna' }),
      await connectIrc({ port: inspircd.port, nick: 'bert' }),
    ];
    await there.join('#lounge');
    await here.join('#lounge');
    await eventually('anna over there', async () => (await there.names('#lounge')).some((name) => name.endsWith('anna')));
    here.send('PRIVMSG #lounge :hello over there');
    await there.expect(
      'the message',
      ({ command, nick, params }) => command === 'PRIVMSG' && nick === 'anna' && params[1] === 'hello over there',
    );
    await Promise.all([here.quit(), there.quit()]);
  }).timeout(60_000);
});
