/** The network service: everything that opens a socket in this server is behind it. */
import { Resolver } from 'node:dns/promises';
import type { Logger } from 'pino';
import type { Clock } from '../contract/host.ts';
import type { Net } from '../contract/net.ts';
import { TokenBucket } from './bucket.ts';
import { dial, resolveService } from './dial.ts';
import { listen } from './listen.ts';
import type { Strangers } from './strangers.ts';
import type { TlsStore } from './tls.ts';

/** `dnsServers` (`host:port`) are asked instead of the system's. */
export function createNet(shared: { tls: TlsStore; strangers: Strangers; clock: Clock; log: Logger; dnsServers: readonly string[] }): Net {
  let resolver: Resolver | undefined;
  if (shared.dnsServers.length > 0) {
    resolver = new Resolver({ timeout: 3_000, tries: 2 });
    resolver.setServers(shared.dnsServers);
  }
  return {
    listen: (options, onConnection) => listen(options, shared, onConnection),
    dial: (options) => dial(options, { ...shared, resolver }),
    resolve: (query) => resolveService(query, resolver),
    bucket: (capacity, perSecond) => new TokenBucket(shared.clock, capacity, perSecond),
  };
}
