import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAuthority } from './certificates.ts';
import { freePort, portOpen } from './ports.ts';
import { startProcess, type TestProcess } from './process.ts';
import { removeFolder, temporaryFolder } from './root.ts';
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
export interface Inspircd {
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
  readonly pid: number;
  running(): boolean;
  kill9(): Promise<void>;
  /** Starts again on the same ports after `kill9` or `halt`. */
  start(): Promise<void>;
  halt(): Promise<void>;
  /** Stops and removes its folder. */
  stop(): Promise<void>;
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

  let child: TestProcess | undefined;
  const server: Inspircd = {
    name,
    sid,
    port,
    linkPort,
    linkTlsPort,
    password,
    fingerprint: certificate.fingerprint,
    log: () => readFile(join(folder, 'ircd.log'), 'utf8'),
    get pid() {
      return child!.pid;
    },
    running: () => child?.running() ?? false,
    async start() {
      const root = process.getuid?.() === 0 ? ['--runasroot'] : [];
      child = await startProcess('/usr/sbin/inspircd', ['--nofork', '--config', file, ...root], { folder });
      const began = child;
      await Promise.race([
        portOpen(port, 'inspircd'),
        began.ended().then((code) => Promise.reject(new Error(`inspircd ended (${code}): ${began.output()}`))),
      ]);
    },
    async kill9() {
      await child?.kill9();
    },
    async halt() {
      await child?.stop();
    },
    async stop() {
      await child?.stop();
      await removeFolder(folder);
    },
  };
  await server.start();
  return server;
}
