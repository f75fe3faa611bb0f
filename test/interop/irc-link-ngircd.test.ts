/** Banyan as a server of a real ngIRCd network. */
import { expect } from 'chai';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { cuttableWay, type CuttableWay } from '../support/cuttable.ts';
import { startInspircd } from '../support/inspircd.ts';
import { connectIrc, type IrcClient, type IrcLine } from '../support/irc-client.ts';
import { linkTable, ngircdNetwork, plainNames as plain } from '../support/irc-link-table.ts';
import { startNgircd, type Ngircd } from '../support/ngircd.ts';
import { nativeGuest } from '../support/native-client.ts';
import { freePort } from '../support/ports.ts';
import { eventually, quiet } from '../support/wait.ts';

const channel = '#lounge';
const isUp = async (banyan: Banyan): Promise<boolean> => /\bup\b/.test((await banyan.command(['link', 'list'])).output);

describe('a link into a real ngIRCd network', function () {
  this.timeout(60_000);
  let ngircd: Ngircd;
  let way: CuttableWay;
  let banyan: Banyan;
  let clients: IrcClient[] = [];
  let anna: IrcClient;
  let bert: IrcClient;
  let chief: IrcClient;

  before(async () => {
    // Both ngIRCds have the same two passwords, the other way round.
    ngircd = await startNgircd({
      extra: '[Server]\n\tName = leaf.example\n\tMyPassword = ngircd-says-this\n\tPeerPassword = ngircd-wants-this\n\tPassive = yes',
    });
    way = await cuttableWay(ngircd.port);
    banyan = await startBanyan({
      tables: ['[plugins.irc-link]\nretry_seconds = 0.5\nretry_at_most_seconds = 1', ngircdNetwork({ ...ngircd, port: way.port })],
    });
    await banyan.account('chief', 'chief-password', { administrator: true });
  });
  after(async () => {
    await banyan?.stop();
    await way?.stop();
    await ngircd?.stop();
  });
  beforeEach(async () => {
    chief = await connectIrc({ port: banyan.port('irc'), nick: 'chief', account: { name: 'chief', password: 'chief-password' } });
    clients.push(chief);
    await chief.sync();
    if (!chief.lines.some((line) => line.command === 'JOIN' && line.nick === 'chief')) await chief.join(channel);
    anna = await here('anna');
    bert = await there('bert');
    await both('anna', 'bert', 'chief');
  });
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.quit()));
    clients = [];
  });

  async function connect(port: number, nick: string): Promise<IrcClient> {
    const client = await connectIrc({ port, nick });
    clients.push(client);
    await client.join(channel);
    return client;
  }
  const here = (nick: string): Promise<IrcClient> => connect(banyan.port('irc'), nick);
  const there = (nick: string, port = ngircd.port): Promise<IrcClient> => connect(port, nick);
  async function both(...names: readonly string[]): Promise<void> {
    let lists: string[][] = [];
    await eventually(
      () => `both to list ${names.join(' ')}; listed are ${lists.map((list) => list.join(' ')).join(' and ')}`,
      async () => {
        lists = [plain(await anna.names(channel)), plain(await bert.names(channel))];
        return lists.every((list) => list.join(' ') === names.join(' '));
      },
      20_000,
    );
  }
  const texts = (client: IrcClient, command: string, nick: string): string[] =>
    client.lines.filter((line) => line.command === command && line.nick === nick).map((line) => line.params.at(-1) ?? '');
  const is =
    (command: string, nick: string, ...params: readonly string[]) =>
    (line: IrcLine): boolean =>
      line.command === command && line.nick === nick && params.every((param) => line.params.includes(param));
  async function bertIsOperator(): Promise<void> {
    chief.send(`MODE ${channel} +o bert`);
    await bert.expect('+o', is('MODE', 'chief', '+o', 'bert'));
  }

  it('carries messages, actions and notices both ways, once', async () => {
    anna.send(`PRIVMSG ${channel} :hello bert`);
    anna.send(`PRIVMSG ${channel} :\u0001ACTION waves\u0001`);
    anna.send(`NOTICE ${channel} :note`);
    bert.send(`PRIVMSG ${channel} :hello änna`);
    bert.send(`PRIVMSG ${channel} :\u0001ACTION bows\u0001`);
    await bert.expect('the notice', is('NOTICE', 'anna', 'note'));
    await anna.expect('the action', is('PRIVMSG', 'bert', '\u0001ACTION bows\u0001'));
    await quiet(() => anna.lines.length + bert.lines.length);
    expect(texts(bert, 'PRIVMSG', 'anna')).to.deep.equal(['hello bert', '\u0001ACTION waves\u0001']);
    expect(texts(anna, 'PRIVMSG', 'bert')).to.deep.equal(['hello änna', '\u0001ACTION bows\u0001']);
  });

  it('carries private messages, CTCP and invitations both ways', async () => {
    anna.send('PRIVMSG bert :psst');
    await bert.expect('it', is('PRIVMSG', 'anna', 'bert', 'psst'));
    bert.send('PRIVMSG anna :what?');
    await anna.expect('it', is('PRIVMSG', 'bert', 'anna', 'what?'));
    bert.send('PRIVMSG anna :\u0001PING 42\u0001');
    await anna.expect('CTCP', is('PRIVMSG', 'bert', '\u0001PING 42\u0001'));
    anna.send('NOTICE bert :\u0001PING 42\u0001');
    await bert.expect('the answer', is('NOTICE', 'anna', '\u0001PING 42\u0001'));
    bert.send('PRIVMSG banyan :hello');
    await bert.expect('our service', (line) => line.command === 'NOTICE' && line.nick === 'banyan' && line.params[1]!.includes(channel));
    const eve = await connectIrc({ port: ngircd.port, nick: 'eve' });
    clients.push(eve);
    eve.send('PRIVMSG anna :hello');
    await anna.expect('eve', is('PRIVMSG', 'eve'));
    chief.send(`INVITE eve ${channel}`);
    await eve.expect('the INVITE', is('INVITE', 'chief', 'eve', channel));
    await bertIsOperator();
    const carl = await connectIrc({ port: banyan.port('irc'), nick: 'carl' });
    clients.push(carl);
    carl.send('PRIVMSG bert :here I am');
    await bert.expect('carl', is('PRIVMSG', 'carl'));
    bert.send(`INVITE carl ${channel}`);
    await carl.expect('the INVITE', is('INVITE', 'bert', 'carl', channel));
  });

  it('carries nick changes, and gives a free nick to who has a taken one', async () => {
    anna.send('NICK annette');
    await bert.expect('the NICK', is('NICK', 'anna', 'annette'));
    bert.send('NICK bertram');
    await anna.expect('the NICK', is('NICK', 'bert', 'bertram'));
    const zoe = await there('zoe');
    const same = await nativeGuest(banyan.port('web'), 'zoe', 'lounge');
    await zoe.expect('the other zoe', (line) => line.command === 'JOIN' && /^zoe./.test(line.nick));
    await same.must({ type: 'say', room: 'lounge', text: 'I am the other' });
    const heard = await zoe.expect('it', (line) => line.params[1] === 'I am the other');
    expect(heard.nick).to.match(/^zoe\|/);
    expect(zoe.nick).to.equal('zoe');
    await same.stop();
  });

  it('carries away, and answers a WHOIS of either side', async () => {
    const whois = async (asker: IrcClient, nick: string): Promise<Map<string, string>> => {
      const since = asker.lines.length;
      asker.send(`WHOIS ${nick} ${nick}`);
      await asker.expect('the end', (line) => line.command === '318', { since });
      return new Map(asker.lines.slice(since).map((line) => [line.command, line.params.slice(2).join(' ')]));
    };
    chief.send('AWAY :thinking');
    await eventually('the away', async () => (await whois(bert, 'chief')).get('301') === 'thinking');
    const chiefThere = await whois(bert, 'chief');
    expect(chiefThere.get('312')).to.match(/^irc\.banyan\.example /);
    expect(chiefThere.get('330')).to.match(/^chief /);
    expect(chiefThere.get('317')).to.match(/^\d+ \d+/);
    expect(chiefThere.get('319')).to.include(channel);
    bert.send('WHOIS chief');
    await bert.expect('the account as ngIRCd knows it', (line) => line.command === '330' && line.params[2] === 'chief');
    bert.send('AWAY :lunch');
    // The text of an away message stays on its server.
    await eventually('the away', async () => (await whois(anna, 'bert')).get('301') === 'Away');
    chief.send('AWAY');
    bert.send('AWAY');
    await eventually('nobody to be away', async () => !(await whois(bert, 'chief')).has('301') && !(await whois(anna, 'bert')).has('301'));
  });

  it('carries topics both ways', async () => {
    await bertIsOperator();
    bert.send(`TOPIC ${channel} :from there`);
    await anna.expect('the TOPIC', is('TOPIC', 'bert', 'from there'));
    chief.send(`TOPIC ${channel} :from here`);
    await bert.expect('the TOPIC', is('TOPIC', 'chief', 'from here'));
  });

  it('carries operator status, voice, kicks and bans both ways', async () => {
    await eventually('chief to be an operator there', async () => (await bert.names(channel)).includes('@chief'));
    await bertIsOperator();
    chief.send(`KICK ${channel} bert :out`);
    await bert.expect('the KICK', is('KICK', 'chief', 'bert', 'out'));
    await anna.expect('the KICK', is('KICK', 'chief', 'bert'));
    chief.send(`MODE ${channel} +b bert!*@*`);
    const eve = await there('eve');
    await eventually('the ban there', async () => {
      eve.send(`MODE ${channel} b`);
      return (await eve.sync()).some((line) => line.command === '367' && line.params[2] === 'bert!*@*');
    });
    bert.send(`JOIN ${channel}`);
    await bert.expect('474', (line) => line.command === '474');
    chief.send(`MODE ${channel} -b bert!*@*`);
    await eventually('the ban to be lifted', async () => {
      bert.send(`JOIN ${channel}`);
      return (await bert.sync()).some((line) => line.command === 'JOIN');
    });
    const since = bert.lines.length;
    chief.send(`MODE ${channel} +o bert`);
    await bert.expect('+o', is('MODE', 'chief', '+o', 'bert'), { since });
    bert.send(`MODE ${channel} +v eve`);
    await anna.expect('+v', (line) => line.command === 'MODE' && line.params[1] === '+v' && line.params[2] === 'eve');
    bert.send(`KICK ${channel} anna :you too`);
    await anna.expect('the KICK', is('KICK', 'bert', 'anna', 'you too'));
    bert.send(`MODE ${channel} +b anna!*@*`);
    await bert.sync();
    await quiet(() => bert.lines.length);
    await anna.join(channel);
    await quiet(() => bert.lines.length);
    expect(plain(await bert.names(channel)), 'barred there, not here').to.not.include('anna');
    bert.send(`MODE ${channel} -b anna!*@*`);
    await eventually('anna to come in', async () => plain(await bert.names(channel)).includes('anna'));
  });

  it('carries parts and quits, and a KILL', async () => {
    bert.send(`PART ${channel} :bye`);
    await anna.expect('the PART', is('PART', 'bert', 'bye'));
    await bert.join(channel);
    const carl = await here('carl');
    await bert.expect('carl', is('JOIN', 'carl'));
    await carl.quit('gone fishing');
    await bert.expect('the QUIT', (line) => line.command === 'QUIT' && line.nick === 'carl' && line.params[0]!.includes('gone fishing'));
    bert.send('OPER oper operpass');
    await bert.expect('381', (line) => line.command === '381');
    bert.send('KILL anna :no more');
    await anna.expect('the removal', (line) => line.command === 'KICK' && line.params[1] === 'anna');
    await anna.join(channel);
    await both('anna', 'bert', 'chief');
  });

  it('splits long texts: nothing is lost', async () => {
    const long = Array.from({ length: 40 }, (_, n) => `wörd${n}🌳`).join(' ');
    anna.send(`PRIVMSG ${channel} :${long}`);
    anna.send(`PRIVMSG ${channel} :\u0002bold\u0002 end`);
    await bert.expect('the end', (line) => line.params[1]?.endsWith('end') === true);
    expect(texts(bert, 'PRIVMSG', 'anna').slice(0, -1).join(' ')).to.equal(long);
  });

  it('brings back under another nick who was thrown out because two took one nick at once', async () => {
    const rival = await there('rival');
    process.kill(ngircd.pid, 'SIGSTOP');
    try {
      rival.send('NICK clash');
      const ours = await here('clash');
      await ours.sync();
    } finally {
      process.kill(ngircd.pid, 'SIGCONT');
    }
    await eventually(
      'ours to be there under another nick',
      async () => plain(await bert.names(channel)).some((name) => /^clash./.test(name)),
      20_000,
    );
    const listed = async (client: IrcClient): Promise<number> => plain(await client.names(channel)).length;
    await eventually('both to list as many', async () => (await listed(anna)) === (await listed(bert)));
    expect(ngircd.running()).to.equal(true);
  });

  it('knows people behind another server of the network, who go with it in one step and come back with it', async () => {
    const leaf = await startNgircd({ name: 'leaf.example', peerName: ngircd.name, peerPort: ngircd.port, dials: 'plain' });
    try {
      const leo = await there('leo', leaf.port);
      await both('anna', 'bert', 'chief', 'leo');
      leo.send(`PRIVMSG ${channel} :from afar`);
      await anna.expect('it', is('PRIVMSG', 'leo', 'from afar'));
      anna.send('PRIVMSG leo :psst');
      await leo.expect('it', is('PRIVMSG', 'anna', 'leo', 'psst'));
      await leaf.kill9();
      clients = clients.filter((client) => client !== leo);
      await anna.expect('the split', (line) => line.command === 'QUIT' && line.nick === 'leo' && line.params[0]!.includes('leaf.example'));
      await leaf.start();
      await there('leo', leaf.port);
      await both('anna', 'bert', 'chief', 'leo');
    } finally {
      await leaf.stop();
    }
  });

  it('comes back after kill -9 of the network, and says what was said meanwhile', async () => {
    const since = anna.lines.length;
    // Nobody hears what is said before somebody is there to hear it.
    way.cut();
    await ngircd.kill9();
    await anna.expect('the split', (line) => line.command === 'QUIT' && line.nick === 'bert', { since });
    anna.send(`PRIVMSG ${channel} :said meanwhile`);
    await anna.sync();
    clients = clients.filter((client) => client !== bert);
    await ngircd.start();
    bert = await there('bert');
    way.mend();
    await bert.expect('what was said meanwhile', (line) => line.params[1] === 'said meanwhile', { within: 20_000 });
    await both('anna', 'bert', 'chief');
    bert.send(`PRIVMSG ${channel} :back`);
    await anna.expect('back', is('PRIVMSG', 'bert', 'back'));
  });
});

describe('links with ngIRCd: TLS, and dialled by the other side', function () {
  this.timeout(60_000);

  it('dials with TLS when the fingerprint is right, refuses when it is not', async () => {
    const ngircd = await startNgircd();
    const network = `address = "127.0.0.1:${ngircd.tlsPort}"`;
    const good = await startBanyan({
      tables: ['[plugins.irc-link]', ngircdNetwork(ngircd, { dial: false, network: `${network}\nfingerprint = "${ngircd.fingerprint}"` })],
    });
    try {
      await eventually('the link', () => isUp(good));
      await good.halt();
      const bad = await startBanyan({ tables: ['[plugins.irc-link]', ngircdNetwork(ngircd, { dial: false, network })] });
      try {
        await eventually(
          'the refusal',
          () => bad.output().includes('to trust it, set fingerprint') && bad.output().includes(ngircd.fingerprint),
        );
      } finally {
        await bad.stop();
      }
    } finally {
      await good.stop();
      await ngircd.stop();
    }
  });

  it('takes it when it dials, plain or with TLS, on the same port as an InspIRCd', async () => {
    const [plainPort, tlsPort] = [await freePort(), await freePort()];
    const inspircd = await startInspircd({ peerPort: plainPort, dials: true });
    const plainly = await startNgircd({ name: 'plain.example', peerPort: plainPort, dials: 'plain' });
    const secretly = await startNgircd({ name: 'secret.example', peerPort: tlsPort, dials: 'tls' });
    const waiting = (ngircd: Ngircd, label: string, network: string): string =>
      ngircdNetwork(ngircd, { dial: false, network }).replace('label = "ngnet"', `label = "${label}"`);
    const banyan = await startBanyan({
      tables: [
        linkTable(inspircd, {
          dial: false,
          network: 'tls = false',
          plugin: `listen = ["127.0.0.1:${plainPort}"]\nlisten_tls = ["127.0.0.1:${tlsPort}"]`,
        }),
        waiting(plainly, 'plain', 'tls = false'),
        waiting(secretly, 'secret', `fingerprint = "${secretly.fingerprint}"`),
      ],
    });
    try {
      await eventually('three links', async () => (await banyan.command(['link', 'list'])).output.match(/\bup\b/g)?.length === 3, 30_000);
    } finally {
      await banyan.stop();
      await Promise.all([inspircd.stop(), plainly.stop(), secretly.stop()]);
    }
  });
});
