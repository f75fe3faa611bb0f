/** Certificates of ours, and what a peer's certificate proves. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, rootCertificates, type SecureContext, type TLSSocket } from 'node:tls';
import type { TlsFacts, TlsIdentityRef } from '../contract/net.ts';

/** PEM files could not be used; `message` names the file and the remedy. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
  /** Which file is to blame, by its key in the configuration. */
  readonly about: 'certificate' | 'key' | 'authorities';

  constructor(about: CertificateError['about'], message: string) {
    super(message);
    this.about = about;
  }
}

/** For TLS 1.2; those of 1.3 are all good. Forward secrecy and authenticated encryption only. */
const ciphers = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'DHE-RSA-AES128-GCM-SHA256',
  'DHE-RSA-AES256-GCM-SHA384',
];

/** What every TLS connection of this server keeps to, whichever side began it. */
export const tlsPolicy = {
  minVersion: 'TLSv1.2',
  honorCipherOrder: true,
  ciphers: ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', ...ciphers].join(':'),
} as const;

export interface TlsFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** PEM with further trusted roots. */
  readonly authorityFile?: string | undefined;
}

interface Identity {
  readonly certificate: Buffer;
  readonly key: Buffer;
}

/** Holds the server's certificate; `reload` takes new files for new connections without touching old ones. */
export class TlsStore {
  #files: TlsFiles;
  #identity: Identity;
  #authorities: readonly string[];
  #roots: readonly X509Certificate[] | undefined;
  readonly #contexts = new Map<string, SecureContext>();

  /** @throws CertificateError */
  constructor(files: TlsFiles) {
    this.#files = files;
    this.#identity = readIdentity(files.certificateFile, files.keyFile);
    this.#authorities = readAuthorities(files.authorityFile);
    this.context();
  }

  /** The server's own certificate, the first of its chain. */
  get certificate(): X509Certificate {
    return new X509Certificate(this.#identity.certificate);
  }

  /** @throws CertificateError and keeps the old certificate */
  reload(files: TlsFiles = this.#files): void {
    const identity = readIdentity(files.certificateFile, files.keyFile);
    const authorities = readAuthorities(files.authorityFile);
    checkContext(identity, authorities, files.certificateFile);
    this.#files = files;
    this.#identity = identity;
    this.#authorities = authorities;
    this.#roots = undefined;
    this.#contexts.clear();
  }

  /** The server's certificate, for presenting and for checking others. */
  context(ref?: TlsIdentityRef | 'none'): SecureContext {
    const name =
      ref === undefined || ref === 'none' || 'domain' in ref ? (ref === 'none' ? 'none' : 'own') : `${ref.certificateFile}\n${ref.keyFile}`;
    const known = this.#contexts.get(name);
    if (known !== undefined) return known;
    const identity =
      ref === undefined || ref === 'none' || 'domain' in ref ? this.#identity : readIdentity(ref.certificateFile, ref.keyFile);
    const context = checkContext(ref === 'none' ? undefined : identity, this.#authorities, this.#files.certificateFile);
    this.#contexts.set(name, context);
    return context;
  }

  /** The own certificate and key as PEM, for servers that want them so. */
  pem(): { readonly cert: Buffer; readonly key: Buffer } {
    return { cert: this.#identity.certificate, key: this.#identity.key };
  }

  /** What the peer proved on a connection whose handshake is over. */
  facts(socket: TLSSocket): TlsFacts {
    const certificate = socket.getPeerX509Certificate();
    const error = socket.authorizationError as unknown as string | Error | null | undefined;
    const reason = error == null ? undefined : error instanceof Error ? error.message : error;
    // Where we are the server nobody has judged the certificate yet; and one for server use only, which is what public authorities
    // issue, is shown by a server that dials us.
    const unjudged = reason === undefined || reason === 'INVALID_PURPOSE';
    const verified = certificate !== undefined && (socket.authorized || (unjudged && this.#chainHolds(certificate)));
    const why = certificate === undefined ? 'no certificate was shown' : (reason ?? 'not verified');
    return new SocketFacts(socket, certificate, verified ? undefined : why);
  }

  #chainHolds(leaf: X509Certificate): boolean {
    this.#roots ??= [...this.#authorities, ...rootCertificates].map((pem) => new X509Certificate(pem));
    let current = leaf;
    for (let depth = 0; depth < 8; depth++) {
      if (!inDate(current)) return false;
      const certificate = current;
      if (this.#roots.some((root) => root.fingerprint256 === certificate.fingerprint256)) return true;
      if (this.#roots.some((root) => issued(certificate, root) && inDate(root))) return true;
      const issuer = current.issuerCertificate;
      if (issuer === undefined || issuer.fingerprint256 === current.fingerprint256 || !issued(current, issuer) || !issuer.ca) return false;
      current = issuer;
    }
    return false;
  }
}

/** Everything that is wrong with files, those of a certificate or only those of authorities. */
export function tlsFileMistakes(files: { readonly [File in keyof TlsFiles]: string | undefined }): readonly CertificateError[] {
  const mistakes: CertificateError[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      mistakes.push(error);
      return undefined;
    }
  };
  const { certificateFile, keyFile, authorityFile } = files;
  const certificate = certificateFile === undefined ? undefined : attempt(() => readPem(certificateFile, 'certificate'));
  const key = keyFile === undefined ? undefined : attempt(() => readPem(keyFile, 'key'));
  attempt(() => readAuthorities(authorityFile));
  if (certificate !== undefined && key !== undefined) attempt(() => checkContext({ certificate, key }, [], certificateFile!));
  return mistakes;
}

class SocketFacts implements TlsFacts {
  readonly protocol: string;
  declare readonly certificate?: X509Certificate;
  declare readonly fingerprint?: string;
  declare readonly chainError?: string;
  readonly #socket: TLSSocket;

  constructor(socket: TLSSocket, certificate: X509Certificate | undefined, chainError: string | undefined) {
    this.#socket = socket;
    this.protocol = socket.getProtocol() ?? '';
    if (certificate !== undefined) {
      this.certificate = certificate;
      this.fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
    }
    if (chainError !== undefined) this.chainError = chainError;
  }

  get chainVerified(): boolean {
    return this.chainError === undefined;
  }

  exportKeyingMaterial(length: number, label: string): Buffer {
    return this.#socket.exportKeyingMaterial(length, label, Buffer.alloc(0));
  }

  certificateNames(domain: string): boolean {
    return this.certificate !== undefined && namesDomain(this.certificate, domain);
  }
}

function issued(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function inDate(certificate: X509Certificate): boolean {
  const now = Date.now();
  return Date.parse(certificate.validFrom) <= now && now <= Date.parse(certificate.validTo);
}

/** RFC 9525: dNSName with a wildcard as the whole left-most label, SRVName and XmppAddr (RFC 6120 section 13.7.1.4); never the common name. */
export function namesDomain(certificate: X509Certificate, domain: string): boolean {
  if (
    certificate.checkHost(domain, { subject: 'never', wildcards: true, partialWildcards: false, multiLabelWildcards: false }) !== undefined
  )
    return true;
  const wanted = domain.toLowerCase();
  for (const entry of (certificate.subjectAltName ?? '').split(', ')) {
    const match = /^othername:(XmppAddr|SRVName)::(.+)$/.exec(entry);
    if (match === null) continue;
    const name = match[2]!.toLowerCase();
    if (name === (match[1] === 'SRVName' ? `_xmpp-server.${wanted}` : wanted)) return true;
  }
  return false;
}

function readIdentity(certificateFile: string, keyFile: string): Identity {
  return { certificate: readPem(certificateFile, 'certificate'), key: readPem(keyFile, 'key') };
}

function readAuthorities(file: string | undefined): readonly string[] {
  if (file === undefined) return [];
  const pem = readPem(file, 'authorities').toString('utf8');
  const found = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g);
  if (found === null)
    throw new CertificateError('authorities', `${file} holds no PEM certificate; give a file with the certificates of trusted authorities`);
  return found;
}

function readPem(file: string, what: CertificateError['about']): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CertificateError(
      what,
      `the TLS ${what} file ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'}); check the path and its permissions`,
    );
  }
}

function checkContext(identity: Identity | undefined, authorities: readonly string[], file: string): SecureContext {
  try {
    return createSecureContext({
      ...(identity === undefined ? {} : { cert: identity.certificate, key: identity.key }),
      // Named ones are listed to whoever is asked for a certificate, and GnuTLS then shows none that they did not issue; by default
      // the same roots count, unlisted.
      ...(authorities.length === 0 ? {} : { ca: [...authorities, ...rootCertificates] }),
      ...tlsPolicy,
    });
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new CertificateError(
      'certificate',
      /key values mismatch/.test(words)
        ? `the certificate ${file} and the key do not belong together; give the key that the certificate was made for`
        : `the certificate ${file} and its key cannot be used (${words}); check that both are PEM files without a passphrase`,
    );
  }
}
