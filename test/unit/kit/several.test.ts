/** Several attachments of one room at once: what comes by one goes to all others, once. */
import { expect } from 'chai';
import parley from '../../../templates/bridge/src/index.ts';
import { adapterFor } from '../../../templates/bridge/test/parley-side.ts';
import { openServer, type Attachment, type KitServer, type Person } from '../../kit/index.ts';
import { describeSight } from '../../kit/contract/scene.ts';
import { ircLink, xmppFederation } from './adapters.ts';

describe('kit: an IRC network, an XMPP server and a Parley server in one room', () => {
  let server: KitServer;
  let anna: Person;
  /** By the nick of the one person who is there. */
  let sides: Record<'ines' | 'xena' | 'paul', Attachment>;
  const worlds = ['ines', 'xena', 'paul'] as const;

  beforeEach(async () => {
    server = await openServer();
    anna = await server.guest('anna', 'lounge');
    sides = { ines: await ircLink.open(server), xena: await xmppFederation.open(server), paul: await adapterFor(parley).open(server) };
    for (const nick of worlds) {
      await sides[nick].joins(nick);
      await server.settle();
    }
    await seen();
  });
  afterEach(async () => {
    expect(server.log.atLeast('error')).to.deep.equal([]);
    await server.stop();
  });

  /** What each of the four was shown since the last call. */
  async function seen(): Promise<Record<string, string[]>> {
    await server.settle();
    const shown: Record<string, string[]> = { anna: anna.take().map((line) => line.replace(/^lounge /, '')) };
    for (const nick of worlds)
      shown[nick] = sides[nick]
        .saw(nick)
        .filter(({ kind }) => kind !== 'other')
        .map(describeSight);
    return shown;
  }
  const sorted = (nicks: readonly string[]): string[] => nicks.toSorted((a, b) => (a < b ? -1 : 1));

  it('all have one list of members', () => {
    const all = ['anna', 'ines', 'paul', 'xena'];
    expect(server.nicks('lounge')).to.deep.equal(all);
    for (const nick of worlds) expect(sorted(sides[nick].members(nick)), nick).to.deep.equal(all);
  });

  it('each hears the others once, and XMPP itself as well', async () => {
    for (const nick of worlds) {
      await sides[nick].says(nick, `I am ${nick}`);
      const line = `<${nick}> I am ${nick}`;
      const expected = Object.fromEntries(['anna', ...worlds].map((other) => [other, other === nick && nick !== 'xena' ? [] : [line]]));
      expect(await seen()).to.deep.equal(expected);
    }
  });

  it('people of two of them write to each other, and nobody else sees it', async () => {
    await sides.paul.tells('paul', 'ines', 'psst');
    await sides.ines.tells('ines', 'paul', 'what?');
    expect(await seen()).to.deep.equal({ anna: [], xena: [], ines: ['private <paul> psst'], paul: ['private <ines> what?'] });
  });

  it('a kick by one of them takes somebody of another out for all', async () => {
    await sides.ines.kicks('ines', 'paul');
    const shown = await seen();
    expect(shown.paul).to.deep.equal(['kick paul by ines']);
    expect(shown.xena).to.deep.equal(['kick paul by ines']);
    expect(shown.anna).to.deep.equal(['kick paul by ines: out']);
    expect(shown.ines).to.deep.equal([]);
    for (const nick of ['ines', 'xena'] as const) expect(sorted(sides[nick].members(nick))).to.deep.equal(['anna', 'ines', 'xena']);
  });

  it('the loss of one is seen by the others, and its return', async () => {
    await sides.paul.breaks();
    let shown = await seen();
    expect(shown.ines).to.deep.equal(['leave paul']);
    expect(shown.xena).to.deep.equal(['<lounge> parley is cut off, with 1 person (read ECONNRESET)', 'leave paul']);
    await sides.ines.says('ines', 'meanwhile');
    await seen();
    await sides.paul.returns(['paul']);
    shown = await seen();
    expect(shown.ines).to.deep.equal(['join paul']);
    expect(shown.xena).to.deep.equal(['join paul', '<lounge> parley is linked, with 1 person']);
    expect(shown.paul!.filter((line) => line.startsWith('<'))).to.deep.equal(['<ines> meanwhile']);
    expect(sorted(sides.paul.members('paul'))).to.deep.equal(['anna', 'ines', 'paul', 'xena']);
  });
});
