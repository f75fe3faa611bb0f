/** The handshake of protocol 1205, by its lines. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { Established, Handshake, HandshakeStep, LinkSide } from '../../../plugins/irc-link/dialect.ts';
import { inspircd } from '../../../plugins/irc-link/dialects/inspircd/index.ts';
import { parseLine } from '../../../plugins/irc/line.ts';
import { now, recorded } from './support.ts';

const us = { name: 'irc.banyan.example', id: '9BN', description: 'Banyan', password: 'out' };

function begin(side: LinkSide = 'dialled'): Handshake {
  return inspircd.handshake(side, side === 'dialled' ? us : undefined, () => now);
}
function feed(handshake: Handshake, ...lines: readonly string[]): HandshakeStep {
  let step: HandshakeStep = { kind: 'more', send: [] };
  for (const line of lines) step = handshake.receive(parseLine(line)!);
  return step;
}

function established(handshake: Handshake, name: string): Established {
  const step = handshake.accept(us, { name, id: '0AA', description: '' });
  if (step.kind !== 'established') throw new Error(step.kind);
  return step.established;
}

describe('InspIRCd handshake', () => {
  it('goes through what a real server says', () => {
    const handshake = begin();
    expect(handshake.begin()).to.deep.equal(['CAPAB START 1205']);
    const lines = recorded('inspircd-link.txt');
    const server = lines.findIndex((line) => line.startsWith('SERVER '));
    const sent: string[] = [];
    for (const line of lines.slice(0, server)) {
      const step = feed(handshake, line);
      if (step.kind === 'more') sent.push(...step.send);
    }
    expect(sent).to.deep.equal(['CAPAB END', 'SERVER irc.banyan.example out 0 9BN Banyan']);
    const step = feed(handshake, lines[server]!);
    expect(step).to.deep.equal({
      kind: 'claims',
      claims: { name: 'inspircd-a.peer.test', password: 'linkpass', id: '0AA', description: 'InspIRCd test peer' },
    });
    const { limits, rules } = established(handshake, 'inspircd-a.peer.test');
    expect([limits.nick, limits.topic, limits.modes]).to.deep.equal([30, 307, 20]);
    expect(rules.modes.byLetter('h')?.name).to.equal('halfop');
    expect(rules.fold('A[B]')).to.equal('a{b}');
  });

  it('answers a peer that dials, and says who we are only after its claims were accepted', () => {
    const handshake = begin('accepted');
    expect(handshake.begin()).to.deep.equal([]);
    expect(feed(handshake, 'CAPAB START 1205')).to.deep.equal({ kind: 'more', send: ['CAPAB START 1205', 'CAPAB END'] });
    const step = feed(handshake, 'CAPAB END', 'SERVER a.example in 0 0AA :A');
    expect(step.kind).to.equal('claims');
    const { send } = established(handshake, 'a.example');
    expect(send).to.deep.equal(['SERVER irc.banyan.example out 0 9BN Banyan']);
  });

  it('works with a peer that announces nothing, by the modes of the core', () => {
    const handshake = begin();
    feed(handshake, 'CAPAB START 1205', 'CAPAB END', 'SERVER a.example in 0 0AA :A');
    const { rules, limits } = established(handshake, 'a.example');
    expect(rules.modes.byName('ban')?.letter).to.equal('b');
    expect(limits.nick).to.equal(30);
  });

  const violations: readonly (readonly [string, readonly string[]])[] = [
    ['an older protocol', ['CAPAB START 1202']],
    ['no protocol', ['CAPAB START']],
    ['CAPAB START twice', ['CAPAB START 1205', 'CAPAB START 1205']],
    ['CAPAB END first', ['CAPAB END']],
    ['lists outside', ['CAPAB CHANMODES :list:ban=b']],
    ['SERVER first', ['SERVER a.example in 0 0AA :A']],
    ['SERVER before CAPAB END', ['CAPAB START 1205', 'SERVER a.example in 0 0AA :A']],
    ['SERVER with too few parameters', ['CAPAB START 1205', 'CAPAB END', 'SERVER a.example in']],
    ['the form of protocol 1206', ['CAPAB START 1205', 'CAPAB END', 'SERVER a.example in 0AA :A']],
    ['SERVER twice', ['CAPAB START 1205', 'CAPAB END', 'SERVER a.example in 0 0AA :A', 'SERVER a.example in 0 0AA :A']],
    ['UID before SERVER', ['CAPAB START 1205', ':0AA UID 0AAAAAAAB']],
    ['endless lists', ['CAPAB START 1205', ...Array.from({ length: 250 }, () => `CAPAB MODULES :${'m_a.so '.repeat(10)}`)]],
  ];
  for (const [what, lines] of violations)
    it(`A20 refuses ${what}`, () => {
      for (const side of ['dialled', 'accepted'] as const) expect(feed(begin(side), ...lines).kind).to.equal('violation');
    });

  it('passes on why the peer refuses', () => {
    expect(feed(begin(), 'ERROR :Closing link (Mismatched password)')).to.deep.equal({
      kind: 'refused',
      reason: 'Closing link (Mismatched password)',
    });
  });

  it('A9 survives any lines in any order', () => {
    const line = fc.oneof(
      fc.constantFrom(
        'CAPAB START 1205',
        'CAPAB END',
        'CAPAB',
        'SERVER',
        'ERROR',
        'SERVER a b c d e f',
        'CAPAB CHANMODES :prefix:9:x=@o prefix:x list:ban',
        'CAPAB CAPABILITIES :NICKMAX=0 CASEMAPPING=none MAXMODES=-4',
      ),
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
