/**
 * The way out of a connection: what is written within a tick leaves in one write per socket. One flusher serves all
 * connections, so that a tick costs one callback however many sockets it concerns.
 */
import type { Writable } from 'node:stream';

/** Small pieces are cheaper copied together than handed to the kernel as a vector. */
const copyUpTo = 16_384;

/** Bytes written before others get their turn, some milliseconds of copying: a burst of a linked network is a megabyte for each client. */
const mostAtOnce = 8_388_608;

const dirty: Outbox[] = [];
let scheduled = false;

function flushAll(): void {
  let flushed = 0;
  // Writing cannot mark an outbox dirty again within this loop: sockets call back later.
  for (let bytes = 0; flushed < dirty.length && bytes < mostAtOnce; flushed++) bytes += dirty[flushed]!.flush();
  dirty.splice(0, flushed);
  scheduled = dirty.length > 0;
  if (scheduled) setImmediate(flushAll);
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

  /** Writes what waits; answers with how many bytes that were. */
  flush(): number {
    this.#dirty = false;
    if (this.#bytes === 0 || this.held) return 0;
    const chunks = this.#chunks;
    const bytes = this.#bytes;
    this.#chunks = [];
    this.#bytes = 0;
    const stream = this.#stream;
    if (stream.destroyed || stream.writableEnded) return 0;
    if (chunks.length === 1) stream.write(chunks[0]!);
    else if (bytes <= copyUpTo) stream.write(Buffer.concat(chunks, bytes));
    else {
      stream.cork();
      for (const chunk of chunks) stream.write(chunk);
      stream.uncork();
    }
    return bytes;
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
