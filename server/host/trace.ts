/**
 * A wire trace: what crosses the connection of one link, as a transcript (server/net/transcript.ts) with secrets masked. While none
 * runs, a connection has no tap and pays one comparison for it.
 */
import type { Clock, LinkWire, Timer } from '../contract/host.ts';
import { isTappable, type Connection, type ConnectionTap, type Tappable } from '../contract/net.ts';
import { TranscriptWriter } from '../net/transcript.ts';

/** What the trace looks at: one plugin, and one of its links. */
export interface Traced {
  /** Undefined when there is no such link any more. */
  wire(): LinkWire | undefined;
  /** Tells of each connection of the plugin from its first byte on. The answer ends that. */
  observe(run: (connection: Connection) => void): () => void;
}

export interface TraceHandlers {
  /** A piece of the transcript. */
  text(piece: string): void;
  /** Nothing more comes; the reason in words. */
  ended(reason: string): void;
}

const lookMilliseconds = 100;
/** Connections that may turn out to be the link's, and bytes that are kept of each. */
const mostCandidates = 50;
const mostKept = 1_048_576;

type State =
  /** The link is down: whatever the plugin opens or accepts may be the next connection of the link. */
  | { readonly kind: 'waiting'; readonly candidates: Map<Connection, Recorder>; readonly unobserve: () => void; readonly look: Timer }
  | { readonly kind: 'recording'; readonly recorder: Recorder }
  | { readonly kind: 'over' };

/** Follows one connection: the one that the link has, else the next one. */
export class Trace {
  readonly #clock: Clock;
  readonly #traced: Traced;
  readonly #handlers: TraceHandlers;
  readonly #secrets: Readonly<Record<string, string>>;
  #state: State;

  /** @throws Error when the plugin has no such link, or cannot trace it */
  constructor(clock: Clock, traced: Traced, handlers: TraceHandlers) {
    this.#clock = clock;
    this.#traced = traced;
    this.#handlers = handlers;
    const wire = traced.wire();
    if (wire === undefined) throw new Error('the plugin does not offer to trace that link');
    this.#secrets = wire.secrets;
    if (wire.connection === undefined) {
      const candidates = new Map<Connection, Recorder>();
      const unobserve = traced.observe((connection) => this.#opened(candidates, connection));
      this.#state = { kind: 'waiting', candidates, unobserve, look: clock.every(lookMilliseconds, () => this.#look()) };
    } else {
      this.#state = { kind: 'recording', recorder: this.#record(wire.connection) };
      this.#emit(this.#state.recorder);
    }
  }

  #record(connection: Connection): Recorder {
    if (!isTappable(connection)) throw new Error('that connection cannot be traced');
    return new Recorder(this.#clock, connection, this.#secrets, (recorder) => this.#emit(recorder));
  }

  #opened(candidates: Map<Connection, Recorder>, connection: Connection): void {
    if (candidates.size < mostCandidates) candidates.set(connection, this.#record(connection));
  }

  #look(): void {
    const state = this.#state;
    if (state.kind !== 'waiting') return;
    const connection = this.#traced.wire()?.connection;
    const recorder = connection === undefined ? undefined : state.candidates.get(connection);
    if (connection === undefined || recorder === undefined) {
      for (const [candidate, one] of state.candidates) {
        if (!candidate.closed && one.size <= mostKept) continue;
        one.stop();
        state.candidates.delete(candidate);
      }
      return;
    }
    this.#leave(state, recorder);
    this.#state = { kind: 'recording', recorder };
    this.#emit(recorder);
  }

  /** Hands on what the chosen one has written; others keep it. */
  #emit(recorder: Recorder): void {
    const state = this.#state;
    if (state.kind !== 'recording' || state.recorder !== recorder) return;
    this.#handlers.text(recorder.take());
    if (recorder.over) this.#end('the connection was closed');
  }

  #leave(state: State & { kind: 'waiting' }, chosen?: Recorder): void {
    state.unobserve();
    state.look.cancel();
    for (const one of state.candidates.values()) if (one !== chosen) one.stop();
  }

  #end(reason: string): void {
    const state = this.#state;
    this.#state = { kind: 'over' };
    switch (state.kind) {
      case 'waiting':
        this.#leave(state);
        break;
      case 'recording':
        this.#handlers.text(state.recorder.stop());
        break;
      case 'over':
        return;
      default:
        state satisfies never;
    }
    this.#handlers.ended(reason);
  }

  stop(reason: string): void {
    this.#end(reason);
  }
}

/** Writes down one connection. A secret that comes in pieces is masked too: what may be its beginning waits for the rest. */
class Recorder {
  readonly #clock: Clock;
  readonly #connection: Tappable;
  readonly #writer: TranscriptWriter;
  readonly #secrets: readonly Buffer[];
  readonly #held = { in: Buffer.alloc(0), out: Buffer.alloc(0) };
  readonly #written: (recorder: Recorder) => void;
  readonly #tap: ConnectionTap;
  over = false;
  /** Bytes recorded so far. */
  size = 0;

  constructor(clock: Clock, connection: Tappable, secrets: Readonly<Record<string, string>>, written: (recorder: Recorder) => void) {
    this.#clock = clock;
    this.#connection = connection;
    this.#secrets = Object.values(secrets).map((secret) => Buffer.from(secret));
    this.#written = written;
    this.#writer = new TranscriptWriter(clock.now(), secrets);
    this.#writer.event(clock.now(), 'connected');
    this.#tap = {
      bytes: (direction, bytes) => this.#bytes(direction, bytes),
      event: (text) => this.#event(text),
    };
    connection.tap = this.#tap;
  }

  #bytes(direction: 'in' | 'out', bytes: Buffer): void {
    this.size += bytes.length;
    const all = Buffer.concat([this.#held[direction], bytes]);
    const keep = Math.max(0, ...this.#secrets.map((secret) => beginningAtEnd(all, secret)));
    this.#held[direction] = all.subarray(all.length - keep);
    this.#writer.bytes(direction, this.#clock.now(), all.subarray(0, all.length - keep));
    this.#written(this);
  }

  #event(text: string): void {
    this.#release();
    this.#writer.event(this.#clock.now(), text);
    if (text.startsWith('closed')) this.over = true;
    this.#written(this);
  }

  /** Nothing more follows that could make it a secret. */
  #release(): void {
    for (const direction of ['in', 'out'] as const) {
      this.#writer.bytes(direction, this.#clock.now(), this.#held[direction]);
      this.#held[direction] = Buffer.alloc(0);
    }
  }

  take(): string {
    return this.#writer.take();
  }

  /** Takes the tap away; answers with the rest. What is held back is dropped: it may be half a secret. */
  stop(): string {
    if (this.#connection.tap === this.#tap) this.#connection.tap = undefined;
    return this.#writer.take();
  }
}

/** How many bytes at the end of `bytes` are the beginning of `secret`, and not all of it. */
function beginningAtEnd(bytes: Buffer, secret: Buffer): number {
  for (let length = Math.min(secret.length - 1, bytes.length); length > 0; length--)
    if (bytes.subarray(bytes.length - length).equals(secret.subarray(0, length))) return length;
  return 0;
}
