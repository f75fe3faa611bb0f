/** Where the servers of a domain are, by configuration or by DNS (RFC 6120 section 3.2, XEP-0368), and connections to them. */
import { DialError, type Connection, type Domain, type ServiceTarget } from '../../../server/plugin.ts';
import type { FederationContext } from './context.ts';

const dialMilliseconds = 8_000;

export class Places {
  readonly #context: FederationContext;
  readonly #domain: Domain;
  /** Best first; absent until they were looked up. */
  #untried: ServiceTarget[] | undefined;

  constructor(context: FederationContext, domain: Domain) {
    this.#context = context;
    this.#domain = domain;
  }

  /** Whether there are places that were not tried yet. */
  get more(): boolean {
    return this.#untried !== undefined && this.#untried.length > 0;
  }

  /**
   * A connection to the next place that takes one.
   * @param before why the place before was none
   * @throws DialError why the last place was none
   */
  async next(before?: DialError): Promise<Connection> {
    this.#untried ??= [...(await this.#find())];
    let last = before ?? new DialError('dns', `${this.#domain} has no server`);
    for (let place = this.#untried.shift(); place !== undefined; place = this.#untried.shift()) {
      try {
        return await this.#context.host.net.dial({
          host: place.host,
          port: place.port,
          timeout: dialMilliseconds,
          ...(place.directTls ? { tls: { serverName: this.#domain, alpn: ['xmpp-server'] } } : {}),
        });
      } catch (error) {
        if (!(error instanceof DialError)) throw error;
        last = error;
      }
    }
    throw last;
  }

  #find(): Promise<readonly ServiceTarget[]> {
    const { config, host } = this.#context;
    const peer = config.peers.find((each) => each.domain === this.#domain);
    if (peer?.host !== undefined) return Promise.resolve([{ host: peer.host, port: peer.port, directTls: peer.direct_tls }]);
    return host.net.resolve({
      domain: this.#domain,
      service: '_xmpp-server._tcp',
      directTlsService: '_xmpps-server._tcp',
      fallbackPort: 5269,
    });
  }
}
