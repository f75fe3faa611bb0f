/** The HTTP port of the kit, and the guide's plugin for it. */
import { expect } from 'chai';
import { z } from 'zod';
import web from '../../../plugins/web/index.ts';
import { definePlugin } from '../../../server/plugin.ts';
import '../../../templates/board/test/board.test.ts';
import { openServer, type KitServer } from '../../kit/index.ts';

const mirror = definePlugin({
  name: 'mirror',
  version: '1.0.0',
  config: z.strictObject({}),
  enabledByDefault: false,
  start(host) {
    host.http.route({
      path: '/mirror',
      async handle(request, response) {
        const body = Buffer.concat(await request.toArray()).toString();
        response.writeHead(201, { 'set-cookie': ['a=1', 'b=2'] });
        response.end(
          JSON.stringify([request.method, request.headers['x-word'], body, host.http.remoteAddress(request), host.http.secure(request)]),
        );
      },
    });
    host.http.route({
      path: '/late',
      handle: (_request, response) => void host.clock.after(5_000, () => response.writeHead(204).end()),
    });
    host.http.route({ path: '/wrong', handle: () => Promise.reject(new Error('on purpose')) });
    return Promise.resolve({ stop: () => Promise.resolve(), status: () => ({ summary: '', links: [] }) });
  },
});

describe('kit: the HTTP port', () => {
  let server: KitServer;

  beforeEach(async () => {
    server = await openServer();
  });
  afterEach(() => server.stop());

  it('takes requests of every kind, from whom the test says', async () => {
    await server.start(mirror);
    const client = { remoteAddress: '198.51.100.9', secure: false };
    const body = 'x'.repeat(200_000);
    const answer = await server.request('/mirror?a', { method: 'PUT', headers: { 'X-Word': 'hello' }, body, ...client });
    expect(answer.status).to.equal(201);
    expect(answer.headers.getSetCookie()).to.deep.equal(['a=1', 'b=2']);
    expect(await answer.json()).to.deep.equal(['PUT', 'hello', body, '198.51.100.9', false]);
    expect(await (await server.request('/mirror')).json()).to.deep.equal(['GET', null, '', '192.0.2.10', true]);
  });

  it('answers when the plugin does, in virtual time', async () => {
    await server.start(mirror);
    let status: number | undefined;
    const late = server.request('/late').then((response) => (status = response.status));
    await server.advance(4_999);
    expect(status).to.equal(undefined);
    await server.advance(1);
    await late;
    expect(status).to.equal(204);
  });

  it('answers like the server: unknown paths, a handler that fails, nonsense', async () => {
    const started = await server.start(mirror);
    expect((await server.request('/nowhere')).status).to.equal(404);
    expect((await server.request('/wrong')).status).to.equal(500);
    expect(server.log.atLeast('error')).to.have.length(1);
    const raw = server.connectHttp();
    raw.write('nonsense\r\n\r\n');
    await server.settle();
    expect(String(raw.read())).to.match(/^HTTP\/1\.1 400 /);
    await started.stop();
    expect((await server.request('/mirror')).status).to.equal(404);
  });

  it('serves the page, and people who use it', async () => {
    await server.start(web);
    expect(await (await server.request('/')).text()).to.match(/<!doctype html>/i);
    const anna = await server.guest('anna', 'lounge');
    const wanda = await server.webSocket('/socket', { protocols: ['banyan.v1'] });
    await wanda.expect('"welcome"');
    wanda.send('{"type":"guest","nick":"wanda"}');
    wanda.send('{"type":"join","room":"lounge"}');
    await wanda.expect('"type":"room"');
    wanda.send('{"type":"say","room":"lounge","text":"hello"}');
    await server.settle();
    expect(anna.take()).to.deep.equal(['lounge join wanda', 'lounge <wanda> hello']);
    const stranger = server.webSocket('/socket', { headers: { origin: 'https://evil.example' } });
    await stranger.then(
      () => expect.fail('it was let in'),
      (error: Error) => expect(error.message).to.contain('403'),
    );
  });
});
