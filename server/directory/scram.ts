/** SCRAM on the server's side (RFC 5802, RFC 7677): pure functions over messages, without channel binding. */
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { ScramMechanism } from '../contract/accounts.ts';

const derive = promisify(pbkdf2);

/** What is stored of a password. Base64. */
export interface ScramKeys {
  readonly salt: string;
  readonly iterations: number;
  readonly storedKey: string;
  readonly serverKey: string;
}

const hashNames: Readonly<Record<ScramMechanism, 'sha1' | 'sha256'>> = { 'SCRAM-SHA-1': 'sha1', 'SCRAM-SHA-256': 'sha256' };

function hmac(mechanism: ScramMechanism, key: Buffer, text: string): Buffer {
  return createHmac(hashNames[mechanism], key).update(text).digest();
}
function digest(mechanism: ScramMechanism, data: Buffer): Buffer {
  return createHash(hashNames[mechanism]).update(data).digest();
}

/** Derives the stored keys of a password; takes tens of milliseconds off the main thread. */
export async function deriveKeys(mechanism: ScramMechanism, password: string, salt: Buffer, iterations: number): Promise<ScramKeys> {
  const length = mechanism === 'SCRAM-SHA-1' ? 20 : 32;
  const salted = await derive(password.normalize('NFKC'), salt, iterations, length, hashNames[mechanism]);
  const storedKey = digest(mechanism, hmac(mechanism, salted, 'Client Key'));
  const serverKey = hmac(mechanism, salted, 'Server Key');
  return { salt: salt.toString('base64'), iterations, storedKey: storedKey.toString('base64'), serverKey: serverKey.toString('base64') };
}

/** Whether two secrets are the same text; the time that it takes tells nothing about either. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}

/** Whether two sets of keys come from one password; in constant time. */
export function sameKeys(a: ScramKeys, b: ScramKeys): boolean {
  const left = Buffer.from(a.storedKey, 'base64');
  const right = Buffer.from(b.storedKey, 'base64');
  return left.length === right.length && timingSafeEqual(left, right);
}

export interface ClientFirst {
  readonly gs2Header: string;
  readonly bare: string;
  readonly user: string;
  readonly authorizationId: string | undefined;
  readonly nonce: string;
}

/** Parses `n,a=authzid,n=user,r=nonce`. Undefined when malformed, or when it wants channel binding, which is not offered. */
export function parseClientFirst(message: string): ClientFirst | undefined {
  const match = /^([ny],(?:a=([^,]*))?,)(n=([^,]*),r=([\x21-\x2b\x2d-\x7e]{1,256})(?:,[a-zA-Z]=[^,]*)*)$/.exec(message);
  if (match === null) return undefined;
  const user = unescapeName(match[4]!);
  const authorizationId = match[2] === undefined ? undefined : unescapeName(match[2]);
  if (user === undefined || (match[2] !== undefined && authorizationId === undefined)) return undefined;
  return { gs2Header: match[1]!, bare: match[3]!, user, authorizationId, nonce: match[5]! };
}

/** `=2C` is a comma, `=3D` an equals sign; any other `=` is an error (RFC 5802 section 5.1). */
function unescapeName(text: string): string | undefined {
  if (/=(?!2C|3D)/.test(text)) return undefined;
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

export function serverFirst(first: ClientFirst, serverNonce: string, keys: ScramKeys): string {
  return `r=${first.nonce}${serverNonce},s=${keys.salt},i=${keys.iterations}`;
}

export type ScramVerdict =
  { readonly ok: true; readonly serverFinal: string } | { readonly ok: false; readonly reason: 'malformed' | 'bad-credentials' };

/** Checks the client's final message `c=,r=,p=` against what was said before. */
export function checkClientFinal(
  mechanism: ScramMechanism,
  keys: ScramKeys,
  first: ClientFirst,
  sentFirst: string,
  message: string,
): ScramVerdict {
  const match = /^(c=([A-Za-z0-9+/=]+),r=([^,]+)(?:,[a-zA-Z]=[^,]*)*),p=([A-Za-z0-9+/=]+)$/.exec(message);
  if (match === null) return { ok: false, reason: 'malformed' };
  const [, withoutProof, binding, nonce, proofText] = match as unknown as [string, string, string, string, string];
  if (Buffer.from(binding, 'base64').toString('utf8') !== first.gs2Header) return { ok: false, reason: 'malformed' };
  if (!sentFirst.startsWith(`r=${nonce},s=`)) return { ok: false, reason: 'malformed' };
  const authMessage = `${first.bare},${sentFirst},${withoutProof}`;
  const storedKey = Buffer.from(keys.storedKey, 'base64');
  const signature = hmac(mechanism, storedKey, authMessage);
  const proof = Buffer.from(proofText, 'base64');
  if (proof.length !== signature.length) return { ok: false, reason: 'bad-credentials' };
  const clientKey = Buffer.from(proof.map((byte, index) => byte ^ signature[index]!));
  const candidate = digest(mechanism, clientKey);
  if (!timingSafeEqual(candidate, storedKey)) return { ok: false, reason: 'bad-credentials' };
  return { ok: true, serverFinal: `v=${hmac(mechanism, Buffer.from(keys.serverKey, 'base64'), authMessage).toString('base64')}` };
}
