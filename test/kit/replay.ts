/** Plays the peer's half of a transcript again, and compares what the server answers. */
import type { Peer } from './peer.ts';
import type { KitServer } from './server.ts';
import { parseTranscript, TranscriptError, type Piece, type TranscriptEntry } from '../../server/net/transcript.ts';

export interface ReplayOptions {
  /** What stands in the places that the peer speaks. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/**
 * Sends what the transcript has as received, at its times by the virtual clock, and checks that the server sends what it sent then:
 * in the same order, nothing left out, nothing besides. How it is cut into writes does not matter, nor what the other side said
 * meanwhile. @throws TranscriptError that names the line of the transcript
 */
export async function replay(server: KitServer, peer: Peer, text: string, options: ReplayOptions = {}): Promise<void> {
  const entries = parseTranscript(text);
  const begun = server.clock.now();
  const heard = new Heard(peer);
  let expected: TranscriptEntry[] = [];
  const settle = async (): Promise<void> => {
    await server.settle();
    heard.check(expected);
    expected = [];
  };
  for (const entry of entries) {
    if (entry.kind === 'in') await settle();
    await server.advance(Math.max(0, begun + entry.at - server.clock.now()));
    if (entry.kind === 'out') expected.push(entry);
    else if (entry.kind === 'in') peer.send(fill(entry.pieces, options.secrets ?? {}, entry.line));
  }
  await settle();
  heard.finish();
}

/** What the server has sent and was not compared yet, byte for byte as Latin-1 so that nothing is lost. */
class Heard {
  readonly #peer: Peer;
  #text = '';

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  check(expected: readonly TranscriptEntry[]): void {
    this.#text += this.#peer.takeNow().toString('latin1');
    for (const entry of expected) {
      if (entry.kind === 'event') continue;
      const match = new RegExp(`^(?:${pattern(entry.pieces)})`, 's').exec(this.#text);
      if (match === null) {
        const came = Buffer.from(this.#text, 'latin1').toString().split('\n')[0]!;
        throw new TranscriptError(`line ${entry.line}: the server sent ${came === '' ? 'nothing' : JSON.stringify(came)} instead`);
      }
      this.#text = this.#text.slice(match[0].length);
    }
  }

  finish(): void {
    this.check([]);
    if (this.#text !== '')
      throw new TranscriptError(`after the end: the server sent ${JSON.stringify(Buffer.from(this.#text, 'latin1').toString())}`);
  }
}

function pattern(pieces: readonly Piece[]): string {
  return pieces
    .map((piece) => (piece.kind === 'place' ? '[^\\n]*' : piece.bytes.toString('latin1').replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')))
    .join('');
}

function fill(pieces: readonly Piece[], secrets: Readonly<Record<string, string>>, line: number): Buffer {
  return Buffer.concat(
    pieces.map((piece) => {
      if (piece.kind === 'bytes') return piece.bytes;
      if (!Object.hasOwn(secrets, piece.name)) throw new TranscriptError(`line ${line}: give a value for \\{${piece.name}}`);
      return Buffer.from(secrets[piece.name]!);
    }),
  );
}
