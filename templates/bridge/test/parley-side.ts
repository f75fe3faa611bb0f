/** A Parley server as the tests play it, and how the suite of the kit drives the bridge against it. */
import type { Attachment, ContractAdapter, KitServer, Peer, Sight } from 'banyan/kit';
import type { Plugin } from 'banyan/plugin';
import { decode, encode, type Line } from '../src/codec.ts';

export const secret = 'open-sesame';
export const table = { address: 'parley.example:7788', tls: false, secret, rooms: ['lounge'] };
const room = 'lounge';

/** The other side: keeps a list of members, tells who is there when it is greeted, and answers pings. */
class ParleySide {
  /** In the room: theirs, and whom our server told of. */
  readonly members = new Set<string>();
  readonly theirs = new Set<string>();
  #sights: Sight[] = [];

  /** What our server says, as that side reads it. */
  read(text: string, peer: Peer): void {
    const line = decode(text);
    if (line === undefined) this.#sights.push({ kind: 'other', text });
    else if (line.verb === 'hello') this.#greet(peer);
    else if (line.verb === 'ping') peer.send(encode({ verb: 'pong', token: line.token }).trimEnd());
    else if (line.verb !== 'pong') this.#sights.push(this.#apply(line));
  }

  #greet(peer: Peer): void {
    const joins = [...this.theirs].map((nick): Line => ({ verb: 'join', room, nick }));
    for (const line of [{ verb: 'hello', name: 'parley.example', secret } as const, ...joins, { verb: 'listed' } as const])
      peer.send(Buffer.from(encode(line)));
  }

  #apply(line: Line): Sight {
    switch (line.verb) {
      case 'join':
        this.members.add(line.nick);
        return { kind: 'join', nick: line.nick };
      case 'leave':
      case 'quit':
        this.members.delete(line.nick);
        return { kind: 'leave', nick: line.nick };
      case 'kick':
        this.members.delete(line.target);
        return { kind: 'kick', nick: line.target, by: line.nick };
      case 'nick':
        this.members.delete(line.nick);
        this.members.add(line.to);
        return { kind: 'nick', nick: line.nick, to: line.to };
      case 'say':
        return { kind: 'say', nick: line.nick, text: line.text };
      case 'tell':
        return { kind: 'private', nick: line.nick, text: line.text };
      case 'topic':
        return { kind: 'topic', text: line.text };
      default:
        return { kind: 'other', text: line.verb };
    }
  }

  take(): Sight[] {
    const sights = this.#sights;
    this.#sights = [];
    return sights;
  }
}

/** The suite's view of the bridge, or of a plugin that stands in its place. */
export function adapterFor<Config>(plugin: Plugin<Config>): ContractAdapter {
  return { kind: 'mirror', cannotCarry: ['waiting'], open: (server) => openParley(server, plugin) };
}

/** Starts a plugin that speaks Parley against this side; `heard` is told of each line besides. */
export async function openParley<Config>(
  server: KitServer,
  plugin: Plugin<Config>,
  heard: (line: string, peer: Peer) => void = () => undefined,
): Promise<Attachment> {
  const side = new ParleySide();
  const answer = (line: string, peer: Peer): void => {
    side.read(line, peer);
    heard(line, peer);
  };
  const options = { lineEnd: '\n', answer };
  let host = server.host('parley.example', 7788, options);
  const started = await server.start(plugin, table);
  let peer = await host.accepted();
  const send = (line: Line): void => peer.send(Buffer.from(encode(line)));
  const comes = (nick: string): void => [side.theirs, side.members].forEach((list) => list.add(nick));
  const goes = (nick: string): void => [side.theirs, side.members].forEach((list) => list.delete(nick));
  return {
    plugin: started,
    joins(nick) {
      comes(nick);
      send({ verb: 'join', room, nick });
    },
    leaves(nick) {
      goes(nick);
      send({ verb: 'quit', nick, text: 'bye' });
    },
    says: (nick, text) => send({ verb: 'say', room, nick, text }),
    tells: (nick, to, text) => send({ verb: 'tell', nick, to, text }),
    renames(nick, to) {
      goes(nick);
      comes(to);
      send({ verb: 'nick', nick, to });
    },
    topic: (nick, text) => send({ verb: 'topic', room, nick, text }),
    kicks(nick, target) {
      goes(target);
      send({ verb: 'kick', room, nick, target, text: '' });
    },
    saw: () => side.take(),
    members: () => [...side.members],
    async breaks() {
      host.close();
      side.members.clear();
      side.theirs.clear();
      await peer.cut();
    },
    async returns(nicks) {
      nicks.forEach(comes);
      host = server.host('parley.example', 7788, options);
      await server.advance(60_000);
      peer = await host.accepted();
    },
    raves: (bytes) => peer.send(bytes),
  };
}
