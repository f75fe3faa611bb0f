/** Signatures (Ed25519, RFC 8032) of nodes over plain data. What is signed begins with what it is, so that none can stand for another. */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { canonical } from './canonical.ts';
import type { NodeName } from './message.ts';

export type Sealed = 'link state' | 'head' | 'grant' | 'stand-ins' | 'proof' | 'unicast';

/** Signs for this node, and checks what others signed. */
export interface Seals {
  /** This node's public key (SPKI, base64url). */
  readonly key: string;
  sign(what: Sealed, value: object): string;
  verify(key: string, what: Sealed, value: object, signature: string): boolean;
}

function text(what: Sealed, value: object): Buffer {
  return Buffer.from(`banyan ${what}\n${canonical({ ...value, signature: undefined })}`);
}

/** `privateKey`: PKCS #8, base64url. */
export function ed25519Seals(privateKey: string): Seals {
  const own = createPrivateKey({ key: Buffer.from(privateKey, 'base64url'), format: 'der', type: 'pkcs8' });
  const keys = new Map<string, KeyObject | undefined>();
  const parse = (key: string): KeyObject | undefined => {
    try {
      const parsed = createPublicKey({ key: Buffer.from(key, 'base64url'), format: 'der', type: 'spki' });
      return parsed.asymmetricKeyType === 'ed25519' ? parsed : undefined;
    } catch {
      return undefined;
    }
  };
  const keyObject = (key: string): KeyObject | undefined => {
    if (!keys.has(key)) {
      if (keys.size >= 8192) keys.clear();
      keys.set(key, parse(key));
    }
    return keys.get(key);
  };
  return {
    key: createPublicKey(own).export({ format: 'der', type: 'spki' }).toString('base64url'),
    sign: (what, value) => sign(null, text(what, value), own).toString('base64url'),
    verify: (key, what, value, signature) => {
      const object = keyObject(key);
      return object !== undefined && verify(null, text(what, value), object, Buffer.from(signature, 'base64url'));
    },
  };
}

/** Which key each node has: neighbours' from the configuration, others' pinned at first sight. A node does not change its key by itself. */
export class Keyring {
  readonly #keys = new Map<NodeName, string>();

  constructor(known: Iterable<readonly [NodeName, string]>) {
    for (const [node, key] of known) this.#keys.set(node, key);
  }

  get(node: NodeName): string | undefined {
    return this.#keys.get(node);
  }

  /** Whether the node has that key: the one known, or the first that is seen. */
  matches(node: NodeName, key: string): boolean {
    const known = this.#keys.get(node);
    return known === undefined || known === key;
  }

  pin(node: NodeName, key: string): void {
    this.#keys.set(node, key);
  }
}
