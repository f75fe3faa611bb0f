/** What others say must stay what they say: no text becomes a line or a command of an IRC client. */
import { expect } from 'chai';
import fc from 'fast-check';
import { Encoder } from '../../plugins/irc-clients/encode.ts';
import { renderAll, type OutLine } from '../../plugins/irc-clients/outgoing.ts';
import { People } from '../../plugins/irc-clients/people.ts';
import { parseLine } from '../../plugins/irc/line.ts';
import type { Author, Batch, Host, LogRecord, MemberView, Room, RoomItem, UserChange, UserId, UserView } from '../../server/plugin.ts';
import { ircParty, type IrcParty } from '../support/irc-party.ts';
import { nativeGuest, type NativeClient } from '../support/native-client.ts';

const evils = [
  '\r\nQUIT :gone',
  '\nJOIN #evil',
  '\r',
  '\0',
  '\u0001ACTION x\u0001',
  '\u2028KICK',
  '\u0085',
  ' :x',
  ':',
  ',',
  '@a=b ',
  '!',
  '%',
];
const wild = fc
  .array(fc.oneof(fc.constantFrom(...evils), fc.string({ unit: 'binary', maxLength: 20 }), fc.constant('word '.repeat(60))), {
    maxLength: 5,
  })
  .map((parts) => parts.join(''));

const id = 'u1' as UserId;
const address = 'xmpp:eve@far.example' as UserView['address'];
const view = fc
  .record({ nick: wild, ident: wild, host: wild, realName: wild, account: fc.option(wild), away: fc.option(wild) })
  .map((parts): UserView => ({ ...parts, id, address, network: null, bot: false }));

/** An encoder in a world of one, in which nothing was cleaned before. */
function encoderWith(user: UserView): Encoder {
  const host = {
    domain: 'chat.example',
    users: { all: () => [{ ...user, since: 0 }], get: () => user, watch: () => () => undefined },
    networks: { get: () => undefined },
    clock: { now: () => 0 },
  } as unknown as Host;
  const people = new People(host);
  people.start();
  return new Encoder(people, 'chat.example');
}

function batchOf(items: readonly RoomItem[]): Batch {
  const room = { name: 'lounge', members: new Map(), config: {} } as unknown as Room;
  return { room, items, shared: (_, make) => make(), cameBy: () => false };
}

/** Every line is one line, short enough, of a command that was meant, from one source. */
function expectClean(lines: readonly OutLine[], commands: readonly string[]): void {
  for (const flags of [0, 0xffff]) {
    const text = renderAll(lines, flags);
    const shown = text.split('\r\n').slice(0, -1);
    expect(shown.join('')).to.not.match(/[\r\n\0]/);
    for (const line of shown) {
      const message = parseLine(line);
      expect(message, line).to.not.equal(undefined);
      expect(commands, line).to.include(message!.command);
      expect(message!.source).to.match(/^[^\s!@]+(?:![^\s!@]+@[^\s!@]+)?$/u);
      expect(Buffer.byteLength(line.replace(/^@[^ ]+ /, ''))).to.be.at.most(510);
    }
  }
}

describe('irc-clients: text of others', () => {
  it('A1 line injection: nothing that is logged in a room becomes more lines or other commands than it is', () => {
    fc.assert(
      fc.property(view, wild, wild, fc.constantFrom('normal', 'notice', 'action'), (user, text, more, style) => {
        const author: Author = {
          address: fc.sample(fc.constantFrom(address, 'xmpp:gone@far.example' as Author['address']), 1)[0]!,
          nick: user.nick,
        };
        const lines = (content: object): readonly OutLine[] => {
          const record = { content: { author, ...content }, id: 'X', born: 0, logged: 0 } as unknown as LogRecord;
          return encoderWith(user)
            .pieces(batchOf([{ kind: 'record', record, via: undefined }]), 0)
            .flatMap((piece) => piece.lines);
        };
        const said = lines({ kind: 'message', text: { plain: text, spans: [] }, style });
        expectClean(said, ['PRIVMSG', 'NOTICE']);
        if (style !== 'action') for (const line of said) expect(line.text).to.not.include('\u0001');
        expectClean(lines({ kind: 'topic', topic: text }), ['TOPIC']);
        expectClean(lines({ kind: 'ban', add: true, ban: { mask: text, by: more, at: 0, reason: more } }), ['MODE']);
        expectClean(lines({ kind: 'config', changes: { key: text, limit: 3 } }), ['MODE']);
        expectClean(lines({ kind: 'affiliation', address: `xmpp:${text}@x` as Author['address'], affiliation: 'outcast' }), ['MODE']);
      }),
    );
  });

  it('A1 line injection: nor does any coming, going or changing', () => {
    fc.assert(
      fc.property(view, view, wild, (before, after, text) => {
        const member: MemberView = { user: id, address, nick: before.nick, affiliation: 'none', operator: true, voice: true };
        const by: Author = { address: 'xmpp:op@far.example' as Author['address'], nick: text };
        const changes = (change: object): readonly OutLine[] =>
          encoderWith(before)
            .pieces(batchOf([{ kind: 'change', change, via: undefined } as RoomItem]), 0)
            .flatMap((piece) => piece.lines);
        const left = (cause: object): readonly OutLine[] => changes({ kind: 'left', members: [member], cause });
        expectClean(changes({ kind: 'joined', members: [member], cause: { kind: 'join' } }), ['JOIN', 'AWAY', 'MODE']);
        expectClean(left({ kind: 'leave', reason: text }), ['PART']);
        expectClean(left({ kind: 'kick', by, reason: text }), ['KICK']);
        expectClean(left({ kind: 'split', network: 'x', near: text, far: text }), ['QUIT', 'BATCH']);
        const changed = (change: object): readonly OutLine[] => encoderWith(before).userChange(change as UserChange, 0);
        expectClean(changed({ kind: 'nick', before, after }), ['NICK']);
        expectClean(changed({ kind: 'away', before, after }), ['AWAY']);
        expectClean(changed({ kind: 'account', before, after }), ['ACCOUNT']);
        expectClean(changed({ kind: 'profile', before, after }), ['CHGHOST', 'SETNAME']);
        expectClean(changed({ kind: 'quit', before, reason: text }), ['QUIT']);
      }),
    );
  });

  it('A2 middle parameters: a nick with a blank, a comma, a colon or a sign is one legal word for IRC clients', () => {
    for (const nick of ['a b', ':x', '*', '#x,#y', '@op', '+v', '', '\r\n', 'a!b@c', '~&@%+']) {
      const user: UserView = {
        id,
        address,
        nick,
        ident: nick,
        host: nick,
        realName: nick,
        account: nick,
        away: null,
        network: null,
        bot: false,
      };
      const [line] = encoderWith(user).userChange({ kind: 'away', before: user, after: { ...user, away: 'x' } }, 0);
      const source = parseLine(line!.text)!.source!;
      expect(source, JSON.stringify(nick)).to.match(/^[\p{L}_[\]\\^{}|`][\p{L}\p{N}_[\]\\^{}|`-]*![A-Za-z0-9._~-]+@[\p{L}\p{N}._:/-]+$/u);
    }
  });
});

describe('irc-clients: text of others over sockets', function () {
  this.timeout(40_000);
  let party: IrcParty;
  before(async () => {
    party = await ircParty();
  });
  after(() => party.stop());

  async function everything(web: NativeClient, evil: string): Promise<void> {
    web.send({ type: 'say', room: 'lounge', text: `body${evil}` });
    web.send({ type: 'say', room: 'lounge', text: `act${evil}`, style: 'action' });
    web.send({ type: 'private', to: 'watcher', text: `private${evil}` });
    web.send({ type: 'topic', room: 'lounge', topic: `topic${evil}` });
    web.send({ type: 'away', text: `away${evil}` });
    web.send({ type: 'away', text: null });
    web.send({ type: 'nick', nick: `nick${evil}` });
    web.send({ type: 'ban', room: 'lounge', mask: `mask${evil}`, reason: `reason${evil}` });
    web.send({ type: 'join', room: `room${evil}` });
    web.send({ type: 'configure', room: 'lounge', changes: { title: `title${evil}`, key: `key${evil}` } });
    web.send({ type: 'configure', room: 'lounge', changes: { key: null } });
    web.send({ type: 'leave', room: 'lounge', reason: `reason${evil}` });
    await web.must({ type: 'join', room: 'lounge' });
  }

  it('A1 line injection: an IRC client sees no command that nobody gave, whatever a page sends', async () => {
    const caps = [
      'message-tags',
      'server-time',
      'account-tag',
      'away-notify',
      'extended-join',
      'setname',
      'chghost',
      'account-notify',
      'batch',
    ];
    const watchers = [await party.irc('watcher'), await party.irc('watcher2', { capabilities: caps })];
    for (const watcher of watchers) await watcher.join('#lounge');
    const web = await nativeGuest(party.banyan.port('web'), 'web');
    const greeted = watchers.map((watcher) => watcher.lines.length);
    for (const evil of evils) await everything(web, evil);
    await web.must({ type: 'say', room: 'lounge', text: 'that was all' });
    const meant = ['PRIVMSG', 'TOPIC', 'AWAY', 'NICK', 'MODE', 'JOIN', 'PART'];
    for (const [index, watcher] of watchers.entries()) {
      await watcher.expect('the last message', (line) => line.params[1] === 'that was all');
      const lines = watcher.lines.slice(greeted[index]);
      for (const line of lines) {
        expect(meant, line.raw).to.include(line.command);
        expect(line.raw).to.not.match(/[\0\r]/);
        expect(line.source, line.raw).to.match(/^(?:[^\s!@]+![^\s!@]+@[^\s!@]+|banyan\.example)$/);
        if (['JOIN', 'PART', 'TOPIC', 'MODE'].includes(line.command)) expect(line.params[0], line.raw).to.equal('#lounge');
        expect(Buffer.byteLength(line.raw.replace(/^@[^ ]+ /, ''))).to.be.at.most(510);
      }
      expect(lines.filter((line) => line.params[1]?.startsWith('body') === true).length).to.be.at.least(evils.length);
    }
    web.drop();
  });

  it('A1 line injection: nor by the tags, the real name, the reason or the nick of another IRC client', async () => {
    const watcher = await party.irc('reader', { capabilities: ['message-tags', 'extended-join'] });
    await watcher.join('#den');
    const eve = await party.irc('eve', { realName: ':x\u0001\u2028 y', capabilities: ['message-tags'] });
    eve.send('@+x=\\r\\nQUIT;+bad\u0001key=1;label=z;account=root;msgid=1;time=2001 PRIVMSG #den :one\u2028two\u0001three');
    await eve.join('#den');
    eve.send('@+x=\\r\\nQUIT;+bad\u0001key=1;account=root;msgid=1;time=2001 PRIVMSG #den :one\u2028two\u0001three');
    const seen = await watcher.expect('the message', (line) => line.command === 'PRIVMSG');
    expect(seen.params).to.deep.equal(['#den', 'one\u2028twothree']);
    expect([...seen.tags.keys()].toSorted((a, b) => a.localeCompare(b))).to.deep.equal(['+x', 'msgid']);
    expect(seen.tags.get('msgid')).to.not.equal('1');
    eve.send('KICK #den reader :x');
    eve.send('TOPIC #den :\u0001VERSION\u0001');
    eve.send('PART #den ::\u0001bye\u0001');
    await watcher.expect('the PART', (line) => line.command === 'PART' && line.nick === 'eve');
    expect(watcher.lines.filter((line) => line.nick === 'eve').map((line) => line.command)).to.deep.equal(['JOIN', 'PRIVMSG', 'PART']);
  });

  it('A2 middle parameters: names with blanks, commas, colons and control characters are refused', async () => {
    const ann = await party.irc('ann');
    const commands: readonly (readonly [string, RegExp])[] = [
      ['NICK :a b', /^432$/],
      ['NICK ::x', /^432$/],
      ['NICK *', /^432$/],
      ['NICK a,b', /^432$/],
      ['NICK a\u0001b', /^432$/],
      ['NICK a\u2028b', /^432$/],
      ['NICK :', /^431$/],
      ['JOIN :#a b', /^403$/],
      ['JOIN :#a\u0007', /^403$/],
      ['JOIN #\u202ex', /^403$/],
      ['JOIN #', /^403$/],
      ['MODE #den +k :a b', /^(?:525|482|442)$/],
      ['MODE #den +k :', /^(?:525|696)$/],
      ['MODE #den +o :x y', /^(?:441|482|442|401)$/],
      ['INVITE a,b #den', /^442$/],
    ];
    for (const [command, numeric] of commands) {
      ann.send(command);
      const answers = await ann.sync();
      expect(answers.map((line) => line.command).join(' '), command).to.match(numeric);
      expect(answers[0]!.raw.includes('\u0001')).to.equal(false);
    }
  });
});
