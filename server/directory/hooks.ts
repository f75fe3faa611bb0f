/** Ordered, typed filters before something happens. */
import type { Elsewhere, HookPoints, Hooks, Verdicts } from '../contract/host.ts';
import type { Outcome } from '../model/outcome.ts';
import { accepted } from '../model/outcome.ts';

interface Filter<Point extends keyof HookPoints> {
  readonly order: number;
  readonly run: (subject: HookPoints[Point]) => Verdicts[Point];
}

export class HookChain implements Hooks {
  readonly #filters: { [Point in keyof HookPoints]: Filter<Point>[] } = { content: [], join: [], act: [], register: [] };

  filter<Point extends keyof HookPoints>(point: Point, order: number, run: (subject: HookPoints[Point]) => Verdicts[Point]): () => void {
    const filters: Filter<Point>[] = this.#filters[point];
    const filter = { order, run };
    const at = filters.findIndex((other) => other.order > order);
    filters.splice(at < 0 ? filters.length : at, 0, filter);
    return () => {
      const index = filters.indexOf(filter);
      if (index >= 0) filters.splice(index, 1);
    };
  }

  /** Whether there is any filter of that point. */
  has(point: keyof HookPoints): boolean {
    return this.#filters[point].length > 0;
  }

  /** Passes `subject` through all filters of a point; who takes it elsewhere is the last that it comes to. */
  run<Point extends keyof HookPoints>(
    point: Point,
    subject: HookPoints[Point],
  ): Outcome<HookPoints[Point]> | Extract<Verdicts[Point], Elsewhere<unknown>> {
    const filters: Filter<Point>[] = this.#filters[point];
    let current = subject;
    for (const filter of filters) {
      const verdict = filter.run(current);
      if ('refuse' in verdict) return { ok: false, refusal: verdict.refuse };
      if ('elsewhere' in verdict) return verdict as Extract<Verdicts[Point], Elsewhere<unknown>>;
      current = verdict.pass as HookPoints[Point];
    }
    return accepted(current);
  }
}
