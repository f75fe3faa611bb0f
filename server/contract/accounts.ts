/** Accounts for plugins. The stored credential is the SCRAM keys; no plugin sees them. Implemented in server/directory/accounts.ts. */
import type { Outcome } from '../model/outcome.ts';

export type ScramMechanism = 'SCRAM-SHA-1' | 'SCRAM-SHA-256';

export interface Account {
  readonly name: string;
  readonly administrator: boolean;
  readonly created: number;
}

/** One SASL exchange (RFC 4422, 5802). Bytes are the mechanism's messages, not base64. */
export interface SaslExchange {
  step(message: Buffer): Promise<SaslStep>;
}

export type SaslStep =
  | { readonly kind: 'challenge'; readonly message: Buffer }
  /** `message` is the server's final message where the mechanism has one. */
  | { readonly kind: 'success'; readonly account: Account; readonly message?: Buffer }
  /** One text for unknown user and wrong password alike, after the same time. */
  | { readonly kind: 'failure'; readonly reason: 'bad-credentials' | 'malformed' | 'too-fast' };

export interface Accounts {
  /** `remoteAddress` is counted against guessing. */
  verify(name: string, password: string, remoteAddress: string): Promise<Outcome<Account>>;
  /** A server exchange for one of the mechanisms; PLAIN with an authorisation identity other than the own is refused. */
  sasl(mechanism: 'PLAIN' | ScramMechanism, remoteAddress: string): SaslExchange;
  readonly mechanisms: readonly ('PLAIN' | ScramMechanism)[];
  /** Refuses: registration-closed, name-taken, bad-name, too-fast, bad-credentials (password too short). */
  register(name: string, password: string, remoteAddress: string): Promise<Outcome<Account>>;
  changePassword(name: string, password: string): Promise<Outcome<void>>;
  /**
   * A bearer token that signs the account in without its password, for a browser that stays signed in. It ends when it was not used for
   * `token_days` of [limits], with `revokeToken`, with a new password, and when very many are issued after it.
   */
  issueToken(account: string): Promise<string>;
  verifyToken(token: string): Promise<Outcome<Account>>;
  revokeToken(token: string): Promise<void>;
  get(name: string): Promise<Account | undefined>;
}
