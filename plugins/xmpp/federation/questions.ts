/** Questions of our own incoming streams to a domain's authoritative server: did it make that key? (XEP-0220 section 2.3) */
import type { Clock } from '../../../server/plugin.ts';
import { Outstanding, type DialbackMessage, type DomainPair, type Verdict } from '../stream/dialback.ts';

const verifyMilliseconds = 20_000;

interface Question {
  readonly id: string;
  readonly key: string;
  readonly answer: (verdict: Verdict) => void;
}

export class Questions {
  readonly #clock: Clock;
  readonly #pair: DomainPair;
  /** Writes the question; absent until the stream can carry any. */
  #write: ((question: Question) => void) | undefined;
  #over = false;
  /** Until the stream can carry them. */
  readonly #waiting: Question[] = [];
  readonly #asked = new Outstanding<(verdict: Verdict) => void>();

  constructor(clock: Clock, pair: DomainPair) {
    this.#clock = clock;
    this.#pair = pair;
  }

  verify(id: string, key: string): Promise<Verdict> {
    return new Promise((resolve) => {
      let done = false;
      const answer = (verdict: Verdict): void => {
        if (done) return;
        done = true;
        timer.cancel();
        resolve(verdict);
      };
      const timer = this.#clock.after(verifyMilliseconds, () => answer({ kind: 'error', condition: 'remote-server-timeout' }));
      if (this.#over) answer({ kind: 'error', condition: 'remote-server-not-found' });
      else if (this.#write === undefined) this.#waiting.push({ id, key, answer });
      else this.#ask({ id, key, answer });
    });
  }

  #ask(question: Question): void {
    if (this.#asked.add(this.#pair, question.id, question.answer)) this.#write!(question);
    else question.answer({ kind: 'error', condition: 'resource-constraint' });
  }

  /** The stream can carry questions from now on. */
  open(write: (question: Pick<Question, 'id' | 'key'>) => void): void {
    if (this.#write !== undefined) return;
    this.#write = write;
    for (const question of this.#waiting.splice(0)) this.#ask(question);
  }

  answered({ from, to, id, verdict }: DialbackMessage): void {
    if (verdict !== undefined) this.#asked.take({ from, to }, id)?.(verdict);
  }

  close(): void {
    this.#over = true;
    const nobody: Verdict = { kind: 'error', condition: 'remote-server-not-found' };
    for (const { answer } of this.#waiting.splice(0)) answer(nobody);
    for (const answer of this.#asked.clear()) answer(nobody);
  }
}
