import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';

const run = promisify(execFile);
const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export interface Certificate {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** SHA-256, lower-case hex without colons. */
  readonly fingerprint: string;
}

/** A private certification authority in a folder: `ca.pem`, and `DOMAIN.crt` with `DOMAIN.key` for what it issues. */
export interface Authority {
  readonly folder: string;
  readonly file: string;
  /** A certificate for these DNS names; the first is the file's name. Public authorities issue `serverAuth` only. */
  issue(names: readonly string[], options?: { readonly usage?: string; readonly days?: number }): Promise<Certificate>;
  /** A self-signed certificate, which no authority stands behind. */
  selfSigned(names: readonly string[], options?: { readonly fileName?: string }): Promise<Certificate>;
}

export async function makeAuthority(folder: string): Promise<Authority> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'ca.pem');
  const caKey = join(folder, 'ca.key');
  await run('openssl', [
    ...['req', '-x509', ...key, '-days', '30', '-subj', '/CN=Test authority'],
    ...['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    ...['-keyout', caKey, '-out', file],
  ]);
  const paths = (name: string) => ({ certificateFile: join(folder, `${name}.crt`), keyFile: join(folder, `${name}.key`) });
  return {
    folder,
    file,
    async issue(names, { usage = 'serverAuth', days = 30 } = {}) {
      const { certificateFile, keyFile } = paths(names[0]!);
      const request = join(folder, `${names[0]}.csr`);
      const extensions = join(folder, `${names[0]}.ext`);
      await run('openssl', ['req', '-new', ...key, '-subj', `/CN=${names[0]}`, '-keyout', keyFile, '-out', request]);
      await writeFile(
        extensions,
        `basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=${usage}\nsubjectAltName=${alternativeNames(names)}\n`,
      );
      await run('openssl', [
        ...['x509', '-req', '-in', request, '-CA', file, '-CAkey', caKey, '-CAcreateserial'],
        ...['-days', String(days), '-extfile', extensions, '-out', certificateFile],
      ]);
      return await described(certificateFile, keyFile);
    },
    async selfSigned(names, { fileName = names[0]! } = {}) {
      const { certificateFile, keyFile } = paths(fileName);
      await run('openssl', [
        ...['req', '-x509', ...key, '-days', '30', '-subj', `/CN=${names[0]}`, '-addext', `subjectAltName=${alternativeNames(names)}`],
        ...['-keyout', keyFile, '-out', certificateFile],
      ]);
      return await described(certificateFile, keyFile);
    },
  };
}

function alternativeNames(names: readonly string[]): string {
  return names.map((name) => `DNS:${name}`).join(',');
}

async function described(certificateFile: string, keyFile: string): Promise<Certificate> {
  const certificate = new X509Certificate(await readFile(certificateFile));
  return { certificateFile, keyFile, fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase() };
}
