/** The virtual clock and network keep the promises of the real ones. */
import { expect } from 'chai';
import type { Connection } from '../../../server/contract/net.ts';
import { DialError } from '../../../server/contract/net.ts';
import { fingerprintOf, openServer, VirtualClock, type KitServer } from '../../kit/index.ts';

describe('kit: time', () => {
  it('runs timers in the order of their times, those that they set included', () => {
    const clock = new VirtualClock(0);
    const ran: string[] = [];
    clock.after(20, () => ran.push(`late ${clock.now()}`));
    clock.after(10, () => {
      ran.push(`early ${clock.now()}`);
      clock.after(5, () => ran.push(`between ${clock.now()}`));
    });
    const every = clock.every(8, () => ran.push(`every ${clock.now()}`));
    clock.after(1, () => undefined).cancel();
    clock.moveTo(20);
    every.cancel();
    expect(ran).to.deep.equal(['every 8', 'early 10', 'between 15', 'every 16', 'late 20']);
    expect([clock.now(), clock.pending]).to.deep.equal([20, 0]);
  });
});

describe('kit: network', () => {
  let server: KitServer;
  let accepted: Connection[];
  const seen: string[] = [];
  const listen = async (more: object = {}): Promise<void> => {
    await server.net.listen({ name: 'test', address: '127.0.0.1:0', ...more }, (connection) => {
      accepted.push(connection);
      connection.handle({ onData: (bytes) => seen.push(bytes.toString()), onClose: (error) => seen.push(`closed ${error ?? 'cleanly'}`) });
    });
  };

  beforeEach(async () => {
    server = await openServer();
    accepted = [];
    seen.length = 0;
  });
  afterEach(() => server.stop());

  it('brings what was written within a tick in one piece, both ways', async () => {
    await listen();
    const peer = server.connect('test', { lineEnd: '\n' });
    peer.send('one');
    peer.send('two');
    await server.settle();
    expect(seen).to.deep.equal(['one\ntwo\n']);
    accepted[0]!.write('three\n');
    accepted[0]!.write(Buffer.from('four\n'));
    expect(await peer.expect(/^f/)).to.equal('four');
    expect(await peer.take()).to.equal('');
  });

  it('says what came instead of what was expected', async () => {
    await listen();
    const peer = server.connect('test');
    accepted[0]!.write('ERROR :no\r\n');
    accepted[0]!.end();
    const failure = await peer.expect('WELCOME').then(String, String);
    expect(failure).to.contain('"WELCOME"').and.contain('ERROR :no').and.contain('closed: cleanly');
  });

  it('bounds the outbox of a connection whose peer does not read', async () => {
    await listen({ outboxLimit: 200_000 });
    const peer = server.connect('test');
    peer.pause();
    for (let i = 0; i < 3; i++) {
      accepted[0]!.write(Buffer.alloc(60_000, 97));
      await server.settle();
    }
    expect(accepted[0]!.queued).to.equal(180_000);
    accepted[0]!.write(Buffer.alloc(60_000, 97));
    expect(seen).to.deep.equal(['closed send queue exceeded']);
  });

  it('tells the writer when there is room again', async () => {
    await listen();
    const peer = server.connect('test');
    let drained = 0;
    accepted[0]!.handle({ onData: () => undefined, onClose: () => undefined, onDrain: () => drained++ });
    peer.pause();
    accepted[0]!.write(Buffer.alloc(100_000, 97));
    await server.settle();
    expect(drained).to.equal(0);
    peer.resume();
    expect(await peer.take()).to.have.lengthOf(100_000);
    expect(drained).to.equal(1);
  });

  it('closes cleanly, at once, and by a cut; who does not handle yet hears of it later', async () => {
    await listen();
    const [clean, rude, cut] = [server.connect('test'), server.connect('test'), server.connect('test')];
    clean.send('bye');
    await clean.end();
    accepted[1]!.destroy('enough');
    await server.settle();
    await cut.cut();
    expect(seen).to.deep.equal(['bye\r\n', 'closed cleanly', 'closed enough', 'closed read ECONNRESET']);
    expect([clean.closed, rude.closed, cut.closed]).to.deep.equal([
      { error: undefined },
      { error: undefined },
      { error: 'read ECONNRESET' },
    ]);
    expect(server.footprint().connections).to.equal(0);
  });

  it('closes a connection whose handler throws, logs it, and spares the others', async () => {
    await server.net.listen({ name: 'bad', address: '127.0.0.1:0' }, (connection) => {
      connection.handle({
        onData: () => {
          throw new Error('a bug');
        },
        onClose: (error) => seen.push(`closed ${error}`),
      });
    });
    await listen();
    const [bad, good] = [server.connect('bad'), server.connect('test')];
    bad.send('x');
    good.send('y');
    await server.settle();
    expect(seen).to.have.members(['closed internal error', 'y\r\n']);
    expect(server.log.atLeast('error').join()).to.contain('a bug');
  });

  it('gives a stranger thirty seconds', async () => {
    await listen();
    server.connect('test');
    await server.advance(29_000);
    expect(seen).to.deep.equal([]);
    await server.advance(1_000);
    expect(seen).to.deep.equal(['closed registration took too long']);
  });

  it('gives up on a peer that does not finish TLS, or does not read the end', async () => {
    await listen();
    const [silent, deaf] = [server.connect('test'), server.connect('test')];
    const handshake = accepted[0]!.startTls({ side: 'server' }).then(String, String);
    await server.advance(15_000);
    expect(await handshake).to.contain('closed during the TLS handshake');
    deaf.pause();
    accepted[1]!.write(Buffer.alloc(100_000, 97));
    accepted[1]!.end('bye');
    await server.advance(1_999);
    expect(deaf.closed).to.equal(undefined);
    await server.advance(1);
    expect([silent.closed, deaf.closed].every((closed) => closed !== undefined)).to.equal(true);
    expect(server.footprint()).to.include({ connections: 0, timers: 0 });
  });

  it('turns plain into TLS, drops what came before it, and shows certificates', async () => {
    await listen();
    const certificate = { names: ['peer.example'] };
    const peer = server.connect('test', { certificate });
    await server.settle();
    const [facts, theirs] = await Promise.all([accepted[0]!.startTls({ side: 'server' }), peer.startTls('client')]);
    expect(facts.certificateNames('peer.example')).to.equal(true);
    expect(facts.certificateNames('other.example')).to.equal(false);
    expect(facts.fingerprint).to.equal(fingerprintOf(certificate));
    expect(theirs.certificateNames('chat.example')).to.equal(true);
    expect(theirs.exportKeyingMaterial(32, 'x')).to.deep.equal(facts.exportKeyingMaterial(32, 'x'));
    peer.send('now');
    await server.settle();
    expect(seen).to.deep.equal(['now\r\n']);
  });

  it('dials hosts that are there, and finds them by SRV', async () => {
    const host = server.host('hub.example', 7000);
    server.net.srv('_chat._tcp.example', [
      { host: 'far.example', port: 1, priority: 9 },
      { host: 'hub.example', port: 7000 },
    ]);
    const [best] = await server.net.resolve({ domain: 'example', service: '_chat._tcp', fallbackPort: 9 });
    const connection = await server.net.dial({ host: best!.host, port: best!.port });
    connection.write('hello\r\n');
    await (await host.accepted()).expect('hello');
    expect(await server.net.resolve({ domain: 'bare.example', service: '_chat._tcp', fallbackPort: 9 })).to.deep.equal([
      { host: 'bare.example', port: 9, directTls: false },
    ]);
    host.close();
    const failed: unknown = await server.net.dial({ host: 'hub.example', port: 7000 }).catch((error: unknown) => error);
    expect(failed).to.be.instanceOf(DialError).with.property('code', 'refused');
  });
});
