/** TLS of the virtual net: nothing is encrypted, both ends are told what they would have proved. */
import { createHash } from 'node:crypto';
import type { TlsFacts } from '../../../server/contract/net.ts';

/** A certificate as the virtual net knows it. */
export interface VirtualCertificate {
  /** Domains it is for. */
  readonly names: readonly string[];
  /** Signed by somebody trusted, and in date. Default true. */
  readonly trusted?: boolean;
}

/** SHA-256 in hex that stands for that certificate: the same names have the same fingerprint. */
export function fingerprintOf(certificate: VirtualCertificate): string {
  return createHash('sha256')
    .update(`${String(certificate.trusted ?? true)} ${certificate.names.join(' ')}`)
    .digest('hex');
}

/** What one end learns of the other. `certificate` itself is absent: there is none to parse. */
export function tlsFacts(peer: VirtualCertificate | undefined, channel: string): TlsFacts {
  const trusted = peer !== undefined && (peer.trusted ?? true);
  return {
    protocol: 'TLSv1.3',
    ...(peer === undefined ? {} : { fingerprint: fingerprintOf(peer) }),
    chainVerified: trusted,
    ...(trusted ? {} : { chainError: peer === undefined ? 'no certificate was shown' : 'self-signed certificate' }),
    exportKeyingMaterial: (length, label) => createHash('shake256', { outputLength: length }).update(`${channel} ${label}`).digest(),
    certificateNames: (domain) => peer?.names.includes(domain) ?? false,
  };
}
