/** `banyan link check`: a rehearsal against real servers, which notice nobody. */
import { expect } from 'chai';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { startInspircd } from '../support/inspircd.ts';
import { connectIrc } from '../support/irc-client.ts';
import { linkTable, ngircdNetwork } from '../support/irc-link-table.ts';
import { startNgircd } from '../support/ngircd.ts';
import { eventually } from '../support/wait.ts';

/** Does not dial again by itself while a test looks. */
const patient = 'retry_seconds = 600\nretry_at_most_seconds = 600';

async function downWith(
  label: string,
  start: () => Promise<Banyan>,
  halt: () => Promise<void>,
  again: () => Promise<void>,
): Promise<Banyan> {
  await halt();
  const banyan = await start();
  await eventually('the first try to fail', async () => /\bdown\b/.test((await banyan.command(['link', 'show', label])).output));
  await again();
  return banyan;
}

describe('banyan link check', function () {
  this.timeout(60_000);

  it('logs in to an ngIRCd, tells what will be lost, and leaves without a trace', async () => {
    const ngircd = await startNgircd();
    const banyan = await downWith(
      'ngnet',
      () => startBanyan({ tables: [`[plugins.irc-link]\n${patient}`, ngircdNetwork(ngircd)] }),
      () => ngircd.halt(),
      () => ngircd.start(),
    );
    const watcher = await connectIrc({ port: ngircd.port, nick: 'watcher' });
    try {
      await watcher.join('#lounge');
      watcher.send('OPER oper operpass');
      watcher.send('MODE watcher +s');
      await watcher.sync();
      const since = watcher.lines.length;
      const { code, output } = await banyan.command(['link', 'check', 'ngnet']);
      expect([code, output]).to.deep.include(0);
      expect(output).to.match(/^ok +ngircd\.example takes us as irc\.banyan\.example/m);
      expect(output).to.match(/^ok +it is ngIRCd \d+\.\S+, IRC\+ flags \S*H/m);
      expect(output).to.match(/^ok +nicks have at most 30 bytes there/m);
      expect(output).to.match(/^lost +who is typing/m);
      expect(output).to.not.match(/^wrong/m);
      watcher.send('LINKS');
      await watcher.expect('the servers', (line) => line.command === '365', { since });
      expect(watcher.lines.slice(since).some((line) => line.command === '364' && line.params.includes('irc.banyan.example'))).to.equal(
        false,
      );
      expect(ngircd.output())
        .to.include('announces itself as Banyan')
        .and.not.match(/Server "irc\.banyan\.example" registered/);
    } finally {
      watcher.drop();
      await banyan.stop();
      await ngircd.stop();
    }
  });

  it('logs in to an InspIRCd, and leaves without a trace', async () => {
    const inspircd = await startInspircd();
    const banyan = await downWith(
      'testnet',
      () => startBanyan({ tables: [linkTable(inspircd, { plugin: patient })] }),
      () => inspircd.halt(),
      () => inspircd.start(),
    );
    const watcher = await connectIrc({ port: inspircd.port, nick: 'watcher' });
    try {
      const { code, output } = await banyan.command(['link', 'check', 'testnet']);
      expect(code).to.equal(0);
      expect(output).to.match(/^ok +inspircd\.example takes us as irc\.banyan\.example/m);
      expect(output).to.match(/^ok +it is InspIRCd, protocol 1205/m);
      expect(output).to.match(/^ok +it has a mode for every setting of a room/m);
      const since = watcher.lines.length;
      watcher.send('LINKS');
      await watcher.expect('the servers', (line) => line.command === '365', { since });
      expect(watcher.lines.slice(since).some((line) => line.command === '364' && line.params.includes('irc.banyan.example'))).to.equal(
        false,
      );
    } finally {
      watcher.drop();
      await banyan.stop();
      await inspircd.stop();
    }
  });

  it('tells what keeps a link from working, with code 1', async () => {
    const ngircd = await startNgircd();
    const wrong = ngircdNetwork({ ...ngircd, passwordWanted: 'guess' });
    const waits = ngircdNetwork({ ...ngircd, name: 'other.example' }, { dial: false }).replace('label = "ngnet"', 'label = "waits"');
    const banyan = await startBanyan({ tables: [`[plugins.irc-link]\n${patient}`, wrong, waits] });
    try {
      const refused = await banyan.command(['link', 'check', 'ngnet']);
      expect(refused.code).to.equal(1);
      expect(refused.output)
        .to.match(/^wrong +the peer refused: Bad password/m)
        .and.include('would not work');
      const nowhere = await banyan.command(['link', 'check', 'waits']);
      expect(nowhere.output).to.match(/^wrong +other\.example has to dial us/m);
      expect((await banyan.command(['link', 'check', 'nosuch'])).output).to.include('there is no link "nosuch"');
    } finally {
      await banyan.stop();
      await ngircd.stop();
    }
  });

  it('tells the same of a link that stands, and leaves it alone', async () => {
    const ngircd = await startNgircd();
    const banyan = await startBanyan({ tables: ['[plugins.irc-link]', ngircdNetwork(ngircd)] });
    try {
      await eventually('the link', async () => /\bup\b/.test((await banyan.command(['link', 'list'])).output));
      const { code, output } = await banyan.command(['link', 'check', 'ngnet']);
      expect(code).to.equal(0);
      expect(output)
        .to.match(/^ok +it is linked now/m)
        .and.match(/^lost +who is typing/m);
      expect((await banyan.command(['link', 'list'])).output).to.match(/\bup\b/);
    } finally {
      await banyan.stop();
      await ngircd.stop();
    }
  });

  it('works by the configuration alone, when no server runs', async () => {
    const [inspircd, ngircd] = [await startInspircd(), await startNgircd()];
    const banyan = await startBanyan({ tables: [linkTable(inspircd, { plugin: patient }), ngircdNetwork(ngircd)] });
    const watcher = await connectIrc({ port: inspircd.port, nick: 'watcher' });
    try {
      await banyan.halt();
      for (const [label, name] of [
        ['testnet', 'inspircd.example'],
        ['ngnet', 'ngircd.example'],
      ] as const) {
        const { code, output } = await banyan.command(['link', 'check', label]);
        expect([code, output]).to.deep.include(0);
        expect(output).to.include(`${name} takes us as irc.banyan.example`);
        expect(output).to.match(/^ok +it has a mode for every setting of a room/m);
      }
      const since = watcher.lines.length;
      watcher.send('LINKS');
      await watcher.expect('the servers', (line) => line.command === '365', { since });
      expect(watcher.lines.slice(since).filter((line) => line.command === '364')).to.have.lengthOf(1);
      const unknown = await banyan.command(['link', 'check', 'nosuch']);
      expect(unknown.code).to.equal(1);
      expect(unknown.output).to.match(/no network in .*banyan\.toml has the label "nosuch"/);
    } finally {
      watcher.drop();
      await banyan.stop();
      await inspircd.stop();
      await ngircd.stop();
    }
  });

  it('says that the link is there already, to whoever tries it beside the server that has it', async () => {
    const [inspircd, ngircd] = [await startInspircd(), await startNgircd()];
    const banyan = await startBanyan({ tables: [linkTable(inspircd), ngircdNetwork(ngircd)] });
    const beside = join(banyan.folder, 'beside.toml');
    try {
      await eventually('both links', async () => ((await banyan.command(['link', 'list'])).output.match(/\bup\b/g) ?? []).length === 2);
      const text = await readFile(banyan.configFile, 'utf8');
      await writeFile(beside, text.replace(banyan.dataFolder, join(banyan.folder, 'other')));
      for (const label of ['testnet', 'ngnet']) {
        const { code, output } = await banyan.command(['link', 'check', label, '--config', beside]);
        expect(code).to.equal(1);
        expect(output).to.match(/^wrong +irc\.banyan\.example is connected there already/m);
      }
      const { output } = await banyan.command(['link', 'list']);
      expect(output.match(/\bup\b/g), output).to.have.lengthOf(2);
    } finally {
      await banyan.stop();
      await inspircd.stop();
      await ngircd.stop();
    }
  });
});
