/** Keeps one network linked: dials and dials again, takes the peer when it dials, watches that it lives. */
import {
  DialError,
  type Connection,
  type Host,
  type LinkFinding,
  type LinkStatus,
  type LinkWire,
  type Timer,
} from '../../../server/plugin.ts';
import type { Bridge } from '../bridge/bridge.ts';
import type { Config, NetworkConfig } from '../config.ts';
import { connectTo, handshakeMilliseconds, shakeHands, type DialOptions, type Peer } from './handshaking.ts';
import { compare, rehearse } from './rehearsal.ts';

type State =
  | { readonly kind: 'down'; readonly retry: Timer | undefined }
  | { readonly kind: 'dialling'; readonly abort: AbortController }
  | { readonly kind: 'handshake'; readonly connection: Connection }
  | { readonly kind: 'up'; readonly peer: Peer; readonly watch: Timer }
  | { readonly kind: 'closing' };

export class Supervisor {
  readonly network: NetworkConfig;
  readonly #host: Host;
  readonly #config: Config;
  readonly #bridge: Bridge;
  #state: State = { kind: 'down', retry: undefined };
  #since: number;
  #delay: number;
  #lastError: string | undefined;
  /** Lines of the links before. */
  readonly #past = { in: 0, out: 0 };

  constructor(host: Host, config: Config, network: NetworkConfig, bridge: Bridge) {
    this.#host = host;
    this.#config = config;
    this.network = network;
    this.#bridge = bridge;
    this.#since = host.clock.now();
    this.#delay = config.retry_seconds;
  }

  start(): void {
    if (this.network.address !== undefined) void this.#dial(this.network.address);
  }

  get #dialOptions(): DialOptions {
    return { host: this.#host, settings: this.#config, network: this.network };
  }

  /** Why an accepted peer cannot be linked now. */
  refusal(): string | undefined {
    if (this.#state.kind === 'up') return `Server ${this.network.peer_name} already exists here`;
    return this.#state.kind === 'closing' ? 'This server is stopping' : undefined;
  }

  async #dial(address: string): Promise<void> {
    const abort = new AbortController();
    this.#become({ kind: 'dialling', abort });
    try {
      const connection = await connectTo(this.#dialOptions, address, abort.signal);
      if (this.#state.kind !== 'dialling') {
        connection.destroy('no longer needed');
        return;
      }
      this.#become({ kind: 'handshake', connection });
      const peer = await shakeHands({
        host: this.#host,
        side: 'dialled',
        connection,
        candidates: [this.network],
        timeout: handshakeMilliseconds,
        refuse: () => this.refusal(),
      });
      if ('refused' in peer) this.#failed(peer.refused);
      else this.linked(peer);
    } catch (error) {
      if (!(error instanceof DialError)) throw error;
      this.#failed(error.message);
    }
  }

  /** What is right with the link and what will be lost: of the link that stands, else by logging in without a word more. */
  async rehearse(): Promise<readonly LinkFinding[]> {
    const rooms = this.#bridge.rooms.map(({ room }) => room);
    if (this.#state.kind === 'up')
      return [{ verdict: 'good', text: 'it is linked now; nothing was tried' }, ...compare(this.#state.peer, this.network, rooms)];
    // The next real try waits until this is over: the peer would refuse one of them.
    if (this.#state.kind === 'down') this.#state.retry?.cancel();
    try {
      return await rehearse(this.#dialOptions, rooms);
    } finally {
      if (this.#state.kind === 'down') this.#again();
    }
  }

  #failed(reason: string): void {
    if (this.#state.kind !== 'dialling' && this.#state.kind !== 'handshake') return;
    if (reason !== this.#lastError) this.#host.log.warn({ network: this.network.label, reason }, 'no link to the IRC network');
    this.#lastError = reason;
    this.#again();
  }

  /** Waits and dials again, later each time. */
  #again(): void {
    const { address } = this.network;
    const wait =
      this.#delay *
      1_000 *
      (0.75 + (Number.parseInt(this.#host.secret(`retry ${this.#host.clock.now()}`).toString('hex', 0, 2), 16) / 65_535) * 0.5);
    this.#delay = Math.min(this.#delay * 2, this.#config.retry_at_most_seconds);
    const retry = address === undefined ? undefined : this.#host.clock.after(wait, () => void this.#dial(address));
    this.#become({ kind: 'down', retry });
  }

  /** The peer has proved itself, whoever dialled. */
  linked(peer: Peer): void {
    if (this.#state.kind === 'up' || this.#state.kind === 'closing') {
      peer.wire.close(this.refusal() ?? 'Not now');
      return;
    }
    if (this.#state.kind === 'dialling') this.#state.abort.abort();
    if (this.#state.kind === 'down') this.#state.retry?.cancel();
    const watch = this.#host.clock.every(1_000, () => this.#watch(peer));
    this.#become({ kind: 'up', peer, watch });
    this.#delay = this.#config.retry_seconds;
    this.#lastError = undefined;
    this.#host.log.info({ network: this.network.label, peer: peer.identity.name }, 'linked to the IRC network');
    peer.wire.handle({
      onLine: (line) => this.#bridge.receive(line),
      caughtUp: () => this.#bridge.network.shown(),
      onClose: (reason) => this.#lost(peer, reason),
    });
    this.#bridge.linked(peer);
  }

  #watch(peer: Peer): void {
    const silent = (this.#host.clock.now() - peer.wire.heardAt) / 1_000;
    if (silent > this.#config.silence_seconds) peer.wire.close(`Ping timeout: ${Math.round(silent)} seconds`);
    else this.#bridge.beat(silent > this.#config.ping_seconds);
  }

  #lost(peer: Peer, reason: string): void {
    if (this.#state.kind === 'up' && this.#state.peer === peer) {
      this.#past.in += peer.wire.linesIn;
      this.#past.out += peer.wire.linesOut;
      this.#state.watch.cancel();
      this.#lastError = reason;
      this.#host.log.warn({ network: this.network.label, reason }, 'the link to the IRC network broke');
      this.#bridge.unlinked(reason);
      this.#again();
    }
  }

  async stop(reason: string): Promise<void> {
    const state = this.#state;
    this.#become({ kind: 'closing' });
    switch (state.kind) {
      case 'up':
        state.watch.cancel();
        await this.#bridge.goodbye(reason);
        state.peer.wire.close(reason);
        this.#bridge.unlinked(reason);
        break;
      case 'dialling':
        state.abort.abort();
        break;
      case 'down':
        state.retry?.cancel();
        break;
      case 'handshake':
      case 'closing':
        break;
      default:
        state satisfies never;
    }
  }

  #become(state: State): void {
    this.#state = state;
    this.#since = this.#host.clock.now();
  }

  wire(): LinkWire {
    const state = this.#state;
    const { password_send, password_receive } = this.network;
    return {
      connection: state.kind === 'up' ? state.peer.wire.connection : state.kind === 'handshake' ? state.connection : undefined,
      secrets: { password_send, password_receive },
    };
  }

  status(): LinkStatus {
    const state = this.#state;
    const peer = state.kind === 'up' ? state.peer : undefined;
    return {
      name: this.network.label,
      kind: `irc ${this.network.dialect}`,
      state: state.kind === 'up' ? this.#bridge.phase : state.kind,
      since: this.#since,
      peer: `${this.network.peer_name}${this.network.address === undefined ? '' : ` (${this.network.address})`}`,
      tls: peer?.wire.connection.tls !== undefined,
      in: this.#past.in + (peer?.wire.linesIn ?? 0),
      out: this.#past.out + (peer?.wire.linesOut ?? 0),
      waiting: this.#bridge.waiting,
      dropped: this.#bridge.dropped.byReason,
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
      details: this.#bridge.details(),
    };
  }
}
