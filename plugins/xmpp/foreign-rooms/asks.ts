/** Queries of ours to rooms of other servers, and their answers. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../server/plugin.ts';
import type { Jid } from '../jid.ts';
import type { Fate } from '../private-messages.ts';
import { conditionOf } from '../stanza-error.ts';
import { attribute, stanza, type Element } from '../xml/element.ts';

export type Answer =
  | { readonly kind: 'result'; readonly iq: Element }
  | { readonly kind: 'error'; readonly condition: string; readonly text: string }
  /** Nobody has answered in time, or the question could not be delivered. */
  | { readonly kind: 'silence'; readonly text: string };

interface Open {
  readonly from: string;
  readonly to: string;
  readonly answer: (answer: Answer) => void;
}

const patience = 20_000;

export class Asks {
  readonly #clock: Clock;
  readonly #send: (what: Element, fate: Fate) => void;
  readonly #open = new Map<string, Open>();

  constructor(clock: Clock, send: (what: Element, fate: Fate) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** `to` is a full or a bare address; only from there an answer counts. */
  ask(from: Jid, to: string, type: 'get' | 'set', payload: Element): Promise<Answer> {
    return new Promise((resolve) => {
      const id = randomBytes(9).toString('base64url');
      const answer = (said: Answer): void => {
        if (!this.#open.delete(id)) return;
        timer.cancel();
        resolve(said);
      };
      const timer = this.#clock.after(patience, () => answer({ kind: 'silence', text: 'it does not answer' }));
      this.#open.set(id, { from: from.full, to, answer });
      this.#send(stanza('iq', { type, from: from.full, to, id }, payload), { failed: (text) => answer({ kind: 'silence', text }) });
    });
  }

  /** An iq of type result or error for one of ours. */
  answered(iq: Element, from: Jid, to: Jid): void {
    const open = this.#open.get(attribute(iq, 'id') ?? '');
    if (open === undefined || open.from !== to.full || open.to !== from.full) return;
    open.answer(attribute(iq, 'type') === 'result' ? { kind: 'result', iq } : { kind: 'error', ...conditionOf(iq) });
  }

  stop(): void {
    for (const { answer } of [...this.#open.values()]) answer({ kind: 'silence', text: 'the server is stopping' });
  }
}
