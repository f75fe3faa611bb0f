/** What a connection says before it is somebody: NICK, USER, PASS, CAP and SASL, in any order. */
import type { Account, Outcome, Session } from '../../server/plugin.ts';
import type { Client } from './client.ts';
import { nickRefused } from './refusals.ts';
import { Sasl } from './sasl.ts';
import { serviceNick } from './service.ts';
import { welcome } from './welcome.ts';

export class Registration {
  readonly sasl: Sasl;
  /** CAP LS or REQ came and CAP END has not: registration waits. */
  negotiating = false;
  /** What NICK said; checked when the rest is there. */
  nick: string | undefined;
  #user: { readonly ident: string; readonly realName: string } | undefined;
  #password: string | undefined;
  #account: Account | undefined;
  #ended = false;
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
    this.sasl = new Sasl(client, (account) => this.#loggedIn(account));
  }

  abort(): void {
    this.#ended = true;
  }

  setUser(ident: string, realName: string): void {
    this.#user = { ident, realName };
  }

  /** `account:password`, for clients without SASL. */
  setPassword(password: string): void {
    this.#password = password;
  }

  /** Who is not done proving itself may ask for a nick that is its own already. */
  get proving(): boolean {
    return this.negotiating || this.#password !== undefined;
  }

  get account(): Account | undefined {
    return this.#account;
  }

  #proved(account: Account): void {
    this.#account = account;
    this.#client.numeric('RPL_LOGGEDIN', `${this.nick ?? '*'}!*@*`, account.name, `You are now logged in as ${account.name}`);
  }

  #loggedIn(account: Account): void {
    this.#proved(account);
    this.#client.numeric('RPL_SASLSUCCESS', 'SASL authentication successful');
  }

  /** Completes when everything is there. */
  async advance(): Promise<void> {
    if (this.#ended || this.negotiating || this.nick === undefined || this.#user === undefined) return;
    if (this.#account === undefined && this.#password !== undefined && !(await this.#checkPassword(this.#password))) return;
    const nick = this.nick;
    if (nick === undefined || this.#ended) return;
    const session = this.#connect(nick, this.#user);
    if (!session.ok) {
      if (this.#account === undefined || session.refusal.code.includes('nick')) {
        nickRefused(this.#client, nick, session.refusal);
        this.nick = undefined;
      } else this.#client.close(session.refusal.text);
      return;
    }
    this.#client.online(session.value);
    welcome(this.#client);
  }

  /** A server password is the password of an account: `PASS name:password`, or `PASS password` for the account of the nick. */
  async #checkPassword(password: string): Promise<boolean> {
    const colon = password.indexOf(':');
    const name = colon > 0 ? password.slice(0, colon) : (this.nick ?? '');
    const secret = colon > 0 ? password.slice(colon + 1) : password;
    const verified = await this.#client.server.host.accounts.verify(name, secret, this.#client.connection.remoteAddress);
    this.#password = undefined;
    if (verified.ok) {
      this.#proved(verified.value);
      return true;
    }
    this.#client.numeric('ERR_PASSWDMISMATCH', verified.refusal.text);
    this.#client.close('Password incorrect');
    return false;
  }

  #connect(nick: string, user: { readonly ident: string; readonly realName: string }): Outcome<Session> {
    const { server, connection } = this.#client;
    const { users } = server.host;
    const options = {
      client: 'irc',
      remoteAddress: connection.remoteAddress,
      secure: connection.tls !== undefined,
      ident: user.ident,
      realName: user.realName,
    };
    if (this.#account !== undefined) {
      const own = users.byNick(nick)?.account === this.#account.name;
      const free = !server.people.isTaken(nick, undefined) || own;
      return users.connectAccount({ ...options, account: this.#account.name, ...(free ? { nick } : {}) }, this.#client);
    }
    const illegal = checkNick(this.#client, nick);
    return illegal ?? users.connectGuest({ ...options, nick }, this.#client);
  }
}

/** Why IRC clients cannot be called so, or undefined when they can. */
export function checkNick(client: Client, nick: string): Extract<Outcome<never>, { ok: false }> | undefined {
  const { people } = client.server;
  if (!people.isLegal(nick)) return { ok: false, refusal: { code: 'bad-nick', text: 'Erroneous nickname' } };
  if (nick.toLowerCase() === serviceNick || people.isTaken(nick, client.session?.user.id))
    return { ok: false, refusal: { code: 'nick-in-use', text: 'Nickname is already in use' } };
  return undefined;
}
