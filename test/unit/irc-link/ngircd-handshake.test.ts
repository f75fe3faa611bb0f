/** The handshake of RFC 2813 with IRC+, by its lines. */
import { expect } from 'chai';
import fc from 'fast-check';
import { dialects } from '../../../plugins/irc-link/dialects/index.ts';
import { parseLine } from '../../../plugins/irc/line.ts';
import { begin, established, feed, peerName, us } from './ngircd-support.ts';
import { recorded } from './support.ts';

const introduction = ['PASS out 0210-IRC+ Banyan|1:CHLMSX P', 'SERVER irc.banyan.example 1 :Banyan'];
const peer = { name: peerName, id: '1', description: '' };
const ready = [
  `:irc.banyan.example 005 ${peerName} CASEMAPPING=ascii CHANTYPES=# :are supported on this server`,
  `:irc.banyan.example 376 ${peerName} :End of MOTD command`,
];

describe('ngIRCd handshake', () => {
  it('goes through what a real server says', () => {
    const handshake = begin();
    expect(handshake.begin()).to.deep.equal(introduction);
    const lines = recorded('ngircd-link.txt');
    expect(feed(handshake, ...lines.slice(0, 2))).to.deep.equal({
      kind: 'claims',
      claims: { name: peerName, password: 'linkpass', id: '1', description: 'ngIRCd test peer' },
    });
    expect(handshake.accept(us, peer)).to.deep.equal({ kind: 'more', send: ready });
    expect(feed(handshake, ...lines.slice(2, 6)).kind).to.equal('established');
  });

  it('takes modes, folding and limits from what the server announces', () => {
    const { limits, rules } = established();
    expect([limits.nick, limits.channel, limits.topic, limits.modes]).to.deep.equal([30, 50, 390, 5]);
    expect(rules.modes.byLetter('h')).to.deep.include({ name: 'halfop', type: 'prefix' });
    expect(rules.modes.byLetter('k')?.type).to.equal('param');
    expect(rules.fold('A[B]')).to.equal('a[b]');
    expect(rules.collisions).to.equal('kill');
  });

  it('says who we are to a peer that dials only after its claims were accepted', () => {
    const handshake = begin('accepted');
    expect(handshake.begin()).to.deep.equal([]);
    const step = feed(handshake, 'PASS in 0210-IRC+ ngIRCd|26.1:CHLMSXZo PZ', `SERVER ${peerName} :A`);
    expect(step.kind).to.equal('claims');
    expect(handshake.accept(us, peer)).to.deep.equal({ kind: 'more', send: [...introduction, ...ready] });
    expect(feed(handshake, `:${peerName} 376 irc.banyan.example :End`).kind).to.equal('established');
  });

  it('links at once with a peer that speaks RFC 2813 alone, within the limits of a server that is not configured', () => {
    const handshake = begin();
    feed(handshake, 'PASS in 0210 IRC|', `SERVER ${peerName} 1 :A`);
    const step = handshake.accept(us, peer);
    expect(step.kind === 'established' && [step.established.limits.nick, step.established.send]).to.deep.equal([9, []]);
  });

  it('A5 never offers compression', () => {
    expect(introduction[0]).to.not.match(/:\S*Z|PZ/);
  });

  it('is told apart from InspIRCd by its first line', () => {
    const speaker = (line: string): string[] =>
      [...dialects.values()].filter((dialect) => dialect.recognises(parseLine(line)!)).map((dialect) => dialect.name);
    expect(speaker('PASS x 0210-IRC+ ngIRCd|26.1:C P')).to.deep.equal(['ngircd']);
    expect(speaker('CAPAB START 1205')).to.deep.equal(['inspircd']);
    expect(speaker('NICK anna')).to.deep.equal([]);
  });

  const violations: readonly (readonly [string, readonly string[]])[] = [
    ['SERVER first', ['SERVER a.example 1 :A']],
    ['PASS twice', ['PASS in', 'PASS in']],
    ['SERVER twice', ['PASS in', 'SERVER a.example 1 :A', 'SERVER a.example 1 :A']],
    ['SERVER with too few parameters', ['PASS in', 'SERVER a.example']],
    ['376 before SERVER', ['PASS in', ':a.example 376 x :End']],
    ['376 before the claims were judged', ['PASS in', 'SERVER a.example 1 :A', ':a.example 376 x :End']],
    ['NICK before SERVER', ['PASS in', ':a.example NICK eve 1 eve h.example 1 + :Eve']],
    ['endless 005', ['PASS in', ...Array.from({ length: 60 }, () => `:a 005 x ${'A=1 '.repeat(10)}:x`)]],
  ];
  for (const [what, lines] of violations)
    it(`A20 refuses ${what}`, () => {
      for (const side of ['dialled', 'accepted'] as const) expect(feed(begin(side), ...lines).kind).to.equal('violation');
    });

  it('passes on why the peer refuses', () => {
    expect(feed(begin(), 'ERROR :Bad password')).to.deep.equal({ kind: 'refused', reason: 'Bad password' });
  });

  it('A9 survives any lines in any order', () => {
    const line = fc.oneof(
      fc.constantFrom(
        'PASS in 0210-IRC+ x|1:CH',
        'SERVER a.example 1 :A',
        'PASS',
        'SERVER',
        '005',
        ':a 005 x PREFIX=(o CHANMODES=,,,',
        '376',
        'ERROR',
      ),
      fc.constantFrom(':a 005 x NICKLEN=0 MODES=-4 PREFIX=()x CHANMODES=b,k', ':a 005 x PREFIX=(ooo)@@@ =x A'),
      fc.string({ unit: 'binary', maxLength: 40 }),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), fc.constantFrom('dialled' as const, 'accepted' as const), (lines, side) => {
        const handshake = begin(side);
        for (const text of lines) {
          const read = parseLine(text);
          const step = read === undefined ? undefined : handshake.receive(read);
          if (step?.kind === 'claims') handshake.accept(us, step.claims);
        }
      }),
    );
  });
});
