/** Stanzas on a stream of ours that is ready: as many as the other side takes, acknowledged where it can, and whether it is alive. */
import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../../../server/plugin.ts';
import { answerElement, enableElement, handledCount, requestElement, Unacknowledged } from '../stream/acknowledgement.ts';
import type { XmlStream } from '../stream/xml-stream.ts';
import { element, stanza, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import { wireText, type ParcelQueue, type Waiting } from './parcel.ts';

/** Stanzas and characters that may be unacknowledged; beyond them the rest waits. */
const mostUnacknowledged = 1_000;
const mostUnacknowledgedBytes = 1_048_576;
/** Bytes in the connection's outbox above which nothing more is written: what is still in the queue is not lost when the stream breaks. */
const mostInOutbox = 262_144;
const keepAliveMilliseconds = 120_000;

export interface FlowParts {
  readonly stream: XmlStream;
  readonly queue: ParcelQueue;
  readonly clock: Clock;
  readonly from: string;
  readonly to: string;
  /** The other side offers XEP-0198. */
  readonly acknowledged: boolean;
  readonly pingMilliseconds: number;
  readonly patienceMilliseconds: number;
  /** Whether that domain has ever reached us: without a way back no ping can be answered. */
  readonly canAnswer: () => boolean;
  /** The other side did not answer in time. */
  readonly dead: () => void;
}

export class Flow {
  readonly #parts: FlowParts;
  /** What was written and not acknowledged; absent: the other side acknowledges nothing. */
  #kept: Unacknowledged<Waiting> | undefined;
  #keptBytes = 0;
  /** Stanzas written since the last `<r/>`. */
  #unasked = 0;
  /** Runs while an answer is due. */
  #due: Timer | undefined;
  #pingId: string | undefined;
  readonly #timers: readonly Timer[];
  sent = 0;
  /** Told when nothing is unacknowledged any more. */
  readonly #settled: (() => void)[] = [];

  constructor(parts: FlowParts) {
    this.#parts = parts;
    const { clock, stream } = parts;
    this.#timers = [
      clock.every(keepAliveMilliseconds, () => stream.keepAlive()),
      clock.every(parts.pingMilliseconds, () => this.#askWhetherAlive()),
    ];
    if (parts.acknowledged) {
      stream.send(enableElement());
      this.#kept = new Unacknowledged();
    }
  }

  /** Whether the other side acknowledges. */
  get acknowledged(): boolean {
    return this.#kept !== undefined;
  }
  get unacknowledged(): number {
    return this.#kept?.size ?? 0;
  }

  /** Writes what waits, as far as there is room for it. */
  flush(): void {
    const { queue, stream, clock, from } = this.#parts;
    const kept = this.#kept;
    while (stream.isOpen && stream.queued < mostInOutbox) {
      if (kept !== undefined && (kept.size >= mostUnacknowledged || this.#keptBytes >= mostUnacknowledgedBytes)) break;
      const next = queue.take();
      if (next === undefined) break;
      this.sent++;
      // Kept first: the stream may break in the very moment of writing.
      kept?.push(next);
      stream.sendText(wireText(next, from, clock.now()));
      if (kept === undefined) next.parcel.delivered?.();
      else {
        this.#keptBytes += next.parcel.xml.length;
        this.#unasked++;
      }
    }
    if (stream.isOpen && this.#unasked > 0 && this.#due === undefined) this.#request();
  }

  /** An element of the stream-management namespace. @returns false when it breaks the rules */
  received(what: Element): boolean {
    const kept = this.#kept;
    switch (what.name) {
      case 'a': {
        const count = handledCount(what);
        const done = count === undefined ? undefined : kept?.acknowledge(count);
        if (done === undefined) return kept === undefined;
        for (const { parcel } of done) {
          this.#keptBytes -= parcel.xml.length;
          parcel.delivered?.();
        }
        this.#answered();
        return true;
      }
      case 'failed':
        // The other side offered it and now does not want it: what was written counts as sent.
        this.#kept = undefined;
        this.#keptBytes = 0;
        this.#unasked = 0;
        for (const { parcel } of kept?.clear() ?? []) parcel.delivered?.();
        this.#answered();
        return true;
      case 'r':
        // Stanzas come on the streams that the other side opens, so none has come on this one.
        this.#parts.stream.send(answerElement(0));
        return true;
      default:
        return true;
    }
  }

  /** The answer to a ping came, on whatever stream. */
  pong(id: string): void {
    if (id === this.#pingId) this.#answered();
  }

  #answered(): void {
    this.#due?.cancel();
    this.#due = undefined;
    this.#pingId = undefined;
    this.flush();
    if (this.#kept === undefined || this.#kept.size === 0) for (const settled of this.#settled.splice(0)) settled();
  }

  #request(): void {
    this.#unasked = 0;
    this.#parts.stream.send(requestElement());
    this.#expectAnswer();
  }

  #askWhetherAlive(): void {
    if (this.#due !== undefined) return;
    if (this.#kept !== undefined) this.#request();
    else if (this.#parts.canAnswer()) {
      const { from, to, stream } = this.#parts;
      this.#pingId = `ping-${randomBytes(9).toString('base64url')}`;
      stream.send(stanza('iq', { type: 'get', from, to, id: this.#pingId }, element('ping', ns.ping)));
      this.#expectAnswer();
    }
  }

  #expectAnswer(): void {
    this.#due = this.#parts.clock.after(this.#parts.patienceMilliseconds, () => this.#parts.dead());
  }

  /** Resolves when everything written is acknowledged, for an end in order. */
  settled(): Promise<void> {
    if (this.#kept === undefined || this.#kept.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#settled.push(resolve));
  }

  /** It is over: what was written and not acknowledged. */
  stop(): readonly Waiting[] {
    this.#due?.cancel();
    for (const timer of this.#timers) timer.cancel();
    for (const settled of this.#settled.splice(0)) settled();
    return this.#kept?.clear() ?? [];
  }
}
