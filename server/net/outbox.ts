/**
 * The way out of a connection: what is written within a tick leaves in one write per socket. One flusher serves all
 * connections, so that a tick costs one callback however many sockets it concerns.
 */
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { TLSSocket } from 'node:tls';

/** Small pieces are cheaper copied together than handed to the kernel as a vector. */
const copyUpTo = 16_384;

/** Bytes written before others get their turn, some milliseconds of copying: a burst of a linked network is a megabyte for each client. */
const mostAtOnce = 8_388_608;

/** Where small pieces are put together. Most writes go to the kernel at once, so that one such place serves all connections. */
let scratch = Buffer.allocUnsafeSlow(copyUpTo);

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
  #chunks: (Buffer | string)[] = [];
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

  /** `bytes`: how many the chunk has. */
  push(chunk: Buffer | string, bytes = Buffer.byteLength(chunk)): void {
    const last = this.#chunks.length - 1;
    const before = this.#chunks[last];
    if (typeof chunk === 'string' && typeof before === 'string') this.#chunks[last] = before + chunk;
    else this.#chunks.push(chunk);
    this.#bytes += bytes;
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
    else if (bytes <= copyUpTo) this.#writeTogether(chunks, bytes);
    else {
      stream.cork();
      for (const chunk of chunks) stream.write(chunk);
      stream.uncork();
    }
    return bytes;
  }

  #writeTogether(chunks: readonly (Buffer | string)[], bytes: number): void {
    const stream = this.#stream;
    // Only of a plain socket it is known that it does not keep what it has written.
    const plain = stream instanceof Socket && !(stream instanceof TLSSocket);
    const target = plain ? scratch : Buffer.allocUnsafe(bytes);
    let at = 0;
    for (const chunk of chunks) at += typeof chunk === 'string' ? target.write(chunk, at) : chunk.copy(target, at);
    stream.write(target.subarray(0, at));
    // The kernel did not take it: it waits where it is.
    if (plain && stream.writableLength > 0) scratch = Buffer.allocUnsafeSlow(copyUpTo);
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
