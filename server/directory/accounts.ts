/** Accounts: who may sign in. The stored credential is the SCRAM keys. */
import { createHash, randomBytes } from 'node:crypto';
import type { Account, Accounts, SaslExchange, SaslStep, ScramMechanism } from '../contract/accounts.ts';
import type { AccountAdministration } from '../core.ts';
import { AddressError, prepareName } from '../model/address.ts';
import { accepted, refused, type Outcome } from '../model/outcome.ts';
import type { StoredAccount } from '../storage.ts';
import type { Context } from './context.ts';
import { addressGroup, checkNick } from './names.ts';
import { checkClientFinal, deriveKeys, parseClientFirst, sameKeys, serverFirst, type ClientFirst, type ScramKeys } from './scram.ts';

/** RFC 7677 wants at least 4096; this takes about 30 ms here. */
const iterations = 100_000;
const shortestPassword = 8;
const longestPassword = 1_024;
/** Names of accounts that were removed, and when. */
const removedSpace = 'core/removed';
/** When each token was last used, by account and hash. */
const tokenSpace = 'core/tokens';
/** Browsers in which one account stays signed in; whichever was away for longest is signed out. */
const mostTokens = 100;
const day = 86_400_000;
const mechanisms = ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'] as const;

interface Window {
  count: number;
  resetsAt: number;
}

/** Counts events per address in a window; forgets by itself. */
class AddressLimit {
  readonly #most: number;
  readonly #milliseconds: number;
  readonly #windows = new Map<string, Window>();

  constructor(most: number, milliseconds: number) {
    this.#most = most;
    this.#milliseconds = milliseconds;
  }

  exceeded(address: string, now: number): boolean {
    const window = this.#windows.get(addressGroup(address));
    return window !== undefined && window.resetsAt > now && window.count >= this.#most;
  }

  count(address: string, now: number): void {
    const group = addressGroup(address);
    const window = this.#windows.get(group);
    if (window !== undefined && window.resetsAt > now) {
      window.count++;
      return;
    }
    if (this.#windows.size > 50_000) for (const [key, old] of this.#windows) if (old.resetsAt <= now) this.#windows.delete(key);
    this.#windows.set(group, { count: 1, resetsAt: now + this.#milliseconds });
  }

  /** What was counted did not happen. */
  forgive(address: string): void {
    const window = this.#windows.get(addressGroup(address));
    if (window !== undefined && window.count > 0) window.count--;
  }
}

export class AccountDirectory implements Accounts, AccountAdministration {
  readonly mechanisms = mechanisms;
  /** All accounts by name: the live table that users.ts reads too. */
  readonly table: Map<string, StoredAccount>;
  readonly #context: Context;
  readonly #registration: 'open' | 'closed';
  readonly #failures: AddressLimit;
  readonly #registrations: AddressLimit;
  readonly #removed: (account: string) => void;
  /** How many tokens were ended. */
  #tokensEnded = 0;

  /** `removed` ends the sessions of an account that is no more. */
  constructor(context: Context, table: Map<string, StoredAccount>, registration: 'open' | 'closed', removed: (account: string) => void) {
    this.#context = context;
    this.table = table;
    this.#registration = registration;
    this.#failures = new AddressLimit(context.limits.failedLogins, 600_000);
    this.#registrations = new AddressLimit(context.limits.registrations, 3_600_000);
    this.#removed = removed;
  }

  /** Saves a changed account behind the back of its user. */
  save(account: StoredAccount): void {
    if (!this.table.has(account.name)) return;
    this.table.set(account.name, account);
    this.#context.storage.saveAccount(account).catch((error: unknown) => {
      this.#context.log.error({ err: error, account: account.name }, 'an account could not be saved');
    });
  }

  async verify(name: string, password: string, remoteAddress: string): Promise<Outcome<Account>> {
    const now = this.#context.clock.now();
    if (this.#failures.exceeded(remoteAddress, now))
      return refused('too-fast', 'Too many wrong passwords from your address; wait ten minutes.');
    const account = this.#find(name);
    const keys = this.#keysOf(account, name, 'SCRAM-SHA-256');
    const given = await deriveKeys('SCRAM-SHA-256', password.slice(0, longestPassword), Buffer.from(keys.salt, 'base64'), keys.iterations);
    if (account !== undefined && sameKeys(given, keys)) return accepted(publicAccount(account));
    this.#failures.count(remoteAddress, now);
    return refused('bad-credentials', 'The name or the password is wrong.');
  }

  #find(name: string): StoredAccount | undefined {
    return this.table.get(preparedOr(name));
  }

  /** The keys to check against; invented, and always the same, for a name that has no account. */
  #keysOf(account: StoredAccount | undefined, name: string, mechanism: ScramMechanism): ScramKeys {
    const kept = account?.scram[mechanism];
    if (kept !== undefined) return kept;
    // Written otherwise, an account's name has the same salt, so an invented one has it too.
    const written = preparedOr(name);
    const invented = (use: string, length: number): string =>
      createHash('sha512')
        .update(this.#context.secret('invented accounts'))
        .update(`${use}\n${mechanism}\n${written}`)
        .digest()
        .subarray(0, length)
        .toString('base64');
    const length = mechanism === 'SCRAM-SHA-1' ? 20 : 32;
    return { salt: invented('salt', 16), iterations, storedKey: invented('stored', length), serverKey: invented('server', length) };
  }

  sasl(mechanism: 'PLAIN' | ScramMechanism, remoteAddress: string): SaslExchange {
    return mechanism === 'PLAIN' ? this.#plain(remoteAddress) : this.#scram(mechanism, remoteAddress);
  }

  /** RFC 4616: authorisation identity, NUL, name, NUL, password. */
  #plain(remoteAddress: string): SaslExchange {
    return {
      step: async (message): Promise<SaslStep> => {
        const parts = message.toString('utf8').split('\0');
        if (parts.length !== 3) return { kind: 'failure', reason: 'malformed' };
        const [authorizationId, name, password] = parts as [string, string, string];
        const outcome = await this.verify(name, password, remoteAddress);
        if (!outcome.ok) return { kind: 'failure', reason: outcome.refusal.code === 'too-fast' ? 'too-fast' : 'bad-credentials' };
        if (!this.#mayActAs(outcome.value.name, authorizationId)) return { kind: 'failure', reason: 'bad-credentials' };
        return { kind: 'success', account: outcome.value };
      },
    };
  }

  /** Nobody acts as somebody else. Threat class A7. */
  #mayActAs(account: string, authorizationId: string | undefined): boolean {
    if (authorizationId === undefined || authorizationId === '') return true;
    return this.#find(authorizationId.replace(new RegExp(`@${this.#context.domain.replaceAll('.', '\\.')}$`), ''))?.name === account;
  }

  #scram(mechanism: ScramMechanism, remoteAddress: string): SaslExchange {
    let begun:
      | { readonly first: ClientFirst; readonly sent: string; readonly keys: ScramKeys; readonly account: StoredAccount | undefined }
      | undefined;
    const step = (message: Buffer): SaslStep => {
      const now = this.#context.clock.now();
      if (this.#failures.exceeded(remoteAddress, now)) return { kind: 'failure', reason: 'too-fast' };
      const text = message.toString('utf8');
      if (begun === undefined) {
        const first = parseClientFirst(text);
        if (first === undefined) return { kind: 'failure', reason: 'malformed' };
        const account = this.#find(first.user);
        const keys = this.#keysOf(account, first.user, mechanism);
        const sent = serverFirst(first, randomBytes(18).toString('base64'), keys);
        begun = { first, sent, keys, account };
        return { kind: 'challenge', message: Buffer.from(sent) };
      }
      const { first, sent, keys, account } = begun;
      const verdict = checkClientFinal(mechanism, keys, first, sent, text);
      if (verdict.ok && account !== undefined && this.#mayActAs(account.name, first.authorizationId)) {
        return { kind: 'success', account: publicAccount(account), message: Buffer.from(verdict.serverFinal) };
      }
      this.#failures.count(remoteAddress, now);
      return { kind: 'failure', reason: verdict.ok ? 'bad-credentials' : verdict.reason };
    };
    return { step: (message) => Promise.resolve(step(message)) };
  }

  async register(name: string, password: string, remoteAddress: string): Promise<Outcome<Account>> {
    const now = this.#context.clock.now();
    if (this.#registration === 'closed') return refused('registration-closed', 'Accounts here are made by the host; ask for one.');
    if (this.#registrations.exceeded(remoteAddress, now))
      return refused('too-fast', 'Too many accounts were made from your address; wait an hour.');
    const hooked = this.#context.hooks.run('register', { name, remoteAddress });
    if (!hooked.ok) return hooked;
    // Counted before it is made, since many may be asked for at once.
    this.#registrations.count(remoteAddress, now);
    const added = await this.#registered(name, password);
    if (!added.ok) this.#registrations.forgive(remoteAddress);
    return added;
  }

  async #registered(name: string, password: string): Promise<Outcome<Account>> {
    const prepared = this.#newName(name);
    if (prepared.ok && (await this.#context.storage.get(removedSpace, prepared.value)) !== undefined)
      return refused('name-taken', `There was an account "${prepared.value}"; only the host can give its name again.`);
    return this.add(name, password, false);
  }

  async add(name: string, password: string, administrator: boolean): Promise<Outcome<Account>> {
    const prepared = this.#newName(name);
    if (!prepared.ok) return prepared;
    const allowed = checkPassword(password);
    if (!allowed.ok) return allowed;
    if (this.table.has(prepared.value)) return refused('name-taken', `There is an account "${prepared.value}" already.`);
    const account: StoredAccount = {
      name: prepared.value,
      created: this.#context.clock.now(),
      administrator,
      nick: name.normalize('NFC'),
      scram: await scramKeys(password),
      rooms: [],
    };
    if (this.table.has(account.name) || !(await this.#context.storage.addAccount(account)))
      return refused('name-taken', `There is an account "${account.name}" already.`);
    this.table.set(account.name, account);
    await this.#context.storage.delete(removedSpace, account.name);
    return accepted(publicAccount(account));
  }

  /** An account's name must be a possible nick too, and must not look like a guest's. */
  #newName(name: string): Outcome<string> {
    const nick = checkNick(name, this.#context.limits.nickCharacters);
    if (!nick.ok) return refused('bad-name', nick.refusal.text);
    try {
      const prepared = prepareName(nick.value);
      return prepared.startsWith('guest-') ? refused('bad-name', 'Names that begin with "guest-" belong to guests.') : accepted(prepared);
    } catch (error) {
      if (error instanceof AddressError) return refused('bad-name', `No account can be called that: ${error.message}.`);
      throw error;
    }
  }

  changePassword(name: string, password: string): Promise<Outcome<void>> {
    return this.setPassword(name, password);
  }

  async setPassword(name: string, password: string): Promise<Outcome<void>> {
    if (this.#find(name) === undefined) return refused('no-such-account', `There is no account "${name}".`);
    const allowed = checkPassword(password);
    if (!allowed.ok) return allowed;
    const scram = await scramKeys(password);
    // Only now: while the keys were derived its user may have entered rooms, or the account may have been removed.
    const account = this.#find(name);
    if (account === undefined) return refused('no-such-account', `There is no account "${name}".`);
    const changed = { ...account, scram };
    this.table.set(changed.name, changed);
    await this.#context.storage.saveAccount(changed);
    await this.#revokeAll(changed.name);
    return accepted(undefined);
  }

  list(): Promise<readonly Account[]> {
    return Promise.resolve([...this.table.values()].map(publicAccount).toSorted((a, b) => (a.name < b.name ? -1 : 1)));
  }

  async remove(name: string): Promise<Outcome<void>> {
    const account = this.#find(name);
    if (account === undefined) return refused('no-such-account', `There is no account "${name}".`);
    // Its inbox, and its rights in rooms, belong to its name: who registers must not inherit them. Threat class A7.
    await this.#context.storage.set(removedSpace, account.name, this.#context.clock.now());
    if (!(await this.#context.storage.removeAccount(account.name))) return refused('no-such-account', `There is no account "${name}".`);
    this.table.delete(account.name);
    await this.#revokeAll(account.name);
    this.#removed(account.name);
    return accepted(undefined);
  }

  get(name: string): Promise<Account | undefined> {
    const account = this.#find(name);
    return Promise.resolve(account === undefined ? undefined : publicAccount(account));
  }

  async issueToken(account: string): Promise<string> {
    const { storage, clock } = this.#context;
    const now = clock.now();
    const kept = (await storage.entries(tokenSpace, `${account} `)).toSorted(([, a], [, b]) => Number(a) - Number(b));
    const surplus = kept.length + 1 - mostTokens;
    for (const [index, [key, used]] of kept.entries())
      if (index < surplus || this.#expired(used, now)) await storage.delete(tokenSpace, key);
    const random = randomBytes(24).toString('base64url');
    await storage.set(tokenSpace, tokenKey(account, random), now);
    return `${Buffer.from(account).toString('base64url')}.${random}`;
  }

  async verifyToken(token: string): Promise<Outcome<Account>> {
    const { storage, clock } = this.#context;
    const parts = parseToken(token);
    const account = parts === undefined ? undefined : this.table.get(parts.account);
    if (parts !== undefined && account !== undefined) {
      const key = tokenKey(parts.account, parts.random);
      const ended = this.#tokensEnded;
      const used = await storage.get(tokenSpace, key);
      const now = clock.now();
      if (used !== undefined && !this.#expired(used, now)) {
        // Not at every reconnect, and not when it may have been ended meanwhile: it would come back.
        if (now - Number(used) > day && ended === this.#tokensEnded) await storage.set(tokenSpace, key, now);
        return accepted(publicAccount(account));
      }
      if (used !== undefined) await storage.delete(tokenSpace, key);
    }
    return refused('bad-credentials', 'You are signed out; sign in again.');
  }

  /** `used`: when the token was last used, as it is stored. */
  #expired(used: unknown, now: number): boolean {
    return now - Number(used) > this.#context.limits.tokenDays * day;
  }

  async revokeToken(token: string): Promise<void> {
    const parts = parseToken(token);
    if (parts !== undefined) await this.#endToken(tokenKey(parts.account, parts.random));
  }

  #endToken(key: string): Promise<void> {
    this.#tokensEnded += 1;
    return this.#context.storage.delete(tokenSpace, key);
  }

  async #revokeAll(account: string): Promise<void> {
    for (const [key] of await this.#context.storage.entries(tokenSpace, `${account} `)) await this.#endToken(key);
  }
}

/** The name as accounts have it; one that no account can have stays as it is, and is found nowhere. */
function preparedOr(name: string): string {
  try {
    return prepareName(name);
  } catch (error) {
    if (error instanceof AddressError) return name;
    throw error;
  }
}

function publicAccount(account: StoredAccount): Account {
  return { name: account.name, administrator: account.administrator, created: account.created };
}

async function scramKeys(password: string): Promise<StoredAccount['scram']> {
  const [sha256, sha1] = await Promise.all([
    deriveKeys('SCRAM-SHA-256', password, randomBytes(16), iterations),
    deriveKeys('SCRAM-SHA-1', password, randomBytes(16), iterations),
  ]);
  return { 'SCRAM-SHA-256': sha256, 'SCRAM-SHA-1': sha1 };
}

function checkPassword(password: string): Outcome<void> {
  if ([...password].length < shortestPassword)
    return refused('bad-credentials', `A password must have at least ${shortestPassword} characters.`);
  if (password.length > longestPassword || password.includes('\0')) return refused('bad-credentials', 'That password cannot be used.');
  return accepted(undefined);
}

/** The random part is stored as a hash, so that a copy of the database signs nobody in. */
function tokenKey(account: string, random: string): string {
  return `${account} ${createHash('sha256').update(random).digest('base64url')}`;
}

function parseToken(token: string): { readonly account: string; readonly random: string } | undefined {
  const match = /^([A-Za-z0-9_-]{1,400})\.([A-Za-z0-9_-]{32})$/.exec(token);
  return match === null ? undefined : { account: Buffer.from(match[1]!, 'base64url').toString('utf8'), random: match[2]! };
}
