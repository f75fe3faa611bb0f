import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAuthority } from './certificates.ts';
import { startPeer, type PeerProcess } from './peer.ts';
import { freePort } from './ports.ts';
import { temporaryFolder } from './root.ts';
import { fillTemplate } from './template.ts';

export interface NgircdOptions {
  readonly name?: string;
  /** The server that may link, as ngIRCd knows it, and where ngIRCd would dial it. */
  readonly peerName?: string;
  readonly peerPort?: number;
  /** Dial the peer every five seconds instead of only waiting; `tls`: with TLS. */
  readonly dials?: 'plain' | 'tls';
  /** More configuration. */
  readonly extra?: string;
}

/** A real ngIRCd on loopback. `OPER oper operpass` makes an operator. */
export interface Ngircd extends PeerProcess {
  readonly name: string;
  /** For clients and servers alike: plain, and TLS from the first byte. */
  readonly port: number;
  readonly tlsPort: number;
  /** What it sends to a server, and what it wants of one. */
  readonly passwordSent: string;
  readonly passwordWanted: string;
  /** SHA-256 of its certificate, lower-case hex. */
  readonly fingerprint: string;
}

export async function startNgircd(options: NgircdOptions = {}): Promise<Ngircd> {
  const name = options.name ?? 'ngircd.example';
  const [passwordSent, passwordWanted] = ['ngircd-says-this', 'ngircd-wants-this'];
  const folder = await temporaryFolder('ngircd');
  const [port, tlsPort] = [await freePort(), await freePort()];
  const authority = await makeAuthority(join(folder, 'certs'));
  const certificate = await authority.selfSigned([name]);
  // It gives up root and reads its certificate afterwards.
  await chmod(folder, 0o755);
  await chmod(join(folder, 'certs'), 0o755);
  await chmod(certificate.keyFile, 0o644);
  const configuration = await fillTemplate('ngircd.conf', {
    PORT: port,
    TLSPORT: tlsPort,
    SERVERNAME: name,
    PEERNAME: options.peerName ?? 'irc.banyan.example',
    PEERPORT: options.peerPort ?? 1,
    SENT: passwordSent,
    WANTED: passwordWanted,
    CERT: certificate.certificateFile,
    KEY: certificate.keyFile,
    PASSIVE: options.dials === undefined ? 'yes' : 'no',
    LINK: options.dials === 'tls' ? '\tSSLConnect = yes\n\tSSLVerify = no' : '',
    EXTRA: options.extra ?? '',
    USER: process.getuid?.() === 0 ? '\tServerUID = irc\n\tServerGID = irc' : '',
  });
  const file = join(folder, 'ngircd.conf');
  await writeFile(file, configuration);

  const peer = await startPeer(name, '/usr/sbin/ngircd', ['-n', '-f', file], { folder, ports: [port] });
  return Object.assign(peer, { name, port, tlsPort, passwordSent, passwordWanted, fingerprint: certificate.fingerprint });
}
