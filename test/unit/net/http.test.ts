import { expect } from 'chai';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { HttpService, type HttpOptions } from '../../../server/net/http.ts';
import { eventually } from '../../support/wait.ts';
import { testNet, type TestNet } from './support.ts';

describe('the HTTP port', () => {
  let test: TestNet;
  let http: HttpService | undefined;
  const sockets: Socket[] = [];
  beforeEach(async () => (test = await testNet()));
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await http?.close();
    await test.stop();
  });

  async function start(options: Partial<HttpOptions> = {}): Promise<number> {
    const all = { listen: ['127.0.0.1:0'], listenTls: [], trustedProxies: [], publicUrl: undefined, domain: 'chat.example', ...options };
    http = new HttpService(all, test);
    await http.start();
    http.route({ path: '/hello', handle: (_request, response) => void response.end('hello') });
    return http.listeners[0]!.port;
  }

  /** Sends bytes as they are; answers with everything that comes until the other side closes. */
  async function raw(port: number, text: string): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    let answer = '';
    socket.setEncoding('utf8').on('data', (piece: string) => (answer += piece));
    socket.write(text);
    await once(socket, 'close');
    return answer;
  }

  it('serves exact paths and prefixes, 404 elsewhere, 500 for a route that fails, always with safe headers', async () => {
    const port = await start();
    http!.route({ path: '/files/', handle: (request, response) => void response.end(`file ${request.url}`) });
    http!.route({
      path: '/broken',
      handle: () => {
        throw new Error('on purpose');
      },
    });
    http!.route({ path: '/late', handle: () => Promise.reject(new Error('on purpose')) });
    const get = async (path: string): Promise<string> => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      expect(response.headers.get('x-content-type-options'), path).to.equal('nosniff');
      expect(response.headers.get('x-frame-options'), path).to.equal('DENY');
      expect(response.headers.get('referrer-policy'), path).to.equal('no-referrer');
      return `${response.status} ${await response.text()}`;
    };
    expect(await get('/hello?x')).to.equal('200 hello');
    expect(await get('/files/a/b')).to.equal('200 file /files/a/b');
    for (const path of ['/hello/', '/files', '/', '/hell']) expect(await get(path), path).to.match(/^404/);
    for (const path of ['/broken', '/late'])
      expect(await get(path))
        .to.match(/^500 /)
        .and.not.include('purpose');
    expect(test.logged.filter((line) => line.includes('on purpose'))).to.have.length(2);
  });

  it('believes X-Forwarded-For of trusted proxies only, and from the end of the list on', async () => {
    const seen = async (trustedProxies: readonly string[], forwarded: string): Promise<string> => {
      const port = await start({ trustedProxies });
      http!.route({ path: '/me', handle: (request: IncomingMessage, response) => void response.end(http!.remoteAddress(request)) });
      const response = await fetch(`http://127.0.0.1:${port}/me`, { headers: { 'x-forwarded-for': forwarded } });
      const text = await response.text();
      await http!.close();
      return text;
    };
    expect(await seen([], '203.0.113.9')).to.equal('127.0.0.1');
    expect(await seen(['192.0.2.1'], '203.0.113.9')).to.equal('127.0.0.1');
    expect(await seen(['127.0.0.1'], '203.0.113.9')).to.equal('203.0.113.9');
    expect(await seen(['127.0.0.1'], '6.6.6.6, 203.0.113.9'), 'what the person wrote before is not believed').to.equal('203.0.113.9');
    expect(await seen(['127.0.0.0/8', '10.0.0.0/8'], '6.6.6.6, 203.0.113.9, 10.0.0.7')).to.equal('203.0.113.9');
    expect(await seen(['127.0.0.1'], '::ffff:203.0.113.9')).to.equal('203.0.113.9');
    for (const nonsense of ['', 'unknown', '"; DROP', '1.2.3']) expect(await seen(['127.0.0.1'], nonsense)).to.equal('127.0.0.1');
  });

  it('A4 before login: headers, URLs and requests that are too large or malformed are refused', async () => {
    const port = await start();
    const head = 'GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n';
    expect(await raw(port, `${head}\r\n`)).to.match(/^HTTP\/1\.1 200/);
    expect(await raw(port, `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`)).to.match(/^HTTP\/1\.1 4\d\d/);
    expect(await raw(port, `${head}X: ${'x'.repeat(20_000)}\r\n\r\n`)).to.match(/^HTTP\/1\.1 4\d\d/);
    expect(await raw(port, `${head}${Array.from({ length: 5_000 }, (_, n) => `X-${n}: 1\r\n`).join('')}\r\n`)).to.match(
      /^HTTP\/1\.1 4\d\d/,
    );
    for (const nonsense of [
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
      'NICK ann\r\nUSER a 0 * :a\r\n',
      '\0\0\0\0\r\n\r\n',
      '<stream:stream>\r\n\r\n',
    ])
      expect(await raw(port, nonsense), nonsense).to.match(/^HTTP\/1\.1 400/);
    expect(
      await raw(port, 'GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x'),
      'request smuggling',
    ).to.match(/^HTTP\/1\.1 400/);
    expect(await raw(port, 'GET /hello HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')).to.match(
      /^HTTP\/1\.1 404/,
    );
  });

  it('A4 before login: slow clients, idle ones and half handshakes are cut off', async () => {
    const timeouts = { headers: 600, request: 1_200, handshake: 600 };
    const port = await start({ timeouts, listenTls: ['127.0.0.1:0'] });
    const securePort = http!.listeners[1]!.port;
    const drip = (socket: Socket): void => {
      const timer = setInterval(() => socket.write('x'), 50);
      socket.once('close', () => clearInterval(timer));
    };
    const victims = [
      { to: port, text: '', slow: false },
      { to: port, text: 'GET /hello HTTP/1.1\r\nHost: ', slow: true },
      { to: port, text: 'POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n', slow: true },
      { to: securePort, text: '', slow: false },
      { to: securePort, text: '\x16\x03\x01', slow: false },
    ];
    const closed = victims.map(async ({ to, text, slow }) => {
      const socket = connect(to, '127.0.0.1');
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.resume();
      if (text !== '') socket.write(text, 'latin1');
      if (slow) drip(socket);
      await once(socket, 'close');
    });
    await Promise.all(closed);
  });

  it('A4 before login: one address has so many connections, a proxy as many as it needs', async () => {
    const port = await start();
    const open = new Set<Socket>();
    const fill = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const socket = connect(port, '127.0.0.1');
        sockets.push(socket);
        socket.on('error', () => undefined);
        socket.on('connect', () => open.add(socket));
        socket.on('close', () => open.delete(socket));
        socket.resume();
      }
    };
    fill(350);
    await eventually('the cap of 300', () => open.size === 300 && sockets.every((socket) => open.has(socket) || socket.destroyed));
    for (const socket of sockets.splice(0)) socket.destroy();
    await eventually('room again', async () => (await fetch(`http://127.0.0.1:${port}/hello`)).ok);
    await http!.close();
    const proxied = await start({ trustedProxies: ['127.0.0.1'] });
    for (let i = 0; i < 350; i++) {
      const socket = connect(proxied, '127.0.0.1');
      sockets.push(socket);
      socket.on('error', () => undefined);
    }
    expect((await fetch(`http://127.0.0.1:${proxied}/hello`)).status).to.equal(200);
  });

  it('shows addresses that can be opened', async () => {
    const port = await start({ publicUrl: 'https://chat.example/' });
    expect(http!.urls).to.deep.equal(['https://chat.example/', `http://127.0.0.1:${port}/`]);
  });
});
