/** A bridge between a core in memory and a peer whose every line a test writes, in time that stands still. */
import pino from 'pino';
import { Bridge } from '../../../plugins/irc-link/bridge/bridge.ts';
import { configSchema, type Config } from '../../../plugins/irc-link/config.ts';
import { shakeHands } from '../../../plugins/irc-link/link/handshaking.ts';
import type { Connection, ConnectionHandlers } from '../../../server/contract/net.ts';
import type { Host } from '../../../server/contract/host.ts';
import { parseDomain } from '../../../server/model/address.ts';
import type { Core } from '../../../server/core.ts';
import { quiet, testCore, type VirtualClock } from '../core/support.ts';
import { recorded } from './support.ts';

/** A connection whose other end is the test. */
export class TestConnection {
  readonly sent: string[] = [];
  handlers: ConnectionHandlers | undefined;
  open = true;
  paused = false;
  readonly connection: Connection = {
    id: 'test',
    remoteAddress: '192.0.2.9',
    remotePort: 1,
    localPort: 2,
    tls: undefined,
    loopback: false,
    handle: (handlers) => (this.handlers = handlers),
    write: (bytes) => void this.sent.push(...bytes.toString().split('\r\n').filter(Boolean)),
    queued: 0,
    closed: false,
    startTls: () => Promise.reject(new Error('not here')),
    pause: () => (this.paused = true),
    resume: () => (this.paused = false),
    end: (last) => {
      if (last !== undefined) this.connection.write(last);
      this.open = false;
    },
    destroy: () => (this.open = false),
    setOutboxLimit: () => undefined,
  };
  receive(...lines: readonly string[]): void {
    this.handlers?.onData(Buffer.from(lines.map((line) => `${line}\r\n`).join('')));
  }
  /** What was sent since the last call, tags left out. */
  take(): string[] {
    return this.sent.splice(0).map((line) => line.replace(/^@\S+ /, ''));
  }
}

export const handshakeLines = (): string[] => [
  ...recorded('inspircd-link.txt').filter((line) => line.startsWith('CAPAB')),
  'SERVER inspircd.example in 0 0AA :A peer',
];

export class BridgeTest {
  readonly core: Core;
  readonly clock: VirtualClock;
  readonly host: Host;
  readonly config: Config;
  readonly #stored: Map<string, unknown>;
  bridge!: Bridge;
  peer!: TestConnection;

  constructor(core: Core, clock: VirtualClock, options: object, stored = new Map<string, unknown>()) {
    this.core = core;
    this.clock = clock;
    this.#stored = stored;
    this.config = configSchema.parse({
      networks: [
        {
          label: 'net',
          server_name: 'irc.banyan.example',
          server_id: '9BN',
          peer_name: 'inspircd.example',
          tls: false,
          password_send: 'out',
          password_receive: 'in',
          rooms: ['lounge'],
        },
      ],
      ...options,
    });
    const host: Partial<Host> = {
      domain: parseDomain('chat.example'),
      title: 'Test',
      version: '0',
      users: core.users,
      rooms: core.rooms,
      networks: core.networks,
      clock,
      log: pino({ level: 'silent' }),
      secret: (purpose) => core.secret(purpose),
      store: {
        get: (key) => Promise.resolve(stored.get(key)),
        set: (key, value) => Promise.resolve(void stored.set(key, value)),
        delete: (key) => Promise.resolve(void stored.delete(key)),
        entries: (prefix) => Promise.resolve([...stored].filter(([key]) => key.startsWith(prefix))),
      },
    };
    this.host = host as Host;
  }

  static async start(options: object = {}): Promise<BridgeTest> {
    const { core, clock } = await testCore();
    const test = new BridgeTest(core, clock, options);
    await test.open();
    return test;
  }

  async open(): Promise<void> {
    this.bridge = new Bridge(this.host, this.config, this.config.networks[0]!, () => false);
    await this.bridge.start();
    this.core.networks.resolver('irc', (address) => this.bridge.resolve(address));
  }

  /** As after kill -9: a new bridge with what was written down by then. */
  async reopen(): Promise<void> {
    const kept = new Map(this.#stored);
    this.bridge.unlinked('gone');
    await this.bridge.stop();
    await quiet();
    this.#stored.clear();
    for (const [key, one] of kept) this.#stored.set(key, one);
    const again = new BridgeTest(this.core, this.clock, this.config, this.#stored);
    await again.open();
    this.bridge = again.bridge;
  }
  get stored(): Map<string, unknown> {
    return this.#stored;
  }

  /** Dials a peer that bursts these lines. */
  async link(...burst: readonly string[]): Promise<void> {
    const peer = new TestConnection();
    this.peer = peer;
    const shaking = shakeHands({
      host: this.host,
      side: 'dialled',
      connection: peer.connection,
      candidates: this.config.networks,
      timeout: 1_000,
      refuse: () => undefined,
    });
    // All in one packet: what follows SERVER must not be lost.
    peer.receive(...handshakeLines(), ':0AA BURST 5', ...burst, ':0AA ENDBURST');
    const shaken = await shaking;
    if ('refused' in shaken) throw new Error(shaken.refused);
    shaken.wire.handle({ onLine: (line) => this.bridge.receive(line), onClose: (reason) => this.bridge.unlinked(reason) });
    this.bridge.linked(shaken);
    await this.settle();
  }
  async settle(): Promise<void> {
    await quiet();
    await quiet();
  }
  async receive(...lines: readonly string[]): Promise<void> {
    this.peer.receive(...lines);
    await this.settle();
  }
  /** What was sent to the peer since the last time. */
  async sent(): Promise<string[]> {
    await this.settle();
    return this.peer.take();
  }
  /** What was said in channels since the last time. */
  async said(): Promise<string[]> {
    return (await this.sent()).flatMap((line) => / (?:PRIVMSG|NOTICE) #lounge :(.*)$/.exec(line)?.[1] ?? []);
  }
}
