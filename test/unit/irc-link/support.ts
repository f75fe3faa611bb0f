/** A network in the model, the codec that speaks to it, and recorded sessions. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Capabilities } from '../../../plugins/irc-link/dialects/inspircd/capabilities.ts';
import { InspircdCodec } from '../../../plugins/irc-link/dialects/inspircd/codec.ts';
import { applyFact } from '../../../plugins/irc-link/model/apply.ts';
import type { Effect } from '../../../plugins/irc-link/model/effects.ts';
import type { Fact } from '../../../plugins/irc-link/model/facts.ts';
import type { Side } from '../../../plugins/irc-link/model/sides.ts';
import { openNetState, type NetState } from '../../../plugins/irc-link/model/state.ts';
import { parseLine } from '../../../plugins/irc/line.ts';
import { repository } from '../../support/root.ts';

export const now = 1_800_000_000;

export const recorded = (name: string): string[] =>
  readFileSync(join(repository, 'test/fixtures/irc-link', name), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

/** What the recorded InspIRCd said of itself. */
export function capabilities(): Capabilities {
  const all = new Capabilities();
  for (const text of recorded('inspircd-link.txt')) {
    const line = parseLine(text)!;
    if (line.command === 'CAPAB' && line.params.length === 2) all.add(line.params[0]!, line.params[1]!);
  }
  return all;
}

export function codec(): InspircdCodec {
  const all = capabilities();
  return new InspircdCodec({ peerId: '0AA', rules: all.rules(), limits: all.limits(), now: () => now, tagMessages: true, botMode: 'B' });
}

/** A network in which `9BN` are we and `0AA` is the peer. */
export class Model {
  readonly state: NetState = openNetState(
    capabilities().rules(),
    { id: '9BN', name: 'irc.banyan.example', description: '' },
    { id: '0AA', name: 'inspircd.example', description: '' },
  );
  readonly #codec = codec();

  apply(fact: Fact, side: Side): readonly Effect[] {
    return applyFact(this.state, fact, side);
  }

  /** Applies lines as if they had come over the link, or were about to leave. */
  lines(side: Side, ...lines: readonly string[]): Effect[] {
    return lines.flatMap((text) => {
      const decoded = this.#codec.decode(parseLine(text)!);
      if (typeof decoded === 'string') throw new Error(`${decoded}: ${text}`);
      return decoded.flatMap((fact) => this.apply(fact, side));
    });
  }
  theirs(...lines: readonly string[]): Effect[] {
    return this.lines('theirs', ...lines);
  }
  ours(...lines: readonly string[]): Effect[] {
    return this.lines('ours', ...lines);
  }

  /** Somebody; `ts` is the age of the nick. */
  user(id: string, nick: string, ts = now, ident = 'ident', ip = '127.0.0.9'): Effect[] {
    const side = id.startsWith('9BN') ? 'ours' : 'theirs';
    return this.lines(side, `:${id.slice(0, 3)} UID ${id} ${ts} ${nick} host.example host.example ${ident} ${ip} ${ts} + :Real ${nick}`);
  }
  nick(id: string): string | undefined {
    return this.state.users.get(id)?.nick;
  }
  status(channel: string): Record<string, string> {
    const found = this.state.channels.get(this.state.rules.fold(channel));
    return Object.fromEntries(
      [...(found?.members.values() ?? [])].map(({ user, status }) => [user.nick, [...status].toSorted().join(' ')]),
    );
  }
  modes(channel: string): Record<string, string | true> {
    return Object.fromEntries(this.state.channels.get(this.state.rules.fold(channel))?.modes ?? []);
  }
  list(channel: string, mode = 'ban'): string[] {
    return [...(this.state.channels.get(this.state.rules.fold(channel))?.lists.get(mode) ?? [])];
  }
}

export const kinds = (effects: readonly Effect[]): string[] => effects.map((effect) => effect.kind);
