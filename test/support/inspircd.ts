import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAuthority } from './certificates.ts';
import { startPeer, type PeerProcess } from './peer.ts';
import { freePort } from './ports.ts';
import { temporaryFolder } from './root.ts';
import { fillTemplate } from './template.ts';

export interface InspircdOptions {
  /** Its own name and id. */
  readonly name?: string;
  readonly sid?: string;
  /** The server that may link, as InspIRCd knows it, and where InspIRCd would dial it. */
  readonly peerName?: string;
  readonly peerPort?: number;
  readonly password?: string;
  /** Dial the peer every two seconds instead of only waiting. */
  readonly dials?: boolean;
  /** Takes a crowd of clients: no caps on connections, memory for fast senders. */
  readonly many?: boolean;
  /** More configuration. */
  readonly extra?: string;
}

/** A real InspIRCd 3 on loopback. `OPER oper operpass` makes an operator. */
export interface Inspircd extends PeerProcess {
  readonly name: string;
  readonly sid: string;
  /** For clients. */
  readonly port: number;
  /** For servers: plain, and TLS from the first byte. */
  readonly linkPort: number;
  readonly linkTlsPort: number;
  readonly password: string;
  /** SHA-256 of its certificate, lower-case hex. */
  readonly fingerprint: string;
  log(): Promise<string>;
}

export async function startInspircd(options: InspircdOptions = {}): Promise<Inspircd> {
  const name = options.name ?? 'inspircd.example';
  const sid = options.sid ?? '0AA';
  const password = options.password ?? 'linkpassword';
  const peerName = options.peerName ?? 'irc.banyan.example';
  const folder = await temporaryFolder('inspircd');
  const [port, linkPort, linkTlsPort] = [await freePort(), await freePort(), await freePort()];
  const authority = await makeAuthority(join(folder, 'certs'));
  const certificate = await authority.selfSigned([name]);
  const configuration = await fillTemplate('inspircd.conf', {
    DIR: folder,
    PORT: port,
    LINKPORT: linkPort,
    TLSPORT: linkTlsPort,
    SERVERNAME: name,
    SID: sid,
    PEERNAME: peerName,
    PEERPORT: options.peerPort ?? 1,
    PASSWORD: password,
    CERT: certificate.certificateFile,
    KEY: certificate.keyFile,
    CLIENTS: options.many ? 100_000 : 200,
    SENDQ: options.many ? '64M' : '1M',
    EXTRA: (options.dials ? `<autoconnect period="2" server="${peerName}">\n` : '') + (options.extra ?? ''),
  });
  const file = join(folder, 'inspircd.conf');
  await writeFile(file, configuration);

  const root = process.getuid?.() === 0 ? ['--runasroot'] : [];
  const args = ['--nofork', '--config', file, ...root];
  const peer = await startPeer(name, '/usr/sbin/inspircd', args, { folder, ports: [port] });
  return Object.assign(peer, {
    name,
    sid,
    port,
    linkPort,
    linkTlsPort,
    password,
    fingerprint: certificate.fingerprint,
    log: () => readFile(join(folder, 'ircd.log'), 'utf8'),
  });
}
