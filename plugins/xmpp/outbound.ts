/**
 * Private messages to people of other servers, out of the outbound logs of their networks: in order, each until its fate
 * is known. How far a domain has come is kept, so that after a death of this server the rest is sent, and nothing else.
 */
import { parseDomain, xmppNetworkAddress, type Domain, type Host, type Network, type PrivateRecord } from '../../server/plugin.ts';

/** Keys in the plugin's store: a domain's position, and that positions are kept at all. */
const positionKey = 'outbound ';
const keptKey = 'outbound positions';
const pageSize = 100;

interface Channel {
  readonly domain: Domain;
  /** The number that is to be handed over next. */
  next: number;
  /** All up to this number are settled. */
  position: number;
  /** Settled ones above the position. */
  readonly settled: Set<number>;
  reading: boolean;
  /** What the store holds. */
  saved: number;
  saving: Promise<void> | undefined;
}

export interface OutboundParts {
  readonly host: Host;
  readonly network: (domain: Domain) => Network;
  /** Sends it or says why not; `settled` is called once, when nothing more needs to be done about it. */
  readonly deliver: (record: PrivateRecord, settled: () => void) => void;
}

export class Outbound {
  readonly #parts: OutboundParts;
  readonly #channels = new Map<Domain, Channel>();

  constructor(parts: OutboundParts) {
    this.#parts = parts;
  }

  /** Takes up what the last run left. Before this is done nobody may write to anybody. */
  async start(): Promise<void> {
    const { host } = this.#parts;
    const stored = new Map(await host.store.entries(positionKey));
    const kept = (await host.store.get(keptKey)) === true;
    for (const [network, last] of host.networks.outbound()) {
      if (!network.startsWith('xmpp:')) continue;
      const domain = parseDomain(network.slice('xmpp:'.length));
      const position = stored.get(positionKey + domain);
      // What was written before positions were kept has been sent long ago.
      const known = typeof position === 'number' ? Math.min(position, last) : kept ? 0 : last;
      const channel = this.#channel(domain, known);
      if (known < last) this.#catchUp(channel);
      else if (position === undefined) await host.store.set(positionKey + domain, known);
    }
    if (!kept) await host.store.set(keptKey, true);
  }

  #channel(domain: Domain, position: number): Channel {
    const channel: Channel = {
      domain,
      next: position + 1,
      position,
      settled: new Set<number>(),
      reading: false,
      saved: position,
      saving: undefined,
    };
    this.#channels.set(domain, channel);
    return channel;
  }

  /** A record that the core has just shown. */
  shown(domain: Domain, record: PrivateRecord): void {
    const channel = this.#channels.get(domain) ?? this.#channel(domain, record.number - 1);
    // While the log is being read, this one is found there, in its order.
    if (channel.reading || record.number < channel.next) return;
    if (record.number === channel.next) this.#handOver(channel, record);
    else this.#catchUp(channel);
  }

  #handOver(channel: Channel, record: PrivateRecord): void {
    channel.next = record.number + 1;
    this.#parts.deliver(record, () => this.#settled(channel, record.number));
  }

  #catchUp(channel: Channel): void {
    channel.reading = true;
    this.#read(channel).catch((error: unknown) => {
      channel.reading = false;
      this.#parts.host.log.error({ err: error, domain: channel.domain }, 'the outbound log could not be read');
    });
  }

  async #read(channel: Channel): Promise<void> {
    const { network, host } = this.#parts;
    const { outbound } = host.networks.get(xmppNetworkAddress(channel.domain)) ?? network(channel.domain);
    while (channel.next <= outbound.last) {
      const page = await outbound.read(channel.next - 1, pageSize);
      if (page.length === 0) break;
      // What is missing in the log is settled: it cannot be sent.
      for (let number = channel.next; number < page[0]!.number; number++) this.#settled(channel, number);
      for (const record of page) this.#handOver(channel, record);
    }
    channel.reading = false;
  }

  #settled(channel: Channel, number: number): void {
    channel.settled.add(number);
    while (channel.settled.delete(channel.position + 1)) channel.position++;
    if (channel.saved !== channel.position) channel.saving ??= this.#save(channel);
  }

  async #save(channel: Channel): Promise<void> {
    try {
      while (channel.saved !== channel.position) {
        const { position } = channel;
        await this.#parts.host.store.set(positionKey + channel.domain, position);
        channel.saved = position;
      }
    } catch (error) {
      this.#parts.host.log.error({ err: error, domain: channel.domain }, 'a position could not be kept');
    }
    channel.saving = undefined;
  }

  /** Resolves when all positions are kept. */
  async stop(): Promise<void> {
    await Promise.all([...this.#channels.values()].flatMap(({ saving }) => saving ?? []));
  }
}
