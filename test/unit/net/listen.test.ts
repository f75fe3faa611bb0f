import { expect } from 'chai';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ListenError, splitAddress } from '../../../server/net/listen.ts';
import { eventually } from '../../support/wait.ts';
import { testNet, type TestNet } from './support.ts';

describe('listeners', () => {
  let test: TestNet;
  const sockets: Socket[] = [];
  beforeEach(async () => (test = await testNet()));
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await test.stop();
  });

  async function open(port: number): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }

  it('read an address, and say what is wrong with another', () => {
    expect(splitAddress('127.0.0.1:0')).to.deep.equal({ host: '127.0.0.1', port: 0 });
    expect(splitAddress('[::1]:6667')).to.deep.equal({ host: '::1', port: 6667 });
    for (const wrong of ['6667', '::1:6667', 'a:b', '127.0.0.1:65536', '[::1]', ''])
      expect(() => splitAddress(wrong), wrong).to.throw(ListenError);
  });

  it('name a port that is taken, with the remedy', async () => {
    const { port } = await test.listen();
    const failed: unknown = await test.listen({ name: 'irc', address: `127.0.0.1:${port}` }).catch((error: unknown) => error);
    expect(failed).to.be.instanceOf(ListenError);
    expect((failed as Error).message).to.equal(
      `irc: cannot listen on 127.0.0.1, port ${port}: another program has that port; stop it, or set another port (0: any free one) in the configuration`,
    );
  });

  it('hand over what came before anybody listened, and tell who it is', async () => {
    const listener = await test.listen();
    const socket = await open(listener.port);
    socket.write('early');
    await eventually('the bytes', () => listener.received === 'early');
    const [connection] = listener.connections;
    expect(connection).to.include({ remoteAddress: '127.0.0.1', loopback: true, localPort: listener.port, tls: undefined });
  });

  it('write in one piece what was written in one tick, in order', async () => {
    const listener = await test.listen({}, (connection) => ({
      onData: () => {
        for (let i = 0; i < 50; i++) connection.write(`${i},`);
        connection.end('end');
      },
      onClose: () => undefined,
    }));
    const socket = await open(listener.port);
    let text = '';
    socket.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    socket.write('go');
    await once(socket, 'close');
    expect(text).to.equal(`${Array.from({ length: 50 }, (_, index) => index).join(',')},end`);
  });

  it('close who does not read when the outbox is full, and nobody else', async () => {
    const listener = await test.listen({ outboxLimit: 200_000 });
    const slow = await open(listener.port);
    slow.pause();
    const quick = await open(listener.port);
    let received = 0;
    quick.on('data', (bytes: Buffer) => (received += bytes.length));
    await eventually('both connections', () => listener.connections.length === 2);
    const [slowSide, quickSide] = listener.connections;
    const chunk = Buffer.alloc(50_000, 'x');
    let sent = 0;
    await eventually('the slow one to be closed', () => {
      slowSide!.write(chunk);
      if (quickSide!.queued === 0) {
        quickSide!.write(chunk);
        sent += chunk.length;
      }
      return listener.closed.includes('send queue exceeded');
    });
    expect(slowSide!.queued).to.be.at.most(250_000);
    await eventually('the quick one to have everything', () => received === sent && sent > 0);
    slowSide!.write('more is dropped');
    expect(listener.closed).to.deep.equal(['send queue exceeded']);
  });

  it('close everybody when they are closed', async () => {
    const listener = await test.listen();
    const socket = await open(listener.port);
    const closed = once(socket, 'close');
    await eventually('the connection', () => listener.connections.length === 1);
    await listener.close();
    await closed;
    expect(listener.closed).to.have.length(1);
  });
});
