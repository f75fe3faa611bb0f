/** The bridge against a scripted Parley server, in memory: nothing listens, no time passes. */
import { deepEqual, equal } from 'node:assert/strict';
import { contract, openServer, replay } from 'banyan/kit';
import { decode, encode, LineCutter, type Line } from '../src/codec.ts';
import plugin from '../src/index.ts';
import { adapterFor, secret, table } from './parley-side.ts';

const conversation = String.raw`banyan transcript 1
# two greet each other, tell who is there, and talk
0.000 = connected
0.000 > hello chat.example \{secret}\n
0.000 < hello parley.example \{secret}\n
0.000 < join lounge bert\n
0.000 < listed\n
0.000 > join lounge anna\n
0.000 > ping lounge:\{*}\n
1.000 < say lounge bert hello anna\n
1.000 > ping lounge:\{*}\n
2.000 > say lounge anna hello bert\n
2.000 > ping lounge:\{*}\n
2.500 < quit bert bye\n
2.500 > ping lounge:\{*}\n
`;

contract('parley', adapterFor(plugin));

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

  it('is not disturbed by the late end of the one before', async () => {
    const server = await openServer();
    try {
      const host = server.host('parley.example', 7788, { lineEnd: '\n' });
      const started = await server.start(plugin, table);
      const peer = await host.accepted();
      peer.send('hello parley.example wrong');
      // It does not read, so it does not see that the other side ends.
      peer.pause();
      await server.advance(2_000);
      (await host.accepted()).send(`hello parley.example ${secret}`);
      await server.advance(2_000);
      equal(peer.closed?.error, undefined);
      equal(started.status().links[0]?.state, 'up');
    } finally {
      await server.stop();
    }
  });

  it('goes as it went once, byte for byte', async () => {
    const server = await openServer();
    try {
      const host = server.host('parley.example', 7788, { lineEnd: '\n' });
      const anna = await server.guest('anna', 'lounge');
      await server.start(plugin, table);
      server.clock.after(2_000, () => void anna.say('lounge', 'hello bert'));
      await replay(server, await host.accepted(), conversation, { secrets: { secret } });
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
