/** What all clients of this plugin share: the view of people, the encoder, the clients, and the words of the server itself. */
import type { Host, Room, UserChange, UserId } from '../../server/plugin.ts';
import type { Client } from './client.ts';
import type { Config } from './config.ts';
import { Encoder } from './encode.ts';
import { renderAll, type OutLine } from './outgoing.ts';
import { People } from './people.ts';

/** What LUSERS counts by looking at everybody. */
export interface Counts {
  /** Of which everybody may know. */
  readonly rooms: number;
  /** Who are connected by this plugin. */
  readonly administrators: number;
}

const countsMilliseconds = 1_000;

export class IrcServer {
  readonly host: Host;
  readonly config: Config;
  readonly people: People;
  readonly encoder: Encoder;
  /** The server's name in sources. */
  readonly name: string;
  readonly clients = new Set<Client>();
  /** Reports what a client set going and what came to nothing, by a fault of ours. */
  readonly failed = (error: unknown): void => this.host.log.error({ err: error }, 'a message of an IRC client failed');
  #counted: { readonly at: number; readonly counts: Counts } | undefined;
  readonly #changes = new WeakMap<UserChange, { readonly lines: readonly OutLine[]; readonly rendered: Map<number, Buffer> }>();

  constructor(host: Host, config: Config) {
    this.host = host;
    this.config = config;
    this.name = host.domain;
    this.people = new People(host);
    this.encoder = new Encoder(this.people, this.name);
  }

  now(): number {
    return this.host.clock.now();
  }

  counts(): Counts {
    let rooms = 0;
    for (const room of this.host.rooms.all()) if (!room.config.hidden) rooms++;
    let administrators = 0;
    for (const client of this.clients) if (client.session?.user.administrator === true) administrators++;
    return { rooms, administrators };
  }

  /** Counts of the last second: when thousands come at once, each of them is told, and counting for each anew would take most of the time. */
  recentCounts(): Counts {
    const now = this.now();
    if (this.#counted === undefined || Math.abs(now - this.#counted.at) > countsMilliseconds)
      this.#counted = { at: now, counts: this.counts() };
    return this.#counted.counts;
  }

  /** A change of a person as bytes for a capability set, and as lines; made once for all clients. */
  userChange(change: UserChange, flags: number): { readonly lines: readonly OutLine[]; readonly bytes: Buffer } {
    let known = this.#changes.get(change);
    if (known === undefined) {
      known = { lines: this.encoder.userChange(change, this.now()), rendered: new Map() };
      this.#changes.set(change, known);
    }
    let bytes = known.rendered.get(flags);
    if (bytes === undefined) {
      bytes = Buffer.from(renderAll(known.lines, flags));
      known.rendered.set(flags, bytes);
    }
    return { lines: known.lines, bytes };
  }

  /** Clients of a user. */
  *clientsOf(user: UserId): Iterable<Client> {
    for (const client of this.clients) if (client.session?.user.id === user) yield client;
  }

  /** Clients that are in a room. */
  *clientsIn(room: Room): Iterable<Client> {
    for (const client of this.clients) if (client.isIn(room)) yield client;
  }
}
