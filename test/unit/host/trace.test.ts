import { expect } from 'chai';
import { Trace } from '../../../server/host/trace.ts';
import type { Connection } from '../../../server/contract/net.ts';
import { openServer, parseTranscript, VirtualClock, type KitServer } from '../../kit/index.ts';
import { ircLink, xmppFederation } from '../kit/adapters.ts';
import { VirtualNet } from '../../kit/net/net.ts';
import { captureLog } from '../../kit/log.ts';
import type { AcceptedConnection } from '../../../server/contract/net.ts';

const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** A connection of the server, and what its peer says over it. */
async function connected(): Promise<{ readonly near: Connection; readonly far: Connection; readonly clock: VirtualClock }> {
  const clock = new VirtualClock();
  const net = new VirtualNet(clock, captureLog().logger, { names: [] });
  let near: AcceptedConnection | undefined;
  await net.listen({ name: 'x', address: '127.0.0.1:7' }, (connection) => {
    near = connection;
    connection.handle({ onData: () => undefined, onClose: () => undefined });
  });
  const far = net.connect('x');
  far.handle({ onData: () => undefined, onClose: () => undefined });
  await settled();
  return { near: near!, far, clock };
}

describe('a wire trace', () => {
  it('masks secrets, also those that come in pieces, and writes what a transcript is', async () => {
    const { near, far, clock } = await connected();
    let text = '';
    let over = '';
    const trace = new Trace(
      clock,
      { wire: () => ({ connection: near, secrets: { password: 'se cret' } }), observe: () => () => undefined },
      { text: (piece) => (text += piece), ended: (reason) => (over = reason) },
    );
    for (const piece of ['PASS se', ' cr', 'et\r\nPASS se cre', 'am\r\n', 'half se c']) {
      far.write(piece);
      await settled();
    }
    near.write('PASS se cret\r\n');
    trace.stop('enough');
    expect(over).to.equal('enough');
    expect(text).to.not.include('se cret');
    const entries = parseTranscript(text);
    const said = (kind: 'in' | 'out'): string =>
      entries
        .flatMap((entry) => (entry.kind === kind ? entry.pieces : []))
        .map((piece) => (piece.kind === 'place' ? `{${piece.name}}` : piece.bytes.toString()))
        .join('');
    expect(said('in')).to.equal('PASS {password}\r\nPASS se cream\r\nhalf ');
    expect(said('out')).to.equal('PASS {password}\r\n');
    near.write('after\r\n');
    expect('tap' in near && near.tap).to.equal(undefined);
  });

  it('ends with the connection, and says why it was closed', async () => {
    const { near, clock } = await connected();
    let text = '';
    let over = '';
    void new Trace(
      clock,
      { wire: () => ({ connection: near, secrets: {} }), observe: () => () => undefined },
      { text: (piece) => (text += piece), ended: (reason) => (over = reason) },
    );
    near.destroy('no more');
    expect(over).to.equal('the connection was closed');
    expect(parseTranscript(text).at(-1)).to.include({ kind: 'event', text: 'closed no more' });
  });
});

describe('a wire trace of a link', () => {
  let server: KitServer;
  beforeEach(async () => (server = await openServer()));
  afterEach(() => server.stop());

  it('into an IRC network shows what crosses while it stands, and from the handshake on when it is down', async () => {
    const link = await ircLink.open(server);
    const record = (): { text: string; over: string; trace: Trace } => {
      const recorded = { text: '', over: '' };
      const trace = link.plugin.trace('testnet', {
        text: (piece) => void (recorded.text += piece),
        ended: (reason) => void (recorded.over = reason),
      });
      return Object.assign(recorded, { trace });
    };
    const standing = record();
    await link.joins('anna');
    await link.says('anna', 'hello');
    await server.settle();
    expect(standing.text).to.match(/ < :\S+ PRIVMSG #lounge :hello\\r\\n\n/);
    await link.breaks();
    expect(standing.over).to.equal('the connection was closed');
    const next = record();
    await link.returns(['anna']);
    await server.advance(1_000);
    expect(next.text)
      .to.match(/ < CAPAB START 1205/)
      .and.include('SERVER scripted.example \\{password_');
    expect(next.text).to.not.include('linkpassword');
    next.trace.stop('enough');
    expect(() => link.plugin.trace('nowhere', { text: () => undefined, ended: () => undefined })).to.throw('does not offer');
  });

  it('of a stream with another XMPP server, either way', async () => {
    const link = await xmppFederation.open(server);
    const bob = await server.guest('bob', 'lounge');
    await link.joins('anna');
    await server.settle();
    const names = link.plugin.status().links.map(({ name }) => name);
    expect(names.toSorted((a, b) => (a < b ? -1 : 1))).to.include.members(['< far.example', 'rooms.chat.example > far.example']);
    let inward = '';
    let outward = '';
    link.plugin.trace('< far.example', { text: (piece) => (inward += piece), ended: () => undefined });
    link.plugin.trace('rooms.chat.example > far.example', { text: (piece) => (outward += piece), ended: () => undefined });
    await link.says('anna', 'from there');
    await bob.say('lounge', 'from here');
    await server.settle();
    expect(inward).to.match(/ < <message.*from there/);
    expect(outward).to.match(/ > .*<message.*from here/);
  });
});
