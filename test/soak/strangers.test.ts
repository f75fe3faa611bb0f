/** At full size: who has not signed in. */
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { deflateRawSync } from 'node:zlib';
import type { Socket } from 'node:net';
import { expect } from 'chai';
import { eventually, sleep } from '../support/wait.ts';
import { share, startScene, type Scene } from './scene.ts';
import { addressOf, closed, manyAtOnce, manyFor, pour, Sockets } from './sockets.ts';

const ports = ['irc', 'irc-tls', 'xmpp-server', 'web'] as const;

describe('strangers at full size', function () {
  this.timeout(share(1) + 240_000);
  let scene: Scene;
  let sockets: Sockets;
  before(async () => {
    scene = await startScene();
  });
  beforeEach(() => (sockets = new Sockets()));
  afterEach(() => sockets.destroyAll());
  after(() => scene?.stop());

  it('A4 before login: 10,000 idle connections from as many addresses', async () => {
    await scene.withstands(
      async () => {
        await manyAtOnce(10_000, 100, (number) => sockets.connect(scene.banyan.port(ports[number % 3]!), addressOf(number)));
        expect(sockets.connected).to.be.above(5_000);
        await eventually('those beyond the cap to be shown out', () => sockets.open <= 2_000, 30_000);
        await eventually('all to be shown out at the deadline', () => sockets.open === 0, 60_000);
      },
      { log: /too many connections wait for registration/ },
    );
  });

  it('A4 before login: half handshakes, slow bytes, and connections that come and go', async () => {
    const slowly = async (socket: Socket, bytes: string): Promise<void> => {
      for (const byte of bytes) {
        if (socket.destroyed) return;
        await pour(socket, byte);
        await sleep(100);
      }
    };
    const hello = Buffer.from('160301020001', 'hex');
    await scene.withstands(async () => {
      await Promise.all([
        manyFor(share(0.12), 50, async (number) => {
          const socket = await sockets.connect(scene.banyan.port('irc-tls'), addressOf(number));
          if (socket === undefined) return;
          await pour(socket, hello);
          await sleep(500);
          socket.destroy();
        }),
        manyFor(share(0.12), 50, async (number) => {
          const socket = await sockets.connect(scene.banyan.port(number % 2 === 0 ? 'irc' : 'xmpp-server'), addressOf(20_000 + number));
          if (socket === undefined) return;
          await slowly(socket, 'NICK slow');
          socket.destroy();
        }),
        manyFor(share(0.12), 20, async (number) => {
          const socket = await sockets.connect(scene.banyan.port(ports[number % ports.length]!), addressOf(number % 500));
          socket?.destroy();
        }),
        manyFor(share(0.12), 4, async () => {
          const socket = connectTls({ host: '127.0.0.1', port: scene.banyan.port('irc-tls'), rejectUnauthorized: false });
          socket.on('error', () => undefined);
          await Promise.race([once(socket, 'secureConnect').catch(() => undefined), closed(socket)]);
          socket.destroy();
        }),
      ]);
    });
  });

  it('A3 XML bombs on the port for other servers', async () => {
    const header =
      "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' from='far.example' to='banyan.example' version='1.0'>";
    const entities = Array.from({ length: 9 }, (_, level) => `<!ENTITY e${level + 1} "${`&e${level};`.repeat(10)}">`).join('');
    const bombs = [
      `<?xml version='1.0'?><!DOCTYPE bomb [<!ENTITY e0 "bomb">${entities}]><bomb>&e9;</bomb>`,
      `<?xml version='1.0'?><!DOCTYPE bomb [<!ENTITY e SYSTEM "file:///etc/passwd">]><bomb>&e;</bomb>`,
      `${header}${'<a>'.repeat(100_000)}`,
      `${header}<message ${Array.from({ length: 10_000 }, (_, at) => `a${at}='x'`).join(' ')}/>`,
      `${header}<message a='${'x'.repeat(1_048_576)}'/>`,
      `${header}<message><body>${'x'.repeat(8_388_608)}`,
      `${header}<${'n'.repeat(1_048_576)}`,
      `${header}<!--${'c'.repeat(1_048_576)}`,
      `${header}<?php ${'p'.repeat(1_048_576)}`,
      Buffer.concat([Buffer.from(`${header}<message><body>`), Buffer.alloc(1_048_576, 0xff)]),
      Buffer.concat([Buffer.from(`${header}<message><body>`), Buffer.alloc(1_048_576, 0)]),
      `${header}</stream:stream>${header.repeat(1_000)}`,
      header.repeat(10_000),
    ];
    await scene.withstands(
      () =>
        manyFor(share(0.08), 20, async (number) => {
          const socket = await sockets.connect(scene.banyan.port('xmpp-server'), addressOf(number));
          if (socket === undefined) return;
          await pour(socket, bombs[number % bombs.length]!);
          await closed(socket);
        }),
      { log: /a stream of another XMPP server ended/ },
    );
  });

  /** A WebSocket on which every byte is ours; resolves behind the answer to the handshake. */
  async function webSocket(
    number: number,
    headers: readonly string[],
  ): Promise<{ readonly socket: Socket; readonly answer: () => string } | undefined> {
    const socket = await sockets.connect(scene.banyan.port('web'), addressOf(number));
    if (socket === undefined) return undefined;
    let answer = '';
    socket.on('data', (bytes: Buffer) => (answer += bytes.toString('latin1')));
    const head = [
      'GET /socket HTTP/1.1',
      `Host: 127.0.0.1:${scene.banyan.port('web')}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ...headers,
    ];
    await pour(socket, `${head.join('\r\n')}\r\n\r\n`);
    await eventually('an answer', () => answer !== '' || socket.destroyed, 30_000);
    return { socket, answer: () => answer };
  }

  /** One frame of a client, masked with zeros. */
  function frame(first: number, payload: Buffer, announced = payload.length): Buffer {
    const head = Buffer.alloc(14);
    head[0] = first;
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(announced), 2);
    return Buffer.concat([head, payload]);
  }

  it('A5 compression: 20 MiB in 20 KiB, on the page, the port for other servers and the one for IRC servers', async () => {
    const bomb = deflateRawSync(Buffer.alloc(20 * 1_048_576, 'a'));
    expect(bomb.length).to.be.below(24_000);
    const answers = new Set<string>();
    await scene.withstands(() =>
      manyFor(share(0.06), 20, async (number) => {
        if (number % 4 === 3) {
          const socket = await sockets.connect(scene.banyan.port(number % 8 === 3 ? 'irc-link' : 'xmpp-server'), addressOf(number));
          if (socket === undefined) return;
          await pour(socket, Buffer.concat([Buffer.from('PASS linkpassword 0210-IRC+ ngIRCd|26:CHLMSXZ PZ\r\n'), bomb]));
          await closed(socket);
          return;
        }
        const opened = await webSocket(number, ['Sec-WebSocket-Protocol: banyan.v1', 'Sec-WebSocket-Extensions: permessage-deflate']);
        if (opened === undefined) return;
        answers.add(/sec-websocket-extensions/i.test(opened.answer()) ? 'offered' : opened.answer().slice(0, 12));
        await pour(opened.socket, number % 2 === 0 ? frame(0xc1, bomb) : frame(0x81, bomb, 20 * 1_048_576));
        await closed(opened.socket);
      }),
    );
    expect([...answers]).to.deep.equal(['HTTP/1.1 101']);
  });

  it('A6 WebSocket edges: thousands of headers, huge sub-protocols, bad frames, floods of pings', async () => {
    const own = 'Sec-WebSocket-Protocol: banyan.v1';
    const empty = Buffer.alloc(0);
    const frames = [
      frame(0x08 & 0x7f, empty), // a close that goes on
      frame(0x80, empty), // a continuation of nothing
      frame(0x09, Buffer.alloc(200)), // a ping in parts, too long
      frame(0x82, Buffer.alloc(70_000)), // bytes where text is due
      frame(0x81, Buffer.alloc(1_000, 0xff)), // no UTF-8
      frame(0x81, empty, Number.MAX_SAFE_INTEGER), // no length that can be
      Buffer.concat(Array.from({ length: 20_000 }, () => frame(0x89, Buffer.alloc(100)))), // pings
      Buffer.concat(Array.from({ length: 20_000 }, () => frame(0x01, Buffer.from('x')))), // parts without end
    ];
    const headers = [
      Array.from({ length: 2_000 }, (_, at) => `X-${at}: a`),
      [`Sec-WebSocket-Protocol: ${'a, '.repeat(20_000)}banyan.v1`],
      [own, `X-Long: ${'l'.repeat(1_000_000)}`],
      [own, 'Origin: https://evil.example'],
    ];
    await scene.withstands(() =>
      manyFor(share(0.06), 20, async (number) => {
        const bad = number % 3 === 0;
        const opened = await webSocket(number, bad ? headers[(number / 3) % headers.length]! : [own]);
        if (opened === undefined) return;
        if (bad) expect(opened.answer()).to.match(/^(?:HTTP\/1\.1 4\d\d|$)/);
        else await pour(opened.socket, frames[number % frames.length]!);
        await Promise.race([closed(opened.socket), sleep(500)]);
        opened.socket.destroy();
      }),
    );
  });
});
