/** A client that others wrote: the npm package irc-framework, which web clients and bots are built on. */
import { expect } from 'chai';
import framework from 'irc-framework';
import { ircParty, type IrcParty } from '../support/irc-party.ts';
import { nativeGuest } from '../support/native-client.ts';
import { eventually } from '../support/wait.ts';

type Data = Readonly<Record<string, unknown>>;
type Client = InstanceType<typeof framework.Client>;
type Options = Partial<ConstructorParameters<typeof framework.Client>[0]>;

/** A client and what it made of what it was sent. */
interface Observed {
  readonly client: Client;
  /** Everything of that kind. */
  all(event: string): readonly Data[];
  /** The first of that kind that has these properties. */
  expect(event: string, wanted: Data): Promise<Data>;
}

const events = [
  'registered',
  'join',
  'part',
  'quit',
  'kick',
  'nick',
  'topic',
  'mode',
  'userlist',
  'privmsg',
  'notice',
  'action',
  'whois',
  'away',
  'back',
  'account',
  'loggedin',
  'sasl failed',
  'ctcp response',
  'channel list',
  'invite',
  'irc error',
  'batch end chathistory',
  'motd',
  'wholist',
];

describe('irc-framework as a client', function () {
  this.timeout(40_000);
  let party: IrcParty;
  const clients: Client[] = [];
  before(async () => {
    party = await ircParty({ plugin: 'burst_lines = 200', tables: ['[limits]\nguests_per_address = 500'] });
    await party.banyan.account('paul', 'paul-password');
  });
  after(async () => {
    for (const client of clients) client.quit();
    await party.stop();
  });

  async function connect(nick: string, options: Options = {}): Promise<Observed> {
    const client = new framework.Client({
      host: '127.0.0.1',
      port: party.banyan.port('irc'),
      nick,
      username: nick,
      gecos: `${nick} of the tests`,
      auto_reconnect: false,
      ...options,
    });
    client.requestCap(['draft/chathistory', 'batch', 'labeled-response']);
    const seen: { readonly event: string; readonly data: Data }[] = [];
    for (const event of events) client.on(event, (data) => seen.push({ event, data }));
    const all = (event: string): Data[] => seen.filter((one) => one.event === event).map(({ data }) => data);
    clients.push(client);
    client.connect();
    const observed: Observed = {
      client,
      all,
      expect: (event, wanted) =>
        eventually(
          () =>
            `${nick} to see ${event} ${JSON.stringify(wanted)}; it saw:\n${seen.map((one) => `${one.event} ${JSON.stringify(one.data)}`).join('\n')}`,
          () => all(event).find((data) => Object.entries(wanted).every(([key, value]) => data[key] === value)),
        ),
    };
    await observed.expect('registered', {});
    return observed;
  }

  it('connects, plain and with TLS, signs in by SASL PLAIN, and knows what the server can do', async () => {
    const guest = await connect(party.unique('guest'));
    expect(guest.client.network.name).to.equal('Banyan');
    expect(guest.client.network.cap.enabled).to.include.members([
      'message-tags',
      'server-time',
      'batch',
      'account-notify',
      'away-notify',
      'multi-prefix',
      'extended-join',
      'draft/chathistory',
      'labeled-response',
    ]);
    expect(guest.client.network.supports('WHOX')).to.equal(true);
    const paul = await connect('paul', {
      port: party.banyan.port('irc-tls'),
      tls: true,
      rejectUnauthorized: false,
      account: { account: 'paul', password: 'paul-password' },
    });
    await paul.expect('loggedin', { account: 'paul' });
    const wrong = await connect(party.unique('wrong'), { account: { account: 'paul', password: 'guess' } });
    await wrong.expect('sasl failed', { reason: 'fail' });
  });

  it('joins, talks, acts, changes nick, topic and status, leaves', async () => {
    const [ann, bob] = [await connect(party.unique('ann')), await connect(party.unique('bob'), { enable_echomessage: true })];
    const [annNick, bobNick] = [ann.client.user.nick, bob.client.user.nick];
    ann.client.join('#framework');
    const list = await ann.expect('userlist', { channel: '#framework' });
    expect((list['users'] as Data[]).map((user) => [user['nick'], user['modes']])).to.deep.equal([[annNick, ['o']]]);
    bob.client.join('#framework');
    await ann.expect('join', { nick: bobNick, channel: '#framework', gecos: `${bobNick} of the tests` });
    bob.client.say('#framework', 'hello');
    const message = await ann.expect('privmsg', { nick: bobNick, target: '#framework', message: 'hello' });
    expect(message['time']).to.be.a('number');
    await bob.expect('privmsg', { nick: bobNick, message: 'hello' });
    bob.client.action('#framework', 'waves');
    await ann.expect('action', { nick: bobNick, target: '#framework', message: 'waves' });
    bob.client.notice(annNick, 'psst');
    await ann.expect('notice', { nick: bobNick, target: annNick, message: 'psst' });
    bob.client.say(annNick, 'privately');
    await ann.expect('privmsg', { nick: bobNick, target: annNick, message: 'privately' });
    ann.client.setTopic('#framework', 'All about trees');
    await bob.expect('topic', { channel: '#framework', topic: 'All about trees', nick: annNick });
    ann.client.mode('#framework', '+o', [bobNick]);
    const mode = await bob.expect('mode', { target: '#framework', nick: annNick });
    expect(mode['modes']).to.deep.equal([{ mode: '+o', param: bobNick }]);
    const next = party.unique('robert');
    bob.client.changeNick(next);
    await ann.expect('nick', { nick: bobNick, new_nick: next });
    bob.client.raw('AWAY :tea');
    await ann.expect('away', { nick: next, message: 'tea' });
    bob.client.raw('AWAY');
    await ann.expect('back', { nick: next });
    ann.client.raw(`KICK #framework ${next} :enough`);
    await bob.expect('kick', { kicked: next, nick: annNick, channel: '#framework', message: 'enough' });
    bob.client.join('#framework');
    await eventually('the second joining', () => ann.all('join').filter((join) => join['nick'] === next).length === 1);
    bob.client.part('#framework', 'off');
    await ann.expect('part', { nick: next, channel: '#framework', message: 'off' });
    expect(ann.all('irc error'), 'errors').to.deep.equal([]);
    expect(bob.all('irc error'), 'errors').to.deep.equal([]);
  });

  it('asks WHOIS, WHO, LIST and CTCP, and understands the answers', async () => {
    const ann = await connect(party.unique('ann'));
    const paul = await connect('paul', { account: { account: 'paul', password: 'paul-password' } });
    const nick = paul.client.user.nick;
    paul.client.join('#asked');
    await paul.expect('userlist', { channel: '#asked' });
    paul.client.raw('AWAY :reading');
    await paul.expect('away', { self: true });
    ann.client.whois(nick);
    const whois = await ann.expect('whois', { nick });
    expect(whois).to.deep.include({ account: 'paul', away: 'reading', server: 'banyan.example', real_name: 'paul of the tests' });
    expect(String(whois['channels']).trim()).to.match(/^~?@?#asked$/);
    expect(Number(whois['idle'])).to.be.at.least(0);
    ann.client.whois('nobody-at-all');
    await ann.expect('whois', { nick: 'nobody-at-all', error: 'not_found' });
    ann.client.raw('LIST');
    await eventually('the list', () =>
      ann
        .all('channel list')
        .some((page) => (page as unknown as Data[]).some((channel) => channel['channel'] === '#asked' && channel['num_users'] === 1)),
    );
    ann.client.join('#asked');
    await ann.expect('userlist', { channel: '#asked' });
    ann.client.raw('WHO #asked');
    const who = await ann.expect('wholist', { target: '#asked' });
    expect((who['users'] as Data[]).map((user) => user['nick'])).to.have.members([nick, ann.client.user.nick]);
    ann.client.ctcpRequest(nick, 'VERSION');
    await ann.expect('ctcp response', { nick, type: 'VERSION' });
  });

  it('reads history, by command, as a batch with ids and times', async () => {
    const ann = await connect(party.unique('ann'));
    ann.client.join('#past');
    await ann.expect('userlist', { channel: '#past' });
    for (let index = 0; index < 5; index++) ann.client.say('#past', `line ${index}`);
    ann.client.action('#past', 'acts');
    const bob = await connect(party.unique('bob'));
    bob.client.join('#past');
    await bob.expect('userlist', { channel: '#past' });
    ann.client.say('#past', 'now');
    await bob.expect('privmsg', { message: 'now' });
    bob.client.raw('CHATHISTORY LATEST #past * 4');
    const batch = await bob.expect('batch end chathistory', {});
    const commands = batch['commands'] as { readonly params: readonly string[]; readonly tags: Data }[];
    expect(commands.map(({ params }) => params[1])).to.deep.equal(['line 3', 'line 4', '\u0001ACTION acts\u0001', 'now']);
    for (const { tags } of commands) expect([typeof tags['msgid'], typeof tags['time']]).to.deep.equal(['string', 'string']);
    expect(bob.all('privmsg').filter((message) => message['message'] === 'now').length).to.equal(2);
  });

  it('meets a person of the page: message, action, private message, nick', async () => {
    const ann = await connect(party.unique('ann'));
    ann.client.join('#lounge');
    await ann.expect('userlist', { channel: '#lounge' });
    const web = await nativeGuest(party.banyan.port('web'), party.unique('web'));
    const { nick } = (await ann.expect('join', { channel: '#lounge' })) as { readonly nick: string };
    expect(nick).to.be.a('string');
    await web.must({ type: 'say', room: 'lounge', text: 'from the page' });
    await ann.expect('privmsg', { target: '#lounge', message: 'from the page' });
    await web.must({ type: 'say', room: 'lounge', text: 'looks around', style: 'action' });
    await ann.expect('action', { target: '#lounge', message: 'looks around' });
    ann.client.say('#lounge', 'from IRC');
    await web.expectItem('the message', (item) => item['text'] === 'from IRC');
    await web.must({ type: 'private', to: ann.client.user.nick, text: 'to you alone' });
    const privately = await ann.expect('privmsg', { message: 'to you alone' });
    expect(privately['target']).to.equal(ann.client.user.nick);
    const next = party.unique('webby');
    await web.must({ type: 'nick', nick: next });
    await ann.expect('nick', { new_nick: next });
    ann.client.say(next, 'and back');
    await web.expect('the private message', (frame) => JSON.stringify(frame).includes('and back'));
    await web.stop();
    await ann.expect('quit', { nick: next });
  });
});
