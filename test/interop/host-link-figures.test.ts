/** What the host is shown of a link by the commands of a running server: figures and the wire. */
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTranscript } from '../kit/index.ts';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { scriptedLink } from '../support/irc-link-table.ts';
import { startProcess } from '../support/process.ts';
import { compiled } from '../support/root.ts';
import { scriptedServer, uid, uidLine, unixNow } from '../support/scripted-irc-server.ts';
import { eventually } from '../support/wait.ts';

const main = join(compiled, 'server', 'main.js');

describe('a link, seen by the host', () => {
  let server: Banyan;
  before(async () => {
    server = await startBanyan({ tables: [scriptedLink('scripted')] });
  });
  after(() => server.stop());

  it('has the same figures in link show and in the metrics, and is traced to a file while the command runs', async () => {
    const file = join(server.folder, 'trace.txt');
    const args = ['link', 'trace', 'scripted', '--seconds', '600', '--file', file, '--config', server.configFile];
    const tracing = await startProcess(process.execPath, [main, ...args]);
    await eventually('the trace to begin', () => tracing.output().startsWith('tracing scripted'), 30_000);
    const traced = (): string => readFileSync(file, 'utf8');
    const peer = await scriptedServer({ port: server.port('irc-link') });
    await peer.link(uidLine('0AA', 1, 'anna'), `:0AA FJOIN #lounge ${unixNow()} + :,${uid('0AA', 1)}:1`);
    await eventually('the handshake', () => traced().includes('SERVER scripted.example'));
    peer.send(`:${uid('0AA', 1)} PRIVMSG #lounge :over the wire`, ':0AA FJOIN');
    await peer.sync();
    await eventually('the message', () => traced().includes('over the wire'));
    expect(traced()).to.not.include('linkpassword');
    tracing.signal('SIGINT');
    await tracing.ended();
    expect(parseTranscript(traced()).length).to.be.above(5);

    const shown = (await server.command(['link', 'show', 'scripted'])).output;
    const figure = (name: string): number => Number(new RegExp(`^${name} +(\\d+)$`, 'm').exec(shown)?.[1]);
    expect(figure('in')).to.be.above(5);
    expect(figure('dropped')).to.be.above(0);
    const metrics = await (await fetch(`${server.page}metrics`)).text();
    const metric = (name: string): number => Number(new RegExp(`^banyan_link_${name}\\{[^}]*\\} (\\d+)$`, 'm').exec(metrics)?.[1]);
    expect(metric('up')).to.equal(1);
    expect(metric('in_total')).to.be.at.least(figure('in'));
    expect(metric('dropped_total')).to.equal(figure('dropped'));
    expect((await server.command(['link', 'trace', 'nowhere'])).output).to.include('there is no link "nowhere"; see: banyan link list');
    peer.drop();
  });
});
