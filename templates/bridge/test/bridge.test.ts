/** The bridge against a scripted Parley server, in memory: nothing listens, no time passes. */
import { deepEqual, equal } from 'node:assert/strict';
import { contract, openServer, type Attachment, type KitServer, type Peer, type Sight } from 'banyan/kit';
import { decode, encode, LineCutter, type Line } from '../src/codec.ts';
import plugin from '../src/index.ts';

const secret = 'open-sesame';
const table = { address: 'parley.example:7788', tls: false, secret, rooms: ['lounge'] };

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
    const joins = [...this.theirs].map((nick): Line => ({ verb: 'join', room: 'lounge', nick }));
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

async function open(server: KitServer): Promise<Attachment> {
  const side = new ParleySide();
  const options = { lineEnd: '\n', answer: (text: string, peer: Peer) => side.read(text, peer) };
  let host = server.host('parley.example', 7788, options);
  const started = await server.start(plugin, table);
  let peer = await host.accepted();
  const send = (line: Line): void => peer.send(Buffer.from(encode(line)));
  const room = 'lounge';
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

contract('parley', { kind: 'mirror', open });

describe('parley: lines', () => {
  const lines: readonly Line[] = [
    { verb: 'say', room: 'lounge', nick: 'bert', text: ' two  blanks ' },
    { verb: 'leave', room: 'lounge', nick: 'bert', text: '' },
    { verb: 'listed' },
  ];

  it('come back as they went', () => {
    for (const line of lines) deepEqual(decode(encode(line).slice(0, -1)), line);
  });

  it('come whole, wherever they are cut', () => {
    const bytes = Buffer.from(lines.map(encode).join(''));
    for (let at = 0; at <= bytes.length; at++) {
      const cutter = new LineCutter();
      const texts = [...cutter.push(bytes.subarray(0, at))!, ...cutter.push(bytes.subarray(at))!];
      deepEqual(texts.map(decode), lines);
    }
    equal(new LineCutter().push(Buffer.alloc(3_000, 97)), undefined, 'too long');
  });

  it('hold one line, whatever the text', () => {
    equal(encode({ verb: 'quit', nick: 'bert', text: 'a\r\nquit anna b\0c' }), 'quit bert a quit anna b c\n');
    equal(decode('constructor x'), undefined);
  });
});

describe('parley: the link', () => {
  it('is not made with a peer that has another secret, and is tried again', async () => {
    const server = await openServer();
    try {
      const host = server.host('parley.example', 7788, { lineEnd: '\n' });
      const started = await server.start(plugin, table);
      const peer = await host.accepted();
      peer.send('hello parley.example wrong');
      await peer.expect('bye the secret is another');
      equal(started.status().links[0]?.state, 'down');
      await server.advance(2_000);
      const again = await host.accepted();
      again.send(`hello parley.example ${secret}`);
      await server.settle();
      equal(started.status().links[0]?.state, 'up');
    } finally {
      await server.stop();
    }
  });

  it('gives the nick to the one over there when both have it', async () => {
    const server = await openServer();
    try {
      const host = server.host('parley.example', 7788, { lineEnd: '\n' });
      await server.guest('anna', 'lounge');
      await server.start(plugin, table);
      const peer = await host.accepted();
      peer.send(`hello parley.example ${secret}`);
      peer.send('listed');
      await peer.expect('join lounge anna');
      peer.send('join lounge anna');
      await peer.expect('quit anna that nick is taken');
      await peer.expect('join lounge anna_chatexam');
    } finally {
      await server.stop();
    }
  });
});
