/** What all clients of this plugin share: the view of people, the encoder, the clients, and the words of the server itself. */
import type { Host, Room, UserChange, UserId } from '../../server/plugin.ts';
import type { Client } from './client.ts';
import type { Config } from './config.ts';
import { Encoder } from './encode.ts';
import { renderAll, type OutLine } from './outgoing.ts';
import { People } from './people.ts';

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
