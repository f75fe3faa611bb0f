import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeAuthority, type Authority } from './certificates.ts';
import { startDns, type XmppRecord } from './dns.ts';
import { startPeer, type PeerProcess } from './peer.ts';
import { freePort } from './ports.ts';
import { temporaryFolder } from './root.ts';
import { fillTemplate } from './template.ts';

/**
 * How two servers prove who they are:
 * `plain` no TLS, dialback; `dialback` STARTTLS with self-signed certificates and dialback;
 * `external` STARTTLS with certificates of one private authority, which alone count (SASL EXTERNAL).
 */
export type FederationMode = 'plain' | 'dialback' | 'external';

export interface ProsodyOptions {
  readonly domain?: string;
  readonly mode?: FederationMode;
  /** Where the other domains are. One record a domain *and* a room domain. */
  readonly records?: readonly XmppRecord[];
  /** Users besides `alice`; everybody's password is `secret`. */
  readonly users?: readonly string[];
  /** Modules of Prosody to leave out: `smacks` (then it acknowledges nothing), `s2s_bidi`, ... */
  readonly without?: readonly string[];
}

/** A real Prosody 0.12 on loopback, with room service `rooms.DOMAIN`, and the resolver that it asks. */
export interface Prosody extends PeerProcess {
  readonly domain: string;
  readonly roomDomain: string;
  readonly serverPort: number;
  /** TLS from the first byte. */
  readonly serverTlsPort: number;
  readonly clientPort: number;
  /** For test/support/xmpp-client.ts. */
  readonly websocket: string;
  readonly dnsPort: number;
  /** The authority that Prosody trusts; issue our own server's certificate here. */
  readonly authority: Authority;
  register(user: string, password: string): Promise<void>;
  /** Its debug log. */
  log(): Promise<string>;
  /** SIGSTOP and SIGCONT: connections stay, nobody answers. */
  suspend(): void;
  resume(): void;
  /** Stops it and its resolver, and removes its folder. */
  stop(): Promise<void>;
}

const run = promisify(execFile);

export async function startProsody(options: ProsodyOptions = {}): Promise<Prosody> {
  const domain = options.domain ?? 'prosody.example';
  const roomDomain = `rooms.${domain}`;
  const mode = options.mode ?? 'dialback';
  const folder = await temporaryFolder('prosody');
  const [clientPort, clientTlsPort, serverPort, serverTlsPort, httpPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const authority = await makeAuthority(join(folder, 'authority'));
  await (mode === 'external' ? authority.issue([domain, roomDomain]) : authority.selfSigned([domain, roomDomain]));
  await mkdir(join(folder, 'data'), { recursive: true });
  await cp(authority.folder, join(folder, 'certs'), { recursive: true });
  const dns = await startDns([
    { domain, port: serverPort, directTlsPort: serverTlsPort },
    { domain: roomDomain, port: serverPort, directTlsPort: serverTlsPort },
    ...(options.records ?? []),
  ]);
  const file = join(folder, 'prosody.cfg.lua');
  await writeFile(
    file,
    await fillTemplate('prosody.cfg.lua', {
      DIR: folder,
      DOMAIN: domain,
      MUCDOMAIN: roomDomain,
      C2SPORT: clientPort,
      C2STLSPORT: clientTlsPort,
      S2SPORT: serverPort,
      S2STLSPORT: serverTlsPort,
      HTTPPORT: httpPort,
      DNSPORT: dns.port,
      REQUIRE_TLS: String(mode !== 'plain'),
      SECURE_AUTH: String(mode === 'external'),
      DISABLED: [...(mode === 'plain' ? ['tls'] : []), ...(options.without ?? [])].map((name) => `"${name}"`).join(', '),
    }),
  );

  const register = async (user: string, password: string): Promise<void> => {
    await run('prosodyctl', ['--config', file, 'register', user, domain, password]);
  };
  await Promise.all(['alice', ...(options.users ?? [])].map((user) => register(user, 'secret')));
  const ports = [clientPort, serverPort, httpPort];
  const peer = await startPeer('prosody', '/usr/bin/prosody', ['--config', file, '-F'], { folder, ports });
  const { stop } = peer;
  return Object.assign(peer, {
    domain,
    roomDomain,
    serverPort,
    serverTlsPort,
    clientPort,
    websocket: `ws://127.0.0.1:${httpPort}/xmpp-websocket`,
    dnsPort: dns.port,
    authority,
    register,
    log: () => readFile(join(folder, 'prosody.log'), 'utf8'),
    suspend: () => peer.signal('SIGSTOP'),
    resume: () => peer.signal('SIGCONT'),
    async stop() {
      await stop();
      await dns.stop();
    },
  });
}
