/**
 * The way out of a connection: what is written within a tick leaves in one write per socket. One flusher serves all
 * connections, so that a tick costs one callback however many sockets it concerns.
 */
import type { Writable } from 'node:stream';

/** Small pieces are cheaper copied together than handed to the kernel as a vector. */
const copyUpTo = 16_384;

const dirty: Outbox[] = [];
let scheduled = false;

function flushAll(): void {
  scheduled = false;
  // Writing cannot mark an outbox dirty again within this loop: sockets call back later.
  for (const outbox of dirty) outbox.flush();
  dirty.length = 0;
}

export class Outbox {
  #stream: Writable;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #dirty = false;
  /** While true, everything is kept: a TLS handshake is on. */
  held = false;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  /** Bytes waiting here and in the stream. */
  get queued(): number {
    return this.#bytes + this.#stream.writableLength;
  }

  push(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
    if (this.#dirty || this.held) return;
    this.#dirty = true;
    dirty.push(this);
    if (scheduled) return;
    scheduled = true;
    process.nextTick(flushAll);
  }

  flush(): void {
    this.#dirty = false;
    if (this.#bytes === 0 || this.held) return;
    const chunks = this.#chunks;
    const bytes = this.#bytes;
    this.#chunks = [];
    this.#bytes = 0;
    const stream = this.#stream;
    if (stream.destroyed || stream.writableEnded) return;
    if (chunks.length === 1) stream.write(chunks[0]!);
    else if (bytes <= copyUpTo) stream.write(Buffer.concat(chunks, bytes));
    else {
      stream.cork();
      for (const chunk of chunks) stream.write(chunk);
      stream.uncork();
    }
  }

  /** Goes on over another stream (TLS in place of plain). */
  moveTo(stream: Writable): void {
    this.#stream = stream;
    this.held = false;
    this.flush();
  }

  drop(): void {
    this.#chunks = [];
    this.#bytes = 0;
  }
}
