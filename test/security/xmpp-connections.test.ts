/** The real server's ports: strangers that stay silent, and real certificates. */
import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { makeAuthority, type Authority, type Certificate } from '../support/certificates.ts';
import { freePort } from '../support/ports.ts';
import { removeFolder, temporaryFolder } from '../support/root.ts';
import { eventually } from '../support/wait.ts';
import { far, header } from '../unit/xmpp/support.ts';

const domain = 'banyan.example';
const rooms = `rooms.${domain}`;

interface Stranger {
  readonly socket: Socket;
  text(): string;
  closed(): boolean;
}

function watched(socket: Socket): Stranger {
  let text = '';
  let closed = false;
  socket.setEncoding('utf8').on('data', (more: string) => (text += more));
  socket.on('error', () => undefined).on('close', () => (closed = true));
  return { socket, text: () => text, closed: () => closed };
}

describe('XMPP ports', function () {
  this.timeout(60_000);
  let folder: string;
  let authority: Authority;
  let banyan: Banyan;
  const stranger = (): Stranger => watched(connect(banyan.port('xmpp-server'), '127.0.0.1'));

  before(async () => {
    folder = await temporaryFolder('xmpp-ports');
    authority = await makeAuthority(join(folder, 'authority'));
    const own = await authority.issue([domain, rooms, `users.${domain}`]);
    banyan = await startBanyan({
      domain,
      tables: [
        `[plugins.xmpp]\nlisten = ["127.0.0.1:${await freePort()}"]\nlisten_tls = ["127.0.0.1:${await freePort()}"]\nauthentication = "certificate"`,
        `[tls]\ncertificate = "${own.certificateFile}"\nkey = "${own.keyFile}"\nauthorities = "${authority.file}"`,
        `[limits]\nstranger_seconds = 2\nstrangers_per_address = 8`,
      ],
    });
  });
  after(async () => {
    await banyan?.stop();
    await removeFolder(folder);
  });
  it('A4 before login: whoever proves nothing in time is let go, however far it came', async () => {
    const silent = stranger();
    const begun = stranger();
    begun.socket.write(header(rooms));
    const half = stranger();
    half.socket.write(`${header(rooms)}<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`);
    const slow = stranger();
    const drip = setInterval(() => slow.socket.write(' '), 100);
    const hello = watched(connect(banyan.port('xmpp-server-tls'), '127.0.0.1'));
    hello.socket.write(Buffer.from([0x16, 0x03, 0x01]));
    try {
      for (const each of [silent, begun, half, slow, hello]) await eventually('its end', () => each.closed());
    } finally {
      clearInterval(drip);
    }
    expect(begun.text()).to.include('<starttls').and.not.include('EXTERNAL');
    expect(half.text()).to.include('<proceed');
  });

  it('A4 before login: one address takes no more places than it may, and they become free again', async () => {
    const many = Array.from({ length: 20 }, stranger);
    await eventually('twelve to be turned away', () => many.filter((each) => each.closed()).length >= 12);
    for (const each of many) each.socket.destroy();
    await eventually('a free place', async () => {
      const next = stranger();
      next.socket.write(header(rooms));
      try {
        return await eventually('features', () => next.text().includes('features') || next.closed(), 3_000).then(() => !next.closed());
      } finally {
        next.socket.destroy();
      }
    });
  });

  it('A4 before login: a TLS hello on the port without, and the other way, end at once', async () => {
    const plain = stranger();
    plain.socket.write(Buffer.from('16030100c8010000c40303', 'hex'));
    await eventually('its end', () => plain.closed());
    expect(plain.text()).to.include('not-well-formed');
    const secure = watched(connect(banyan.port('xmpp-server-tls'), '127.0.0.1'));
    secure.socket.write(header(rooms));
    await eventually('its end', () => secure.closed());
    expect(secure.text()).to.not.include('stream:stream');
  });

  const certificates: readonly (readonly [string, () => Promise<Certificate | undefined>, boolean])[] = [
    ['its own name', () => authority.issue([far]), true],
    ['no certificate', () => Promise.resolve(undefined), false],
    ['another name', () => authority.issue(['other.example']), false],
    ['a wildcard over everything', () => authority.issue(['*.example']), false],
    ['a wildcard that is too narrow', () => authority.issue([`*.${far}`]), false],
    ['a date that is over', () => authority.issue([far], { days: 0 }), false],
    ['its own signature', () => authority.selfSigned([far]), false],
    ['another authority', async () => (await makeAuthority(join(folder, 'other'))).issue([far]), false],
  ];
  for (const [what, make, good] of certificates) {
    it(`A8 impersonation: a certificate with ${what} ${good ? 'proves it' : 'proves nothing'}`, async () => {
      const certificate = await make();
      // The one that is over by its date is so from the next second on.
      if (what.startsWith('a date')) await eventually('the end of a second', () => Date.now() % 1_000 < 100);
      const peer = watched(
        connectTls({
          host: '127.0.0.1',
          port: banyan.port('xmpp-server-tls'),
          servername: rooms,
          rejectUnauthorized: false,
          ALPNProtocols: ['xmpp-server'],
          ...(certificate === undefined
            ? {}
            : { cert: await readFile(certificate.certificateFile), key: await readFile(certificate.keyFile) }),
        }),
      );
      peer.socket.write(header(rooms));
      await eventually('features', () => peer.text().includes('features>'));
      expect(peer.text().includes('EXTERNAL')).to.equal(good);
      peer.socket.write(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>`);
      await eventually('an answer', () => /<success|<failure/.test(peer.text()));
      expect(peer.text().includes('<success')).to.equal(good);
      if (!good) {
        peer.socket.write(`<message from='a@${far}' to='lounge@${rooms}'><body>x</body></message>`);
        await eventually('its end', () => peer.closed());
        expect(peer.text()).to.include('not-authorized');
        await eventually('the log to name it', () => banyan.output().includes(far));
      }
      peer.socket.destroy();
    });
  }
});
