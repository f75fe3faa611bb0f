/** What is said on a link to an IRC server: one line for each line that is meant, and nothing else. */
import { expect } from 'chai';
import fc from 'fast-check';
import { toLines } from '../../plugins/irc-link/bridge/text.ts';
import type { Fact } from '../../plugins/irc-link/model/facts.ts';
import type { NetUser } from '../../plugins/irc-link/model/state.ts';
import { buildCtcp } from '../../plugins/irc/ctcp.ts';
import { parseLine } from '../../plugins/irc/line.ts';
import { safeHost, safeIdent } from '../../plugins/irc/mask.ts';
import { ircNickRules } from '../../plugins/irc/nick.ts';
import { cleanText } from '../../server/plugin.ts';
import { codec } from '../unit/irc-link/support.ts';

const speaker = codec();
const rules = ircNickRules({ caseMapping: 'rfc1459', maxBytes: 30 });

/** Text as an enemy writes it. */
const evil = fc
  .array(
    fc.oneof(
      fc.constantFrom('\r\n', '\n', '\r', '\0', '\u0001', ' ', ':', ' :', '\u2028', '\u0085', ',', '!', '@', ';', '=', '\\', '%', '\ud800'),
      fc.constantFrom('\r\n:0AA KILL 0AAAAAAAB :x', '\nSQUIT 0AA', 'QUIT', '\u0001ACTION x\u0001', '#lounge', '@time=x '),
      fc.string({ unit: 'binary', maxLength: 8 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

/** As the network's server cuts the stream into lines: at every CR or LF. */
function linesOnTheWire(lines: readonly string[]): string[] {
  return `${lines.join('\r\n')}\r\n`.split(/[\r\n]+/).filter((line) => line !== '');
}

/** Facts with free texts of our people, and the command and number of parameters that each must have. */
const said: readonly (readonly [string, (text: string) => Fact, string, number])[] = [
  ['a quit reason', (reason) => ({ kind: 'quit', user: '9BNAAAAAA', reason }), 'QUIT', 1],
  ['a part reason', (reason) => ({ kind: 'part', user: '9BNAAAAAA', channel: '#lounge', reason }), 'PART', 2],
  ['a kick reason', (reason) => ({ kind: 'kick', source: '9BN', channel: '#lounge', user: '0AAAAAAAB', membership: 1, reason }), 'KICK', 4],
  ['a kill reason', (reason) => ({ kind: 'kill', source: '9BN', user: '0AAAAAAAB', reason }), 'KILL', 2],
  ['a topic', (text) => ({ kind: 'topic', source: '9BNAAAAAA', channel: '#lounge', ts: 1, topicTs: 1, text }), 'FTOPIC', 4],
  ['an away text', (text) => ({ kind: 'away', user: '9BNAAAAAA', text }), 'AWAY', 2],
  ['an account', (account) => ({ kind: 'account', source: '9BN', user: '9BNAAAAAA', account }), 'METADATA', 3],
  ['a real name', (realName) => ({ kind: 'profile', user: '9BNAAAAAA', realName }), 'FNAME', 1],
  ['the reason of a split', (reason) => ({ kind: 'split', source: '9BN', server: '9BN', reason }), 'SQUIT', 2],
  ['an error', (text) => ({ kind: 'error', text }), 'ERROR', 1],
  [
    'a message',
    (text) => ({ kind: 'message', source: '9BNAAAAAA', target: { kind: 'channel', name: '#lounge' }, notice: false, text, id: text }),
    'PRIVMSG',
    2,
  ],
  [
    'a user',
    (text) => ({
      kind: 'user',
      server: '9BN',
      id: '9BNAAAAAA',
      nick: rules.legalise(text),
      nickTs: 1,
      ident: safeIdent(text),
      realHost: safeHost(text),
      host: safeHost(text),
      ip: '0.0.0.0',
      signon: 1,
      realName: text,
      account: null,
      away: null,
      bot: false,
    }),
    'UID',
    10,
  ],
];

describe('A1 line injection: a link to an IRC server', () => {
  for (const [what, fact, command, count] of said)
    it(`${what} stays one line of its command`, () => {
      fc.assert(
        fc.property(evil, (text) => {
          const lines = speaker.encode(fact(text));
          expect(linesOnTheWire(lines).length).to.equal(lines.length);
          expect(lines.length).to.equal(1);
          const line = parseLine(lines[0]!);
          expect([line?.command, line?.params.length]).to.deep.equal([command, count]);
          expect(lines[0]).to.not.match(/[\r\n\0]/);
        }),
      );
    });

  it('a message of any text is as many PRIVMSG as it has lines, to that channel, and is no CTCP', () => {
    const from = { nick: 'anna', ident: 'anna', host: 'banyan.example' } as NetUser;
    fc.assert(
      fc.property(evil, fc.constantFrom('normal' as const, 'action' as const, 'notice' as const), (plain, style) => {
        const author = { address: 'banyan://a/~anna', nick: 'anna' } as never;
        const text = cleanText({ plain, spans: [] });
        const texts = toLines({ kind: 'message', author, text, style }, from, '#lounge', 512);
        const lines = texts.flatMap((one) =>
          speaker.encode({
            kind: 'message',
            source: '9BNAAAAAA',
            target: { kind: 'channel', name: '#lounge' },
            notice: style === 'notice',
            text: one,
          }),
        );
        expect(linesOnTheWire(lines).length).to.equal(texts.length);
        for (const raw of lines) {
          const line = parseLine(raw)!;
          expect([line.source, line.command, line.params[0], line.params.length]).to.deep.equal([
            '9BNAAAAAA',
            style === 'notice' ? 'NOTICE' : 'PRIVMSG',
            '#lounge',
            2,
          ]);
          const marks = line.params[1]!.split('\u0001').length - 1;
          expect(marks).to.equal(style === 'action' ? 2 : 0);
          if (style === 'action') expect(line.params[1]).to.match(/^\u0001ACTION /);
        }
      }),
    );
  });

  it('a CTCP of any verb and text is one', () => {
    fc.assert(
      fc.property(evil, evil, (verb, text) => {
        const ctcp = buildCtcp({ verb, text });
        const lines = speaker.encode({
          kind: 'message',
          source: '9BNAAAAAA',
          target: { kind: 'user', user: '0AAAAAAAB' },
          notice: true,
          text: ctcp,
        });
        expect(linesOnTheWire(lines).length).to.equal(1);
        expect(ctcp.split('\u0001').length).to.equal(3);
      }),
    );
  });
});

describe('A2 unprotected parameters: a link to an IRC server', () => {
  it('what is no single word is said not at all, rather than as something else', () => {
    const words = fc.oneof(evil, fc.constantFrom('', 'a b', ':a', '#x,#y', '*'));
    fc.assert(
      fc.property(words, words, (one, two) => {
        const facts: readonly (readonly [Fact, number])[] = [
          [{ kind: 'nick', user: '9BNAAAAAA', nick: one, ts: 5 }, 2],
          [{ kind: 'invite', source: '9BNAAAAAA', user: one, channel: two, ts: 5 }, 4],
          [{ kind: 'kick', source: one, channel: two, user: one, reason: two }, 3],
          [{ kind: 'topic', source: '9BN', channel: one, ts: 5, topicTs: 5, setter: two, text: two }, 5],
          [{ kind: 'part', user: one, channel: two, reason: one }, 2],
          [{ kind: 'profile', user: '9BNAAAAAA', ident: one }, 1],
          [{ kind: 'profile', user: '9BNAAAAAA', host: two }, 1],
          [{ kind: 'message', source: one, target: { kind: 'user', user: two }, notice: false, text: one }, 2],
          [{ kind: 'ping', source: one, target: two }, 1],
        ];
        for (const [fact, count] of facts)
          for (const raw of speaker.encode(fact)) {
            expect(linesOnTheWire([raw]).length).to.equal(1);
            expect(parseLine(raw)?.params.length).to.equal(count);
          }
      }),
    );
  });

  it('a mask, key or limit that is no single word is left out, and the others keep their letters', () => {
    fc.assert(
      fc.property(evil, (mask) => {
        const lines = speaker.encode({
          kind: 'modes',
          source: '9BN',
          channel: '#lounge',
          ts: 5,
          changes: [
            { add: true, mode: 'ban', param: mask },
            { add: true, mode: 'key', param: mask },
            { add: true, mode: 'op', param: '9BNAAAAAA' },
          ],
        });
        for (const raw of lines) {
          const line = parseLine(raw)!;
          const letters = line.params[2]!.replace(/[+-]/g, '');
          expect(line.params.length).to.equal(3 + letters.length);
          expect(line.params.at(-1)).to.equal('9BNAAAAAA');
          expect(letters.at(-1)).to.equal('o');
        }
      }),
    );
  });
});
