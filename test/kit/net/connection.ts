/** Two ends of a connection that exists in memory only, each with the contract of a real one. */
import type { Timer } from '../../../server/contract/host.ts';
import {
  DialError,
  type AcceptedConnection,
  type ConnectionHandlers,
  type ConnectionTap,
  type StartTlsOptions,
  type Tappable,
  type TlsFacts,
} from '../../../server/contract/net.ts';
import { tlsFacts, type VirtualCertificate } from './tls.ts';

/** What one end is. */
export interface EndFacts {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
  readonly certificate: VirtualCertificate | undefined;
  /** Bytes that the outbox may hold. */
  readonly limit: number;
  /** Largest piece in which bytes are handed over; default all that is there. */
  readonly piece?: () => number;
}

/** What ends need of the net that they are in. */
export interface Medium {
  /** Runs soon, after everything that was handed over before. */
  later(run: () => void): void;
  /** Runs after so many milliseconds of virtual time. */
  after(milliseconds: number, run: () => void): Timer;
  /** A handler of an end threw: the end is closed, and this is told. */
  failed(error: unknown, end: VirtualConnection): void;
  closed(end: VirtualConnection): void;
  /** The end has read these bytes. */
  read(end: VirtualConnection, bytes: Buffer): void;
}

/** Bytes on their way that the reader has not taken: what the kernels of both ends would hold. */
const windowBytes = 65_536;
/** As long as the real connection waits, milliseconds. */
const handshakeMilliseconds = 15_000;
const lingerMilliseconds = 2_000;
let minted = 0;

export class VirtualConnection implements AcceptedConnection, Tappable {
  readonly id = `v${(++minted).toString(36)}`;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
  readonly loopback: boolean;
  tap: ConnectionTap | undefined;
  readonly certificate: VirtualCertificate | undefined;
  /** The other end; set by `connectPair`. */
  other!: VirtualConnection;
  #facts: TlsFacts | undefined;
  readonly #medium: Medium;
  #limit: number;
  readonly #piece: () => number;
  #handlers: ConnectionHandlers | undefined;
  #outbox: Buffer[] = [];
  #inbox: Buffer[] = [];
  #scheduled = false;
  #reading = true;
  #ending = false;
  #stuck = false;
  #state: { readonly kind: 'open' } | { readonly kind: 'closed'; readonly error: string | undefined } = { kind: 'open' };
  /** Ends what takes too long: a handshake, or a peer that does not read the last bytes. */
  #deadline: Timer | undefined;
  #tls: { readonly done: (facts: TlsFacts) => void; readonly failed: (error: Error) => void } | undefined;
  /** Told once when the accepted end is admitted or closed. */
  admitted: () => void = () => undefined;

  constructor(medium: Medium, facts: EndFacts) {
    this.#medium = medium;
    this.remoteAddress = facts.remoteAddress;
    this.remotePort = facts.remotePort;
    this.localPort = facts.localPort;
    this.loopback = facts.remoteAddress.startsWith('127.') || facts.remoteAddress === '::1';
    this.certificate = facts.certificate;
    this.#limit = facts.limit;
    this.#piece = facts.piece ?? (() => Number.POSITIVE_INFINITY);
  }

  get tls(): TlsFacts | undefined {
    return this.#facts;
  }
  get closed(): boolean {
    return this.#state.kind === 'closed';
  }
  get queued(): number {
    return size(this.#outbox) + size(this.other.#inbox);
  }

  /** TLS from the first byte. */
  secure(): void {
    this.#facts = tlsFacts(this.other.certificate, [this.id, this.other.id].toSorted((a, b) => (a < b ? -1 : 1)).join(' '));
  }

  handle(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    if (this.#state.kind === 'closed') {
      const { error } = this.#state;
      for (const bytes of this.#inbox.splice(0)) this.#run(() => handlers.onData(bytes));
      handlers.onClose(error);
    } else this.#wake();
  }

  write(bytes: Buffer | string): void {
    if (this.closed || this.#ending) return;
    const chunk = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    if (this.queued + chunk.length > this.#limit) {
      this.destroy('send queue exceeded');
      return;
    }
    this.tap?.bytes('out', chunk);
    this.#outbox.push(chunk);
    this.#wake();
  }

  /** One step a tick moves what both directions have: everything written within a tick arrives in one piece. */
  #wake(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#medium.later(() => {
      this.#scheduled = false;
      this.#step();
    });
  }

  #step(): void {
    this.#flush();
    this.#read();
    // Who does not read does not see the end either.
    if (this.#ending && this.#outbox.length === 0 && !this.closed && this.other.#reading) this.other.#peerEnded();
  }

  #flush(): void {
    if (this.#outbox.length === 0 || this.#tls !== undefined || this.other.closed) return;
    if (size(this.other.#inbox) >= windowBytes) {
      this.#stuck = true;
      return;
    }
    const bytes = Buffer.concat(this.#outbox);
    const room = windowBytes - size(this.other.#inbox);
    this.other.#inbox.push(bytes.subarray(0, room));
    this.#outbox = bytes.length > room ? [bytes.subarray(room)] : [];
    this.#stuck ||= this.#outbox.length > 0;
    if (this.#stuck && this.#outbox.length === 0) {
      this.#stuck = false;
      this.#run(() => this.#handlers?.onDrain?.());
    }
    this.other.#wake();
  }

  #read(): void {
    const handlers = this.#handlers;
    if (handlers === undefined || !this.#reading || this.#inbox.length === 0 || this.closed) return;
    const bytes = Buffer.concat(this.#inbox);
    this.#inbox = [];
    this.other.#wake();
    this.#medium.read(this, bytes);
    const piece = this.#piece();
    for (let from = 0; from < bytes.length && !this.closed; from += piece) {
      const part = bytes.subarray(from, Math.min(from + piece, bytes.length));
      this.tap?.bytes('in', part);
      this.#run(() => handlers.onData(part));
    }
  }

  #run(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#medium.failed(error, this);
      this.destroy('internal error');
    }
  }

  async startTls(_options: StartTlsOptions): Promise<TlsFacts> {
    this.#flush();
    // What came in plain text and was not handed over is never read as if it had come encrypted.
    this.#inbox = [];
    if (this.closed) throw new DialError('tls', 'the connection was closed during the TLS handshake');
    const done = new Promise<TlsFacts>((resolve, reject) => {
      this.#tls = { done: resolve, failed: reject };
    });
    this.#deadline = this.#medium.after(handshakeMilliseconds, () => this.destroy('TLS: the TLS handshake took too long'));
    if (this.other.#tls !== undefined) {
      this.#medium.later(() => {
        this.#secured();
        this.other.#secured();
      });
    }
    return done;
  }

  #secured(): void {
    this.secure();
    const tls = this.#tls;
    this.#tls = undefined;
    this.#deadline?.cancel();
    tls?.done(this.#facts!);
    this.tap?.event('tls');
    this.#wake();
  }

  pause(): void {
    this.#reading = false;
  }
  resume(): void {
    this.#reading = true;
    this.#wake();
    this.other.#wake();
  }

  end(last?: Buffer | string): void {
    if (last !== undefined) this.write(last);
    if (this.closed || this.#ending) return;
    this.#ending = true;
    this.#deadline = this.#medium.after(lingerMilliseconds, () => this.destroy('the peer did not read the end'));
    this.#wake();
  }

  /** The other end has written its last byte: what is here is read, then both are closed. */
  #peerEnded(): void {
    if (this.closed) return;
    this.#reading = true;
    this.#flush();
    this.#read();
    this.#close(undefined);
    this.other.#close(undefined);
  }

  destroy(reason: string): void {
    if (this.closed) return;
    this.#outbox = [];
    this.#close(reason);
    this.#medium.later(() => this.other.#peerEnded());
  }

  /** The wire is cut: both ends notice at once, and what was on its way is lost. */
  cut(): void {
    for (const end of [this, this.other]) {
      end.#outbox = [];
      end.#inbox = [];
      end.#close('read ECONNRESET');
    }
  }

  setOutboxLimit(bytes: number): void {
    this.#limit = bytes;
  }

  admit(): void {
    this.admitted();
  }

  #close(error: string | undefined): void {
    if (this.closed) return;
    this.#state = { kind: 'closed', error };
    this.tap?.event(error === undefined ? 'closed' : `closed ${error}`);
    this.#deadline?.cancel();
    this.#tls?.failed(new DialError('tls', 'the connection was closed during the TLS handshake'));
    this.#medium.closed(this);
    this.admitted();
    try {
      this.#handlers?.onClose(error);
    } catch (failure) {
      this.#medium.failed(failure, this);
    }
  }
}

/** Makes the two ends know each other. */
export function connectPair(one: VirtualConnection, two: VirtualConnection): void {
  one.other = two;
  two.other = one;
}

function size(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}
