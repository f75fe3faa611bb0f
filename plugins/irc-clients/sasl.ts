/** SASL over AUTHENTICATE (IRCv3 sasl 3.2): base64 in pieces of 400 characters. Threat class A7. */
import type { Account, SaslExchange } from '../../server/plugin.ts';
import type { Client } from './client.ts';

type Mechanism = 'PLAIN' | 'SCRAM-SHA-1' | 'SCRAM-SHA-256';

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly exchange: SaslExchange; received: string }
  /** The server's final message was sent; the client says `+` and the account is its own. */
  | { readonly kind: 'proved'; readonly account: Account };

const pieceLength = 400;
const mostReceived = 8_192;

export class Sasl {
  readonly #client: Client;
  readonly #onSuccess: (account: Account) => void;
  #state: State = { kind: 'idle' };

  constructor(client: Client, onSuccess: (account: Account) => void) {
    this.#client = client;
    this.#onSuccess = onSuccess;
  }

  get mechanisms(): readonly string[] {
    return this.#client.server.host.accounts.mechanisms;
  }

  /** One AUTHENTICATE line. */
  async receive(param: string): Promise<void> {
    const state = this.#state;
    if (param === '*') {
      this.abort();
      return;
    }
    switch (state.kind) {
      case 'idle':
        this.#begin(param.toUpperCase());
        break;
      case 'running':
        await this.#continue(state, param);
        break;
      case 'proved':
        this.#state = { kind: 'idle' };
        if (param === '+') this.#onSuccess(state.account);
        else this.#fail();
        break;
      default:
        state satisfies never;
    }
  }

  abort(): void {
    if (this.#state.kind === 'idle') return;
    this.#state = { kind: 'idle' };
    this.#client.numeric('ERR_SASLABORTED', 'SASL authentication aborted');
  }

  #begin(name: string): void {
    if (!this.mechanisms.includes(name)) {
      this.#client.numeric('RPL_SASLMECHS', this.mechanisms.join(','), 'are available SASL mechanisms');
      this.#fail();
      return;
    }
    const exchange = this.#client.server.host.accounts.sasl(name as Mechanism, this.#client.connection.remoteAddress);
    this.#state = { kind: 'running', exchange, received: '' };
    this.#client.send({ text: 'AUTHENTICATE +' });
  }

  async #continue(state: Extract<State, { kind: 'running' }>, param: string): Promise<void> {
    if (param.length > pieceLength || state.received.length > mostReceived) {
      this.#state = { kind: 'idle' };
      this.#client.numeric('ERR_SASLTOOLONG', 'SASL message too long');
      return;
    }
    if (param !== '+') state.received += param;
    if (param.length === pieceLength) return;
    const base64 = state.received;
    state.received = '';
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
      this.#fail();
      return;
    }
    const step = await state.exchange.step(Buffer.from(base64, 'base64'));
    if (this.#state !== state) return;
    switch (step.kind) {
      case 'challenge':
        this.#say(step.message);
        break;
      case 'success':
        if (step.message === undefined) {
          this.#state = { kind: 'idle' };
          this.#onSuccess(step.account);
        } else {
          this.#state = { kind: 'proved', account: step.account };
          this.#say(step.message);
        }
        break;
      case 'failure':
        this.#fail(step.reason === 'too-fast' ? 'Too many attempts; wait a while' : undefined);
        break;
      default:
        step satisfies never;
    }
  }

  #say(message: Buffer): void {
    const base64 = message.toString('base64');
    for (let at = 0; at < base64.length; at += pieceLength)
      this.#client.send({ text: `AUTHENTICATE ${base64.slice(at, at + pieceLength)}` });
    if (base64.length % pieceLength === 0) this.#client.send({ text: 'AUTHENTICATE +' });
  }

  #fail(text = 'SASL authentication failed'): void {
    this.#state = { kind: 'idle' };
    this.#client.numeric('ERR_SASLFAIL', text);
  }
}
