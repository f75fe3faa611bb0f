/** Lines of RFC 2813 with IRC+, and the facts that they say. */
import type { IrcMessage } from '../../../irc/line.ts';
import type { Codec, Decoded, NetLimits } from '../../dialect.ts';
import type { Fact } from '../../model/facts.ts';
import type { NetRules, NetState } from '../../model/state.ts';
import { decoders, ignored } from './decode.ts';
import { encodeFact } from './encode.ts';

export interface NgircdContext {
  readonly us: string;
  /** Source of lines that name none. */
  readonly peer: string;
  readonly rules: NetRules;
  readonly limits: NetLimits;
  /** Seconds since 1970. */
  now(): number;
}

export class NgircdCodec implements Codec {
  readonly #context: NgircdContext;

  constructor(context: NgircdContext) {
    this.#context = context;
  }

  decode(line: IrcMessage): Decoded {
    const decoder = decoders.get(line.command);
    if (decoder === undefined) return ignored.has(line.command) || /^\d{3}$/.test(line.command) ? [] : 'unknown';
    if (line.params.length < decoder.least) return 'malformed';
    // Some servers write nick!ident@host for a nick.
    const source = line.source?.split('!')[0] ?? this.#context.peer;
    return decoder.read(source, line.params, this.#context) ?? 'malformed';
  }

  encode(fact: Fact, state: NetState): readonly string[] {
    return encodeFact(fact, state, this.#context);
  }
}
