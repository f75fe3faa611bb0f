/** Two Banyans whose people enter each other's rooms over XMPP, and who have made copies of each other's rooms. */
import { expect } from 'chai';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { connectIrc, type IrcClient } from '../support/irc-client.ts';
import { freePort } from '../support/ports.ts';

describe('two Banyans', function () {
  this.timeout(60_000);
  let east: Banyan;
  let west: Banyan;
  let anna: IrcClient;
  let bob: IrcClient;

  before(async () => {
    const ports = { 'east.example': await freePort(), 'west.example': await freePort() };
    const start = (domain: keyof typeof ports, other: keyof typeof ports): Promise<Banyan> =>
      startBanyan({
        domain,
        tables: [
          `[[rooms]]\nname = "lounge"\n[[rooms]]\nname = "hall"\nhome = "xmpp:hall@rooms.${other}"`,
          `[plugins.xmpp]\nlisten = ["127.0.0.1:${ports[domain]}"]\nlisten_tls = []\nrequire_tls = false`,
          ...['', 'rooms.', 'users.'].map(
            (below) => `[[plugins.xmpp.peers]]\ndomain = "${below}${other}"\nhost = "127.0.0.1"\nport = ${ports[other]}`,
          ),
        ],
      });
    [east, west] = await Promise.all([start('east.example', 'west.example'), start('west.example', 'east.example')]);
    anna = await connectIrc({ port: east.port('irc'), nick: 'anna' });
    bob = await connectIrc({ port: west.port('irc'), nick: 'bob' });
  });
  after(async () => {
    await Promise.all([anna?.quit(), bob?.quit()]);
    await Promise.all([east?.stop(), west?.stop()]);
  });

  it('let their people talk in a room of one of them', async () => {
    const room = '#lounge@rooms.west.example';
    await bob.join('#lounge');
    bob.send('PRIVMSG #lounge :before you came');
    await bob.sync();
    await anna.join(room);
    await bob.expect('anna', (line) => line.command === 'JOIN' && line.nick === 'anna');
    await anna.expect('the history', (line) => line.params[0] === room && line.params[1] === 'before you came');
    for (let count = 0; count < 20; count++) {
      anna.send(`PRIVMSG ${room} :east ${count}`);
      bob.send(`PRIVMSG #lounge :west ${count}`);
    }
    await bob.expect('the last of anna', (line) => line.params[1] === 'east 19');
    await anna.expect('the last of bob', (line) => line.params[1] === 'west 19');
    const heard = (client: IrcClient, side: string): string[] =>
      client.lines.flatMap((line) => (line.command === 'PRIVMSG' && line.params[1]!.startsWith(side) ? [line.params[1]!] : []));
    expect(heard(bob, 'east')).to.deep.equal(Array.from({ length: 20 }, (_, count) => `east ${count}`));
    expect(heard(anna, 'west')).to.deep.equal(Array.from({ length: 20 }, (_, count) => `west ${count}`));
    bob.send('PRIVMSG anna :psst');
    await anna.expect('it', (line) => line.params[0] === 'anna' && line.params[1] === 'psst');
    anna.send('PRIVMSG bob :what?');
    await bob.expect('it', (line) => line.nick === 'anna' && line.params[0] === 'bob' && line.params[1] === 'what?');
    anna.send(`PART ${room}`);
    await bob.expect('that anna left', (line) => (line.command === 'PART' || line.command === 'QUIT') && line.nick === 'anna');
  });

  it('A18 loops: do not feed copies of each other to each other: such a room has no home, and nobody comes in', async () => {
    for (const client of [anna, bob]) {
      const since = client.lines.length;
      client.send('JOIN #hall');
      const refused = await client.expect('a refusal', (line) => line.command === '403' || line.command === 'JOIN', {
        since,
        within: 20_000,
      });
      expect(refused.command).to.equal('403');
    }
  });
});
