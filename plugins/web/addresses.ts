/**
 * Names for people whose address is not everybody's to know: people of XMPP servers, to whom rooms say that real addresses are
 * for moderators. Such a name is the address itself, encrypted with a key of this server so that the same address always gives
 * the same name (a synthetic nonce, as in RFC 5297) and nobody else can make one. Nothing has to be remembered: names last as
 * long as the server's secret. Threat class A13.
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import type { UserAddress } from '../../server/plugin.ts';

const prefix = 'hidden:';
const cipher = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;
/** Addresses are filled up to a multiple of so many bytes: the length of a name must not tell one from another. */
const block = 64;
/** Names that are kept, so that a room of many people does not cost them all at every entering. */
const mostKept = 4_096;

export class Addresses {
  readonly #nonces: Buffer;
  readonly #key: Buffer;
  readonly #kept = new Map<UserAddress, string>();

  /** @param secret 32 bytes that stay the same over restarts */
  constructor(secret: Buffer) {
    this.#nonces = createHmac('sha256', secret).update('nonces').digest();
    this.#key = createHmac('sha256', secret).update('addresses').digest();
  }

  /** What everybody may see of an address: the address itself, or a name in its place. */
  shown(address: UserAddress): string {
    if (!address.startsWith('xmpp:')) return address;
    const kept = this.#kept.get(address);
    if (kept !== undefined) return kept;
    const name = this.#hide(address);
    if (this.#kept.size === mostKept) this.#kept.clear();
    this.#kept.set(address, name);
    return name;
  }

  #hide(address: UserAddress): string {
    const nonce = createHmac('sha256', this.#nonces).update(address).digest().subarray(0, nonceBytes);
    const text = Buffer.from(address);
    const filled = Buffer.alloc(Math.ceil(text.length / block) * block);
    text.copy(filled);
    const encryption = createCipheriv(cipher, this.#key, nonce, { authTagLength: tagBytes });
    return prefix + Buffer.concat([nonce, encryption.update(filled), encryption.final(), encryption.getAuthTag()]).toString('base64url');
  }

  /** The address behind a name that this server made; nothing for any other. */
  real(name: string): UserAddress | undefined {
    const bytes = Buffer.from(name.slice(prefix.length), 'base64url');
    if (!isHidden(name) || bytes.length < nonceBytes + block + tagBytes) return undefined;
    const decryption = createDecipheriv(cipher, this.#key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes });
    decryption.setAuthTag(bytes.subarray(-tagBytes));
    let filled: Buffer;
    try {
      filled = Buffer.concat([decryption.update(bytes.subarray(nonceBytes, -tagBytes)), decryption.final()]);
    } catch {
      return undefined;
    }
    const end = filled.indexOf(0);
    const address = filled.toString('utf8', 0, end === -1 ? filled.length : end) as UserAddress;
    // There is one name for an address: what base64 decodes to the same bytes is none.
    return this.shown(address) === name ? address : undefined;
  }
}

/** Whether the text has the form of such a name. */
export function isHidden(text: string): boolean {
  return text.startsWith(prefix);
}
