/** What all streams of this server share. */
import type { Domain, Host } from '../../../server/plugin.ts';
import type { Config } from '../config.ts';
import type { Policies, Policy } from '../policy.ts';
import type { StreamTools } from '../stream/xml-stream.ts';
import type { Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';

export interface FederationContext {
  readonly host: Host;
  readonly config: Config;
  readonly policies: Policies;
  /** Domains that we answer for. */
  readonly own: ReadonlySet<Domain>;
  /** Key of our dialback keys. */
  readonly secret: Buffer;
  /**
   * A stanza from a proved server. `from` and `to` are of the pair that was proved.
   * @returns when what it says is durable, where that takes time
   */
  receive(stanza: Element): Promise<void> | undefined;
  /** A stream of ours broke off: what was on its way from `from` to `to` may be lost, and who was there may be gone. */
  broken(from: Domain, to: Domain): void;
}

export function streamTools(context: FederationContext, name: string): StreamTools {
  const { host } = context;
  const log = host.log.child({ stream: name });
  return {
    clock: host.clock,
    content: ns.server,
    rate: rateOf(context, context.policies.of(undefined)),
    trace: (direction, xml) => log.trace({ direction, xml }, 'stream'),
  };
}

/** How fast a server is read. */
export function rateOf({ host }: FederationContext, { bytesAtOnce, bytesPerSecond }: Policy): StreamTools['rate'] {
  return host.net.bucket(bytesAtOnce, bytesPerSecond);
}
