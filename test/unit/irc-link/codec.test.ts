/** The InspIRCd dialect: lines and facts. */
import { expect } from 'chai';
import fc from 'fast-check';
import { inspircd } from '../../../plugins/irc-link/dialects/inspircd/index.ts';
import { decoders, ignored } from '../../../plugins/irc-link/dialects/inspircd/decode.ts';
import type { Fact, ModeChange, NetBanKind } from '../../../plugins/irc-link/model/facts.ts';
import { parseLine } from '../../../plugins/irc/line.ts';
import { codec, recorded } from './support.ts';

const speaker = codec();

/** What the lines of a fact say, read back. */
function roundTrip(fact: Fact): readonly Fact[] {
  return speaker.encode(fact).flatMap((line) => {
    const decoded = speaker.decode(parseLine(line)!);
    if (typeof decoded === 'string') throw new Error(`${decoded}: ${line}`);
    return decoded;
  });
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const serverId = fc.constantFrom('0AA', '9BN', '1ZZ');
const userId = fc.integer({ min: 0, max: 60_000_000 }).map((n) => inspircd.userId('9BN', n));
const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const channel = word.map((name) => `#${name}`);
const time = fc.integer({ min: 1, max: 2_000_000_000 });
/** Text as it can stand in one line. */
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).map((raw) => raw.replace(/[\r\n\0]/g, '.'));
const mask = word.map((name) => `*!*@${name}.example`);
const change: fc.Arbitrary<ModeChange> = fc.oneof(
  fc.record({ add: fc.boolean(), mode: fc.constantFrom('op', 'voice', 'halfop', 'admin', 'founder'), param: userId }),
  fc.record({ add: fc.boolean(), mode: fc.constantFrom('ban', 'banexception', 'invex'), param: mask }),
  fc.record({ add: fc.boolean(), mode: fc.constant('key'), param: word }),
  fc.record({ add: fc.constant(true), mode: fc.constant('limit'), param: time.map(String) }),
  fc.record({ add: fc.constant(false), mode: fc.constant('limit') }),
  fc.record({ add: fc.boolean(), mode: fc.constantFrom('moderated', 'secret', 'topiclock', 'noextmsg', 'inviteonly') }),
);
const changes = fc.array(change, { minLength: 1, maxLength: 8 });
const target = fc.oneof(
  fc.record({ kind: fc.constant('channel' as const), name: channel }),
  fc.record({ kind: fc.constant('channel' as const), name: channel, status: fc.constantFrom('op', 'voice') }),
  fc.record({ kind: fc.constant('user' as const), user: userId }),
);

const facts: {
  readonly [Kind in Exclude<Fact['kind'], 'profile' | 'members' | 'user' | 'channel' | 'collision'>]: fc.Arbitrary<
    Extract<Fact, { kind: Kind }>
  >;
} = {
  server: fc.record({
    kind: fc.constant('server'),
    id: serverId,
    name: word.map((n) => `${n}.example`),
    description: text,
    uplink: serverId,
  }),
  burst: fc.record({ kind: fc.constant('burst'), server: serverId, clock: time }),
  'end-of-burst': fc.record({ kind: fc.constant('end-of-burst'), server: serverId }),
  split: fc.record({ kind: fc.constant('split'), source: serverId, server: serverId, reason: text }),
  nick: fc.record({ kind: fc.constant('nick'), user: userId, nick: word, ts: time }),
  save: fc.record({ kind: fc.constant('save'), source: serverId, user: userId, ts: time }),
  'force-nick': fc.record({ kind: fc.constant('force-nick'), source: serverId, user: userId, nick: word }),
  'force-visit': fc.oneof(
    fc.record({
      kind: fc.constant('force-visit'),
      source: serverId,
      user: userId,
      channel,
      join: fc.constant(true),
      reason: fc.constant(''),
    }),
    fc.record({ kind: fc.constant('force-visit'), source: serverId, user: userId, channel, join: fc.constant(false), reason: text }),
  ),
  'network-ban': fc
    .tuple(
      fc.constantFrom(
        ['bar', 'G-line'],
        ['bar', 'K-line'],
        ['bar', 'Z-line'],
        ['exempt', 'E-line'],
        ['reserve', 'Q-line'],
        ['silence', 'shun'],
      ) as fc.Arbitrary<[NetBanKind, string]>,
      fc.record({ source: serverId, mask, setAt: time, seconds: fc.nat(), reason: text }),
    )
    .map(([[ban, name], rest]) => ({ kind: 'network-ban', ban, name, ...rest })),
  'network-unban': fc.record({ kind: fc.constant('network-unban'), source: serverId, name: fc.constantFrom('G-line', 'shun'), mask }),
  away: fc.record({ kind: fc.constant('away'), user: userId, text: fc.option(text) }),
  account: fc.record({ kind: fc.constant('account'), source: serverId, user: userId, account: fc.option(word) }),
  quit: fc.record({ kind: fc.constant('quit'), user: userId, reason: text }),
  kill: fc.record({ kind: fc.constant('kill'), source: serverId, user: userId, reason: text }),
  part: fc.record({ kind: fc.constant('part'), user: userId, channel, reason: text }),
  kick: fc.record({ kind: fc.constant('kick'), source: userId, channel, user: userId, membership: fc.nat(), reason: text }),
  modes: fc.record({ kind: fc.constant('modes'), source: serverId, channel, ts: time, changes }),
  topic: fc.record({ kind: fc.constant('topic'), source: serverId, channel, ts: time, topicTs: time, setter: word, text }),
  invite: fc.record({ kind: fc.constant('invite'), source: userId, user: userId, channel, ts: time }),
  message: fc.record({
    kind: fc.constant('message'),
    source: userId,
    target,
    notice: fc.boolean(),
    text,
    time: time.map((seconds) => seconds * 1_000),
    id: word,
  }),
  typing: fc.record({ kind: fc.constant('typing'), source: userId, target, state: fc.constantFrom('active', 'paused', 'done') }),
  ping: fc.record({ kind: fc.constant('ping'), source: serverId, target: serverId }),
  pong: fc.record({ kind: fc.constant('pong'), source: serverId, target: serverId }),
  'idle-question': fc.record({ kind: fc.constant('idle-question'), source: userId, user: userId }),
  'idle-answer': fc.record({ kind: fc.constant('idle-answer'), user: userId, asker: userId, signon: time, idle: fc.nat() }),
  error: fc.record({ kind: fc.constant('error'), text }),
};

describe('InspIRCd codec', () => {
  for (const [kind, arbitrary] of Object.entries(facts))
    it(`says ${kind} so that it is read as the same`, () => {
      fc.assert(
        fc.property(arbitrary as fc.Arbitrary<Fact>, (fact) => {
          expect(roundTrip(fact)).to.deep.equal([fact]);
        }),
      );
    });

  it('says a profile in a line for each part', () => {
    const fact: Fact = { kind: 'profile', user: '9BNAAAAAA', ident: 'id', host: 'h.example', realName: 'Real name' };
    expect(Object.assign({}, ...roundTrip(fact))).to.deep.equal(fact);
  });

  it('says a user with account and away', () => {
    const user: Fact = {
      kind: 'user',
      server: '9BN',
      id: '9BNAAAAAA',
      nick: 'anna',
      nickTs: 10,
      ident: 'anna',
      realHost: 'real.example',
      host: 'shown.example',
      ip: '0.0.0.0',
      signon: 9,
      realName: ':Anna A.',
      account: 'anna',
      away: 'tea',
      bot: true,
    };
    expect(roundTrip(user)).to.deep.equal([
      { ...user, account: null, away: null },
      { kind: 'account', source: '9BN', user: '9BNAAAAAA', account: 'anna' },
      { kind: 'away', user: '9BNAAAAAA', text: 'tea' },
    ]);
  });

  it('says thousands of members in lines that keep within 512 bytes, each once', () => {
    const members = Array.from({ length: 3_000 }, (_, n) => ({
      user: inspircd.userId('9BN', n),
      status: n % 3 === 0 ? ['op', 'voice'] : [],
      membership: n,
    }));
    const modes: ModeChange[] = [
      { add: true, mode: 'moderated' },
      { add: true, mode: 'key', param: 'secret' },
    ];
    const fact: Fact = { kind: 'members', source: '9BN', channel: '#lounge', ts: 5, modes, members };
    for (const line of speaker.encode(fact)) expect(Buffer.byteLength(line)).to.be.at.most(510);
    const read = roundTrip(fact) as Extract<Fact, { kind: 'members' }>[];
    expect(read.flatMap((one) => one.members)).to.deep.equal(members);
    expect(read.map((one) => one.modes).filter((one) => one.length > 0)).to.deep.equal([modes]);
  });

  it('gives every user an id of its own over the whole range', () => {
    const ids = new Set(Array.from({ length: 50_000 }, (_, n) => inspircd.userId('9BN', n * 1_001)));
    expect(ids.size).to.equal(50_000);
    for (const id of ids) expect(id).to.match(/^9BN[A-Z][A-Z0-9]{5}$/);
  });

  it('reads whatever a real InspIRCd said', () => {
    const unread = recorded('inspircd-link.txt').filter((text) => {
      const line = parseLine(text)!;
      // A topic change by a person has no setter; the handshake is not the codec's.
      return line.command !== 'SERVER' && typeof speaker.decode(line) === 'string';
    });
    expect(unread).to.deep.equal([]);
  });

  it('writes what fits: no line is longer than 512 bytes, whatever the text', () => {
    const long = fc.string({ unit: 'grapheme', minLength: 200, maxLength: 900 });
    fc.assert(
      fc.property(long, (reason) => {
        const all: Fact[] = [
          { kind: 'quit', user: '9BNAAAAAA', reason },
          { kind: 'kick', source: '9BN', channel: '#lounge', user: '0AAAAAAAB', reason },
          { kind: 'topic', source: '9BNAAAAAA', channel: '#lounge', ts: 1, topicTs: 2, text: reason },
          { kind: 'away', user: '9BNAAAAAA', text: reason },
          { kind: 'kill', source: '9BN', user: '0AAAAAAAB', reason },
          { kind: 'error', text: reason },
        ];
        for (const line of all.flatMap((fact) => speaker.encode(fact))) expect(Buffer.byteLength(line)).to.be.at.most(510);
      }),
      { numRuns: 50 },
    );
  });

  it('A21 leaves out a time that is none', () => {
    for (const time of [Number.NaN, 9e15, -9e15, Number.POSITIVE_INFINITY])
      expect(
        speaker.encode({ kind: 'message', source: '9BNAAAAAA', target: { kind: 'channel', name: '#a' }, notice: false, text: 'x', time }),
      ).to.deep.equal([':9BNAAAAAA PRIVMSG #a :x']);
  });
});

describe('A9 InspIRCd lines of a peer that lies', () => {
  const commands = [...decoders.keys(), ...ignored, 'NOSUCH', '001', 'SERVER'];
  const param = fc.oneof(
    fc.constantFrom(
      '',
      '*',
      '#a',
      '0AA',
      '9BN',
      '0AAAAAAAB',
      '9BNAAAAAA',
      '0',
      '-1',
      '99999999999999999999',
      '+ov',
      '+b-b',
      'o,0AAAAAAAB:1',
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
            const decoded = speaker.decode({
              tags: new Map([
                ['time', 'x'],
                ['+typing', 'y'],
              ]),
              source,
              command,
              params,
            });
            expect(decoded === 'unknown' || decoded === 'malformed' || Array.isArray(decoded)).to.equal(true);
          }),
          { numRuns: 12 },
        );
  });

  it('never throws for lines that are cut anywhere, or have bytes changed', () => {
    for (const text of recorded('inspircd-link.txt')) {
      for (let cut = 1; cut < text.length; cut += 3) {
        const line = parseLine(text.slice(0, cut));
        if (line !== undefined) speaker.decode(line);
      }
    }
    fc.assert(
      fc.property(
        fc.constantFrom(...recorded('inspircd-link.txt')),
        fc.nat(400),
        fc.string({ unit: 'binary', maxLength: 3 }),
        (text, at, inserted) => {
          const line = parseLine(text.slice(0, at) + inserted + text.slice(at + 1));
          if (line !== undefined) speaker.decode(line);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('takes no user whose id is not of the server that introduces it', () => {
    for (const text of [
      ':0AA UID 9BNAAAAAB 5 eve h.example h.example eve 127.0.0.1 5 + :Eve',
      ':0AA UID 1BBAAAAAB 5 eve h.example h.example eve 127.0.0.1 5 + :Eve',
      ':0AA UID 0AAAAAAAB 0 eve h.example h.example eve 127.0.0.1 5 + :Eve',
      ':0AA UID 0AAAAAAAB 5 e!e h.example h.example eve 127.0.0.1 5 + :Eve',
      `:0AA UID 0AAAAAAAB 5 ${letters.repeat(6)} h.example h.example eve 127.0.0.1 5 + :Eve`,
    ])
      expect(speaker.decode(parseLine(text)!), text).to.equal('malformed');
  });
});
