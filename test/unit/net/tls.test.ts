import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { DialError, type AcceptedConnection } from '../../../server/contract/net.ts';
import { CertificateError, TlsStore } from '../../../server/net/tls.ts';
import { makeAuthority, type Authority } from '../../support/certificates.ts';
import { removeFolder, temporaryFolder } from '../../support/root.ts';
import { eventually } from '../../support/wait.ts';
import { testNet, type TestNet } from './support.ts';

describe('TLS', () => {
  let test: TestNet;
  let folder: string;
  let authority: Authority;
  const sockets: Socket[] = [];
  before(async () => {
    folder = await temporaryFolder('tls');
    authority = await makeAuthority(folder);
    test = await testNet({ authorityFile: authority.file });
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  after(async () => {
    await test.stop();
    await removeFolder(folder);
  });

  async function secure(options: ConnectionOptions): Promise<TLSSocket> {
    const socket = connectTls({ host: '127.0.0.1', rejectUnauthorized: false, ...options });
    sockets.push(socket);
    await once(socket, 'secureConnect');
    return socket;
  }

  it('takes 1.2 and 1.3 with forward secrecy and authenticated encryption, and nothing older or weaker', async () => {
    const { port } = await test.listen({ tls: {} });
    expect((await secure({ port })).getProtocol()).to.equal('TLSv1.3');
    const old = await secure({ port, maxVersion: 'TLSv1.2' });
    expect(old.getProtocol()).to.equal('TLSv1.2');
    expect(old.getCipher().name).to.match(/^ECDHE-ECDSA-(?:AES\d+-GCM|CHACHA20)/);
    const weak: readonly ConnectionOptions[] = [
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
      { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384' },
      { maxVersion: 'TLSv1.2', ciphers: 'NULL:eNULL:aNULL@SECLEVEL=0' },
    ];
    for (const options of weak) {
      const failed: unknown = await secure({ port, ...options }).catch((error: unknown) => error);
      expect(failed, JSON.stringify(options)).to.be.instanceOf(Error);
    }
  });

  it('says in plain words that what answers is not TLS', async () => {
    const plain = createServer((socket) => socket.on('error', () => undefined).write('CAPAB START 1205\r\n'));
    await once(plain.listen(0, '127.0.0.1'), 'listening');
    const { port } = plain.address() as AddressInfo;
    const failed: unknown = await test.net.dial({ host: '127.0.0.1', port, tls: { serverName: 'chat.example' } }).catch((e: unknown) => e);
    expect(failed).to.be.instanceOf(DialError).and.to.have.property('message', 'what the other side sends is not TLS');
    plain.close();
  });

  it('tells the fingerprint, the names and whether the chain holds, on both sides', async () => {
    const good = await authority.issue(['peer.example', '*.wild.example']);
    const unknown = await authority.selfSigned(['peer.example'], { fileName: 'unknown' });
    const listener = await test.listen({ tls: { requestCertificate: true } });
    for (const { certificateFile, keyFile, fingerprint } of [good, unknown]) {
      const connection = await test.net.dial({
        host: '127.0.0.1',
        port: listener.port,
        tls: { serverName: 'chat.example', identity: { certificateFile, keyFile } },
      });
      const own = test.tls.certificate.fingerprint256.replaceAll(':', '').toLowerCase();
      expect(connection.tls).to.include({ fingerprint: own, chainVerified: false });
      expect(connection.tls!.certificateNames('chat.example')).to.equal(true);
      await eventually('the other side', () => listener.connections.some((one) => one.tls?.fingerprint === fingerprint));
      connection.destroy('done');
    }
    const [first, second] = listener.connections;
    expect(first!.tls).to.include({ chainVerified: true });
    expect(first!.tls!.certificateNames('peer.example')).to.equal(true);
    expect(first!.tls!.certificateNames('a.wild.example')).to.equal(true);
    for (const other of ['wild.example', 'a.b.wild.example', 'evil-peer.example', 'peer.example.evil', ''])
      expect(first!.tls!.certificateNames(other), other).to.equal(false);
    expect(second!.tls!.chainVerified).to.equal(false);
    expect(second!.tls!.chainError).to.be.a('string');
    const bare = await secure({ port: listener.port });
    await eventually('the connection without a certificate', () => listener.connections.length === 3);
    expect(listener.connections[2]!.tls).to.include({ chainError: 'no certificate was shown' }).and.not.have.property('fingerprint');
    bare.destroy();
  });

  it('upgrades in place, and what was sent in plain text behind the request is never read', async () => {
    let upgraded: AcceptedConnection | undefined;
    const upgrade = async (connection: AcceptedConnection): Promise<void> => {
      try {
        await connection.startTls({ side: 'server' });
        upgraded = connection;
        connection.write('over TLS\n');
      } catch {
        // The attacker of this test never begins a handshake.
      }
    };
    const listener = await test.listen({}, (connection) => ({
      onData: (bytes) => {
        if (!bytes.toString().startsWith('STARTTLS')) return;
        connection.write('go ahead\n');
        void upgrade(connection);
      },
      onClose: () => undefined,
    }));
    const plain = connect(listener.port, '127.0.0.1');
    sockets.push(plain);
    plain.write('STARTTLS\n');
    await once(plain, 'data');
    const wrapped = connectTls({ socket: plain, rejectUnauthorized: false });
    let text = '';
    wrapped.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    wrapped.write('secret\n');
    await eventually('the text over TLS', () => text === 'over TLS\n' && listener.received === 'STARTTLS\nsecret\n');
    expect(upgraded!.tls!.protocol).to.equal('TLSv1.3');

    const attacker = connect(listener.port, '127.0.0.1');
    sockets.push(attacker);
    attacker.on('error', () => undefined);
    attacker.write('STARTTLS\n');
    await once(attacker, 'data');
    const before = listener.received;
    attacker.write('injected in plain text\n');
    await once(attacker, 'close');
    expect(listener.received).to.equal(before);
  });

  it('dials with a code for every failure', async () => {
    const code = async (run: () => Promise<unknown>): Promise<unknown> => {
      try {
        await run();
        return 'none';
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    const { port } = await test.listen();
    const silent = await test.listen();
    expect(await code(() => test.net.dial({ host: 'nowhere.invalid', port: 1 }))).to.equal('dns');
    expect(await code(() => test.net.dial({ host: '127.0.0.1', port: 1 }))).to.equal('refused');
    expect(await code(() => test.net.dial({ host: '127.0.0.1', port: silent.port, tls: {}, timeout: 100 }))).to.equal('timeout');
    const aborted = new AbortController();
    const dialling = code(() => test.net.dial({ host: '127.0.0.1', port: silent.port, tls: {}, signal: aborted.signal }));
    aborted.abort();
    expect(await dialling).to.equal('aborted');
    const closing = await test.listen({}, (connection) => ({
      onData: () => connection.destroy('no TLS here'),
      onClose: () => undefined,
    }));
    expect(await code(() => test.net.dial({ host: '127.0.0.1', port: closing.port, tls: {} }))).to.equal('tls');
    const plain = await test.net.dial({ host: '127.0.0.1', port });
    plain.destroy('done');
  });

  it('takes new files for new connections, keeps the old ones when the new are wrong, and says why', async () => {
    const first = await authority.issue(['one.example']);
    const second = await authority.issue(['two.example']);
    const store = new TlsStore({ certificateFile: first.certificateFile, keyFile: first.keyFile });
    for (const [files, words] of [
      [{ certificateFile: first.certificateFile, keyFile: second.keyFile }, /do not belong together/],
      [{ certificateFile: join(folder, 'gone'), keyFile: first.keyFile }, /certificate file .*gone cannot be read \(ENOENT\)/],
      [{ certificateFile: first.keyFile, keyFile: first.keyFile }, /check that both are PEM/],
      [{ ...first, authorityFile: first.keyFile }, /holds no PEM certificate/],
    ] as const) {
      expect(() => store.reload(files)).to.throw(CertificateError, words);
      expect(store.certificate.checkHost('one.example')).to.equal('one.example');
    }
    store.reload({ certificateFile: second.certificateFile, keyFile: second.keyFile });
    expect(store.certificate.checkHost('two.example')).to.equal('two.example');
    expect(store.pem().cert.equals(readFileSync(second.certificateFile))).to.equal(true);
  });
});
