/** The board in memory: requests and WebSockets to it, nothing listens. */
import { deepEqual, equal, rejects } from 'node:assert/strict';
import { openServer, type KitServer, type Person } from 'banyan/kit';
import plugin from '../src/index.ts';

describe('board', () => {
  let server: KitServer;
  let anna: Person;

  beforeEach(async () => {
    server = await openServer({ rooms: ['lounge', 'office'] });
    anna = await server.guest('anna', 'lounge', 'office');
  });
  afterEach(() => server.stop());

  it('shows what was said, and only of its rooms', async () => {
    await server.start(plugin, { rooms: ['lounge'] });
    await anna.say('lounge', 'hello');
    const page = await server.request('/board/lounge');
    equal(page.status, 200);
    equal(await page.text(), '<anna> hello');
    for (const path of ['/board/office', '/board/', '/board/constructor']) equal((await server.request(path)).status, 404, path);
  });

  it('tells readers what is said from now on', async () => {
    await server.start(plugin, { rooms: ['lounge'] });
    const reader = await server.webSocket('/board/lounge', { protocols: ['board.v1'] });
    equal(reader.protocol, 'board.v1');
    await anna.say('lounge', 'one');
    await anna.say('office', 'secret');
    await anna.say('lounge', 'two');
    await reader.expect('<anna> one');
    deepEqual(await reader.take(), ['<anna> two']);
    await rejects(server.webSocket('/board/office'), /404/);
  });

  it('leaves nothing behind', async () => {
    const before = server.footprint();
    const started = await server.start(plugin, { rooms: ['lounge'] });
    const [gone, cut, writer, reader] = await Promise.all([1, 2, 3, 4].map(() => server.webSocket('/board/lounge')));
    await gone!.end();
    await cut!.cut();
    writer!.send('hello');
    await server.settle();
    deepEqual(writer!.closed, { code: 1008, reason: 'this is for reading' });
    equal(started.status().summary, '1 readers');
    await started.stop();
    deepEqual(reader!.closed, { code: 1001, reason: 'the server is stopping' });
    deepEqual(server.footprint(), before);
  });
});
