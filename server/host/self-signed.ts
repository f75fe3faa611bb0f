/** A self-signed certificate, for servers that were given none. */
import 'reflect-metadata';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { webcrypto, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import type { TlsFiles } from '../net/tls.ts';

const days = 825;

/** The files of a valid self-signed certificate for `domain` in the data folder; made anew when expired or for another domain. */
export async function selfSigned(dataFolder: string, domain: string): Promise<TlsFiles> {
  const folder = join(dataFolder, 'certs');
  const files = { certificateFile: join(folder, 'self-signed.crt'), keyFile: join(folder, 'self-signed.key') };
  if (existsSync(files.certificateFile) && existsSync(files.keyFile) && stillGood(files.certificateFile, domain)) return files;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { certificate, key } = await make(domain);
  writeFileSync(files.keyFile, key, { mode: 0o600 });
  writeFileSync(files.certificateFile, certificate, { mode: 0o644 });
  return files;
}

function stillGood(file: string, domain: string): boolean {
  try {
    const certificate = new X509Certificate(readFileSync(file));
    const week = 7 * 86_400_000;
    return Date.parse(certificate.validTo) > Date.now() + week && certificate.checkHost(domain, { subject: 'never' }) !== undefined;
  } catch {
    return false;
  }
}

async function make(domain: string): Promise<{ readonly certificate: string; readonly key: string }> {
  x509.cryptoProvider.set(webcrypto);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const names = [...new Set([domain, `rooms.${domain}`, `users.${domain}`, 'localhost'])];
  const alternatives: x509.JsonGeneralNames = [
    ...names.map((value) => ({ type: 'dns' as const, value })),
    { type: 'ip', value: '127.0.0.1' },
    { type: 'ip', value: '::1' },
  ];
  const now = Date.now();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(16))).toString('hex'),
    name: `CN=${domain}`,
    notBefore: new Date(now - 86_400_000),
    notAfter: new Date(now + days * 86_400_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.SubjectAlternativeNameExtension(alternatives),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.match(/.{1,64}/g)!.join('\n')}\n-----END PRIVATE KEY-----\n`;
  return { certificate: certificate.toString('pem') + '\n', key };
}
