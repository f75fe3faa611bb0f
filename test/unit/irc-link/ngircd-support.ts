/** The ngIRCd dialect as a recorded server spoke it. */
import type { Established, Handshake, HandshakeStep, LinkSide } from '../../../plugins/irc-link/dialect.ts';
import { ngircd } from '../../../plugins/irc-link/dialects/ngircd/index.ts';
import { applyFact } from '../../../plugins/irc-link/model/apply.ts';
import type { Effect } from '../../../plugins/irc-link/model/effects.ts';
import type { Fact } from '../../../plugins/irc-link/model/facts.ts';
import type { Side } from '../../../plugins/irc-link/model/sides.ts';
import { openNetState, type NetState } from '../../../plugins/irc-link/model/state.ts';
import { parseLine } from '../../../plugins/irc/line.ts';
import { now, recorded } from './support.ts';

export const peerName = 'ngircd-a.peer.test';
export const us = { name: 'irc.banyan.example', id: 'irc.banyan.example', description: 'Banyan', password: 'out' };

export function begin(side: LinkSide = 'dialled'): Handshake {
  return ngircd.handshake(side, side === 'dialled' ? us : undefined, () => now);
}
export function feed(handshake: Handshake, ...lines: readonly string[]): HandshakeStep {
  let step: HandshakeStep = { kind: 'more', send: [] };
  for (const line of lines) step = handshake.receive(parseLine(line)!);
  return step;
}

/** As after the handshake with the recorded server. */
export function established(): Established {
  const handshake = begin();
  const lines = recorded('ngircd-link.txt');
  feed(handshake, ...lines.slice(0, 2));
  handshake.accept(us, { name: peerName, id: '1', description: '' });
  const step = feed(handshake, ...lines.slice(2, 6));
  if (step.kind !== 'established') throw new Error(step.kind);
  return step.established;
}

/** A network in which we are irc.banyan.example and the recorded server is the peer. */
export class NgircdModel {
  readonly #established = established();
  readonly state: NetState = openNetState(this.#established.rules, us, { id: '1', name: peerName, description: '' });
  readonly sent: string[] = [];

  apply(fact: Fact, side: Side): readonly Effect[] {
    return applyFact(this.state, fact, side);
  }
  theirs(...lines: readonly string[]): Effect[] {
    return lines.flatMap((text) => {
      const decoded = this.#established.codec.decode(parseLine(text)!);
      if (typeof decoded === 'string') throw new Error(`${decoded}: ${text}`);
      return decoded.flatMap((fact) => this.apply(fact, 'theirs'));
    });
  }
  /** As the bridge says it: in words for how things were. */
  say(fact: Fact): readonly Effect[] {
    this.sent.push(...this.encode(fact));
    return this.apply(fact, 'ours');
  }
  encode(fact: Fact): readonly string[] {
    return this.#established.codec.encode(fact, this.state);
  }
  ours(id: string, nick: string): void {
    this.say({
      kind: 'user',
      server: us.id,
      id,
      nick,
      nickTs: now,
      ident: nick,
      realHost: 'host.example',
      host: 'host.example',
      ip: '0.0.0.0',
      signon: now,
      realName: `Real ${nick}`,
      account: null,
      away: null,
      bot: false,
    });
  }
  nicks(): string[] {
    return [...this.state.users.values()].map((user) => user.nick).toSorted((a, b) => a.localeCompare(b));
  }
}
