/** Names and tags that pretend: two rooms that want to be one, and lines that bring their own proof. */
import { expect } from 'chai';
import { openServer, type KitServer, type Peer } from '../kit/index.ts';
import ircClients from '../../plugins/irc-clients/index.ts';
import { parseIrcLine } from '../support/irc-client.ts';

let server: KitServer;
beforeEach(async () => {
  server = await openServer();
  await server.start(ircClients, { listen: ['127.0.0.1:6667'], listen_tls: [] });
});
afterEach(() => server.stop());

async function client(nick: string): Promise<Peer> {
  const peer = server.connect('irc');
  peer.send('CAP REQ :server-time message-tags account-tag echo-message');
  for (const line of [`NICK ${nick}`, `USER ${nick} 0 * :${nick}`, 'CAP END', 'JOIN #lounge']) peer.send(line);
  await server.settle();
  await peer.take();
  return peer;
}

describe('A12 room merge: names of rooms', () => {
  it('that fold alike are one room; others stay two, and none is cut short to be another', async () => {
    const ann = await server.guest('ann');
    const join = async (name: string): Promise<string> => {
      const outcome = await server.core.rooms.join(ann.user, name);
      if (outcome.ok) return outcome.value.room.address;
      return outcome.refusal.code === 'already-a-member' ? server.core.rooms.byName(name)!.address : outcome.refusal.code;
    };
    const lounge = await join('lounge');
    for (const same of ['Lounge', 'LOUNGE', '\uff2counge']) expect(await join(same), same).to.equal(lounge);
    const different = ['lounge\u0301', 'lounge2', 'l\u043eunge', '#lounge', 'lounge%23', 'lo\\20unge'];
    const addresses = [];
    for (const name of different) addresses.push(await join(name));
    for (const [index, address] of addresses.entries()) expect(address, different[index]).to.not.equal(lounge);
    const made = addresses.filter((address) => address.includes('@'));
    expect(new Set(made).size).to.equal(made.length);
    const long = 'x'.repeat(1_000);
    for (const refused of ['lounge\0', 'lounge\r\n', 'loun ge', '', long, `lounge${'\u0301'.repeat(500)}`])
      expect(await join(refused), JSON.stringify(refused.slice(0, 20))).to.not.include('@');
  });

  it('of IRC clients lead to the room of that very name, and a list of them to each', async () => {
    const ann = await client('ann');
    ann.send('JOIN #Lounge,#lounge2,##lounge,#l\u043eunge');
    await server.settle();
    const joined = (await ann.takeLines()).map(parseIrcLine).filter(({ command }) => command === 'JOIN');
    expect(new Set(joined.map(({ params }) => params[0])).size).to.equal(joined.length);
    ann.send('PRIVMSG #lounge2 :only here');
    await server.settle();
    const history = await server.core.rooms.history(undefined, server.room('lounge'), { limit: 100, take: 'last' });
    expect(history.ok && history.value.some(({ content }) => content.kind === 'message')).to.equal(false);
  });
});

describe('A10 spoofed envelopes: an IRC client', () => {
  it('cannot bring the id, the time or the account of what it says, nor speak as another source', async () => {
    const ann = await client('ann');
    const bob = await client('bob');
    const claims = '@account=admin;msgid=made-up;time=1999-01-01T00:00:00.000Z;batch=1;label=2;+draft/reply=x';
    ann.send(`${claims} PRIVMSG #lounge :one`);
    ann.send(':bob!bob@chat.example PRIVMSG #lounge :two');
    ann.send(':chat.example PRIVMSG bob :three');
    await server.settle();
    const seen = (await bob.takeLines()).map(parseIrcLine).filter(({ command }) => command === 'PRIVMSG');
    expect(seen.length).to.be.above(0);
    for (const { tags, nick } of seen) {
      expect(nick).to.equal('ann');
      expect(tags.get('account')).to.not.equal('admin');
      expect(tags.get('msgid')).to.not.equal('made-up');
      expect(tags.get('time')).to.not.match(/^1999/);
      expect(tags.has('batch')).to.equal(false);
    }
  });
});
