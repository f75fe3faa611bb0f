import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

/** The client's side of SCRAM-SHA-256 (RFC 5802, 7677), for tests that must get it right or wrong on purpose. */
export interface ScramClient {
  readonly first: string;
  /** The second message, for what the server answered to the first. */
  final(serverFirst: string, extensions?: string): string;
  /** What the server must say at the end. */
  verifier(serverFirst: string): string;
}

export function scramClient(name: string, password: string): ScramClient {
  const bare = `n=${name},r=clientnonce`;
  const salted = (server: string): Buffer => {
    const [, salt = '', count = ''] = /,s=(.*?),i=(\d+)/.exec(server) ?? [];
    return pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(count), 32, 'sha256');
  };
  const withoutProof = (server: string, extensions: string): string => `c=biws,r=${/^r=(.*?),/.exec(server)?.[1] ?? ''}${extensions}`;
  const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
  return {
    first: `n,,${bare}`,
    final(server, extensions = '') {
      const key = hmac(salted(server), 'Client Key');
      const signed = `${bare},${server},${withoutProof(server, extensions)}`;
      const signature = hmac(createHash('sha256').update(key).digest(), signed);
      const proof = Buffer.from(key.map((byte, index) => byte ^ signature[index]!)).toString('base64');
      return `${withoutProof(server, extensions)},p=${proof}`;
    },
    verifier(server) {
      const signed = `${bare},${server},${withoutProof(server, '')}`;
      return `v=${hmac(hmac(salted(server), 'Server Key'), signed).toString('base64')}`;
    },
  };
}
