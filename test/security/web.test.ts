/** Attacks on the page's port: WebSocket framing, identities, files. One class of attack a title. */
import { expect } from 'chai';
import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { connectIrc } from '../support/irc-client.ts';
import { connectNative, nativeGuest, type NativeClient } from '../support/native-client.ts';
import { repository } from '../support/root.ts';
import { eventually } from '../support/wait.ts';

type Result = Readonly<Record<string, unknown>>;

/** A socket on which every byte is ours. */
interface Raw {
  readonly socket: Socket;
  /** Everything received. */
  readonly bytes: () => Buffer;
  readonly ended: Promise<unknown>;
}

describe('the port of the page under attack', function () {
  this.timeout(60_000);
  let banyan: Banyan;
  const sockets = new Set<Socket>();
  const clients = new Set<NativeClient>();

  before(async () => {
    banyan = await startBanyan({
      tables: [
        '[limits]\nguests_per_address = 500',
        `[plugins.web]\nstrangers_per_address = 500\norigins = ["https://friend.example"]\nframes_per_second = 2000\nlinger_seconds = 1`,
      ],
    });
    await banyan.account('ann', 'password of ann');
    await banyan.account('bob', 'password of bob');
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    for (const client of clients) client.drop();
    sockets.clear();
    clients.clear();
  });
  after(() => banyan?.stop());

  async function raw(): Promise<Raw> {
    const socket = connect(banyan.port('web'), '127.0.0.1');
    sockets.add(socket);
    const parts: Buffer[] = [];
    socket.on('data', (data: Buffer) => parts.push(data));
    socket.on('error', () => undefined);
    const ended = new Promise((resolve) => socket.once('close', resolve));
    await once(socket, 'connect');
    return { socket, bytes: () => Buffer.concat(parts), ended };
  }

  const handshake = (headers: readonly string[] = []): string =>
    [
      'GET /socket HTTP/1.1',
      `Host: 127.0.0.1:${banyan.port('web')}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      ...headers,
      '\r\n',
    ].join('\r\n');

  /** The first line of the answer. */
  async function answerTo(text: string): Promise<string> {
    const { socket, bytes } = await raw();
    socket.write(text);
    await eventually('an answer', () => bytes().includes('\r\n\r\n'));
    return bytes().toString('latin1').split('\r\n')[0]!;
  }

  async function openRaw(headers: readonly string[] = ['Sec-WebSocket-Protocol: banyan.v1']): Promise<Raw & { readonly head: string }> {
    const opened = await raw();
    opened.socket.write(handshake(headers));
    await eventually('the welcome', () => opened.bytes().includes('"welcome"'));
    const head = opened.bytes().toString('latin1').split('\r\n\r\n')[0]!;
    return { ...opened, head };
  }

  /** RFC 6455 section 5.2, as a client sends it: masked, here by zeros. */
  function frame(first: number, payload: Buffer, claimed = payload.length): Buffer {
    const length =
      claimed < 126
        ? Buffer.from([0x80 | claimed])
        : claimed < 65_536
          ? Buffer.from([0x80 | 126, claimed >> 8, claimed & 255])
          : Buffer.concat([Buffer.from([0x80 | 127, 0, 0, 0, 0]), uint32(claimed)]);
    return Buffer.concat([Buffer.from([first]), length, Buffer.alloc(4), payload]);
  }
  function uint32(value: number): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  }
  const text = 0x81;
  const say = (json: object): Buffer => frame(text, Buffer.from(JSON.stringify(json)));

  /** The code with which the server closes; the client agrees then, as it should. */
  async function closedWith({ socket, bytes, ended }: Raw): Promise<number> {
    const code = await eventually('the close frame', () => closeCode(bytes()), 45_000);
    socket.end(frame(0x88, Buffer.from([3, 232])));
    await ended;
    return code;
  }

  /** Walks over the frames after the handshake to the one that closes. */
  function closeCode(received: Buffer): number | undefined {
    for (let at = received.indexOf('\r\n\r\n') + 4; at + 4 <= received.length;) {
      const form = received[at + 1]!;
      const [header, length] =
        form < 126 ? [2, form] : form === 126 ? [4, received.readUInt16BE(at + 2)] : [10, received.readUInt32BE(at + 6)];
      if (received[at] === 0x88) return received.readUInt16BE(at + 2);
      at += header + length;
    }
    return undefined;
  }

  async function stillServes(): Promise<void> {
    const client = await connectNative(banyan.port('web'));
    clients.add(client);
    await client.must({ type: 'ping' });
    expect(banyan.running()).to.equal(true);
  }

  describe('A5 compression', () => {
    it('is not negotiated, however it is offered', async () => {
      const { head } = await openRaw([
        'Sec-WebSocket-Protocol: banyan.v1',
        'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-webkit-deflate-frame',
      ]);
      expect(head).to.match(/^HTTP\/1\.1 101 /);
      expect(head.toLowerCase()).not.to.include('sec-websocket-extensions');
    });

    it('that was never agreed on is a broken frame, not a bomb: 1002', async () => {
      const opened = await openRaw();
      opened.socket.write(frame(0xc1, deflateRawSync(Buffer.alloc(20_000_000))));
      expect(await closedWith(opened)).to.equal(1002);
      await stillServes();
    });

    it('or not, a frame beyond the limit is cut off by its length with 1009, before it is read', async () => {
      const large = await openRaw();
      large.socket.write(frame(text, Buffer.from('{'), 131_073));
      expect(await closedWith(large)).to.equal(1009);
      const parts = await openRaw();
      for (let i = 0; i < 20; i += 1) parts.socket.write(frame(i === 0 ? 0x01 : 0x00, Buffer.alloc(10_000, 0x20)));
      expect(await closedWith(parts)).to.equal(1009);
      await stillServes();
    });
  });

  describe('A6 WebSocket edges', () => {
    it('2,000 headers, or so many that some are dropped, are refused', async () => {
      const many = Array.from({ length: 2_000 }, (_, at) => `X-${at}: a`);
      expect(await answerTo(handshake(many))).to.match(/^HTTP\/1\.1 4(?:00|31) /);
      const hiding = Array.from({ length: 150 }, (_, at) => `X-${at}: a`);
      expect(await answerTo(handshake([...hiding, 'Origin: https://evil.example']))).to.match(/^HTTP\/1\.1 4(?:00|31) /);
    });

    it('a huge Sec-WebSocket-Protocol, one that is no list, and a wrong version or key are refused', async () => {
      const port = banyan.port('web');
      for (const headers of [
        [`Sec-WebSocket-Protocol: ${'a, '.repeat(2_000)}banyan.v1`],
        ['Sec-WebSocket-Protocol: banyan.v1, banyan.v1'],
        ['Sec-WebSocket-Protocol: ,,,'],
      ])
        expect(await answerTo(handshake(headers))).to.match(/^HTTP\/1\.1 400 /);
      expect(await answerTo(handshake().replace('Version: 13', 'Version: 7'))).to.match(/^HTTP\/1\.1 4/);
      expect(await answerTo(handshake().replace(/Key: .*\r\n/, 'Key: short\r\n'))).to.match(/^HTTP\/1\.1 400 /);
      expect(
        await answerTo(`POST /socket HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`),
      ).to.match(/^HTTP\/1\.1 4/);
      await stillServes();
    });

    it('broken framing ends the connection with the right code, and nothing else', async () => {
      const cases: readonly (readonly [string, Buffer, number])[] = [
        ['a fragmented ping', frame(0x09, Buffer.from('a')), 1002],
        ['a ping of 126 bytes', frame(0x89, Buffer.alloc(126)), 1002],
        ['a fragmented close', frame(0x08, Buffer.from([3, 232])), 1002],
        ['a close of one byte', frame(0x88, Buffer.from([3])), 1002],
        ['a close with a code that nobody may send', frame(0x88, Buffer.from([3, 238])), 1002],
        ['a continuation without a start', frame(0x80, Buffer.from('a')), 1002],
        ['a new message inside of one', Buffer.concat([frame(0x01, Buffer.from('a')), frame(0x81, Buffer.from('b'))]), 1002],
        ['an opcode that does not exist', frame(0x83, Buffer.from('a')), 1002],
        ['a frame without a mask', Buffer.from([0x81, 0x02, 0x7b, 0x7d]), 1002],
        ['text that is no UTF-8', frame(text, Buffer.from([0xff, 0xfe])), 1007],
        ['binary', frame(0x82, Buffer.from('{"type":"ping"}')), 1003],
      ];
      for (const [what, bytes, code] of cases) {
        const opened = await openRaw();
        opened.socket.write(bytes);
        expect(await closedWith(opened), what).to.equal(code);
      }
      await stillServes();
    });

    it('random bytes after the handshake never hurt anybody else', async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
          const { socket } = await openRaw();
          socket.end(bytes);
        }),
        { numRuns: 50 },
      );
      await stillServes();
    });

    it('a flood of pings, or of frames, ends the connection', async () => {
      const flood = async (bytes: Buffer): Promise<Raw> => {
        const opened = await openRaw();
        opened.socket.write(Buffer.concat(Array.from({ length: 1_500 }, () => bytes)));
        return opened;
      };
      await (
        await flood(frame(0x89, Buffer.from('a')))
      ).ended;
      for (const bytes of [say({ type: 'ping' }), frame(text, Buffer.from('no JSON'))])
        expect(await closedWith(await flood(bytes))).to.equal(1008);
      await stillServes();
    });

    it('a foreign Origin is refused with 403; the own one, a befriended one and none (a bot) are let in', async () => {
      const port = banyan.port('web');
      for (const origin of [
        'https://evil.example',
        'null',
        'file://',
        `https://127.0.0.1:${port}.evil.example`,
        `http://127.0.0.1:${port + 1}`,
        'https://friend.example.evil.example',
        'http://friend.example',
        'not an origin',
      ])
        expect(await answerTo(handshake([`Origin: ${origin}`])), origin).to.equal('HTTP/1.1 403 Forbidden');
      expect(banyan.output()).to.include('https://evil.example').and.include('public_url');
      for (const origin of [`http://127.0.0.1:${port}`, 'https://friend.example'])
        expect(await answerTo(handshake([`Origin: ${origin}`])), origin).to.equal('HTTP/1.1 101 Switching Protocols');
      expect(await answerTo(handshake())).to.equal('HTTP/1.1 101 Switching Protocols');
    });

    it('JSON that is deep, large or strange is refused one frame at a time', async () => {
      const client = await connectNative(banyan.port('web'));
      clients.add(client);
      const deep = '['.repeat(60_000) + ']'.repeat(60_000);
      for (const strange of [deep, 'null', '[]', '"x"', '1e999', '{"type":{"type":"ping"}}', '{"__proto__":{"type":"ping"}}', '\u0000']) {
        const since = client.frames.length;
        client.sendText(strange);
        const reply = await client.expect('a refusal', (each) => each.type === 'reply', { since });
        expect(reply).to.include({ ok: false, code: 'malformed', id: null });
      }
      await client.must({ type: 'ping' });
    });
  });

  describe('A7 identities', () => {
    const enter = async (question: object): Promise<NativeClient> => {
      const client = await connectNative(banyan.port('web'));
      clients.add(client);
      await client.must(question);
      return client;
    };
    const signedIn = (client: NativeClient): Result => client.frames.find((each) => each.type === 'signed-in')!;

    it("a token with another's name in it signs nobody in", async () => {
      const { token } = signedIn(await enter({ type: 'sign-in', name: 'ann', password: 'password of ann', stay: true }));
      const random = String(token).split('.')[1]!;
      const forged = [
        `${Buffer.from('bob').toString('base64url')}.${random}`,
        `${Buffer.from('ANN').toString('base64url')}.${'A'.repeat(32)}`,
        `${Buffer.from('ann ').toString('base64url')}.${random}`,
        `.${random}`,
        `${String(token)}x`,
        String(token).slice(0, -1),
        '',
      ];
      const client = await connectNative(banyan.port('web'));
      clients.add(client);
      for (const each of forged) expect(await client.ask({ type: 'token', token: each }), each).to.include({ code: 'bad-credentials' });
      await client.must({ type: 'token', token });
      expect((signedIn(client)['you'] as Result)['account']).to.equal('ann');
    });

    it('a forged guest token brings a new person, never the other one', async () => {
      const victim = signedIn(await enter({ type: 'guest', nick: 'victim' }));
      const [name, signature] = String(victim['guestToken']).split('.') as [string, string];
      const address = (victim['you'] as Result)['address'];
      for (const [at, token] of [
        `${name}.${'A'.repeat(signature.length)}`,
        `${name}.`,
        name,
        `${name.slice(0, -1)}${name.endsWith('0') ? '1' : '0'}.${signature}`,
        `ann.${signature}`,
        `${name}.${signature}${signature}`,
      ].entries()) {
        const intruder = signedIn(await enter({ type: 'guest', nick: `intruder${at}`, token }));
        expect((intruder['you'] as Result)['address'], token).not.to.equal(address);
        expect((intruder['you'] as Result)['account'], token).to.equal(null);
      }
    });

    it('a password change ends every token that was given before', async () => {
      const { token } = signedIn(await enter({ type: 'sign-in', name: 'bob', password: 'password of bob', stay: true }));
      const { code, output } = await banyan.command(['account', 'passwd', 'bob', '--password-stdin'], 'another password');
      expect(code, output).to.equal(0);
      const client = await connectNative(banyan.port('web'));
      clients.add(client);
      expect(await client.ask({ type: 'token', token })).to.include({ code: 'bad-credentials' });
      expect(await client.ask({ type: 'sign-in', name: 'bob', password: 'password of bob' })).to.include({ code: 'bad-credentials' });
      await client.must({ type: 'sign-in', name: 'bob', password: 'another password' });
    });

    it('whoever is signed in cannot become somebody else, and an unknown name is refused like a wrong password', async () => {
      const client = await enter({ type: 'guest', nick: 'myself' });
      for (const question of [
        { type: 'sign-in', name: 'ann', password: 'password of ann' },
        { type: 'register', name: 'second', password: 'a long password' },
        { type: 'guest', nick: 'other' },
      ])
        expect(await client.ask(question)).to.include({ code: 'not-permitted' });
      expect(await client.ask({ type: 'nick', nick: 'ann' })).to.include({ ok: false });
      const stranger = await connectNative(banyan.port('web'));
      clients.add(stranger);
      const wrong = await stranger.ask({ type: 'sign-in', name: 'ann', password: 'wrong password' });
      const unknown = await stranger.ask({ type: 'sign-in', name: 'nobody', password: 'wrong password' });
      expect([unknown['code'], unknown['text']]).to.deep.equal([wrong['code'], wrong['text']]);
    });

    it('what a stranger says in X-Forwarded headers is not believed', async () => {
      const opened = await openRaw(['Sec-WebSocket-Protocol: banyan.v1', 'X-Forwarded-For: 198.51.100.7', 'X-Forwarded-Proto: https']);
      opened.socket.write(say({ type: 'guest', nick: 'disguised' }));
      await eventually('being signed in', () => opened.bytes().includes('"signed-in"'));
      expect(banyan.output()).to.include('trusted_proxies');
      const observer = await connectIrc({ port: banyan.port('irc'), nick: 'observer' });
      observer.send('WHOIS disguised');
      observer.send('WHOIS observer');
      const lines = await observer.sync();
      const host = (nick: string): string | undefined =>
        lines.find(({ command, params }) => command === '311' && params[1] === nick)?.params[3];
      expect(host('disguised')).to.be.a('string').and.equal(host('observer'));
      expect(lines.map(({ command }) => command)).not.to.include('671');
      await observer.quit();
    });

    it('a connection that breaks while the password is checked leaves nobody behind', async () => {
      const watcher = await nativeGuest(banyan.port('web'), 'watcher');
      clients.add(watcher);
      for (let i = 0; i < 5; i += 1) {
        const opened = await openRaw();
        opened.socket.write(say({ type: 'register', name: `ghost${i}`, password: 'a long password' }));
        opened.socket.destroy();
      }
      await eventually('the accounts', async () => (await banyan.command(['account', 'list'])).output.includes('ghost4'));
      for (let i = 0; i < 5; i += 1)
        expect(await watcher.ask({ type: 'who', user: `ghost${i}` }), `ghost${i}`).to.include({ ok: false, code: 'no-such-user' });
    });
  });

  it('A13 a hidden room is to strangers as if there were none', async () => {
    const owner = await connectNative(banyan.port('web'));
    clients.add(owner);
    await owner.must({ type: 'sign-in', name: 'ann', password: 'password of ann' });
    await owner.must({ type: 'join', room: 'cellar' });
    await owner.must({ type: 'configure', room: 'cellar', changes: { hidden: true, membersOnly: true } });
    await owner.must({ type: 'say', room: 'cellar', text: 'a secret' });
    const stranger = await nativeGuest(banyan.port('web'), 'nosy');
    clients.add(stranger);
    const { rooms } = await stranger.must({ type: 'rooms' });
    expect(JSON.stringify(rooms)).not.to.include('cellar');
    for (const question of [
      { type: 'history' },
      { type: 'bans' },
      { type: 'say', text: 'x' },
      { type: 'topic', topic: 'x' },
      { type: 'read', number: 1 },
      { type: 'typing', state: 'active' },
      { type: 'invite', user: 'nosy' },
    ]) {
      const hidden = await stranger.ask({ ...question, room: 'cellar' });
      const absent = await stranger.ask({ ...question, room: 'no-such-cellar' });
      expect([hidden['code'], hidden['text']], question.type).to.deep.equal([absent['code'], absent['text']]);
    }
  });

  describe('A15 headers of the page', () => {
    it('allow no inline script or style, no frame, no guessing of types', async () => {
      for (const path of ['', 'index.html', 'nothing-here']) {
        const response = await fetch(banyan.page + path);
        await response.text();
        const policy = response.headers.get('content-security-policy') ?? '';
        expect(policy).to.include("default-src 'none'").and.include("frame-ancestors 'none'").and.include("script-src 'self'");
        expect(policy).not.to.match(/unsafe|\*|data:|http/);
        expect(response.headers.get('x-content-type-options')).to.equal('nosniff');
        expect(response.headers.get('referrer-policy')).to.equal('no-referrer');
        expect(response.headers.get('access-control-allow-origin')).to.equal(null);
      }
      const html = await (await fetch(banyan.page)).text();
      expect(html).not.to.match(/<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|https?:/);
    });

    it('make HTML out of no text: the page has no way to', async () => {
      const folder = join(repository, 'plugins', 'web', 'page');
      for (const name of await readdir(folder, { recursive: true })) {
        if (!/\.tsx?$/.test(name)) continue;
        const source = await readFile(join(folder, name), 'utf8');
        expect(source, name).not.to.match(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|DOMParser/);
      }
    });
  });

  describe('A16 paths and ids', () => {
    /** Sends the path as it is: fetch would tidy it up. */
    async function status(path: string, method = 'GET'): Promise<number> {
      const asked = request({ port: banyan.port('web'), host: '127.0.0.1', path, method, agent: false });
      asked.end();
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      response.resume();
      await once(response, 'end');
      return response.statusCode ?? 0;
    }

    it('lead nowhere but to the files of the page', async () => {
      expect(await status('/')).to.equal(200);
      for (const path of [
        '/../package.json',
        '/..%2f..%2fpackage.json',
        '/%2e%2e/%2e%2e/package.json',
        '/....//package.json',
        '/..\\..\\package.json',
        '/index.html%00.svg',
        '/etc/passwd',
        '//etc/passwd',
        '/index.html/',
        '/./index.html',
        '/protocol.js',
        '/constructor',
        '/__proto__',
      ])
        expect(await status(path), path).to.equal(404);
      for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) expect(await status('/', method), method).to.equal(405);
      expect(await status('/', 'HEAD')).to.equal(200);
    });

    it('with quotes, wildcards, NUL or halves of characters find exactly nothing', async () => {
      const client = await nativeGuest(banyan.port('web'), 'prober');
      clients.add(client);
      for (const strange of ["'; DROP TABLE rooms; --", '%', '_', 'loun_e', 'lounge\u0000', '\ud800', '../lounge', 'lounge%00']) {
        for (const question of [{ type: 'history' }, { type: 'say', text: 'x' }, { type: 'bans' }])
          expect(await client.ask({ ...question, room: strange }), strange).to.include({ ok: false, code: 'no-such-room' });
        expect(await client.ask({ type: 'who', user: strange }), strange).to.include({ ok: false, code: 'no-such-user' });
      }
    });
  });

  it('A19 a page that does not read is let go; the others hear everything meanwhile', async () => {
    const slow = await openRaw();
    slow.socket.write(say({ type: 'guest', nick: 'slow' }));
    slow.socket.write(say({ type: 'join', room: 'torrent' }));
    await eventually('the slow one in the room', () => slow.bytes().includes('"torrent"'));
    slow.socket.pause();
    const speakers = await Promise.all(['first', 'second'].map((nick) => nativeGuest(banyan.port('web'), nick, 'torrent')));
    for (const speaker of speakers) clients.add(speaker);
    const [speaker, listener] = speakers as [NativeClient, NativeClient];
    const long = 'x'.repeat(15_000);
    let said = 0;
    await eventually(
      () => `the slow one to be let go after ${said} messages`,
      async () => {
        for (let i = 0; i < 40; i += 1) speaker.send({ type: 'say', room: 'torrent', text: `${(said += 1)} ${long}` });
        await speaker.must({ type: 'ping' });
        return (await listener.ask({ type: 'who', user: 'slow' }))['code'] === 'no-such-user';
      },
      45_000,
    );
    await listener.expectItem('the last message', (item) => String(item['text']).startsWith(`${said} `));
    expect(listener.items.filter((item) => item['kind'] === 'message')).to.have.length(said);
  });
});
