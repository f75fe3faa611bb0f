/** Right conversations to begin with: recorded between other programs, recorded from the kit's own peers, and written down. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTranscript, type Peer } from '../kit/index.ts';
import { repository } from '../support/root.ts';
import type { Step } from './mutate.ts';

const fixtures = join(repository, 'test', 'fixtures');

export function steps(texts: readonly string[]): Step[] {
  return texts.map((text) => ({ after: 1, bytes: Buffer.from(text) }));
}

export function lines(texts: readonly string[]): Step[] {
  return steps(texts.map((text) => `${text}\r\n`));
}

/** What the peer said. */
export function stepsOf(transcript: string): Step[] {
  let last = 0;
  return parseTranscript(transcript).flatMap((entry) => {
    if (entry.kind !== 'in') return [];
    const after = entry.at - last;
    last = entry.at;
    return [{ after, bytes: Buffer.concat(entry.pieces.map((piece) => (piece.kind === 'bytes' ? piece.bytes : Buffer.alloc(0)))) }];
  });
}

/** The same with a pause before each step, so that each is answered. */
export function recordedBy(peer: Peer): Step[] {
  return stepsOf(peer.transcript()).map(({ bytes }) => ({ after: 1, bytes }));
}

/** What server A of two real InspIRCd said to server B, under the names that the kit's server has for its peer. */
export function recordedInspircd(handshake: readonly Step[]): Step[] {
  const said = readFileSync(join(fixtures, 'irc-link', 'inspircd-pair.txt'), 'utf8').split('\n');
  const idOf = (side: string): string => said.map((line) => new RegExp(`^${side} SERVER .* (\\d\\w\\w) :`).exec(line)?.[1]).find(Boolean)!;
  const [own, other] = [idOf('A'), idOf('B')];
  const talk = said
    .filter((line) => line.startsWith('A ') && !/^A (?:CAPAB|SERVER)/.test(line))
    .map((line) => line.slice(2).replaceAll(own, '0AA').replaceAll(other, '9BN').replaceAll(/#\w+/g, '#lounge'));
  return [...handshake, ...lines(talk)];
}

/** Dialback for both domains of the kit's server. */
const proofs = ['rooms.chat.example', 'chat.example'].map((to) => `<db:result from='far.example' to='${to}'>key</db:result>`);

/** What a real ngIRCd said over a link, to a server that is `irc.chat.example` now. */
export function recordedNgircd(file: string, formerly: string): Step[] {
  const said = readFileSync(join(fixtures, 'irc-link', file), 'utf8').split('\n');
  const talk = said.filter((line) => line !== '' && !line.startsWith('#'));
  return lines(talk.map((line) => line.replaceAll(formerly, 'irc.chat.example').replaceAll('#shared', '#test')));
}

/**
 * What the sides of real XMPP streams said that opened them (`->`), or the others (`<-`), under the names that the kit's server has for
 * itself and its peer.
 */
export function recordedXmpp(side: '->' | '<-'): Step[][] {
  const folder = join(fixtures, 'xmpp');
  return readdirSync(folder)
    .filter((file) => file.endsWith('.txt'))
    .flatMap((file) => {
      const streams = new Map<string, string[]>();
      for (const line of readFileSync(join(folder, file), 'utf8').split('\n')) {
        const [, stream, opener, sign, other, xml] = /^ *[\d.]+ (#\d+) (\S+) (->|<-) (\S+) (<.*)$/.exec(line) ?? [];
        const from = side === '->' ? opener : other;
        if (
          sign !== side ||
          stream === undefined ||
          from === undefined ||
          xml === undefined ||
          /^<(?:starttls|auth|proceed|success)/.test(xml)
        )
          continue;
        // Without TLS and SASL a stream does not begin anew.
        if (streams.has(stream) === xml.includes('<stream:stream')) continue;
        streams.set(stream, [...(streams.get(stream) ?? []), renamed(xml, from)]);
      }
      return [...streams.values()].map(([header, ...rest]) => steps([header!, ...(side === '->' ? proofs : []), ...rest]));
    });
}

function renamed(xml: string, from: string): string {
  const near = from.replace(/^(?:rooms|conference)\./, '');
  return xml
    .replaceAll(new RegExp(`(?:(?:rooms|conference)\\.)?${near.replaceAll('.', '\\.')}`, 'g'), 'far.example')
    .replaceAll(/(?:rooms|conference)\.(?:prosody|ejabberd)\.example/g, 'rooms.chat.example')
    .replaceAll(/(?:prosody|ejabberd)\.example/g, 'chat.example')
    .replaceAll(/\w+@rooms\.chat\.example/g, 'lounge@rooms.chat.example');
}

/** A client that uses everything once. */
export const ircClientConversation = lines([
  'CAP LS 302',
  'NICK fred',
  'USER fred 0 * :Fred',
  'CAP REQ :message-tags server-time echo-message batch labeled-response draft/chathistory multi-prefix userhost-in-names sasl',
  'CAP END',
  'JOIN #lounge,#other key',
  '@label=1;+typing=active TAGMSG #lounge',
  '@label=2 PRIVMSG #lounge :hello \x02bold\x02 \x0304,05red\x03',
  'PRIVMSG alice,witness :\x01ACTION waves\x01',
  'NOTICE alice :\x01PING 123\x01',
  'NICK frederick',
  'MODE #other +ovb-k+l alice witness *!*@example key 5',
  'MODE #other b',
  'MODE frederick +i',
  'TOPIC #other :a topic',
  'INVITE witness #other',
  'KICK #other witness,alice :out',
  'CHATHISTORY LATEST #lounge * 10',
  'CHATHISTORY BETWEEN #lounge timestamp=2023-01-01T00:00:00.000Z msgid=abc 5',
  'CHATHISTORY TARGETS timestamp=2023-01-01T00:00:00.000Z timestamp=2033-01-01T00:00:00.000Z 5',
  'MARKREAD #lounge timestamp=2023-01-01T00:00:00.000Z',
  'MONITOR + alice,nobody',
  'WHO #lounge %tcuihsnfdlaor,42',
  'WHOIS witness witness',
  'WHOWAS nobody',
  'USERHOST alice witness',
  'ISON alice nobody',
  'LIST >1,U<5,*lo*',
  'NAMES #lounge',
  'AWAY :for a while',
  'SETNAME :Somebody else',
  'REGISTER * * password',
  'LUSERS',
  'MOTD',
  'VERSION',
  'ADMIN',
  'TIME',
  'PING :x',
  'PART #lounge :bye',
  'QUIT :gone',
]);

/** One that signs in before it registers. */
export const ircLoginConversation = lines([
  'CAP REQ :sasl',
  'NICK fred',
  'USER fred 0 * :Fred',
  'AUTHENTICATE PLAIN',
  'AUTHENTICATE AGZyZWQAc2VjcmV0',
  'AUTHENTICATE SCRAM-SHA-256',
  'AUTHENTICATE biwsbj1mcmVkLHI9cm9wcm5HZndFYmVSV2did05rcU8=',
  'AUTHENTICATE *',
  'PASS fred:secret',
  'CAP END',
]);

/** A page that uses everything once. */
export const webConversation = steps(
  [
    { type: 'guest', nick: 'fred' },
    { type: 'join', room: 'lounge' },
    { type: 'join', room: 'other', key: 'x' },
    { type: 'say', room: 'lounge', text: 'hello *bold* https://example.org/ `code`', style: 'action' },
    { type: 'private', to: 'alice', text: 'hello' },
    { type: 'nick', nick: 'frederick' },
    { type: 'away', text: 'lunch' },
    { type: 'away', text: null },
    { type: 'topic', room: 'other', topic: 'a topic' },
    { type: 'configure', room: 'other', changes: { title: 'T', moderated: true, key: 'k', limit: 5, history: 'joined', showJoins: false } },
    { type: 'grant', room: 'other', user: 'frederick', operator: true, voice: false },
    { type: 'affiliation', room: 'other', user: 'banyan://chat.example/~fred', affiliation: 'admin' },
    { type: 'ban', room: 'other', mask: '*!*@example', reason: 'r' },
    { type: 'unban', room: 'other', mask: '*!*@example' },
    { type: 'bans', room: 'other' },
    { type: 'invite', room: 'other', user: 'alice', reason: 'come' },
    { type: 'kick', room: 'other', user: 'alice', reason: 'out', ban: true },
    { type: 'read', room: 'lounge', number: 1 },
    { type: 'history', room: 'lounge', after: 0, limit: 10 },
    { type: 'history', room: 'banyan://chat.example/@lounge', before: 9 },
    { type: 'private-history', with: 'alice', before: 5 },
    { type: 'rooms' },
    { type: 'who', user: 'alice' },
    { type: 'typing', room: 'lounge', state: 'active' },
    { type: 'command', name: 'help', args: 'x', room: 'lounge' },
    { type: 'leave', room: 'lounge', reason: 'bye' },
    { type: 'sign-out' },
    { type: 'register', name: 'frieda', password: 'a long password', stay: true },
    { type: 'sign-in', name: 'frieda', password: 'a long password' },
    { type: 'token', token: 'x' },
    { type: 'ping' },
  ].map((frame, id) => JSON.stringify({ ...frame, id })),
);
