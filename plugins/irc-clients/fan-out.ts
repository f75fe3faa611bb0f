/** Which parts of a batch a client sees: nearly always all of it, in bytes that everybody shares. */
import type { Batch, LeaveCause, Room, UserId } from '../../server/plugin.ts';
import { flag } from './capabilities.ts';
import type { Client } from './client.ts';
import type { Piece } from './encode.ts';
import { showsLive } from './replay.ts';

interface Exceptions {
  readonly joined: ReadonlySet<UserId>;
  readonly splits: boolean;
}

/** `all`, or whether this client sees a piece. */
export function piecesFor(client: Client, batch: Batch, now: number): 'all' | ((piece: Piece) => boolean) {
  const user = client.session?.user;
  if (user === undefined) return () => false;
  const exceptions = batch.shared('irc-clients exceptions', () => {
    showsLive(batch);
    return exceptionsIn(batch.room, client.server.encoder.pieces(batch, now), now);
  });
  const sawSplit = exceptions.splits ? splitsSeen(client, batch.room) : undefined;
  if (!batch.cameBy(client) && !exceptions.joined.has(user.id) && sawSplit === undefined) return 'all';
  return (piece) => {
    if (piece.via === client && piece.echo && !client.has(flag.echoMessage)) return false;
    if (piece.joined === user.id) return false;
    return piece.split === undefined || sawSplit === undefined || !sawSplit(piece.split);
  };
}

function exceptionsIn(room: Room, pieces: readonly Piece[], now: number): Exceptions {
  const joined = new Set<UserId>();
  let splits = false;
  for (const piece of pieces) {
    if (piece.joined !== undefined) joined.add(piece.joined);
    if (piece.split !== undefined) {
      remember(room, piece.split, now);
      splits = true;
    }
  }
  return { joined, splits };
}

type Split = NonNullable<Piece['split']>;

/** Rooms in which somebody's loss was shown, by the loss: who was in two rooms is lost in both, but quits once. */
const lost = new WeakMap<Room, { readonly users: Map<UserId, string>; at: number }>();
const recent = 10_000;

function keyOf(cause: Extract<LeaveCause, { kind: 'split' }>): string {
  return `${cause.near} ${cause.far}`;
}

function remember(room: Room, split: Split, now: number): void {
  let entry = lost.get(room);
  if (entry === undefined || now - entry.at > recent) {
    entry = { users: new Map(), at: now };
    lost.set(room, entry);
  }
  entry.users.set(split.user, keyOf(split.cause));
}

/** How to know whether this client has seen a loss in another of its rooms; undefined when it cannot have. */
function splitsSeen(client: Client, room: Room): ((split: Split) => boolean) | undefined {
  const others = [...client.rooms].filter((other) => other !== room && lost.has(other));
  if (others.length === 0) return undefined;
  return (split) => others.some((other) => lost.get(other)!.users.get(split.user) === keyOf(split.cause));
}
