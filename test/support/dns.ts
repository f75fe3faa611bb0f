import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Resolver } from 'node:dns/promises';
import { freePort } from './ports.ts';
import { startProcess } from './process.ts';
import { removeFolder, temporaryFolder } from './root.ts';
import { fillTemplate } from './template.ts';
import { eventually } from './wait.ts';

/** Where a domain's XMPP servers are, as SRV records say it (RFC 6120 section 3.2.1, XEP-0368). */
export interface XmppRecord {
  readonly domain: string;
  /** `_xmpp-server._tcp`: STARTTLS. */
  readonly port?: number;
  /** `_xmpps-server._tcp`: TLS from the first byte. */
  readonly directTlsPort?: number;
}

/** A resolver on 127.0.0.1 (dnsmasq) that knows only the given records. Domains must end in `.example`. */
export interface Dns {
  readonly port: number;
  stop(): Promise<void>;
}

export async function startDns(records: readonly XmppRecord[]): Promise<Dns> {
  const folder = await temporaryFolder('dns');
  const port = await freePort();
  const lines = records.flatMap(({ domain, port: server, directTlsPort }) => [
    ...(server === undefined ? [] : [`srv-host=_xmpp-server._tcp.${domain},127.0.0.1,${server},0,5`]),
    ...(directTlsPort === undefined ? [] : [`srv-host=_xmpps-server._tcp.${domain},127.0.0.1,${directTlsPort},0,5`]),
  ]);
  const file = join(folder, 'dnsmasq.conf');
  await writeFile(
    file,
    await fillTemplate('dnsmasq.conf', {
      DNSPORT: port,
      USER: process.getuid?.() === 0 ? 'user=root' : '',
      RECORDS: lines.join('\n'),
    }),
  );
  const child = await startProcess('/usr/sbin/dnsmasq', [`--conf-file=${file}`], { folder });
  const resolver = new Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  await eventually(
    () => `dnsmasq to answer: ${child.output()}`,
    async () => {
      if (!child.running()) throw new Error(child.output());
      const code = await resolver.resolveSrv('_xmpp-server._tcp.nowhere.example').then(
        () => 'answered',
        (error: unknown) => (error as NodeJS.ErrnoException).code,
      );
      return code === 'ENOTFOUND' || code === 'ENODATA' || code === 'EREFUSED' || code === 'answered';
    },
  );
  return {
    port,
    async stop() {
      await child.stop();
      await removeFolder(folder);
    },
  };
}
