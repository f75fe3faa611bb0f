/** The server's own certificate over its life: which files, what is doubtful about them, and its renewal. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../contract/host.ts';
import { namesDomain, type TlsFiles, type TlsStore } from '../net/tls.ts';
import { selfSigned } from './self-signed.ts';

const dayMilliseconds = 86_400_000;
const warnDays = 14;
const lookMilliseconds = 6 * 3_600_000;

/** The files that the configuration names, or a self-signed certificate made in the data folder. */
export async function tlsFiles(config: Config, dataFolder: string): Promise<TlsFiles> {
  const { certificate, key, authorities } = config.tls;
  const files =
    certificate === undefined || key === undefined
      ? await selfSigned(dataFolder, config.domain)
      : { certificateFile: certificate, keyFile: key };
  return { ...files, authorityFile: authorities };
}

/** What others will object to in the configured certificate, which should be good for `names`. */
export function certificateDoubts({ tls, domain }: Config, names: readonly string[] = [domain]): readonly string[] {
  if (tls.certificate === undefined) return [];
  const certificate = new X509Certificate(readFileSync(tls.certificate));
  const doubts: string[] = [];
  const ends = Date.parse(certificate.validTo);
  const days = Math.floor((ends - Date.now()) / dayMilliseconds);
  const day = new Date(ends).toISOString().slice(0, 10);
  if (days < 0) doubts.push(`the certificate expired on ${day}; renew it, then send SIGHUP to the server`);
  else if (days < warnDays) doubts.push(`the certificate expires on ${day}, in ${days} days; renew it, then send SIGHUP to the server`);
  if (Date.parse(certificate.validFrom) > Date.now())
    doubts.push(`the certificate is valid only from ${certificate.validFrom} on; check the clock of this machine`);
  const missing = names.filter((name) => !namesDomain(certificate, name));
  if (missing.length > 0)
    doubts.push(
      `the certificate does not name ${missing.join(' and ')}; who asks for that name will refuse it: get one for ${names.join(', ')}`,
    );
  return doubts;
}

/** Looks after the certificate while the server runs: a self-signed one is made anew before it ends, of another one the end is told. */
export function watchCertificate(options: {
  readonly config: () => Config;
  readonly dataFolder: string;
  readonly tls: TlsStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly renewed: () => void;
}): () => void {
  const { config, dataFolder, tls, log, renewed } = options;
  const look = async (): Promise<void> => {
    for (const doubt of certificateDoubts(config())) log.warn(doubt);
    if (config().tls.certificate !== undefined) return;
    const before = tls.certificate.fingerprint256;
    tls.reload(await tlsFiles(config(), dataFolder));
    if (tls.certificate.fingerprint256 === before) return;
    renewed();
    log.info({ until: tls.certificate.validTo }, 'a new self-signed certificate is in use');
  };
  const timer = options.clock.every(lookMilliseconds, () => {
    look().catch((error: unknown) => log.error({ err: error }, 'the certificate could not be looked after'));
  });
  return () => timer.cancel();
}
