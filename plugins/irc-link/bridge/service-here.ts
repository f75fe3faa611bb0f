/** Our service as a user here: what became of something is told by it. */
import type { Host, Network, PrivateRecord, User, UserAddress } from '../../../server/plugin.ts';

/** Characters of a message that its bounce repeats. */
const quoted = 100;

export class ServiceHere {
  readonly #host: Host;
  readonly #network: Network;
  readonly #nick: string;
  readonly #address: UserAddress;
  #user: User | undefined;

  constructor(host: Host, network: Network, nick: string) {
    this.#host = host;
    this.#network = network;
    this.#nick = nick;
    // An exclamation mark can be in nobody's nick, so nobody else has the address.
    this.#address = `${network.address}/!service` as UserAddress;
  }

  /** Whether something is for it. */
  isAt(address: UserAddress): boolean {
    return address === this.#address;
  }

  /** Tells somebody here what became of something; resolves when that is kept. */
  async tell(to: UserAddress, text: string): Promise<void> {
    this.#user ??= this.#network.introduce([
      {
        address: this.#address,
        nick: this.#nick,
        ident: 'service',
        host: this.#host.domain,
        realName: `Link to ${this.#network.title}`,
        bot: true,
      },
    ])[0]!;
    await this.#network.privateMessage(this.#user, to, { text: { plain: text, spans: [] }, style: 'notice' });
  }
}

/** What the author of something is told that did not cross. `perhaps`: it may have, all the same. */
export function undelivered(content: PrivateRecord['content'], why: string, perhaps: boolean): string {
  const { nick } = content.to;
  if (content.kind === 'invitation') return `Your invitation of ${nick} was not delivered (${why}).`;
  const text = content.text.plain.replace(/\s+/g, ' ');
  const quote = text.length > quoted ? `${[...text].slice(0, quoted).join('')}...` : text;
  return `Your message to ${nick} ${perhaps ? 'may not have been' : 'was not'} delivered (${why}). It was: ${quote}`;
}
