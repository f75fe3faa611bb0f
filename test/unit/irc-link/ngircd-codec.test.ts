/** The ngIRCd dialect: lines and facts. */
import { expect } from 'chai';
import fc from 'fast-check';
import { decoders, ignored } from '../../../plugins/irc-link/dialects/ngircd/decode.ts';
import type { Fact, ModeChange } from '../../../plugins/irc-link/model/facts.ts';
import { parseLine } from '../../../plugins/irc/line.ts';
import { established, NgircdModel, peerName, us } from './ngircd-support.ts';
import { now, recorded } from './support.ts';

const { codec: speaker } = established();
const { state } = new NgircdModel();

/** What the lines of a fact say, read back. Whoever the state does not know is called what the fact calls it. */
function roundTrip(fact: Fact): readonly Fact[] {
  return speaker.encode(fact, state).flatMap((line) => {
    const decoded = speaker.decode(parseLine(line)!);
    if (typeof decoded === 'string') throw new Error(`${decoded}: ${line}`);
    return decoded;
  });
}

const server = fc.constantFrom('hub.example', 'leaf.example');
const nick = fc.stringMatching(/^[a-z][a-z0-9|-]{0,8}$/);
const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const channel = word.map((name) => `#${name}`);
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).map((raw) => raw.replace(/[\r\n\0]/g, '.'));
const mask = word.map((name) => `*!*@${name}.example`);
const change: fc.Arbitrary<ModeChange> = fc.oneof(
  fc.record({ add: fc.boolean(), mode: fc.constantFrom('op', 'voice', 'halfop', 'admin', 'founder'), param: nick }),
  fc.record({ add: fc.boolean(), mode: fc.constantFrom('ban', 'banexception', 'invex'), param: mask }),
  fc.record({ add: fc.boolean(), mode: fc.constant('key'), param: word }),
  fc.record({ add: fc.constant(true), mode: fc.constant('limit'), param: fc.integer({ min: 1, max: 999 }).map(String) }),
  fc.record({ add: fc.boolean(), mode: fc.constantFrom('moderated', 'secret', 'topiclock', 'noextmsg', 'inviteonly') }),
);
const status = fc.uniqueArray(fc.constantFrom('founder', 'admin', 'op', 'halfop', 'voice'), { maxLength: 3 });
const target = fc.oneof(
  fc.record({ kind: fc.constant('channel' as const), name: channel }),
  fc.record({ kind: fc.constant('user' as const), user: nick }),
);

type Said = 'split' | 'nick' | 'account' | 'quit' | 'kill' | 'part' | 'kick' | 'topic' | 'invite' | 'message' | 'error';
const facts: { readonly [Kind in Said]: fc.Arbitrary<Extract<Fact, { kind: Kind }>> } = {
  split: fc.record({ kind: fc.constant('split'), source: server, server, reason: text }),
  nick: fc.record({ kind: fc.constant('nick'), user: nick, nick, ts: fc.constant(null) }),
  account: fc.record({ kind: fc.constant('account'), source: server, user: nick, account: fc.option(word) }),
  quit: fc.record({ kind: fc.constant('quit'), user: nick, reason: text }),
  kill: fc.record({ kind: fc.constant('kill'), source: nick, user: nick, reason: text }),
  part: fc.record({ kind: fc.constant('part'), user: nick, channel, reason: text }),
  kick: fc.record({ kind: fc.constant('kick'), source: nick, channel, user: nick, reason: text }),
  topic: fc.record({ kind: fc.constant('topic'), source: nick, channel, ts: fc.constant(null), topicTs: fc.constant(null), text }),
  invite: fc.record({ kind: fc.constant('invite'), source: nick, user: nick, channel, ts: fc.constant(null) }),
  message: fc.record({ kind: fc.constant('message'), source: nick, target, notice: fc.boolean(), text }),
  error: fc.record({ kind: fc.constant('error'), text }),
};

describe('ngIRCd codec', () => {
  for (const [kind, arbitrary] of Object.entries(facts))
    it(`says ${kind} so that it is read as the same`, () => {
      fc.assert(
        fc.property(arbitrary as fc.Arbitrary<Fact>, (fact) => {
          expect(roundTrip(fact)).to.deep.equal([fact]);
        }),
      );
    });

  it('says modes in lines of at most five parameters, in order', () => {
    fc.assert(
      fc.property(nick, channel, fc.array(change, { minLength: 1, maxLength: 12 }), (source, name, changes) => {
        const read = roundTrip({ kind: 'modes', source, channel: name, ts: null, changes }) as Extract<Fact, { kind: 'modes' }>[];
        expect(read.flatMap((fact) => fact.changes)).to.deep.equal(changes);
        expect(new Set(read.map((fact) => fact.source))).to.deep.equal(new Set([source]));
      }),
    );
  });

  it('says thousands of members with all their signs, in lines that keep within 512 bytes, each once', () => {
    fc.assert(
      fc.property(fc.array(status, { minLength: 1, maxLength: 3_000 }), (all) => {
        const members = all.map((one, n) => ({ user: `nick${n}`, status: one }));
        const fact: Fact = { kind: 'members', source: 'hub.example', channel: '#lounge', ts: null, modes: [], members };
        for (const line of speaker.encode(fact, state)) expect(Buffer.byteLength(line)).to.be.at.most(510);
        const read = roundTrip(fact) as Extract<Fact, { kind: 'members' }>[];
        expect(read.flatMap((one) => one.members)).to.deep.equal(members);
      }),
      { numRuns: 5 },
    );
  });

  it('says a user, and the account in a line of its own', () => {
    const user: Fact = {
      kind: 'user',
      server: us.id,
      id: '!us-0',
      nick: 'anna',
      nickTs: 10,
      ident: 'anna',
      realHost: 'shown.example',
      host: 'shown.example',
      ip: '0.0.0.0',
      signon: 9,
      realName: ':Anna A.',
      account: 'anna-a',
      away: 'tea',
      bot: true,
    };
    expect(speaker.encode(user, state)).to.deep.equal([
      ':irc.banyan.example NICK anna 1 anna shown.example 1 +iaB ::Anna A.',
      ':irc.banyan.example METADATA anna accountname :anna-a',
    ]);
    expect(roundTrip(user)).to.deep.equal([
      { ...user, server: '1', id: null, nickTs: null, ip: 'shown.example', signon: 0, account: null, away: 'Away' },
      { kind: 'account', source: us.name, user: 'anna', account: 'anna-a' },
    ]);
  });

  it('says being away as a mode: the text does not travel', () => {
    expect(speaker.encode({ kind: 'away', user: 'anna', text: 'tea' }, state)).to.deep.equal([':anna MODE anna +a']);
    expect(speaker.encode({ kind: 'away', user: 'anna', text: null }, state)).to.deep.equal([':anna MODE anna -a']);
    expect(speaker.decode(parseLine(':bob MODE bob :+wa-i')!)).to.deep.equal([{ kind: 'away', user: 'bob', text: 'Away' }]);
    expect(speaker.decode(parseLine(':bob MODE bob :-a')!)).to.deep.equal([{ kind: 'away', user: 'bob', text: null }]);
    expect(speaker.decode(parseLine(':bob MODE bob :+w')!)).to.deep.equal([]);
  });

  it('leaves out what the protocol has no words for, rather than say something else', () => {
    const unsaid: Fact[] = [
      { kind: 'typing', source: 'anna', target: { kind: 'channel', name: '#a' }, state: 'active' },
      { kind: 'message', source: 'anna', target: { kind: 'channel', name: '#a', status: 'op' }, notice: false, text: 'for operators' },
      { kind: 'quit', user: '!us-7', reason: 'of somebody who is gone' },
      { kind: 'save', source: us.id, user: 'anna', ts: 5 },
    ];
    for (const fact of unsaid) expect(speaker.encode(fact, state), fact.kind).to.deep.equal([]);
  });

  it('reads key and limit of a channel by their places', () => {
    const read = (line: string): unknown => speaker.decode(parseLine(line)!);
    const fact = (modes: ModeChange[], topic: string): Fact => ({ kind: 'channel', source: peerName, channel: '#a', modes, topic });
    const limit = { add: true, mode: 'limit', param: '50' };
    const key = { add: true, mode: 'key', param: 'k' };
    expect(read(`:${peerName} CHANINFO #a +l * 50 :hello topic`)).to.deep.equal([fact([limit], 'hello topic')]);
    expect(read(`:${peerName} CHANINFO #a +lk k 50 :`)).to.deep.equal([fact([limit, key], '')]);
    expect(read(`:${peerName} CHANINFO #a +n :hi`)).to.deep.equal([fact([{ add: true, mode: 'noextmsg' }], 'hi')]);
    expect(read(`:${peerName} CHANINFO #a +n`)).to.deep.equal([fact([{ add: true, mode: 'noextmsg' }], '')]);
    expect(read(`:${peerName} CHANINFO #a +n x`)).to.deep.equal([fact([{ add: true, mode: 'noextmsg' }], 'x')]);
    expect(read(`:${peerName} CHANINFO #a +k x 1`)).to.equal('malformed');
    expect(read(`:${peerName} CHANINFO &a +n :local`)).to.deep.equal([]);
  });

  it('tells a collision from a kill', () => {
    const read = (line: string): unknown => speaker.decode(parseLine(line)!);
    expect(read(`:${peerName} KILL eve :Nick collision`)).to.deep.equal([{ kind: 'collision', source: peerName, nick: 'eve' }]);
    expect(read(':opal KILL eve :Nick collision')).to.deep.equal([{ kind: 'kill', source: 'opal', user: 'eve', reason: 'Nick collision' }]);
    expect(read(`:${peerName} KILL eve :spam`)).to.deep.equal([{ kind: 'kill', source: peerName, user: 'eve', reason: 'spam' }]);
  });

  it('reads services, as ngIRCd tells of them and as RFC 2813 does', () => {
    const read = (line: string): unknown => {
      const decoded = speaker.decode(parseLine(line)!);
      return typeof decoded === 'string'
        ? decoded
        : decoded.map((fact) => (fact.kind === 'user' ? [fact.nick, fact.ident, fact.host, fact.realName] : fact));
    };
    expect(read(`:${peerName} SERVICE NickServ!nicks@services.example 2 * +io 2 :Nicks`)).to.deep.equal([
      ['NickServ', 'nicks', 'services.example', 'Nicks'],
    ]);
    expect(read(`:${peerName} SERVICE NickServ 2 * +io 2 :Nicks`)).to.deep.equal([['NickServ', 'service', 'services', 'Nicks']]);
    for (const mask of ['NickServ!nicks', '!nicks@h', 'a!b!c@d', '#x!y@z'])
      expect(read(`:${peerName} SERVICE ${mask} 2 * + 2 :x`), mask).to.equal('malformed');
  });

  it('reads bans of the network, which end in so many seconds or never, and their lifting', () => {
    const read = (line: string): unknown => speaker.decode(parseLine(line)!);
    expect(read(':opal GLINE *!*@bad.example 60 :spam')).to.deep.equal([
      { kind: 'network-ban', source: 'opal', ban: 'bar', name: 'G-line', mask: '*!*@bad.example', setAt: now, seconds: 60, reason: 'spam' },
    ]);
    expect(read(':opal GLINE *!*@bad.example')).to.deep.equal([
      { kind: 'network-unban', source: 'opal', name: 'G-line', mask: '*!*@bad.example' },
    ]);
    expect(read(':opal GLINE *!*@bad.example soon :spam')).to.equal('malformed');
  });

  it('reads whatever real servers said', () => {
    const lines = [...recorded('ngircd-link.txt').slice(6), ...recorded('ngircd-pair.txt').slice(2)];
    expect(lines.filter((line) => typeof speaker.decode(parseLine(line)!) === 'string')).to.deep.equal([]);
  });

  it('writes what fits: no line is longer than 512 bytes, whatever the text', () => {
    const long = fc.string({ unit: 'grapheme', minLength: 200, maxLength: 900 });
    fc.assert(
      fc.property(long, (reason) => {
        const all: Fact[] = [
          { kind: 'quit', user: 'anna', reason },
          { kind: 'kick', source: 'hub.example', channel: '#lounge', user: 'eve', reason },
          { kind: 'topic', source: 'anna', channel: '#lounge', ts: 1, topicTs: 2, text: reason },
          { kind: 'profile', user: 'anna', realName: reason },
          { kind: 'kill', source: 'hub.example', user: 'eve', reason },
          { kind: 'error', text: reason },
        ];
        for (const line of all.flatMap((fact) => speaker.encode(fact, state))) expect(Buffer.byteLength(line)).to.be.at.most(510);
      }),
      { numRuns: 50 },
    );
  });
});

describe('A9 ngIRCd lines of a peer that lies', () => {
  const commands = [...decoders.keys(), ...ignored, 'NOSUCH', '001', '433'];
  const param = fc.oneof(
    fc.constantFrom(
      '',
      '*',
      '#a',
      '#a\u0007o',
      '&a',
      '1',
      '0',
      '-1',
      '99999999999999999999',
      '+ov',
      '+b-b',
      '@+anna',
      '@',
      '!us-0',
      '!0',
      ',',
      ':',
    ),
    fc.string({ unit: 'binary', maxLength: 20 }),
  );

  it('never throws, for every command with 0 to 15 parameters', () => {
    for (const command of commands)
      for (let count = 0; count <= 15; count++)
        fc.assert(
          fc.property(fc.array(param, { minLength: count, maxLength: count }), fc.option(param, { nil: undefined }), (params, source) => {
            const decoded = speaker.decode({ tags: new Map(), source, command, params });
            expect(decoded === 'unknown' || decoded === 'malformed' || Array.isArray(decoded)).to.equal(true);
          }),
          { numRuns: 12 },
        );
  });

  it('never throws for lines that are cut anywhere, or have bytes changed', () => {
    const lines = recorded('ngircd-link.txt');
    for (const line of lines)
      for (let cut = 1; cut < line.length; cut += 3) {
        const read = parseLine(line.slice(0, cut));
        if (read !== undefined) speaker.decode(read);
      }
    fc.assert(
      fc.property(fc.constantFrom(...lines), fc.nat(400), fc.string({ unit: 'binary', maxLength: 3 }), (line, at, inserted) => {
        const read = parseLine(line.slice(0, at) + inserted + line.slice(at + 1));
        if (read !== undefined) speaker.decode(read);
      }),
      { numRuns: 2_000 },
    );
  });

  it('means nobody of ours by a word that is no nick', () => {
    for (const line of [
      `:${peerName} KILL !us-0 :x`,
      `:${peerName} KICK #a !us-0 :x`,
      `:${peerName} NJOIN #a :@!us-0`,
      `:${peerName} METADATA !us-0 accountname :x`,
      `:${peerName} PRIVMSG !us-0 :x`,
    ])
      expect(speaker.decode(parseLine(line)!), line).to.equal('malformed');
    expect(speaker.decode(parseLine(':!us-0 QUIT :x')!)).to.deep.equal([{ kind: 'quit', user: '', reason: 'x' }]);
  });
});
