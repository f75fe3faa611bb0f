/** What a client has set going and what it has been shown, so that an answer can be put behind both. */

/** The protocol of the unicasts by which a client learns that it has been shown everything before them. */
export const barrierProtocol = 'irc-clients barrier';

export class Order {
  #unsettled = 0;
  // Made when somebody waits: most clients are idle.
  #whenSettled: (() => void)[] | undefined;
  #barriers: Map<number, () => void> | undefined;
  #minted = 0;

  /** Counts work until the answer is called, which calls `done`. */
  expect<T>(done: (value: T) => void, failed: (error: unknown) => void): (value: T) => void {
    this.#unsettled++;
    return (value) => {
      try {
        done(value);
      } catch (error) {
        failed(error);
      }
      this.#end();
    };
  }

  /** Counts work until it has come to its end, and `done` or `failed` to theirs. */
  begin<T>(work: Promise<T>, done: (value: T) => void, failed: (error: unknown) => void): void {
    work.then(this.expect(done, failed), (error: unknown) => {
      failed(error);
      this.#end();
    });
  }

  #end(): void {
    this.#unsettled--;
    if (this.#unsettled > 0 || this.#whenSettled === undefined) return;
    const waiting = this.#whenSettled;
    this.#whenSettled = undefined;
    for (const resolve of waiting) resolve();
  }

  get isSettled(): boolean {
    return this.#unsettled === 0;
  }

  settled(): Promise<void> {
    return this.isSettled ? Promise.resolve() : new Promise((resolve) => (this.#whenSettled ??= []).push(resolve));
  }

  /** Sends a number behind everything that is to be shown; resolves when it comes by, at once when it cannot be sent. */
  barrier(send: (number: number) => boolean): Promise<void> {
    const number = ++this.#minted;
    return new Promise((resolve) => {
      (this.#barriers ??= new Map()).set(number, resolve);
      if (!send(number)) this.pass(number);
    });
  }

  pass(number: number): void {
    this.#barriers?.get(number)?.();
    this.#barriers?.delete(number);
  }

  /** Nothing will be shown any more: nobody waits. */
  release(): void {
    for (const resolve of this.#barriers?.values() ?? []) resolve();
    this.#barriers = undefined;
  }
}
