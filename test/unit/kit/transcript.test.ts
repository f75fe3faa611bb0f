/** Transcripts are read as they were written, and a replay notices every difference. */
import { expect } from 'chai';
import fc from 'fast-check';
import { openServer, parseTranscript, replay, TranscriptError, TranscriptWriter, type KitServer, type Peer } from '../../kit/index.ts';

describe('kit: transcripts', () => {
  it('keep every byte of each direction', () => {
    const writes = fc.array(fc.tuple(fc.constantFrom('in' as const, 'out' as const), fc.uint8Array({ maxLength: 40 })));
    fc.assert(
      fc.property(writes, (all) => {
        const writer = new TranscriptWriter(0);
        const expected = { in: Buffer.alloc(0), out: Buffer.alloc(0) };
        for (const [index, [direction, bytes]] of all.entries()) {
          writer.bytes(direction, index, Buffer.from(bytes));
          expected[direction] = Buffer.concat([expected[direction], bytes]);
        }
        const found = { in: Buffer.alloc(0), out: Buffer.alloc(0) };
        for (const entry of parseTranscript(writer.toString()))
          if (entry.kind !== 'event')
            for (const piece of entry.pieces)
              if (piece.kind === 'bytes') found[entry.kind] = Buffer.concat([found[entry.kind], piece.bytes]);
        expect(found).to.deep.equal(expected);
      }),
    );
  });

  it('read well: a line each, text as text, no secret', () => {
    const writer = new TranscriptWriter(1_000, { password: 'hunter2' });
    writer.comment('the handshake');
    writer.event(1_000, 'connected');
    writer.bytes('in', 1_004, Buffer.from('PASS hunter2\r\nNICK Zoë\t\\o/\r\n'));
    writer.bytes('out', 13_500, Buffer.from([0, 255, 10]));
    writer.event(14_000, 'closed');
    expect(writer.toString()).to.equal(
      [
        'banyan transcript 1',
        '# the handshake',
        '0.000 = connected',
        '0.004 < PASS \\{password}\\r\\n',
        '0.004 < NICK Zoë\\t\\\\o/\\r\\n',
        '12.500 > \\x00\\xff\\n',
        '13.000 = closed',
        '',
      ].join('\n'),
    );
  });

  it('name the line that cannot be read', () => {
    for (const [text, line] of [
      ['something else', 1],
      ['banyan transcript 1\n\nhello', 3],
      ['banyan transcript 1\n0.000 < a\\qb', 2],
      ['banyan transcript 1\n0.000 < a\\', 2],
    ] as const)
      expect(() => parseTranscript(text), text).to.throw(TranscriptError, `line ${line}`);
  });
});

describe('kit: replay', () => {
  let server: KitServer;

  beforeEach(async () => {
    server = await openServer();
    // Greets with the time, checks a word, and says how long it took.
    await server.net.listen({ name: 'clock', address: '127.0.0.1:0' }, (connection) => {
      const begun = server.clock.now();
      connection.handle({
        onData: (bytes) => connection.write(bytes.toString() === 'open sesame\n' ? `after ${server.clock.now() - begun}\n` : 'no\n'),
        onClose: () => undefined,
      });
      connection.write(`it is ${begun}\n`);
    });
  });
  afterEach(() => server.stop());
  const connect = (): Peer => server.connect('clock', { lineEnd: '\n', secrets: { word: 'sesame' } });

  it('holds for what was recorded', async () => {
    const peer = connect();
    await server.advance(1_500);
    peer.send('open sesame');
    await peer.expect('after 1500');
    const text = peer.transcript();
    expect(text).to.not.contain('sesame');
    await replay(server, connect(), text.replace(/it is \d+/, 'it is \\{*}'), { secrets: { word: 'sesame' } });
  });

  it('names the line where the server says something else, nothing, or more', async () => {
    const lines = ['banyan transcript 1', '0.000 > it is \\{*}\\n', '0.000 < open sesame\\n'];
    const fails = async (...more: string[]): Promise<string> =>
      replay(server, connect(), [...lines, ...more].join('\n')).then(String, (error: unknown) => (error as Error).message);
    expect(await fails('0.000 > after 1\\n')).to.equal('line 4: the server sent "after 0" instead');
    expect(await fails('0.000 > after 0\\n', '0.000 > more\\n')).to.equal('line 5: the server sent nothing instead');
    expect(await fails()).to.equal('after the end: the server sent "after 0\\n"');
    expect(await fails('0.000 > after 0\\n', '1.000 < \\{word}\\n')).to.equal('line 5: give a value for \\{word}');
  });
});
