/** Keeps whoever attacks from filling the log (threat class A18): of lines with one text so many a minute are written, and the rest as a number. */

import type { Clock } from '../contract/host.ts';

const minute = 60_000;
const mostAMinute = 50;
/** The texts are constant but for those of strangers' plugins. */
const mostTexts = 1_000;

export class Repetitions {
  /** Lines of each text in this minute. */
  readonly #counts = new Map<string, number>();
  readonly #clock: Clock;
  #counting = false;
  /** What is to be told at the end of the minute, by text. */
  readonly #left = new Map<string, (lines: number) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether a line of that text is written now. `tell` is called at the end of the minute with how many were not. */
  pass(text: string, tell: (lines: number) => void): boolean {
    const count = (this.#counts.get(text) ?? 0) + 1;
    if (count === 1 && this.#counts.size >= mostTexts) return true;
    this.#counts.set(text, count);
    if (!this.#counting) this.#clock.after(minute, () => this.#end());
    this.#counting = true;
    if (count <= mostAMinute) return true;
    this.#left.set(text, tell);
    return false;
  }

  #end(): void {
    this.#counting = false;
    const left = [...this.#left].map(([text, tell]) => ({ tell, lines: (this.#counts.get(text) ?? 0) - mostAMinute }));
    this.#left.clear();
    this.#counts.clear();
    for (const { tell, lines } of left) tell(lines);
  }
}
