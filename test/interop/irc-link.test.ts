/** Banyan as a server of a real InspIRCd network. */
import { expect } from 'chai';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { makeAuthority } from '../support/certificates.ts';
import { startInspircd, type Inspircd } from '../support/inspircd.ts';
import { connectIrc, type IrcClient } from '../support/irc-client.ts';
import { linkTable, plainNames as plain } from '../support/irc-link-table.ts';
import { nativeGuest } from '../support/native-client.ts';
import { freePort } from '../support/ports.ts';
import { removeFolder, temporaryFolder } from '../support/root.ts';
import { eventually, quiet } from '../support/wait.ts';

describe('a link into a real InspIRCd network', function () {
  this.timeout(60_000);
  const channel = '#lounge';
  let inspircd: Inspircd;
  let banyan: Banyan;
  let clients: IrcClient[] = [];
  let anna: IrcClient;
  let bert: IrcClient;

  before(async () => {
    inspircd = await startInspircd();
    banyan = await startBanyan({ tables: [linkTable(inspircd)] });
    await banyan.account('chief', 'chief-password', { administrator: true });
  });
  after(async () => {
    await banyan?.stop();
    await inspircd?.stop();
  });
  beforeEach(async () => {
    anna = await here('anna');
    bert = await there('bert');
    await bert.join(channel);
    await anna.join(channel);
    await both();
  });
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.quit()));
    clients = [];
  });

  async function here(nick: string, account = false): Promise<IrcClient> {
    const client = await connectIrc({
      port: banyan.port('irc'),
      nick,
      ...(account ? { account: { name: 'chief', password: 'chief-password' } } : {}),
    });
    clients.push(client);
    // An account comes back into the rooms that it was in.
    await client.sync();
    if (account && !client.lines.some((line) => line.command === 'JOIN' && line.nick === 'chief')) await client.join(channel);
    return client;
  }
  async function there(nick: string): Promise<IrcClient> {
    const client = await connectIrc({ port: inspircd.port, nick });
    clients.push(client);
    return client;
  }
  async function both(names = ['anna', 'bert']): Promise<void> {
    await eventually(
      () => `both to list ${names.join(' ')}`,
      async () => {
        const lists = [plain(await anna.names(channel)), plain(await bert.names(channel))];
        return lists.every((list) => list.join(' ') === names.join(' '));
      },
    );
  }
  const times = (client: IrcClient, command: string, nick: string): string[] =>
    client.lines.filter((line) => line.command === command && line.nick === nick).map((line) => line.params.at(-1) ?? '');

  it('carries messages, actions and notices both ways, once', async () => {
    anna.send(`PRIVMSG ${channel} :hello bert`);
    anna.send(`PRIVMSG ${channel} :\u0001ACTION waves\u0001`);
    anna.send(`NOTICE ${channel} :note`);
    bert.send(`PRIVMSG ${channel} :hello anna`);
    bert.send(`PRIVMSG ${channel} :\u0001ACTION bows\u0001`);
    await bert.expect('the notice', (line) => line.command === 'NOTICE' && line.nick === 'anna');
    await anna.expect('the action', (line) => line.params[1] === '\u0001ACTION bows\u0001');
    await quiet(() => anna.lines.length + bert.lines.length);
    expect(times(bert, 'PRIVMSG', 'anna')).to.deep.equal(['hello bert', '\u0001ACTION waves\u0001']);
    expect(times(anna, 'PRIVMSG', 'bert')).to.deep.equal(['hello anna', '\u0001ACTION bows\u0001']);
  });

  it('carries private messages and CTCP both ways', async () => {
    anna.send('PRIVMSG bert :psst');
    await bert.expect(
      'it',
      (line) => line.command === 'PRIVMSG' && line.nick === 'anna' && line.params[0] === 'bert' && line.params[1] === 'psst',
    );
    bert.send('PRIVMSG anna :what?');
    await anna.expect(
      'it',
      (line) => line.command === 'PRIVMSG' && line.nick === 'bert' && line.params[0] === 'anna' && line.params[1] === 'what?',
    );
    bert.send('PRIVMSG anna :\u0001PING 42\u0001');
    await anna.expect('CTCP', (line) => line.params[1] === '\u0001PING 42\u0001');
    anna.send('NOTICE bert :\u0001PING 42\u0001');
    await bert.expect('CTCP answer', (line) => line.command === 'NOTICE' && line.params[1] === '\u0001PING 42\u0001');
  });

  it('carries nick changes, and gives a free nick to who has a taken one', async () => {
    anna.send('NICK annette');
    await bert.expect('the NICK', (line) => line.command === 'NICK' && line.nick === 'anna' && line.params[0] === 'annette');
    bert.send('NICK bertram');
    await anna.expect('the NICK', (line) => line.command === 'NICK' && line.nick === 'bert' && line.params[0] === 'bertram');
    const other = await here('bertie');
    await other.join(channel);
    await bert.expect('the JOIN', (line) => line.command === 'JOIN' && line.nick === 'bertie');
    const same = await there('zoe');
    await same.join(channel);
    other.send('NICK zoe2');
    await bert.expect('the NICK', (line) => line.command === 'NICK' && line.params[0] === 'zoe2');
    same.send('NICK zoe3');
    await anna.expect('the NICK', (line) => line.command === 'NICK' && line.params[0] === 'zoe3');
    anna.send('NICK anna');
    bert.send('NICK bert');
    await anna.expect('the NICK', (line) => line.command === 'NICK' && line.params[0] === 'bert');
  });

  it('carries away, WHOIS, real name and host', async () => {
    anna.send('AWAY :tea');
    await eventually('the away', async () => {
      bert.send('WHOIS anna');
      return (await bert.sync()).some((line) => line.command === '301' && line.params[2] === 'tea');
    });
    bert.send('WHOIS anna anna');
    await bert.expect('idle time', (line) => line.command === '317' && line.params[1] === 'anna');
    bert.send('AWAY :lunch');
    await eventually('the away', async () => {
      anna.send('WHOIS bert');
      return (await anna.sync()).some((line) => line.command === '301' && line.params[2] === 'lunch');
    });
    bert.send('AWAY');
    anna.send('AWAY');
    await anna.sync();
  });

  it('carries topics both ways', async () => {
    const chief = await here('chief', true);
    await bert.expect('chief', (line) => line.command === 'JOIN' && line.nick === 'chief');
    chief.send(`MODE ${channel} +o bert`);
    await bert.expect('+o', (line) => line.command === 'MODE' && line.params[2] === 'bert');
    bert.send(`TOPIC ${channel} :from there`);
    const seen = await anna.expect('the TOPIC', (line) => line.command === 'TOPIC' && line.params[1] === 'from there');
    expect(seen.nick).to.equal('bert');
    chief.send(`TOPIC ${channel} :from here`);
    const other = await bert.expect('the TOPIC', (line) => line.command === 'TOPIC' && line.params[1] === 'from here');
    expect(other.nick).to.equal('chief');
  });

  it('carries operator status, kicks and bans both ways', async () => {
    const chief = await here('chief', true);
    await eventually('chief to be an operator there', async () => (await bert.names(channel)).includes('@chief'));
    chief.send(`MODE ${channel} +o bert`);
    await bert.expect('+o', (line) => line.command === 'MODE' && line.params[1] === '+o' && line.params[2] === 'bert');
    chief.send(`KICK ${channel} bert :out`);
    const kick = await bert.expect('the KICK', (line) => line.command === 'KICK' && line.params[1] === 'bert');
    expect([kick.nick, kick.params[2]]).to.deep.equal(['chief', 'out']);
    await anna.expect('the KICK', (line) => line.command === 'KICK' && line.params[1] === 'bert' && line.nick === 'chief');
    chief.send(`MODE ${channel} +b bert!*@*`);
    const eve = await there('eve');
    await eve.join(channel);
    await eventually('the ban there', async () => {
      eve.send(`MODE ${channel} b`);
      return (await eve.sync()).some((line) => line.command === '367' && line.params[2] === 'bert!*@*');
    });
    bert.send(`JOIN ${channel}`);
    await bert.expect('474', (line) => line.command === '474');
    await eve.quit();
    chief.send(`MODE ${channel} -b bert!*@*`);
    await eventually('the ban to be lifted', () => bert.join(channel));
    chief.send(`MODE ${channel} +o bert`);
    await bert.expect('+o', (line) => line.command === 'MODE' && line.params[1] === '+o' && line.params[2] === 'bert', {
      since: bert.lines.length,
    });
    bert.send(`KICK ${channel} anna :you too`);
    const other = await anna.expect('the KICK', (line) => line.command === 'KICK' && line.params[1] === 'anna');
    expect([other.nick, other.params[2]]).to.deep.equal(['bert', 'you too']);
    bert.send(`MODE ${channel} +b anna!*@*`);
    await bert.sync();
    // Nothing is seen here of a ban over there; give it the time to arrive.
    await quiet(() => bert.lines.length);
    await anna.join(channel);
    await quiet(() => bert.lines.length);
    expect(plain(await bert.names(channel)), 'barred there, not here').to.not.include('anna');
    bert.send(`MODE ${channel} -b anna!*@*`);
    await eventually('anna to come in', async () => plain(await bert.names(channel)).includes('anna'));
  });

  it('carries parts and quits, and KILL both ways', async () => {
    bert.send(`PART ${channel} :bye`);
    await anna.expect('the PART', (line) => line.command === 'PART' && line.nick === 'bert' && line.params[1] === 'bye');
    const since = anna.lines.length;
    await bert.join(channel);
    await anna.expect('the JOIN', (line) => line.command === 'JOIN' && line.nick === 'bert', { since });
    const carl = await here('carl');
    await carl.join(channel);
    await bert.expect('carl', (line) => line.command === 'JOIN' && line.nick === 'carl');
    await carl.quit('gone fishing');
    await bert.expect('the QUIT', (line) => line.command === 'QUIT' && line.nick === 'carl' && line.params[0]!.includes('gone fishing'));
    bert.send('OPER oper operpass');
    await bert.expect('381', (line) => line.command === '381');
    bert.send('KILL anna :no more');
    await anna.expect('the removal', (line) => line.command === 'KICK' && line.params[1] === 'anna');
    await anna.join(channel);
    await both();
    const chief = await here('chief', true);
    chief.send('KILL bert :no less');
    await bert.closed;
    expect(bert.lines.at(-1)!.raw).to.match(/^ERROR .*no less/);
    await anna.expect('the QUIT', (line) => line.command === 'QUIT' && line.nick === 'bert' && line.params[0]!.includes('no less'));
  });

  it('splits long texts, keeps formatting', async () => {
    anna.send(`PRIVMSG ${channel} :\u0002bold\u0002 and \u001ditalic\u001d`);
    await bert.expect('formatting', (line) => /^\u0002bold[\u0002\u000f] and \u001ditalic\u001d?$/.test(line.params[1] ?? ''));
    bert.send(`PRIVMSG ${channel} :\u000304,01red\u0003 plain`);
    await anna.expect('colour', (line) => /^\u0003\d{1,2},\d{1,2}red/.test(line.params[1] ?? ''));
  });

  it('answers a WHOIS of either side with server, account, idle time and away', async () => {
    const chief = await here('chief', true);
    await bert.expect('chief', (line) => line.command === 'JOIN' && line.nick === 'chief');
    chief.send('AWAY :thinking');
    const whois = async (asker: IrcClient, nick: string): Promise<Map<string, string>> => {
      const since = asker.lines.length;
      asker.send(`WHOIS ${nick} ${nick}`);
      await asker.expect('the end', (line) => line.command === '318', { since });
      return new Map(asker.lines.slice(since).map((line) => [line.command, line.params.slice(2).join(' ')]));
    };
    await eventually('the away', async () => (await whois(bert, 'chief')).get('301') === 'thinking');
    const chiefThere = await whois(bert, 'chief');
    expect(chiefThere.get('312')).to.match(/^irc\.banyan\.example /);
    expect(chiefThere.get('330')).to.match(/^chief /);
    expect(chiefThere.get('317')).to.match(/^\d+ \d+/);
    expect(chiefThere.get('319')).to.include(channel);
    bert.send('AWAY :lunch');
    await eventually('the away', async () => (await whois(anna, 'bert')).get('301') === 'lunch');
    const bertHere = await whois(anna, 'bert');
    expect(bertHere.get('311')).to.match(/^bert 127\.0\.0\.1 /);
    expect(bertHere.get('312')).to.match(/TestNet|testnet/);
    expect(bertHere.get('319')).to.include(channel);
    bert.send('AWAY');
    chief.send('AWAY');
    await eventually('nobody to be away', async () => !(await whois(bert, 'chief')).has('301') && !(await whois(anna, 'bert')).has('301'));
  });

  it('carries CTCP VERSION, notices and actions in private both ways; our service says what it is', async () => {
    bert.send('PRIVMSG anna :\u0001VERSION\u0001');
    await anna.expect('VERSION', (line) => line.nick === 'bert' && line.params[1] === '\u0001VERSION\u0001');
    anna.send('NOTICE bert :\u0001VERSION Testclient 1\u0001');
    await bert.expect('the answer', (line) => line.command === 'NOTICE' && line.params[1] === '\u0001VERSION Testclient 1\u0001');
    anna.send('PRIVMSG bert :\u0001PING 7\u0001');
    await bert.expect('PING', (line) => line.nick === 'anna' && line.params[1] === '\u0001PING 7\u0001');
    bert.send('NOTICE anna :\u0001PING 7\u0001');
    await anna.expect('the answer', (line) => line.command === 'NOTICE' && line.params[1] === '\u0001PING 7\u0001');
    anna.send('NOTICE bert :a note');
    await bert.expect('the note', (line) => line.command === 'NOTICE' && line.params[0] === 'bert' && line.params[1] === 'a note');
    bert.send('PRIVMSG anna :\u0001ACTION nods\u0001');
    await anna.expect('the action', (line) => line.params[0] === 'anna' && line.params[1] === '\u0001ACTION nods\u0001');
    bert.send('PRIVMSG banyan :hello');
    await bert.expect('the service', (line) => line.command === 'NOTICE' && line.nick === 'banyan' && line.params[1]!.includes(channel));
    bert.send('PRIVMSG banyan :\u0001VERSION\u0001');
    await bert.expect('its version', (line) => line.nick === 'banyan' && line.params[1]!.startsWith('\u0001VERSION Banyan'));
  });

  it('carries invitations both ways', async () => {
    const eve = await there('eve');
    await eve.join('#lobby');
    // Somebody there becomes known here by writing.
    eve.send('PRIVMSG anna :hello');
    await anna.expect('eve', (line) => line.command === 'PRIVMSG' && line.nick === 'eve');
    anna.send(`INVITE eve ${channel}`);
    await eve.expect('the INVITE', (line) => line.command === 'INVITE' && line.nick === 'anna' && line.params[1] === channel);
    const carl = await here('carl');
    carl.send('PRIVMSG bert :here I am');
    await bert.expect('carl', (line) => line.command === 'PRIVMSG' && line.nick === 'carl');
    const chief = await here('chief', true);
    await bert.expect('chief', (line) => line.command === 'JOIN' && line.nick === 'chief');
    chief.send(`MODE ${channel} +o bert`);
    await bert.expect('+o', (line) => line.command === 'MODE' && line.params[1] === '+o' && line.params[2] === 'bert');
    bert.send(`INVITE carl ${channel}`);
    await carl.expect('the INVITE', (line) => line.command === 'INVITE' && line.nick === 'bert' && line.params[1] === channel);
  });

  it('carries voice and operator status both ways, and keeps to a moderated channel over there', async () => {
    const chief = await here('chief', true);
    await bert.expect('chief', (line) => line.command === 'JOIN' && line.nick === 'chief');
    chief.send(`MODE ${channel} +v bert`);
    await bert.expect('+v', (line) => line.command === 'MODE' && line.params[1] === '+v' && line.params[2] === 'bert');
    chief.send(`MODE ${channel} -v bert`);
    await bert.expect('-v', (line) => line.command === 'MODE' && line.params[1] === '-v' && line.params[2] === 'bert');
    chief.send(`MODE ${channel} +o bert`);
    await bert.expect('+o', (line) => line.command === 'MODE' && line.params[1] === '+o' && line.params[2] === 'bert');
    const eve = await there('eve');
    await eve.join(channel);
    await anna.expect('eve', (line) => line.command === 'JOIN' && line.nick === 'eve');
    bert.send(`MODE ${channel} +v eve`);
    await anna.expect('+v', (line) => line.command === 'MODE' && line.params[1] === '+v' && line.params[2] === 'eve');
    bert.send(`MODE ${channel} +o eve`);
    await anna.expect('+o', (line) => line.command === 'MODE' && line.params[1] === '+o' && line.params[2] === 'eve');
    bert.send(`MODE ${channel} +m`);
    await bert.sync();
    await quiet(() => anna.lines.length);
    anna.send(`PRIVMSG ${channel} :not for there`);
    chief.send(`PRIVMSG ${channel} :an operator may`);
    await bert.expect('the operator', (line) => line.params[1] === 'an operator may');
    expect(times(bert, 'PRIVMSG', 'anna')).to.not.include('not for there');
    bert.send(`MODE ${channel} -m`);
    await eventually('anna to be heard', () => {
      anna.send(`PRIVMSG ${channel} :now again`);
      return times(bert, 'PRIVMSG', 'anna').includes('now again');
    });
  });

  it('splits long and many-lined texts: nothing is lost, no character is divided', async () => {
    const wanda = await nativeGuest(banyan.port('web'), 'wanda', 'lounge');
    await bert.expect('wanda', (line) => line.command === 'JOIN' && line.nick === 'wanda');
    const long = Array.from({ length: 300 }, (_, n) => `wörd${n}🌳`).join(' ');
    await wanda.must({ type: 'say', room: 'lounge', text: long });
    await wanda.must({ type: 'say', room: 'lounge', text: 'first line\nsecond line\n\nlast line' });
    await bert.expect('the last line', (line) => line.params[1] === 'last line');
    const heard = times(bert, 'PRIVMSG', 'wanda');
    expect(heard.slice(-3)).to.deep.equal(['first line', 'second line', 'last line']);
    expect(heard.slice(0, -3).join(' ')).to.equal(long);
    expect(heard.length).to.be.greaterThan(8);
    await wanda.stop();
  });

  it('bounces a private message to somebody who is gone', async () => {
    const eve = await there('eve');
    eve.send('PRIVMSG anna :hello');
    await anna.expect('eve', (line) => line.command === 'PRIVMSG' && line.nick === 'eve');
    await eve.quit();
    await eventually('an error', async () => {
      anna.send('PRIVMSG eve :are you there?');
      return (await anna.sync()).some((line) => line.command === '401');
    });
  });

  it('comes back after kill -9 of the network', async () => {
    const since = anna.lines.length;
    await inspircd.kill9();
    await anna.expect('the split', (line) => line.command === 'QUIT' && line.nick === 'bert', { since });
    clients = clients.filter((client) => client !== bert);
    await inspircd.start();
    bert = await there('bert');
    await bert.join(channel);
    await eventually('anna to be there', async () => plain(await bert.names(channel)).includes('anna'), 20_000);
    await both();
    bert.send(`PRIVMSG ${channel} :back`);
    await anna.expect('back', (line) => line.params[1] === 'back');
  });
});

describe('links with TLS, and dialled by the other side', function () {
  this.timeout(60_000);

  it('dials with TLS when the fingerprint is right, refuses when it is not', async () => {
    const inspircd = await startInspircd();
    const address = `address = "127.0.0.1:${inspircd.linkTlsPort}"`;
    const good = await startBanyan({
      tables: [linkTable(inspircd, { dial: false, network: `${address}\nfingerprint = "${inspircd.fingerprint}"` })],
    });
    try {
      await eventually('the link', async () => /up/.test((await good.command(['link', 'list'])).output));
      await good.halt();
      const bad = await startBanyan({ tables: [linkTable(inspircd, { dial: false, network: address })] });
      try {
        await eventually(
          'the refusal',
          () => bad.output().includes('to trust it, set fingerprint') && bad.output().includes(inspircd.fingerprint),
        );
      } finally {
        await bad.stop();
      }
    } finally {
      await good.stop();
      await inspircd.stop();
    }
  });

  it('links with TLS and fingerprints on both sides, whoever dials', async () => {
    const folder = await temporaryFolder('identity');
    const authority = await makeAuthority(folder);
    const own = await authority.selfSigned(['irc.banyan.example']);
    const port = await freePort();
    const inspircd = await startInspircd({
      peerName: 'unused.example',
      extra: `<link name="irc.banyan.example" ipaddr="127.0.0.1" port="${port}" allowmask="127.0.0.0/8" sendpass="linkpassword" recvpass="linkpassword" sslprofile="Links" fingerprint="${own.fingerprint}">`,
    });
    const identity = `[tls]\ncertificate = "${own.certificateFile}"\nkey = "${own.keyFile}"`;
    const options = { dial: false, plugin: `listen_tls = ["127.0.0.1:${port}"]` };
    const fingerprint = `fingerprint = "${inspircd.fingerprint}"`;
    const up = async (banyan: Banyan): Promise<boolean> => /\bup\b/.test((await banyan.command(['link', 'list'])).output);
    const dials = await startBanyan({
      tables: [identity, linkTable(inspircd, { ...options, network: `${fingerprint}\naddress = "127.0.0.1:${inspircd.linkTlsPort}"` })],
    });
    try {
      await eventually('the link that we dialled', () => up(dials), 20_000);
    } finally {
      await dials.stop();
    }
    const waits = await startBanyan({ tables: [identity, linkTable(inspircd, { ...options, network: fingerprint })] });
    const oper = await connectIrc({ port: inspircd.port, nick: 'oper' });
    try {
      oper.send('OPER oper operpass');
      oper.send('CONNECT irc.banyan.example');
      await eventually('the link that InspIRCd dialled', () => up(waits), 20_000);
    } finally {
      oper.drop();
      await waits.stop();
      await inspircd.stop();
      await removeFolder(folder);
    }
  });

  it('takes the network when it dials', async () => {
    const port = await freePort();
    const inspircd = await startInspircd({ peerPort: port, dials: true });
    const banyan = await startBanyan({
      tables: [linkTable(inspircd, { dial: false, network: 'tls = false', plugin: `listen = ["127.0.0.1:${port}"]` })],
    });
    try {
      await eventually('the link', async () => /up/.test((await banyan.command(['link', 'list'])).output), 20_000);
    } finally {
      await banyan.stop();
      await inspircd.stop();
    }
  });
});
