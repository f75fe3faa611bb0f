/** Lines of the spanning tree protocol 1205, and the facts that they say. */
import type { IrcMessage } from '../../../irc/line.ts';
import type { Codec, Decoded, NetLimits } from '../../dialect.ts';
import type { Fact } from '../../model/facts.ts';
import type { NetRules } from '../../model/state.ts';
import { decoders, ignored } from './decode.ts';
import { encodeFact } from './encode.ts';

export interface InspircdContext {
  /** Source of lines that name none. */
  readonly peerId: string;
  readonly rules: NetRules;
  readonly limits: NetLimits;
  /** Seconds since 1970. */
  now(): number;
  /** The peer takes TAGMSG; an unknown command would end the link. */
  readonly tagMessages: boolean;
  /** Letter of the user mode that marks bots. */
  readonly botMode?: string;
}

export class InspircdCodec implements Codec {
  readonly #context: InspircdContext;

  constructor(context: InspircdContext) {
    this.#context = context;
  }

  decode(line: IrcMessage): Decoded {
    const decoder = decoders.get(line.command);
    if (decoder === undefined) return ignored.has(line.command) || /^\d{3}$/.test(line.command) ? [] : 'unknown';
    if (line.params.length < decoder.least) return 'malformed';
    return decoder.read(line.source ?? this.#context.peerId, line.params, line, this.#context) ?? 'malformed';
  }

  encode(fact: Fact): readonly string[] {
    return encodeFact(fact, this.#context);
  }
}
