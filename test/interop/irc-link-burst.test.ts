/** A whole network comes and goes at once: a scripted peer with 5,000 people. */
import { expect } from 'chai';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { connectIrc, type IrcClient } from '../support/irc-client.ts';
import { scriptedLink } from '../support/irc-link-table.ts';
import { nativeGuest, type NativeClient } from '../support/native-client.ts';
import { scriptedServer, uid, uidLine, unixNow, type ScriptedServer } from '../support/scripted-irc-server.ts';
import { eventually } from '../support/wait.ts';

const people = 5_000;
/** Come into a room as one change. */
const atOnce = 500;
const channel = '#lounge';

describe('a burst of 5,000 people over a link', function () {
  this.timeout(60_000);
  let banyan: Banyan;
  let irc: IrcClient;
  let web: NativeClient;
  let peer: ScriptedServer;

  before(async () => {
    banyan = await startBanyan({ tables: [scriptedLink('big', ['lounge', 'second'])] });
    irc = await connectIrc({ port: banyan.port('irc'), nick: 'anna', capabilities: ['batch'] });
    await irc.join(channel);
    web = await nativeGuest(banyan.port('web'), 'wanda', 'lounge');
  });
  after(async () => {
    peer?.drop();
    irc?.drop();
    web?.drop();
    await banyan.stop();
  });

  /** Asks again and again, and has to be answered, until something is so. */
  async function answeredUntil(what: string, done: () => boolean): Promise<void> {
    const check = async (): Promise<boolean> => {
      await irc.sync();
      return done();
    };
    await eventually(what, check, 30_000);
  }
  const batches = (kind: string): number =>
    irc.lines.filter((line) => line.command === 'BATCH' && line.params[0]!.startsWith('+') && line.params[1] === kind).length;

  it('is a few events for everybody, and others are answered between them', async () => {
    peer = await scriptedServer({ port: banyan.port('irc-link') });
    await peer.handshake();
    const ts = unixNow();
    peer.send(`:0AA BURST ${ts}`);
    for (let n = 0; n < people; n++) peer.send(uidLine('0AA', n, `p${n}`));
    for (let n = 0; n < people; n += 20) {
      const members = Array.from({ length: 20 }, (_, i) => `,${uid('0AA', n + i)}:${n + i}`).join(' ');
      peer.send(`:0AA FJOIN ${channel} ${ts} +nt :${members}`);
    }
    await irc.sync();
    peer.send(':0AA ENDBURST');
    const joins = (): number => irc.lines.filter((line) => line.command === 'JOIN' && line.nick.startsWith('p')).length;
    expect(joins(), 'nobody is shown before the burst is over').to.equal(0);
    await answeredUntil('all to be seen', () => joins() === people);
    expect(batches('netjoin')).to.equal(people / atOnce);
    const many = (item: Readonly<Record<string, unknown>>): boolean =>
      item['kind'] === 'joined' && (item['members'] as unknown[]).length > 1;
    const joined = (): number[] => web.items.filter(many).map((item) => (item['members'] as unknown[]).length);
    await eventually('the page to be told of all', () => joined().length === people / atOnce, 30_000);
    expect(joined()).to.deep.equal(Array.from({ length: people / atOnce }, () => atOnce));
    expect(peer.lines.filter((line) => line.command === 'FJOIN' && line.params[0] === channel).length).to.equal(1);
  });

  it('is gone as one event', async () => {
    peer.drop();
    const quits = (): number => irc.lines.filter((line) => line.command === 'QUIT').length;
    await answeredUntil('all to be gone', () => quits() === people);
    expect(batches('netsplit')).to.equal(1);
    expect(await irc.names(channel)).to.have.members(['anna', 'wanda']);
  });
});
